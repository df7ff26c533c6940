"""A bank's statement: what is written is read again, and everything else is refused by its line."""

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import words
from hongbao.domain import bank_statement
from hongbao.domain.bank_statement import Header, Seal, heading, read, seal, signed, write
from hongbao.domain.reconciliation import LineStatus, TheirLine
from hongbao.errors import InvalidBankStatement, UsageError, recall
from hongbao.units import from_micros, to_micros
from tests.every import every

DAY = date(2026, 2, 16)
EVENING = datetime(2026, 2, 16, 12, tzinfo=UTC)
NIGHT = datetime(2026, 2, 16, 17, tzinfo=UTC)
LINES = [
    TheirLine("ICBC-000012", "NU20260216000001", "debit", 10000, "BOOK", EVENING),
    TheirLine("ICBC-000014", "NU20260216000002", "credit", 5, "BOOK", EVENING),
    TheirLine("ICBC-000019", "NU20260216000002", "debit", 5, "CORR", NIGHT),
    TheirLine("ICBC-000013", "UP20260216000001", "debit", 700, "RVRS", EVENING),
]
HEADER = Header("icbc", "ICBC-20260216", DAY, NIGHT, 4, 5, 10705)
FILE = """\
Svcr,icbc
Id,ICBC-20260216
FrToDt,2026-02-16
CreDtTm,2026-02-17T01:00:00+08:00
NbOfNtries,4
TtlCdtNtries,0.05
TtlDbtNtries,107.05
AcctSvcrRef,EndToEndId,CdtDbtInd,Amt,Ccy,Sts,BookgDt
ICBC-000012,NU20260216000001,DBIT,100.00,CNY,BOOK,2026-02-16T20:00:00+08:00
ICBC-000014,NU20260216000002,CRDT,0.05,CNY,BOOK,2026-02-16T20:00:00+08:00
ICBC-000019,NU20260216000002,DBIT,0.05,CNY,CORR,2026-02-17T01:00:00+08:00
ICBC-000013,UP20260216000001,DBIT,7.00,CNY,RVRS,2026-02-16T20:00:00+08:00
"""
SIGNED = FILE + f"Sgntr,{'A' * 86}==\n"

instants = st.integers(to_micros(datetime(2000, 1, 2, tzinfo=UTC)), to_micros(EVENING)).map(
    from_micros
)
ids = st.text("ABCZ019-", min_size=1, max_size=35).filter(lambda text: text[0] != "-")
their_lines = st.lists(
    st.builds(
        TheirLine,
        ids,
        ids,
        st.sampled_from(["debit", "credit"]),
        st.integers(1, 10**15),
        st.sampled_from([str(status) for status in LineStatus]),
        instants,
    )
).map(lambda lines: sorted(lines, key=lambda line: line.message))


