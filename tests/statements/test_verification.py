"""Signatures: every kind of change is told from every other, by a key or with the ledger."""

import os
import random
import re
import shutil
import tracemalloc
import zipfile
from datetime import datetime, timedelta

import pytest
from openpyxl import load_workbook

from hongbao import errors, statements
from hongbao.domain.policy import parse_policy
from hongbao.env import Env
from hongbao.policies import text_of
from hongbao.statements import _sheets
from hongbao.statements._proofs.verification import Judge, refusal
from hongbao.units import CHINA
from hongbao.wallet import Wallet
from tests.statements.conftest import BEGUN_AT, PEOPLE, Home, fill, pin
from tests.statements.test_formats import statement
from tests.vault.processes import killed_at

WORKBOOKS = [name for name in statements.FORMATS if ".xlsx" in statements.endings(name)]
PDF = [name for name in statements.FORMATS if ".pdf" in statements.endings(name)]
LINES = [name for name in statements.FORMATS if name not in (*WORKBOOKS, *PDF)]
INSIDE = [name for name in statements.FORMATS if statements.signature_place(name)]
SENT = 66.66
BESIDE = [name for name in statements.FORMATS if name not in INSIDE]


def exported(home, folder, format_name, name=PEOPLE[0], **asked):
    """Return the file of a statement of *name*'s, signed."""
    path = folder / f"a{statements.endings(format_name)[0]}"
    with home.desk(name) as desk, desk.statement(**asked) as opened:
        statements.save(opened, format_name, path, True)
    return path


def judged(path, home=None, *keys, signature=None):
    """Return what is said of *path* by whoever has *home* and *keys*."""
    if home is None:
        return Judge(None, frozenset(keys)).judge(path, signature)
    with home.desk() as desk:
        return Judge(desk, frozenset(keys)).judge(path, signature)


def key_of(home, name=PEOPLE[0]):
    with home.desk(name) as desk:
        return bytes.fromhex(desk.public_keys()["public_key"])


# --- genuine --------------------------------------------------------------------------------------


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_a_statement_is_genuine_until_a_byte_of_it_is_another(lived, tmp_path, format_name):
    """
    Here, and for whoever has only the key. Of some fifty bytes in it, none can be changed.
    """
    path = exported(lived, tmp_path, format_name)
    content = path.read_bytes()
    dice = random.Random(format_name)

    told = judged(path, lived)
    elsewhere = judged(path, None, key_of(lived))

    assert ("genuine", "home", True) == (told["verdict"], told["known_by"], told["with_ledger"])
    assert ("genuine", "key", False) == (
        *(elsewhere["verdict"], elsewhere["known_by"], elsewhere["with_ledger"]),
    )
    assert refusal(told) is None
    for place in dice.sample(range(len(content)), 50):
        changed = bytearray(content)
        changed[place] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        try:
            verdict = judged(path, None, key_of_file(content, path))["verdict"]
        except (errors.NotSigned, errors.SignatureMissing):
            continue
        assert verdict in ("file_edited", "unknown_signer", "cut_short")


def key_of_file(content, path):
    """Return the key that the statement was signed by before it was changed."""
    beside = statements.signature_file(path)
    whole = content if not beside.exists() else beside.read_bytes()
    found = re.findall(rb'"public_key": "([0-9a-f]{64})"', whole)
    return bytes.fromhex(found[-1].decode())


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_any_life_can_be_proved(a_life, tmp_path, format_name, masked):
    """
    Whatever people typed, and also where that is masked.
    """
    path = exported(a_life, tmp_path, format_name, masked=masked)

    assert "genuine" == judged(path, a_life)["verdict"]


@pytest.mark.parametrize("name", PEOPLE)
def test_whoever_of_a_home_has_signed_is_told(a_life, tmp_path, name):
    """
    One desk knows the keys of all its profiles, and each has its own.
    """
    path = exported(a_life, tmp_path, "json", name)

    told = judged(path, a_life)

    assert ("genuine", name) == (told["verdict"], told["profile"])
    assert 3 == len({key_of(a_life, each) for each in PEOPLE})


