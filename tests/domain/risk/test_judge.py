from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import packs
from hongbao.domain.risk.acts import JUDGED, Asked, Seen, Verdict, What
from hongbao.domain.risk.forest import Forest, parse_forest
from hongbao.domain.risk.habit import NEW, Habit, after
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key
from hongbao.domain.risk.judge import Decision, decide, decide_again, keys_of
from hongbao.domain.risk.measures import Look, day_out_fen
from hongbao.domain.risk.pack import Condition, Pack, Report, Rule, parse_pack
from hongbao.domain.risk.places import place_called
from tests.domain.risk.test_pack import HEAD
from tests.every import every

SHIPPED = {name: parse_pack(packs.text_of(name), name) for name in packs.names()}
STANDARD = SHIPPED[packs.STANDARD]
MODEL = parse_forest(packs.model_text(), packs.MODEL)

NOON = 1_771_214_400  # 2026-02-16, noon in China
MIDNIGHT = NOON - 12 * 3600
MINUTE, HOUR, DAY = 60, 3600, 86_400
YUAN = 100


def all_of(pack: Pack) -> tuple[Rule | Report, ...]:
    return (*pack.rules, *pack.reports)


RULES = [
    pytest.param(pack, rule, id=f"{name}-{rule.id}")
    for name, pack in SHIPPED.items()
    for rule in all_of(pack)
]


@dataclass(frozen=True)
class Score:
    """A model that always gives the same score, and needs nothing measured."""

    given: int
    keys: tuple[Key, ...] = ()

    def score(self, values: Iterable[int]) -> int:
        return self.given


def model(score: int) -> Forest:
    return Score(score)  # type: ignore[return-value]


def asked(seen: Seen, **facts: int) -> Asked:
    """Ask about what an identified person with a card and a device of years does."""
    known = {"age_days": 900, "channels": 2, "cards": 1, "device_age_hours": 9000}
    rest = {"devices": 1, "device_profiles": 1, "clock_back_s": 0}
    return Asked(seen, **{**known, **rest, **facts})


def played(acts: Iterable[Seen], **facts: int) -> list[Decision]:
    """Do all *acts* one after the other, each remembered, and return how each was answered."""
    habit, decisions = NEW, []
    for seen in acts:
        decisions.append(decide(STANDARD, MODEL, habit, asked(seen, **facts)))
        habit = after(habit, seen)
    return decisions


def fired(decisions: Iterable[Decision]) -> set[str]:
    return {rule.id for decision in decisions for rule in decision.fired}


def reported(decisions: Iterable[Decision]) -> set[str]:
    return {report.id for decision in decisions for report in decision.reports}


# --- every rule that ships ------------------------------------------------------------------------


def value_for(condition: Condition) -> int:
    """Return a value with which *condition* only just holds."""
    bound = condition.at_most if condition.at_least is None else condition.at_least
    assert bound is not None
    return bound


def misses(condition: Condition) -> list[int]:
    """Return the values with which *condition* only just does not hold."""
    below = [] if condition.at_least is None else [condition.at_least - 1]
    return below + ([] if condition.at_most is None else [condition.at_most + 1])


def answer_to(pack: Pack, rule: Rule | Report, given: dict[Key, int]) -> tuple[Rule | Report, ...]:
    """Return what fires of *pack* where the indicators of *rule* have the values *given*."""
    score = next((value for key, value in given.items() if key.indicator == SCORE), 0)
    # What *rule* does not ask is 0.
    values = [given.get(key, 0) for key in pack.keys]
    day_fen = rule.day_fen if isinstance(rule, Rule) else None
    decision = decide_again(pack, model(score), values, min(rule.acts), (day_fen or 0) + 1)
    return (*decision.fired, *decision.reports)


@every(("pack", "rule"), RULES)
def test_each_rule_fires_at_its_thresholds_and_not_a_step_before(pack, rule):
    """
    All conditions have to hold, and each holds at its very threshold.
    """
    exact = {condition.key: value_for(condition) for condition in rule.when}

    assert rule in answer_to(pack, rule, exact)
    for condition in rule.when:
        for missed in misses(condition):
            assert rule not in answer_to(pack, rule, {**exact, condition.key: missed})


