"""The formats: chosen, woken late, exact to the byte, and in agreement with each other."""

import io
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import ledger
from hongbao import errors, statements, words
from hongbao.documents import to_json
from hongbao.queries.statement import Signer, Statement, Sums
from hongbao.statements import json as json_format
from hongbao.units import CHINA
from hongbao.vault import primitives
from tests.every import every
from tests.statements.conftest import BEGUN_AT, CARD, EXCLUSIVE, PEOPLE, pin
from tests.statements.reading import READERS, rows_of, written

NOVEMBER = datetime(2026, 11, 1, tzinfo=CHINA), datetime(2026, 12, 1, tzinfo=CHINA)


KEY = primitives.subkey(bytes(32), b"a profile's")
SIGNER = Signer(primitives.public_key(KEY), lambda message: primitives.sign(KEY, message))
EXACT = ("csv", "json", "jsonl")
"""The formats that say every fact, and so read back into one shape."""


def movement(**facts):
    return {
        "id": "HB1000039501261102630962000000007",
        "entry": 7,
        "act": "send",
        "at": "2026-11-02T20:00:00+08:00",
        "amount_fen": -6666,
        "balance_fen": 3334,
        "packet": "hb_7Q2M4K9X",
        "packet_kind": "lucky",
        "shares": 3,
        "greeting": "恭喜发财，大吉大利",
        "refunded_fen": 0,
        "counterparty": None,
        "card": None,
        "bank": None,
        "card_tail": None,
        "card_fen": None,
        "card_gone": False,
        "fee_fen": None,
        "status": "done",
        "request_id": "rq_1",
        **facts,
    }


def statement(*lines, **facts):
    """Two lines of a November, or those given."""
    lines = lines or (
        movement(),
        movement(
            id="HB1000039501261130630962000000009",
            entry=9,
            act="withdraw",
            at="2026-11-30T23:59:59.999999+08:00",
            amount_fen=-1010,
            balance_fen=2324,
            packet=None,
            packet_kind=None,
            shares=None,
            greeting=None,
            refunded_fen=None,
            counterparty="小红",
            card="cmb-3334",
            bank="cmb",
            card_tail="3334",
            card_fen=1000,
            fee_fen=10,
            request_id="-r,2",
        ),
    )
    asked = {
        "profile": "小明",
        "account_id": "HB630962-1",
        "holder": {
            "real_name": "张*",
            "id_number": "1101**********002X",
            "cards": [{"card": "cmb-3334", "bank": "cmb", "number": "**** 3334"}],
        },
        "since": NOVEMBER[0],
        "until": NOVEMBER[1],
        "begins_at": NOVEMBER[0],
        "ends_at": NOVEMBER[1],
        "opening_fen": 10000,
        "closing_fen": 2324,
        "head": {"entry": 12, "mac": "ab" * 32},
        "masked": False,
        "full": False,
        "signer": SIGNER,
        "lines": lines,
    }
    sums = {"count": 2, "in_fen": 0, "out_fen": 7676}
    sums |= {name: facts.pop(name) for name in sums.keys() & facts.keys()}
    return Statement(**{**asked, "sums": Sums.of(**sums), **facts})


# --- choosing -------------------------------------------------------------------------------------


def test_the_formats_are_named_in_order():
    """
    What a person can type after ``--format``.
    """
    assert set(EXACT) <= set(statements.FORMATS)
    assert sorted(statements.FORMATS) == [*statements.FORMATS]


@every(
    ("path", "expected"),
    [
        ("november.csv", "csv"),
        ("/tmp/2026.11/NOVEMBER.JSON", "json"),
        ("november.jsonl", "jsonl"),
        ("november.ndjson", "jsonl"),
        ("-", None),
        ("november", None),
        ("november.csv/", "csv"),
        ("november.csv.gz", None),
        ("json", None),
        ("", None),
    ],
)
def test_a_file_ending_chooses_the_format(path, expected):
    """
    In any case, and none where it says nothing.
    """
    assert expected == statements.format_of(path)