def test_a_whole_statement_in_full_is_genuine(lived, tmp_path):
    """
    What it says of its holder is signed, and is not written again without the PIN.
    """
    path = exported(lived, tmp_path, "json", full=pin)

    genuine = judged(path, lived)
    path.write_bytes(path.read_bytes().replace(b"-6666", b"-6667"))
    edited = judged(path, lived)

    assert "genuine" == genuine["verdict"]
    assert ("file_edited", False) == (edited["verdict"], "line" in edited)


# --- edited ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", LINES)
def test_one_fen_is_found_and_shown(lived, tmp_path, format_name):
    """
    The line, as it was and as it is.
    """
    path = exported(lived, tmp_path, format_name)
    content = path.read_bytes()
    place = content.index(b"66.66") + 4 if b"66.66" in content else content.index(b"6666") + 3
    path.write_bytes(content[:place] + b"7" + content[place + 1 :])

    told = judged(path, lived)

    assert ("file_edited", "content") == (told["verdict"], told["how"])
    number = content[:place].count(b"\n") + 1
    assert number == told["line"]
    assert told["line_signed"] == content.split(b"\n")[number - 1].decode("utf-8-sig").rstrip("\r")
    was, now = (re.sub(r"66\.?6[67]", "", told[each]) for each in ("line_signed", "line_found"))
    assert was == now
    assert told["line_signed"] != told["line_found"]


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_one_fen_in_a_workbook_is_found_and_shown(lived, tmp_path, format_name):
    """
    Saving it anew changes every byte, and nothing of what it says: both are told apart.
    """
    path = exported(lived, tmp_path, format_name)
    book = load_workbook(path)
    book.save(path)
    saved = judged(path, lived)
    cell = next(
        cell
        for row in book.worksheets[0].iter_rows()
        for cell in row
        if abs(_number(cell)) == 66.66
    )
    cell.value = -66.67 if cell.value < 0 else 66.67
    book.save(path)

    told = judged(path, lived)

    assert ("file_edited", "saved_anew") == (saved["verdict"], saved["how"])
    assert ("file_edited", "content") == (told["verdict"], told["how"])
    assert "66.66" in told["line_signed"]
    assert "66.67" in told["line_found"]


def _number(cell):
    return cell.value if isinstance(cell.value, int | float) else 0


