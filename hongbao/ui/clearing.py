"""Clearing on the terminal: banks, faults, settlement, reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Layout, Listing, mark
from hongbao.ui.screen import Cell, Column, Row, is_terminal, line, pipe, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import (
        BankLine,
        Corrected,
        DifferenceLine,
        FaultLine,
        FaultSet,
        OperatorAdded,
        OperatorLine,
        Reconciled,
        ResolvedLine,
        Settled,
        SettledLine,
        StatementIssued,
    )

# --- settlement ----------------------------------------------------------------------------------


SETTLED = Listing(
    rows="lines",
    fields=(
        Field("bank", Column(N_("bank")), lambda row: wording.bank_name(row["bank"])),
        Field("in_count", says=N_("the number of payments from the bank")),
        Field("in_fen", says=N_("the sum of payments from the bank")),
        Field("out_count", says=N_("the number of payments to the bank")),
        Field("out_fen", says=N_("the sum of payments to the bank")),
        Field("to_platform_fen", says=N_("what the bank paid in settlement")),
        Field("to_bank_fen", says=N_("what the bank was paid in settlement")),
    ),
    is_part=True,
)


def show_settled(settled: Settled) -> None:
    """Print what became of payments, then what each bank paid or got, and what netting saved."""
    if not is_terminal():
        _pipe_settled(settled)
        return
    if settled.get("dry_run"):
        line(_("dry run, this would happen:"))
    for ended in settled["holds"]:
        line(wording.hold_ended(ended), red=ended["packet"] or "")
    if settled["resolved"]:
        _show_resolved(settled["resolved"])
        print()
    if settled["batch"] is None:
        line(_("nothing to settle"))
    else:
        _show_batch(settled)
    if count := settled["still_pending"]:
        line(
            counted(
                "{count} payment is still pending: check again with `hongbao settle`",
                "{count} payments are still pending: check again with `hongbao settle`",
                count,
            )
        )


def _pipe_settled(settled: Settled) -> None:
    pipe(
        *(
            (
                "hold",
                ended["case"],
                ended["held"],
                ended["profile"],
                yuan(ended["amount_fen"]),
                ended["ended"],
                ended["packet"],
                ended["payment"],
            )
            for ended in settled["holds"]
        ),
        *(
            (
                "resolved",
                row["message"],
                row["act"],
                row["profile"],
                yuan(row["amount_fen"]),
                row["state"],
                row["card"],
                row["packet"],
            )
            for row in settled["resolved"]
        ),
        *(("bank", *(pick.value(row) for pick in SETTLED.piped())) for row in settled["lines"]),
    )
    if settled["batch"] is not None:
        totals = (yuan(settled[key]) for key in ("gross_fen", "net_fen", "saved_fen"))
        pipe(("batch", settled["batch"], settled["at"], settled["messages"], *totals))


def _show_resolved(resolved: Sequence[ResolvedLine]) -> None:
    table(
        [
            Column(_("message"), below=True),
            Column(_("what")),
            Column(_("profile"), gives=True),
            Column(_("card or packet"), below=True),
            Column(_("amount"), right=True),
            Column(_("outcome"), below=True),
        ],
        [
            [
                Cell(row["message"], "dim"),
                wording.reason(row["act"]),
                safe(row["profile"]),
                row["packet"] or safe(row["card"]),
                Cell(yuan(row["amount_fen"]), "bold"),
                _outcome(row["state"]),
            ]
            for row in resolved
        ],
    )


def _outcome(state: str) -> Cell:
    styles = dict.fromkeys(("rejected", "reversed", "late"), "red")
    styles |= {"accepted": "green", "unknown": "yellow"}
    return Cell(wording.message_state(state), styles.get(state, ""))


def _show_batch(settled: Settled) -> None:
    batch = safe(settled["batch"] or "")
    heading = counted(
        "batch {batch} · {count} payment · {at}",
        "batch {batch} · {count} payments · {at}",
        settled["messages"],
        batch=batch,
        at=wording.when(settled["at"]),
    )
    line(heading, bold=batch)
    print()
    table(
        [
            Column(_("bank"), gives=True),
            Column(_("from the bank"), right=True, below=True, named=True),
            Column("", right=True, below=True, extra=True),
            Column(_("to the bank"), right=True, below=True, named=True),
            Column("", right=True, below=True, extra=True),
            Column(_("net"), right=True),
            Column(_("paid to"), below=True, named=True),
        ],
        [_settled_row(row) for row in settled["lines"]],
    )
    print()
    gross_fen, saved_fen = settled["gross_fen"], settled["saved_fen"]
    sentence = N_("gross {gross_fen} · net {net_fen} · netting saved {saved_fen} ({percent}%)")
    line(
        say(
            sentence,
            gross_fen=gross_fen,
            net_fen=settled["net_fen"],
            saved_fen=saved_fen,
            percent=saved_fen * 100 // gross_fen if gross_fen else 0,
        ),
        bold=yuan(saved_fen),
    )


def _settled_row(row: SettledLine) -> Row:
    net_fen = row["to_platform_fen"] or row["to_bank_fen"]
    if row["to_platform_fen"]:
        paid_to = wording.book("platform")
    else:
        paid_to = wording.bank_name(row["bank"]) if net_fen else "–"
    return [
        wording.bank_name(row["bank"]),
        yuan(row["in_fen"]),
        Cell(_times(row["in_count"]), "dim"),
        yuan(row["out_fen"]),
        Cell(_times(row["out_count"]), "dim"),
        Cell(yuan(net_fen), "bold"),
        paid_to,
    ]


def _times(count: int) -> str:
    return f"×{count}" if count else ""


# --- reconciliation ------------------------------------------------------------------------------


DIFFERENCES = Listing(
    rows="differences",
    fields=(
        Field("bank", Column(N_("bank")), lambda row: wording.bank_name(row["bank"])),
        Field("date", says=N_("the day, in China")),
        Field("kind"),
        Field("message"),
        Field("act"),
        Field("profile", Column(N_("profile"), gives=True)),
        Field("ours_fen", says=N_("the amount in the platform's records")),
        Field("theirs_fen", says=N_("the amount in the bank's statement")),
        Field("amount_fen", says=N_("the amount that a correction has to move")),
        Field(
            "corrected",
            text=mark("corrected", "corrected", "open"),
            says=N_("corrected, or open if it is not yet"),
        ),
    ),
    is_part=True,
)


def show_reconciled(reconciled: Reconciled) -> None:
    """Print how each bank's statement fits, then each difference with the way to resolve it."""
    if not is_terminal():
        _pipe_reconciled(reconciled)
        return
    line(say(N_("reconciled {date}"), date=reconciled["date"]), bold=reconciled["date"])
    print()
    if not reconciled["banks"]:
        line(_("no bank has a statement for that day"))
        return
    table(
        [
            Column(""),
            Column(_("bank"), gives=True),
            Column(_("matched"), right=True, below=True, named=True),
            Column(_("amount"), right=True),
            Column(_("differences"), right=True, below=True, named=True),
            Column(_("unknown"), right=True, below=True, named=True),
        ],
        [
            [
                _tick(not row["differences"]),
                wording.bank_name(row["bank"]),
                str(row["matched"]),
                yuan(row["matched_fen"]),
                Cell(str(row["differences"]), "bold red" if row["differences"] else ""),
                Cell(str(row["open"]), "yellow" if row["open"] else ""),
            ]
            for row in reconciled["banks"]
        ],
    )
    for difference in reconciled["differences"]:
        print()
        _show_difference(difference)
    if reconciled["ok"]:
        print()
        line(_("✓ the banks' statements agree with the platform's records"), green="✓")