def test_no_ending_chooses_two_formats():
    """
    A format that shares another's ending is known by how its files' names begin.
    """
    chosen = [
        (statements._beginning(name), ending)
        for name in statements.FORMATS
        for ending in statements._format(name).ENDINGS
    ]

    assert sorted(set(chosen)) == sorted(chosen)


def test_an_unknown_format_is_our_own_mistake():
    """
    The counter offers only what there is; a name never becomes an import by itself.
    """
    with pytest.raises(ValueError, match="'wallet'"):
        statements.write(statement(), "wallet", sys.stdout.buffer)


def test_a_format_wakes_when_it_is_used():
    """
    Importing the room wakes no format, no desk and no drawer.
    """
    script = """
import sys
from hongbao import statements
woken = {name for name in sys.modules if name.startswith("hongbao.statements.")}
print(woken | {"sqlcipher3", "hongbao.wallet", "csv", "dataclasses"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert b"set()" == done.stdout.strip()


# --- to the byte ----------------------------------------------------------------------------------


def test_csv_is_a_table_between_two_balances():
    """
    A byte order mark, CRLF, yuan, and in the last row the head that seals it.
    """
    expected = (
        "\ufefftype,date,at,act,amount_yuan,balance_yuan,counterparty,packet,packet_kind,shares,"
        "greeting,refunded_yuan,card,card_yuan,card_gone,fee_yuan,status,id,entry,request_id,"
        "profile,mac\r\n"
        "opening,,2026-11-01T00:00:00+08:00,,,100.00,,,,,,,,,,,,,,,小明,\r\n"
        "movement,2026-11-02,2026-11-02T20:00:00+08:00,send,-66.66,33.34,,hb_7Q2M4K9X,lucky,3,"
        "恭喜发财，大吉大利,0.00,,,,,done,HB1000039501261102630962000000007,7,rq_1,小明,\r\n"
        "movement,2026-11-30,2026-11-30T23:59:59.999999+08:00,withdraw,-10.10,23.24,小红,,,,,,"
        'cmb-3334,10.00,,0.10,done,HB1000039501261130630962000000009,9,"\'-r,2",小明,\r\n'
        f"closing,,2026-12-01T00:00:00+08:00,,,23.24,,,,,,,,,,,,,12,,小明,{'ab' * 32}\r\n"
    )

    assert expected.encode() == written(statement(), "csv")


MOVED = (
    '{"id": "HB1000039501261102630962000000007", "entry": 7, "act": "send", '
    '"at": "2026-11-02T20:00:00+08:00", "amount_fen": -6666, "balance_fen": 3334, '
    '"packet": "hb_7Q2M4K9X", "packet_kind": "lucky", "shares": 3, '
    '"greeting": "恭喜发财，大吉大利", "refunded_fen": 0, "counterparty": null, "card": null, '
    '"bank": null, "card_tail": null, "card_fen": null, "card_gone": false, "fee_fen": null, '
    '"status": "done", "request_id": "rq_1"}'
)


def test_json_is_one_document_with_a_movement_a_line():
    """
    Whole fen, China's time with its offset, Chinese as it is.
    """
    expected = f"""\
{{
  "schema": "hongbao/statement@1",
  "profile": "小明",
  "holder": {{"real_name": "张*", "id_number": "1101**********002X", "cards": \
[{{"card": "cmb-3334", "bank": "cmb", "number": "**** 3334"}}]}},
  "from": "2026-11-01T00:00:00+08:00",
  "to": "2026-12-01T00:00:00+08:00",
  "opening_fen": 10000,
  "closing_fen": 3334,
  "in_fen": 0,
  "out_fen": 6666,
  "count": 1,
  "head": {{"entry": 12, "mac": "{"ab" * 32}"}},
  "movements": [
    {MOVED}
  ],
  "signature": """
    one = statement(movement(), closing_fen=3334, out_fen=6666, count=1)

    content, _, signature = written(one, "json").partition(b'"signature": ')

    assert expected.encode() == content + b'"signature": '
    assert signature.endswith(b'"}\n}\n')
    assert json.loads(signature[:-2])["sha256"] == sha256(content[:-4]).hexdigest()


def test_jsonl_is_a_document_a_line():
    """
    What is known at first comes first; the closing balance and the head come last.
    """
    expected = f"""\
{{"type": "statement", "schema": "hongbao/statement@1", "profile": "小明", \
"holder": {{"real_name": "张*", "id_number": "1101**********002X", "cards": \
[{{"card": "cmb-3334", "bank": "cmb", "number": "**** 3334"}}]}}, \
"from": "2026-11-01T00:00:00+08:00", "to": "2026-12-01T00:00:00+08:00", "opening_fen": 10000}}
{{"type": "movement", {MOVED[1:]}
{{"type": "closing", "closing_fen": 3334, "in_fen": 0, "out_fen": 6666, "count": 1, \
"head": {{"entry": 12, "mac": "{"ab" * 32}"}}}}
"""
    one = statement(movement(), closing_fen=3334, out_fen=6666, count=1)

    content, _, signature = written(one, "jsonl").partition(b'{"type": "signature"')

    assert expected.encode() == content
    assert signature.startswith(b', "signature": {"schema": "hongbao/signature@1", ')


@pytest.mark.parametrize("format_name", EXACT)
def test_a_period_in_which_nothing_moved_is_a_statement_too(format_name):
    """
    Open on both sides, it has nulls for its ends, opens and closes alike, and reads back.
    """
    quiet = statement(since=None, until=None, closing_fen=10000, out_fen=0, count=0, lines=())

    read = READERS[format_name](written(quiet, format_name))

    assert (None, None, []) == (read["from"], read["to"], read["movements"])
    assert (10000, 10000) == (read["opening_fen"], read["closing_fen"])


def test_the_page_names_every_field():
    """
    docs/reference/statements is the specification: its header row is the CSV's, to the letter.
    """
    pages = Path(__file__).parents[2] / "docs/reference/statements"
    page = "".join(
        (pages / f"{name}.md").read_text(encoding="utf-8") for name in ("README", "csv", "json")
    )
    header = written(statement(), "csv").decode("utf-8-sig").partition("\r\n")[0]
    document = READERS["json"](written(statement(), "json"))

    assert f"\n{header}\n" in page
    named = {*header.split(","), *document, *document["movements"][0]}
    assert set() == {name for name in named if f"`{name}`" not in page}
    assert f"`{document['schema']}`" in page


def test_every_format_has_a_page_and_is_in_the_index():
    """
    With what it is for, and where its signature is.
    """
    pages = Path(__file__).parents[2] / "docs/reference/statements"
    index = (pages / "README.md").read_text(encoding="utf-8")

    for name in statements.FORMATS:
        place = "inside" if statements.signature_place(name) else "next to it"
        row = next(
            line for line in index.splitlines() if line.startswith(f"| [`{name}`]({name}.md)")
        )
        assert row.endswith(f"| {place} |")
        assert (pages / f"{name}.md").exists()


# --- on real ledgers ------------------------------------------------------------------------------


def exported(desk, since=None, until=None):
    """Return the statement as each format says it, all read back into one shape."""
    read = {}
    for name in EXACT:
        with desk.statement(since=since, until=until) as opened:
            read[name] = READERS[name](written(opened, name))
    return read


def test_every_kind_of_movement_has_its_row(lived):
    """
    What a card paid and what went back to it is not the balance's, and stands beside it.
    """
    with lived.desk() as desk:
        movements = exported(desk)["csv"]["movements"]

    card = "cmb-" + CARD[-4:]
    shares_fen = [row["amount_fen"] for row in movements if row["act"] == "claim"]
    told = [
        (row["act"], row["amount_fen"], row["card"], row["card_fen"], row["fee_fen"])
        for row in movements
    ]
    refunds = [row for row in told if row[0] == "refund"]
    assert [
        ("topup", 500_00, card, -500_00, None),
        ("send", -66_66, None, None, None),
        ("claim", shares_fen[0], None, None, None),
        ("send", 0, card, -30_00, None),
    ] == told[:4]
    assert [("withdraw", -100_00, card, 100_00, 0), ("send", -8_88, None, None, None)] == told[6:]
    assert sorted(refund[2] or "" for refund in refunds) == ["", card]
    assert all(refund[1] == 0 and refund[3] > 0 for refund in refunds if refund[2])
    assert all(refund[1] > 0 and refund[3] is None for refund in refunds if not refund[2])


def test_a_fee_is_beside_the_movement_that_includes_it(lived):
    """
    What left the balance is what the card got and the fee.
    """
    with lived.desk() as desk:
        desk.topup(2000_00, pin=pin)
        desk.withdraw(1000_00, pin=pin)
        last = exported(desk)["csv"]["movements"][-1]

    assert (-1000_10, 1000_00, 10) == (last["amount_fen"], last["card_fen"], last["fee_fen"])


@pytest.mark.usefixtures("each_reads_its_font")
@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_the_same_period_is_the_same_bytes(lived, format_name, monkeypatch):
    """
    Whenever, wherever and in whatever language it is exported.
    """

    def export():
        with lived.desk() as desk, desk.statement(until=BEGUN_AT + timedelta(days=9)) as opened:
            return written(opened, format_name)

    first = export()
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    words.use_language("zh_CN")
    try:
        again = export()
    finally:
        monkeypatch.undo()
        time.tzset()

    assert first == again


@pytest.mark.parametrize("format_name", statements.FORMATS)
def test_what_happens_later_changes_no_closed_period(lived, format_name):
    """
    An old statement, exported again when the ledger has grown, is the same to the last byte.
    """
    end = BEGUN_AT + timedelta(hours=1)
    bytes_of = []
    with lived.desk() as desk:
        desk.set_clock(max(end, desk.now()))
        for _ in range(2):
            with desk.statement(until=end) as opened:
                bytes_of.append(written(opened, format_name))
            desk.topup(1_00, pin=pin)

    assert bytes_of[0] == bytes_of[1]


def test_days_end_at_midnight_in_china(home):
    """
    Whatever the day is in UTC: 23:59:59 and 00:00 are two dates, and two months of money.
    """
    midnight = datetime(2026, 3, 1, tzinfo=CHINA)
    with home.desk() as desk:
        for at in (midnight - timedelta(seconds=1), midnight):
            desk.set_clock(at)
            desk.topup(100_00, pin=pin)
        with desk.statement() as opened:
            dates = [row["date"] for row in rows_of(written(opened, "csv"))]
        march = exported(desk, since=midnight)

    assert ["", "2026-02-28", "2026-03-01", ""] == dates
    assert [100_00] * 3 == [read["opening_fen"] for read in march.values()]
    assert [1] * 3 == [read["count"] for read in march.values()]


ACTS = st.one_of(
    st.tuples(st.just("topup"), st.integers(1, 300_00)),
    st.tuples(
        st.just("send"),
        st.integers(1, 150_00),
        st.integers(1, 4),
        st.sampled_from(["balance", "3334"]),
    ),
    st.tuples(st.just("give"), st.integers(1, 90_00), st.sampled_from(PEOPLE)),
    st.tuples(st.just("claim"), st.integers(0, 9)),
    st.tuples(st.just("withdraw"), st.integers(1, 400_00)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)
LEDGERS = st.lists(st.tuples(st.sampled_from((PEOPLE[0], *PEOPLE)), ACTS), min_size=6, max_size=25)
HOURS = st.integers(-1, 120)


def timeless(read):
    """
    Return the movements without what each period tells as of its end.

    That is what has come back of a packet, and whether a payment has arrived.
    """
    return [{**line, "refunded_fen": None, "status": None} for line in read["movements"]]


def ours(read):
    """Return what a table has a place for: no holder, no card's bank, no signature."""
    lines = [
        {name: fact for name, fact in line.items() if name not in ("bank", "card_tail")}
        for line in read["movements"]
    ]
    kept = {name: fact for name, fact in read.items() if name not in ("holder", "signature")}
    return {**kept, "movements": lines}


def do(desk, act, packets):
    """Do *act*; that the desk refuses it is none of a statement's business."""
    try:
        match act:
            case ("topup", amount_fen):
                desk.topup(amount_fen, pin=pin)
            case ("send", total_fen, count, paid_from):
                packets.append(desk.send(total_fen, count=count, paid_from=paid_from, pin=pin))
            case ("give", total_fen, name):
                packets.append(desk.send(total_fen, kind=EXCLUSIVE, recipient=name, pin=pin))
            case ("claim", number) if packets:
                desk.claim(packets[number % len(packets)]["packet"])
            case ("withdraw", amount_fen):
                desk.withdraw(amount_fen, pin=pin)
            case ("wait", hours):
                desk.advance_clock(timedelta(hours=hours))
    except errors.HongbaoError:
        pass


@settings(max_examples=settings().max_examples // 10, suppress_health_check=[HealthCheck.too_slow])
@given(ledger=LEDGERS, first=HOURS, second=HOURS)
def test_any_ledger_adds_up_in_every_format(copied, ledger, first, second):
    """
    Opening and movements make closing, the formats agree with each other and with the history, the
    last closing balance is the balance, and each period begins where the one before it ended.
    """
    with TemporaryDirectory() as folder:
        home = copied(Path(folder) / "home")
        packets: list = []
        for name, act in [(PEOPLE[0], ("topup", 500_00)), *ledger]:
            with home.desk(name) as desk:
                do(desk, act, packets)
        for name in PEOPLE:
            with home.desk(name) as desk:
                # No period that has not begun: it has no statement.
                days = [BEGUN_AT + timedelta(hours=hours) for hours in (first, second)]
                since, until = sorted(min(day, desk.now()) for day in days)
                parts = [
                    exported(desk, until=since),
                    exported(desk, since=since, until=until),
                    exported(desk, since=until),
                ]
                whole = exported(desk)
                history = desk.history(limit=1000)["movements"]
                available_fen = desk.balance()["available_fen"]

            for read in (whole, *parts):
                assert read["csv"] == ours(read["json"]) == ours(read["jsonl"])
                told = read["json"]
                amounts_fen = [line["amount_fen"] for line in told["movements"]]
                assert told["closing_fen"] == told["opening_fen"] + sum(amounts_fen)
                assert told["closing_fen"] == told["opening_fen"] + told["in_fen"] - told["out_fen"]
                assert told["count"] == len(amounts_fen)
            assert whole["json"]["movements"] == history[::-1]
            assert (0, available_fen) == (
                whole["json"]["opening_fen"],
                whole["json"]["closing_fen"],
            )
            before, between, after = (part["json"] for part in parts)
            assert before["closing_fen"] == between["opening_fen"]
            assert between["closing_fen"] == after["opening_fen"]
            assert timeless(whole["json"]) == [
                line for part in (before, between, after) for line in timeless(part)
            ]


# --- what they cost ------------------------------------------------------------------------------


READ_ONCE = ("beancount", "camt053", "csv", "hledger", "html", "json", "jsonl", "ledger", "ofx")
"""The formats that a long statement is written in; the others read rows twice, or are short."""


@every("format_name", READ_ONCE)
def test_rows_of_the_ledger_are_read_once(a_life, format_name, monkeypatch):
    """
    What the lines add up to is known from the lines, also where it stands above them.
    """
    with a_life.desk() as desk, desk.statement() as statement:
        store, readings = desk.store, []
        monkeypatch.setattr(store, "totals", lambda *_: pytest.fail("read for its sums"))
        read = store.movements

        def counted(*asked, **options):
            readings.append(asked)
            return read(*asked, **options)

        monkeypatch.setattr(store, "movements", counted)
        statements.write(statement, format_name, io.BytesIO())

    assert 1 == len(readings)


def test_a_line_is_the_same_json_whoever_writes_it(a_life):
    """
    The quick way of JSON Lines, and the one that knows nothing of a line.
    """
    for name in PEOPLE:
        with a_life.desk(name) as desk, desk.statement() as statement:
            for line in statement.lines:
                assert to_json(line) == json_format.movement(line)
    odd = movement(greeting='"\\\u2028\x9b', request_id="-r,2", card="a b", card_fen=None)
    assert to_json(odd) == json_format.movement(odd)


PEAK = """
import sys
from pathlib import Path
from bench.homes import env_of
from hongbao import statements
from hongbao.wallet import Wallet

class Nowhere:
    def write(self, content): return len(content)
    def flush(self): pass

with Wallet.open(env_of(Path(sys.argv[1])), profile="member0") as wallet:
    with wallet.statement() as statement:
        statements.write(statement, sys.argv[2], Nowhere())
        count = statement.count
peaks = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(count, peaks["VmHWM"].split()[0])
"""
"""
Prints how many movements there were, and the most KiB that the process has had.

Not by getrusage, which counts what the process that forked it had, too.
"""


@pytest.mark.slow  # it grows a home of a hundred thousand movements
def test_memory_does_not_grow_with_a_statement(tmp_path):
    """
    Ten times the rows take no more memory but for what the engine's page cache has not filled yet.

    A workbook's rows wait in files, and its texts in memory, each once.
    """
    root = Path(__file__).parent.parent.parent
    peaks = {}
    for count in (10_000, 100_000):
        home = tmp_path / str(count)
        home.mkdir()
        ledger.grow(home, count * 2, 1)
        for format_name in (*READ_ONCE, "wechat", "xlsx"):
            done = subprocess.run(
                [sys.executable, "-c", PEAK, home, format_name],
                cwd=root,
                capture_output=True,
                check=True,
                text=True,
            )
            movements, peak = map(int, done.stdout.split())
            assert count == pytest.approx(movements, rel=0.01)
            peaks[format_name, count] = peak
    grown = {
        name: peaks[name, 100_000] - peaks[name, 10_000] for name in (*READ_ONCE, "wechat", "xlsx")
    }
    assert max(grown.values()) < 8 * 1024, grown


# --- our own mistakes -----------------------------------------------------------------------------


@every("format_name", statements.FORMATS)
@every(
    "mistake",
    [
        {"opening_fen": 10001},
        {"closing_fen": 2325},
        {"in_fen": 1},
        {"out_fen": 7675},
        {"count": 3},
        {"lines": ()},
    ],
)
def test_a_statement_that_does_not_add_up_is_not_finished(format_name, mistake):
    """
    Whatever is out of step with the lines: no closing balance, no head, no end of the document.
    """
    with open(os.devnull, "wb") as out, pytest.raises(statements.DoesNotAddUp):
        statements.write(statement(**mistake), format_name, out)


def test_a_row_that_was_edited_or_left_out_is_named():
    """
    Its own balance or the next one's is out of step: the entry is where to look.
    """
    edited = movement(amount_fen=-6667)

    with pytest.raises(statements.DoesNotAddUp, match="entry 7: 3333 != 3334 fen"):
        written(statement(edited), "csv")


# --- what people type -----------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["json", "jsonl"])
def test_json_escapes_what_a_screen_would_obey(format_name):
    """
    Terminal escapes, line separators that some readers split at, and half a character.
    """
    text = "\x1b[2J\x9b\u2028\u202e\x00\ud800 小明 \U000e0041"
    hostile = statement(movement(counterparty=text), closing_fen=3334, out_fen=6666, count=1)

    content = written(hostile, format_name)

    assert content.decode().replace("\n", "").isprintable()
    assert text == READERS[format_name](content)["movements"][0]["counterparty"]


@every("format_name", EXACT)
@every("reader", EXACT)
def test_the_readers_of_these_tests_tell_the_formats_apart(format_name, reader):
    """
    Otherwise their agreement would prove nothing.
    """
    content = written(statement(), format_name)

    if reader == format_name:
        assert 2 == READERS[reader](content)["count"]
    else:
        with pytest.raises((ValueError, LookupError, AttributeError)):
            READERS[reader](content)
