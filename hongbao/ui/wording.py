"""The wording of codes: what people read where programs read a code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hongbao import units, words
from hongbao.words import N_, _, harmless, say, spoken

if TYPE_CHECKING:
    from hongbao.answers import Held, HoldEnded, ResolvedLine

_KINDS = {
    "lucky": N_("lucky"),
    "equal": N_("equal"),
    "exclusive": N_("exclusive"),
}

_STATES = {
    "held": N_("held"),
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
    "withdraw_returned": N_("withdrawal returned"),
    "send": N_("sent"),
    "claim": N_("claimed"),
    "refund": N_("returned"),
    "refund_to_balance": N_("to balance"),
    "released": N_("released"),
    "returned": N_("returned"),
    "approved": N_("approved"),
    "rejected": N_("returned"),
}

_CHECKS = {
    "pages": N_("every page and row is readable"),
    "books": N_("debits equal credits in every book"),
    "accounts": N_("accounts equal their transfers"),
    "floors": N_("no account is below zero"),
    "moves": N_("every transfer is legal"),
    "reserve": N_("reserve and transit cover every user"),
    "transit": N_("both sides agree on what is in transit"),
    "messages": N_("payments have their recorded outcome"),
    "batches": N_("settlements equal their payments"),
    "suspense": N_("banks' suspense equals statements"),
    "packets": N_("packets equal claims and refunds"),
    "terms": N_("packets' terms are as sealed"),
    "deals": N_("shares match their draws"),
    "held": N_("held money equals the cases"),
    "balances": N_("balances follow one another"),
    "maturing": N_("withdrawable later adds up"),
    "usage": N_("limit counters equal usage"),
    "habits": N_("habits follow from the acts"),
    "challenges": N_("stops and challenges as answered"),
    "cases": N_("cases follow from the opinions"),
    "bills": N_("imported bills are as sealed"),
    "state": N_("people, cards and rules are as sealed"),
    "sealed": N_("sealed values match their rows"),
    "devices": N_("device keys are on this machine"),
    "signatures": N_("every request is signed"),
    "chain": N_("the chain of entries is whole"),
    "head": N_("the newest entry seen is there"),
    "noted_head": N_("heads are noted from the start"),
    "log": N_("lanes and log are as sealed"),
}

_VERDICTS = {
    "genuine": N_("genuine"),
    "older": N_("genuine, and older than the ledger"),
    "file_edited": N_("edited"),
    "rows_missing": N_("not complete"),
    "cut_short": N_("cut short"),
    "unknown_signer": N_("someone else's"),
    "newer_than_ledger": N_("genuine, and newer than the ledger"),
    "other_history": N_("genuine, and of another history"),
}

_WRAPPINGS = {
    "device": N_("a key on this device"),
    "keyring": N_("the system's keyring"),
    "passphrase": N_("a passphrase"),
}

_BOOKS = {
    "platform": N_("platform"),
    "central": N_("central bank"),
}

_CHANNELS = {
    "netsunion": N_("NetsUnion"),
    "unionpay": N_("UnionPay"),
}

_ACCOUNTS = {
    "balance": N_("balance"),
    "packet": N_("packet"),
    "pending": N_("pending"),
    "held": N_("held"),
    "fees": N_("fees"),
    "reserve": N_("reserve"),
    "incoming": N_("incoming"),
    "outgoing": N_("outgoing"),
    "deposit": N_("deposit"),
    "settlement": N_("settlement"),
    "shortage": N_("shortage"),
    "surplus": N_("surplus"),
    "platform_reserve": N_("platform's reserve"),
    "bank_reserve": N_("bank's reserve"),
    "issue": N_("issue"),
}

_ACCOUNTS_SUMMED = {
    "balance": N_("balances"),
    "packet": N_("packets"),
    "deposit": N_("deposits"),
    "bank_reserve": N_("banks' reserves"),
}

_REASONS = {
    "opening": N_("account opened"),
    "topup": N_("top-up"),
    "withdraw": N_("withdrawal"),
    "fee": N_("fee"),
    "send": N_("packet"),
    "claim": N_("claim"),
    "refund": N_("refund"),
    "reversal": N_("reversal"),
    "release": N_("release"),
    "return": N_("return"),
    "net": N_("set off"),
    "settle": N_("settled"),
    "misbooking": N_("misbooking"),
    "correction": N_("correction"),
}

_MESSAGE_STATES = {
    "created": N_("created"),
    "sent": N_("on its way"),
    "accepted": N_("accepted"),
    "rejected": N_("rejected"),
    "unknown": N_("unknown"),
    "reversed": N_("reversed"),
    "late": N_("too late, reversed"),
}

_STEPS = {
    "create": N_("create"),
    "authorise": N_("authorise"),
    "freeze": N_("freeze"),
    "notify": N_("notify"),
    "claim": N_("claim"),
    "allocate": N_("allocate"),
    "settle": N_("settle"),
    "refund": N_("refund"),
}

_DIFFERENCES = {
    "surplus": N_("surplus"),
    "shortage": N_("shortage"),
    "amount": N_("another amount"),
    "state": N_("another state"),
    "duplicate": N_("booked twice"),
}

_BECAUSE = {
    "declined": N_("no reason given"),
    "insufficient": N_("not enough money on the card"),
    "closed": N_("the card's account is closed"),
    "down": N_("the bank cannot be reached"),
    "timeout": N_("the bank does not answer"),
    "card_gone": N_("the card was removed"),
}

_FAULTS = {
    "timeout": N_("books, and does not answer"),
    "lost": N_("the message never arrives"),
    "late": N_("books long after the timeout"),
    "slow": N_("answers after the timeout"),
    "decline": N_("declines"),
    "insufficient": N_("answers that the card has too little money"),
    "closed": N_("answers that the card's account is closed"),
    "down": N_("cannot be reached"),
    "duplicate-answer": N_("answers twice"),
    "surplus": N_("declines, but books it"),
    "shortage": N_("accepts, but does not book it"),
    "wrong-amount": N_("books another amount"),
    "wrong-state": N_("accepts, then reverses it"),
    "double-booking": N_("books twice"),
}

_FACTORS = {
    "pin": N_("PIN"),
    "totp": N_("code"),
    "signature": N_("device's signature"),
}

_CAME_ABOUT = {
    "topup": N_("{profile} · topped up {amount_fen} from {card}"),
    "send": N_("{profile} · sent {packet} · {amount_fen} from {card}"),
    "withdraw": N_("{profile} · {amount_fen} arrived at {card}"),
    "refund": N_("{profile} · {amount_fen} of {packet} arrived at {card}"),
}
_CAME_TO_NOTHING = {
    "topup": N_("{profile} · top-up failed: the bank did not pay {amount_fen} from {card}"),
    "send": N_("{profile} · packet not sent: the bank did not pay {amount_fen} from {card}"),
    "withdraw": N_("{profile} · {amount_fen} could not reach {card} · returned to the balance"),
    "refund": N_(
        "{profile} · {amount_fen} of {packet} could not reach {card} · returned to the balance"
    ),
}
_CARD_WAS_GONE = N_(
    "{profile} · {amount_fen} of {packet} went to the balance, because {card} was removed"
)
_CAME_TOO_LATE = N_("{profile} · the bank booked {amount_fen} ({card}) too late, and reversed it")
_NOT_KNOWN = N_("{profile} · {amount_fen} ({card}) is still pending: the bank has not answered")


def kind(code: str) -> str:
    """Return the title of a packet's kind."""
    return _(_KINDS[code])


