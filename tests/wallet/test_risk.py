"""`risk` at the desk: why an act was answered so, what other rules would say, what is learned."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from hongbao.answers import JudgedLine
from hongbao.domain.packet import PacketKind
from hongbao.domain.puzzle import decode as decode_puzzle
from hongbao.domain.risk.pack import Pack, parse_pack
from hongbao.errors import (
    ChallengeRequired,
    DecisionNotFound,
    LoweredLimit,
    ProfileNotFound,
    RefusedByRisk,
    RiskPackVersionReused,
    RulesNeedOperator,
    TooLittleHistory,
    WrongPin,
)
from hongbao.packs import names, text_of
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from tests.wallet.world import LI, NOON, WANG, YUAN, World, policy, right, unasked, wrong

HEAD = """
name = "lesson"
version = {version}
title = {{ en = "a lesson", zh = "一课" }}
night = {{ from = 0, to = 8 }}
challenge = {{ minutes = 30, tries = 3 }}
review = {{ four_eyes = "5000.00" }}
records = {{ keep_years = 10 }}
"""

RULES = """
[[rule]]
id = "often"
guard = "behaviour"
acts = ["send"]
when = [{ indicator = "sends", window = "10m", at_least = 4 }]
answer = "challenge"
says = { en = "many packets at once", zh = "发送频繁" }

[[rule]]
id = "medium"
guard = "transaction"
acts = ["send"]
when = [{ indicator = "amount_fen", at_least = "100.00" }]
answer = "hold"
hold_hours = 24
then = "release"
says = { en = "this is reviewed first", zh = "需先核实" }

[[rule]]
id = "large"
guard = "transaction"
acts = ["send"]
when = [{ indicator = "amount_fen", at_least = "200.00" }]
answer = "refuse"
says = { en = "too much", zh = "金额过大" }

[[rule]]
id = "small-days"
guard = "account"
acts = ["give"]
when = [{ indicator = "age_days", at_most = 0 }]
answer = "limit"
day = "20.00"
says = { en = "new today", zh = "今日新开" }

