"""Review: what operators decide, how many of them it takes, and that the chain keeps all of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.cases import Verb
from hongbao.domain.facts import decode
from hongbao.domain.pin import Pin
from hongbao.statements import _review as forms
from hongbao.statements.csv import uncell
from hongbao.wallet import Wallet, review
from hongbao.wallet.operators import REASON_LENGTH_MAX, By
from tests.wallet.risks import HOLD_HOURS, HOUR, SAYS, holding, pack, rule, with_pack
from tests.wallet.test_processes import at_once, codes
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    PINS,
    YUAN,
    ZHANG,
    World,
    id_number,
    right,
    tail,
    unasked,
    wrong,
)

TRIES = {**PINS, "operator": PINS["profile"]}
"""The columns that counting tries changes, operators' too: no part of what a refusal leaves."""

FOUR_EYES = "50.00"

REPORT = """
[[report]]
id = "{id}"
kind = "{kind}"
acts = ["send"]
when = [{{ indicator = "amount_fen", at_least = "5.00" }}]
says = {{ en = "worth a report", zh = "应当上报" }}
"""


def wu_pin() -> Pin:
    """Return Wu's PIN, which nobody's payment PIN is."""
    return Pin("975312")


def bao_pin() -> Pin:
    return Pin("864209")


WU, BAO = By("Wu", wu_pin), By("Bao", bao_pin)


