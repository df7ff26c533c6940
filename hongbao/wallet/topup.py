"""Top-up (充值): from a card into the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.changes.packets import AddUsage
from hongbao.domain.dates import day_key
from hongbao.domain.ledger import Reason
from hongbao.domain.risk.acts import What
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.instructing import instruct, instructed_answer
from hongbao.wallet.limits import check_limits
from hongbao.wallet.payments import pay
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.risk_control import judge

if TYPE_CHECKING:
    from hongbao.answers import Instructed, ToppedUp


def topup(
    home: Home,
    amount_fen: int,
    *,
    pin: AskPin,
    card: str | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> ToppedUp:
    """
    Bring *amount_fen* from a card into the balance (充值).

    Raises CardNotFound, WrongPin, PinLocked, LimitExceeded, BankDown or ChannelDown; then what
    the bank says: InsufficientCard, BankDeclined or CardAccountClosed, or PaymentPending where
    it is silent.
    """
    inputs = {"amount_fen": amount_fen, "card": card}
    first: ToppedUp | None = earlier_answer(home, "topup", inputs, request_id)
    if first is not None:
        return first
    card_named(home, home.me, card)
    authorise(home, pin)

    def work(doing: Act) -> Instructed:
        source = card_named(home, doing.me, card)
        check_limits(home, doing, "topup", amount_fen)
        judge(home, doing, What.TOPUP, amount_fen)
        doing.change(AddUsage(doing.me.person, "topup", day_key(doing.now), amount_fen))
        message = instruct(home, doing, source, amount_fen, Reason.TOPUP)
        return instructed_answer(home, doing, message)

    topped_up: ToppedUp = pay(
        home, "topup", inputs, work, act="instruct_topup", request_id=request_id, dry_run=dry_run
    )
    return topped_up
