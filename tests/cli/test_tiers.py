"""Three tiers of money on a screen: books, traces, settlements, differences, banks."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from hongbao import words
from hongbao.answers import (
    AccountLine,
    BankLine,
    BookShown,
    BooksShown,
    DifferenceLine,
    FaultLine,
    MovedLine,
    Reconciled,
    Settled,
    Traced,
    TraceMessage,
    TraceStep,
)
from hongbao.domain.channel import Fault, MessageState
from hongbao.domain.ledger import Kind, Reason
from hongbao.domain.packet import STEPS
from hongbao.ui import trace, wording
from tests.cli.shell import Shell, plain
from tests.every import every

WINDOWS = str(Path(__file__).with_name("windows.py"))
AT = "2026-02-16T20:00:00.123456+08:00"
PACKET, MESSAGE = "hb_7Q2M4K9X", "NU20260216000012"


# --- answers -------------------------------------------------------------------------------------


def account(
    kind: str, side: str, held_fen: int, before_fen: int | None = None, owner: str | None = None
) -> AccountLine:
    before_fen = held_fen if before_fen is None else before_fen
    return AccountLine(
        kind=kind, owner=owner, side=side, before_fen=before_fen, held_fen=held_fen, count=1
    )


def book(code: str, *accounts: AccountLine) -> BookShown:
    debits_fen, credits_fen = (
        sum(each["held_fen"] for each in accounts if each["side"] == side)
        for side in ("debit", "credit")
    )
    return BookShown(
        book=code, accounts=list(accounts), debits_fen=debits_fen, credits_fen=credits_fen
    )


def books(*shown: BookShown, moved: Sequence[MovedLine] | None = None) -> BooksShown:
    diff = moved is not None
    return BooksShown(
        at=AT,
        diff=diff,
        entry=12 if diff else None,
        act="topup" if diff else None,
        request_id="req-1" if diff else None,
        transfers=list(moved or ()),
        books=list(shown),
    )


def move(code: str, debit: str, credit: str, amount_fen: int, reason: str = "topup") -> MovedLine:
    return MovedLine(book=code, debit=debit, credit=credit, amount_fen=amount_fen, reason=reason)


def standing(
    *, in_transit_fen: int = 10000, reserve_fen: int = 93334, extra_fen: int = 0
) -> BooksShown:
    """Return three tiers after a top-up of 100.00 that is not settled yet."""
    return books(
        book(
            "platform",
            account("reserve", "debit", 93334 + extra_fen),
            account("incoming", "debit", in_transit_fen, owner="icbc"),
            account("balance", "credit", 86668 + in_transit_fen + extra_fen),
            account("packet", "credit", 6666),
            account("fees", "credit", 0),
        ),
        book(
            "icbc",
            account("settlement", "debit", 9906666),
            account("deposit", "credit", 9896666),
            account("outgoing", "credit", 10000),
        ),
        book(
            "cmb",
            account("settlement", "debit", 10000000),
            account("deposit", "credit", 10000000),
        ),
        book(
            "central",
            account("issue", "debit", 9906666 + 10000000 + reserve_fen + extra_fen),
            account("bank_reserve", "credit", 9906666, owner="icbc"),
            account("bank_reserve", "credit", 10000000, owner="cmb"),
            account("platform_reserve", "credit", reserve_fen + extra_fen),
        ),
    )


TOPPED_UP = books(
    book(
        "platform",
        account("reserve", "debit", 93334),
        account("incoming", "debit", 10000, 0, owner="icbc"),
        account("balance", "credit", 20000, 10000, owner="小明"),
        account("balance", "credit", 40000, owner="小红"),
        account("balance", "credit", 43334, owner="小刚"),
    ),
    book(
        "icbc",
        account("settlement", "debit", 9906666),
        account("deposit", "credit", 9896666, 9906666),
        account("outgoing", "credit", 10000, 0),
    ),
    book("cmb", account("settlement", "debit", 777), account("deposit", "credit", 777)),
    book(
        "central",
        account("issue", "debit", 10000777),
        account("bank_reserve", "credit", 9906666, owner="icbc"),
        account("bank_reserve", "credit", 777, owner="cmb"),
        account("platform_reserve", "credit", 93334),
    ),
    moved=[
        move("icbc", "deposit", "outgoing", 10000),
        move("platform", "incoming", "balance", 10000),
    ],
)


def step(number: int, says: str, actor: str = "platform", **more: Any) -> TraceStep:
    return TraceStep(
        step=number,
        name=STEPS[number - 1],
        actor=actor,
        at=AT,
        entry=more.get("entry"),
        took_micros=more.get("took_micros"),
        says=says,
        facts=more.get("facts", {}),
        movements=more.get("movements", []),
        messages=more.get("messages", []),
    )


def traced(*steps: TraceStep, kind: str = "packet", **more: Any) -> Traced:
    return Traced(
        subject=PACKET,
        kind=kind,
        state=more.get("state", "open"),
        banks_touched=more.get("banks_touched", False),
        took_micros=more.get("took_micros", 61_300),
        steps=list(steps),
    )


SENT = (
    step(1, "packet_created", "小明", facts={"profile": "小明", "amount_fen": 6666, "count": 3}),
    step(2, "authorised", "小明", took_micros=60_000),
    step(
        3,
        "frozen_from_balance",
        facts={"amount_fen": 6666},
        movements=[move("platform", "balance", "packet", 6666, "send")],
        took_micros=20,
    ),
    step(4, "notified"),
)
CLAIMED = (
    step(5, "claimed", "小红", facts={"profile": "小红", "share": 1, "count": 3}),
    step(6, "allocated", facts={"amount_fen": 2100, "share": 1}),
    step(
        7,
        "credited",
        facts={"amount_fen": 2100, "profile": "小红"},
        movements=[move("platform", "packet", "balance", 2100, "claim")],
    ),
)
UNANSWERED = traced(
    step(
        3,
        "instructed",
        "netsunion",
        facts={"bank": "icbc", "channel": "netsunion", "amount_fen": 1234567, "card": "icbc-0003"},
        messages=[
            TraceMessage(
                message=MESSAGE,
                channel="netsunion",
                bank="icbc",
                state="unknown",
                amount_fen=1234567,
            )
        ],
    ),
    step(
        3,
        "bank_booked",
        "icbc",
        facts={"bank": "icbc"},
        movements=[move("icbc", "deposit", "outgoing", 1234567)],
    ),
    step(3, "bank_silent", "icbc", facts={"bank": "icbc"}),
    kind="topup",
    state="unknown",
    banks_touched=True,
    took_micros=3_260_000,
)


def settled(**more: Any) -> Settled:
    answer = Settled(
        batch="B20260216",
        at=AT,
        resolved=[
            {
                "message": MESSAGE,
                "act": "topup",
                "profile": "小明",
                "amount_fen": 10000,
                "state": "accepted",
                "card": "icbc-0003",
                "packet": None,
                "card_gone": False,
            },
            {
                "message": "UP20260216000013",
                "act": "refund",
                "profile": "小红",
                "amount_fen": 1234567,
                "state": "unknown",
                "card": "cmb-0003",
                "packet": PACKET,
                "card_gone": False,
            },
        ],
        lines=[
            {
                "bank": "icbc",
                "in_count": 3,
                "in_fen": 100000,
                "out_count": 1,
                "out_fen": 40000,
                "to_platform_fen": 60000,
                "to_bank_fen": 0,
            },
            {
                "bank": "cmb",
                "in_count": 0,
                "in_fen": 0,
                "out_count": 1,
                "out_fen": 20001,
                "to_platform_fen": 0,
                "to_bank_fen": 20001,
            },
        ],
        messages=5,
        gross_fen=160001,
        net_fen=80001,
        saved_fen=80000,
        still_pending=1,
        holds=[],
    )
    answer.update(more)  # type: ignore[typeddict-item]  # what differs in a test
    return answer


def difference(kind: str, *, corrected: bool = False) -> DifferenceLine:
    return DifferenceLine(
        bank="icbc",
        date="2026-02-16",
        kind=kind,
        message=MESSAGE,
        act="topup",
        profile="小明",
        ours_fen=10000,
        theirs_fen=5000,
        amount_fen=123456,
        corrected=corrected,
    )


KINDS = ("surplus", "shortage", "amount", "state", "duplicate")


def reconciled(*differences: DifferenceLine) -> Reconciled:
    return Reconciled(
        date="2026-02-16",
        ok=not differences,
        banks=[
            {
                "bank": "icbc",
                "matched": 10,
                "matched_fen": 1234567,
                "differences": len(differences),
                "open": 1,
            }
        ],
        differences=list(differences),
    )


FAULTS = [
    FaultLine(bank="icbc", fault="timeout", amount_fen=None, set_at=AT),
    FaultLine(bank="icbc", fault="duplicate-answer", amount_fen=1234567, set_at=AT),
    *(FaultLine(bank="netsunion", fault=fault, amount_fen=None, set_at=AT) for fault in Fault),
]
BANKS = [
    BankLine(
        bank="icbc",
        name="ICBC (demo)",
        prefix="999901",
        cards=2,
        deposits_fen=20000000,
        channel="netsunion",
        faults=FAULTS[:2],
    ),
    BankLine(
        bank="cmb",
        name="CMB (demo)",
        prefix="999902",
        cards=0,
        deposits_fen=0,
        channel="unionpay",
        faults=[],
    ),
]

ANSWERS: dict[str, tuple[str, str, object]] = {
    "books": ("books", "show_books", standing()),
    "rich books": ("books", "show_books", standing(extra_fen=99_999_999_999_00)),
    "books in doubt": ("books", "show_books", standing(in_transit_fen=0)),
    "books at odds": ("books", "show_books", standing(reserve_fen=93333)),
    "no books": ("books", "show_books", books()),
    "before and after": ("books", "show_books", TOPPED_UP),
    "a packet from balance": ("trace", "show_trace", traced(*SENT, *CLAIMED)),
    "a finished packet": ("trace", "show_trace", traced(*SENT, *CLAIMED * 3, state="finished")),
    "a packet nobody claimed": (
        "trace",
        "show_trace",
        traced(*SENT, step(8, "refunded_to_balance"), state="refunded"),
    ),
    "an unanswered payment": ("trace", "show_trace", UNANSWERED),
    "settled": ("clearing", "show_settled", settled()),
    "nothing to settle": (
        "clearing",
        "show_settled",
        settled(batch=None, resolved=[], lines=[], messages=0, gross_fen=0, still_pending=0),
    ),
    "all netted away": (
        "clearing",
        "show_settled",
        settled(resolved=[], gross_fen=0, net_fen=0, saved_fen=0, still_pending=0, messages=1),
    ),
    "differences": ("clearing", "show_reconciled", reconciled(*map(difference, KINDS))),
    "a corrected one": (
        "clearing",
        "show_reconciled",
        reconciled(difference("shortage", corrected=True)),
    ),
    "no difference": ("clearing", "show_reconciled", reconciled()),
    "banks": ("clearing", "show_banks", BANKS),
    "faults": ("clearing", "show_faults", FAULTS),
    "no faults": ("clearing", "show_faults", []),
}

Seen = Callable[[str], dict[str, str]]
SIZES = ("en 80", "en 40", "zh_CN 80", "zh_CN 40", "en 130", "zh_CN 20")


@pytest.fixture(scope="session")
def seen(empty: Shell, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what shows each answer in a language and a width; ``pipe`` is a width, too."""
    file = tmp_path_factory.mktemp("tiers") / "answers.json"
    file.write_text(json.dumps([*ANSWERS.values()]), encoding="utf-8")

    @cache
    def shown(size: str) -> dict[str, str]:
        language, columns, *settings = size.split()
        variables = dict(setting.split("=") for setting in settings)
        if columns == "pipe":
            said = empty.run([sys.executable, WINDOWS, str(file)], HONGBAO_LANG=language)
        else:
            said = empty.at_terminal(
                *(WINDOWS, str(file)),
                columns=int(columns),
                argv=[sys.executable],
                HONGBAO_LANG=language,
                **variables,  # type: ignore[arg-type]  # never one of the names above
            )
        assert (0, "") == (said.code, said.err), said.out
        return dict(zip(ANSWERS, said.out.split("\x1e")[1:], strict=True))

    return shown


