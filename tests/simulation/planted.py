"""
Mistakes planted in the product, each a famous one: what a simulation that can fail has to find.

A plant replaces one rule while it is in force. Each story that a plant was shrunk to holds on the
right product, and fails where the rule is replaced.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest.mock import patch

from hongbao.domain.ledger import Kind
from hongbao.domain.packet import Packet
from hongbao.engines.sql import books
from hongbao.errors import NotYourPacket, PacketNotExpired
from hongbao.home.opened import Home
from hongbao.wallet import authorise, refund, releasing, review, unit_of_work


class Plant(NamedTuple):
    """
    A mistake: how it is planted, and the broken engine of the laboratory where it shows, too.

    That is where no one has to be over a limit to see it.
    """

    patches: Callable[[], list[Any]]
    engine: str | None = None


def _lost_update() -> list[Any]:
    """A balance is read before the ledger is locked, and written back with what was added."""
    seen: dict[int, dict[int, int]] = {}
    changing, move = Home.changing, books.move

    @contextmanager
    def looked_first(home: Home, *rows: Any, **options: Any) -> Iterator[None]:
        if not home.store.in_transaction:
            found = home.store.rows(  # type: ignore[attr-defined]
                "SELECT owner, credits_fen FROM account"
                " WHERE book = 'platform' AND kind = 'balance'"
            )
            seen[id(home.store)] = dict(found)
        with changing(home, *rows, **options):
            yield

    def moved(engine: Any, account: Any, side: str, amount_fen: int) -> int:
        known = seen.get(id(engine), {})
        if account.kind is Kind.BALANCE and side == "credits_fen" and account.owner in known:
            known[account.owner] += amount_fen
            row = engine.row(
                "UPDATE account SET credits_fen = ? WHERE book = ? AND kind = ? AND owner = ?"
                " RETURNING id",
                known[account.owner],
                *account,
            )
            return int(row[0])
        return move(engine, account, side, amount_fen)

    return [patch.object(Home, "changing", looked_first), patch.object(books, "move", moved)]


def _forgotten_request() -> list[Any]:
    """A request is looked for before the ledger is locked, and not again behind the lock."""
    seen: dict[int, set[str]] = {}
    changing, right = Home.changing, unit_of_work._first_answer

    @contextmanager
    def looked_first(home: Home, *rows: Any, **options: Any) -> Iterator[None]:
        if not home.store.in_transaction:
            found = home.file.rows(  # type: ignore[attr-defined]
                "SELECT request_id FROM entry UNION SELECT request_id FROM refusal"
            )
            seen[id(home.file)] = {name for (name,) in found}  # type: ignore[attr-defined]
        with changing(home, *rows, **options):
            yield

    def first(home: Home, request_id: str, *about: Any) -> Any:
        known = seen.get(id(home.file), set())  # type: ignore[attr-defined]
        return right(home, request_id, *about) if request_id in known else None

    return [
        patch.object(Home, "changing", looked_first),
        patch.object(unit_of_work, "_first_answer", first),
    ]


def _forgotten_refusal() -> list[Any]:
    """That a request was refused for good is not remembered."""
    return [patch.object(unit_of_work, "_remember_refusal", lambda *_: None)]


def _double_refund() -> list[Any]:
    """Whether it is time is asked, and not whether the money went back already."""

    def check(packet: Packet, asker: int, *, now: datetime, why: object = None) -> None:
        if asker != packet.sender:
            raise NotYourPacket(packet.id)
        if now < packet.expires_at:
            raise PacketNotExpired(packet.id, expires_at=packet.expires_at)

    return [patch.object(refund, "check_refund", check)]


def _utc_day() -> list[Any]:
    """A day's limit begins again at eight in the morning, when it is midnight in London."""
    from hongbao.domain import limits
    from hongbao.wallet import send, topup, withdraw

    def day(at: datetime) -> str:
        return at.astimezone(UTC).date().isoformat()

    places = (limits, releasing, send, topup, withdraw)
    return [patch.object(place, "day_key", day) for place in places]


def _hold_twice() -> list[Any]:
    """A case is decided, whether or not it was closed before."""
    called = review._case_called

    def reopened(home: Home, case: str) -> Any:
        return called(home, case)._replace(closed=None)

    return [patch.object(review, "_case_called", reopened)]


def _uncounted_pin() -> list[Any]:
    """A wrong PIN is refused, and not counted."""
    right = authorise._count_pin_try

    def uncounted(home: Home, holder: Any) -> Any:
        before, counted = right(home, holder)
        authorise._uncount(home, holder, before)
        return before, counted

    return [patch.object(authorise, "_count_pin_try", uncounted)]


PLANTS = {
    "lost-update": Plant(_lost_update, "lost-update"),
    "forgotten-request": Plant(_forgotten_request),
    "forgotten-refusal": Plant(_forgotten_refusal),
    "double-refund": Plant(_double_refund, "double-refund"),
    "utc-day": Plant(_utc_day),
    "hold-twice": Plant(_hold_twice),
    "uncounted-pin": Plant(_uncounted_pin),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the product make the mistake called *name* for a while."""
    with ExitStack() as stack:
        for one in PLANTS[name].patches():
            stack.enter_context(one)
        yield
