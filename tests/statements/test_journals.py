"""Journals: beancount, hledger and ledger add our ledger up again, and obey nothing in it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from beancount import loader
from beancount.core import data
from beancount.ops.balance import check
from beangulp.similar import find_similar_entries, same_link_comparator
from hypothesis import given
from hypothesis import strategies as st

from hongbao import statements
from hongbao.statements import Style
from hongbao.statements._journal import tame
from hongbao.statements._legs import legs
from hongbao.statements._wording import plain, words_of
from tests.consumers import run
from tests.every import every
from tests.statements.conftest import BEGUN_AT, HOSTILE, PEOPLE
from tests.statements.reading import written
from tests.statements.test_formats import NOVEMBER, movement, statement

BALANCE, BANK = "Assets:Hongbao:Balance", "Assets:Bank:CMB:3334"
TRANSIT = "Assets:Hongbao:InTransit"
INCOME, EXPENSES = "Income:Hongbao:RedPacket", "Expenses:Hongbao:RedPacket"
FEES, OPENING = "Expenses:Hongbao:Fees", "Equity:Opening-Balances"


class Read(NamedTuple):
    """What a program says of a journal: what it objects to, and each account in fen."""

    objection: str
    balances: dict[str, int]


Reader = Callable[[str], Read]


def in_fen(amount: Any) -> int:
    """Return yuan, as a program counts or writes them, in fen; a part of a fen is an error."""
    fen = Decimal(str(amount).removesuffix(" CNY")) * 100
    assert fen == int(fen)
    return int(fen)


def loaded(text: str) -> list[Any]:
    """Return a beancount journal's entries, oldest first."""
    entries, errors, _ = loader.load_string(text)
    assert [] == errors
    return [*data.filter_txns(entries)]


def beancount(text: str) -> Read:
    entries, errors, _ = loader.load_string(text)
    balances: Counter[str] = Counter()
    postings: list[Any] = [each for entry in data.filter_txns(entries) for each in entry.postings]
    for posting in postings:
        balances[posting.account] += in_fen(posting.units.number)
    return Read("\n".join(error.message for error in errors), dict(balances))


@pytest.fixture
def readers(tmp_path: Path) -> dict[str, Reader]:
    """The three programs, each as strict as it can be."""
    path = tmp_path / "journal"

    def hledger(text: str) -> Read:
        path.write_text(text, encoding="utf-8")
        told = run("hledger", "-f", path, "check", "--strict", "ordereddates", "payees")
        if told.returncode:
            return Read(told.stderr, {})
        shown = run("hledger", "-f", path, "bal", "--flat", "-E", "-N", "-O", "csv").stdout
        rows = csv.reader(shown.splitlines()[1:])
        return Read("", {account: in_fen(amount) for account, amount in rows})

    def ledger(text: str) -> Read:
        path.write_text(text, encoding="utf-8")
        strict = ("--strict", "--pedantic", "--check-payees")
        form = ("--format", "%(account)\t%(display_total)\n")
        told = run("ledger", "-f", path, *strict, "bal", "--flat", "-E", "--no-total", *form)
        if told.returncode or told.stderr:
            return Read(told.stderr, {})
        rows = (line.split("\t") for line in told.stdout.splitlines())
        return Read("", {account: in_fen(amount) for account, amount in rows})

    return {"beancount": beancount, "hledger": hledger, "ledger": ledger}


JOURNALS = pytest.mark.parametrize("format_name", ["beancount", "hledger", "ledger"])


def text_of(opened, format_name: str) -> str:
    return written(opened, format_name).decode()


def lasting(*lines, **facts):
    """Return a statement of *lines*, with what they come to."""
    opening_fen = facts.setdefault("opening_fen", 10000)
    amounts = [line["amount_fen"] for line in lines]
    balances = [opening_fen + sum(amounts[: number + 1]) for number in range(len(amounts))]
    return statement(
        **{
            "lines": [
                {**line, "balance_fen": after} for line, after in zip(lines, balances, strict=True)
            ],
            "closing_fen": opening_fen + sum(amounts),
            "in_fen": sum(fen for fen in amounts if fen > 0),
            "out_fen": -sum(fen for fen in amounts if fen < 0),
            "count": len(lines),
            **facts,
        },
    )


