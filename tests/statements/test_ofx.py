"""OFX, as two libraries and, where it is installed, libofx read it."""

import io
import json
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

import ofxparse
import pytest

from hongbao import statements
from hongbao.statements._wording import plain
from hongbao.units import CHINA
from tests.consumers import run
from tests.statements.bank_rows import KINDS, UNSAYABLE, WORST, stated
from tests.statements.conftest import HOSTILE, pin
from tests.statements.reading import written
from tests.statements.test_formats import statement

# What ofxparse calls has a newer name in its own library.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated method:DeprecationWarning")


class Entry(NamedTuple):
    """An entry as a reader has it."""

    id: str
    day: date
    amount_fen: int
    type: str
    payee: str
    memo: str


class Read(NamedTuple):
    """A statement as a reader has it."""

    bank: str
    account: str
    currency: str
    days: tuple[date, date]
    closing_fen: int
    entries: list[Entry]

    @property
    def moved_fen(self) -> int:
        return sum(entry.amount_fen for entry in self.entries)


def fen(amount: Decimal) -> int:
    assert amount * 100 == int(amount * 100)
    return int(amount * 100)


def from_ofxtools(content: bytes) -> Read:
    from ofxtools.Parser import OFXTree  # which takes a while, and only one worker needs it

    tree = OFXTree()
    tree.parse(io.BytesIO(content))
    (told,) = tree.convert().statements
    listed = told.banktranlist
    return Read(
        told.bankacctfrom.bankid,
        told.bankacctfrom.acctid,
        told.curdef,
        (listed.dtstart.date(), listed.dtend.date()),
        fen(told.ledgerbal.balamt),
        [
            Entry(
                entry.fitid,
                entry.dtposted.date(),
                fen(entry.trnamt),
                entry.trntype,
                entry.name,
                entry.memo,
            )
            for entry in listed
        ],
    )


def from_ofxparse(content: bytes) -> Read:
    account = ofxparse.OfxParser.parse(io.BytesIO(content)).account
    told = account.statement
    assert [] == told.warnings + told.discarded_entries + account.warnings
    return Read(
        account.routing_number,
        account.account_id,
        told.currency.upper(),
        (told.start_date.date(), told.end_date.date()),
        fen(told.balance),
        [
            Entry(
                entry.id,
                entry.date.date(),
                fen(entry.amount),
                entry.type.upper(),
                entry.payee,
                entry.memo,
            )
            for entry in told.transactions
        ],
    )


READERS = [from_ofxtools, from_ofxparse]
both = pytest.mark.parametrize("read", READERS)


# --- to the byte ----------------------------------------------------------------------------------


def test_a_statement_is_a_banks_download():
    """
    SGML that names its encoding, every tag closed, every line ended as on the telephone line.
    """
    expected = """\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:UTF-8
CHARSET:NONE
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1><SONRS>
<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<DTSERVER>20261201000000[+8:CST]</DTSERVER>
<LANGUAGE>ZHO</LANGUAGE>
<FI><ORG>hongbao</ORG><FID>HONGBAO</FID></FI>
</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS>
<TRNUID>0</TRNUID>
<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<STMTRS>
<CURDEF>CNY</CURDEF>
<BANKACCTFROM><BANKID>HONGBAO</BANKID><ACCTID>HB630962-1</ACCTID>\
<ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>20261101</DTSTART>
<DTEND>20261130</DTEND>
<STMTTRN>
<TRNTYPE>DEBIT</TRNTYPE>
<DTPOSTED>20261102</DTPOSTED>
<DTUSER>20261102200000[+8:CST]</DTUSER>
<TRNAMT>-66.66</TRNAMT>
<FITID>HB1000039501261102630962000000007</FITID>
<NAME>红包</NAME>
<MEMO>拼手气红包 3个 · hb_7Q2M4K9X · 恭喜发财，大吉大利</MEMO>
</STMTTRN>
<STMTTRN>
<TRNTYPE>XFER</TRNTYPE>
<DTPOSTED>20261130</DTPOSTED>
<DTUSER>20261130235959[+8:CST]</DTUSER>
<TRNAMT>-10.00</TRNAMT>
<FITID>HB1000039501261130630962000000009</FITID>
<NAME>招商银行(3334)</NAME>
<MEMO>零钱提现</MEMO>
</STMTTRN>
<STMTTRN>
<TRNTYPE>SRVCHG</TRNTYPE>
<DTPOSTED>20261130</DTPOSTED>
<DTUSER>20261130235959[+8:CST]</DTUSER>
<TRNAMT>-0.10</TRNAMT>
<FITID>HB1000039501261130630962000000009-fee</FITID>
<NAME>hongbao</NAME>
<MEMO>提现服务费</MEMO>
</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL><BALAMT>23.24</BALAMT><DTASOF>20261130</DTASOF></LEDGERBAL>
</STMTRS>
</STMTTRNRS></BANKMSGSRSV1>
</OFX>
"""

    assert expected.replace("\n", "\r\n").encode() == written(statement(), "ofx")


