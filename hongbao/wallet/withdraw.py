"""Withdrawal (提现): from the balance to a card, with its fee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.changes.packets import AddUsage
from hongbao.domain.dates import day_key
from hongbao.domain.fees import withdrawal_fee
from hongbao.domain.ledger import Reason, Transfer
from hongbao.domain.risk.acts import Verdict, What
from hongbao.errors import NotWithdrawable
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.queries.limits import free_withdrawal_left_fen
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.booking import withdrawal_answer
from hongbao.wallet.holds import open_hold, terms_of
from hongbao.wallet.instructing import frozen_account, instruct
from hongbao.wallet.limits import check_balance, check_limits
from hongbao.wallet.payments import pay
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.risk_control import judge

if TYPE_CHECKING:
    from hongbao.answers import Withdrawn


def withdraw(
    home: Home,
    amount_fen: int,
    *,
    pin: AskPin,
    card: str | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> Withdrawn:
    """
    Bring *amount_fen* from the balance to a card (提现); the fee comes on top.

    Raises CardNotFound, WrongPin, PinLocked, LimitExceeded, InsufficientBalance or
    NotWithdrawable, BankDown or ChannelDown; then BankDeclined, CardAccountClosed or
    PaymentPending, as the bank says.
    """
    inputs = {"amount_fen": amount_fen, "card": card}
    first: Withdrawn | None = earlier_answer(home, "withdraw", inputs, request_id)
    if first is not None:
        return first
    card_named(home, home.me, card)
    authorise(home, pin)

    def work(doing: Act) -> Withdrawn:
        me = doing.me
        target = card_named(home, me, card)
        check_limits(home, doing, "withdraw", amount_fen)
        decision = judge(home, doing, What.WITHDRAW, amount_fen)
        rules = home.policy.withdraw
        free_left_fen = free_withdrawal_left_fen(home, me)
        fee_fen = withdrawal_fee(amount_fen, free_left_fen, rules)
        needed_fen = amount_fen + fee_fen
        check_balance(home, doing, needed_fen)
        sums = home.store.sums(me.id, doing.now)
        if doing.balance_fen - sums.maturing_fen < needed_fen:
            raise NotWithdrawable(
                needed_fen=needed_fen,
                withdrawable_fen=max(doing.balance_fen - sums.maturing_fen, 0),
                from_at=sums.matures_at,
            )
        left_fen = max(free_left_fen - amount_fen, 0)
        message = instruct(
            home,
            doing,
            target,
            amount_fen,
            Reason.WITHDRAW,
            fee_fen=fee_fen,
            terms={"free_left_fen": left_fen},
        )
        frozen = frozen_account(message)
        doing.post(Transfer(me.account, frozen, amount_fen, Reason.WITHDRAW))
        if fee_fen:
            doing.post(Transfer(me.account, frozen, fee_fen, Reason.FEE))
        doing.change(AddUsage(me.person, "withdraw", day_key(doing.now), amount_fen))
        answer = withdrawal_answer(home, doing, message)
        if decision.rule is not None and decision.verdict is Verdict.HOLD:
            _case, answer["held"] = open_hold(
                home, doing, terms_of(decision.rule), amount_fen, message=message.number
            )
        return answer

    withdrawn: Withdrawn = pay(
        home, "withdraw", inputs, work, act="withdraw", request_id=request_id, dry_run=dry_run
    )
    return withdrawn