# --- to the byte ----------------------------------------------------------------------------------


def test_beancount_is_a_complete_journal():
    """
    It opens what it uses, books each leg under its own id, and asserts the closing balance.
    """
    expected = f"""\
; hongbao/statement@1
; profile: 小明
; period: from 2026-11-01T00:00:00+08:00 up to 2026-12-01T00:00:00+08:00
; balance: 100.00 + 0.00 - 76.76 = 23.24
; movements: 2
; head: 12 {"ab" * 32}

option "operating_currency" "CNY"

2026-11-01 commodity CNY
2026-11-01 open Assets:Hongbao:Balance CNY

2026-11-01 open Equity:Opening-Balances CNY
2026-11-01 * "小明" "期初余额" ^Hongbao-opening-20261101T000000
  hongbao-id: "Hongbao-opening-20261101T000000"
  Assets:Hongbao:Balance                      100.00 CNY
  Equity:Opening-Balances                    -100.00 CNY

2026-11-02 open Expenses:Hongbao:RedPacket CNY
2026-11-02 * "红包" "拼手气红包 3个" ^HB1000039501261102630962000000007
  hongbao-id: "HB1000039501261102630962000000007"
  time: "20:00:00"
  kind: "send"
  packet: "hb_7Q2M4K9X"
  greeting: "恭喜发财，大吉大利"
  Assets:Hongbao:Balance                      -66.66 CNY
  Expenses:Hongbao:RedPacket                   66.66 CNY

2026-11-30 open Assets:Bank:CMB:3334 CNY
2026-11-30 * "招商银行(3334)" "零钱提现" ^HB1000039501261130630962000000009
  hongbao-id: "HB1000039501261130630962000000009"
  time: "23:59:59.999999"
  kind: "withdraw"
  Assets:Hongbao:Balance                      -10.00 CNY
  Assets:Bank:CMB:3334                         10.00 CNY

2026-11-30 open Expenses:Hongbao:Fees CNY
2026-11-30 * "hongbao" "提现服务费" ^HB1000039501261130630962000000009-fee
  hongbao-id: "HB1000039501261130630962000000009-fee"
  time: "23:59:59.999999"
  kind: "fee"
  Assets:Hongbao:Balance                       -0.10 CNY
  Expenses:Hongbao:Fees                         0.10 CNY

2026-12-01 balance Assets:Hongbao:Balance  23.24 ~ 0 CNY

; hongbao-signature: """

    content, _, signature = text_of(statement(), "beancount").partition("signature: ")

    assert expected == content + "signature: "
    assert signature.endswith('"}\n')
    assert 1 == signature.count("\n")