# --- what readers make of it ----------------------------------------------------------------------


def exported(desk, since=None, until=None):
    """Return the statement as both readers have it, who agree, and its own opening balance."""
    with desk.statement(since=since, until=until) as opened:
        content = written(opened, "ofx")
        of_line: Counter[str] = Counter()
        for line in opened.lines:
            of_line[line["id"]] += line["amount_fen"]
    told, again = (read(content) for read in READERS)
    assert told == again
    of_entry: Counter[str] = Counter()
    for entry in told.entries:
        of_entry[entry.id.removesuffix("-fee")] += entry.amount_fen
    assert {id_: amount for id_, amount in of_line.items() if amount} == of_entry
    return told, opened.opening_fen


def test_readers_find_our_balance(lived):
    """
    From nothing to what the wallet holds, by two readers that never met us.
    """
    with lived.desk() as desk:
        told, opening_fen = exported(desk)
        balance_fen = desk.balance()["available_fen"]

    assert (0, balance_fen) == (opening_fen, told.closing_fen)
    assert balance_fen == told.moved_fen
    assert ("HONGBAO", "CNY") == (told.bank, told.currency)


def test_readers_find_our_balance_whatever_happened(a_life):
    """
    On random ledgers with greetings that nobody should obey: in whole, and a few days at a time.
    """
    with a_life.desk() as desk:
        whole, _ = exported(desk)
        balance_fen = desk.balance()["available_fen"]
        parts = []
        since = datetime(2026, 2, 16, tzinfo=CHINA)
        while since < desk.now():
            until = since + timedelta(days=4)
            part, opening_fen = exported(desk, since, until)
            assert part.closing_fen == opening_fen + part.moved_fen
            parts.append(part)
            since = until

    assert balance_fen == whole.closing_fen == whole.moved_fen
    assert whole.entries == [entry for part in parts for entry in part.entries]


def test_the_same_account_is_the_same_and_others_are_not(lived):
    """
    A reader knows an account by its bank and its number, which no name has a part in.
    """
    with lived.desk() as desk, lived.desk("Bob") as bob:
        mine, again, his = (exported(one)[0] for one in (desk, desk, bob))

    assert (mine.bank, mine.account) == (again.bank, again.account)
    assert mine.account != his.account
    assert mine.account.isascii()
    assert len(mine.account) <= 22


def test_a_second_import_finds_every_entry_known(lived):
    """
    A year that is downloaded after its months has the same ids; and no id is there twice.
    """
    with lived.desk() as desk:
        before = [entry.id for entry in exported(desk)[0].entries]
        desk.topup(1_00, pin=pin)
        after = [entry.id for entry in exported(desk)[0].entries]

    assert before == after[:-1]
    assert len(after) == len(set(after))


@both
@pytest.mark.parametrize(
    ("true", "false"),
    [(b"<TRNAMT>500.00<", b"<TRNAMT>500.01<"), (b"<BALAMT>316.06<", b"<BALAMT>316.05<")],
)
def test_a_changed_fen_no_longer_adds_up(home, read, true, false):
    """
    Neither an entry nor the balance can be another; and our signature does not fit any more.
    """
    with home.desk() as desk:
        desk.topup(500_00, pin=pin)
        desk.send(183_94, count=3, pin=pin)
        with desk.statement() as opened:
            out = io.BytesIO()
            signature = json.loads(statements.write(opened, "ofx", out) or b"")
    content = out.getvalue()

    changed = content.replace(true, false)

    assert changed != content
    assert read(content).closing_fen == read(content).moved_fen
    assert read(changed).closing_fen != read(changed).moved_fen
    assert signature["sha256"] == sha256(content).hexdigest()
    assert signature["sha256"] != sha256(changed).hexdigest()


@both
def test_half_past_midnight_is_today(read):
    """
    In China it is; in Greenwich it is still the day before.
    """
    early = stated({"at": "2026-11-03T00:30:15.999999+08:00"})

    (entry,) = read(written(early, "ofx")).entries

    assert date(2026, 11, 3) == entry.day
    assert b"<DTUSER>20261103003015[+8:CST]" in written(early, "ofx")


@both
@pytest.mark.parametrize(
    ("until", "ends_at", "last"),
    [
        (datetime(2026, 12, 1, tzinfo=CHINA), datetime(2026, 12, 1, tzinfo=CHINA), 30),
        (None, datetime(2026, 11, 7, tzinfo=CHINA), 7),
        (datetime(2026, 11, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA), 1),
        (datetime(2099, 1, 1, tzinfo=CHINA), datetime(2026, 2, 16, tzinfo=CHINA), 1),
    ],
)
def test_a_quiet_period_is_a_statement_too(read, until, ends_at, last):
    """
    It opens and closes alike. A month ends with its own last day, what is open with its last
    entry's; and nothing ends before it begins.
    """
    quiet = stated(until=until, ends_at=ends_at)

    told = read(written(quiet, "ofx"))

    assert (date(2026, 11, 1), date(2026, 11, last)) == told.days
    assert (1_000_00, []) == (told.closing_fen, told.entries)


