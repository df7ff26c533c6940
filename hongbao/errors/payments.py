"""Payments: balance, limits, cards, and banks that decline or do not answer."""

from datetime import datetime

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    Insufficient,
    NotFound,
    NotPaid,
    OverLimit,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_

NEXT_DAY = datetime.fromisoformat("2026-02-17T00:00:00+08:00")


class NoSuchFault(UsageError):
    """A bank or a channel cannot fail like this."""

    place: str = example("icbc")
    text: str = example("sulk", shape=shortened)
    known: str = example("timeout, lost, late, slow, decline, …")

    sentence = N_("{place} does not have the fault {text}")
    advice = N_("available faults: {known}")


class InvalidCardNumber(UsageError):
    """The card number fails its length or its Luhn check (ISO/IEC 7812)."""

    sentence = N_("the card number is not valid: a digit is wrong or missing")
    advice = N_("enter the card's 16 to 19 digits; `hongbao card add` shows a demo card's")


class UnknownBank(UsageError):
    """No bank in this simulation issues cards that begin like this one."""

    prefix: str = example("411111")
    prefixes: str = example("999901, 999902, 999903, 999904, 999905")

    sentence = N_("no bank here issues cards beginning with {prefix}")
    advice = N_("the banks here issue {prefixes}")


class CardInUse(UsageError):
    """The card is already bound, to this profile or to another."""

    card: str = example("**** 0003", kw_only=False)

    sentence = N_("card {card} is already bound in this wallet")
    advice = N_("bind another; `hongbao card add`, without a number, shows a demo card's")


class RequestNotFound(NotFound):
    """Nothing of this profile's that moves money goes by that name."""

    subject: str = example("new-year", kw_only=False, shape=shortened)

    sentence = N_("you have no packet or payment {subject}")
    advice = N_("name a packet, one of your requests, or a message such as NU20260216000012")


class CardNotFound(NotFound):
    """The profile has no such card."""

    card: str = example("cmb-1234", kw_only=False, shape=shortened)

    sentence = N_("you have no card {card}")
    advice = N_("see your cards: `hongbao card list`; bind one: `hongbao card add`")


class NoCard(NotFound):
    """The profile has no card at all."""

    sentence = N_("no card is bound yet")
    advice = N_("bind one with `hongbao card add`")


class NoReceipt(NotFound):
    """A payment was asked for and has not moved anything, or not yet."""

    subject: str = example("NU20260216000012", kw_only=False, shape=shortened)

    sentence = N_("{subject} moved no money, so there is no receipt")
    advice = N_("see its outcome with `hongbao trace {subject}`")


class UnknownPlace(NotFound):
    """No bank and no channel has this code."""

    text: str = example("hsbc", kw_only=False, shape=shortened)
    places: str = example("icbc, cmb, ccb, abc, boc, netsunion, unionpay")

    sentence = N_("there is no bank or channel {text} here")
    advice = N_("banks and channels here: {places}")


class InsufficientBalance(Insufficient):
    """
    The balance holds less than the act needs.

    *has_card* is whether a card is bound, and *topup_max_fen* the most that limits let be topped up
    at once now.
    """

    needed_fen: int = example(20_000)
    available_fen: int = example(1_000)

    @property
    def missing_fen(self) -> int:
        return self.needed_fen - self.available_fen

    has_card: bool = example(True, also=(False,))
    topup_max_fen: int = example(500_000, also=(5_000,))

    sentence = N_("balance is {available_fen}, but {needed_fen} is needed")
    advice = N_("top up with `hongbao topup {missing_fen}`")
    _advice_without_card = N_("bind a card with `hongbao card add`, then top up {missing_fen}")
    _advice_at_limit = N_("your limits let you top up {topup_max_fen} now; see `hongbao limits`")

    def chosen_advice(self) -> str | None:
        if self.missing_fen > self.topup_max_fen:
            return self._advice_at_limit
        return self.advice if self.has_card else self._advice_without_card


class NotWithdrawable(Insufficient):
    """Some of the balance was claimed too recently to be withdrawn."""

    needed_fen: int = example(20_000)
    withdrawable_fen: int = example(1_000)
    from_at: datetime | None = example(NEXT_DAY)

    sentence = N_("{withdrawable_fen} can be withdrawn now, but {needed_fen} is needed")
    advice = N_("the rest can be withdrawn later; it can be sent at once")


