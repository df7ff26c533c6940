"""Accounts, transfers, and where the chain of entries ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, overload

from hongbao.domain.ledger import SIDES, Account, Transfer, check_transfer
from hongbao.engines.sql.engine import LAST_RESTORE, Engine, marks
from hongbao.errors import Damaged
from hongbao.store import (
    EMPTY_HEAD,
    EntryRow,
    Head,
    HomeRow,
    RowKey,
)
from hongbao.units import from_micros, to_micros

# --- the home -------------------------------------------------------------------------------------


def home(engine: Engine) -> HomeRow | None:
    return engine.once("home", partial(_home, engine))


def _home(engine: Engine) -> HomeRow | None:
    row = engine.row(
        "SELECT made_at, clock_at, generation, retired, policy, current_profile, dice,"
        " dice_drawn, risk_pack, risk_model FROM home"
    )
    if row is None:
        return None
    made_at, clock_at, *rest = row
    return HomeRow(from_micros(made_at), clock_at and from_micros(clock_at), *rest)


def set_home(engine: Engine, row: HomeRow) -> None:
    made_at, virtual_at, *rest = row
    engine.read.pop("home", None)
    engine.write(
        "INSERT OR REPLACE INTO home (id, made_at, clock, clock_at, generation, retired,"
        " policy, current_profile, dice, dice_drawn, risk_pack, risk_model)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        to_micros(made_at),
        "real" if virtual_at is None else "virtual",
        virtual_at and to_micros(virtual_at),
        *rest,
    )


def set_readings(engine: Engine, row: HomeRow) -> None:
    set_home(engine, row)


@overload
def rules(engine: Engine, kind: str) -> list[str]: ...


@overload
def rules(engine: Engine, kind: str, ref: str) -> str | None: ...


def rules(engine: Engine, kind: str, ref: str | None = None) -> list[str] | str | None:
    if ref is None:
        return [row[0] for row in engine.rows(f"SELECT ref FROM {_RULES[kind]} ORDER BY ref")]
    row = engine.row(f"SELECT text FROM {_RULES[kind]} WHERE ref = ?", ref)
    # A text is long enough to need a second page. Where that page is not authentic, the
    # engine hands out zeros, and says so only when it is asked for another page.
    if row is not None and "\0" in row[0]:
        raise Damaged(path=engine.where)
    return row and str(row[0])


def seal_again(engine: Engine, rows: Sequence[RowKey]) -> None:
    """Write nothing: the seals of *rows* come with the entry."""


def keep_rules(engine: Engine, kind: str, ref: str, text: str) -> None:
    engine.write(f"INSERT INTO {_RULES[kind]} (ref, text) VALUES (?, ?)", ref, text)


# --- accounts and transfers -----------------------------------------------------------------------


def open_account(engine: Engine, account: Account) -> None:
    engine.write(
        "INSERT INTO account (book, kind, owner, side) VALUES (?, ?, ?, ?)",
        *account,
        SIDES[account.kind],
    )


def balance_fen(engine: Engine, account: Account) -> int:
    row = engine.row(
        "SELECT abs(credits_fen - debits_fen) FROM account"
        " WHERE book = ? AND kind = ? AND owner = ?",
        *account,
    )
    return int(row[0]) if row else 0


def balances_fen(engine: Engine, profile: int) -> tuple[int, int]:
    held_fen, left_fen = engine.row(_BALANCES, profile)
    return int(held_fen), int(left_fen)


def post(engine: Engine, entry: int, transfers: Iterable[Transfer]) -> None:
    """
    Write *transfers* as part of *entry*, and move both accounts of each.

    The one door through which money moves. A move that would take an account below zero is
    refused by the account itself.
    """
    for transfer in transfers:
        check_transfer(transfer)
        debit, credit, amount_fen, reason = transfer
        engine.write(
            "INSERT INTO transfer (entry, book, debit, credit, amount_fen, reason)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            entry,
            debit.book,
            move(engine, debit, "debits_fen", amount_fen),
            move(engine, credit, "credits_fen", amount_fen),
            amount_fen,
            reason,
        )


def move(engine: Engine, account: Account, side: str, amount_fen: int) -> int:
    """Add to one side of *account*, which is opened if need be, and return its id."""
    moved = engine.add_to(account, side, amount_fen)
    if moved is None:
        open_account(engine, account)
        moved = engine.existing(engine.add_to(account, side, amount_fen))
    return int(moved)


def next_number(engine: Engine, table: str) -> int:
    column = "number" if table in _NUMBERED else "id"
    highest = f"coalesce((SELECT max({column}) FROM {table}), 0)"
    return int(engine.row(f"SELECT max({highest}, {LAST_RESTORE}) + 1")[0])


# --- the chain ------------------------------------------------------------------------------------


@overload
def head(engine: Engine) -> Head: ...


@overload
def head(engine: Engine, entry: int) -> Head | None: ...


def head(engine: Engine, entry: int | None = None) -> Head | None:
    if entry is None:
        return engine.once("head", partial(_last_head, engine))
    row = engine.row(
        f"{_HEADS} WHERE id >= ? AND mac IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM entry WHERE id = ?) ORDER BY id LIMIT 1",
        entry,
        entry,
    )
    return _head(row) if row else None


def _last_head(engine: Engine) -> Head:
    row = engine.row(f"{_HEADS} ORDER BY id DESC LIMIT 1")
    return _head(row) if row else EMPTY_HEAD


def _head(row: Any) -> Head:
    entry, mac, at, restored = row
    return Head(entry, mac or b"", from_micros(at), restored)


def settled(engine: Engine, now: datetime) -> Head:  # noqa: ARG001 - for engines with lanes
    return head(engine)


def head_before(engine: Engine, number: int) -> Head:
    """Return the last entry with a smaller *number*, or entry 0."""
    row = engine.row(f"{_HEADS} WHERE id < ? ORDER BY id DESC LIMIT 1", number)
    return _head(row) if row else EMPTY_HEAD


def next_entry(
    engine: Engine,
    home: HomeRow,  # noqa: ARG001 - for engines that number acts by the time
    now: datetime,
    after: int = 0,
) -> tuple[int, datetime]:
    last = engine.read.get("head") or head(engine)
    return max(last.entry, after) + 1, now if last.at is None else max(now, last.at)


def remember_refusal(
    engine: Engine,
    request_id: str,
    profile: int,
    inputs: bytes,
    error: str,
    generation: int,
    mac: bytes,
) -> None:
    engine.write(
        f"{REMEMBER} (?, ?, ?, ?, ?, ?)",
        request_id,
        profile,
        inputs,
        error,
        generation,
        mac,
    )


_NUMBERED = frozenset({"packet", "message", "batch", "review_case", "challenge", "external_bill"})
"""Tables whose rows have a number; the others have an id."""

REMEMBER = (
    "INSERT OR IGNORE INTO refusal (request_id, profile, inputs, error, generation, mac) VALUES"
)


_BALANCES = (
    "SELECT coalesce((SELECT credits_fen - debits_fen FROM account"
    " WHERE book = 'platform' AND kind = 'balance' AND owner = ?1), 0),"
    " coalesce((SELECT balance_fen FROM entry WHERE profile = ?1 ORDER BY id DESC LIMIT 1), 0)"
)

_HEADS = f"SELECT id, mac, at, {LAST_RESTORE} FROM entry"

_RULES = {kind: kind for kind in ("policy", "risk_pack", "risk_model")}
"""The tables of rules: nothing else is put into SQL as a name."""

ENTRY = (
    "id, act, profile, request_id, inputs, packet, counterparty, amount_fen, balance_fen, policy,"
    " at, clock, facts, generation, operator, risk, verdict, reports, challenge, device, session,"
    " counter, signature, message"
)
"""The columns that `EntryRow` has, in its order."""

ENTRY_MARKS = marks(range(len(EntryRow._fields) + 2))
