"""The end of holds (解冻): what was kept back continues, or returns the way it was paid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from hongbao import errors
from hongbao.changes.cases import CloseCase
from hongbao.changes.packets import AddMaturing, AddUsage, ClosePacket, HoldPacket
from hongbao.domain.cases import CaseState, Ends, Verb
from hongbao.domain.channel import MessageState
from hongbao.domain.dates import day_key, days_after_midnight, working_days_after
from hongbao.domain.ledger import Account, Reason, Transfer
from hongbao.home.opened import Home
from hongbao.queries.packets import BALANCE, hold_terms
from hongbao.store import CaseRow, CaseView, MessageRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import message_answer
from hongbao.wallet.clearing import carry, carry_unanswered, conclude, unbooked
from hongbao.wallet.holds import flow, held_account
from hongbao.wallet.instructing import frozen_account, instruct
from hongbao.wallet.unit_of_work import perform_step_for

if TYPE_CHECKING:
    from hongbao.answers import Carried, HoldEnded, SentBack

ENDED_AT_ONCE = 1000
"""How many holds whose moment has come are looked up together; the rest follow."""


ENDED_AS = {
    CaseState.RELEASED: "released",
    CaseState.RETURNED: "returned",
    CaseState.APPROVED: "approved",
    CaseState.REJECTED: "rejected",
}
"""The act by which a hold ends, by its own moment or by a reviewer's word."""


_STEPS = {"send": 3, "withdraw": 3, "claim": 7}
"""Which of the eight steps the end of a hold belongs to, by what is held."""


def case_owner(home: Home, case: CaseRow, verb: Verb) -> int:
    """Return the profile whose money it is once *verb*, approve or reject, ends *case*."""
    if case.packet is None or verb is Verb.APPROVE or not _is_share(home, case):
        return case.profile
    return _packet_of_case(home, case).packet.sender


def release_hold(
    home: Home, case: CaseRow, doing: Act, state: CaseState = CaseState.APPROVED
) -> HoldEnded:
    """
    Release what *case* holds, close it as *state*, and return the answer about that.

    *doing* is about the profile that `case_owner` names, and *case* is open still: the caller
    has looked in the same transaction. Then `carry_on` is to be called, outside of it.
    """
    assert case.closed is None
    answer = _closed_answer(home, doing, case, state)
    if case.message is not None:
        message = home.store.message(case.message)
        return _withdrawal_answer(answer, message_answer(home, doing, message, message.state))
    row = _packet_of_case(home, case)
    doing.packet = row.packet.number
    held, amount_fen = held_account(case), case.amount_fen
    if _is_share(home, case):
        doing.post(Transfer(held, doing.me.account, amount_fen, Reason.RELEASE))
        doing.counterparty = row.packet.sender
        days = home.policy_of(doing.home_row).settlement.claims_after_days
        if days:
            me, from_at = doing.me.id, days_after_midnight(doing.now, days)
            doing.change(AddMaturing(me, from_at, amount_fen))
    else:
        doing.post(Transfer(held, row.account, amount_fen, Reason.RELEASE))
        doing.counterparty = row.packet.recipient
        doing.change(HoldPacket(row.packet.number, None))
    return {**answer, "packet": row.packet.id, "balance_fen": doing.balance_fen}


def return_hold(
    home: Home, case: CaseRow, doing: Act, state: CaseState = CaseState.REJECTED
) -> HoldEnded:
    """
    Return what *case* holds the way it was paid, as `release_hold` releases it.

    Quota goes back as well. A withdrawal ends as after a bank's refusal, with its own error.
    """
    assert case.closed is None
    answer = _closed_answer(home, doing, case, state)
    if case.message is not None:
        return _return_withdrawal(home, case, doing, answer)
    row, is_share = _packet_of_case(home, case), _is_share(home, case)
    number, held = row.packet.number, held_account(case)
    terms = {"case": case.id} if is_share else None
    back = send_back(home, doing, row, held, case.amount_fen, Reason.RETURN, terms=terms)
    if is_share:
        doing.counterparty = case.profile
    else:
        doing.change(ClosePacket(number, doing.now))
        doing.change(HoldPacket(number, None))
    return {**answer, "packet": row.packet.id, **back, "balance_fen": doing.balance_fen}


def _return_withdrawal(home: Home, case: CaseRow, doing: Act, answer: HoldEnded) -> HoldEnded:
    assert case.message is not None
    message = home.store.message(case.message)
    concludes = conclude(home, doing, message, MessageState.REJECTED)
    assert concludes  # it was not sent yet, so nothing else can have ended it
    unbooked(doing, message)
    carried = message_answer(home, doing, message, MessageState.REJECTED)
    carried["error"] = errors.WithdrawalHeldBack(
        amount_fen=message.amount_fen,
        card=carried["card"],
        payment=message.id,
        case=case.id,
        why=hold_terms(home, case)["why"],
    ).as_dict()
    answer["balance_fen"] = doing.balance_fen
    return _withdrawal_answer(answer, carried)