@pytest.fixture(scope="module")
def _desk(_people: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = _people.copy(tmp_path_factory.mktemp("review") / "home")
    world.zhang.add_operator("Wu", pin=wu_pin, by=right)
    world.zhang.add_operator("Bao", pin=bao_pin, by=WU)
    world.close()
    return world


@pytest.fixture
def desk(_desk: World, tmp_path: Path) -> Iterator[World]:
    """Zhang with 1,000 yuan, Li, Wang; and two operators."""
    world = _desk.copy(tmp_path / "home")
    yield world
    world.close()


def held(world: World, yuan: int = 10, then: str = "release", **how: Any) -> str:
    """Have Zhang send a packet that is held, from 50 yuan on for four eyes; return its case."""
    rules = rule("look-first", "hold", "send", "give", hold_hours=HOLD_HOURS, then=then)
    with_pack(world, pack(rules, four_eyes=FOUR_EYES))
    sent = world.zhang.send(yuan * YUAN, count=2, pin=right, **how)
    assert sent["held"] is not None
    return sent["held"]["case"]


def reported(world: World, kind: str = "suspicious", yuan: int = 10) -> str:
    """Have Zhang send a packet that nothing stops, and that a report is to be made of."""
    with_pack(world, pack(REPORT.format(id="told", kind=kind), four_eyes=FOUR_EYES))
    assert world.zhang.send(yuan * YUAN, count=2, pin=right)["held"] is None
    [case] = world.zhang.cases()["cases"]
    return case["case"]


def say(world: World, case: str, verb: Verb, by: By = WU, why: str = "looked at it") -> Any:
    """Let an operator have their say; check has to be clean after every one."""
    decided = world.zhang.decide(case, verb, why=why, by=by)
    assert {} == world.findings()
    return decided


def last_event(world: World) -> tuple[str, str, str | None]:
    [event] = world.zhang.events(limit=1)["events"]
    return event["act"], event["actor"], event["profile"]


# --- deciding ------------------------------------------------------------------------------------


def test_approving_lets_the_money_go_on(desk: World):
    """
    One entry about the sender, which names the operator; then the packet can be claimed.
    """
    case = held(desk, then="return")
    before = desk.zhang.events()["last"]

    decided = say(desk, case, Verb.APPROVE)

    assert before + 1 == desk.zhang.events()["last"]
    assert ("approved", "Wu", ZHANG) == last_event(desk)
    assert ("approved", False, "send") == (
        decided["state"],
        decided["second_needed"],
        decided["held"],
    )
    assert 10 * YUAN == sum(
        wallet.claim(decided["packet"])["amount_fen"] for wallet in (desk.li, desk.wang)
    )
    assert {} == desk.findings()


@pytest.mark.parametrize("paid_from", ["balance", tail(CARD)])
def test_rejecting_sends_the_money_back_the_way_it_came(desk: World, paid_from: str):
    """
    To the balance at once, or to the card that paid by a message of its own.
    """
    before_fen = desk.zhang.balance()["available_fen"]
    case = held(desk, paid_from=paid_from)

    decided = say(desk, case, Verb.REJECT)

    assert ("rejected", True) == (decided["state"], decided["refunded_to"].endswith(paid_from))
    assert (before_fen, 0) == (
        desk.zhang.balance()["available_fen"],
        desk.zhang.balance()["held_fen"],
    )
    assert (0 if paid_from == "balance" else 10 * YUAN) == desk.zhang.balance()["on_its_way_fen"]
    day = 16 if paid_from == "balance" else 17
    assert f"2026-02-{day}T12:00:00+08:00" == decided["arrives_at"]
    with pytest.raises(errors.PacketRefunded):
        desk.li.claim(decided["packet"])


def test_an_opinion_is_a_request_of_its_own(desk: World):
    """
    Numbered within its case, and the list says why there is one, in both languages.
    """
    case = held(desk, yuan=50)
    say(desk, case, Verb.APPROVE)
    say(desk, case, Verb.APPROVE, BAO)

    [line] = desk.zhang.cases(closed=True)["cases"]
    assert (case, SAYS) == (line["case"], line["why"])
    assert [f"/{case}/1", f"/{case}/2"] == [
        row[3] for row in desk.dump()["entry"] if row[3].startswith(f"/{case}/")
    ]


def test_the_evidence_of_a_packet_paid_by_card_is_what_was_judged_first(desk: World):
    """
    The bank was asked in between; what was measured stands where it was judged.
    """
    case = desk.zhang.case(held(desk, paid_from=tail(CARD)))

    assert [("amount_fen", 10 * YUAN, 1, True)] == [
        (row["indicator"], row["value"], row["at_least"], row["holds"])
        for row in case["conditions"]
    ]
    assert ("test/1", SAYS, "send") == (case["pack"], case["why"], case["what"])


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_a_withdrawal_is_let_go_or_stays(desk: World, verb: Verb):
    """
    Approved, it sets out at once and arrives; rejected, the balance has it again, and its fee.
    """
    before_fen = desk.zhang.balance()["available_fen"]
    with_pack(desk, holding("withdraw"))
    held = desk.zhang.withdraw(10 * YUAN, pin=right)["held"]
    assert held is not None

    decided = say(desk, held["case"], verb)

    assert ("withdraw", held["case"]) == (decided["held"], decided["case"])
    assert decided["payment"].startswith("NU")
    gone_fen = 10 * YUAN if verb is Verb.APPROVE else 0
    balance = desk.zhang.balance()
    assert (before_fen - gone_fen, 0) == (balance["available_fen"], balance["on_its_way_fen"])
    assert before_fen - gone_fen == balance["total_fen"]
    assert {} == desk.findings()


@pytest.mark.parametrize(("verb", "whose"), [(Verb.APPROVE, LI), (Verb.REJECT, ZHANG)])
def test_the_entry_is_about_whose_money_it_is(desk: World, verb: Verb, whose: str):
    """
    A share that is let go is its claimant's, one that goes back is the sender's.
    """
    with_pack(desk, holding("claim"))
    packet = desk.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    held = desk.li.claim(packet)["held"]
    assert held is not None

    say(desk, held["case"], verb)

    assert (str(verb).removesuffix("e") + "ed", "Wu", whose) == last_event(desk)


@pytest.mark.parametrize("kind", ["large", "suspicious"])
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_a_case_without_money_is_closed_and_nobody_is_told(desk: World, kind: str, verb: Verb):
    """
    The packet was never stopped, no balance moves, and the entry names nobody's profile.
    """
    case = reported(desk, kind)
    before = desk.zhang.balance(), desk.zhang.history()["movements"]

    decided = say(desk, case, verb)

    assert (kind, None, None) == (decided["kind"], decided["held"], decided["packet"])
    assert before == (desk.zhang.balance(), desk.zhang.history()["movements"])
    assert None is last_event(desk)[2]
    assert [] == desk.zhang.cases()["cases"]


def test_a_closed_case_is_closed(desk: World):
    """
    Whoever comes later is told what was decided, before a PIN is asked for.
    """
    case = held(desk)
    assert desk.zhang.case(case)["closed_at"] is None
    say(desk, case, Verb.REJECT)
    [rejected] = desk.zhang.events(limit=1)["events"]
    assert rejected["at"] == desk.zhang.case(case)["closed_at"]
    before = desk.dump(TRIES)

    for verb in Verb:
        with pytest.raises(errors.CaseClosed) as refused:
            desk.zhang.decide(case, verb, why="late", by=By("Bao", unasked))
        assert ("rejected", 11) == (refused.value.facts["state"], refused.value.exit_code)

    assert before == desk.dump(TRIES)


@pytest.mark.parametrize("then", ["release", "return"])
def test_a_hold_whose_moment_has_come_is_nobodys_to_decide(desk: World, then: str):
    """
    To the microsecond: before it the reviewer decides, from it on the hold has ended by itself.
    """
    late, in_time = held(desk, then=then), held(desk, then=then)
    desk.turn(hours=HOLD_HOURS, microseconds=-1)
    say(desk, in_time, Verb.APPROVE)
    desk.turn(microseconds=1)

    with pytest.raises(errors.CaseClosed) as refused:
        desk.zhang.decide(late, Verb.APPROVE, why="late", by=By("Wu", unasked))

    assert f"{then}d".replace("returnd", "returned") == refused.value.facts["state"]
    assert 0 == desk.zhang.balance()["held_fen"]
    assert {} == desk.findings()


def test_a_dry_run_decides_nothing(desk: World):
    """
    The whole of it is done, said, and undone.
    """
    case = held(desk)
    before = desk.dump(TRIES)

    decided = desk.zhang.decide(case, Verb.REJECT, why="try", by=WU, dry_run=True)

    assert (True, "rejected", "balance") == (
        decided["dry_run"],
        decided["state"],
        decided["refunded_to"],
    )
    assert before == desk.dump(TRIES)


@pytest.mark.parametrize("then", ["release", "return"])
def test_a_dry_run_ends_no_hold_whose_moment_has_come(desk: World, then: str):
    """
    It is refused as the act itself would be, and the hold stands as it stood.
    """
    case = held(desk, then=then)
    desk.turn(hours=HOLD_HOURS)
    before = desk.dump()

    with pytest.raises(errors.CaseClosed):
        desk.zhang.decide(case, Verb.APPROVE, why="try", by=By("Wu", unasked), dry_run=True)

    assert before == desk.dump()
    assert {} == desk.findings()


# --- four eyes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_from_an_amount_on_two_have_to_agree(desk: World, verb: Verb):
    """
    From 50 yuan on, not above it. One opinion changes nothing for the owner; the second decides.
    """
    case = held(desk, 50)

    first = say(desk, case, verb, WU)

    assert ("open", True) == (first["state"], first["second_needed"])
    assert ("opinion", "Wu", None) == last_event(desk)
    assert 50 * YUAN == desk.zhang.balance()["held_fen"]
    assert [(case, True)] == [
        (row["case"], row["second_needed"]) for row in desk.zhang.cases()["cases"]
    ]
    second = say(desk, case, verb, BAO)
    assert (str(verb).removesuffix("e") + "ed", False) == (second["state"], second["second_needed"])
    assert 0 == desk.zhang.balance()["held_fen"]


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_one_operator_is_not_two(desk: World, verb: Verb):
    """
    Neither to repeat it nor to turn it round, and in whatever case the name is typed.
    """
    case = held(desk, 50)
    say(desk, case, Verb.APPROVE)
    before = desk.dump(TRIES)

    with pytest.raises(errors.SameOperator):
        desk.zhang.decide(case, verb, why="again", by=By("WU", unasked))

    assert before == desk.dump(TRIES)


def test_who_disagrees_escalates_and_both_are_spent(desk: World):
    """
    Nobody outvotes the other by being last: it begins anew, and both have to say the same.
    """
    case = held(desk, 50)
    say(desk, case, Verb.APPROVE, WU)

    assert "escalated" == say(desk, case, Verb.REJECT, BAO)["state"]

    assert "escalated" == say(desk, case, Verb.REJECT, BAO)["state"]
    assert "rejected" == say(desk, case, Verb.REJECT, WU)["state"]
    assert ["approve", "reject", "reject", "reject"] == [
        said["verb"] for said in desk.zhang.case(case)["opinions"]
    ]


def test_an_escalated_case_takes_two_whatever_its_amount(desk: World):
    """
    Whoever escalates may be one of the two, and never both.
    """
    case = held(desk)

    assert "escalated" == say(desk, case, Verb.ESCALATE, WU)["state"]

    assert ("escalated", "Wu", None) == last_event(desk)
    assert desk.zhang.case(case)["two_needed"]
    with pytest.raises(errors.SameOperator):
        desk.zhang.decide(case, Verb.ESCALATE, why="again", by=WU)
    assert say(desk, case, Verb.APPROVE, WU)["second_needed"]
    with pytest.raises(errors.SameOperator):
        desk.zhang.decide(case, Verb.APPROVE, why="again", by=WU)
    assert "approved" == say(desk, case, Verb.APPROVE, BAO)["state"]


def test_a_milder_pack_opens_no_case_to_a_single_operator(desk: World):
    """
    How many have to agree is what the pack said by which the case was opened.
    """
    case = held(desk, 50)
    with_pack(desk, pack(version=2, four_eyes="99999.00"))

    assert say(desk, case, Verb.APPROVE)["second_needed"]
    assert 50 * YUAN == desk.zhang.case(case)["four_eyes_fen"]


# --- who may, and why ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "refusal"),
    [
        ("", errors.MissingReason),
        ("  ", errors.MissingReason),
        ("\x1b[2J", errors.UnprintableText),
        ("a\nb", errors.UnprintableText),
        ("\u202eabc", errors.UnprintableText),
        ("x" * (REASON_LENGTH_MAX + 1), errors.TextTooLong),
        ("x" * 1_000_000, errors.TextTooLong),
    ],
)
def test_a_reason_is_a_short_line_for_eyes(desk: World, why: str, refusal: type[Exception]):
    """
    Nothing typed there can break a screen, and nothing changes where it is refused.
    """
    case = held(desk)
    before = desk.dump(TRIES)

    with pytest.raises(refusal):
        desk.zhang.decide(case, Verb.APPROVE, why=why, by=By("Wu", unasked))

    assert before == desk.dump(TRIES)


