"""Holds at the desk: money that risk control keeps back, until a reviewer or a moment frees it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from hongbao.answers import Carried, Held, HoldEnded, SentBack
from hongbao.domain.cases import CaseState, Ends, Verb
from hongbao.domain.channel import MessageState
from hongbao.domain.dates import day_key, days_after_midnight, working_days_after
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import Packet
from hongbao.errors import WithdrawalHeldBack
from hongbao.store import CardRow, CaseRow, MessageRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.clearing import Clearing

if TYPE_CHECKING:
    from hongbao.domain.risk.pack import Rule

BALANCE = "balance"

ENDED_AT_ONCE = 1000
"""How many holds whose moment has come are looked up together; the rest follow."""

ENDED_AS = {
    CaseState.RELEASED: "released",
    CaseState.RETURNED: "returned",
    CaseState.APPROVED: "approved",
    CaseState.REJECTED: "rejected",
}
"""The act by which a hold ends, by its own moment or by a reviewer's word."""

_STAGES = {"send": 3, "withdraw": 3, "claim": 7}
"""Which of the eight steps the end of a hold belongs to, by what is held."""


class HoldOver(Exception):
    """A packet cannot be looked at before its hold, whose moment has come, is ended."""

    def __init__(self, case: int) -> None:
        super().__init__(case)
        self.case = case


def terms_of(rule: "Rule") -> dict[str, Any]:
    """Return what *rule*, which holds, says: as JSON, so that a message can carry it."""
    return {"rule": rule.id, "hours": rule.hold_hours, "ends": rule.ends, "why": dict(rule.says)}


