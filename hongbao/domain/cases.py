"""The states of a review case, and how many operators have to agree on it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, unique

from hongbao import errors
from hongbao.rows import Row


@unique
class CaseKind(StrEnum):
    """The kind of a case."""

    HOLD = "hold"  # money is frozen until it is decided, or until its moment comes
    LARGE = "large"  # 大额交易: to be reported for its size alone
    SUSPICIOUS = "suspicious"  # 可疑交易: to be looked at and, if it is, reported


@unique
class CaseState(StrEnum):
    """The state of a case."""

    OPEN = "open"
    ESCALATED = "escalated"  # needs two operators, at any amount
    APPROVED = "approved"  # nothing is wrong: held money is released
    REJECTED = "rejected"  # it is not: money that was held goes back the way it came
    RELEASED = "released"  # the hold expired before a review, and the money was released
    RETURNED = "returned"  # the same, and it went back


OPERATOR_ACTS = (
    "operator_add",
    "correct",
    "approved",
    "rejected",
    "opinion",
    "escalated",
    "unmasked",
    "policy_use",
    "risk_use",
    "risk_train",
    "risk_model",
    "home_epoch",
)
"""All that operators do, by the names that the chain has for it."""

WAITING = frozenset({CaseState.OPEN, CaseState.ESCALATED})
"""The states in which a case can still be decided; the others are for good."""


@unique
class Verb(StrEnum):
    """The opinions that an operator may give on a case."""

    APPROVE = "approve"
    REJECT = "reject"
    ESCALATE = "escalate"


@unique
class Ends(StrEnum):
    """How a hold ends that no reviewer has decided when it expires."""

    RELEASE = "release"
    RETURN = "return"

    @property
    def state(self) -> CaseState:
        """The state of the case then."""
        return CaseState.RELEASED if self is Ends.RELEASE else CaseState.RETURNED


class CaseFacts(Row):
    """The facts that the decision of a case depends on; *state* is a `CaseState`."""

    state: str
    amount_fen: int


class Outcome(Row):
    """
    The state of a case after an operator's opinion.

    *second_needed* says that this opinion stands, and another operator has to say the same.
    """

    state: CaseState
    second_needed: bool = False

    @property
    def closed(self) -> bool:
        """Whether that was the last word."""
        return self.state not in WAITING


def needs_two(facts: CaseFacts, four_eyes_fen: int) -> bool:
    """Return whether two operators have to agree: from *four_eyes_fen* on, and once escalated."""
    return facts.amount_fen >= four_eyes_fen or facts.state == CaseState.ESCALATED


def decide_case(
    facts: CaseFacts,
    earlier: Sequence[tuple[int, str]],
    operator: int,
    verb: str,
    four_eyes_fen: int,
) -> Outcome:
    """
    Return the outcome of an open case when *operator* gives the opinion *verb*, a `Verb`.

    *earlier* is all that operators have said of it, oldest first, as (operator, verb). Where one
    is enough, their word decides. Where it takes two (see `needs_two`),

    1. the first opinion stands until another operator has theirs;
    2. where that is the same, the case is decided;
    3. where it is another, the case is escalated and both are spent: it begins again, and now two
       have to agree at any amount. Neither of them can outvote the other by being last;
    4. escalating also spends the previous opinion, and decides nothing: they may be
       one of the two, never both.

    Raises SameOperator if *operator* has the opinion that stands, whether they would repeat it
    or turn it round, as well as where they have just escalated and would again. Who has thought
    better of it escalates.
    """
    assert facts.state in WAITING

    said = Verb(verb)
    if said is Verb.ESCALATE:
        if earlier and (operator, said) == earlier[-1]:
            raise errors.SameOperator
        return Outcome(CaseState.ESCALATED)
    decided = CaseState.APPROVED if said is Verb.APPROVE else CaseState.REJECTED
    if not needs_two(facts, four_eyes_fen):
        return Outcome(decided)
    before = standing(earlier)
    if before is None:
        return Outcome(CaseState(facts.state), second_needed=True)
    if before[0] == operator:
        raise errors.SameOperator
    return Outcome(decided if before[1] == said else CaseState.ESCALATED)


def standing(earlier: Sequence[tuple[int, str]]) -> tuple[int, str] | None:
    """
    Return the opinion that waits for a second one, if one does, of all that were said so far.

    >>> standing([(1, "approve"), (2, "reject"), (3, "reject")])
    (3, 'reject')
    """
    waiting = None
    for operator, verb in earlier:
        waiting = None if verb == Verb.ESCALATE or waiting is not None else (operator, verb)
    return waiting