def test_the_longest_reason_is_kept_as_it_was_typed(desk: World):
    """
    In any script, formula or not.
    """
    case = held(desk)
    why = "=SUM(A1)查" + "理" * (REASON_LENGTH_MAX - 9)

    say(desk, case, Verb.APPROVE, why=why)

    assert why == desk.zhang.case(case)["opinions"][0]["reason"]
    assert why == desk.zhang.operator_log()["acts"][-1]["reason"]


def test_a_wrong_pin_counts_and_locks(desk: World):
    """
    An operator's tries are their own: nobody's payment PIN is locked by them, nor the other's.
    """
    case = held(desk)
    for left in (4, 3, 2, 1):
        with pytest.raises(errors.WrongPin) as refused:
            desk.zhang.decide(case, Verb.APPROVE, why="me", by=By("Wu", wrong))
        assert left == refused.value.facts["attempts_left"]
    with pytest.raises(errors.PinLocked):
        desk.zhang.decide(case, Verb.APPROVE, why="me", by=By("Wu", wrong))

    with pytest.raises(errors.PinLocked):
        desk.zhang.decide(case, Verb.APPROVE, why="me", by=By("Wu", unasked))
    assert [] == desk.zhang.case(case)["opinions"]
    say(desk, case, Verb.APPROVE, BAO)
    desk.zhang.topup(YUAN, pin=right)