def _withdrawal_answer(answer: HoldEnded, carried: Carried) -> HoldEnded:
    return cast("HoldEnded", {**carried, **answer, "payment": carried["payment"]})


def _closed_answer(home: Home, doing: Act, case: CaseRow, state: CaseState) -> HoldEnded:
    """Close *case* as *state*, and return the answer common to all of them."""
    doing.change(CloseCase(case.number, str(state), doing.entry))
    return {
        **doing.common,
        "case": case.id,
        "held": _held_act(home, case),
        "ended": str(state),
        "amount_fen": case.amount_fen,
        "profile": home.profile_by_id(case.profile).name,
        "balance_fen": doing.balance_fen,
        "packet": None,
        "payment": None,
        "refunded_to": None,
        "card_gone": False,
        "arrives_at": None,
    }


def send_back(
    home: Home,
    doing: Act,
    row: PacketRow,
    source: Account,
    amount_fen: int,
    reason: Reason,
    *,
    terms: Mapping[str, Any] | None = None,
) -> SentBack:
    """
    Send *amount_fen* of a packet from *source* the way it was paid, and return the answer.

    That is to its sender's balance, or to the card that paid, by a message with *terms*.
    """
    card = None if row.card is None else home.store.card(row.card)
    gone = card is not None and card.removed_at is not None
    message: MessageRow | None = None
    if card is not None and not gone and doing.me.refund_to == "card":
        days = home.policy_of(doing.home_row).refund.card_days
        message = instruct(
            home,
            doing,
            card,
            amount_fen,
            Reason.REFUND,
            packet=row.packet.number,
            terms=terms,
            due_at=working_days_after(doing.now, days),
        )
    target = doing.me.account if message is None else frozen_account(message)
    doing.post(Transfer(source, target, amount_fen, reason))
    # Quota goes back to the day it was taken from, not to today.
    paid = home.store.message(outcome=row.entry)
    sent_on = day_key(paid.created_at if paid else row.packet.created_at)
    doing.change(AddUsage(doing.me.person, flow(card), sent_on, -amount_fen))
    doing.packet = row.packet.number
    return {
        "refunded_to": card.name if card is not None and message else BALANCE,
        "card_gone": gone,
        "payment": message.id if message else None,
        "arrives_at": iso(message.due_at if message else doing.now),
    }


def _packet_of_case(home: Home, case: CaseRow) -> PacketRow:
    assert case.packet is not None
    return home.store.packet(case.packet)


def _is_share(home: Home, case: CaseRow) -> bool:
    """Return whether *case* holds a share of its packet, rather than the packet."""
    return _packet_of_case(home, case).entry != case.entry


def _held_act(home: Home, case: CaseRow) -> str:
    if case.packet is None:
        return "withdraw"
    return "claim" if _is_share(home, case) else "send"


def end_due_holds(home: Home, at: datetime | None = None) -> list[HoldEnded]:
    """
    End every expired hold, and return the answer about each.

    On a clock that is being turned they end *at* the latest then, each at its own moment.
    """
    ended: list[HoldEnded] = []
    for case in home.store.cases(CaseView.ENDED, until=at or home.now(), limit=ENDED_AT_ONCE):
        answer = end_hold(home, case.number, at=None if at is None else case.until)
        if answer is not None:
            ended.append(answer)
    return ended


def end_hold(home: Home, number: int, at: datetime | None = None) -> HoldEnded | None:
    """End case *number* as its rule ends it automatically, unless another process was faster."""
    case = home.store.case(number)
    ends = Ends(str(case.ends))
    is_free = ends is Ends.RELEASE
    answer: HoldEnded | None = None

    def work(doing: Act) -> HoldEnded | None:
        nonlocal answer
        answer = None
        now = home.store.case(number)
        if now.closed is not None:
            return None
        way = partial(release_hold, home) if is_free else partial(return_hold, home)
        answer = way(now, doing, ends.state)
        return answer

    perform_step_for(
        home,
        ENDED_AS[ends.state],
        f"/{case.id}/ended",
        work,
        profile=case_owner(home, case, Verb.APPROVE if is_free else Verb.REJECT),
        step=_STEPS[_held_act(home, case)] if is_free else 8,
        at=at,
        changing=[("review_case", number)],
    )
    if answer is not None:
        carry_on(home, answer)
    return answer


def carry_on(home: Home, answer: HoldEnded) -> None:
    """Send off what the end of a hold has put on its way, if that is due now."""
    if answer["payment"] is None:
        return
    message = home.store.message(answer["payment"])
    assert message is not None
    if message.outcome is None and message.due_at <= home.now():
        carry(home, message.number)


def catch_up(home: Home) -> None:
    """End the holds that are over, and carry on payments that were left unanswered."""
    end_due_holds(home)
    carry_unanswered(home)