def lines_of(seen: Seen, size: str, name: str) -> list[str]:
    return [line.rstrip() for line in plain(seen(size)[name]).splitlines()]


# --- every screen --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES[:5])
def test_no_line_is_wider_than_the_terminal(seen: Seen, size: str):
    """
    Only a command stands out, so that it can still be copied.
    """
    columns = int(size.split()[1])

    for name, screen in seen(size).items():
        wide = [line for line in plain(screen).splitlines() if cell_len(line) > columns]
        assert (name, []) == (name, [line for line in wide if "`hongbao reconcile" not in line])


@pytest.mark.parametrize("size", SIZES)
def test_an_amount_is_never_broken_or_cut(seen: Seen, size: str):
    """
    However narrow the terminal and however rich the central bank.
    """
    screens = {name: plain(screen) for name, screen in seen(size).items()}

    assert "100000000932.34" in screens["rich books"]
    assert "12345.67" in screens["an unanswered payment"]
    assert "12345.67" in screens["settled"]
    for screen in screens.values():
        assert not re.search(r"\d…|\d\.\n|\d\n\.\d|\d\.\d\n\d", screen)


def test_colour_is_only_decoration(seen: Seen):
    """
    Without it the same characters stand in the same places.
    """
    with_colour, without = seen("en 80"), seen("en 80 NO_COLOR=1")

    assert {name: plain(screen) for name, screen in with_colour.items()} == {
        name: plain(screen) for name, screen in without.items()
    }
    assert re.search(r"\x1b\[[0-9;]*3[0-7]", "".join(with_colour.values()))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", "".join(without.values()))