@pytest.mark.parametrize(
    ("case", "by", "refusal"),
    [
        ("rc_04HMASWS", "Wu", errors.CaseNotFound),
        ("rc_04HMASWT", "Wu", errors.InvalidCaseId),
        ("hb_04HMASWS", "Wu", errors.InvalidCaseId),
        (None, "Nobody", errors.OperatorNotFound),
        (None, ZHANG, errors.OperatorNotFound),
    ],
)
def test_what_is_not_there_is_named(
    desk: World, case: str | None, by: str, refusal: type[Exception]
):
    """
    No such case, no such operator; a user of the wallet is none.
    """
    case = case or held(desk)

    with pytest.raises(refusal):
        desk.zhang.decide(case, Verb.APPROVE, why="me", by=By(by, unasked))


def test_operators_vouch_for_each_other(desk: World):
    """
    With their own PIN, asked for before the new one; the chain keeps who did.
    """
    before = desk.dump(TRIES)
    with pytest.raises(errors.OperatorNeeded):
        desk.zhang.add_operator("Qi", pin=unasked, by=right)
    with pytest.raises(errors.WrongPin):
        desk.zhang.add_operator("Qi", pin=unasked, by=By("Wu", wrong))
    with pytest.raises(errors.OperatorNotFound):
        desk.zhang.add_operator("Qi", pin=unasked, by=By("Qi", unasked))
    assert before == desk.dump(TRIES)

    added = desk.zhang.add_operator("Qi", pin=lambda: Pin("753190"), by=BAO)

    assert ("Qi", "Bao") == (added["operator"], added["by"])
    assert ("operator_add", "Bao", None) == last_event(desk)
    assert {} == desk.findings()