def state(code: str) -> str:
    """Return the title of a packet's state."""
    return _(_STATES[code])


def period(code: str) -> str:
    """Return the title of a limit's period."""
    return _(_PERIODS[code])


def flow(code: str) -> str:
    """Return the title of a flow that a limit counts."""
    return _(_FLOWS[code])


def acts_called(text: str) -> tuple[str, ...]:
    """
    Return the movements that people call *text*: by their code, or by a word of the table's.

    The word is in either language, and several kinds may have it. None is empty.
    """
    wanted = text.strip().casefold()
    speakers = [spoken(language) for language in ("en", "zh_CN")]

    def is_called_so(code: str) -> bool:
        words = {_ACTS[code], _REASONS.get(code, _ACTS[code])}  # the second while it is pending
        return wanted == code or any(
            wanted == in_words(word).casefold() for in_words in speakers for word in words
        )

    return tuple(code for code in _ACTS if is_called_so(code))


def acts_choices() -> tuple[str, ...]:
    """Return the choices of `acts_called`, in the reader's language: codes, then words."""
    return tuple(dict.fromkeys((*_ACTS, *map(act, _ACTS))))


def act(code: str) -> str:
    """Return the title of a movement."""
    return _(_ACTS[code])


def check_title(code: str) -> str:
    """Return the title of the check *code*."""
    return _(_CHECKS[code])


