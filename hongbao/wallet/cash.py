"""Money in and out: cards, top-ups, withdrawals and their limits."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from hongbao.answers import (
    Answer,
    CardBound,
    CardLine,
    Instructed,
    LimitLine,
    Limits,
    RefundsChosen,
    RefundsTo,
    ToppedUp,
    Withdrawn,
)
from hongbao.auditing.private import place_of_card
from hongbao.domain import limits
from hongbao.domain.clearing import Opening, open_deposit
from hongbao.domain.dates import day_key
from hongbao.domain.fees import withdrawal_fee
from hongbao.domain.identity import (
    BANK_NUMBERS,
    BANKS,
    bank_of,
    mask_card_number,
    parse_card_number,
)
from hongbao.domain.ledger import CENTRAL, PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.risk.acts import Verdict, What
from hongbao.errors import (
    Busy,
    CardInUse,
    CardNotFound,
    NoCard,
    NotWithdrawable,
    PaymentPending,
    StorageRefused,
)
from hongbao.store import CardRow, MessageRow, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.desk import AskPin, Private
from hongbao.wallet.holds import Holds, terms_of

_BANK_NAMES = {bank.code: bank.name_en for bank in BANKS}


class Cash(Holds):
    """What moves money between a card and the balance, and by which rules."""

    # --- cards -----------------------------------------------------------------------------------

    def cards(self) -> list[CardLine]:
        """Return the cards bound to this profile, oldest first."""
        with self.looking():
            return [
                {
                    "card": card.name,
                    "bank": card.bank,
                    "bank_name": _BANK_NAMES[card.bank],
                    "number": mask_card_number(card.tail),
                    "bound_at": iso(card.bound_at),
                }
                for card in self.store.cards(self.me.id)
            ]

    def add_card(
        self, number: str, *, pin: AskPin, request_id: str | None = None, dry_run: bool = False
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
        first: CardBound | None = self._answered("card_add", inputs, request_id)
        if first is not None:
            return first
        self._authorise(pin)

        def work(doing: Act) -> CardBound:
            me = doing.me
            index = private.mark(self.vault)
            known = self.store.deposit(index)
            if known is None:
                deposit, account = self.store.open_deposit(bank.code, index)
                opening_fen = self._policy_of(doing.home).bank.card_opening_fen
                if opening_fen:
                    doing.post(*open_deposit(self._opening(bank.code, account), opening_fen))
            else:
                deposit, account = known
                if self.store.is_bound(deposit):
                    raise CardInUse(mask_card_number(digits))
            taken = {card.name for card in self.store.cards(me.id)}
            number = self.store.next_card()
            card = self.store.bind_card(
                number,
                profile=me.id,
                name=_free_name(f"{bank.code}-{digits[-4:]}", taken),
                deposit=deposit,
                number=self.vault.seal(me.id, place_of_card(number), digits),
                tail=digits[-4:],
                at=doing.now,
            )
            return self._card_bound(doing, card)

        return self._act("card_add", inputs, work, request_id=request_id, dry_run=dry_run)

    def remove_card(
        self, name: str, *, pin: AskPin, request_id: str | None = None, dry_run: bool = False
    ) -> CardBound:
        """Unbind a card. Raises CardNotFound, WrongPin or PinLocked."""
        inputs = {"card": name}
        first: CardBound | None = self._answered("card_remove", inputs, request_id)
        if first is not None:
            return first
        self._card_named(self.me, name)
        self._authorise(pin)

        def work(doing: Act) -> CardBound:
            card = self._card_named(doing.me, name)
            self.store.remove_card(card.id, doing.now)
            return self._card_bound(doing, card)

        return self._act("card_remove", inputs, work, request_id=request_id, dry_run=dry_run)

    def refunds_to(
        self, to: str | None = None, *, request_id: str | None = None, dry_run: bool = False
    ) -> RefundsTo | RefundsChosen:
        """
        Return where the rest of packets that a card paid for goes; with *to*, choose it first.

        It is ``card``, the one that paid (原路退回), or ``balance`` (退回零钱). What is already on
        its way goes on to its card.
        """
        if to is None:
            with self.looking():
                return {"profile": self.me.name, "refund_to": self.me.refund_to}
        chosen = to

        def work(doing: Act) -> RefundsChosen:
            before = doing.me.refund_to
            self.store.set_refund_to(doing.me.id, chosen)
            return {
                **doing.common,
                "profile": doing.me.name,
                "refund_to": chosen,
                "before": before,
            }

        inputs = {"refund_to": chosen}
        return self._act("refund_to", inputs, work, request_id=request_id, dry_run=dry_run)

    def _card_bound(self, doing: Act, card: CardRow) -> CardBound:
        return {
            **doing.common,
            "card": card.name,
            "bank": card.bank,
            "number": mask_card_number(card.tail),
            "tier": self.tier(self.me).name,
        }

    def _card_named(self, profile: ProfileRow, name: str | None) -> CardRow:
        """Return the card called *name*, or ending in it; None is the first one bound."""
        cards = self.store.cards(profile.id)
        if name is None:
            if not cards:
                raise NoCard
            return cards[0]
        wanted = name.strip().casefold()
        for card in cards:
            if wanted in (card.name, card.tail):
                return card
        raise CardNotFound(name)

    def _opening(self, bank: str, deposit: Account) -> Opening:
        return Opening(
            deposit=deposit,
            settlement=self.store.account(bank, Kind.SETTLEMENT),
            bank_reserve=self.store.account(CENTRAL, Kind.BANK_RESERVE, BANK_NUMBERS[bank]),
            issue=self.store.account(CENTRAL, Kind.ISSUE),
        )

    # --- in and out ------------------------------------------------------------------------------

    def topup(
        self,
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
        first: ToppedUp | None = self._answered("topup", inputs, request_id)
        if first is not None:
            return first
        self._card_named(self.me, card)
        self._authorise(pin)

        def work(doing: Act) -> Instructed:
            source = self._card_named(doing.me, card)
            self._check_limits(doing, "topup", amount_fen)
            self._judge(doing, What.TOPUP, amount_fen)
            self.store.add_usage(doing.me.person, "topup", day_key(doing.now), amount_fen)
            message = self._instruct(doing, source, amount_fen, Reason.TOPUP)
            return self._instructed(doing, message)

        topped_up: ToppedUp = self._paid(
            "topup", inputs, work, act="instruct_topup", request_id=request_id, dry_run=dry_run
        )
        return topped_up

    def withdraw(
        self,
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
        first: Withdrawn | None = self._answered("withdraw", inputs, request_id)
        if first is not None:
            return first
        self._card_named(self.me, card)
        self._authorise(pin)

        def work(doing: Act) -> Withdrawn:
            me = doing.me
            target = self._card_named(me, card)
            self._check_limits(doing, "withdraw", amount_fen)
            decision = self._judge(doing, What.WITHDRAW, amount_fen)
            rules = self.policy.withdraw
            free_left_fen = self._free_left_fen(me)
            fee_fen = withdrawal_fee(amount_fen, free_left_fen, rules)
            needed_fen = amount_fen + fee_fen
            self._check_balance(doing, needed_fen)
            maturing_fen, from_at = self.store.maturing_fen(me.id, doing.now)
            if doing.balance_fen - maturing_fen < needed_fen:
                raise NotWithdrawable(
                    needed_fen=needed_fen,
                    withdrawable_fen=max(doing.balance_fen - maturing_fen, 0),
                    from_at=from_at,
                )
            left_fen = max(free_left_fen - amount_fen, 0)
            message = self._instruct(
                doing,
                target,
                amount_fen,
                Reason.WITHDRAW,
                fee_fen=fee_fen,
                terms={"free_left_fen": left_fen},
            )
            frozen = self._frozen(message)
            doing.post(Transfer(me.account, frozen, amount_fen, Reason.WITHDRAW))
            if fee_fen:
                doing.post(Transfer(me.account, frozen, fee_fen, Reason.FEE))
            self.store.add_usage(me.person, "withdraw", day_key(doing.now), amount_fen)
            answer = self._withdrawn(doing, message)
            if decision.rule is not None and decision.verdict is Verdict.HOLD:
                _case, answer["held"] = self._hold(
                    doing, terms_of(decision.rule), amount_fen, message=message.number
                )
            return answer

        withdrawn: Withdrawn = self._paid(
            "withdraw", inputs, work, act="withdraw", request_id=request_id, dry_run=dry_run
        )
        return withdrawn

    def _withdrawn(self, doing: Act, message: MessageRow) -> Withdrawn:
        return {
            **self._asked_for(doing, message),
            "amount_fen": message.amount_fen,
            "fee_fen": message.fee_fen,
            "free_left_fen": message.terms["free_left_fen"],
            "card": self.store.card(message.card).name,
            "balance_fen": doing.balance_fen,
            "payment": message.id,
            "held": None,
        }

    # --- what payments through the channel are for -----------------------------------------------

    def _paid(
        self,
        asked: str,
        inputs: Mapping[str, object],
        work: Callable[[Act], Answer],
        *,
        act: str,
        request_id: str | None,
        dry_run: bool,
        changing: tuple[tuple[str, object], ...] = (),
    ) -> Any:
        """
        Do *work*, which instructs a payment, and return what becomes of it.

        Raises what the bank says, and PaymentPending where it does not say anything, or where
        what it says cannot be written down now.
        """
        with self._rehearsal(dry_run):
            self._catch_up()
            self._watch.skip()
            instructed = self._act(
                act, inputs, work, request_id=request_id, changing=changing, asked=asked
            )
            if "replayed" in instructed:
                return instructed
            message = self.store.message_called(str(cast(Any, instructed)["payment"]))
            assert message is not None
            try:
                answer = self._concluded(message.number)
            except (Busy, StorageRefused) as error:
                if dry_run:
                    raise
                # Who is told that nothing was changed pays again, and the first one goes on too.
                raise PaymentPending(
                    payment=message.id,
                    amount_fen=message.amount_fen,
                    card=cast(Any, instructed)["card"],
                    bank=message.bank,
                ) from error
        return {**answer, "dry_run": True} if dry_run else answer

    def _instructed(self, doing: Act, message: MessageRow) -> Instructed:
        return {
            **doing.common,
            "payment": message.id,
            "channel": message.channel,
            "bank": message.bank,
            "amount_fen": message.amount_fen,
            "card": self.store.card(message.card).name,
            "terms": dict(message.terms),
        }

    def _asked_for(self, doing: Act, message: MessageRow) -> Answer:
        """Return what an answer about *message* begins with: the request that asked for it."""
        if doing.entry == message.entry:
            return doing.common
        return {**doing.common, "request_id": self.store.request_of(message.entry)}

    def _booked(self, doing: Act, message: MessageRow) -> Answer:
        transit = self._in_transit(message.bank)
        amount_fen = message.amount_fen
        match message.reason:
            case Reason.TOPUP:
                doing.post(Transfer(transit.incoming, doing.me.account, amount_fen, Reason.TOPUP))
                topped_up: ToppedUp = {
                    **self._asked_for(doing, message),
                    "amount_fen": amount_fen,
                    "card": self.store.card(message.card).name,
                    "balance_fen": doing.balance_fen,
                    "payment": message.id,
                }
                return topped_up
            case Reason.WITHDRAW:
                frozen = self._frozen(message)
                doing.post(Transfer(frozen, transit.outgoing, amount_fen, Reason.WITHDRAW))
                if message.fee_fen:
                    fees = self.store.account(PLATFORM, Kind.FEES)
                    doing.post(Transfer(frozen, fees, message.fee_fen, Reason.FEE))
                return self._withdrawn(doing, message)
        return super()._booked(doing, message)

    def _free_left_fen(self, profile: ProfileRow) -> int:
        """Return what is left of the lifetime's free withdrawals of the person behind *profile*."""
        used = self.store.usage_of(profile.person).used_lifetime_fen(frozenset({"withdraw"}))
        return max(self.policy.withdraw.free_fen - used, 0)

    # --- rules -----------------------------------------------------------------------------------

    def limits(self) -> Limits:
        """Return every rule that applies to this profile now: used, left, and when room returns."""
        with self.looking():
            me, now, policy = self.me, self.now(), self.policy
            tier = self.tier(me)
            usage = self.store.usage_of(me.person)
            factors = self.factors(me)
            level = limits.factor_level(factors)
            states = limits.states(policy, tier, usage, now, self._opened_at(me), level)
            lines: list[LimitLine] = [
                {
                    "id": state.limit.id,
                    "period": state.limit.period,
                    "counts": sorted(state.limit.counts),
                    "limit_fen": state.limit.amount_fen,
                    "used_fen": state.used_fen,
                    "left_fen": state.left_fen,
                    "returns_at": None if state.returns_at is None else iso(state.returns_at),
                    "confidence": state.limit.confidence,
                }
                for state in states
            ]
            return {
                "profile": me.name,
                "tier": tier.name,
                "policy": policy.ref,
                "channels": self.channels(me),
                "factors": list(factors),
                "limits": lines,
                "share_max_fen": policy.packet.share_max_fen,
                "shares_max": policy.packet.shares_max,
                "packet_max_fen": policy.packet.packet_max_fen,
                "expires_hours": policy.packet.expires_hours,
                "withdraw_free_left_fen": self._free_left_fen(me),
                "profiles_of_person": len(self.store.profiles_of_person(me.person)),
                "profiles_max": policy.profiles_per_person,
                "unconfirmed": list(policy.unconfirmed),
                "at": iso(now),
            }


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