def test_the_log_tells_what_operators_did_in_order(desk: World):
    """
    All of it, off the chain: the newest where there is more, one operator's alone where asked for.
    """
    case = held(desk, 50)
    say(desk, case, Verb.APPROVE, WU, "first")
    say(desk, case, Verb.ESCALATE, BAO, "second")
    desk.zhang.case(case, unmasked_by=WU)
    say(desk, case, Verb.REJECT, BAO, "third")
    say(desk, case, Verb.REJECT, WU, "fourth")

    log = desk.zhang.operator_log()["acts"]

    assert [
        ("Wu", "operator_add", "Wu", None, None),
        ("Wu", "operator_add", "Bao", None, None),
        ("Wu", "opinion", case, "approve", "first"),
        ("Bao", "escalated", case, "escalate", "second"),
        ("Wu", "unmasked", case, None, None),
        ("Bao", "opinion", case, "reject", "third"),
        ("Wu", "rejected", case, "reject", "fourth"),
    ] == [
        (row["operator"], row["act"], row["about"], row["decision"], row["reason"]) for row in log
    ]
    assert [row for row in log if row["operator"] == "Bao"] == desk.zhang.operator_log("bao")[
        "acts"
    ]
    assert {"acts": log[-2:], "more": True} == desk.zhang.operator_log(limit=2)
    with pytest.raises(errors.OperatorNotFound):
        desk.zhang.operator_log(ZHANG)


def test_the_log_is_found_by_its_index(desk: World):
    from hongbao.engines.sql.acts import BY_OPERATORS

    plan = [
        row[-1]
        for row in desk.raw().execute(f"EXPLAIN QUERY PLAN {BY_OPERATORS}", (-1,))
        if " entry USING" in row[-1] and row[-1].startswith("SCAN")
    ]

    assert ["SCAN entry USING INDEX entry_by_operator"] == plan


# --- at once -------------------------------------------------------------------------------------


def decided_at_once(world: World, case: str, verbs: tuple[Verb, Verb]) -> list[dict[str, Any]]:
    def act(wallet: Wallet, number: int) -> Any:
        return wallet.decide(case, verbs[number], why="at once", by=(WU, BAO)[number])

    return at_once(world, 2, act, lambda _: ZHANG)


