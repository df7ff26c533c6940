"""Many acts, and many changes of a kind: written table by table, each statement prepared once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.domain.ledger import Account, Transfer, check_transfer
from hongbao.engines.sql.books import ENTRY, ENTRY_MARKS, REMEMBER, move, post
from hongbao.engines.sql.devices import MOVE_COUNTER
from hongbao.engines.sql.engine import Engine, write_first
from hongbao.engines.sql.packets import ADD_CLAIM, TAKE_SHARE
from hongbao.engines.sql.risk import KEEP_HABIT
from hongbao.store import Decided, RuleBroken, key_of
from hongbao.units import to_micros

if TYPE_CHECKING:
    from hongbao.changes.devices import SetCounter
    from hongbao.changes.guards import KeepHabit
    from hongbao.changes.home import RememberRefusal
    from hongbao.changes.packets import AddClaim


def post_many(engine: Engine, transfers: Sequence[tuple[int, Transfer]]) -> None:
    """
    Write *transfers*, each with its entry, and move each account once.

    An account that only gives is not below zero in between if it is not at the end, nor is one that
    only takes. Where one does both, each transfer is posted for itself.
    """
    given: dict[Account, int] = {}
    taken: dict[Account, int] = {}
    for _entry, transfer in transfers:
        check_transfer(transfer)
        debit, credit, amount_fen, _reason = transfer
        given[debit] = given.get(debit, 0) + amount_fen
        taken[credit] = taken.get(credit, 0) + amount_fen
    if not given.keys().isdisjoint(taken):
        for entry, transfer in transfers:
            post(engine, entry, [transfer])
        return
    ids = {account: move(engine, account, "debits_fen", fen) for account, fen in given.items()}
    ids |= {account: move(engine, account, "credits_fen", fen) for account, fen in taken.items()}
    engine.write_many(
        "INSERT INTO transfer (entry, book, debit, credit, amount_fen, reason)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (entry, debit.book, ids[debit], ids[credit], amount_fen, str(reason))
            for entry, (debit, credit, amount_fen, reason) in transfers
        ],
    )


def append_many(engine: Engine, acts: Sequence[Decided], macs: Sequence[bytes | None]) -> None:
    """Append several acts, each with its MAC, as `append` does, table by table."""
    engine.write_many(
        f"INSERT INTO entry ({ENTRY}, took, mac) VALUES ({ENTRY_MARKS})",
        [(*act.fields, act.took, mac) for act, mac in zip(acts, macs, strict=True)],
    )
    post_many(
        engine,
        [(int(str(act.fields[0])), transfer) for act in acts for transfer in act.transfers],
    )
    engine.write_many(
        "INSERT INTO sealed_row (place, key, entry, digest) VALUES (?, ?, ?, ?)",
        [(row[0], key_of(row), act.fields[0], digest) for act in acts for row, digest in act.rows],
    )


def set_counters(engine: Engine, changes: "Sequence[SetCounter]") -> None:
    write_first(
        engine,
        MOVE_COUNTER,
        [(change.counter, change.device, change.counter) for change in changes],
    )


def add_claims(engine: Engine, changes: "Sequence[AddClaim]") -> None:
    """Give several shares, those of one packet in their order; each packet is changed once."""
    first: dict[int, AddClaim] = {}
    last: dict[int, AddClaim] = {}
    taken_fen: dict[int, int] = {}
    rows = []
    for change in changes:
        packet, profile, amount_fen, (nonce, luck), entry, _at = change
        number = packet.number
        seat = packet.claimed_count + 1
        rows.append((number, seat, profile, amount_fen, nonce, luck, entry))
        first.setdefault(number, change)
        last[number] = change
        taken_fen[number] = taken_fen.get(number, 0) + amount_fen
    engine.write_many(ADD_CLAIM, rows)
    met = engine.write_many(
        TAKE_SHARE,
        [
            (
                taken_fen[number],
                change.packet.claimed_count + 1,
                to_micros(change.at)
                if change.packet.claimed_count + 1 == change.packet.count
                else None,
                number,
                first[number].packet.claimed_count,
                first[number].packet.claimed_fen,
            )
            for number, change in last.items()
        ],
    )
    if met != len(last):
        raise RuleBroken(TAKE_SHARE)


def keep_habits(engine: Engine, changes: "Sequence[KeepHabit]") -> None:
    engine.write_many(KEEP_HABIT, [(profile, *row) for profile, row in changes])


def remember_refusals(engine: Engine, changes: "Sequence[RememberRefusal]") -> None:
    engine.write_many(f"{REMEMBER} (?, ?, ?, ?, ?, ?)", changes)
