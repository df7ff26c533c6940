"""Reconciliation (对账): banks' statements and our records, and corrections."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hongbao.changes.payments import AddCorrection, ClearFaults, SetFault
from hongbao.domain import reconciliation
from hongbao.domain.bank_statement import read, seal
from hongbao.domain.channel import Direction, Fault, FaultRow
from hongbao.domain.clearing import bank_corrects
from hongbao.domain.dates import china_day
from hongbao.domain.policy import CHANNELS
from hongbao.domain.reconciliation import Difference, LineStatus
from hongbao.errors import (
    BankStatementForged,
    DifferenceNotFound,
    InsufficientCard,
    NoSuchFault,
    NotADemoHome,
    UnknownPlace,
)
from hongbao.home.opened import Home
from hongbao.queries.banks import (
    BANKS_BY_CODE,
    Lines,
    bank_statement,
    check_begun,
    faults,
    parse_bank,
)
from hongbao.store import MessageRow, OperatorRow
from hongbao.units import iso
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.banks import bank_line, branch_of
from hongbao.wallet.operators import operator_named, parse_reason
from hongbao.wallet.unit_of_work import perform, perform_step, rehearsal

if TYPE_CHECKING:
    from hongbao.answers import (
        Corrected,
        DifferenceLine,
        FaultLine,
        FaultSet,
        Reconciled,
        ReconciledBank,
    )


def set_fault(
    home: Home,
    place: str,
    fault: Fault | None,
    *,
    amount_fen: int | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> FaultSet:
    """
    Simulate a fault at *place*, a bank or channel: always, or for payments of *amount_fen*.

    None ends every fault there. Raises NotADemoHome, UnknownPlace, or NoSuchFault for what a
    channel cannot have: anything but being down.
    """
    place = place.strip().casefold()
    if place not in (*BANKS_BY_CODE, *CHANNELS):
        raise UnknownPlace(place, places=", ".join((*BANKS_BY_CODE, *CHANNELS)))
    if place in CHANNELS and fault not in (None, Fault.DOWN):
        raise NoSuchFault(place=place, text=str(fault), known=f"{Fault.DOWN}, off")

    def work(doing: Act) -> FaultSet:
        if not doing.home_row.is_demo:
            raise NotADemoHome
        if fault is None:
            doing.change(ClearFaults(place))
        else:
            row = FaultRow(place, fault, amount_fen)
            doing.change(SetFault(row, doing.entry))
        kept: list[FaultLine] = []
        if fault is not None:
            kept = [line for line in faults(home, place) if line["amount_fen"] != amount_fen]
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
    return perform(home, "bank_fault", inputs, work, request_id=request_id, dry_run=dry_run)


def reconcile(
    home: Home, day: date | None = None, *, bank: str | None = None, statement: Lines | None = None
) -> Reconciled:
    """
    Compare each bank's statement for *day* (today's, by default) with our records (对账).

    With a *statement*, the one bank and the day that it is of. Nothing is changed.

    Raises InvalidBankStatement, BankStatementForged, UnknownPlace or DayNotBegun.
    """
    with home.looking():
        if statement is not None:
            _check_seal(home, statement)
            header, _ = read(statement())
            return _compared(home, header.day, {parse_bank(header.bank): statement})
        now = home.now()
        day = day or china_day(now)
        check_begun(day, now)
        if bank is not None:
            names = [parse_bank(bank)]
        else:
            names = [name for name in BANKS_BY_CODE if _has_anything(home, name, day)]
        return _compared(home, day, {name: _issued(home, name, day) for name in names})


def _has_anything(home: Home, bank: str, day: date) -> bool:
    """Return whether either side has anything of *bank* on *day*."""
    both = home.store.clearing(bank, day.isoformat())
    return any(both.ours) or any(both.theirs)


def _issued(home: Home, bank: str, day: date) -> Lines:
    lines: Lines = lambda: bank_statement(home, bank, day)[1]  # noqa: E731
    return lines


def _check_seal(home: Home, statement: Lines) -> None:
    sealed = seal(statement())
    if not home.vault.verify(f"bank/{sealed.bank}", sealed.digest, sealed.signature):
        raise BankStatementForged(sealed.bank)


def _compared(home: Home, day: date, statements: dict[str, Lines]) -> Reconciled:
    banks: list[ReconciledBank] = []
    differences: list[DifferenceLine] = []
    for bank, statement in statements.items():
        _check_seal(home, statement)
        found = reconciliation.reconcile(
            home.store.clearing(bank, day.isoformat()).ours, read(statement())[1]
        )
        lines = [_difference_line(home, bank, day, one) for one in found.differences]
        known = {line["message"] for line in lines}
        lines += [
            line for line in _corrected_lines(home, bank, day) if line["message"] not in known
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


def _difference_line(home: Home, bank: str, day: date, found: Difference) -> DifferenceLine:
    message = home.store.message(found.message)
    return {
        "bank": bank,
        "date": day.isoformat(),
        "kind": str(found.kind),
        "message": found.message,
        "act": "" if message is None else str(message.reason),
        "profile": "" if message is None else home.profile_by_id(message.profile).name,
        "ours_fen": found.ours_fen,
        "theirs_fen": found.theirs_fen,
        "amount_fen": found.amount_fen,
        "corrected": message is not None
        and any(home.store.clearing(bank, day.isoformat(), message=message.number).corrections),
    }


def _corrected_lines(home: Home, bank: str, day: date) -> list[DifferenceLine]:
    """Return the differences of *day* that were corrected."""
    return [
        {
            "bank": bank,
            "date": day.isoformat(),
            "kind": kind,
            "message": message.id,
            "act": str(message.reason),
            "profile": home.profile_by_id(message.profile).name,
            "ours_fen": ours_fen,
            "theirs_fen": ours_fen,
            "amount_fen": amount_fen,
            "corrected": True,
        }
        for message, kind, amount_fen in home.store.clearing(bank, day.isoformat()).corrections
        for ours_fen in [message.amount_fen if message.state == "accepted" else 0]
    ]


def correct(
    home: Home,
    payment: str,
    *,
    why: str,
    operator: str,
    pin: AskPin,
    dry_run: bool = False,
) -> Corrected:
    """
    End the difference about *payment* by a transfer on the bank's book (调账).

    Users have our answer already: it is the bank's customer account that is brought to what the
    platform has. *operator* answers for it, with their own PIN and a reason.

    Raises MissingReason, UnprintableText or TextTooLong; OperatorNotFound, DifferenceNotFound;
    WrongPin or PinLocked; InsufficientCard where the card holds too little to take it from.
    """
    why = parse_reason(why)
    with home.looking():
        by = operator_named(home, operator)
        message, _found = _difference_about(home, payment)
    authorise(home, pin, by)
    corrected: Corrected | None = None

    def work(doing: Doing) -> Corrected:
        nonlocal corrected
        corrected = _corrected(home, doing, *_difference_about(home, payment), by, why)
        return corrected

    with rehearsal(home, dry_run):
        perform_step(home, "correct", f"/{message.id}/corrected", work, step=7)
    assert corrected is not None
    return {**corrected, "dry_run": True} if dry_run else corrected


def _difference_about(home: Home, payment: str) -> tuple[MessageRow, Difference]:
    message = home.store.message(payment.strip().upper())
    if message is not None:
        about = home.store.clearing(message.bank, message=message.number)
        found = reconciliation.reconcile(about.ours, about.theirs).differences
        if found:
            return message, found[0]
    raise DifferenceNotFound(payment)


def _corrected(
    home: Home, doing: Doing, message: MessageRow, found: Difference, by: OperatorRow, why: str
) -> Corrected:
    way, amount_fen = found.correction, found.amount_fen
    card = home.store.card(message.card)
    if way is Direction.DEBIT and home.store.balance_fen(card.deposit) < amount_fen:
        raise InsufficientCard(card=card.name, needed_fen=amount_fen)
    doing.post(bank_corrects(branch_of(home, message), amount_fen, way))
    doing.message = message.number
    bank_line(doing, message, way, amount_fen, message.day, LineStatus.CORRECTED)
    doing.change(
        AddCorrection(
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