@pytest.mark.parametrize("verbs", [(Verb.APPROVE, Verb.APPROVE), (Verb.APPROVE, Verb.REJECT)])
def test_two_reviewers_at_once_are_one_decision(desk: World, verbs: tuple[Verb, Verb]):
    """
    One entry and one outcome; the other is told that it was decided.
    """
    case = held(desk)
    before = desk.zhang.events()["last"]

    answers = decided_at_once(desk, case, verbs)

    assert {"done": 1, "case_closed": 1} == codes(answers)
    assert before + 1 == desk.zhang.events()["last"]
    assert 1 == len(desk.zhang.case(case)["opinions"])
    assert {} == desk.findings()


def test_four_eyes_at_once_come_one_after_the_other(desk: World):
    """
    One of them is the first and the other the second: both opinions stand, and the case is closed.
    """
    case = held(desk, 50)

    answers = decided_at_once(desk, case, (Verb.APPROVE, Verb.APPROVE))

    assert {"done": 2} == codes(answers)
    assert [False, True] == sorted(answer["second_needed"] for answer in answers)
    assert ("approved", 2) == (
        desk.zhang.case(case)["state"],
        len(desk.zhang.case(case)["opinions"]),
    )
    assert {} == desk.findings()


def quicker(world: World, monkeypatch: pytest.MonkeyPatch, case: str, verb: Verb) -> Wallet:
    """Return a desk at which Bao always speaks of *case* between Wu's plan and Wu's word."""
    wallet, planned = world.zhang, review._planned
    calls: list[str] = []

    def slowly(*asked: Any) -> Any:
        plan = planned(*asked)
        calls.append(case)
        if len(calls) == 2:  # the first is made before the PIN is asked for
            world.zhang.decide(case, verb, why="quicker", by=BAO)
        return plan

    monkeypatch.setattr(review, "_planned", slowly)
    return wallet


@pytest.mark.parametrize(
    ("yuan", "quick", "state"),
    [
        (50, Verb.APPROVE, "approved"),
        (50, Verb.REJECT, "escalated"),
        (50, Verb.ESCALATE, "escalated"),
        (10, Verb.ESCALATE, "escalated"),
    ],
)
def test_what_was_planned_is_planned_anew_where_somebody_was_quicker(
    desk: World, monkeypatch: pytest.MonkeyPatch, yuan: int, quick: Verb, state: str
):
    """
    Wu approves, and would be the first, or the only one: what the other said in between counts.
    """
    case = held(desk, yuan)
    wallet = quicker(desk, monkeypatch, case, quick)

    decided = wallet.decide(case, Verb.APPROVE, why="slower", by=WU)

    assert state == decided["state"] == desk.zhang.case(case)["state"]
    assert ["quicker", "slower"] == [said["reason"] for said in desk.zhang.case(case)["opinions"]]
    assert {} == desk.findings()


@pytest.mark.parametrize("quick", [Verb.APPROVE, Verb.REJECT])
def test_who_was_slower_decides_nothing(desk: World, monkeypatch: pytest.MonkeyPatch, quick: Verb):
    """
    Not even where both would have said the same.
    """
    case = held(desk)
    wallet = quicker(desk, monkeypatch, case, quick)

    with pytest.raises(errors.CaseClosed):
        wallet.decide(case, Verb.APPROVE, why="slower", by=WU)

    assert ["quicker"] == [said["reason"] for said in desk.zhang.case(case)["opinions"]]
    assert {} == desk.findings()


@pytest.mark.parametrize("then", ["release", "return"])
def test_a_reviewer_and_the_holds_own_end_are_one_outcome(desk: World, then: str):
    """
    Whichever is first: one process decides while another, whose clock is past it, settles.
    """
    case = held(desk, then=then)
    late = desk.env._replace(now=lambda: NOON + timedelta(hours=HOLD_HOURS))
    in_time = desk.env

    def act(wallet: Wallet, number: int) -> Any:
        wallet.home.env = (in_time, late)[number]
        if number:
            return {"settled": len(wallet.settle()["resolved"])}
        return wallet.decide(case, Verb.REJECT, why="at once", by=WU)

    answers = at_once(desk, 2, act, lambda _: ZHANG)

    desk.turn(hours=HOLD_HOURS)
    shown = desk.zhang.case(case)
    ended = "released" if then == "release" else "returned"
    expected = "rejected" if "code" not in answers[0] else ended
    assert expected == shown["state"]
    assert codes(answers[:1]).keys() <= {"done", "case_closed"}
    assert 0 == desk.zhang.balance()["held_fen"]
    assert {} == desk.findings()