def test_a_pipe_gets_the_same_lines_in_every_language(seen: Seen):
    """
    Fields and tabs, and no word that a reader's language changes.
    """
    assert seen("en pipe") == seen("zh_CN pipe")
    assert [] == [name for name, screen in seen("en pipe").items() if "\x1b" in screen]


def test_every_code_has_its_word():
    """
    In Chinese, where no code can pass for one.
    """
    words.use_language("zh_CN")
    said: dict[str, str] = {
        **{kind: wording.account(kind) for kind in Kind},
        **{f"{kind} summed": wording.account(kind, summed=True) for kind in Kind},
        **{f"because {reason}": wording.reason(reason) for reason in Reason},
        **{state: wording.message_state(state) for state in MessageState},
        **{f"step {name}": wording.step(name) for name in STEPS},
        **{f"difference {kind}": wording.difference(kind) for kind in KINDS},
        **{f"fault {fault}": wording.fault(fault) for fault in Fault},
    }

    assert {} == {code: word for code, word in said.items() if re.search("[a-z]", word)}


# --- books ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "titles", "first"),
    [
        ("en 80", ["platform", "ICBC (demo)", "central bank"], "reserve     │ balances"),
        ("zh_CN 80", ["平台", "工商银行（演示）", "央行"], "备付金      │ 零钱 966.68"),
    ],
)
def test_three_tiers_stand_side_by_side(seen: Seen, size: str, titles: list[str], first: str):
    """
    The platform, the banks, the central bank, each a T with a bar below its rule's middle.
    """
    lines = lines_of(seen, size, "books")
    heads = [place for place, line in enumerate(lines) if "┬" in line]

    assert titles == re.split(r"\s{2,}", lines[heads[0] - 1].strip())
    assert 3 == lines[heads[0]].count("┬")
    assert lines[heads[0] + 1].startswith(first)

    def bars(line: str, mark: str) -> list[int]:
        return [cell_len(line[: found.start()]) for found in re.finditer(mark, line)]

    assert bars(lines[heads[0]], "┬") == bars(lines[heads[0] + 1], "│")
    assert set(bars(lines[heads[1]], "┬")) <= set(bars(lines[heads[0]], "┬"))


