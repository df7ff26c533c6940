"""The answers of a drill, compared with what is in the ledger: each act once, and no other."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from hongbao.load.traffic import ANSWERED, Attempt
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Booked(Row):
    """An act as the ledger has it."""

    request: str
    kind: str
    profile: str
    packet: str | None
    fen: int


class Proof(Row):
    """
    Which requests are not as their answers say, by what is wrong with them.

    *lost* were confirmed and are not there, *twice* are there more than once, *changed* are
    there otherwise than was answered, *unasked* are there though no client got an answer, and of
    *unresolved* no client knows what became of them.
    """

    confirmed: int
    refused: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    changed: tuple[str, ...]
    unasked: tuple[str, ...]
    unresolved: tuple[str, ...]

    @property
    def wrong(self) -> int:
        """How many requests are not as they should be."""
        found = (self.lost, self.twice, self.changed, self.unasked, self.unresolved)
        return sum(map(len, found))


def proof(
    attempts: Iterable[Attempt], profiles: Mapping[int, str], booked: Iterable[Booked]
) -> Proof:
    """Compare the answers of the clients, who act as *profiles*, with all that is *booked*."""
    last: dict[str, Attempt] = {}
    for attempt in attempts:
        before = last.get(attempt.request)
        if before is None or not before.is_known:
            last[attempt.request] = attempt
    there: dict[str, list[Booked]] = defaultdict(list)
    for act in booked:
        there[act.request].append(act)
    counts: Counter[str] = Counter()
    wrong: dict[str, list[str]] = defaultdict(list)
    for request, final in last.items():
        acts = there.pop(request, [])
        if not final.is_known:
            wrong["unresolved"].append(request)
        elif final.outcome != ANSWERED:
            counts["refused"] += 1
            if acts:
                wrong["unasked"].append(request)
        else:
            counts["confirmed"] += 1
            wanted = Booked(request, final.kind, profiles[final.client], final.packet, final.fen)
            if not acts:
                wrong["lost"].append(request)
            elif len(acts) > 1:
                wrong["twice"].append(request)
            elif acts[0] != wanted:
                wrong["changed"].append(request)
    wrong["unasked"] += there
    return Proof(
        counts["confirmed"],
        counts["refused"],
        *(tuple(wrong[name]) for name in ("lost", "twice", "changed", "unasked", "unresolved")),
    )


def balances(
    attempts: Iterable[Attempt], profiles: Mapping[int, str], begun_with: Mapping[str, int]
) -> dict[str, int]:
    """Return what everyone has, by nothing but the answers that they got."""
    have = dict(begun_with)
    counted: set[str] = set()
    for attempt in attempts:
        if attempt.outcome == ANSWERED and attempt.request not in counted:
            counted.add(attempt.request)
            paid = attempt.kind == "send"
            have[profiles[attempt.client]] += -attempt.fen if paid else attempt.fen
    return have


class Seen(Row):
    """What the clients saw of a part of the drill."""

    answered: int
    refused: Mapping[str, int]
    failed: Mapping[str, int]  # tries after which the same request was made again
    slowest: int  # nanoseconds from a request to its answer, however often it was made
    silence: int  # the longest time within it without an answer to anyone


def seen(attempts: Iterable[Attempt], begins: int, ends: int) -> Seen:
    """Return what was seen from *begins* to *ends*: answers count where they came."""
    first: dict[str, int] = {}
    refused: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    answered = slowest = silence = 0
    last = begins
    for attempt in sorted(attempts, key=lambda attempt: attempt.ended):
        asked = first.setdefault(attempt.request, attempt.begun)
        if not begins <= attempt.ended < ends:
            continue
        if not attempt.is_known:
            failed[attempt.outcome] += 1
            continue
        if attempt.outcome == ANSWERED:
            answered += 1
        else:
            refused[attempt.outcome] += 1
        slowest = max(slowest, attempt.ended - asked)
        silence = max(silence, attempt.ended - last)
        last = attempt.ended
    return Seen(answered, refused, failed, slowest, max(silence, ends - last))


def per_second(attempts: Iterable[Attempt], begins: int, ends: int) -> list[int]:
    """Return how many answers came in each second from *begins* to *ends*."""
    counts = [0] * max(-(-(ends - begins) // 1_000_000_000), 1)
    for attempt in attempts:
        if attempt.outcome == ANSWERED and begins <= attempt.ended < ends:
            counts[(attempt.ended - begins) // 1_000_000_000] += 1
    return counts