# --- masks ---------------------------------------------------------------------------------------

NAMES = ("张三", ZHANG, id_number(1))
"""What nobody reads who did not ask for it with a PIN."""


def report(world: World, form: str, **how: Any) -> str:
    with world.zhang.review_report(**how) as found:
        out = BytesIO()
        forms.write(found, form, out)
    return out.getvalue().decode("utf-8-sig")


def everything(world: World, case: str, by: By | None) -> dict[str, str]:
    """Return all that is shown of cases, as text."""
    return {
        "list": json.dumps(world.zhang.cases(closed=True, unmasked_by=by), ensure_ascii=False),
        "case": json.dumps(world.zhang.case(case, unmasked_by=by), ensure_ascii=False),
        "json": report(world, "json", unmasked_by=by),
        "csv": report(world, "csv", unmasked_by=by),
    }


def test_no_name_is_shown_unless_an_operator_asks(desk: World):
    """
    On no screen and in no file; asking writes nothing, because nothing was seen.
    """
    case = held(desk)
    decided = say(desk, case, Verb.APPROVE)
    before = desk.dump()

    shown = everything(desk, case, None)
    shown["decided"] = json.dumps(decided, ensure_ascii=False)

    assert {} == {where: name for where, text in shown.items() for name in NAMES if name in text}
    assert "Z****" in shown["list"]
    assert before == desk.dump()


def test_what_an_operator_has_seen_is_in_the_chain(desk: World):
    """
    One entry for each look, written before it is shown: who, and which cases.
    """
    case = held(desk)
    before = desk.zhang.events()["last"]

    shown = everything(desk, case, BAO)

    assert [] == [where for where, text in shown.items() if not all(n in text for n in NAMES)]
    events = desk.zhang.events(after=before)["events"]
    assert [("unmasked", "Bao", None)] * 4 == [
        (event["act"], event["actor"], event["profile"]) for event in events
    ]
    store = desk.zhang.store
    told = [
        decode("unmasked", act.facts)
        for act in store.acts(after=before)
        if act.entry in {event["event"] for event in events}
    ]
    assert ["list", "case", "report", "report"] == [each["shown"] for each in told]
    assert ([case], case, 1) == (told[0]["cases"], told[1]["case"], told[2]["count"])
    assert {} == desk.findings()


def test_nothing_is_seen_without_the_right_pin(desk: World):
    """
    A wrong one counts, and no entry says that anything was shown.
    """
    case = held(desk)
    before = desk.dump(TRIES)

    for look in (
        lambda by: desk.zhang.cases(unmasked_by=by),
        lambda by: desk.zhang.case(case, unmasked_by=by),
        lambda by: report(desk, "json", unmasked_by=by),
    ):
        with pytest.raises(errors.WrongPin):
            look(By("Wu", wrong))
        with pytest.raises(errors.OperatorNotFound):
            look(By(ZHANG, unasked))

    assert before == desk.dump(TRIES)


# --- reports -------------------------------------------------------------------------------------


def test_a_report_has_every_case_of_its_period_with_evidence_and_opinions(desk: World):
    """
    Up to but not at its end, each case as it is by now.
    """
    first = held(desk)
    desk.turn(hours=1)
    second = held(desk)
    say(desk, second, Verb.REJECT, why="not his card")

    everyone = json.loads(report(desk, "json"))
    since = json.loads(report(desk, "json", since=NOON + HOUR))
    until = json.loads(report(desk, "json", until=NOON + HOUR))

    assert [(first, "open"), (second, "rejected")] == [
        (case["case"], case["state"]) for case in everyone["cases"]
    ]
    assert ([second], [first]) == tuple(
        [case["case"] for case in part["cases"]] for part in (since, until)
    )
    assert ("hongbao/review-report@1", True, 2) == (
        everyone["schema"],
        everyone["masked"],
        everyone["count"],
    )
    [said] = since["cases"][0]["opinions"]
    assert ("reject", "Wu", "not his card") == (said["verb"], said["operator"], said["reason"])
    assert [10 * YUAN] == [row["value"] for row in since["cases"][0]["conditions"]]
    with pytest.raises(errors.InvalidRange):
        report(desk, "json", since=NOON, until=NOON - timedelta(days=1))


