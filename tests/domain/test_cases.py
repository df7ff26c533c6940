"""Cases: one word decides a small one, two people a large one, and nobody is both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.cases import (
    WAITING,
    CaseFacts,
    CaseState,
    Ends,
    Outcome,
    Verb,
    decide_case,
    needs_two,
    standing,
)
from hongbao.errors import ExitCode, SameOperator
from tests.every import every

FOUR_EYES_FEN = 5_000_000
WANG, LI, MEI = 1, 2, 3

SMALL = CaseFacts("open", FOUR_EYES_FEN - 1)
LARGE = CaseFacts("open", FOUR_EYES_FEN)
ESCALATED = CaseFacts("escalated", 1)


def decide(facts, *said):
    """Return what the last of *said*, who and what, makes of a case, after all the others."""
    *earlier, (operator, verb) = said
    return decide_case(facts, earlier, operator, verb, FOUR_EYES_FEN)


class Desk:
    """A case that operators speak of one after another, as the ledger keeps it."""

    def __init__(self, amount_fen):
        self.facts = CaseFacts("open", amount_fen)
        self.said = []

    def hear(self, operator, verb):
        outcome = decide_case(self.facts, self.said, operator, verb, FOUR_EYES_FEN)
        self.said.append((operator, verb))
        self.facts = CaseFacts(outcome.state, self.facts.amount_fen)
        return outcome


@every(
    ("facts", "two"),
    [
        (CaseFacts("open", 0), False),
        (SMALL, False),
        (LARGE, True),
        (CaseFacts("open", FOUR_EYES_FEN + 1), True),
        (ESCALATED, True),
        (CaseFacts("escalated", FOUR_EYES_FEN), True),
    ],
)
def test_two_are_needed_from_an_amount_on_and_once_escalated(facts, two):
    """
    The amount itself counts as above.
    """
    assert two == needs_two(facts, FOUR_EYES_FEN)


def test_from_nothing_on_every_case_needs_two():
    """
    A pack that says 0 yuan asks for four eyes always.
    """
    assert needs_two(CaseFacts("open", 0), 0)


@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_one_word_decides_a_small_case(verb, state):
    """
    Below the amount an operator alone closes it, and that is for good.
    """
    outcome = decide(SMALL, (WANG, verb))

    assert Outcome(CaseState(state)) == outcome
    assert outcome.closed
    assert state not in WAITING


@pytest.mark.parametrize("facts", [LARGE, ESCALATED])
@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_two_who_agree_decide_a_large_case(facts, verb, state):
    """
    The first word changes nothing yet, and says that a second one is needed; the second decides.
    """
    first = decide(facts, (WANG, verb))
    second = decide(facts, (WANG, verb), (LI, verb))

    assert (facts.state, True, False) == (first.state, first.second_needed, first.closed)
    assert (state, False, True) == (second.state, second.second_needed, second.closed)


@every("facts", [LARGE, ESCALATED])
@every("first", ["approve", "reject"])
@every("second", ["approve", "reject"])
def test_four_eyes_are_two_people(facts, first, second):
    """
    Who has spoken is no second person, whether they repeat it or turn it round.
    """
    with pytest.raises(SameOperator) as refusal:
        decide(facts, (WANG, first), (WANG, second))

    assert ExitCode.USAGE == refusal.value.exit_code


@pytest.mark.parametrize("facts", [LARGE, ESCALATED])
@pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve")])
def test_two_who_disagree_escalate(facts, first, second):
    """
    Neither outvotes the other: the case begins anew, and needs two who say the same.
    """
    said = ((WANG, first), (LI, second))

    assert Outcome(CaseState.ESCALATED) == decide(facts, *said)
    assert standing(said) is None


@pytest.mark.parametrize("third", [WANG, LI, MEI])
def test_after_a_disagreement_it_takes_two_again(third):
    """
    Whoever speaks next is the first again, also where they had agreed with one of the two before;
    either of those may be one of the two who then agree.
    """
    said = [(WANG, "approve"), (LI, "reject"), (third, "approve")]
    others = {WANG, LI, MEI} - {third}

    assert Outcome(CaseState.ESCALATED, second_needed=True) == decide(ESCALATED, *said)
    for other in others:
        assert CaseState.APPROVED == decide(ESCALATED, *said, (other, "approve")).state
    with pytest.raises(SameOperator):
        decide(ESCALATED, *said, (third, "approve"))


def test_a_small_case_that_was_escalated_is_not_decided_by_who_escalated_it():
    """
    Escalating decides nothing: its author may be one of the two, and never both.
    """
    desk = Desk(1)

    assert Outcome(CaseState.ESCALATED) == desk.hear(WANG, "escalate")
    assert Outcome(CaseState.ESCALATED, second_needed=True) == desk.hear(WANG, "approve")
    with pytest.raises(SameOperator):
        desk.hear(WANG, "approve")
    assert Outcome(CaseState.APPROVED) == desk.hear(LI, "approve")


@pytest.mark.parametrize("escalates", [WANG, LI])
def test_escalating_spends_the_word_before(escalates):
    """
    Who has thought better of it takes their word back by it, and so does whoever doubts it.
    """
    desk = Desk(FOUR_EYES_FEN)
    desk.hear(WANG, "approve")

    assert Outcome(CaseState.ESCALATED) == desk.hear(escalates, "escalate")
    assert Outcome(CaseState.ESCALATED, second_needed=True) == desk.hear(LI, "approve")


def test_who_has_just_escalated_cannot_again():
    """
    Once is said; another may, and they themselves once somebody has spoken since.
    """
    desk = Desk(1)
    desk.hear(WANG, "escalate")

    with pytest.raises(SameOperator):
        desk.hear(WANG, "escalate")
    assert CaseState.ESCALATED == desk.hear(LI, "escalate").state
    assert CaseState.ESCALATED == desk.hear(WANG, "escalate").state


def test_a_word_given_under_a_lower_amount_does_not_bind_a_higher_one():
    """
    Where a new pack lets one decide what took two, whoever speaks next decides, and be it the same.
    """
    assert Outcome(CaseState.REJECTED) == decide_case(
        LARGE, [(WANG, "approve")], WANG, "reject", FOUR_EYES_FEN + 1
    )


def test_a_case_that_is_closed_is_not_decided():
    """
    Asking would be our mistake: the desk says so to a person before.
    """
    for state in set(CaseState) - WAITING:
        with pytest.raises(AssertionError):
            decide(CaseFacts(state, 1), (WANG, "approve"))


def test_another_word_is_not_taken():
    """
    There are three verbs.
    """
    with pytest.raises(ValueError, match="shrug"):
        decide(SMALL, (WANG, "shrug"))


@pytest.mark.parametrize(("ends", "state"), [("release", "released"), ("return", "returned")])
def test_a_hold_that_nobody_decided_ends_by_itself(ends, state):
    """
    Its state then tells that no reviewer did it.
    """
    assert state == Ends(ends).state
    assert Ends(ends).state not in WAITING


@given(
    st.integers(0, 2 * FOUR_EYES_FEN),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(sorted(Verb))), max_size=12),
)
def test_whoever_speaks_in_whatever_order_four_eyes_stay_two_people(amount_fen, words):
    """
    However operators speak: a case that needs two is closed only where its last two words are two
    people's, and the same; what is refused changes nothing, and one that is escalated stays so.
    """
    desk = Desk(amount_fen)
    for operator, verb in words:
        two = needs_two(desk.facts, FOUR_EYES_FEN)
        was = desk.facts.state
        try:
            outcome = desk.hear(operator, verb)
        except SameOperator:
            assert desk.said[-1][0] == operator
            continue
        if was == CaseState.ESCALATED:
            assert outcome.state != CaseState.OPEN
        assert outcome.second_needed == (standing(desk.said) is not None and not outcome.closed)
        if outcome.closed:
            assert verb != Verb.ESCALATE
            if two:
                (first, said), (second, again) = desk.said[-2:]
                assert first != second
                assert said == again
            return