@every(("pack", "rule"), RULES)
def test_each_rule_looks_at_its_own_acts_only(pack, rule):
    """
    What it does not name it does not stop.
    """
    exact = {condition.key: value_for(condition) for condition in rule.when}
    values = [exact.get(key, 0) for key in pack.keys]
    score = next((value for key, value in exact.items() if key.indicator == SCORE), 0)

    for what in JUDGED:
        decision = decide_again(pack, model(score), values, what, 10**9)
        assert (what in rule.acts) == (rule in (*decision.fired, *decision.reports))


@pytest.mark.parametrize(
    ("pack", "rule"),
    [param for param in RULES if getattr(param.values[1], "day_fen", None) is not None],
)
def test_a_lowered_limit_leaves_room_up_to_the_limit_itself(pack, rule):
    """
    A day's payments may reach it, to the fen.
    """
    exact = {condition.key: value_for(condition) for condition in rule.when}
    values = [exact.get(key, 0) for key in pack.keys]

    for out_fen, fires in ((rule.day_fen, False), (rule.day_fen + 1, True)):
        decision = decide_again(pack, None, values, What.SEND, out_fen)
        assert fires == (rule in decision.fired)


# --- the attacks that are named -------------------------------------------------------------------


def claims(
    count: int, *, every: int, at: int = NOON, fen: int = 300, ms: int = 400, jitter: int = 0
) -> list[Seen]:
    """Claim *count* packets of as many people, up to *jitter* seconds later than like clockwork."""
    return [
        Seen(at + nth * every + nth * nth * 17 % (jitter + 1), What.CLAIM, fen, 100 + nth, ms)
        for nth in range(count)
    ]


def gives(count: int, *, every: int, at: int = NOON, fen: int = 200 * YUAN) -> list[Seen]:
    """Give *count* packets to one friend."""
    return [Seen(at + nth * every, What.GIVE, fen, 7) for nth in range(count)]


def usually(count: int = 12, fen: int = 20 * YUAN) -> list[Seen]:
    """Live *count* days as somebody who sends a packet of 20 yuan every noon."""
    return [Seen(NOON - (count - nth) * DAY, What.SEND, fen) for nth in range(count)]


def room(rounds: int, *, stake: int, every: int = MINUTE) -> list[Seen]:
    """Play in a gambling room: pay every sixth round, claim in all the others."""
    acts = []
    for nth in range(rounds):
        at = NOON + nth * every
        if nth % 6 == 0:
            acts.append(Seen(at, What.SEND, 5 * stake))
        else:
            acts.append(Seen(at, What.CLAIM, stake, 50 + nth % 9, 2500))
    return acts


def below(fen: int, count: int, what: What) -> list[Seen]:
    return [Seen(NOON + nth * HOUR, what, fen - 500 * YUAN) for nth in range(count)]


