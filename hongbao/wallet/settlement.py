"""Settlement at the desk: payments are resolved, and what institutions owe each other is paid."""

import json
from collections.abc import Callable
from typing import cast

from hongbao.answers import ResolvedLine, Settled
from hongbao.domain.channel import FINAL, MessageState
from hongbao.domain.clearing import Positions, settle_bank
from hongbao.domain.dates import day_key
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import CENTRAL, PLATFORM, Account, Kind
from hongbao.domain.settlement import Gross, Net, in_order, net, totals
from hongbao.store import BatchRow, MessageRow
from hongbao.units import iso
from hongbao.wallet.acts import Doing
from hongbao.wallet.packets import Packets

AT_ONCE = 10_000
"""How many messages are put into a batch together; the rest follow, in the same transaction."""

LATE = "late"
"""What is said of a payment whose bank answered when it had been undone, and undid it, too."""

Progress = Callable[[int, int], None]
"""Hears how many messages of how many are in the batch."""


class Settlement(Packets):
    """What the platform and the banks do with each other, whoever's money it is."""

    def settle(self, *, progress: Progress | None = None, dry_run: bool = False) -> Settled:
        """
        End holds that are over, ask for what is pending, send refunds, and settle (清算).

        What the channel has accepted since the last batch is netted bank by bank, and only the
        rest moves at the central bank. With nothing to do, nothing is written: settling twice is
        harmless. *progress* is told how far a large batch has come.
        """
        with self._rehearsal(dry_run):
            holds = self._end_holds()
            resolved = self._resolve()
            settled = self._close_batch(progress)
        settled["holds"] = holds
        settled["resolved"] = resolved
        settled["still_pending"] = sum(line["state"] not in (*FINAL, LATE) for line in resolved)
        if dry_run:
            settled["dry_run"] = True
        return settled

    def caught_up(self) -> list[ResolvedLine]:
        """Return what became, meanwhile, of payments that this profile had under way."""
        return [self._resolved_line(message) for message in self._caught_up]

    def _resolve(self, *, asking: bool = True) -> list[ResolvedLine]:
        """
        Carry on every message that is due and has no outcome; return what became of each.

        Without *asking*, only those that no bank has kept silent about. With it, what is sent now
        and met with silence is asked for as well, so that resolving again tells nothing new.
        """
        found = {}
        for number in self.store.open_messages(self.now(), asking=False):
            message = self._carry(number)
            if asking or message.outcome is not None:
                found[number] = self._resolved_line(message)
        if asking:
            for number in self.store.open_messages(self.now()):
                found[number] = self._resolved_line(self._carry(number))
            late = [{**self._resolved_line(one), "state": LATE} for one in self._hear_late()]
            return [*found.values(), *cast(list[ResolvedLine], late)]
        return list(found.values())

    def _resolved_line(self, message: MessageRow) -> ResolvedLine:
        packet = None
        if message.packet is not None:
            packet = self.store.packet_numbered(message.packet)
        elif message.state is MessageState.ACCEPTED and message.outcome is not None:
            packet = self.store.packet_of_entry(message.outcome)
        return {
            "message": message.id,
            "act": str(message.reason),
            "profile": self._profile_by_id(message.profile).name,
            "amount_fen": message.amount_fen,
            "state": str(message.state),
            "card": self.store.card(message.card).name,
            "packet": packet,
            "card_gone": message.state is MessageState.REJECTED and self._card_was_gone(message),
        }

    def _card_was_gone(self, message: MessageRow) -> bool:
        assert message.outcome is not None
        return bool(json.loads(self.store.answer_of(message.outcome)).get("card_gone"))

    def _close_batch(self, progress: Progress | None = None) -> Settled:
        answer: Settled = _nothing(iso(self.now()))

        def work(doing: Doing) -> Settled | None:
            nonlocal answer
            unsettled = self.store.unsettled()
            nets = self._affordable(in_order(net(line) for line in unsettled))
            if not nets:
                return None
            number = self.store.next_batch()
            doing.request_id = f"/settle/{number}"
            batch = f"ST{day_key(doing.now).replace('-', '')}{number:04d}"
            settling = {one.bank for one in nets}
            gross = [line for line in unsettled if line.bank in settling]
            for one in nets:
                doing.post(
                    *settle_bank(
                        self._positions(one.bank),
                        netted_fen=one.netted_fen,
                        to_platform_fen=one.to_platform_fen,
                        to_bank_fen=one.to_bank_fen,
                    )
                )
            answer = _settled(batch, iso(doing.now), gross, nets)
            count = answer["messages"]
            doing.once_entered(
                lambda: self.store.add_batch(BatchRow(number, batch, doing.entry), gross)
            )
            doing.once_entered(lambda: self._fill(number, count, progress))
            return answer

        self._step("settle", "/settle", work, stage=7)
        return answer

    def _affordable(self, nets: list[Net]) -> list[Net]:
        """
        Return those of *nets* that can be paid at the central bank; the others wait for a batch.

        A bank that has booked what it never took from anybody may owe more than it has there, and
        the platform may be waiting for just that.
        """
        paid = []
        reserve_fen = self.store.held_fen(self.store.account(PLATFORM, Kind.RESERVE))
        for one in nets:
            there_fen = self.store.held_fen(self.store.account(one.bank, Kind.SETTLEMENT))
            if one.to_platform_fen <= there_fen and one.to_bank_fen <= reserve_fen:
                reserve_fen += one.to_platform_fen - one.to_bank_fen
                paid.append(one)
        return paid

    def _fill(self, batch: int, count: int, progress: Progress | None) -> None:
        done = 0
        while filled := self.store.settle_messages(batch, AT_ONCE):
            done += filled
            if progress is not None:
                progress(done, count)

    def _positions(self, bank: str) -> Positions:
        def own(kind: Kind) -> Account:
            return self.store.account(bank, kind)

        return Positions(
            platform=self._in_transit(bank),
            reserve=self.store.account(PLATFORM, Kind.RESERVE),
            incoming=own(Kind.INCOMING),
            outgoing=own(Kind.OUTGOING),
            settlement=own(Kind.SETTLEMENT),
            bank_reserve=self.store.account(CENTRAL, Kind.BANK_RESERVE, BANK_NUMBERS[bank]),
            platform_reserve=self.store.account(CENTRAL, Kind.PLATFORM_RESERVE),
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