@pytest.mark.parametrize("format_name", PDF)
def test_a_pdf_that_was_changed_is_edited(lived, tmp_path, format_name):
    """
    Where in it, nobody could see.
    """
    path = exported(lived, tmp_path, format_name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    assert "file_edited" == judged(path, lived)["verdict"]


@pytest.mark.parametrize("format_name", LINES)
def test_another_programs_line_ends_are_told_as_such(lived, tmp_path, format_name):
    """
    No fact has changed, but the bytes are not those that were signed.
    """
    path = exported(lived, tmp_path, format_name)
    content = path.read_bytes()
    is_dos = b"\r\n" in content
    path.write_bytes(content.replace(b"\r\n", b"\n") if is_dos else content.replace(b"\n", b"\r\n"))

    told = judged(path, lived)

    assert ("file_edited", "line_ends") == (told["verdict"], told["how"])


@pytest.mark.in_turn(2, 1)
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_what_stands_behind_is_no_part_of_it(lived, tmp_path, format_name):
    """
    Not a byte, and not a megabyte, behind which the signature would not be looked for at the end.
    """
    path = exported(lived, tmp_path, format_name)
    content = path.read_bytes()
    for more in (b"\n", b"x" * 1_000_000):
        path.write_bytes(content + more)

        told = judged(path, lived)

        assert ("file_edited", "behind") == (told["verdict"], told["how"])


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_what_a_signature_says_cannot_be_changed(lived, tmp_path, format_name):
    """
    A closing balance that fits a statement edited to match it is not what was signed.
    """
    path = exported(lived, tmp_path, format_name)
    where = statements.signature_file(path) if format_name in BESIDE else path
    whole = where.read_bytes()
    start = whole.rindex(b'"closing_fen": ') + len(b'"closing_fen": ')
    where.write_bytes(whole[:start] + b"9" + whole[start:])

    told = judged(path, lived)

    assert ("file_edited", "signature") == (told["verdict"], told["how"])
    assert told["signed"] is None  # nobody has signed what it says


def test_a_reformatted_document_is_edited(lived, tmp_path):
    """
    The signature is found wherever it has gone to, and fits no more.
    """
    path = exported(lived, tmp_path, "json")
    path.write_bytes(path.read_bytes().replace(b", ", b",  "))

    assert "file_edited" == judged(path, lived)["verdict"]


# --- rows missing, cut short ----------------------------------------------------------------------


@pytest.mark.parametrize("format_name", LINES)
def test_a_row_that_is_missing_is_named(a_life, tmp_path, format_name):
    """
    By its movement's id where its line has it.
    """
    path = exported(a_life, tmp_path, format_name)
    lines = path.read_bytes().splitlines(keepends=True)
    with a_life.desk() as desk, desk.statement() as opened:
        second = [line for line in opened.lines if line["amount_fen"]][1]
    named = (second["id"][2:], f'<td class="r">{second["entry"]}</td>')
    row = next(
        place for place, line in enumerate(lines) if any(name.encode() in line for name in named)
    )
    path.write_bytes(b"".join(lines[:row] + lines[row + 1 :]))

    told = judged(path, a_life)

    assert ("rows_missing", 1) == (told["verdict"], told["missing_count"])
    assert any(name in told["missing"][0] for name in (second["id"][2:], f"{second['entry']} 2026"))


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_a_row_that_is_missing_in_a_workbook_is_told(lived, tmp_path, format_name):
    """
    The rows below it have moved up, and are what they were.
    """
    path = exported(lived, tmp_path, format_name)
    book = load_workbook(path)
    sheet = book.worksheets[0]
    for merged in [*sheet.merged_cells.ranges]:
        sheet.unmerge_cells(str(merged))
    row = next(
        row for row in sheet.iter_rows() if any(_number(cell) in (66.66, -66.66) for cell in row)
    )
    sheet.delete_rows(row[0].row)
    book.save(path)

    told = judged(path, lived)

    assert ("rows_missing", 1) == (told["verdict"], told["missing_count"])


@pytest.mark.in_turn(2, 1)
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_a_cut_file_is_cut_short(lived, tmp_path, format_name):
    """
    Wherever it was cut: through a line, at its end, through the signature, by one byte.
    """
    path = exported(lived, tmp_path, format_name)
    content = path.read_bytes()
    dice = random.Random(format_name)
    at_line_end = content.index(b"\n", len(content) // 2) + 1
    some = 1 if format_name in PDF else 10  # making one anew takes a second
    places = {len(content) - 1, at_line_end, *dice.sample(range(600, len(content)), some)}
    for place in sorted(places):
        path.write_bytes(content[:place])

        assert (place, "cut_short") == (place, judged(path, lived)["verdict"])


@pytest.mark.parametrize("format_name", BESIDE)
def test_a_torn_end_is_seen_without_the_ledger(lived, tmp_path, format_name):
    """
    By whoever has the key alone.
    """
    path = exported(lived, tmp_path, format_name)
    key = key_of(lived)
    path.write_bytes(path.read_bytes()[:-3])

    assert "cut_short" == judged(path, None, key)["verdict"]


# --- whose it is ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def strangers(tmp_path_factory):
    """A home of somebody else's, in which nothing has happened yet. Nobody may change it."""
    home = Home(tmp_path_factory.mktemp("strangers") / "home")
    env = Env(home.folder, lambda: BEGUN_AT, os.urandom, input, input, {})
    policy = parse_policy(text_of("standard"), "standard")
    Wallet.found(env, PEOPLE[0], pin=pin, policy=policy, clock=BEGUN_AT)[0].close()
    return home


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_another_homes_statement_is_somebody_elses(lived, strangers, tmp_path, format_name):
    """
    Although its profile has the same name, and although the key in it fits.
    """
    path = exported(strangers, tmp_path, format_name)

    here, there = judged(path, lived), judged(path, strangers)
    nowhere = judged(path)
    with_key = judged(path, lived, key_of(strangers))
    with_another = judged(path, None, key_of(lived))

    assert "genuine" == there["verdict"]
    assert ["unknown_signer"] * 3 == [each["verdict"] for each in (here, nowhere, with_another)]
    assert ("genuine", "key") == (with_key["verdict"], with_key["known_by"])


def test_a_signature_of_another_key_in_ones_name_is_not_believed(lived, strangers, tmp_path):
    """
    Whoever signs with a key of their own, and writes ours beside it, has not signed with ours.
    """
    path = exported(strangers, tmp_path, "json")
    theirs, ours = key_of(strangers).hex().encode(), key_of(lived).hex().encode()
    path.write_bytes(path.read_bytes().replace(theirs, ours))

    told = judged(path, lived)

    assert ("file_edited", "signature") == (told["verdict"], told["how"])


def test_after_a_rekey_old_statements_are_still_genuine(lived, tmp_path):
    """
    And what was signed before is told apart from nothing: the earlier keys are shown.
    """
    path = exported(lived, tmp_path, "csv")
    before = key_of(lived)
    with lived.desk() as desk:
        desk.rekey()

    told = judged(path, lived)
    with lived.desk() as desk:
        shown = desk.public_keys()

    assert "genuine" == told["verdict"]
    assert [before.hex()] == shown["earlier"]
    assert before.hex() != shown["public_key"]
    path.write_bytes(path.read_bytes().replace(b"66.66", b"66.67"))
    assert "line" in judged(path, lived)


# --- the ledger -----------------------------------------------------------------------------------


def test_a_statement_that_is_older_than_the_ledger_is_genuine(lived, tmp_path):
    """
    It says how many movements its period has had since; a period that is over has none.
    """
    with lived.desk() as desk:
        now = desk.now()
    path = exported(lived, tmp_path, "json")
    over = exported(lived, tmp_path, "csv", until=now + timedelta(seconds=1))
    with lived.desk() as desk:
        desk.advance_clock(timedelta(days=1))
        desk.topup(1_00, pin=pin)
        desk.topup(1_00, pin=pin)

    told, closed = judged(path, lived), judged(over, lived)

    assert "older" == told["verdict"]
    assert told["more"] >= 2
    assert refusal(told) is None
    assert ("genuine", 0) == (closed["verdict"], closed["more"])


def test_a_ledger_that_was_put_back_is_told(lived, tmp_path):
    """
    It ends before what was signed; and where it went on since, it has another history.
    """
    older = Home(tmp_path / "older")
    shutil.copytree(lived.folder, older.folder)
    with lived.desk() as desk:
        desk.topup(1_00, pin=pin)
    path = exported(lived, tmp_path, "json")

    put_back = judged(path, older)
    with older.desk() as desk:
        for _ in range(3):
            desk.topup(2_00, pin=pin)
    went_on = judged(path, older)

    assert "newer_than_ledger" == put_back["verdict"]
    assert put_back["last_entry"] < put_back["entry"]
    assert "other_history" == went_on["verdict"]
    refused = [refusal(each) for each in (put_back, went_on)]
    assert [19, 19] == [each and each.exit_code for each in refused]


def test_a_statement_of_nothing_is_genuine(home, tmp_path):
    """
    Before anything has moved.
    """
    long_ago = datetime(2020, 1, 1, tzinfo=CHINA)
    path = exported(home, tmp_path, "json", until=long_ago)

    told = judged(path, home)

    assert ("genuine", 0) == (told["verdict"], told["entry"])


# --- hostile files --------------------------------------------------------------------------------

BLOCK = b'{"schema": "hongbao/signature@1"'
HOSTILE_FILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 300,
    "no text": b"hongbao \xff\xfe\x80" + BLOCK + b"\xff\xff",
    "half": b"hongbao\n" + BLOCK,
    "deep": b"hongbao\n" + BLOCK + b', "x": ' + b"[" * 200_000,
    "deep and closed": b"hongbao\n" + BLOCK + b', "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n",
    "megabytes": b"hongbao\n" + BLOCK + b', "x": "' + b"y" * 3_000_000 + b'"}\n',
    "no number": b"hongbao\n" + BLOCK + b', "bytes": NaN}\n',
    "a float": b"hongbao\n" + BLOCK + b', "bytes": 1e999}\n',
    "long number": b"hongbao\n" + BLOCK + b', "bytes": ' + b"9" * 50_000 + b"}\n",
    "surrogate": b"hongbao\n" + BLOCK + b', "profile": "\\ud800"}\n',
    "nulls": b"hongbao\n" + BLOCK + b', "head": null, "bytes": null}\n',
    "many": (b"hongbao\n" + BLOCK + b"}\n") * 5_000,
    "archive": b"PK\x03\x04hongbao" + b"\0" * 4_000,
    "receipt": b"HBR1|" + b"|" * 60_000,
    "receipt's document": b'{"schema": "hongbao/receipt@1", "receipt": ["HBR1|"]}',
    "receipt, deep": b'{"receipt": "HBR1|", "x": ' + b"[" * 40_000,
    "receipt's picture": b"<svg><desc>HBR1|" + b"%" * 1_000,
}


@pytest.mark.parametrize("ending", [".json", ".csv", ".xlsx", ".pdf", ".txt"])
@pytest.mark.parametrize("content", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_no_file_is_too_hostile(tmp_path, content, ending, monkeypatch):
    """
    It is refused, or is not genuine; nothing else happens, in little memory.
    """
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        told = judged(path)
    except (errors.NotSigned, errors.SignatureMissing):
        pass
    else:
        assert told["verdict"] not in ("genuine", "older")
        assert refusal(told) is not None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 16_000_000


@pytest.mark.parametrize("content", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_no_signature_is_too_hostile(lived, tmp_path, content):
    """
    Beside a real statement.
    """
    path = exported(lived, tmp_path, "csv")
    beside = statements.signature_file(path)
    real = beside.read_bytes()
    for whole in (content, content.removeprefix(b"hongbao\n"), real[:-2] + content):
        beside.write_bytes(whole)

        with pytest.raises(errors.InvalidSignature):
            judged(path, lived)


@pytest.mark.parametrize("place", ["a folder", "a pipe", "/dev/zero", "nowhere", "a\0b", "x" * 300])
def test_what_is_no_file_is_not_read(tmp_path, place):
    """
    A pipe that nobody writes to would be waited for; a device never ends.
    """
    (tmp_path / "a folder").mkdir()
    os.mkfifo(tmp_path / "a pipe")

    with pytest.raises(errors.FileNotReadable):
        judged(tmp_path / place)


def test_a_workbook_that_unpacks_to_too_much_is_only_edited(lived, tmp_path, monkeypatch):
    """
    It is not unpacked.
    """
    path = exported(lived, tmp_path, "xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b" " * 3_000_000)
    monkeypatch.setattr(_sheets, "UNPACKED_MAX_BYTES", 2_000_000)
    monkeypatch.setattr(_sheets.Workbook, "_pieces", lambda *_: pytest.fail("it was unpacked"))

    told = judged(path, lived)

    assert ("file_edited", False) == (told["verdict"], "line" in told)


@pytest.mark.parametrize("format_name", INSIDE)
def test_what_it_looks_like_is_not_what_it_is(tmp_path, format_name):
    """
    A file with the ending of a format and nothing of a statement is not signed.
    """
    path = tmp_path / f"a{statements.endings(format_name)[0]}"
    path.write_bytes(b'{"shopping": ["eggs"]}\n')

    with pytest.raises(errors.NotSigned):
        judged(path)


def test_a_signature_that_is_missing_is_asked_for(lived, tmp_path):
    """
    By its name; and it may lie elsewhere.
    """
    path = exported(lived, tmp_path, "csv")
    elsewhere = tmp_path / "elsewhere"
    statements.signature_file(path).rename(elsewhere)

    with pytest.raises(errors.SignatureMissing, match=r"a\.csv\.sig"):
        judged(path, lived)

    assert "genuine" == judged(path, lived, signature=elsewhere)["verdict"]


# --- large ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_large_statement_is_proved_in_little_memory(home, long_lived, tmp_path):
    """
    Of four thousand movements, hashed as they are read; and one that was edited, compared as it
    is written anew.
    """
    with home.desk() as desk:
        fill(desk, 4_000)
    large, edited = tmp_path / "large", tmp_path / "edited"
    large.mkdir()
    edited.mkdir()
    whole = exported(long_lived, large, "json")
    changed = exported(home, edited, "json")
    changed.write_bytes(changed.read_bytes().replace(b'"fill-3000"', b'"fill-3001"', 1))
    peaks = []
    for place, path, verdict in (
        (long_lived, whole, "genuine"),
        (home, changed, "file_edited"),
    ):
        with place.desk() as desk:
            judge = Judge(desk)
            tracemalloc.start()
            assert verdict == judge.judge(path)["verdict"]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert [True, True] == [path.stat().st_size > 1_500_000 for path in (whole, changed)]
    assert [] == [peak for peak in peaks if peak > 4_000_000]


# --- the file of a signature ----------------------------------------------------------------------


def test_a_signature_that_is_there_is_kept(tmp_path):
    """
    It may belong to something else; the statement is not written either, until both may be.
    """
    path, beside = tmp_path / "a.csv", tmp_path / "a.csv.sig"
    beside.write_bytes(b"mine")

    with pytest.raises(errors.FileExists) as refused:
        statements.save(statement(), "csv", path, False)

    assert str(beside) == refused.value.facts["path"]
    assert (b"mine", False) == (beside.read_bytes(), path.exists())
    statements.save(statement(), "csv", path, True)
    assert beside.read_bytes().startswith(BLOCK)


def test_a_name_that_has_no_room_for_a_signature_is_refused(tmp_path):
    """
    Before anything is written: a statement that could not be proved is none.
    """
    with pytest.raises(errors.StorageRefused, match="File name too long"):
        statements.save(statement(), "csv", tmp_path / ("a" * 249 + ".csv"), False)

    assert [] == [*tmp_path.iterdir()]


def test_killed_between_both_files_what_is_there_is_never_called_edited(tmp_path):
    """
    Whenever the process dies, there is the old pair, the new one, or a statement that says that its
    signature is missing.
    """
    path = tmp_path / "a.csv"
    old, new = statement(), statement(masked=True, profile="小*")
    key = old.signer.public_key
    found = set()
    step = 0
    was_killed = True
    while was_killed:
        statements.save(old, "csv", path, True)
        was_killed = killed_at(step, lambda: statements.save(new, "csv", path, True))
        try:
            told = judged(path, None, key)
            found.add((told["verdict"], told["signed"]["masked"]))
        except errors.SignatureMissing:
            found.add(("missing", None))
        for partial in tmp_path.glob(".hongbao-*"):
            partial.unlink()
        step += 1

    assert {("genuine", False), ("missing", None), ("genuine", True)} == found