class Holds(Clearing):
    """
    What is held, and both ways out of it.

    The money of a packet, or of a share, lies in an account of its case. A withdrawal's is frozen
    already, as any withdrawal's is, and its message does not set out.
    """

    # --- holding ---------------------------------------------------------------------------------

    def _hold(
        self,
        doing: Act,
        terms: Mapping[str, Any],
        amount_fen: int,
        *,
        packet: int | None = None,
        message: int | None = None,
    ) -> tuple[CaseRow, Held]:
        """
        Open the case that the *terms* of a rule (see `terms_of`) ask for; return what is told.

        Its money is the caller's to move.
        """
        case = self._open_case(
            doing,
            kind="hold",
            rule=terms["rule"],
            amount_fen=amount_fen,
            packet=packet,
            message=message,
            until=doing.now + timedelta(hours=terms["hours"]),
            ends=terms["ends"],
        )
        assert case.until is not None
        held: Held = {
            "case": case.id,
            "until": iso(case.until),
            "ends": terms["ends"],
            "rule": terms["rule"],
            "why": terms["why"],
        }
        return case, held

    def _held(self, case: CaseRow) -> Account:
        """Return the account where the money of *case* is kept."""
        return self.store.account(PLATFORM, Kind.HELD, case.number)

    def _held_told(self, case: CaseRow) -> Held:
        """Return what was told of *case* when it was opened."""
        held: Held = json.loads(self.store.answer_of(case.entry))["held"]
        return held

    def _why_held(self, packet: Packet) -> Mapping[str, str] | None:
        """Return what the rule says that holds *packet*; None where it is free."""
        if packet.hold is None:
            return None
        return self._held_told(self.store.case_numbered(packet.hold.case))["why"]

    # --- the two ways out ------------------------------------------------------------------------

    def _case_owner(self, case: CaseRow, verb: Verb) -> int:
        """Return the profile whose money it is once *verb*, approve or reject, ends *case*."""
        if case.packet is None or verb is Verb.APPROVE or not self._is_share(case):
            return case.profile
        return self._packet_of(case).packet.sender

    def _free(self, case: CaseRow, doing: Act, state: CaseState = CaseState.APPROVED) -> HoldEnded:
        """
        Let what *case* holds go on, close it as *state*, and return what is told of that.

        *doing* is about the profile that `_case_owner` names, and *case* is open still: the caller
        has looked in the same transaction. Then `_carry_on` is to be called, outside of it.
        """
        assert case.closed is None
        told = self._ended(doing, case, state)
        if case.message is not None:
            message = self.store.message(case.message)
            return self._withdrawal_told(told, self._told(doing, message, message.state))
        row = self._packet_of(case)
        doing.packet = row.packet.number
        held, amount_fen = self._held(case), case.amount_fen
        if self._is_share(case):
            doing.post(Transfer(held, doing.me.account, amount_fen, Reason.RELEASE))
            doing.counterparty = row.packet.sender
            days = self._policy_of(doing.home).settlement.claims_after_days
            if days:
                me, from_at = doing.me.id, days_after_midnight(doing.now, days)
                doing.once_entered(lambda: self.store.add_maturing(me, from_at, amount_fen))
        else:
            doing.post(Transfer(held, row.account, amount_fen, Reason.RELEASE))
            doing.counterparty = row.packet.recipient
            doing.once_entered(lambda: self.store.set_packet_held(row.packet.number, None))
        return {**told, "packet": row.packet.id, "balance_fen": doing.balance_fen}

    def _give_back(
        self, case: CaseRow, doing: Act, state: CaseState = CaseState.REJECTED
    ) -> HoldEnded:
        """
        Send what *case* holds back the way it came, as `_free` lets it go on.

        Quota goes back as well. A withdrawal comes to what a bank's refusal would, with an error
        of its own.
        """
        assert case.closed is None
        told = self._ended(doing, case, state)
        if case.message is not None:
            return self._withdrawal_back(case, doing, told)
        row, is_share = self._packet_of(case), self._is_share(case)
        number, held = row.packet.number, self._held(case)
        terms = {"case": case.id} if is_share else None
        back = self._send_back(doing, row, held, case.amount_fen, Reason.RETURN, terms=terms)
        if is_share:
            doing.counterparty = case.profile
        else:
            self.store.close_packet(number, doing.now)
            doing.once_entered(lambda: self.store.set_packet_held(number, None))
        return {**told, "packet": row.packet.id, **back, "balance_fen": doing.balance_fen}

    def _withdrawal_back(self, case: CaseRow, doing: Act, told: HoldEnded) -> HoldEnded:
        assert case.message is not None
        message = self.store.message(case.message)
        concludes = self._concludes(doing, message, MessageState.REJECTED)
        assert concludes  # it has not set out, so nobody else can have ended it
        self._unbooked(doing, message)
        carried = self._told(doing, message, MessageState.REJECTED)
        carried["error"] = WithdrawalHeldBack(
            amount_fen=message.amount_fen,
            card=carried["card"],
            payment=message.id,
            case=case.id,
            why=self._held_told(case)["why"],
        ).as_dict()
        told["balance_fen"] = doing.balance_fen
        return self._withdrawal_told(told, carried)

    def _withdrawal_told(self, told: HoldEnded, carried: Carried) -> HoldEnded:
        return cast(HoldEnded, {**carried, **told, "payment": carried["payment"]})

    def _ended(self, doing: Act, case: CaseRow, state: CaseState) -> HoldEnded:
        """Close *case* as *state*, and return what is told of any of them."""
        doing.once_entered(lambda: self.store.close_case(case.number, str(state), doing.entry))
        return {
            **doing.common,
            "case": case.id,
            "held": self._what_is_held(case),
            "ended": str(state),
            "amount_fen": case.amount_fen,
            "profile": self._profile_by_id(case.profile).name,
            "balance_fen": doing.balance_fen,
            "packet": None,
            "payment": None,
            "refunded_to": None,
            "card_gone": False,
            "arrives_at": None,
        }

    def _send_back(
        self,
        doing: Act,
        row: PacketRow,
        source: Account,
        amount_fen: int,
        reason: Reason,
        *,
        terms: Mapping[str, Any] | None = None,
    ) -> SentBack:
        """
        Send *amount_fen* of a packet from *source* the way it came, and return what is told.

        That is to its sender's balance, or to the card that paid, by a message with *terms*.
        """
        card = None if row.card is None else self.store.card(row.card)
        gone = card is not None and card.removed_at is not None
        message: MessageRow | None = None
        if card is not None and not gone and doing.me.refund_to == "card":
            days = self._policy_of(doing.home).refund.card_days
            message = self._instruct(
                doing,
                card,
                amount_fen,
                Reason.REFUND,
                packet=row.packet.number,
                terms=terms,
                due_at=working_days_after(doing.now, days),
            )
        target = self._frozen(message) if message else doing.me.account
        doing.post(Transfer(source, target, amount_fen, reason))
        # Quota goes back to the day it was taken from, whatever day it is now.
        paid = self.store.message_paying(row.entry)
        sent_on = day_key(paid.created_at if paid else row.packet.created_at)
        self.store.add_usage(doing.me.person, flow(card), sent_on, -amount_fen)
        doing.packet = row.packet.number
        return {
            "refunded_to": card.name if card is not None and message else BALANCE,
            "card_gone": gone,
            "payment": message.id if message else None,
            "arrives_at": iso(message.due_at if message else doing.now),
        }

    def _packet_of(self, case: CaseRow) -> PacketRow:
        assert case.packet is not None
        row = self.store.packet(self.store.packet_numbered(case.packet))
        assert row is not None
        return row

    def _is_share(self, case: CaseRow) -> bool:
        """Tell whether *case* holds a share of its packet, rather than the packet."""
        return self._packet_of(case).entry != case.entry

    def _what_is_held(self, case: CaseRow) -> str:
        if case.packet is None:
            return "withdraw"
        return "claim" if self._is_share(case) else "send"

    # --- a hold's own end ------------------------------------------------------------------------

    def _end_holds(self, at: datetime | None = None) -> list[HoldEnded]:
        """
        End every hold whose moment has come, and return what was told of each.

        On a clock that is being turned they end *at* the latest then, each at its own moment.
        """
        ended: list[HoldEnded] = []
        for case in self.store.ended_holds(at or self.now(), ENDED_AT_ONCE):
            told = self._end_hold(case.number, at=None if at is None else case.until)
            if told is not None:
                ended.append(told)
        return ended

    def _end_hold(self, number: int, at: datetime | None = None) -> HoldEnded | None:
        """End case *number* as its rule says it ends by itself, unless somebody was quicker."""
        case = self.store.case_numbered(number)
        ends = Ends(str(case.ends))
        is_free = ends is Ends.RELEASE
        told: HoldEnded | None = None

        def work(doing: Act) -> HoldEnded | None:
            nonlocal told
            told = None
            now = self.store.case_numbered(number)
            if now.closed is not None:
                return None
            way = self._free if is_free else self._give_back
            told = way(now, doing, ends.state)
            return told

        self._step_for(
            ENDED_AS[ends.state],
            f"/{case.id}/ended",
            work,
            profile=self._case_owner(case, Verb.APPROVE if is_free else Verb.REJECT),
            stage=_STAGES[self._what_is_held(case)] if is_free else 8,
            at=at,
        )
        if told is not None:
            self._carry_on(told)
        return told

    def _carry_on(self, told: HoldEnded) -> None:
        """Send off what the end of a hold has put on its way, where that is due now."""
        if told["payment"] is None:
            return
        message = self.store.message_called(told["payment"])
        assert message is not None
        if message.outcome is None and message.due_at <= self.now():
            self._carry(message.number)

    def _check_hold(self, doing: Act, packet: Packet) -> None:
        """Raise HoldOver where *packet* is held, and need not be any longer."""
        if packet.hold is not None and packet.hold.is_over(doing.now):
            raise HoldOver(packet.hold.case)

    def _catch_up(self) -> None:
        self._end_holds()
        super()._catch_up()


def flow(card: CardRow | None) -> str:
    """Return what limits count a packet as that *card* pays for, or the balance."""
    return "send_balance" if card is None else "send_card"
