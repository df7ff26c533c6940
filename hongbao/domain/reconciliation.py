"""Reconciliation (对账): the bank's lines and ours, message by message, and what differs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum, unique
from itertools import groupby

from hongbao.domain.channel import FINAL, Direction, MessageState
from hongbao.rows import Row


@unique
class LineStatus(StrEnum):
    """The status of a bank's line, in the codes of camt.053."""

    BOOKED = "BOOK"
    REVERSED = "RVRS"  # booked, and undone by the bank itself: it counts nothing
    CORRECTED = "CORR"  # booked to end a difference


@unique
class DifferenceKind(StrEnum):
    """In what way the bank and the platform disagree about a message (see `compare`)."""

    SURPLUS = "surplus"  # 长款: they have it, and we do not
    SHORTAGE = "shortage"  # 短款: we have it, and they do not
    STATE = "state"  # they have undone what we have as accepted
    DUPLICATE = "duplicate"  # they have booked it more than once
    AMOUNT = "amount"


class OurLine(Row):
    """A message as the platform knows it; *state* is a `MessageState`. Only accepted ones count."""

    message: str
    direction: str
    amount_fen: int
    state: str
    at: datetime


class TheirLine(Row):
    """A line of a bank's statement: *reference* is its own; *status* is a `LineStatus`."""

    reference: str
    message: str
    direction: str
    amount_fen: int
    status: str
    at: datetime


class Match(Row):
    """A message that both have as done, with the same amount."""

    message: str
    direction: str
    amount_fen: int


class Open(Row):
    """
    A message whose outcome the platform does not know yet: a query will tell, so nothing differs.

    *theirs_fen* is what the bank says it has moved for it so far.
    """

    message: str
    direction: str
    amount_fen: int
    theirs_fen: int
    references: tuple[str, ...]


class Difference(Row):
    """
    A message about which bank and platform disagree by *amount_fen*.

    *ours_fen* and *theirs_fen* are what has moved in *direction*; theirs is below zero where they
    have moved more the other way. *references* are all the lines they have for it.
    """

    kind: DifferenceKind
    message: str
    direction: Direction
    ours_fen: int
    theirs_fen: int
    amount_fen: int
    references: tuple[str, ...]

    @property
    def correction(self) -> Direction:
        """
        Which way the bank has to move *amount_fen* at its customer's account to agree with us.

        Users have our answer already, so it is always the bank's side that is corrected to ours.
        """
        if self.theirs_fen < self.ours_fen:
            return self.direction
        return self.direction.opposite


Verdict = Match | Open | Difference


class Reconciliation(Row):
    """The result of a day's reconciliation."""

    differences: tuple[Difference, ...]
    matched_count: int
    matched_fen: int
    open_count: int


def reconcile(ours: Iterable[OurLine], theirs: Iterable[TheirLine]) -> Reconciliation:
    """Fold what `compare` says; only the differences are kept in memory."""
    differences = []
    matched_count = matched_fen = open_count = 0
    for verdict in compare(ours, theirs):
        match verdict:
            case Difference():
                differences.append(verdict)
            case Open():
                open_count += 1
            case Match(amount_fen=amount_fen):
                matched_count += 1
                matched_fen += amount_fen
    return Reconciliation(tuple(differences), matched_count, matched_fen, open_count)


def compare(ours: Iterable[OurLine], theirs: Iterable[TheirLine]) -> Iterator[Verdict]:
    """
    Compare two streams, each sorted by message, and say of every message what is to be said.

    Ours has a message once, theirs any number of times; both are read to their ends, and no more
    is held than one message's lines. What a side *has* is what it moved on the whole: ours
    is the amount of an accepted message and otherwise nothing; theirs adds up lines in the
    message's direction and takes off those against it, corrections included and reversed lines
    left out. If both have the same there is no difference, however many lines it took: that is how
    a correction ends one. Where they differ, the first of these that applies names it:

    1. not final with us: `Open`, in any state with them;
    2. we have nothing: ``surplus``, whether we never heard of it, rejected or reversed it, and
       however often they booked it; its direction is the way that they have moved the money;
    3. booked twice or more in our direction, and too much on the whole: ``duplicate``;
    4. booked, in another direction or amount: ``amount``;
    5. not booked, but reversed: ``state``;
    6. not booked at all: ``shortage``.

    A message that neither has is not spoken of. Raises ValueError for a stream that is out of
    order, which would make differences out of nothing.
    """
    sides: tuple[Iterable[OurLine | TheirLine], ...] = (ours, theirs)
    before = ""
    for message, found in groupby(heapq.merge(*sides, key=_message), key=_message):
        if not before < message:
            raise ValueError(f"{message} comes after {before}")
        before = message
        mine: OurLine | None = None
        lines = []
        for line in found:
            if isinstance(line, TheirLine):
                lines.append(line)
            elif mine is None:
                mine = line
            else:
                raise ValueError(f"{message} is ours twice")
        verdict = _verdict(message, mine, lines)
        if verdict is not None:
            yield verdict


def _message(line: OurLine | TheirLine) -> str:
    return line.message


def _verdict(message: str, ours: OurLine | None, theirs: Sequence[TheirLine]) -> Verdict | None:
    direction = Direction(theirs[0].direction if ours is None else ours.direction)
    references = tuple(line.reference for line in theirs)
    theirs_fen = sum(_moved_fen(line, direction) for line in theirs)
    ours_fen = 0
    if ours is not None:
        state = MessageState(ours.state)
        if state not in FINAL:
            return Open(message, direction, ours.amount_fen, theirs_fen, references)
        ours_fen = ours.amount_fen if state is MessageState.ACCEPTED else 0
    if theirs_fen == ours_fen:
        return Match(message, direction, ours_fen) if ours_fen else None
    kind = _kind(ours_fen, theirs_fen, direction, theirs)
    if kind is DifferenceKind.SURPLUS and theirs_fen < 0:
        direction, theirs_fen = direction.opposite, -theirs_fen
    amount_fen = abs(theirs_fen - ours_fen)
    return Difference(kind, message, direction, ours_fen, theirs_fen, amount_fen, references)


def _kind(
    ours_fen: int, theirs_fen: int, direction: Direction, theirs: Sequence[TheirLine]
) -> DifferenceKind:
    booked = [line.direction for line in theirs if line.status == LineStatus.BOOKED]
    if not ours_fen:
        return DifferenceKind.SURPLUS
    if booked.count(direction) > 1 and theirs_fen > ours_fen:
        return DifferenceKind.DUPLICATE
    if booked:
        return DifferenceKind.AMOUNT
    if any(line.status == LineStatus.REVERSED for line in theirs):
        return DifferenceKind.STATE
    return DifferenceKind.SHORTAGE


def _moved_fen(line: TheirLine, direction: Direction) -> int:
    """Return the amount that *line* moved in *direction*: negative against it."""
    if LineStatus(line.status) is LineStatus.REVERSED:
        return 0
    return line.amount_fen if Direction(line.direction) is direction else -line.amount_fen