def verdict(code: str) -> str:
    """Return the title of the verdict on a statement or a receipt."""
    return _(_VERDICTS[code])


def wrapping(code: str) -> str:
    """Return the title of the wrapping that opens a home."""
    return _(_WRAPPINGS[code])


def money_place(place: str) -> str:
    """Return the title of a place of money: the balance, or a card by its name."""
    return _("balance") if place == "balance" else place


@contextmanager
def only_days() -> Iterator[None]:
    """Write instants without the time of day until the end of this."""
    token = _characters.set(len("2026-02-16"))
    try:
        yield
    finally:
        _characters.reset(token)


_characters: ContextVar[int | None] = ContextVar("_characters", default=None)
"""How much of an instant people read."""


def when(at: str) -> str:
    """
    Return the instant that a program reads as *at*, as people read it: China's date and time.

    >>> when("2026-02-16T20:00:00.123456+08:00")
    '2026-02-16 20:00:00'
    """
    return units.clock(datetime.fromisoformat(at))[: _characters.get()]


def when_short(at: str) -> str:
    """Return *at* to the minute, for lists."""
    return when(at)[:16]


def time_left(now: str, until: str) -> str:
    """
    Return the time from *now* *until* then, in its two largest units.

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
    return say(N_("{large} {small}"), large=parts[0], small=parts[1]) if parts[1:] else parts[0]


def bank_name(code: str) -> str:
    """Return the name of the bank *code* in the reader's language."""
    return words.bank_name(code)


# --- three tiers of money ------------------------------------------------------------------------


def book(code: str) -> str:
    """Return the title of the book *code*: the platform, a bank, or the central bank."""
    return _(_BOOKS[code]) if code in _BOOKS else bank_name(code)


def channel(code: str) -> str:
    """Return the title of a clearing channel."""
    return _(_CHANNELS[code]) if code in _CHANNELS else code


def actor(code: str) -> str:
    """Return the title of an actor: an institution, a channel, or a profile by its name."""
    return channel(code) if code in _CHANNELS else book(code)


def account(code: str, *, summed: bool = False) -> str:
    """Return the title of a kind of account, or (*summed*) of all accounts of that kind."""
    known = _ACCOUNTS_SUMMED.get(code) if summed else None
    return _(known or _ACCOUNTS.get(code, code))


def chinese_account(code: str) -> str:
    """Return what a kind of account is called in Chinese, in any chosen language."""
    return spoken("zh_CN")(_ACCOUNTS[code])


def reason(code: str) -> str:
    """Return why money moved."""
    return _(_REASONS.get(code, code))


def because(code: str) -> str:
    """Return why a bank declined, or why money could not go where it was meant to."""
    return _(_BECAUSE.get(code, code))