def test_hledger_is_a_complete_journal():
    """
    It declares what it uses, and says the balance after each posting to it.
    """
    expected = f"""\
; hongbao/statement@1
; profile: 小明
; period: from 2026-11-01T00:00:00+08:00 up to 2026-12-01T00:00:00+08:00
; balance: 100.00 + 0.00 - 76.76 = 23.24
; movements: 2
; head: 12 {"ab" * 32}

decimal-mark .
commodity CNY
    format 1000.00 CNY
tag hbid
tag time
tag kind
tag packet
tag greeting
account Assets:Hongbao:Balance

account Equity:Opening-Balances
payee 小明
2026-11-01 * (Hongbao-opening-20261101T000000) 小明 | 期初余额
    ; hbid: Hongbao-opening-20261101T000000
    Assets:Hongbao:Balance                                 = 100.00 CNY
    Equity:Opening-Balances

account Expenses:Hongbao:RedPacket
payee 红包
2026-11-02 * (HB1000039501261102630962000000007) 红包 | 拼手气红包 3个
    ; hbid: HB1000039501261102630962000000007
    ; time: 20:00:00
    ; kind: send
    ; packet: hb_7Q2M4K9X
    ; greeting: 恭喜发财，大吉大利
    Assets:Hongbao:Balance                      -66.66 CNY = 33.34 CNY
    Expenses:Hongbao:RedPacket                   66.66 CNY

account Assets:Bank:CMB:3334
payee 招商银行(3334)
2026-11-30 * (HB1000039501261130630962000000009) 招商银行(3334) | 零钱提现
    ; hbid: HB1000039501261130630962000000009
    ; time: 23:59:59.999999
    ; kind: withdraw
    Assets:Hongbao:Balance                      -10.00 CNY = 23.34 CNY
    Assets:Bank:CMB:3334                         10.00 CNY

account Expenses:Hongbao:Fees
payee hongbao
2026-11-30 * (HB1000039501261130630962000000009-fee) hongbao | 提现服务费
    ; hbid: HB1000039501261130630962000000009-fee
    ; time: 23:59:59.999999
    ; kind: fee
    Assets:Hongbao:Balance                       -0.10 CNY = 23.24 CNY
    Expenses:Hongbao:Fees                         0.10 CNY

2026-11-30 * (Hongbao-closing-20261201T000000) 小明 | 期末余额
    ; hbid: Hongbao-closing-20261201T000000
    Assets:Hongbao:Balance                        0.00 CNY = 23.24 CNY

; hongbao-signature: """

    content, _, signature = text_of(statement(), "hledger").partition("signature: ")

    assert expected == content + "signature: "
    assert signature.endswith('"}\n')
    assert 1 == signature.count("\n")


def test_ledger_is_hledgers_but_for_the_note():
    """
    Ledger takes all of the first line for the payee, so the note stands in a comment.
    """
    hledger, ledger = (
        text_of(statement(), name).partition("; hongbao-signature")[0]
        for name in ("hledger", "ledger")
    )

    assert hledger.replace(" | ", "  ; ").replace("decimal-mark .\n", "") == ledger


@JOURNALS
def test_the_wallets_accounts_take_any_name(readers, format_name):
    """
    ``--root`` names them all: an accountant's book has one tree.
    """
    out = io.BytesIO()
    statements.write(statement(), format_name, out, Style(root="WeChat-2"))

    read = readers[format_name](out.getvalue().decode())

    assert "" == read.objection
    assert {
        "Assets:WeChat-2:Balance": 2324,
        "Expenses:WeChat-2:RedPacket": 6666,
        "Expenses:WeChat-2:Fees": 10,
        BANK: 1000,
        OPENING: -10000,
    } == read.balances


# --- on real ledgers ------------------------------------------------------------------------------


@pytest.mark.in_turn(4)
@JOURNALS
@pytest.mark.parametrize("name", PEOPLE)
def test_a_random_life_adds_up_in_the_accountants_program(readers, a_life, format_name, name):
    """
    It accepts the whole life and the part behind its first day; its balance is ours to the fen,
    and the card's is what went there and back, with what is on its way.
    """
    for since in (None, BEGUN_AT + timedelta(hours=30)):
        with a_life.desk(name) as desk, desk.statement(since=since) as opened:
            read = readers[format_name](text_of(opened, format_name))
            card_fen = sum(line["card_fen"] or 0 for line in opened.lines)
            ours_fen = desk.balance()["available_fen"]

        assert "" == read.objection
        assert ours_fen == read.balances.get(BALANCE, 0)
        assert card_fen == read.balances.get(BANK, 0) + read.balances.get(TRANSIT, 0)
        assert 0 == sum(read.balances.values())


@JOURNALS
def test_every_act_of_a_real_home_is_accepted(readers, lived, format_name):
    """
    With cards, fees, refunds of both kinds and a withdrawal on its way.
    """
    with lived.desk() as desk, desk.statement() as opened:
        read = readers[format_name](text_of(opened, format_name))

        assert ("", opened.closing_fen) == (read.objection, read.balances[BALANCE])