@pytest.mark.parametrize("size", ["en 40", "zh_CN 40"])
def test_a_narrow_terminal_has_one_book_below_the_other(seen: Seen, size: str):
    """
    Four books, four Ts, each adding up to the same on both sides.
    """
    lines = lines_of(seen, size, "books")
    totals = [lines[place + 1].split(" │ ") for place, line in enumerate(lines) if "┼" in line]

    assert 4 == len(totals)
    assert all(debit.strip() == credit.strip() for debit, credit in totals)
    assert ["1033.34", "99066.66", "100000.00", "200000.00"] == [
        debit.strip() for debit, _credit in totals
    ]


def test_amounts_too_rich_for_three_columns_are_shown_below_one_another(seen: Seen):
    """
    At 80 columns a T of its own; where even that is too narrow, a list.
    """
    assert 4 == sum(line.count("┬") for line in lines_of(seen, "en 80", "rich books"))
    assert 0 == sum(line.count("┬") for line in lines_of(seen, "zh_CN 20", "rich books"))


def test_an_empty_account_is_left_out(seen: Seen):
    """
    Nobody has paid a fee yet.
    """
    assert "fees" not in plain(seen("en 80")["books"])
    assert "platform\tfees\t\tcredit\t0.00\t0.00" in seen("en pipe")["books"]