def test_a_table_guards_what_a_spreadsheet_would_calculate(desk: World):
    """
    A reason is the one thing that is typed freely; it is found again as it was typed.
    """
    import csv

    case = held(desk)
    why = '=HYPERLINK("http://x";@A1),"'
    say(desk, case, Verb.APPROVE, why=why)

    rows = [*csv.DictReader(report(desk, "csv").splitlines())]

    assert ["report", "case", "evidence", "opinion", "end"] == [row["type"] for row in rows]
    assert {case} == {row["case"] for row in rows[1:-1]}
    reason = rows[3]["reason"]
    assert ("'=HYPERLINK", why) == (reason[:11], uncell(reason))
    assert "10.00" == rows[1]["amount_yuan"]


# --- records -------------------------------------------------------------------------------------


def test_records_are_complete_and_say_for_how_long(desk: World):
    """
    From the first entry to the last, each kind counted.
    """
    case = held(desk)
    say(desk, case, Verb.APPROVE)
    with_pack(desk, pack(REPORT.format(id="told", kind="large"), version=2))
    desk.zhang.send(10 * YUAN, pin=right)

    kept = desk.zhang.records_kept()

    assert kept["complete"]
    assert desk.zhang.events()["last"] == kept["entries"] == kept["head"]["entry"]
    assert ("2026-02-16T12:00:00+08:00", 10, "2036-02-16T12:00:00+08:00") == (
        kept["first_at"],
        kept["keep_years"],
        kept["keep_until"],
    )
    assert (1, 1, 0, 1) == (kept["holds"], kept["large"], kept["suspicious"], kept["waiting"])
    assert (1, 3, 0) == (kept["opinions"], kept["by_operators"], kept["stopped"])


@pytest.mark.parametrize(
    ("edit", "check"),
    [
        ("DELETE FROM entry WHERE id = 3", "chain"),
        (
            "UPDATE entry SET facts = replace(facts, 'looked', 'peeked') WHERE id = (:last)",
            "chain",
        ),
        ("UPDATE entry SET operator = NULL WHERE operator = 1", "chain"),
        ("DELETE FROM opinion", "cases"),
        ("UPDATE opinion SET reason = 'all is well'", "cases"),
        ("UPDATE opinion SET operator = 2", "cases"),
        ("DELETE FROM review_case", "cases"),
        ("UPDATE review_case SET state = 'rejected'", "cases"),
    ],
)
def test_records_that_were_tampered_with_are_not_complete(desk: World, edit: str, check: str):
    """
    An entry that is gone or edited, an opinion that is gone or another's, a case that is gone.
    """
    say(desk, held(desk), Verb.APPROVE)
    last = desk.zhang.events()["last"]
    desk.edit("PRAGMA foreign_keys = OFF", edit, values={"last": last} if ":last" in edit else None)

    with Wallet.open(desk.env, trusting=True) as wallet:
        kept = wallet.records_kept()

    assert not kept["complete"]
    assert check in [finding["check"] for finding in kept["findings"] if not finding["ok"]]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_list_says_where_there_is_more(desk: World, limit: int):
    """
    Those that wait, the oldest first; all of them, the newest first.
    """
    cases = [held(desk) for _ in range(2)]
    say(desk, cases[0], Verb.APPROVE)
    cases.append(held(desk))

    waiting, every = desk.zhang.cases(limit=limit), desk.zhang.cases(closed=True, limit=limit)

    assert (cases[1:][:limit], limit < 2) == (
        [row["case"] for row in waiting["cases"]],
        waiting["more"],
    )
    assert (cases[::-1][:limit], limit < 3) == (
        [row["case"] for row in every["cases"]],
        every["more"],
    )