ATTACKS: dict[str, tuple[list[Seen], dict[str, int], str]] = {
    # name: (what is done, what is known of who does it, the rule that catches it)
    "takeover, on a new device": (
        [*usually(), Seen(NOON, What.DEVICE_ADD), *gives(6, every=40, at=NOON + 60)],
        {"devices": 2, "device_age_hours": 0},
        "new-device-large",
    ),
    "takeover, with a new PIN as well": (
        [Seen(NOON, What.DEVICE_ADD), Seen(NOON, What.PIN_CHANGE), *gives(1, every=1)],
        {"devices": 2, "device_age_hours": 0},
        "new-device-new-pin",
    ),
    "takeover, on the owner's device": ([*usually(40), *gives(8, every=40)], {}, "much-to-one"),
    "a robot": (claims(15, every=20), {}, "quick-claims"),
    "a robot in few groups": (claims(25, every=30 * MINUTE), {}, "quick-all-day"),
    "a robot with a pace": (claims(10, every=30, ms=3000), {}, "steady-claims"),
    "splitting below a packet's most": (below(20000 * YUAN, 4, What.SEND), {}, "splitting"),
    "splitting through a card": (below(50000 * YUAN, 3, What.WITHDRAW), {}, "splitting-out-50000"),
    "splitting below 20,000": (below(20000 * YUAN, 3, What.WITHDRAW), {}, "splitting-out-20000"),
    "many to one, and out by card": (
        [
            *claims(10, every=MINUTE, fen=200 * YUAN, ms=9000),
            Seen(NOON + HOUR, What.WITHDRAW, 1900 * YUAN),
        ],
        {},
        "many-in-straight-out",
    ),
    "one to many": (
        [Seen(NOON + nth * MINUTE, What.GIVE, 200 * YUAN, nth + 1) for nth in range(20)],
        {},
        "one-to-many",
    ),
    "a gambling room": (room(40, stake=100 * YUAN), {}, "rounds"),
    "impossible travel": (
        [
            Seen(NOON, What.SEND, YUAN, city=place_called("beijing").number),  # type: ignore[union-attr]
            Seen(NOON + HOUR, What.SEND, YUAN, city=place_called("shanghai").number),  # type: ignore[union-attr]
        ],
        {},
        "impossible-travel",
    ),
    "the same pair": (gives(12, every=MINUTE), {}, "same-pair"),
    "a dormant account": (
        [Seen(NOON - 180 * DAY, What.CLAIM, YUAN, 5, 9000), Seen(NOON, What.SEND, 2001 * YUAN)],
        {},
        "woken",
    ),
    "hardly known, and much money": (
        [Seen(NOON, What.SEND, 5001 * YUAN)],
        {"channels": 1, "cards": 0},
        "unknown-person",
    ),
    "a crowd on one device": (claims(1, every=1), {"device_profiles": 8}, "crowded-device"),
    "a clock turned back": (claims(1, every=1), {"clock_back_s": 300}, "clock-turned-back"),
    "a person in a frenzy": (
        [Seen(NOON + nth, What.SEND, YUAN) for nth in range(60)],
        {},
        "too-many-acts",
    ),
    "failed challenges": (
        [Seen(NOON, What.CHALLENGE_FAILED)] * 2 + [Seen(NOON, What.SEND, YUAN)],
        {},
        "failed-challenges",
    ),
}


@every("attack", ATTACKS)
def test_each_named_attack_is_caught_by_its_rule_with_its_last_act(attack):
    """
    And not before: one act less, and the rule says nothing.
    """
    acts, facts, rule = ATTACKS[attack]
    *before, last = played(acts, **facts)
    caught = [nth for nth, decision in enumerate([*before, last]) if rule in fired([decision])]

    assert caught
    assert rule in fired([last])
    assert Verdict.ALLOW is not last.verdict
    assert rule not in fired(played(acts[: caught[0]], **facts))


@every(
    ("acts", "report"),
    [
        ([Seen(NOON, What.TOPUP, 250_000 * YUAN)] * 2, "large-in"),
        ([Seen(NOON, What.WITHDRAW, 250_000 * YUAN)] * 2, "large-out"),
        (below(20000 * YUAN, 3, What.SEND), "report-splitting"),
        (below(50000 * YUAN, 3, What.TOPUP), "report-splitting-cards"),
        (claims(20, every=MINUTE, fen=100 * YUAN, ms=9000), "report-fan-in"),
        (
            [Seen(NOON + nth * MINUTE, What.GIVE, 100 * YUAN, nth + 1) for nth in range(20)],
            "report-fan-out",
        ),
        (gives(20, every=MINUTE, fen=100 * YUAN), "report-same-pair"),
        (
            [Seen(NOON - 180 * DAY, What.SEND, YUAN), Seen(NOON, What.SEND, 1000 * YUAN)],
            "report-woken",
        ),
        (
            [Seen(NOON + nth, What.SEND, 200 * YUAN) for nth in range(11)]
            + claims(11, every=1, at=NOON + 11, fen=200 * YUAN, ms=9000),
            "report-rounds",
        ),
    ],
)
def test_each_report_is_made_with_the_last_act_and_not_before(acts, report):
    """
    What stops nobody is still told to a reviewer.
    """
    *before, last = played(acts)

    assert report in reported([last])
    assert report not in reported(before)


# --- ordinary people ------------------------------------------------------------------------------