def test_the_same_money_is_seen_from_both_ends(seen: Seen):
    """
    What one book says of another is said beside what that one says.
    """
    lines = lines_of(seen, "en 80", "books")
    doubt = lines_of(seen, "en 80", "books in doubt")
    odds = lines_of(seen, "en 80", "books at odds")

    assert "the platform's reserve        933.34                   933.34  ✓" in lines
    assert "in transit to the platform    100.00     100.00                ✓" in lines
    assert any(re.fullmatch(r"in transit to the .* 0\.00 +100\.00 +unknown", x) for x in doubt)
    assert any(re.fullmatch(r"the platform's .* 933\.34 +933\.33 +✗ they differ", x) for x in odds)


def test_an_act_is_shown_before_and_after(seen: Seen):
    """
    What changed, by how much; what did not is summed up and dim, or left out.
    """
    screen = seen("en 130")["before and after"]
    lines = lines_of(seen, "en 130", "before and after")

    assert "before → after · top-up · entry 12 · 2026-02-16 20:00:00" == lines[0]
    assert re.search(r"balance 小明 .*\n.* 100\.00 → 200\.00 .*\n.* \+100\.00", plain(screen))
    assert re.search(r"99066\.66 → 98966\.66 -100\.00", plain(screen))
    assert "\x1b[2m833.34" in re.sub(r"×2\x1b\[0m\x1b\[2m *", "\x1b[2m", screen)
    assert "CMB" not in plain(screen)
    assert "unchanged: central bank" in lines
    assert "unchanged: central bank" in lines_of(seen, "en 80", "before and after")
    assert "没有变动：央行" in lines_of(seen, "zh_CN 40", "before and after")
    assert re.search(r"933\.34 → 1033\.34 │ +933\.34 → 1033\.34", plain(screen))


def test_an_act_moved_what_it_moved_book_by_book(seen: Seen):
    """
    No movement crosses from one book into another.
    """
    lines = lines_of(seen, "zh_CN 80", "before and after")

    assert "工商银行（演示）  存款 → 在途应付  100.00  充值" in lines
    assert "平台              在途应收 → 零钱  100.00  充值" in lines


