"""An act as risk control sees it: what, when, how much, with whom, how fast, from where."""

from enum import StrEnum, unique
from typing import NamedTuple


@unique
class What(StrEnum):
    """The kind of an act."""

    SEND = "send"  # a packet that anyone may claim
    GIVE = "give"  # an exclusive packet, for one person
    CLAIM = "claim"
    TOPUP = "topup"
    WITHDRAW = "withdraw"
    PIN_CHANGE = "pin_change"
    DEVICE_ADD = "device_add"
    CARD_ADD = "card_add"
    IDENTIFY = "identify"
    CHALLENGE_FAILED = "challenge_failed"


JUDGED = frozenset({What.SEND, What.GIVE, What.CLAIM, What.TOPUP, What.WITHDRAW})
"""What risk control answers; the rest it only remembers."""

OUT = frozenset({What.SEND, What.GIVE, What.WITHDRAW})
IN = frozenset({What.CLAIM, What.TOPUP})


@unique
class Guard(StrEnum):
    """The five dimensions that an act is looked at from."""

    DEVICE = "device"  # 设备
    BEHAVIOUR = "behaviour"  # 行为
    TRANSACTION = "transaction"  # 交易
    ACCOUNT = "account"  # 账户
    DATA = "data"  # 数据


@unique
class Verdict(StrEnum):
    """The verdicts on an act, from the mildest to the strictest."""

    ALLOW = "allow"
    DELAY = "delay"  # a claim is credited now, and can be withdrawn only some days later
    LIMIT = "limit"  # more in a day than the lowered limit: refused, and less is not
    CHALLENGE = "challenge"  # asked whether a person is there
    HOLD = "hold"  # the money is frozen until a reviewer, or a moment, frees it
    REFUSE = "refuse"
    CUT = "cut"  # refused, and the device's session ends


class Seen(NamedTuple):
    """One act, as it is remembered."""

    at: int  # whole seconds since 1970, UTC
    what: What
    amount_fen: int = 0
    other: int = 0  # the counterparty's profile; 0 is no one in particular
    reaction_ms: int = -1  # from a packet's sending to this claim of it; -1 where it is no claim
    city: int = 0  # where the device was, see `places`; 0 is not known


class Asked(NamedTuple):
    """An act that is to be judged: what would be remembered of it, and who asks from where."""

    seen: Seen  # of a claim, whose amount is not drawn yet, with the mean of what is left
    age_days: int  # since the profile was opened
    channels: int  # independent identity sources
    cards: int  # bound now
    device_age_hours: int  # since this device was authorised for this profile
    devices: int  # that the profile has
    device_profiles: int  # that this device serves
    clock_back_s: int  # how far the system's clock is behind the ledger's