ORDINARY: dict[str, tuple[list[Seen], dict[str, int]]] = {
    "10 packets sent and 10 claimed at one moment, of any amount": (
        [Seen(NOON, What.SEND, 20000 * YUAN)] * 10 + claims(10, every=0, fen=200 * YUAN, ms=0),
        {},
    ),
    "the same in turns": (
        [
            seen
            for nth in range(10)
            for seen in (
                Seen(NOON, What.SEND, 200 * YUAN),
                Seen(NOON, What.CLAIM, 200 * YUAN, 5, 0),
            )
        ],
        {},
    ),
    "14 claims at one moment": (claims(14, every=0, ms=0), {}),
    "the same to the same friend, eleven times": (gives(11, every=0), {}),
    "small packets to one's love, all evening": (gives(50, every=MINUTE, fen=13_14), {}),
    "packets to 19 friends at one moment": (
        [Seen(NOON, What.GIVE, 200 * YUAN, nth + 1) for nth in range(19)],
        {},
    ),
    "a new profile that pays in, sends and withdraws at once": (
        [
            Seen(NOON, What.CARD_ADD),
            Seen(NOON, What.IDENTIFY),
            Seen(NOON, What.TOPUP, 5000 * YUAN),
            Seen(NOON, What.SEND, 2000 * YUAN),
            Seen(NOON, What.WITHDRAW, 3000 * YUAN),
        ],
        {"age_days": 0, "device_age_hours": 0},
    ),
    "somebody unknown who pays out 1,000": (
        [Seen(NOON, What.SEND, 1000 * YUAN)],
        {"age_days": 0, "channels": 0, "cards": 0, "device_age_hours": 0},
    ),
    "an evening of 接龙 for small money": (room(60, stake=10 * YUAN, every=2 * MINUTE), {}),
    "a purchase for a whole group, paid by ten": (
        [
            *claims(10, every=MINUTE, fen=150 * YUAN, ms=9000, jitter=40),
            Seen(NOON + HOUR, What.WITHDRAW, 1500 * YUAN),
        ],
        {},
    ),
    "an airliner": (
        [
            Seen(NOON, What.SEND, YUAN, city=place_called("beijing").number),  # type: ignore[union-attr]
            Seen(NOON + 2 * HOUR, What.SEND, YUAN, city=place_called("shanghai").number),  # type: ignore[union-attr]
        ],
        {},
    ),
    "the year's packets after a quiet half of one": (
        [Seen(NOON - 180 * DAY, What.CLAIM, YUAN, 5, 9000), Seen(NOON, What.SEND, 2000 * YUAN)],
        {},
    ),
    "a new telephone": ([Seen(NOON, What.SEND, 999 * YUAN)], {"devices": 2, "device_age_hours": 0}),
    "seven of a family on one tablet": (
        claims(10, every=MINUTE, jitter=40),
        {"device_profiles": 7},
    ),
    "a clock that is set right": (claims(1, every=1), {"clock_back_s": 299}),
    "exactly the most that a packet holds": ([Seen(NOON, What.SEND, 20000 * YUAN)] * 20, {}),
    "59 acts at one moment": ([Seen(NOON, What.TOPUP, YUAN)] * 59, {}),
}


@every("pattern", ORDINARY)
def test_ordinary_patterns_are_left_alone(pattern):
    """
    Every act of them is allowed.
    """
    acts, facts = ORDINARY[pattern]

    assert {Verdict.ALLOW} == {decision.verdict for decision in played(acts, **facts)}


# --- deciding -------------------------------------------------------------------------------------


def rule(name: str, answer: str, indicator: str = "acts", least: int = 1) -> str:
    return (
        f'[[rule]]\nid = "{name}"\nguard = "behaviour"\nacts = ["send"]\n'
        f'when = [{{ indicator = "{indicator}", at_least = {least} '
        + (', window = "1h" ' if INDICATORS[indicator].windowed else "")
        + f"}}]\nanswer = {answer}\n"
        'says = { en = "no", zh = "不" }\n'
    )


def pack_of(*rules: str) -> Pack:
    return parse_pack(HEAD + "".join(rules), "mine")


SEND = asked(Seen(NOON, What.SEND, YUAN))


@every(
    ("answers", "chosen"),
    [
        ([], None),
        (['"challenge"'], 0),
        (['"challenge"', '"refuse"', '"cut"'], 2),
        (['"cut"', '"refuse"', '"challenge"'], 0),
        (['"refuse"', '"hold"\nhold_hours = 1\nthen = "return"'], 0),
        (['"challenge"', '"hold"\nhold_hours = 1\nthen = "return"'], 1),
        (['"limit"\nday = "0.00"', '"challenge"'], 1),
        (['"limit"\nday = "0.00"', '"limit"\nday = "0.50"'], 0),
        (['"limit"\nday = "1.00"', '"limit"\nday = "0.50"'], 1),
    ],
)
def test_the_strictest_rule_answers_and_of_two_the_first(answers, chosen):
    """
    A limit that still has room does not fire at all.
    """
    pack = pack_of(*(rule(f"r{nth}", answer) for nth, answer in enumerate(answers)))

    decision = decide(pack, None, NEW, SEND)

    if chosen is None:
        assert (Verdict.ALLOW, None, ()) == decision[:3]
    else:
        assert pack.rules[chosen] is decision.rule
        assert decision.rule.answer is decision.verdict