def test_bean_check_is_silent(lived, tmp_path):
    """
    The program itself, with its pedantic plugin: no account unused, no commodity undeclared.
    """
    path = tmp_path / "a.beancount"
    with lived.desk() as desk, desk.statement() as opened:
        path.write_bytes(written(opened, "beancount") + b'plugin "beancount.plugins.pedantic"\n')

    told = run("bean-check", path)

    assert (0, "", "") == (told.returncode, told.stdout, told.stderr)


@JOURNALS
@pytest.mark.parametrize("opening_fen", [0, 10000])
def test_a_period_in_which_nothing_moved_is_accepted(readers, format_name, opening_fen):
    """
    Its balance is still said, and still proved.
    """
    text = text_of(lasting(opening_fen=opening_fen), format_name)

    read = readers[format_name](text)

    assert ("", opening_fen) == (read.objection, read.balances.get(BALANCE, 0))
    assert "" not in [readers[format_name](edited).objection for edited in a_fen_more(text)]


@JOURNALS
def test_a_period_of_no_length_is_accepted(readers, format_name):
    """
    It ends on the day on which it begins, even where that is a midnight.
    """
    at = NOVEMBER[0]
    text = text_of(lasting(since=at, until=at, begins_at=at, ends_at=at), format_name)

    read = readers[format_name](text)

    assert ("", 10000) == (read.objection, read.balances[BALANCE])


# --- what the programs object to ------------------------------------------------------------------

AMOUNT = re.compile(r"(?<!format )-?\b\d+\.\d\d(?= (~ 0 )?CNY\b)")


def a_fen_more(text: str) -> Iterator[str]:
    """Yield *text* again and again, each time with another of its amounts a fen higher."""
    for found in AMOUNT.finditer(text):
        amount = f"{Decimal(found[0]) + Decimal('0.01'):.2f}"
        yield text[: found.start()] + amount + text[found.end() :]


@JOURNALS
def test_no_amount_can_be_a_fen_off(readers, format_name):
    """
    Neither the opening nor the closing balance, nor one side of an entry, nor a balance after it.
    """
    text = text_of(statement(), format_name)

    objections = [readers[format_name](edited).objection for edited in a_fen_more(text)]

    assert {"beancount": 9, "hledger": 12, "ledger": 12}[format_name] == len(objections)
    assert "" not in objections


@JOURNALS
def test_no_movement_can_be_a_fen_off(readers, format_name):
    """
    Nor both sides of an entry at once: what the balance comes to is said apart from them.
    """
    text = text_of(statement(), format_name)
    edited = text.replace("-66.66 CNY", "-66.65 CNY").replace(" 66.66 CNY", " 66.65 CNY")

    assert edited != text
    assert "" != readers[format_name](edited).objection


@JOURNALS
def test_no_movement_can_be_missing(readers, format_name):
    """
    A whole entry that is taken out leaves a balance that nobody reaches.
    """
    entries = text_of(statement(), format_name).split("\n\n")

    for number, entry in enumerate(entries):
        if " * " in entry and "期末余额" not in entry:
            kept = re.sub(r"(?m)^(?!.*(open|account|payee) ).*\n?", "", entry)
            fewer = "\n\n".join([*entries[:number], kept, *entries[number + 1 :]])
            assert "" != readers[format_name](fewer).objection


# --- duplicates -----------------------------------------------------------------------------------


def test_beangulp_finds_each_entry_again_and_no_other(lived):
    """
    Two exports of one period: an entry's only link leads to itself, also from a refund.
    """
    with lived.desk() as desk, desk.statement() as opened:
        known, brought = (loaded(text_of(opened, "beancount")) for _ in range(2))

    pairs = find_similar_entries(brought, known, same_link_comparator())

    assert len(brought) == len(pairs) > 7
    assert [one.meta["hongbao-id"] for one, _ in pairs] == [
        other.meta["hongbao-id"] for _, other in pairs
    ]
    assert {1} == {len(entry.links) for entry in known}


