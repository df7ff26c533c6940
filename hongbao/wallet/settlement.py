"""Settlement: what banks and platform owe each other, netted and paid at the central bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from hongbao.changes.payments import AddBatch, SettleMessages
from hongbao.domain.channel import FINAL, MessageState
from hongbao.domain.clearing import Positions, settle_bank
from hongbao.domain.dates import day_key
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import CENTRAL, PLATFORM, Account, Kind
from hongbao.domain.settlement import Gross, Net, in_order, net, totals
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_in
from hongbao.store import BatchRow, MessageRow, MessageView, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Doing
from hongbao.wallet.clearing import carry, hear_late
from hongbao.wallet.instructing import transit_accounts
from hongbao.wallet.releasing import end_due_holds
from hongbao.wallet.unit_of_work import perform_step, rehearsal

if TYPE_CHECKING:
    from hongbao.answers import ResolvedLine, Settled

LATE = "late"
"""What is said of a payment whose bank answered when it had been undone, and undid it, too."""

Progress = Callable[[int, int], None]
"""Hears how many messages of how many are in the batch."""


def settle(home: Home, *, progress: Progress | None = None, dry_run: bool = False) -> Settled:
    """
    End holds that are over, ask for what is pending, send refunds, and settle (清算).

    What the channel has accepted since the last batch is netted bank by bank, and only the
    rest moves at the central bank. With nothing to do, nothing is written: settling twice is
    harmless. *progress* gets the progress of a large batch.
    """
    with rehearsal(home, dry_run):
        holds = end_due_holds(home)
        resolved = resolve(home)
        settled = _close_batch(home, progress)
    settled["holds"] = holds
    settled["resolved"] = resolved
    settled["still_pending"] = sum(line["state"] not in (*FINAL, LATE) for line in resolved)
    if dry_run:
        settled["dry_run"] = True
    return settled


def caught_up(home: Home) -> list[ResolvedLine]:
    """Return the outcomes since of payments that this profile had under way."""
    return [resolved_line(home, message) for message in home.caught_up_messages]


def resolve(home: Home, *, asking: bool = True) -> list[ResolvedLine]:
    """
    Carry on every message that is due and has no outcome; return what became of each.

    Without *asking*, only those that no bank has kept silent about. With it, what is sent now
    and met with silence is asked for as well, so that resolving again tells nothing new.
    """
    found = {}
    for unsent in home.store.messages(MessageView.UNSENT, now=home.now()):
        message = carry(home, unsent.number)
        if asking or message.outcome is not None:
            found[message.number] = resolved_line(home, message)
    if asking:
        for due in home.store.messages(MessageView.DUE, now=home.now()):
            found[due.number] = resolved_line(home, carry(home, due.number))
        late = [{**resolved_line(home, one), "state": LATE} for one in hear_late(home)]
        return [*found.values(), *cast("list[ResolvedLine]", late)]
    return list(found.values())


def resolved_line(home: Home, message: MessageRow) -> ResolvedLine:
    """Return what has become of *message*."""
    packet: PacketRow | None = None
    if message.packet is not None:
        packet = home.store.packet(message.packet)
    elif message.state is MessageState.ACCEPTED and message.outcome is not None:
        packet = home.store.packet(entry=message.outcome)
    return {
        "message": message.id,
        "act": str(message.reason),
        "profile": home.profile_by_id(message.profile).name,
        "amount_fen": message.amount_fen,
        "state": str(message.state),
        "card": home.store.card(message.card).name,
        "packet": packet and packet.packet.id,
        "card_gone": message.state is MessageState.REJECTED and _card_was_gone(home, message),
    }


def _card_was_gone(home: Home, message: MessageRow) -> bool:
    assert message.outcome is not None
    return "card_gone" in facts_in(home, message.outcome)


def _close_batch(home: Home, progress: Progress | None = None) -> Settled:
    answer: Settled = _nothing(iso(home.now()))

    def work(doing: Doing) -> Mapping[str, object] | None:
        nonlocal answer
        unsettled = home.store.unsettled()
        nets = _affordable(home, in_order(net(line) for line in unsettled))
        if not nets:
            return None
        number = home.store.next_number("batch")
        doing.request_id = f"/settle/{number}"
        batch = f"ST{day_key(doing.now).replace('-', '')}{number:04d}"
        settling = {one.bank for one in nets}
        gross = [line for line in unsettled if line.bank in settling]
        for one in nets:
            doing.post(
                *settle_bank(
                    _positions(one.bank),
                    netted_fen=one.netted_fen,
                    to_platform_fen=one.to_platform_fen,
                    to_bank_fen=one.to_bank_fen,
                )
            )
        answer = _settled(batch, iso(doing.now), gross, nets)
        count = answer["messages"]
        doing.change(AddBatch(BatchRow(number, batch, doing.entry), gross))
        heard = None if progress is None else partial(_heard, progress, count)
        doing.change(SettleMessages(number, heard))
        return {name: answer[name] for name in _KEPT}

    perform_step(home, "settle", "/settle", work, step=7, changing=[("batch", "next")])
    return answer


def _heard(progress: Progress, count: int, done: int) -> None:
    progress(done, count)


def _affordable(home: Home, nets: list[Net]) -> list[Net]:
    """
    Return those of *nets* that can be paid at the central bank; the others wait for a batch.

    A bank that has booked what it never debited may owe more than it has there, and
    the platform may be waiting for just that.
    """
    paid = []
    reserve_fen = home.store.balance_fen(Account(PLATFORM, Kind.RESERVE))
    for one in nets:
        there_fen = home.store.balance_fen(Account(one.bank, Kind.SETTLEMENT))
        if one.to_platform_fen <= there_fen and one.to_bank_fen <= reserve_fen:
            reserve_fen += one.to_platform_fen - one.to_bank_fen
            paid.append(one)
    return paid


def _positions(bank: str) -> Positions:
    def own(kind: Kind) -> Account:
        return Account(bank, kind)

    return Positions(
        platform=transit_accounts(bank),
        reserve=Account(PLATFORM, Kind.RESERVE),
        incoming=own(Kind.INCOMING),
        outgoing=own(Kind.OUTGOING),
        settlement=own(Kind.SETTLEMENT),
        bank_reserve=Account(CENTRAL, Kind.BANK_RESERVE, BANK_NUMBERS[bank]),
        platform_reserve=Account(CENTRAL, Kind.PLATFORM_RESERVE),
    )


def _settled(batch: str, at: str, gross: list[Gross], nets: list[Net]) -> Settled:
    by_bank = {one.bank: one for one in nets}
    added = totals(gross)
    return {
        **_nothing(at),
        "batch": batch,
        "lines": [
            {
                "bank": line.bank,
                "in_count": line.in_count,
                "in_fen": line.in_fen,
                "out_count": line.out_count,
                "out_fen": line.out_fen,
                "to_platform_fen": by_bank[line.bank].to_platform_fen,
                "to_bank_fen": by_bank[line.bank].to_bank_fen,
            }
            for line in gross
        ],
        "messages": added.message_count,
        "gross_fen": added.gross_fen,
        "net_fen": added.net_fen,
        "saved_fen": added.saved_fen,
    }


_KEPT: tuple[Literal["batch", "at", "lines", "messages", "gross_fen", "net_fen", "saved_fen"], ...]
_KEPT = ("batch", "at", "lines", "messages", "gross_fen", "net_fen", "saved_fen")
"""What the entry of a batch keeps; what else was done on the way has separate entries."""


def _nothing(at: str) -> Settled:
    return {
        "batch": None,
        "at": at,
        "holds": [],
        "resolved": [],
        "lines": [],
        "messages": 0,
        "gross_fen": 0,
        "net_fen": 0,
        "saved_fen": 0,
        "still_pending": 0,
    }
