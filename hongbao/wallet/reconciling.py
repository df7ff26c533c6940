"""Reconciliation at the desk: banks, their statements, what differs, and who puts it right."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from hongbao.answers import (
    BankLine,
    Corrected,
    DifferenceLine,
    FaultLine,
    FaultSet,
    Reconciled,
    ReconciledBank,
)
from hongbao.domain.bank_statement import Header, heading, read, seal, signed, write
from hongbao.domain.channel import Direction, Fault, FaultRow
from hongbao.domain.clearing import bank_corrects
from hongbao.domain.dates import china_day, next_day, start_of_day
from hongbao.domain.identity import BANKS
from hongbao.domain.policy import CHANNELS
from hongbao.domain.reconciliation import Difference, LineStatus, reconcile
from hongbao.errors import (
    BankStatementForged,
    DayNotBegun,
    DifferenceNotFound,
    InsufficientCard,
    NoSuchFault,
    NotADemoHome,
    UnknownPlace,
)
from hongbao.store import MessageRow, OperatorRow
from hongbao.units import iso
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.desk import AskPin
from hongbao.wallet.operators import Operators, parse_reason
from hongbao.wallet.settlement import Settlement

Lines = Callable[[], Iterable[str]]
"""Gives the lines of a bank's statement from its first, as often as it is asked."""

_BANKS = {bank.code: bank for bank in BANKS}