def message_state(code: str) -> str:
    """Return the title of a message's state, or of a packet's."""
    return _(_MESSAGE_STATES.get(code) or _STATES.get(code, code))


def step(code: str) -> str:
    """Return the name of one of the eight steps."""
    return _(_STEPS.get(code, code))


def difference(code: str) -> str:
    """Return the title of a kind of difference."""
    return _(_DIFFERENCES.get(code, code))


def fault(code: str) -> str:
    """Return the effect of the fault *code*."""
    return _(_FAULTS.get(code, code))


def factors(codes: Sequence[str]) -> str:
    """Return the factors of a payment in words."""
    return " + ".join(_(_FACTORS.get(code, code)) for code in codes)


def held(hold: Held) -> str:
    """Return why something is on hold, until when, and how the hold ends automatically."""
    sentence = (
        N_("on hold (case {case}): {why} · released by {until} at the latest")
        if hold["ends"] == "release"
        else N_("on hold (case {case}): {why} · returned at {until} unless a reviewer approves it")
    )
    why = harmless(words.in_language(hold["why"]), 80)
    return say(sentence, case=hold["case"], why=why, until=when_short(hold["until"]))


def hold_ended(ended: HoldEnded) -> str:
    """Return how a hold ended that no reviewer had decided before."""
    if ended["ended"] == "released":
        sentence = N_("{at} · {amount_fen} of {profile} was released · {about}")
    elif ended["card_gone"]:
        sentence = N_(
            "{at} · {amount_fen} of {profile} was on hold and goes to the balance, "
            "because the card that paid was removed · {about}"
        )
    else:
        sentence = N_("{at} · {amount_fen} of {profile} was on hold and is returned · {about}")
    return say(
        sentence,
        at=when(ended["at"]),
        amount_fen=ended["amount_fen"],
        profile=harmless(ended["profile"], len(ended["profile"])),
        about=ended["packet"] or ended["payment"] or "",
    )


def took(micros: int) -> str:
    """
    Return a measured time as people read it.

    >>> took(20), took(349), took(61_000), took(3_249_000)
    ('<0.1 ms', '0.3 ms', '61 ms', '3.2 s')
    """
    if micros < 50:
        return say(N_("{n} ms"), n="<0.1")
    if micros < 9_950:
        whole, tenths = divmod((micros + 50) // 100, 10)
        return say(N_("{n} ms"), n=f"{whole}.{tenths}")
    if micros < 999_500:
        return say(N_("{n} ms"), n=(micros + 500) // 1_000)
    whole, tenths = divmod((micros + 50_000) // 100_000, 10)
    return say(N_("{n} s"), n=f"{whole}.{tenths}")


def when_exactly(at: str) -> str:
    """
    Return the time of day of *at* to the millisecond, for what happens within a second.

    >>> when_exactly("2026-02-16T20:00:00.123456+08:00"), when_exactly("2026-02-16T12:00:00+00:00")
    ('20:00:00.123', '20:00:00.000')
    """
    moment = datetime.fromisoformat(at)
    return f"{units.clock(moment)[11:]}.{moment.microsecond // 1000:03d}"


def resolved(row: ResolvedLine) -> str:
    """Return a sentence on a payment's outcome, as far as it is known."""
    match row["state"]:
        case "accepted":
            sentence = _CAME_ABOUT[row["act"]]
        case "late":
            sentence = _CAME_TOO_LATE
        case "rejected" if row["card_gone"]:
            sentence = _CARD_WAS_GONE
        case "rejected" | "reversed":
            sentence = _CAME_TO_NOTHING[row["act"]]
        case _:
            sentence = _NOT_KNOWN
    return say(
        sentence,
        profile=harmless(row["profile"], len(row["profile"])),
        amount_fen=row["amount_fen"],
        packet=row["packet"] or "",
        card=row["card"],
    )