def cut(text: str) -> list[str]:
    """Lines as a file gives them that was opened with ``newline="\\n"``."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def everything(text: str) -> tuple[Header, list[TheirLine]]:
    header, lines = read(cut(text))
    return header, [*lines]


def nobodys(digest: bytes) -> bytes:
    """A signature of the right form that is worth nothing."""
    return bytes(64)


# --- what is written -----------------------------------------------------------------------------


def test_a_statement_looks_like_this():
    """
    Preamble, columns, entries, signature: byte for byte.
    """
    assert FILE == "".join(write(HEADER, LINES))
    assert SIGNED == "".join(signed(write(HEADER, LINES), nobodys))
    assert HEADER == heading("icbc", "ICBC-20260216", DAY, NIGHT, LINES)
    assert (HEADER, LINES) == everything(SIGNED)


@given(their_lines, instants, st.dates(date(2000, 1, 1), date(2199, 12, 31)))
def test_what_is_written_is_read_again(lines, created_at, day):
    """
    Any entries, in the order of their messages; none at all is a statement too.
    """
    header = heading("cmb", "CMB-1", day, created_at, lines)

    text = "".join(signed(write(header, lines), nobodys))

    assert (header, lines) == everything(text)
    assert len(lines) == header.entry_count
    assert sum(line.amount_fen for line in lines) == header.credit_fen + header.debit_fen


@every(
    ("header", "lines"),
    [
        (HEADER._replace(entry_count=5), LINES),
        (HEADER._replace(credit_fen=6), LINES),
        (HEADER._replace(debit_fen=10706), LINES),
        (HEADER, LINES[:-1]),
        (HEADER, [LINES[1], LINES[0], *LINES[2:]]),
        (HEADER._replace(bank="icbc,"), LINES),
        (HEADER._replace(id=""), LINES),
        (HEADER, [LINES[0]._replace(reference="a,b"), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(reference="Sgntr"), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(message="\n"), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(direction="DBIT"), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(status="INFO"), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(amount_fen=0), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(amount_fen=-1), *LINES[1:]]),
        (HEADER, [LINES[0]._replace(at=datetime(1999, 1, 1, tzinfo=UTC)), *LINES[1:]]),
    ],
)
def test_what_could_not_be_read_again_is_not_written(header, lines):
    """
    It is our own mistake, and it ends the file before anybody signs it.
    """
    signatures = []

    def sign(digest: bytes) -> bytes:
        signatures.append(digest)
        return bytes(64)

    with pytest.raises(ValueError, match=r"."):
        "".join(signed(write(header, lines), sign))

    assert [] == signatures


# --- what is read --------------------------------------------------------------------------------

COLUMNS_LINE = "AcctSvcrRef,EndToEndId,CdtDbtInd,Amt,Ccy,Sts,BookgDt"
FIRST_ENTRY = cut(FILE)[8].rstrip("\n")
REFUSED = [
    # the preamble
    ("Svcr,icbc\n", "", 1, "not_key"),
    ("Svcr,icbc", "\ufeffSvcr,icbc", 1, "not_key"),
    ("Svcr,icbc", "Svcr;icbc", 1, "not_key"),
    ("Svcr,icbc", "Svcr", 1, "not_key"),
    ("Svcr,icbc", "Svcr,ICBC", 1, "bad_value"),
    ("Svcr,icbc", 'Svcr,"icbc"', 1, "bad_value"),
    ("Svcr,icbc", "Svcr,icbc,", 1, "bad_value"),
    ("Svcr,icbc", "Svcr,ic\x00bc", 1, "bad_value"),
    ("Id,ICBC-20260216", "Id,", 2, "bad_value"),
    ("Id,ICBC-20260216", "Id,=1+1", 2, "bad_value"),
    ("Id,ICBC-20260216", f"Id,{'A' * 36}", 2, "bad_value"),
    ("Id,ICBC-20260216", "Id,工商银行", 2, "bad_value"),
    ("Id,ICBC-20260216\nFrToDt,2026-02-16", "FrToDt,2026-02-16\nId,ICBC-20260216", 2, "not_key"),
    ("FrToDt,2026-02-16", "FrToDt,2026-02-30", 3, "bad_value"),
    ("FrToDt,2026-02-16", "FrToDt,20260216", 3, "bad_value"),
    ("FrToDt,2026-02-16", "FrToDt,1026-02-16", 3, "bad_value"),
    ("17T01:00:00+08:00\nNb", "17T01:00:00\nNb", 4, "bad_value"),
    ("17T01:00:00+08:00\nNb", "16T17:00:00Z\nNb", 4, "bad_value"),
    ("17T01:00:00+08:00\nNb", "16T17:00:00+00:00\nNb", 4, "bad_value"),
    ("17T01:00:00+08:00\nNb", "17T01:00:00.000000+08:00\nNb", 4, "bad_value"),
    ("17T01:00:00+08:00\nNb", "17T25:00:00+08:00\nNb", 4, "bad_value"),
    ("NbOfNtries,4", "NbOfNtries,04", 5, "bad_value"),
    ("NbOfNtries,4", "NbOfNtries,-4", 5, "bad_value"),
    ("NbOfNtries,4", "NbOfNtries,４", 5, "bad_value"),
    ("NbOfNtries,4", "NbOfNtries,5", 5, "count"),
    ("NbOfNtries,4", "NbOfNtries,3", 5, "count"),
    ("NbOfNtries,4", f"NbOfNtries,{'9' * 5000}", 5, "bad_value"),
    ("TtlCdtNtries,0.05", "TtlCdtNtries,0.5", 6, "bad_value"),
    ("TtlCdtNtries,0.05", "TtlCdtNtries,0.06", 6, "sum"),
    ("TtlDbtNtries,107.05", "TtlDbtNtries,107,05", 7, "bad_value"),
    ("TtlDbtNtries,107.05", "TtlDbtNtries,100.05", 7, "sum"),
    # columns of somebody else's
    (COLUMNS_LINE, COLUMNS_LINE.lower(), 8, "columns"),
    (COLUMNS_LINE, f"{COLUMNS_LINE},Note", 8, "columns"),
    (COLUMNS_LINE, COLUMNS_LINE.replace(",Ccy", ""), 8, "columns"),
    (COLUMNS_LINE, COLUMNS_LINE.replace("Amt,Ccy", "Ccy,Amt"), 8, "columns"),
    (f"{COLUMNS_LINE}\n", "", 8, "columns"),
    # entries
    (FIRST_ENTRY, "", 9, "fields"),
    (FIRST_ENTRY, f"{FIRST_ENTRY},", 9, "fields"),
    (FIRST_ENTRY, FIRST_ENTRY.replace("CNY,", ""), 9, "fields"),
    ("ICBC-000012", "", 9, "bad_value"),
    ("ICBC-000012", "@ICBC", 9, "bad_value"),
    ("ICBC-000012", "\udcff", 9, "bad_value"),
    ("NU20260216000001", "nu20260216000001", 9, "bad_value"),
    ("NU20260216000001", " NU20260216000001", 9, "bad_value"),
    ("000001,DBIT", "000001,debit", 9, "bad_value"),
    ("000001,DBIT", "000001,", 9, "bad_value"),
    (",100.00,", ",100,", 9, "bad_value"),
    (",100.00,", ",100.000,", 9, "bad_value"),
    (",100.00,", ",+100.00,", 9, "bad_value"),
    (",100.00,", ",-100.00,", 9, "bad_value"),
    (",100.00,", ",0100.00,", 9, "bad_value"),
    (",100.00,", ",0.00,", 9, "bad_value"),
    (",100.00,", ",1e2,", 9, "bad_value"),
    (",100.00,", ",１00.00,", 9, "bad_value"),
    ("100.00,CNY", "100.00,USD", 9, "bad_value"),
    ("CNY,BOOK", "CNY,INFO", 9, "bad_value"),
    ("2026-02-16T20:00:00+08:00\nICBC-000014", "2026-02-16\nICBC-000014", 9, "bad_value"),
    (",0.05,CNY,BOOK", ",0.06,CNY,BOOK", 6, "sum"),
    ("NU20260216000001", "NU20260216000003", 10, "order"),
    (f"{FIRST_ENTRY}\n", "", 5, "count"),
    (f"{FIRST_ENTRY}\n", f"{FIRST_ENTRY}\n{FIRST_ENTRY}\n", 5, "count"),
    # the end
    ("Sgntr,", "Sgntr;", 13, "fields"),
    ("Sgntr,AA", "Sgntr,A", 13, "bad_value"),
    ("Sgntr,AA", "Sgntr,A\u00e9", 13, "bad_value"),
    ("A==", "B==", 13, "bad_value"),  # another spelling of the same 64 bytes
    ("A==", "A", 13, "bad_value"),
    ("A==", "AAA", 13, "bad_value"),
    ("A==\n", "A==\nICBC\n", 14, "after_end"),
    ("A==\n", "A==\n\n", 14, "after_end"),
    # line ends
    ("Svcr,icbc\n", "Svcr,icbc\r\n", 1, "line_end"),
    ("BOOK,2026-02-16T20:00:00+08:00\nICBC-000014", "BOOK\r\nICBC-000014", 9, "line_end"),
    ("A==\n", "A==", 13, "line_end"),
]


@every(("before", "after", "line", "problem"), REFUSED)
def test_what_is_malformed_is_named_by_its_line(before, after, line, problem):
    """
    One thing wrong with a good statement: the line and the problem, in both languages.
    """
    text = SIGNED.replace(before, after, 1)
    assert text != SIGNED

    with pytest.raises(InvalidBankStatement) as caught:
        everything(text)

    error = caught.value
    assert (line, problem) == (error.facts["line"], error.facts["problem"])
    assert f"bank statement, line {line}: " in str(error)
    assert str(error) == error.message == str(recall(error.as_dict()))
    assert len(str(error)) < 200
    assert str(error).isprintable()
    words.use_language("zh_CN")
    assert f"第{line}行：" in error.message
    assert error.message.isprintable()


@every("length", range(13))
def test_a_statement_that_is_cut_short_says_what_is_missing(length):
    """
    At any line: the preamble's next key, the columns, or the signature.
    """
    kept = cut(SIGNED)[:length]

    with pytest.raises(InvalidBankStatement) as caught:
        [*read(kept)[1]]

    due = [*bank_statement.PREAMBLE, COLUMNS_LINE]
    expected = due[length] if length < len(due) else "Sgntr"
    assert (length + 1, "cut_short") == (caught.value.facts["line"], caught.value.facts["problem"])
    assert expected == caught.value.facts["key"]


@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255).map(chr) | st.just(""))
def test_no_other_spelling_of_a_statement_is_read(at, character):
    """
    One character replaced or taken out: refused, or a statement that says something else and is
    written exactly so.
    """
    text = SIGNED[:at] + character + SIGNED[at + 1 :]

    try:
        header, lines = everything(text)
    except InvalidBankStatement:
        return
    again = "".join(write(header, lines))

    assert again == text[: len(again)]
    assert text[len(again) :].startswith("Sgntr,")


def test_it_is_a_usage_error():
    """
    Exit code 2, and a code that programs know.
    """
    error = InvalidBankStatement(line=9, problem="after_end")

    assert isinstance(error, UsageError)
    assert ("invalid_bank_statement", 2) == (error.code, error.exit_code)


# --- the signature -------------------------------------------------------------------------------


@given(their_lines)
def test_what_is_signed_is_every_byte_before_the_signature(lines):
    """
    Its SHA-256, as `sha256sum` computes it of the file without its last line.
    """
    signatures = []

    def sign(digest: bytes) -> bytes:
        signatures.append(digest)
        return digest + digest

    header = heading("ccb", "CCB-1", DAY, NIGHT, lines)
    text = "".join(signed(write(header, lines), sign))

    body = "".join(cut(text)[:-1]).encode()
    assert [sha256(body).digest()] == signatures
    assert Seal("ccb", signatures[0], 2 * signatures[0]) == seal(cut(text))


@given(st.integers(0, len(FILE) - 1), st.integers(0, 127).map(chr))
def test_any_character_changed_changes_what_must_have_been_signed(at, character):
    """
    Also one that `read` would not notice: an amount together with its sum, a time, a reference.
    """
    text = FILE[:at] + character + SIGNED[at + 1 :]

    try:
        found = seal(cut(text))
    except InvalidBankStatement:  # its first line, or a line end
        assert text != SIGNED
        return

    assert (text == SIGNED) == (found == seal(cut(SIGNED)))


@every(
    ("text", "line", "problem"),
    [
        ("", 1, "cut_short"),
        ("Svcr,icbc\n", 1, "not_key"),
        ("Id,ICBC\nSgntr,\n", 1, "not_key"),
        ("Svcr,icbc\nSgntr,\n", 2, "bad_value"),
        (FILE, 12, "not_key"),
        (SIGNED + "\n", 14, "not_key"),
        (SIGNED[:-1], 13, "line_end"),
    ],
)
def test_what_carries_no_signature_is_refused(text, line, problem):
    """
    Cut short, followed by more, or never signed.
    """
    with pytest.raises(InvalidBankStatement) as caught:
        seal(cut(text))

    assert (line, problem) == (caught.value.facts["line"], caught.value.facts["problem"])


def test_a_foreign_byte_is_part_of_what_is_signed(tmp_path):
    """
    A file that is not UTF-8 is refused with its line, not with a traceback.
    """
    path = tmp_path / "icbc.csv"
    content = SIGNED.replace("ICBC-000014", "ICBC-\xff").encode("latin-1")
    path.write_bytes(content)

    with path.open(encoding="utf-8", newline="\n", errors="surrogateescape") as file:
        assert sha256(content[: content.index(b"Sgntr")]).digest() == seal(file).digest
        file.seek(0)
        with pytest.raises(InvalidBankStatement) as caught:
            [*read(file)[1]]

    assert 10 == caught.value.facts["line"]


# --- memory --------------------------------------------------------------------------------------


def test_a_statement_of_any_length_takes_the_memory_of_a_line():
    """
    Two thousand entries, 200 kB, are written, signed, sealed and read within 50 kB.
    """
    count = 2_000

    def many() -> Iterator[TheirLine]:
        for number in range(count):
            message = f"NU20260216{number:06d}"
            at = EVENING + timedelta(seconds=number)
            yield TheirLine(f"ICBC-{number:06d}", message, "debit", 1, "BOOK", at)

    header = HEADER._replace(entry_count=count, credit_fen=0, debit_fen=count)
    read(signed(write(HEADER, LINES), nobodys))  # what is made once is not the statement's
    gc.collect()
    tracemalloc.start()
    try:
        found = seal(signed(write(header, many()), nobodys))
        entries = read(signed(write(header, many()), nobodys))[1]
        total_fen = sum(line.amount_fen for line in entries)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "icbc" == found.bank
    assert count == total_fen
    assert peak < 50_000


# --- all that a refusal says ----------------------------------------------------------------------


@every(
    ("before", "after", "facts"),
    [
        ("Svcr,", "Bank,", {"line": 1, "problem": "not_key", "key": "Svcr"}),
        ("NbOfNtries,4", "NbOfNtries;4", {"line": 5, "problem": "not_key", "key": "NbOfNtries"}),
        (
            *("FrToDt,2026-02-16", "FrToDt,2026-02-30"),
            {"line": 3, "problem": "bad_value", "key": "FrToDt", "text": "'2026-02-30'"},
        ),
        (
            *("NbOfNtries,4", "NbOfNtries,5"),
            {"line": 5, "problem": "count", "key": "NbOfNtries", "count": 5, "found": 4},
        ),
        (
            *("TtlCdtNtries,0.05", "TtlCdtNtries,0.06"),
            {
                "line": 6,
                "problem": "sum",
                "key": "TtlCdtNtries",
                "sum_fen": 6,
                "found_fen": 5,
            },
        ),
        (
            *("TtlDbtNtries,107.05", "TtlDbtNtries,107.06"),
            {
                "line": 7,
                "problem": "sum",
                "key": "TtlDbtNtries",
                "sum_fen": 107_06,
                "found_fen": 107_05,
            },
        ),
        (
            *("AcctSvcrRef,EndToEndId", "EndToEndId,AcctSvcrRef"),
            {
                "line": 8,
                "problem": "columns",
                "known": "AcctSvcrRef,EndToEndId,CdtDbtInd,Amt,Ccy,Sts,BookgDt",
            },
        ),
        (
            *(",DBIT,100.00,CNY", ",DBIT,100.00"),
            {"line": 9, "problem": "fields", "count": 7, "found": 6},
        ),
        (
            *("DBIT,100.00,CNY", "DBIT,100.00,USD"),
            {"line": 9, "problem": "bad_value", "key": "Ccy", "text": "'USD'"},
        ),
        (
            *("CRDT,0.05,CNY,BOOK", "CRDT,0.05,CNY,BACK"),
            {"line": 10, "problem": "bad_value", "key": "Sts", "text": "'BACK'"},
        ),
        (
            *("NU20260216000001", "NU20260216000003"),
            {"line": 10, "problem": "order", "text": "NU20260216000002"},
        ),
        ("Sgntr,", "Sgntr;", {"line": 13, "problem": "fields", "count": 7, "found": 1}),
        (
            *("AA==\n", "AA=\n"),
            {"line": 13, "problem": "bad_value", "key": "Sgntr", "text": "'" + "A" * 39 + "…'"},
        ),
        ("AA==\n", "AA==\n\n", {"line": 14, "problem": "after_end"}),
        ("Id,ICBC-20260216\n", "Id,ICBC-20260216\r\n", {"line": 2, "problem": "line_end"}),
    ],
)
def test_a_refusal_names_line_and_key_and_what_was_found(before, after, facts):
    """
    The line of the preamble where that is what does not fit.
    """
    with pytest.raises(InvalidBankStatement) as refused:
        everything(SIGNED.replace(before, after, 1))

    assert facts == refused.value.facts


@every(
    ("text", "facts"),
    [
        ("", {"line": 1, "problem": "cut_short", "key": "Svcr"}),
        ("Id,icbc\n", {"line": 1, "problem": "not_key", "key": "Svcr"}),
        ("Svcr,ICBC\n", {"line": 1, "problem": "bad_value", "key": "Svcr", "text": "'ICBC'"}),
        ("Svcr,icbc\n", {"line": 1, "problem": "not_key", "key": "Sgntr"}),
        ("Svcr,icbc\nx\n", {"line": 2, "problem": "not_key", "key": "Sgntr"}),
        (FILE + "Sgntr,\n", {"line": 13, "problem": "bad_value", "key": "Sgntr", "text": "''"}),
    ],
)
def test_a_seal_that_is_none_says_what_is_missing(text, facts):
    """
    The bank in the first line and the signature in the last.
    """
    with pytest.raises(InvalidBankStatement) as refused:
        seal(cut(text))

    assert facts == refused.value.facts


@every(
    "text", ["A" * 86 + "==", "A" * 43 + " " + "A" * 43 + "==", "A" * 86 + "== ", "A" * 85 + "B=="]
)
def test_a_signature_has_one_spelling(text):
    """
    Of sixty-four bytes: without spaces, and with no bit that nothing is made of.
    """
    whole = FILE + f"Sgntr,{text}\n"

    if text == "A" * 86 + "==":
        assert bytes(64) == seal(cut(whole)).signature
    else:
        with pytest.raises(InvalidBankStatement, match="line 13"):
            seal(cut(whole))


@every(
    ("lines", "says"),
    [
        ([LINES[0], LINES[1], LINES[0]], "line 11: "),
        ([LINES[0]._replace(reference="a,b")], "line 9: "),
        ([LINES[0], LINES[1]._replace(message="x")], "line 10: "),
    ],
)
def test_what_is_not_written_is_told_by_its_line(lines, says):
    """
    To the programmer whose mistake it is.
    """
    with pytest.raises(ValueError, match=says):
        [*write(HEADER, lines)]


def test_sums_are_of_all_entries_and_moments_are_in_utc():
    """
    Of each direction its own.
    """
    header = heading("icbc", "ICBC-1", DAY, NIGHT, [*LINES, *LINES])

    assert (8, 10, 21410) == header[4:]
    read_header, lines = everything(SIGNED)
    assert {UTC} == {read_header.created_at.tzinfo, *(line.at.tzinfo for line in lines)}
    assert all(line.at.tzinfo is UTC for line in lines)
