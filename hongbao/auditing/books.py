"""Checks of the books: pages, sums, floors, legal moves, and whether the reserve covers users."""

from collections.abc import Iterator

from hongbao.auditing.context import Context
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import CENTRAL, LEGAL, PLATFORM, SIDES, Kind
from hongbao.questions import Question
from hongbao.units import yuan

_OWED_TO_USERS = (Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD, Kind.FEES)
"""What the platform's reserve has to cover; its fees lie there, too, until it takes them out."""


def check_pages(context: Context) -> Iterator[str]:
    """Yield what the engine finds wrong with its own storage."""
    yield from context.rows(Question.FILE_PROBLEMS)


def check_books(context: Context) -> Iterator[str]:
    """Yield books whose debits and credits differ."""
    for book, debits_fen, credits_fen in context.rows(Question.UNBALANCED_BOOKS):
        yield f"{book}: {yuan(debits_fen)} / {yuan(credits_fen)}"


def check_accounts(context: Context) -> Iterator[str]:
    """Yield accounts that differ from the sum of their transfers."""
    for account, kind, stored_fen, added_fen in context.rows(Question.UNBALANCED_ACCOUNTS):
        yield f"account {account} ({kind}): {yuan(stored_fen)} / {yuan(added_fen)}"
    for account, kind in context.rows(Question.STRAY_ACCOUNTS):
        yield f"account {account} ({kind}), which nothing has opened"


def check_floors(context: Context) -> Iterator[str]:
    """Yield accounts below zero on their own side."""
    for account, kind, side, debits_fen, credits_fen in context.rows(Question.ACCOUNTS):
        below = credits_fen < debits_fen if side == "credit" else debits_fen < credits_fen
        if below or side != SIDES.get(kind):
            yield f"account {account} ({kind}): {yuan(credits_fen - debits_fen)}"


def check_moves(context: Context) -> Iterator[str]:
    """Yield transfers that no rule allows."""
    for debit, credit, reason, count, first in context.rows(Question.MOVES):
        if (debit, credit, reason) not in LEGAL:
            yield f"transfer {first} (+{count - 1}): {debit} -> {credit}, {reason}"


def check_reserve(context: Context) -> Iterator[str]:
    """Yield institutions whose books contradict each other."""
    held = context.held_by_kind()
    users_fen = sum(held[PLATFORM, kind] for kind in _OWED_TO_USERS)
    reserve_fen = -held[PLATFORM, Kind.RESERVE]
    transit_fen = -held[PLATFORM, Kind.INCOMING] - held[PLATFORM, Kind.OUTGOING]
    if users_fen != reserve_fen + transit_fen:
        yield f"{PLATFORM}: {yuan(users_fen)} / {yuan(reserve_fen + transit_fen)}"
    kept_fen = held[CENTRAL, Kind.PLATFORM_RESERVE]
    if reserve_fen != kept_fen:
        yield f"{PLATFORM}, {CENTRAL}: {yuan(reserve_fen)} / {yuan(kept_fen)}"
    above = context.by_owner(CENTRAL, Kind.BANK_RESERVE)
    for bank, number in BANK_NUMBERS.items():
        settled_fen = -held[bank, Kind.SETTLEMENT]
        if settled_fen != above[number]:
            yield f"{bank}, {CENTRAL}: {yuan(settled_fen)} / {yuan(above[number])}"