def test_beancount_finds_what_is_booked_twice():
    """
    By its own plugin, and by the balance that is not reached.
    """
    text = text_of(statement(), "beancount")
    sent = next(entry for entry in text.split("\n\n") if "拼手气" in entry)
    again = sent.partition("\n")[2]
    doubled = f'{text}\nplugin "beancount.plugins.noduplicates"\n\n{again}\n'

    objection = beancount(doubled).objection

    assert "Duplicate entry" in objection
    assert "Balance failed" in objection


@pytest.mark.parametrize("format_name", ["hledger", "ledger"])
def test_a_journal_that_is_read_twice_is_refused(readers, format_name):
    """
    The second time, the first movement misses the balance it should come to.
    """
    line = movement(act="claim", amount_fen=100)
    text = text_of(lasting(line, opening_fen=0), format_name)

    assert "assertion" in readers[format_name](text + text).objection


def test_what_opens_in_the_middle_of_a_book_shows_what_is_twice_in_equity(readers):
    """
    Hledger goes by the date and refuses it. Ledger goes by the line, and takes what is missing for
    the second opening from Equity, as it should where an earlier period really is missing.
    """
    text = text_of(statement(), "ledger")

    assert "assertion" in readers["hledger"](text + text).objection
    assert -10000 == readers["ledger"](text).balances[OPENING]
    assert -10000 - 7676 == readers["ledger"](text + text).balances[OPENING]


@pytest.mark.parametrize("format_name", ["hledger", "ledger"])
def test_an_entry_is_found_by_its_code_and_its_tag(tmp_path, format_name):
    """
    As whoever looks for one movement asks for it.
    """
    path = tmp_path / "journal"
    path.write_bytes(written(statement(), format_name))
    code = "HB1000039501261130630962000000009-fee"
    asked = {
        "hledger": (f"code:{code}", f"tag:hbid={code}"),
        "ledger": (f"code {code}", f"%hbid={code}"),
    }

    for query in asked[format_name]:
        shown = run(format_name, "-f", path, "print", *query.split(" ")).stdout
        assert 1 == shown.count(" * ")
        assert f"({code})" in shown


# --- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["hledger", "ledger"])
def test_journals_of_periods_that_follow_each_other_are_one_journal(readers, a_life, format_name):
    """
    Where one ends another opens, also in the middle of a day: an opening balance that is already
    there takes nothing more from Equity.
    """
    ends = [None, *(BEGUN_AT + timedelta(hours=hours) for hours in (4, 20, 28, 31)), None]
    parts = []
    with a_life.desk() as desk:
        for since, until in pairwise(ends):
            with desk.statement(since=since, until=until) as opened:
                parts.append(text_of(opened, format_name))
        with desk.statement() as whole:
            expected = readers[format_name](text_of(whole, format_name)).balances

    read = readers[format_name]("".join(parts))

    assert "" == read.objection
    assert {**expected, OPENING: 0} == read.balances


@every(
    ("until", "ends_at", "expected"),
    [
        (NOVEMBER[1], NOVEMBER[1], "2026-12-01"),
        (NOVEMBER[1] - timedelta(hours=12), NOVEMBER[1] - timedelta(hours=12), "2026-12-01"),
        (None, NOVEMBER[1] - timedelta(microseconds=1), "2026-12-01"),
        (None, NOVEMBER[1], "2026-12-02"),
        (NOVEMBER[1] + timedelta(days=9), NOVEMBER[1] - timedelta(seconds=1), "2026-12-01"),
    ],
)
def test_beancount_looks_at_the_balance_when_the_last_day_is_over(until, ends_at, expected):
    """
    A period that ends at midnight ends with the day before; an open one with what came last.

    Where more can happen on that day, the assertion says that it is this file's alone.
    """
    text = text_of(statement(until=until, ends_at=ends_at), "beancount")

    dated = re.findall(r"^(\S+) balance ", text, re.MULTILINE)

    assert [expected] == dated
    assert (until == ends_at == NOVEMBER[1]) is ("of this file alone" not in text)