class InsufficientCard(Insufficient):
    """The bank says that the card's account holds less than was asked of it."""

    card: str = example("icbc-0003")
    needed_fen: int = example(20_000_000)

    sentence = N_("the bank declined the payment: card {card} has less than {needed_fen}")


class PaymentPending(HongbaoError):
    """
    The bank has not answered, so the payment's outcome is not known yet.

    The money is frozen until a query finds out. *payment* is the message's id.
    """

    payment: str = example("NU20260216000012")
    amount_fen: int = example(20_000)
    card: str = example("icbc-0003")
    bank: str = example("icbc")

    exit_code = ExitCode.PENDING
    sentence = N_(
        "no answer from {bank}: the payment of {amount_fen} ({card}) is pending ({payment})"
    )
    advice = N_("your money is safe. Do not pay again; check later with `hongbao settle`")


class NotAllDone(HongbaoError):
    """Not all that was due could be done; *served* says what was, and why the rest was not."""

    failed: int = example(1)
    served: dict[str, object] = example({})

    exit_code = ExitCode.PENDING
    sentence = N_("what is due and could not be done yet: {failed}")
    advice = N_("`hongbao serve --once` tries again")


class Unpaid(NotPaid):
    """A payment that was sent came to nothing."""

    bank: str = example("icbc")
    card: str = example("icbc-0003")
    amount_fen: int = example(20_000)
    payment: str = example("NU20260216000012")


class BankDeclined(Unpaid):
    """The bank refuses, without saying why."""

    sentence = N_("{bank} declined the payment of {amount_fen} ({card})")
    advice = N_("no money moved; try another card")


class CardAccountClosed(Unpaid):
    """The account behind the card is closed."""

    sentence = N_("{bank} declined the payment: the account of {card} is closed")
    advice = N_("no money moved; remove the card with `hongbao card remove {card}`")


class PaymentReversed(Unpaid):
    """The bank never booked the payment, so it was undone (冲正)."""

    sentence = N_(
        "{bank} never received {payment}: the payment of {amount_fen} ({card}) was reversed"
    )
    advice = N_("no money moved; you can try again")


class BankDown(NotPaid):
    """The bank cannot be reached, so nothing was sent."""

    bank: str = example("icbc")

    sentence = N_("{bank} cannot be reached now")
    advice = N_("no money moved; try later, or another card")


class ChannelDown(NotPaid):
    """No clearing channel can be reached, so nothing was sent."""

    bank: str = example("icbc")

    sentence = N_("neither clearing channel to {bank} can be reached now")
    advice = N_("no money moved; try later, or pay from the balance")


class LimitExceeded(OverLimit):
    """
    A tier's limit leaves less room than the act needs.

    *returns_at* is when the limit resets; None if it never does (a single act's
    limit, a lifetime's).
    """

    identifying_helps: bool = example(True)
    limit: str = example("unverified-day")
    period: str = example(
        "day",
        words={
            "single": N_("single-payment"),
            "day": N_("daily"),
            "year": N_("yearly"),
            "lifetime": N_("lifetime"),
        },
    )
    tier: str = example("unverified")
    amount_fen: int = example(20_000)
    limit_fen: int = example(100_000)
    used_fen: int = example(90_000)

    @property
    def left_fen(self) -> int:
        return max(self.limit_fen - self.used_fen, 0)

    returns_at: datetime | None = example(NEXT_DAY, also=(None,))

    sentence = N_(
        "{amount_fen} is over the {period} limit of {limit_fen} (used {used_fen}, left {left_fen})"
    )
    advice = N_("the limit resets at {returns_at}; see every limit with `hongbao limits`")
    _advice_to_identify = N_(
        "see every limit with `hongbao limits`; raise them with `hongbao identify`"
    )
    _advice_otherwise = N_("see every limit: `hongbao limits`")

    def chosen_advice(self) -> str | None:
        if self.returns_at is not None:
            return self.advice
        return self._advice_to_identify if self.identifying_helps else self._advice_otherwise


class RequestConflict(HongbaoError):
    """The request id was used before, with other inputs."""

    request_id: str = example("new-year-1", kw_only=False)

    exit_code = ExitCode.CONFLICT
    sentence = N_("request {request_id} was already used for another act")
    advice = N_("use a new request id for a new request")
