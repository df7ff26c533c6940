"""Typed changes, each with the function that writes it."""

from collections.abc import Callable, Iterable

from hongbao.engines.sqlcipher import (
    books,
    cases,
    channel,
    devices,
    external,
    history,
    packets,
    people,
    risk,
)
from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import Change

WRITING: dict[str, Callable[..., object]] = {
    "SetHome": books.set_home,
    "SetReadings": books.set_readings,
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


def apply(engine: Engine, changes: Iterable[Change]) -> None:
    for change in sorted(changes, key=_rank):  # stable: rows without references stay in order
        WRITING[type(change).__name__](engine, *change)


def _rank(change: Change) -> int:
    name = type(change).__name__
    return _POINTED_AT.index(name) if name in _POINTED_AT else len(_POINTED_AT)