def test_books_in_a_pipe_have_a_line_for_each_account(seen: Seen):
    """
    Book, kind, owner, side, before, after.
    """
    lines = seen("en pipe")["before and after"].splitlines()

    assert 14 == len(lines)
    assert "platform\tbalance\t小明\tcredit\t100.00\t200.00" == lines[2]
    assert "icbc\toutgoing\t\tcredit\t0.00\t100.00" == lines[7]


# --- trace ---------------------------------------------------------------------------------------


def signs(lines: list[str]) -> str:
    return "".join(line[0] for line in lines if line[:1] in list("①②③④⑤⑥⑦⑧"))


def test_a_trace_has_eight_steps(seen: Seen):
    """
    Those that have not happened are there, and say so.
    """
    lines = lines_of(seen, "en 80", "a packet from balance")

    assert "①②③④⑤⑥⑦⑧" == signs(lines)
    assert "⑧ refund     not yet" in lines
    assert re.fullmatch(r"② authorise  20:00:00\.123  小明 +60 ms", lines[4])
    assert re.fullmatch(r"   platform  balance → packet +66\.66", lines[8])


def test_a_chinese_trace_names_its_steps_twice(seen: Seen):
    """
    As people call them and as programs do; where there is no room, as people do.
    """
    wide, narrow = (lines_of(seen, f"zh_CN {n}", "a packet from balance") for n in (80, 40))

    assert any(line.startswith("③ 资金冻结 freeze     20:00:00.123  平台") for line in wide)
    assert any(line.startswith("③ 资金冻结  20:00:00  平台") for line in narrow)


def test_each_claim_has_its_own_steps(seen: Seen):
    """
    And a finished packet has nothing left to return.
    """
    finished = lines_of(seen, "en 80", "a finished packet")
    unclaimed = lines_of(seen, "en 80", "a packet nobody claimed")

    assert "①②③④⑤⑥⑦⑤⑥⑦⑤⑥⑦⑧" == signs(finished)
    assert "⑧ refund     did not happen" in finished
    assert "①②③④⑤⑥⑦⑧" == signs(unclaimed)
    assert "⑤ claim      did not happen" in unclaimed


def test_a_packet_from_balance_touched_no_bank(seen: Seen):
    """
    And says so; a payment through the channel does not.
    """
    sentence = "no bank was involved: the money moved within the platform's own book"

    assert sentence in lines_of(seen, "en 80", "a packet from balance")
    assert sentence not in lines_of(seen, "en 80", "an unanswered payment")


def test_a_payment_has_no_steps_of_a_packet(seen: Seen):
    """
    Nobody claims a top-up; its settlement is still to come.
    """
    lines = lines_of(seen, "en 80", "an unanswered payment")

    assert "①②③③③⑦" == signs(lines)
    assert "⑦ settle     not yet" in lines


def test_a_message_is_shown_with_its_state(seen: Seen):
    """
    What is not known stands out.
    """
    screen = seen("en 80")["an unanswered payment"]

    assert re.search(rf"   {MESSAGE}  NetsUnion → ICBC \(demo\) .* 12345\.67\n", plain(screen))
    assert "\x1b[1;33munknown\x1b[0m" in screen


def test_all_of_it_has_a_limit(seen: Seen):
    """
    What took longer is red.
    """
    assert "61 ms in all; the limit is 3 s" in lines_of(seen, "en 40", "a finished packet")
    assert "全程用时61毫秒；上限3秒" in lines_of(seen, "zh_CN 40", "a finished packet")
    assert "\x1b[1;31m3.3 s\x1b[0m in all;" in seen("en 80")["an unanswered payment"]