[[report]]
id = "told"
kind = "suspicious"
acts = ["send"]
when = [{ indicator = "amount_fen", at_least = "50.00" }]
says = { en = "fifty or more", zh = "五十以上" }
"""


def pack(rules: str = RULES, version: int = 1) -> Pack:
    return parse_pack(HEAD.format(version=version) + rules, "lesson")


@pytest.fixture
def guarded(world: World) -> World:
    """The people under the rules of the lesson."""
    world.zhang.use_risk_pack(pack())
    return world


def send(wallet: Wallet, fen: int = YUAN, request_id: str | None = None) -> str:
    return wallet.send(fen, count=2, pin=right, request_id=request_id)["packet"]


def give(wallet: Wallet, fen: int, request_id: str | None = None) -> None:
    exclusive = PacketKind.EXCLUSIVE
    wallet.send(fen, kind=exclusive, recipient=LI, pin=right, request_id=request_id)


def why(wallet: Wallet, request_id: str) -> JudgedLine:
    """Return how the only attempt at *request_id* was judged."""
    (judged,) = wallet.why(request_id)["decisions"]
    return judged


def fired(judged: JudgedLine) -> list[str]:
    return [rule["rule"] for rule in (*judged["rules"], *judged["reports"]) if rule["fired"]]


# --- why -----------------------------------------------------------------------------------------


def test_why_an_act_was_allowed(guarded: World):
    """
    Every rule that looks at such an act is there, with what was measured; none fired.
    """
    send(guarded.zhang, 10 * YUAN, "ten")

    judged = why(guarded.zhang, "ten")

    assert ("allow", None, "lesson/1") == (judged["verdict"], judged["rule"], judged["pack"])
    assert ["often", "medium", "large"] == [rule["rule"] for rule in judged["rules"]]
    assert [1, 1000, 1000] == [rule["conditions"][0]["value"] for rule in judged["rules"]]
    assert [] == fired(judged)
    assert (None, None, None) == (
        judged["error"],
        judged["allowed_fen"],
        judged["allowed_from"],
    )
    assert judged["score"] is not None
    assert judged["model_parts"]


def test_why_an_act_was_refused(guarded: World):
    """
    The rule, its threshold beside the value, what the person was told, and what would have been.
    """
    with pytest.raises(RefusedByRisk):
        send(guarded.zhang, 250 * YUAN, "much")

    judged = why(guarded.zhang, "much")

    assert ("refuse", "large", 250 * YUAN) == (
        judged["verdict"],
        judged["rule"],
        judged["amount_fen"],
    )
    assert ["medium", "large", "told"] == fired(judged)
    condition = judged["rules"][2]["conditions"][0]
    assert ("amount_fen", "fen", 250 * YUAN, 200 * YUAN, None, True) == tuple(condition.values())
    assert judged["error"] is not None
    assert "refused_by_risk" == judged["error"]["code"]
    assert [] == judged["cases"]
    assert (9_999, None) == (judged["allowed_fen"], judged["allowed_from"])


def test_what_would_have_been_allowed_is(guarded: World):
    """
    The amount that `why` names goes through, and one fen more does not.
    """
    with pytest.raises(RefusedByRisk):
        send(guarded.zhang, 250 * YUAN, "much")
    amount_fen = why(guarded.zhang, "much")["allowed_fen"]
    assert amount_fen is not None

    send(guarded.zhang, amount_fen, "less")
    send(guarded.zhang, amount_fen + 1, "more")

    assert ["allow", "hold"] == [why(guarded.zhang, it)["verdict"] for it in ("less", "more")]


def test_why_money_was_held(guarded: World):
    """
    The act happened, and the case that holds its money is named, beside the one that is told.
    """
    send(guarded.zhang, 150 * YUAN, "held")

    judged = why(guarded.zhang, "held")

    assert ("hold", "medium") == (judged["verdict"], judged["rule"])
    assert 2 == len(judged["cases"])
    assert (24, "release") == (judged["rules"][1]["hold_hours"], judged["rules"][1]["then"])
    assert None is judged["error"]


def test_why_of_a_lowered_limit(guarded: World):
    """
    What went out today is a condition like any other, and what is left of the limit is the way out.
    """
    zhang = guarded.zhang
    give(zhang, 15 * YUAN)
    with pytest.raises(LoweredLimit):
        give(zhang, 6 * YUAN, "over")

    judged = why(zhang, "over")

    (rule,) = [rule for rule in judged["rules"] if rule["rule"] == "small-days"]
    assert (True, 20 * YUAN) == (rule["fired"], rule["day_fen"])
    assert [0, 21 * YUAN] == [condition["value"] for condition in rule["conditions"]]
    assert 5 * YUAN == judged["allowed_fen"]
    give(zhang, 5 * YUAN)


def test_why_of_a_challenge_that_was_passed(guarded: World):
    """
    There are two attempts at one request: the one that was stopped, and the one that went through.
    """
    zhang = guarded.zhang
    for _ in range(3):
        send(zhang)
        guarded.turn(minutes=1)
    with pytest.raises(ChallengeRequired) as raised:
        send(zhang, YUAN, "fourth")
    challenge = str(raised.value.facts["challenge"])
    answer(zhang, challenge)
    send(zhang, YUAN, "fourth")

    stopped, passed = zhang.why("fourth")["decisions"]

    assert ("challenge", "often", None) == (
        stopped["verdict"],
        stopped["rule"],
        stopped["challenge"],
    )
    assert NOON + timedelta(minutes=10) == datetime.fromisoformat(stopped["allowed_from"] or "")
    assert None is stopped["allowed_fen"]
    assert challenge == passed["challenge"]
    assert None is passed["error"]


def answer(wallet: Wallet, challenge: str) -> None:
    """Pass *challenge*, as a person who can count would."""
    (row,) = wallet.store.challenges(called=challenge)
    puzzle = decode_puzzle(row.puzzle)
    wallet.answer_challenge(challenge, str(puzzle.line.count(puzzle.sought)))


def test_the_moment_from_which_it_is_allowed_is_the_first(worlds: Callable[[str], World]):
    """
    A second before it, the same act is stopped; at it, it goes through.
    """
    verdicts = []
    for early in (1, 0):
        world = worlds(f"early-{early}")
        zhang = world.zhang
        zhang.use_risk_pack(pack())
        for _ in range(3):
            send(zhang)
            world.turn(minutes=1)
        with pytest.raises(ChallengeRequired):
            send(zhang, YUAN, "fourth")
        at = datetime.fromisoformat(why(zhang, "fourth")["allowed_from"] or "")
        world.at = at - timedelta(seconds=early)
        with suppress(ChallengeRequired):
            send(zhang, YUAN, "again")
        verdicts.append(why(zhang, "again")["verdict"])

    assert ["challenge", "allow"] == verdicts


def test_why_stays_what_it_was(guarded: World):
    """
    Values and rules are those of the moment, although habits move on and rules change.
    """
    zhang = guarded.zhang
    with pytest.raises(RefusedByRisk):
        send(zhang, 250 * YUAN, "much")
    before = zhang.why("much")

    for _ in range(3):
        send(zhang, 70 * YUAN)
    guarded.turn(hours=1)
    zhang.use_risk_pack(pack(RULES.replace("200.00", "900.00"), version=2))
    send(zhang)

    assert before == zhang.why("much")


def test_why_of_what_was_never_judged(guarded: World):
    """
    Nor of what somebody else asked for.
    """
    send(guarded.zhang, YUAN, "mine")

    for wallet, request in ((guarded.zhang, "unknown"), (guarded.li, "mine")):
        with pytest.raises(DecisionNotFound):
            wallet.why(request)


# --- replay --------------------------------------------------------------------------------------


@pytest.fixture
def lived(guarded: World) -> World:
    """Sends of every kind of answer, and a challenge that was passed."""
    zhang = guarded.zhang
    for fen in (YUAN, 120 * YUAN, 99 * YUAN):
        send(zhang, fen)
        guarded.turn(minutes=1)
    with pytest.raises(ChallengeRequired) as raised:
        send(zhang, 2 * YUAN, "fourth")
    answer(zhang, str(raised.value.facts["challenge"]))
    send(zhang, 2 * YUAN, "fourth")
    guarded.turn(hours=1)
    with pytest.raises(RefusedByRisk):
        send(zhang, 250 * YUAN)
    return guarded


def test_the_same_rules_answer_the_same_again(lived: World):
    """
    Nothing would have been answered differently, stops and passed challenges included.
    """
    replayed = lived.zhang.replay(pack())

    # A top-up from before the lesson, three packets, the fourth twice, and the refusal.
    assert (7, 0, []) == (replayed["acts"], replayed["changed"], replayed["changes"])
    assert {(total["before"], total["after"]) for total in replayed["totals"]} == {
        (verdict, verdict) for verdict in ("allow", "hold", "challenge", "refuse")
    }


def test_stricter_rules_name_what_they_would_change(lived: World):
    """
    The latest first, with the rule of each side, and no more than were asked for.
    """
    stricter = pack(RULES.replace("200.00", "99.00"), version=2)

    replayed = lived.zhang.replay(stricter)
    shortened = lived.zhang.replay(stricter, limit=1)

    assert [
        (99 * YUAN, "allow", None, "refuse", "large"),
        (120 * YUAN, "hold", "medium", "refuse", "large"),
    ] == [
        (
            change["amount_fen"],
            change["before"],
            change["before_rule"],
            change["after"],
            change["after_rule"],
        )
        for change in replayed["changes"]
    ]
    assert 2 == replayed["changed"] == shortened["changed"]
    assert replayed["changes"][:1] == shortened["changes"]


def test_replay_looks_only_as_far_back_as_asked(lived: World):
    """
    What came before is still remembered of the people, and not judged.
    """
    replayed = lived.zhang.replay(
        pack(RULES.replace("200.00", "99.00")), since=NOON + timedelta(minutes=30)
    )

    assert (1, 0) == (replayed["acts"], replayed["changed"])


@pytest.mark.parametrize("name", names())
def test_looking_touches_nothing(lived: World, name: str):
    """
    Not a row is another after a replay, a picture, the rules and a why.
    """
    zhang = lived.zhang
    before = lived.dump()

    zhang.replay(parse_pack(text_of(name), name))
    zhang.risk_picture()
    zhang.risk_picture(LI)
    zhang.risk_rules()
    zhang.why("fourth")

    assert before == lived.dump()


# --- use -----------------------------------------------------------------------------------------


def test_rules_are_in_force_for_everyone_at_once(guarded: World):
    """
    For desks that were open before, too; and the answer says what was in force.
    """
    li = guarded.li
    li.topup(500 * YUAN, pin=right)

    used = guarded.zhang.use_risk_pack(pack("", version=2))
    send(li, 300 * YUAN, "large")

    assert ("lesson/2", "lesson/1") == (used["pack"], used["before"])
    assert "lesson/2" == why(li, "large")["pack"]


def test_two_texts_cannot_have_one_name_and_version(guarded: World):
    """
    Decisions name the pack that made them, so nothing is changed.
    """
    before = guarded.dump()

    with pytest.raises(RiskPackVersionReused):
        guarded.zhang.use_risk_pack(pack(RULES.replace("200.00", "900.00")))

    assert before == guarded.dump()


def test_a_dry_run_of_using_rules_changes_nothing(guarded: World):
    """
    It says what would happen, and the rules before it are still in force.
    """
    zhang, before = guarded.zhang, guarded.dump()

    used = zhang.use_risk_pack(pack("", version=2), dry_run=True)

    assert used.get("dry_run")
    assert before == guarded.dump()
    with pytest.raises(RefusedByRisk):
        send(zhang, 250 * YUAN)


def test_the_same_request_uses_rules_once(guarded: World):
    """
    It is answered again, and the rules that came between stay.
    """
    zhang = guarded.zhang
    zhang.use_risk_pack(pack("", version=2), request_id="two")
    zhang.use_risk_pack(pack())

    again = zhang.use_risk_pack(pack("", version=2), request_id="two")

    assert again.get("replayed")
    assert "lesson/1" == zhang.risk_rules()["pack"]


def test_rules_are_told_as_they_are_written(guarded: World):
    """
    Each with its conditions and the sentence in both languages, nothing measured.
    """
    rules = guarded.zhang.risk_rules()

    assert pack().text == rules["text"]
    assert ["often", "medium", "large", "small-days"] == [rule["rule"] for rule in rules["rules"]]
    assert {"en": "too much", "zh": "金额过大"} == rules["rules"][2]["why"]
    assert not any(rule["fired"] for rule in (*rules["rules"], *rules["reports"]))


# --- a profile's picture -------------------------------------------------------------------------


def test_a_picture_counts_what_happened(lived: World):
    """
    Acts, today's money, what was stopped and what waits.
    """
    lived.zhang.use_risk_pack(pack("", version=2))
    for _ in range(7):
        send(lived.zhang, 2 * YUAN)

    picture = lived.zhang.risk_picture()

    assert (222 + 14) * YUAN == picture["today_out_fen"]
    assert 1000 * YUAN == picture["today_in_fen"]
    assert (2, 0) == (picture["stops"], picture["open_challenges"])
    assert 2 == picture["open_cases"]  # what is held, and one report: the second found it open
    assert [12, 13] == [hour for hour, acts in enumerate(picture["hours"]) if acts]
    # The eleventh root of 1.00, 99.00, 120.00 and eight times 2.00, multiplied.
    assert picture["usual_fen"] in (3_88, 3_89)


def test_a_picture_of_somebody_who_did_nothing(guarded: World):
    """
    It is empty, and no error; a name that nobody has is one.
    """
    picture = guarded.zhang.risk_picture(WANG)

    assert (0, None, None, WANG) == (
        picture["acts"],
        picture["first_at"],
        picture["usual_fen"],
        picture["profile"],
    )
    with pytest.raises(ProfileNotFound):
        guarded.zhang.risk_picture("nobody")


def test_a_picture_measures_what_the_rules_ask(guarded: World):
    """
    As if a packet were sent now: it counts itself, and has no amount yet.
    """
    send(guarded.zhang)

    measured = {
        row["indicator"]: row["value"] for row in guarded.zhang.risk_picture()["indicators"]
    }

    assert {"sends/10m": 2, "age_days": 0} == measured


# --- a model of one's own ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_is_learned_from_what_happened_here(world: World):
    """
    It is asked from then on; why of what came before still names the older one.
    """
    zhang = world.zhang
    zhang.use_risk_pack(pack(""))
    send(zhang, YUAN, "before")
    with pytest.raises(TooLittleHistory):
        zhang.train_model()
    for number in range(260):
        send(zhang, 2 + number % 90)
        world.turn(minutes=7)
    older = why(zhang, "before")["model"]
    assert older is not None

    used = zhang.train_model(request_id="learn")
    send(zhang, YUAN, "after")

    assert ("own/1", older) == (used["model"], used["before_model"])
    assert used.get("acts", 0) >= 260
    assert [older, "own/1"] == [why(zhang, it)["model"] for it in ("before", "after")]
    assert why(zhang, "after")["score"] is not None
    again = zhang.train_model(request_id="learn")
    assert ("own/1", True) == (again["model"], again.get("replayed"))

    assert "own/2" == zhang.train_model()["model"]
    assert older == zhang.use_shipped_model()["model"]
    assert older == zhang.risk_rules()["model"]
    assert {} == world.findings()


def test_once_there_are_operators_one_answers_for_the_rules(world):
    """
    Whoever finds a wallet open does not make its rules milder: it takes an operator's PIN, and
    stands in their log.
    """
    strict, standard = (parse_pack(text_of(name), name) for name in ("strict", "standard"))
    zhang = world.zhang
    assert zhang.use_risk_pack(strict)["operator"] is None
    zhang.add_operator("Wu", pin=right, by=right)

    with pytest.raises(RulesNeedOperator):
        zhang.use_risk_pack(standard)
    with pytest.raises(RulesNeedOperator):
        zhang.use_shipped_model()
    with pytest.raises(RulesNeedOperator):
        zhang.use_policy(policy("pboc-2015"))
    with pytest.raises(WrongPin):
        zhang.use_policy(policy("pboc-2015"), by=By("Wu", wrong))
    assert "standard" == zhang.policy.name
    with pytest.raises(WrongPin):
        zhang.use_risk_pack(standard, by=By("Wu", wrong))
    assert "strict/1" == zhang.risk_rules()["pack"]

    used = zhang.use_risk_pack(standard, by=By("Wu", right), request_id="milder")

    assert ("standard/1", "Wu") == (used["pack"], used["operator"])
    again = zhang.use_risk_pack(standard, by=By("Wu", unasked), request_id="milder")
    assert again["replayed"]
    limits = zhang.use_policy(policy("pboc-2015"), by=By("Wu", right), request_id="limits")
    assert ("pboc-2015@2", "Wu") == (limits["policy"], limits["operator"])
    assert zhang.use_policy(policy("pboc-2015"), by=By("Wu", unasked), request_id="limits")[
        "replayed"
    ]
    assert [
        ("operator_add", "Wu", "Wu"),
        ("risk_use", "Wu", "standard/1"),
        ("policy_use", "Wu", "pboc-2015@2"),
    ] == [(act["act"], act["operator"], act["about"]) for act in zhang.operator_log()["acts"]]
    assert ["Wu", "Wu"] == [event["actor"] for event in zhang.events(limit=100)["events"][-2:]]
    assert {} == world.findings()