def test_a_closed_day_stays_proved_whatever_comes_later(a_life):
    """
    A month's last assertion and the first movement of the next one bear the same date.
    """
    midnight = BEGUN_AT + timedelta(hours=4)
    found: list[Any] = []
    options: dict[str, Any] = {}
    with a_life.desk() as desk:
        for since, until in ((None, midnight), (midnight, None)):
            with desk.statement(since=since, until=until) as opened:
                entries, errors, options = loader.load_string(text_of(opened, "beancount"))
            assert [] == errors
            found += [entry for entry in entries if getattr(entry, "narration", "") != "期初余额"]

    later = {entry.date for entry in data.filter_txns(found)}
    objections = check(data.sorted(found), options)[1]

    assert [] == objections
    assert midnight.date() in {entry.date for entry in found if isinstance(entry, data.Balance)}
    assert max(later) > midnight.date()


# --- what is said ---------------------------------------------------------------------------------

OUT = {"packet": None, "packet_kind": None, "shares": None, "greeting": None}
TO_CARD = {**OUT, "card": "cmb-3334", "bank": "cmb", "card_tail": "3334"}
ON_CARD = {"card": "cmb-3334", "bank": "cmb", "card_tail": "3334"}
CMB = "招商银行(3334)"
DUE, REJECTED = "（冻结期满退回）", "（审核未通过）"

STANDS = {"on_its_way": "（处理中）", "held": "（审核中）", "came_back": "（未成功）"}

KINDS: list[tuple[str, int, dict[str, Any], list[tuple[Any, ...]]]] = [
    ("topup", 500, {**TO_CARD, "card_fen": -500}, [(CMB, "零钱充值", BALANCE, 500, BANK)]),
    (
        *("withdraw", -110, {**TO_CARD, "card_fen": 100}),
        [
            (CMB, "零钱提现", BALANCE, -100, BANK),
            ("hongbao", "提现服务费", BALANCE, -10, FEES),
        ],
    ),
    ("withdraw", -100, {**TO_CARD, "card_fen": 100}, [(CMB, "零钱提现", BALANCE, -100, BANK)]),
    *(
        (
            *(act, 110, {**TO_CARD, "card_fen": -100}),
            [
                ("在途资金", f"提现退回{how}", BALANCE, 100, TRANSIT),
                ("hongbao", f"提现服务费退回{how}", BALANCE, 10, TRANSIT),
            ],
        )
        for act, how in (("withdraw_returned", ""), ("returned", DUE), ("rejected", REJECTED))
    ),
    ("send", -300, {}, [("红包", "拼手气红包 3个", BALANCE, -300, EXPENSES)]),
    ("send", -300, {"packet_kind": "equal"}, [("红包", "普通红包 3个", BALANCE, -300, EXPENSES)]),
    (
        *("send", -300, {"packet_kind": "exclusive", "counterparty": "小红"}),
        [("小红", "专属红包", BALANCE, -300, EXPENSES)],
    ),
    ("send", 0, {**ON_CARD, "card_fen": -300}, [("红包", "拼手气红包 3个", BANK, -300, EXPENSES)]),
    ("claim", 200, {"counterparty": "小红"}, [("小红", "领取红包", BALANCE, 200, INCOME)]),
    ("claim", 0, {"counterparty": "小红"}, []),
    *(
        (act, 200, {"counterparty": "小红"}, [("小红", f"领取红包{how}", BALANCE, 200, INCOME)])
        for act, how in (("released", "（冻结期满解冻）"), ("approved", "（审核通过）"))
    ),
    ("released", 0, {}, []),
    ("approved", 0, OUT, []),
    ("refund", 100, {}, [("红包", "红包过期退回", BALANCE, 100, EXPENSES)]),
    ("refund", 0, {**ON_CARD, "card_fen": 90}, [("红包", "红包过期退回", EXPENSES, -90, BANK)]),
    *(
        (
            *(act, 90 - card_fen, {"counterparty": "小红", **card, "card_fen": card_fen}),
            [("小红", f"红包退回{how}", *between)],
        )
        for act, how in (("returned", DUE), ("rejected", REJECTED))
        for card, card_fen, between in (
            ({}, 0, (BALANCE, 90, EXPENSES)),
            (ON_CARD, 90, (EXPENSES, -90, BANK)),
        )
    ),
    (
        *("refund_to_balance", 90, {**ON_CARD, "card_fen": -90}),
        [("在途资金", "红包退款未能退回银行卡，转入零钱", BALANCE, 90, TRANSIT)],
    ),
    *(
        (
            *("withdraw", -110, {**TO_CARD, "card_fen": 100, "status": status}),
            [
                ("在途资金", f"零钱提现{stands}", BALANCE, -100, TRANSIT),
                ("hongbao", f"提现服务费{stands}", BALANCE, -10, TRANSIT),
            ],
        )
        for status, stands in STANDS.items()
    ),
    *(
        (
            *("refund", 0, {**ON_CARD, "card_fen": 90, "status": status}),
            [("红包", f"红包过期退回{stands}", EXPENSES, -90, TRANSIT)],
        )
        for status, stands in STANDS.items()
    ),
]