FACTS = {
    "amount_fen": 6666,
    "card": "icbc-0003",
    "bank": "icbc",
    "channel": "netsunion",
    "message": MESSAGE,
    "packet": PACKET,
    "profile": "小明",
    "share": 1,
    "count": 3,
    "batch": "B1",
    "event": 12,
    "reason": "insufficient",
}
CODES = (
    *("packet_created", "topup_asked", "withdraw_asked", "authorised", "frozen_from_balance"),
    *("instructed", "bank_queued", "bank_late", "not_paid", "corrected"),
    *("bank_booked", "bank_declined", "bank_silent", "platform_booked", "duplicate_answer"),
    *("late_answer", "queried", "reversed", "notified", "claimed", "allocated", "credited"),
    *("settled_in_batch", "refunded_to_balance", "refund_under_way", "refund_arrived"),
    "fell_back_to_balance",
)


@every("code", CODES)
@every("language", ["en", "zh_CN"])
def test_a_step_says_what_it_knows(code: str, language: str):
    """
    With every fact, with each one missing, and with none.
    """
    words.use_language(language)
    known = [FACTS, {}, *({k: v for k, v in FACTS.items() if k != name} for name in FACTS)]

    said = [trace.sentence(code, facts) for facts in known]

    assert [] == [sentence for sentence in said if "{" in sentence or code == sentence]
    assert language == "en" or [] == [sentence for sentence in said if "asked" in sentence]
    assert said == [trace.sentence(code, {**dict.fromkeys(FACTS), **facts}) for facts in known]


def test_a_bank_says_why_it_declines():
    """
    In words where there are any; otherwise as it says it, and never as a command to the terminal.
    """
    said = [
        trace.sentence("bank_declined", {"bank": "icbc", "reason": reason})
        for reason in ("insufficient", "\x1b[31mno")
    ]

    assert [
        "ICBC (demo) declined: not enough money on the card",
        "ICBC (demo) declined: \\x1b[31mno",
    ] == said


def test_a_code_that_is_new_is_shown_as_it_is():
    """
    A trace of tomorrow's ledger is still a trace.
    """
    assert "moon_phase" == trace.sentence("moon_phase", FACTS)


# --- settlement and reconciliation ---------------------------------------------------------------


def test_a_batch_says_what_netting_saved(seen: Seen):
    """
    In money and in whole per cent, rounded down.
    """
    lines = lines_of(seen, "en 80", "settled")
    chinese = lines_of(seen, "zh_CN 80", "settled")

    assert "gross 1600.01 · net 800.01 · netting saved 800.00 (49%)" in lines
    assert "总额1600.01元 · 净额800.01元 · 轧差节省800.00元（49%）" in chinese
    assert "batch B20260216 · 5 payments · 2026-02-16 20:00:00" in lines
    assert "ICBC (demo)        1000.00  ×3       400.00  ×1  600.00  platform" in lines
    assert "CMB (demo)            0.00           200.01  ×1  200.01  CMB (demo)" in lines
    assert "gross 0.00 · net 0.00 · netting saved 0.00 (0%)" in lines_of(
        seen, "en 80", "all netted away"
    )


def test_what_became_of_payments_comes_first(seen: Seen):
    """
    One was booked; of the other nothing is known, and it can be asked after again.
    """
    lines = lines_of(seen, "en 80", "settled")

    assert re.fullmatch(rf"{MESSAGE}  top-up  小明 +icbc-0003 +100\.00  accepted", lines[1])
    assert re.fullmatch(rf"UP\d+  refund  小红 +{PACKET} +12345\.67  unknown", lines[2])
    assert "1 payment is still pending: check again with `hongbao settle`" == lines[-1]


def test_nothing_to_settle_is_said(seen: Seen):
    """
    In a pipe it is no line at all.
    """
    assert ["nothing to settle"] == lines_of(seen, "en 80", "nothing to settle")
    assert "" == seen("en pipe")["nothing to settle"]


