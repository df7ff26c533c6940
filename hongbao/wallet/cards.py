"""Bank cards: bound, unbound, and where refunds go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hongbao.auditing.private import place_of_card
from hongbao.changes.cards import BindCard, OpenDeposit, RemoveCard
from hongbao.changes.people import SetRefundTo
from hongbao.domain.clearing import Opening, open_deposit
from hongbao.domain.identity import BANK_NUMBERS, bank_of, mask_card_number, parse_card_number
from hongbao.domain.ledger import CENTRAL, Account, Kind
from hongbao.errors import CardInUse
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.unit_of_work import Private, perform

if TYPE_CHECKING:
    from hongbao.answers import CardBound, RefundsChosen, RefundsTo


def add_card(
    home: Home, number: str, *, pin: AskPin, request_id: str | None = None, dry_run: bool = False
) -> CardBound:
    """
    Bind a bank card (绑卡).

    Its account at the demo bank opens with the policy's sum the first time the card is seen,
    and is the same account whenever it is bound again.

    Raises InvalidCardNumber, UnknownBank, WrongPin, PinLocked or CardInUse.
    """
    digits = parse_card_number(number)
    bank = bank_of(digits)
    private = Private("card_number", digits)
    inputs = {"card": private}
    first: CardBound | None = earlier_answer(home, "card_add", inputs, request_id)
    if first is not None:
        return first
    authorise(home, pin)

    def work(doing: Act) -> CardBound:
        me = doing.me
        index = private.mark(home.vault)
        known = home.store.deposit(index)
        if known is not None and known.is_bound:
            raise CardInUse(mask_card_number(digits))
        if known is not None:
            account = known.account
        else:
            account = Account(bank.code, Kind.DEPOSIT, home.store.next_number("deposit"))
            doing.change(OpenDeposit(account.owner, bank.code, index))
            opening_fen = home.policy_of(doing.home_row).bank.card_opening_fen
            if opening_fen:
                doing.post(*open_deposit(_opening(bank.code, account), opening_fen))
        cards = home.store.cards(me.id)
        number, tail = home.store.next_number("card"), digits[-4:]
        name = _free_name(f"{bank.code}-{tail}", {card.name for card in cards})
        sealed = home.vault.seal(me.id, place_of_card(number), digits)
        doing.change(BindCard(number, me.id, name, account.owner, sealed, tail, doing.now))
        banks = [*(card.bank for card in cards), bank.code]
        return _card_bound(home, doing, name, bank.code, tail, banks)

    return perform(home, "card_add", inputs, work, request_id=request_id, dry_run=dry_run)


def remove_card(
    home: Home, name: str, *, pin: AskPin, request_id: str | None = None, dry_run: bool = False
) -> CardBound:
    """Unbind a card. Raises CardNotFound, WrongPin or PinLocked."""
    inputs = {"card": name}
    first: CardBound | None = earlier_answer(home, "card_remove", inputs, request_id)
    if first is not None:
        return first
    card_named(home, home.me, name)
    authorise(home, pin)

    def work(doing: Act) -> CardBound:
        card = card_named(home, doing.me, name)
        doing.change(RemoveCard(card.id, doing.now))
        banks = (other.bank for other in home.store.cards(doing.me.id) if other.id != card.id)
        return _card_bound(home, doing, card.name, card.bank, card.tail, banks)

    return perform(home, "card_remove", inputs, work, request_id=request_id, dry_run=dry_run)


def refunds_to(
    home: Home, to: str | None = None, *, request_id: str | None = None, dry_run: bool = False
) -> RefundsTo | RefundsChosen:
    """
    Return the destination of refunds of packets paid by card; with *to*, choose it first.

    It is ``card``, the one that paid (原路退回), or ``balance`` (退回零钱). What is already on
    its way still reaches its card.
    """
    if to is None:
        with home.looking():
            return {"profile": home.me.name, "refund_to": home.me.refund_to}
    chosen = to

    def work(doing: Act) -> RefundsChosen:
        before = doing.me.refund_to
        doing.change(SetRefundTo(doing.me.id, chosen))
        return {
            **doing.common,
            "profile": doing.me.name,
            "refund_to": chosen,
            "before": before,
        }

    inputs = {"refund_to": chosen}
    return perform(home, "refund_to", inputs, work, request_id=request_id, dry_run=dry_run)


def _card_bound(
    home: Home, doing: Act, name: str, bank: str, tail: str, banks: Iterable[str]
) -> CardBound:
    """Return the answer about a card; *banks* are those of all cards that are bound afterwards."""
    return {
        **doing.common,
        "card": name,
        "bank": bank,
        "number": mask_card_number(tail),
        "tier": home.tier(doing.me, banks).name,
    }


def _opening(bank: str, deposit: Account) -> Opening:
    return Opening(
        deposit=deposit,
        settlement=Account(bank, Kind.SETTLEMENT),
        bank_reserve=Account(CENTRAL, Kind.BANK_RESERVE, BANK_NUMBERS[bank]),
        issue=Account(CENTRAL, Kind.ISSUE),
    )


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
