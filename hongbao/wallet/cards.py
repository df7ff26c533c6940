"""Bank cards: bound, unbound, and where refunds go."""

from hongbao.answers import CardBound, RefundsChosen, RefundsTo
from hongbao.auditing.private import place_of_card
from hongbao.domain.clearing import Opening, open_deposit
from hongbao.domain.identity import BANK_NUMBERS, bank_of, mask_card_number, parse_card_number
from hongbao.domain.ledger import CENTRAL, Account, Kind
from hongbao.errors import CardInUse
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.store import CardRow
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.clearing import earlier_answer
from hongbao.wallet.unit_of_work import Private, perform


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
        if known is None:
            deposit, account = home.store.open_deposit(bank.code, index)
            opening_fen = home.policy_of(doing.home_row).bank.card_opening_fen
            if opening_fen:
                doing.post(*open_deposit(_opening(home, bank.code, account), opening_fen))
        else:
            deposit, account = known
            if home.store.is_bound(deposit):
                raise CardInUse(mask_card_number(digits))
        taken = {card.name for card in home.store.cards(me.id)}
        number = home.store.next_card()
        card = home.store.bind_card(
            number,
            profile=me.id,
            name=_free_name(f"{bank.code}-{digits[-4:]}", taken),
            deposit=deposit,
            number=home.vault.seal(me.id, place_of_card(number), digits),
            tail=digits[-4:],
            at=doing.now,
        )
        return _card_bound(home, doing, card)

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
        home.store.remove_card(card.id, doing.now)
        return _card_bound(home, doing, card)

    return perform(home, "card_remove", inputs, work, request_id=request_id, dry_run=dry_run)


def refunds_to(
    home: Home, to: str | None = None, *, request_id: str | None = None, dry_run: bool = False
) -> RefundsTo | RefundsChosen:
    """
    Return where the rest of packets that a card paid for goes; with *to*, choose it first.

    It is ``card``, the one that paid (原路退回), or ``balance`` (退回零钱). What is already on
    its way goes on to its card.
    """
    if to is None:
        with home.looking():
            return {"profile": home.me.name, "refund_to": home.me.refund_to}
    chosen = to

    def work(doing: Act) -> RefundsChosen:
        before = doing.me.refund_to
        home.store.set_refund_to(doing.me.id, chosen)
        return {
            **doing.common,
            "profile": doing.me.name,
            "refund_to": chosen,
            "before": before,
        }

    inputs = {"refund_to": chosen}
    return perform(home, "refund_to", inputs, work, request_id=request_id, dry_run=dry_run)


def _card_bound(home: Home, doing: Act, card: CardRow) -> CardBound:
    return {
        **doing.common,
        "card": card.name,
        "bank": card.bank,
        "number": mask_card_number(card.tail),
        "tier": home.tier(home.me).name,
    }


def _opening(home: Home, bank: str, deposit: Account) -> Opening:
    return Opening(
        deposit=deposit,
        settlement=home.store.account(bank, Kind.SETTLEMENT),
        bank_reserve=home.store.account(CENTRAL, Kind.BANK_RESERVE, BANK_NUMBERS[bank]),
        issue=home.store.account(CENTRAL, Kind.ISSUE),
    )


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