def _pipe_reconciled(reconciled: Reconciled) -> None:
    pipe(
        *(
            (
                "bank",
                row["bank"],
                reconciled["date"],
                row["matched"],
                yuan(row["matched_fen"]),
                row["differences"],
                row["open"],
            )
            for row in reconciled["banks"]
        ),
        *(
            ("difference", *(pick.value(row) for pick in DIFFERENCES.piped()))
            for row in reconciled["differences"]
        ),
    )


_MEANINGS = {
    "surplus": N_("only the bank has it"),
    "shortage": N_("only the platform has it"),
    "amount": N_("different amounts"),
    "state": N_("different outcomes"),
    "duplicate": N_("the bank booked it more than once"),
}


def _show_difference(row: DifferenceLine) -> None:
    mark = _tick(row["corrected"])
    name = wording.difference(row["kind"])
    facts = (
        f"{mark.text} {name}",
        wording.bank_name(row["bank"]),
        row["message"],
        wording.reason(row["act"]),
        safe(row["profile"]),
    )
    line(" · ".join(facts), **{mark.style.replace(" ", "_"): facts[0]})
    if row["corrected"]:
        line("  " + say(N_("corrected by {amount_fen}"), amount_fen=row["amount_fen"]))
        return
    meaning = _(_MEANINGS.get(row["kind"], row["kind"]))
    ours_theirs = say(
        N_("platform {ours_fen} · bank {theirs_fen}"),
        ours_fen=row["ours_fen"],
        theirs_fen=row["theirs_fen"],
    )
    line(f"  {meaning} · {ours_theirs}")
    line(
        "  → "
        + say(
            N_(
                "correct it by {amount_fen}:"
                " `hongbao reconcile resolve {message} --reason TEXT --operator NAME`"
            ),
            amount_fen=row["amount_fen"],
            message=row["message"],
        )
    )


def _tick(good: bool) -> Cell:
    return Cell("✓", "green") if good else Cell("✗", "bold red")


# --- banks and their faults ----------------------------------------------------------------------


def _fault_code(fault: FaultLine) -> str:
    """Return *fault* as it is typed: with its amount where it is only for one."""
    amount_fen = fault["amount_fen"]
    return fault["fault"] if amount_fen is None else f"{fault['fault']}={yuan(amount_fen)}"