# --- rows -----------------------------------------------------------------------------------------

TYPES = {
    "topup": "XFER",
    "withdraw": "XFER",
    "withdraw_returned": "XFER",
    "fee": "SRVCHG",
    "fee_returned": "SRVCHG",
    "send": "DEBIT",
    "claim": "CREDIT",
    "refund": "CREDIT",
    "refund_to_balance": "CREDIT",
}


@both
def test_every_kind_of_movement_has_its_row(read):
    """
    With its sign, its type and its words; what is a card's alone has none.
    """
    told = stated(*({"act": act, "greeting": None, **facts} for act, facts, _ in KINDS))
    expected = [
        (row.amount_fen, TYPES[row.kind], row.payee, row.narration)
        for *_, rows in KINDS
        for row in rows
    ]

    found = read(written(told, "ofx"))

    assert expected == [
        (entry.amount_fen, entry.type, entry.payee, entry.memo.removesuffix(" · hb_7Q2M4K9X"))
        for entry in found.entries
    ]
    assert found.closing_fen == told.closing_fen == told.opening_fen + found.moved_fen


# --- what people type -----------------------------------------------------------------------------


@both
def test_what_people_type_is_read_as_they_typed_it(read):
    """
    Tags, entities, comments and declarations are text; no row is added, and none is lost.
    """
    typed = [*HOSTILE, *WORST]
    told = stated(
        *(
            {
                "act": "claim",
                "amount_fen": 1,
                "counterparty": text,
                "greeting": text,
                "packet": None,
            }
            for text in typed
        )
    )

    found = read(written(told, "ofx")).entries

    assert [(plain(text), f"领取红包 · {plain(text)}") for text in typed] == [
        (entry.payee, entry.memo) for entry in found
    ]
    assert {1} == {entry.amount_fen for entry in found}


@both
def test_what_no_text_may_hold_is_left_out(read):
    """
    The wallet refuses it long before; a ledger that somebody else wrote may have it.
    """
    text = f"小{UNSAYABLE}明"
    content = written(
        stated({"act": "claim", "amount_fen": 1, "counterparty": text, "greeting": UNSAYABLE}),
        "ofx",
    )

    (entry,) = read(content).entries

    assert content.decode().replace("\r\n", "").isprintable()
    assert "小[2J明" == entry.payee.replace(" ", "")
    assert "领取红包 · hb_7Q2M4K9X · [2J" == entry.memo


@both
@pytest.mark.parametrize("text", ["红" * 33, "🧧" * 25, "é" * 300, "👨‍👩‍👧" * 60])
def test_a_long_text_is_cut_between_letters(read, text):
    """
    At what the standard allows and at what libofx keeps, and it says so.
    """
    told = stated({"act": "claim", "amount_fen": 1, "counterparty": text, "greeting": text * 9})

    (entry,) = read(written(told, "ofx")).entries

    for found, most, most_bytes in ((entry.payee, 32, 96), (entry.memo, 255, 390)):
        assert len(found) <= most
        assert most_bytes - 10 <= len(found.encode()) <= most_bytes or len(found) == most
        assert "…" == found[-1]
        assert "\u200d" != found[-2]
    assert text.startswith(entry.payee[:-1])


def test_libofx_reads_it(a_life, tmp_path):
    """
    The library of GnuCash and KMyMoney, which has limits of its own and works through the bytes.
    """
    texts = ["<&>", "红" * 33, "🧧" * 25, "👨‍👩‍👧" * 60]
    long = stated(
        *(
            {"act": "claim", "amount_fen": 1, "counterparty": text, "greeting": text * 9}
            for text in texts
        )
    )
    with a_life.desk() as desk, desk.statement() as opened:
        for name, told in (("life", opened), ("long", long)):
            path = tmp_path / name
            path.write_bytes(content := written(told, "ofx"))

            said = run("ofxdump", path)

            expected = from_ofxtools(content)
            facts = [line.strip().partition(": ") for line in said.stdout.splitlines()]
            assert 0 == said.returncode
            assert "\ufffd" not in said.stdout
            for fact, wanted in {
                "Financial institution's ID for this transaction": [e.id for e in expected.entries],
                "Name of payee or transaction description": [e.payee for e in expected.entries],
                "Extra transaction information (memo)": [e.memo for e in expected.entries],
            }.items():
                assert wanted == [value for name, _, value in facts if name == fact]
            assert [e.amount_fen for e in expected.entries] == [
                fen(Decimal(value)) for name, _, value in facts if name == "Total money amount"
            ]
            assert [f"{told.closing_fen // 100}.{told.closing_fen % 100:02d}"] == [
                value for name, _, value in facts if name == "Ledger balance"
            ]
