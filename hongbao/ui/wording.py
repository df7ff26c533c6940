"""The wording: what people read where programs read a code."""

from datetime import datetime, timedelta

from hongbao import units
from hongbao.domain.identity import BANKS
from hongbao.words import N_, _, language, say

_KINDS = {
    "lucky": N_("lucky"),
    "equal": N_("equal"),
    "exclusive": N_("exclusive"),
}

_STATES = {
    "open": N_("open"),
    "finished": N_("finished"),
    "expired": N_("expired"),
    "refunded": N_("refunded"),
}

_PERIODS = {
    "single": N_("a payment"),
    "day": N_("a day"),
    "year": N_("a year"),
    "lifetime": N_("a lifetime"),
}

_FLOWS = {
    "send_balance": N_("sent from balance"),
    "send_card": N_("sent by card"),
    "topup": N_("topped up"),
    "withdraw": N_("withdrawn"),
}

_ACTS = {
    "topup": N_("topped up"),
    "withdraw": N_("withdrawn"),
    "send": N_("sent"),
    "claim": N_("claimed"),
    "refund": N_("returned"),
}

_CHECKS = {
    "pages": N_("every page and row can be read"),
    "books": N_("debits equal credits in every book"),
    "accounts": N_("accounts equal their transfers"),
    "floors": N_("no account is below zero"),
    "moves": N_("every transfer is a legal move"),
    "reserve": N_("the reserve covers every user"),
    "packets": N_("packets equal claims plus refund"),
    "terms": N_("packets' terms are as sealed"),
    "deals": N_("shares are as their seed says"),
    "balances": N_("balances follow one another"),
    "usage": N_("limit counters equal what they count"),
    "chain": N_("the chain of entries is whole"),
    "head": N_("the newest entry seen is there"),
}

_WRAPPINGS = {
    "device": N_("a key on this device"),
    "keyring": N_("the system's keyring"),
    "passphrase": N_("a passphrase"),
}


def kind(code: str) -> str:
    """Return what people call a packet's kind."""
    return _(_KINDS[code])


def state(code: str) -> str:
    """Return what people call a packet's state."""
    return _(_STATES[code])


def period(code: str) -> str:
    """Return what people call a limit's period."""
    return _(_PERIODS[code])


def flow(code: str) -> str:
    """Return what people call what a limit counts."""
    return _(_FLOWS[code])


def act(code: str) -> str:
    """Return what people call a movement of their money."""
    return _(_ACTS[code])


def check_title(code: str) -> str:
    """Return what holds where the check *code* passes."""
    return _(_CHECKS[code])


def wrapping(code: str) -> str:
    """Return what people call the thing that opens a home."""
    return _(_WRAPPINGS[code])


def money_place(place: str) -> str:
    """Return how people call where money is: the balance, or a card by its name."""
    return _("balance") if place == "balance" else place


def when(at: str) -> str:
    """
    Return the instant that a program reads as *at*, as people read it: China's date and time.

    >>> when("2026-02-16T20:00:00.123456+08:00")
    '2026-02-16 20:00:00'
    """
    return units.clock(datetime.fromisoformat(at))


def when_short(at: str) -> str:
    """Return *at* to the minute, for lists."""
    return when(at)[:16]


def time_left(now: str, until: str) -> str:
    """
    Return how long it is from *now* *until* then, in its two largest units.

    >>> time_left("2026-02-16T20:00:00+08:00", "2026-02-17T19:30:00+08:00")
    '23h 30m'
    """
    return duration(datetime.fromisoformat(until) - datetime.fromisoformat(now))


def duration(length: timedelta) -> str:
    """
    Return *length* in its two largest units; less than a second is a second.

    >>> duration(timedelta(days=2, hours=3, minutes=4)), duration(timedelta(milliseconds=3))
    ('2d 3h', '1s')
    """
    seconds = max(-(-length // timedelta(seconds=1)), 1)
    parts = []
    for size, form in (
        (86_400, N_("{n}d")),
        (3_600, N_("{n}h")),
        (60, N_("{n}m")),
        (1, N_("{n}s")),
    ):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(say(form, n=number))
    return _("{large} {small}").format(large=parts[0], small=parts[1]) if parts[1:] else parts[0]


def bank_name(code: str) -> str:
    """Return the name of the bank *code* in the reader's language."""
    for bank in BANKS:
        if bank.code == code:
            return bank.name_zh if language().startswith("zh") else bank.name_en
    return code