BANKS = Listing(
    rows="banks",
    fields=(
        Field("bank", Column(N_("bank")), lambda row: Cell(row["bank"], "bold")),
        Field(
            "name",
            Column(N_("name"), gives=True, below=True),
            lambda row: wording.bank_name(row["bank"]),
        ),
        Field("prefix", Column(N_("cards begin with"), below=True, named=True)),
        Field(
            "cards",
            Column(N_("accounts"), right=True, below=True, named=True),
            says=N_("the number of card accounts"),
        ),
        Field("deposits_fen", Column(N_("deposits"), right=True)),
        Field(
            "channel",
            Column(N_("channel"), below=True),
            lambda row: wording.channel(row["channel"]),
        ),
        Field("faults", text=lambda row: ",".join(map(_fault_code, row["faults"]))),
    ),
    screen=("bank", "name", "prefix", "cards", "deposits_fen", "channel"),
)

FAULTS = Listing(
    rows="faults",
    fields=(
        Field(
            "bank",
            Column(N_("where")),
            lambda row: Cell(row["bank"], "bold"),
            says=N_("the code of the bank or channel"),
        ),
        Field("fault", Column(N_("fault")), lambda row: Cell(row["fault"], "yellow")),
        Field(
            "amount_fen",
            Column(N_("amount"), right=True),
            lambda row: _("any") if row["amount_fen"] is None else yuan(row["amount_fen"]),
        ),
        Field(
            "set_at",
            Column(N_("since"), below=True, extra=True),
            lambda row: Cell(wording.when_short(row["set_at"]), "dim"),
        ),
    ),
    screen=(
        "bank",
        "fault",
        Field("effect", Column(N_("effect"), below=True), lambda row: wording.fault(row["fault"])),
        "amount_fen",
        "set_at",
    ),
    empty=N_("no faults"),
)


def show_banks(banks: Sequence[BankLine], channel_faults: Sequence[FaultLine] = ()) -> None:
    """Print the demo banks: their cards, what they keep, and what goes wrong there or between."""
    BANKS.draw(banks)
    if faults := [*(fault for row in banks for fault in row["faults"]), *channel_faults]:
        print()
        show_faults(faults)


def show_faults(faults: Sequence[FaultLine]) -> None:
    """Print the simulated faults: where, which, and since when."""
    FAULTS.print_rows(faults, Layout())


def show_fault_set(changed: FaultSet) -> None:
    """Print what goes wrong at one place from now on."""
    if not changed["faults"] and is_terminal():
        place = wording.actor(changed["bank"])
        line(deed(changed, N_("{place} works normally"), place=place))
        return
    if changed.get("dry_run") and is_terminal():
        line(_("dry run, this fault would be set:"))
    show_faults(changed["faults"])


# --- statements, and who puts things right -------------------------------------------------------


def show_statement_issued(issued: StatementIssued) -> None:
    """Print what is in a bank's statement, and by what its signature is checked."""
    line(
        counted(
            "wrote {count} line of {bank} for {date} to {file}",
            "wrote {count} lines of {bank} for {date} to {file}",
            issued["count"],
            bank=wording.bank_name(issued["bank"]),
            date=issued["date"],
            file=safe(issued["file"] or ""),
        )
    )
    line(
        say(
            N_("debited from cards {debit_fen} · credited to cards {credit_fen}"),
            debit_fen=issued["debit_fen"],
            credit_fen=issued["credit_fen"],
        )
    )
    line(say(N_("signed with the bank's key {key}…"), key=issued["public_key"][:16]))


def show_corrected(corrected: Corrected) -> None:
    """Print what was moved to end a difference, and who answers for it."""
    sentence = (
        N_("{operator} debited {amount_fen} from {card} at {bank}")
        if corrected["direction"] == "debit"
        else N_("{operator} credited {amount_fen} to {card} at {bank}")
    )
    facts = {
        "operator": safe(corrected["operator"]),
        "amount_fen": corrected["amount_fen"],
        "card": corrected["card"],
        "bank": corrected["bank"],
    }
    line(deed(corrected, sentence, **facts), bold=yuan(corrected["amount_fen"]))
    kind = wording.difference(corrected["kind"])
    line(f"{corrected['payment']} · {kind} · {safe(corrected['reason'])}")


def show_operator_added(added: OperatorAdded) -> None:
    """Print who may put books right from now on, and who answers for that."""
    name, by = safe(added["operator"]), added["by"]
    sentence = (
        N_("added operator {operator}")
        if by is None
        else N_("added operator {operator} · approved by {by}")
    )
    line(say(sentence, operator=name, by=safe(by or "")), bold=name)


def show_operators(operators: Sequence[OperatorLine]) -> None:
    """Print who may put books right."""
    if not operators:
        line(_(OPERATORS.empty))
    for row in operators:
        line(safe(row["operator"]))


OPERATORS = Listing(
    rows="operators",
    fields=(Field("operator", Column(N_("operator")), lambda row: safe(row["operator"])),),
    empty=N_("no operators yet"),
)