def test_a_settlement_in_a_pipe_names_each_line(seen: Seen):
    """
    Payments, banks, and the batch.
    """
    lines = seen("en pipe")["settled"].splitlines()

    assert ["resolved", "resolved", "bank", "bank", "batch"] == [x.split("\t")[0] for x in lines]
    assert "bank\ticbc\t3\t1000.00\t1\t400.00\t600.00\t0.00" == lines[2]
    assert f"batch\tB20260216\t{AT}\t5\t1600.01\t800.01\t800.00" == lines[4]


@pytest.mark.parametrize(
    ("size", "names", "meaning"),
    [
        (
            "en 80",
            ["surplus", "shortage", "another amount", "another state", "booked twice"],
            "only the bank has it",
        ),
        (
            "zh_CN 80",
            ["长款", "短款", "金额不符", "状态不符", "重复入账"],
            "银行有，我方没有",
        ),
    ],
)
def test_each_difference_has_a_name_and_a_next_step(
    seen: Seen, size: str, names: list[str], meaning: str
):
    """
    The command to copy, with the message in it.
    """
    screen = plain(seen(size)["differences"])

    assert names == re.findall(r"^✗ (.*?) · .*" + MESSAGE, screen, re.MULTILINE)
    options = "--reason (?:TEXT|<文字>) --operator (?:NAME|<操作员>)"
    command = f"`hongbao reconcile resolve {MESSAGE} {options}`"
    assert 5 == len(re.findall(command, screen))
    assert 5 == screen.count("1234.56")
    assert 1 == screen.count(meaning)


def test_a_corrected_difference_asks_for_nothing(seen: Seen):
    """
    It stays on the page, with what corrected it.
    """
    screen = plain(seen("en 80")["a corrected one"])

    assert f"✓ shortage · ICBC (demo) · {MESSAGE} · top-up · 小明" in screen
    assert "corrected by 1234.56" in screen
    assert "hongbao reconcile resolve" not in screen


def test_statements_that_fit_are_said_to(seen: Seen):
    """
    With what is still being asked for beside them.
    """
    lines = lines_of(seen, "en 80", "no difference")

    assert "reconciled 2026-02-16" == lines[0]
    assert re.fullmatch(r"✓  ICBC \(demo\) +10 +12345\.67 +0 +1", lines[3])
    assert "✓ the banks' statements agree with the platform's records" == lines[-1]


def test_a_reconciliation_in_a_pipe_names_each_line(seen: Seen):
    """
    Banks first, then differences.
    """
    first, second, *_more = seen("en pipe")["differences"].splitlines()

    assert "bank\ticbc\t2026-02-16\t10\t12345.67\t5\t1" == first
    assert (
        f"difference\ticbc\t2026-02-16\tsurplus\t{MESSAGE}\ttopup\t小明\t100.00\t50.00\t1234.56\topen"
    ) == second


# --- banks and faults ----------------------------------------------------------------------------


def test_banks_are_listed_with_what_goes_wrong_there(seen: Seen):
    """
    The faults below, each with what it does.
    """
    english, chinese = (lines_of(seen, f"{language} 80", "banks") for language in ("en", "zh_CN"))

    assert re.fullmatch(r"icbc  ICBC \(demo\)  999901 +2  200000\.00  NetsUnion", english[1])
    assert re.fullmatch(r"icbc  工商银行（演示）  999901 +2  200000\.00  网联", chinese[1])
    assert re.fullmatch(
        r"icbc +timeout +books, and does not answer +any  2026-02-16 20:00", english[5]
    )
    assert re.fullmatch(r"icbc +duplicate-answer  answers twice +12345\.67 .*", english[6])


def test_a_fault_in_a_pipe_is_written_as_it_is_set(seen: Seen):
    """
    With its amount, where it is only for one.
    """
    banks = seen("en pipe")["banks"].splitlines()
    faults = seen("en pipe")["faults"].splitlines()

    assert banks[0].endswith("\tnetsunion\ttimeout,duplicate-answer=12345.67")
    assert f"icbc\tduplicate-answer\t12345.67\t{AT}" == faults[1]
    assert "no faults" == lines_of(seen, "en 80", "no faults")[0]