class Reconciling(Settlement, Operators):
    """What banks say, whether it is what the platform says, and what is done where it is not."""

    # --- banks -----------------------------------------------------------------------------------

    def banks(self) -> list[BankLine]:
        """Return the banks of this home: what they keep, and what they were told to do wrong."""
        with self.looking():
            return [self._bank_line_of(code) for code in _BANKS]

    def bank(self, code: str) -> BankLine:
        """Return one bank. Raises UnknownPlace."""
        with self.looking():
            return self._bank_line_of(_bank(code))

    def _bank_line_of(self, code: str) -> BankLine:
        cards, deposits_fen = self.store.bank_accounts(code)
        return {
            "bank": code,
            "name": _BANKS[code].name_en,
            "prefix": _BANKS[code].prefix,
            "cards": cards,
            "deposits_fen": deposits_fen,
            "channel": self.policy.channel.channels_for(code)[0],
            "faults": self.faults(code),
        }

    def faults(self, place: str | None = None) -> list[FaultLine]:
        """Return what was told to go wrong and still does, at *place* or anywhere."""
        return [
            {
                "bank": row.place,
                "fault": str(row.fault),
                "amount_fen": row.amount_fen,
                "set_at": iso(since),
            }
            for row, since in self.store.faults()
            if place in (None, row.place)
        ]

    def set_fault(
        self,
        place: str,
        fault: Fault | None,
        *,
        amount_fen: int | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> FaultSet:
        """
        Tell *place*, a bank or a channel, to fail: always, or for payments of *amount_fen*.

        None ends every fault there. Raises NotADemoHome, UnknownPlace, or NoSuchFault for what a
        channel cannot be told, which is anything but to be down.
        """
        place = place.strip().casefold()
        if place not in (*_BANKS, *CHANNELS):
            raise UnknownPlace(place, places=", ".join((*_BANKS, *CHANNELS)))
        if place in CHANNELS and fault not in (None, Fault.DOWN):
            raise NoSuchFault(place=place, text=str(fault), known=f"{Fault.DOWN}, off")

        def work(doing: Act) -> FaultSet:
            if not doing.home.is_demo:
                raise NotADemoHome
            if fault is None:
                self.store.clear_faults(place)
            else:
                row = FaultRow(place, fault, amount_fen)
                doing.once_entered(lambda: self.store.set_fault(row, doing.entry))
            kept: list[FaultLine] = []
            if fault is not None:
                kept = [line for line in self.faults(place) if line["amount_fen"] != amount_fen]
                set_at = iso(doing.now)
                kept.append(
                    {
                        "bank": place,
                        "fault": str(fault),
                        "amount_fen": amount_fen,
                        "set_at": set_at,
                    }
                )
            return {**doing.common, "bank": place, "faults": kept}

        inputs = {
            "place": place,
            "fault": None if fault is None else str(fault),
            "amount_fen": amount_fen,
        }
        return self._act("bank_fault", inputs, work, request_id=request_id, dry_run=dry_run)

    # --- statements ------------------------------------------------------------------------------

    def bank_statement(self, bank: str, day: date) -> tuple[Header, Iterator[str]]:
        """
        Return the statement that *bank* issues for *day*: what it says of itself, and its lines.

        A day that is over always gives the same file. Raises UnknownPlace or DayNotBegun.
        """
        bank = _bank(bank)
        self._check_begun(day)
        key = day.isoformat()
        closed_at = next_day(start_of_day(day))
        header = heading(
            bank,
            f"{bank.upper()}-{day:%Y%m%d}",
            day,
            min(closed_at, self.now()),
            self.store.their_lines(bank, key),
        )
        text = write(header, self.store.their_lines(bank, key))
        return header, signed(text, lambda digest: self.vault.sign(f"bank/{bank}", digest))

    def _check_begun(self, day: date) -> None:
        if day > china_day(self.now()):
            raise DayNotBegun(date=day.isoformat())

    def bank_key(self, bank: str) -> bytes:
        """Return the public key that *bank*'s statements are checked by. Raises UnknownPlace."""
        return self.vault.public_key(f"bank/{_bank(bank)}")

    # --- reconciling -----------------------------------------------------------------------------

    def reconcile(
        self, day: date | None = None, *, bank: str | None = None, statement: Lines | None = None
    ) -> Reconciled:
        """
        Compare each bank's statement for *day* (today's, by default) with our records (对账).

        With a *statement*, the one bank and the day that it is of. Nothing is changed.

        Raises InvalidBankStatement, BankStatementForged, UnknownPlace or DayNotBegun.
        """
        with self.looking():
            if statement is not None:
                self._check_seal(statement)
                header, _ = read(statement())
                return self._compared(header.day, {_bank(header.bank): statement})
            day = day or china_day(self.now())
            self._check_begun(day)
            if bank is not None:
                names = [_bank(bank)]
            else:
                names = [name for name in _BANKS if self.store.is_on_day(name, day.isoformat())]
            return self._compared(day, {name: self._issued(name, day) for name in names})

    def _issued(self, bank: str, day: date) -> Lines:
        lines: Lines = lambda: self.bank_statement(bank, day)[1]  # noqa: E731
        return lines

    def _check_seal(self, statement: Lines) -> None:
        sealed = seal(statement())
        if not self.vault.verify(f"bank/{sealed.bank}", sealed.digest, sealed.signature):
            raise BankStatementForged(sealed.bank)

    def _compared(self, day: date, statements: dict[str, Lines]) -> Reconciled:
        banks: list[ReconciledBank] = []
        differences: list[DifferenceLine] = []
        for bank, statement in statements.items():
            self._check_seal(statement)
            found = reconcile(self.store.our_lines(bank, day.isoformat()), read(statement())[1])
            lines = [self._difference_line(bank, day, one) for one in found.differences]
            known = {line["message"] for line in lines}
            lines += [
                line for line in self._corrected_lines(bank, day) if line["message"] not in known
            ]
            differences += lines
            banks.append(
                {
                    "bank": bank,
                    "matched": found.matched_count,
                    "matched_fen": found.matched_fen,
                    "differences": sum(not line["corrected"] for line in lines),
                    "open": found.open_count,
                }
            )
        return {
            "date": day.isoformat(),
            "ok": not any(bank["differences"] for bank in banks),
            "banks": banks,
            "differences": differences,
        }

    def _difference_line(self, bank: str, day: date, found: Difference) -> DifferenceLine:
        message = self.store.message_called(found.message)
        return {
            "bank": bank,
            "date": day.isoformat(),
            "kind": str(found.kind),
            "message": found.message,
            "act": "" if message is None else str(message.reason),
            "profile": "" if message is None else self._profile_by_id(message.profile).name,
            "ours_fen": found.ours_fen,
            "theirs_fen": found.theirs_fen,
            "amount_fen": found.amount_fen,
            "corrected": message is not None and self.store.is_corrected(message.number),
        }

    def _corrected_lines(self, bank: str, day: date) -> list[DifferenceLine]:
        """Return what differed on *day* and was put right, so that it no longer does."""
        return [
            {
                "bank": bank,
                "date": day.isoformat(),
                "kind": kind,
                "message": message.id,
                "act": str(message.reason),
                "profile": self._profile_by_id(message.profile).name,
                "ours_fen": ours_fen,
                "theirs_fen": ours_fen,
                "amount_fen": amount_fen,
                "corrected": True,
            }
            for message, kind, amount_fen in self.store.corrections(bank, day.isoformat())
            for ours_fen in [message.amount_fen if message.state == "accepted" else 0]
        ]

    # --- putting it right ------------------------------------------------------------------------

    def correct(
        self,
        payment: str,
        *,
        why: str,
        operator: str,
        pin: AskPin,
        dry_run: bool = False,
    ) -> Corrected:
        """
        End the difference about *payment* by a transfer on the bank's book (调账).

        What users were told stands: it is the bank's customer account that is brought to what the
        platform has. *operator* answers for it, with their own PIN and a reason.

        Raises MissingReason, UnprintableText or TextTooLong; OperatorNotFound, DifferenceNotFound;
        WrongPin or PinLocked; InsufficientCard where the card holds too little to take it from.
        """
        why = parse_reason(why)
        with self.looking():
            by = self._operator_named(operator)
            message, _found = self._difference_about(payment)
        self._authorise(pin, by)
        corrected: Corrected | None = None

        def work(doing: Doing) -> Corrected:
            nonlocal corrected
            corrected = self._corrected(doing, *self._difference_about(payment), by, why)
            return corrected

        with self._rehearsal(dry_run):
            self._step("correct", f"/{message.id}/corrected", work, stage=7)
        assert corrected is not None
        return {**corrected, "dry_run": True} if dry_run else corrected

    def _difference_about(self, payment: str) -> tuple[MessageRow, Difference]:
        message = self.store.message_called(payment.strip().upper())
        if message is not None:
            ours = self.store.our_line(message.number)
            theirs = self.store.their_lines_about(message)
            found = reconcile([ours], theirs).differences
            if found:
                return message, found[0]
        raise DifferenceNotFound(payment)

    def _corrected(
        self, doing: Doing, message: MessageRow, found: Difference, by: OperatorRow, why: str
    ) -> Corrected:
        way, amount_fen = found.correction, found.amount_fen
        card = self.store.card(message.card)
        if way is Direction.DEBIT and self.store.held_fen(card.deposit) < amount_fen:
            raise InsufficientCard(card=card.name, needed_fen=amount_fen)
        doing.post(bank_corrects(self._branch(message), amount_fen, way))
        doing.message = message.number
        self._bank_line(doing, message, way, amount_fen, message.day, LineStatus.CORRECTED)
        doing.once_entered(
            lambda: self.store.add_correction(
                message=message.number,
                kind=found.kind,
                direction=way,
                amount_fen=amount_fen,
                why=why,
                operator=by.id,
                entry=doing.entry,
            )
        )
        return {
            **doing.common,
            "payment": message.id,
            "bank": message.bank,
            "kind": str(found.kind),
            "direction": str(way),
            "amount_fen": amount_fen,
            "card": card.name,
            "reason": why,
            "operator": by.name,
        }


def _bank(code: str) -> str:
    known = code.strip().casefold()
    if known not in _BANKS:
        raise UnknownPlace(code, places=", ".join(_BANKS))
    return known