@every(("act", "amount_fen", "facts", "expected"), KINDS)
def test_each_kind_of_movement_is_booked_with_its_sign_and_its_words(
    act, amount_fen, facts, expected
):
    """
    Who, what, and from where to where; what moved nothing is no entry.
    """
    line = movement(act=act, amount_fen=amount_fen, **facts)
    text = text_of(lasting(line), "beancount")

    entries = [entry for entry in loaded(text) if entry.narration != "期初余额"]

    assert expected == [
        (
            *(entry.payee, entry.narration, entry.postings[0].account),
            in_fen(entry.postings[0].units.number),
            entry.postings[1].account,
        )
        for entry in entries
    ]
    assert [0] * len(entries) == [
        sum(in_fen(posting.units.number) for posting in entry.postings) for entry in entries
    ]


@JOURNALS
def test_all_kinds_together_are_accepted(readers, format_name):
    """
    Each program adds up what no single home of the tests has lived through.
    """
    lines = [
        movement(id=f"HB{number:030}", act=act, amount_fen=fen, **facts)
        for number, (act, fen, facts, _) in enumerate(KINDS)
    ]
    expected_fen = 10000 + sum(line["amount_fen"] for line in lines)

    read = readers[format_name](text_of(lasting(*lines), format_name))

    assert ("", expected_fen) == (read.objection, read.balances[BALANCE])
    booked: Counter[str] = Counter()
    for *_, rows in KINDS:
        for _payee, _narration, first, fen, second in rows:
            booked[first] += fen
            booked[second] -= fen
    for account in (BANK, TRANSIT):
        assert booked[account] == read.balances[account]


def test_every_kind_of_leg_has_words():
    """
    On one line, with something to read on both sides, also where a home knows no names.
    """
    unknown = {"counterparty": None, "bank": None, "card_tail": None, "packet_kind": None}

    for act, amount_fen, facts, _ in KINDS:
        line = movement(act=act, amount_fen=amount_fen, **{**facts, **unknown})
        for leg in legs(line):
            assert all(words_of(line, leg))


@JOURNALS
def test_a_masked_journal_says_no_names(lived, readers, format_name):
    """
    Nor what anyone typed; the money is the same.
    """
    with lived.desk() as desk, desk.statement(masked=True) as opened:
        text = text_of(opened, format_name)

    assert "" == readers[format_name](text).objection
    assert "B**" in text
    assert set() == {word for word in ("Bob", "greeting:", PEOPLE[0]) if word in text}


# --- what nobody may obey -------------------------------------------------------------------------

