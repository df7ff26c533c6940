"""What acts change: typed changes written, and the rows of state as seals cover them."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from hongbao.engines.sql import (
    books,
    bulk,
    cases,
    channel,
    devices,
    external,
    history,
    packets,
    people,
    risk,
)
from hongbao.engines.sql.engine import Engine
from hongbao.store import SEALED, Change, RowKey, StateRow, key_of

UNSEALED = {
    "home": frozenset({"clock", "clock_at", "current_profile", "dice_drawn"}),
    "profile": frozenset({"pin_tries", "pin_cleared", "pin_locked_until", "totp_step"}),
    "operator": frozenset({"pin_tries", "pin_cleared", "pin_locked_until"}),
    "device": frozenset({"counter"}),
    "challenge": frozenset({"tries"}),
}
"""
Columns of sealed tables that change without an entry, or that the chain itself gives again.

A device's counter is that of its last act. Tries at a PIN and the last step of an authenticator lie
next to the keys as well, where the greater count is believed. Which profile acts where none is
named, and how far a demo's clock and dice have come, any user of the home may change. An answer to
a challenge is counted before it is checked, and a wrong one leaves no entry.
"""

ADDED: dict[str, frozenset[str]] = {}
"""
Columns that a form after the first one opened has added to a sealed table.

A seal covers such a column only where it is not NULL, so a row that was sealed before there was
one stays as it was sealed. A migration adds it without a value: only an act seals one.
"""


def state(engine: Engine, row: RowKey) -> StateRow:
    table, *key = row
    columns = ", ".join(f"live.{name}" for name in sealed_columns(engine, table))
    *values, generation, digest = engine.row(
        f"SELECT {columns}, seal.generation, seal.digest"
        f" FROM (SELECT 1) AS one LEFT JOIN {table} AS live ON {key_columns(table)}"
        " LEFT JOIN (SELECT generation, digest FROM sealed_row"
        "  JOIN entry ON entry.id = sealed_row.entry WHERE place = ? AND key = ?"
        "  ORDER BY sealed_row.entry DESC LIMIT 1) AS seal ON TRUE",
        *key,
        table,
        key_of(row),
    )
    is_gone = all(value is None for value in values)  # a row has its key at least
    values = without_unused(table, values)
    return StateRow(None if is_gone else values, generation, digest and bytes(digest))


def key_columns(table: str) -> str:
    """Return how a row of *table* is found by its key."""
    return _KEYS.get(table, "id = ?")


def sealed_columns(engine: Engine, table: str) -> list[str]:
    """Return the columns of *table* that a seal covers, as the ledger itself has them."""
    assert table in SEALED
    if table not in engine.sealed:
        columns = engine.columns(table)
        engine.sealed[table] = [name for name in columns if name not in UNSEALED.get(table, ())]
    return engine.sealed[table]


def without_unused(table: str, values: Sequence[object]) -> tuple[object, ...]:
    """Return the *values* of `sealed_columns` without those of added columns at their end."""
    end = len(values)
    for _ in ADDED.get(table, ()):
        if values[end - 1] is not None:
            break
        end -= 1
    return tuple(values[:end])


_KEYS = {
    "enrolment": "profile = ? AND device = ?",
    "challenge": "number = ?",
    **dict.fromkeys(("policy", "risk_pack", "risk_model"), "ref = ?"),
}
"""How a row is found by its key, if that is not its id."""


# --- changes --------------------------------------------------------------------------------------

WRITING: dict[str, Callable[..., object]] = {
    "SetHome": books.set_home,
    "SetReadings": books.set_readings,
    "SealAgain": books.seal_again,
    "KeepRules": books.keep_rules,
    "RememberRefusal": books.remember_refusal,
    "AddProfile": people.add_profile,
    "SetPin": people.set_pin,
    "SetPinTries": people.set_pin_tries,
    "AddOperator": people.add_operator,
    "SetRefundTo": people.set_refund_to,
    "Identify": people.identify,
    "Reseal": people.reseal,
    "ReindexPerson": people.reindex_person,
    "OpenDeposit": people.open_deposit,
    "BindCard": people.bind_card,
    "RemoveCard": people.remove_card,
    "ResealCard": people.reseal_card,
    "AddDevice": devices.add_device,
    "RetireDevice": devices.retire_device,
    "Enrol": devices.enrol,
    "Certify": devices.certify,
    "CutSession": devices.cut_session,
    "BeginSession": devices.begin_session,
    "SetCounter": devices.set_counter,
    "SetCity": devices.set_city,
    "SetDeviceFault": devices.set_device_fault,
    "SetTotp": devices.set_totp,
    "SetTotpStep": devices.set_totp_step,
    "AddPacket": packets.add_packet,
    "AddClaim": packets.add_claim,
    "ClosePacket": packets.close_packet,
    "AddMessage": channel.add_message,
    "SetMessageSent": channel.set_message_sent,
    "SetMessageUnknown": channel.set_message_unknown,
    "SetMessageOutcome": channel.set_message_outcome,
    "KeepBankMessage": channel.keep_bank_message,
    "AddBankLine": channel.add_bank_line,
    "SetFault": channel.set_fault,
    "ClearFaults": channel.clear_faults,
    "AddBatch": channel.add_batch,
    "SettleMessages": channel.settle_messages,
    "AddCorrection": channel.add_correction,
    "AddMaturing": channel.add_maturing,
    "AddUsage": history.add_usage,
    "KeepHabit": risk.keep_habit,
    "AddStop": risk.add_stop,
    "AddChallenge": risk.add_challenge,
    "CountTry": risk.count_try,
    "PassChallenge": risk.pass_challenge,
    "SetChallenge": risk.set_challenge,
    "AddCase": cases.add_case,
    "CloseCase": cases.close_case,
    "EscalateCase": cases.escalate_case,
    "HoldPacket": cases.hold_packet,
    "AddOpinion": cases.add_opinion,
    "AddBill": external.add_bill,
    "RemoveBill": external.remove_bill,
}
"""Which function writes a change, by the change's name: its parameters are the change's fields."""

_POINTED_AT = ("KeepRules", "AddProfile", "AddDevice", "AddPacket", "AddMessage")
"""Changes whose rows the foreign keys of others look for: they come first."""


_WRITING_MANY: dict[str, Callable[..., object]] = {
    "AddClaim": bulk.add_claims,
    "SetCounter": bulk.set_counters,
    "KeepHabit": bulk.keep_habits,
    "RememberRefusal": bulk.remember_refusals,
}
"""Which function writes several changes of a kind that follow each other."""


def apply(engine: Engine, changes: Iterable[Change]) -> None:
    in_order = sorted(changes, key=_rank)  # stable: rows without references stay in order
    for kind, alike in groupby(in_order, key=type):
        name, same = kind.__name__, list(alike)
        if name in _WRITING_MANY and len(same) > 1:
            _WRITING_MANY[name](engine, same)
        else:
            for change in same:
                WRITING[name](engine, *change)


def _rank(change: Change) -> int:
    return _RANKS.get(type(change).__name__, len(_RANKS))


_RANKS = {name: rank for rank, name in enumerate(_POINTED_AT)}