def test_what_would_be_answered_but_for_a_challenge():
    """
    Whoever passed it meets the next rule, or none.
    """
    pack = pack_of(rule("limit", '"limit"\nday = "0.00"'), rule("ask", '"challenge"'))
    decision = decide(pack, None, NEW, SEND)

    assert Verdict.CHALLENGE is decision.verdict
    assert (Verdict.LIMIT, pack.rules[0]) == decision.but_for(Verdict.CHALLENGE)[:2]
    assert Verdict.ALLOW is decision.but_for(Verdict.CHALLENGE).but_for(Verdict.LIMIT).verdict


def test_without_a_model_nothing_is_strange():
    """
    A rule about the score does not fire, not even at 0.
    """
    pack = pack_of(rule("strange", '"challenge"', SCORE, 0))

    assert (Verdict.ALLOW, None) == (
        decide(pack, None, NEW, SEND)[0],
        decide(pack, None, NEW, SEND)[5],
    )
    assert Verdict.CHALLENGE is decide(pack, model(0), NEW, SEND).verdict
    assert 0 == decide(pack, model(0), NEW, SEND).score


def test_each_indicator_is_measured_once():
    """
    However many rules ask for it, and the model as well: what is asked comes first, each key once.
    """
    keys = keys_of(STANDARD, MODEL)

    assert len({*keys}) == len(keys)
    assert STANDARD.keys == keys[: len(STANDARD.keys)]
    assert {*STANDARD.keys, *MODEL.keys} == {*keys}
    assert STANDARD.keys == keys_of(STANDARD, None)


def test_values_are_complete_whatever_is_done():
    """
    What no rule asks of this act is measured too, because another pack may be asked about it.
    """
    keys = keys_of(STANDARD, MODEL)

    for what in JUDGED:
        act = asked(Seen(NOON, what, 50 * YUAN, 3))
        values = dict(zip(keys, decide(STANDARD, MODEL, NEW, act).values, strict=True))
        assert {
            key: INDICATORS[key.indicator].measure(NEW, act, key, STANDARD.night) for key in keys
        } == values


@cache
def remembered(acts: tuple[Seen, ...]) -> Habit:
    habit = NEW
    for seen in acts:
        habit = after(habit, seen)
    return habit


moments = st.integers(0, 3 * DAY)
some_acts = st.lists(
    st.builds(
        Seen,
        moments.map(lambda offset: NOON + offset),
        st.sampled_from(What),
        st.integers(1, 60_000 * YUAN),
        st.integers(0, 30),
        st.integers(-1, 9000),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=70,
).map(sorted)
some_facts = st.fixed_dictionaries(
    {
        "age_days": st.integers(0, 900),
        "channels": st.integers(0, 5),
        "cards": st.integers(0, 5),
        "device_age_hours": st.integers(0, 900),
        "devices": st.integers(1, 4),
        "device_profiles": st.integers(1, 12),
        "clock_back_s": st.integers(0, 600),
    }
)


@given(some_acts, some_facts, st.sampled_from([MODEL, None]), st.sampled_from(sorted(SHIPPED)))
def test_a_decision_is_the_same_again_and_from_its_values(acts, facts, forest, name):
    """
    The same arguments answer the same, and so do the values alone that were measured.
    """
    *before, last = acts
    habit = remembered(tuple(before))
    pack, act = SHIPPED[name], asked(last, **facts)

    decision = decide(pack, forest, habit, act)

    assert decision == decide(pack, forest, habit, act)
    out_fen = day_out_fen(Look(habit, act, pack.night))
    assert decision == decide_again(pack, forest, decision.values, last.what, out_fen)
    assert (decision.verdict is Verdict.ALLOW) == (decision.rule is None) == (not decision.fired)