ENDS = ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
WORST = (
    *HOSTILE,
    *(f'a"{end}plugin "evil"{end}' for end in ENDS),
    *(f"a{end}include /etc/passwd{end}" for end in ENDS),
    *(f"a{end}{end}2026-11-03 * x{end}  Assets:Evil  1 CNY{end}  Assets:Evil2" for end in ENDS),
    *('\\" plugin "evil"', "\\", '"', "\\\n", '""', "a\\n", "\x00", "\x1b[2J", "\ufeffa", " "),
    *("[2001-01-01]", "[=2001-01-01]", "x: [2001/01/01=2002/02/02]", "date:2001-01-01", ":a:b:"),
    *(
        "a:: 1/0",
        "a, evil: 1",
        "evil: 1",
        "kind:evil",
        "; ; ;",
        "a  ; b",
        "a\t; b",
        "|",
        "*",
        "!",
        "()",
        "(x) y",
    ),
    *("= 0 CNY", "@@ 1 CNY", "{1 CNY}", "<adjust>", "%(system)", "~ monthly", "#evil ^evil"),
    *("\ud800", "\uffff", "\u202eabc", "\u200b", "👩\u200d👧", "e\u0301", "，；：｜"),
)
LINES = [
    movement(
        id=f"HB{number:030}",
        act="claim",
        amount_fen=1,
        counterparty=worst,
        greeting=worst,
        profile=worst,
    )
    for number, worst in enumerate(WORST)
]


def test_beancount_obeys_nothing_that_was_typed():
    """
    A name or a greeting is read back as it was, on one line; no plugin, no file, no entry more.
    """
    text = text_of(lasting(*LINES, profile='a"\nplugin "evil"'), "beancount")

    entries, errors, options = loader.load_string(text)

    _, *claims = data.filter_txns(entries)
    assert ([], [], []) == (errors, options["plugin"], options["include"])
    assert [plain(worst) or "红包" for worst in WORST] == [entry.payee for entry in claims]
    assert [plain(worst) for worst in WORST] == [entry.meta["greeting"] for entry in claims]
    assert {(frozenset(), 1)} == {(entry.tags, len(entry.links)) for entry in claims}
    assert 1 == sum(isinstance(entry, data.Balance) for entry in entries)


@pytest.mark.parametrize("format_name", ["hledger", "ledger"])
def test_hledger_and_ledger_obey_nothing_that_was_typed(readers, tmp_path, format_name):
    """
    No file is included, no tag invented, no entry added, and none is moved to another day.
    """
    text = text_of(lasting(*LINES, profile="a\ninclude /etc/passwd"), format_name)

    read = readers[format_name](text)

    assert ("", 10000 + len(WORST)) == (read.objection, read.balances[BALANCE])
    assert {BALANCE, INCOME, OPENING} == {*read.balances}
    path = tmp_path / "journal"
    shown = run(format_name, "-f", path, "print").stdout
    dates = Counter(re.findall(r"^(\d{4}.\d\d.\d\d)[ =]", shown, re.MULTILINE))
    assert len(WORST) == dates[{"hledger": "2026-11-02", "ledger": "2026/11/02"}[format_name]]
    assert len(dates) <= 3
    if format_name == "hledger":  # to ledger a value goes to the line's end anyway
        values = run("hledger", "-f", path, "tags", "--values", "greeting").stdout.splitlines()
        assert {tame(worst) for worst in WORST} - {""} <= {*values}
    told = run(format_name, "-f", path, "tags").stdout
    assert {"hbid", "time", "kind", "packet", "greeting"} == {*told.split()}
    payees = run(format_name, "-f", path, "payees").stdout.splitlines()
    assert {tame(worst).lstrip('*!(" ') or "红包" for worst in WORST} <= {*payees}


@given(st.text(max_size=30))
def test_what_was_typed_stays_on_its_line(text):
    """
    Whatever it is, nothing is left of it that is not for eyes.
    """
    shown = plain(text).replace("\u200c", "").replace("\u200d", "")

    assert shown.isprintable()
    assert [] == [sign for sign in ";|:,[" if sign in tame(text)]
    assert "  " not in tame(text)
