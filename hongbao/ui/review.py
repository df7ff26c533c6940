"""Review on the terminal: cases, evidence, opinions, and the records kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui import risk, wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Listing, mark
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe
from hongbao.units import yuan
from hongbao.words import N_, _, counted, in_language, say

if TYPE_CHECKING:
    from hongbao.answers import (
        CaseLine,
        CaseList,
        CaseShown,
        ConditionLine,
        Decided,
        OperatorAct,
        OperatorLog,
        OpinionLine,
        RecordsKept,
        ReportWritten,
    )

_KINDS = {
    "hold": N_("hold"),
    "large": N_("large"),
    "suspicious": N_("suspicious"),
}

_STATES = {
    "open": N_("undecided"),
    "escalated": N_("escalated"),
    "approved": N_("approved"),
    "rejected": N_("rejected"),
    "released": N_("released"),
    "returned": N_("returned"),
}
_STATE_STYLES = {
    "open": "bold",
    "escalated": "bold yellow",
    "approved": "green",
    "released": "green",
    "rejected": "red",
    "returned": "red",
}

_VERBS = {
    "approve": N_("approves"),
    "reject": N_("rejects"),
    "escalate": N_("escalates"),
}

_ENDS = {
    "release": N_("released on {until} without a decision"),
    "return": N_("returned on {until} without a decision"),
}

_CLOSED = {
    ("hold", "approved"): N_("approved {case} · released {amount_fen} of {profile}"),
    ("hold", "rejected"): N_("rejected {case} · returned {amount_fen} of {profile}"),
    ("", "approved"): N_("approved {case} · nothing to report"),
    ("", "rejected"): N_("rejected {case} · to be reported"),
}

_ACTS = {
    "operator_add": N_("added operator {about}"),
    "home_epoch": N_("opened epoch {about} of the log"),
    "correct": N_("corrected {about}"),
    "approved": N_("approved {about}"),
    "rejected": N_("rejected {about}"),
    "escalated": N_("escalated {about}"),
    "unmasked": N_("looked at personal data of {about}"),
    "risk_use": N_("activated the rules {about}"),
    "risk_train": N_("trained the model {about}"),
    "risk_model": N_("activated the model {about}"),
}
_OPINIONS = {
    "approve": N_("proposed to approve {about}"),
    "reject": N_("proposed to reject {about}"),
}


def kind(code: str) -> str:
    """Return the title of a kind of case."""
    return _(_KINDS.get(code, code))


def state(code: str) -> str:
    """Return the title of a case's state."""
    return _(_STATES.get(code, code))


# --- cases ---------------------------------------------------------------------------------------


def _waits(row: CaseLine) -> bool:
    return row["state"] in ("open", "escalated")


def _state(row: CaseLine) -> Cell:
    if row["second_needed"]:
        return Cell(_("needs a second opinion"), "bold yellow")
    return Cell(state(row["state"]), _STATE_STYLES.get(row["state"], ""))


def _whose(row: CaseLine) -> str:
    """Return whose case it is: the same number is the same person, even if it is masked."""
    return f"{safe(row['profile'])} #{row['person']}"


CASES = Listing(
    rows="cases",
    fields=(
        Field("case", Column(N_("case")), lambda row: Cell(row["case"], "bold")),
        Field("kind", Column(N_("kind")), lambda row: kind(row["kind"])),
        Field("state", Column(N_("state")), _state),
        Field("second_needed", text=mark("second_needed", "second")),
        Field("person"),
        Field("profile", Column(N_("profile"), gives=True), _whose),
        Field(
            "what", Column(N_("what"), below=True, extra=True), lambda row: risk.what(row["what"])
        ),
        Field("amount_fen", Column(N_("amount"), right=True)),
        Field(
            "rule", Column(N_("rule"), below=True, extra=True), lambda row: Cell(row["rule"], "dim")
        ),
        Field("opened_at"),
        Field(
            "until",
            Column(N_("ends automatically"), below=True, named=True),
            lambda row: wording.when_short(row["until"]) if row["until"] and _waits(row) else "",
        ),
        Field("ends"),
        Field("real_name", Column(N_("real name"), below=True)),
        Field("id_number", Column(N_("ID number"), below=True)),
    ),
    more=(Field("why"),),
    screen=(
        *("case", "kind", "state", "profile", "real_name", "id_number", "what", "amount_fen"),
        *("rule", "until"),
    ),
    empty=N_("no open cases"),
)


def cases_in(listed: CaseList) -> Listing:
    """Return the list of cases; what is masked in *listed* has no place on a screen."""
    if not listed["masked"]:
        return CASES
    usual = tuple(key for key in CASES.screen if key not in ("real_name", "id_number"))
    return CASES._replace(screen=usual)


def _piped(case: CaseLine) -> list[object]:
    return [pick.value(case) for pick in CASES.piped()]


def show_case(case: CaseShown) -> None:
    """Print one case: what it is about, why it was opened, and what was said of it."""
    if not is_terminal():
        _pipe_case(case)
        return
    text = (case["case"], kind(case["kind"]), _state(case).text, yuan(case["amount_fen"]))
    line(" · ".join(text), bold=case["case"])
    line(" · ".join(part for part in _who(case) if part))
    about = (
        risk.what(case["what"]),
        wording.when(case["opened_at"]),
        case["packet"] or case["payment"],
        safe(case["counterparty"] or ""),
        case["request_id"],
    )
    line(" · ".join(part for part in about if part))
    line(say(N_("{says} · rule {rule}"), says=safe(in_language(case["why"])), rule=case["rule"]))
    for condition in case["conditions"]:
        line(_condition(condition))
    if case["pack"]:
        line(_judged_by(case))
    if case["closed_at"] is None:
        _show_what_it_takes(case)
    if case["opinions"]:
        print()
        _show_opinions(case["opinions"])
    if case["closed_at"] is not None:
        closed = say(N_("closed on {at}"), at=wording.when(case["closed_at"]))
        line(f"{state(case['state'])} · {closed}", bold=state(case["state"]))


def _who(case: CaseLine) -> tuple[str, str, str]:
    return _whose(case), safe(case["real_name"] or ""), case["id_number"] or ""


def _condition(row: ConditionLine) -> str:
    unit = row["unit"]
    bounds = [
        f"{sign} {risk.value(unit, bound)}"
        for sign, bound in (("≥", row["at_least"]), ("≤", row["at_most"]))
        if bound is not None
    ]
    sentence = N_("{label}: {value} ({bounds})")
    label, value = risk.label(row["indicator"]), risk.value(unit, row["value"])
    return "  " + say(sentence, label=label, value=value, bounds=" ".join(bounds))


def _judged_by(case: CaseShown) -> str:
    if case["model"] is None or case["score"] is None:
        return say(N_("judged by {pack}"), pack=case["pack"] or "")
    title = say(
        N_("model {model} · score {score}"),
        model=case["model"],
        score=risk.value("permille", case["score"]),
    )
    return f"{say(N_('judged by {pack}'), pack=case['pack'] or '')} · {title}"


def _show_what_it_takes(case: CaseShown) -> None:
    if case["until"] is not None and case["ends"] is not None:
        sentence, until = _ENDS[case["ends"]], wording.when(case["until"])
        line(say(sentence, until=until))
    if case["two_needed"]:
        line(_("two operators have to agree"), bold_yellow=_("two operators have to agree"))


def _show_opinions(opinions: Sequence[OpinionLine]) -> None:
    for row in opinions:
        operator = safe(row["operator"])
        code = row["verb"]
        verb = _(_VERBS[code])
        when = wording.when_short(row["at"])
        line(f"{when}  {operator} {verb} · {safe(row['reason'])}", bold=operator)


def _pipe_case(case: CaseShown) -> None:
    pipe(
        ("case", *_piped(case)),
        (
            "act",
            case["entry"],
            case["request_id"],
            case["packet"],
            case["payment"],
            case["counterparty"],
        ),
        ("judged", case["pack"], case["model"], case["score"]),
        *(
            ("evidence", row["indicator"], row["value"], row["at_least"], row["at_most"])
            for row in case["conditions"]
        ),
        *(
            ("opinion", row["at"], row["operator"], row["verb"], row["reason"])
            for row in case["opinions"]
        ),
    )


def show_decided(decided: Decided) -> None:
    """Print what a case is now, and what became of its money."""
    facts = {
        "case": decided["case"],
        "amount_fen": decided["amount_fen"],
        "profile": safe(decided["profile"]),
    }
    held = "hold" if decided["kind"] == "hold" else ""
    sentence = _CLOSED.get((held, decided["state"]))
    if sentence is None:
        sentence = (
            N_("{case} is waiting for a second operator, who has to agree")
            if decided["second_needed"]
            else N_("escalated {case} · two operators have to agree")
        )
    line(deed(decided, sentence, **facts), bold=decided["case"])
    if decided["refunded_to"] is not None and decided["arrives_at"] is not None:
        line(
            say(
                N_("back to {place} · there on {at}"),
                place=wording.money_place(decided["refunded_to"]),
                at=wording.when(decided["arrives_at"]),
            )
        )


# --- what is kept --------------------------------------------------------------------------------


def show_report_written(written: ReportWritten) -> None:
    """Print how much was written, and where to."""
    line(
        counted(
            "wrote {count} case to {file}",
            "wrote {count} cases to {file}",
            written["count"],
            file=safe(written["file"]),
        )
    )
    if not written["masked"]:
        line(_("it has personal data: keep it confidential"))


def show_records(kept: RecordsKept) -> None:
    """Print how far back the records go, and whether any is missing."""
    if not is_terminal():
        _pipe_records(kept)
        return
    whole = _("✓ the records are complete") if kept["complete"] else _("✗ records are missing")
    line(whole, **({"green": "✓"} if kept["complete"] else {"bold_red": "✗"}))
    if kept["first_at"] and kept["last_at"] and kept["keep_until"]:
        line(
            counted(
                "{count} entry · from {first} to {last}",
                "{count} entries, 1 to {count} · from {first} to {last}",
                kept["entries"],
                first=wording.when(kept["first_at"]),
                last=wording.when(kept["last_at"]),
            )
        )
        line(
            counted(
                "kept for {count} year by {pack} · the oldest until {until}; all are kept",
                "kept for {count} years by {pack} · the oldest until {until}; all are kept",
                kept["keep_years"],
                pack=kept["pack"],
                until=wording.when(kept["keep_until"])[:10],
            )
        )
    counts = (
        (N_("judged {n}"), kept["judged"]),
        (N_("stopped {n}"), kept["stopped"]),
        (N_("holds {n}"), kept["holds"]),
        (N_("large {n}"), kept["large"]),
        (N_("suspicious {n}"), kept["suspicious"]),
        (N_("waiting {n}"), kept["waiting"]),
        (N_("opinions {n}"), kept["opinions"]),
        (N_("acts of operators {n}"), kept["by_operators"]),
    )
    line(" · ".join(say(sentence, n=count) for sentence, count in counts))
    line(say(N_("head {entry} {seal}"), entry=kept["head"]["entry"], seal=kept["head"]["mac"][:16]))


def _pipe_records(kept: RecordsKept) -> None:
    pipe(
        ("complete" if kept["complete"] else "incomplete",),
        ("entries", kept["entries"], kept["first_at"], kept["last_at"]),
        ("keep", kept["pack"], kept["keep_years"], kept["keep_until"]),
        *(
            (name, kept[name])
            for name in (
                *("judged", "stopped", "holds", "large", "suspicious"),
                *("waiting", "opinions", "by_operators"),
            )
        ),
        ("head", kept["head"]["entry"], kept["head"]["mac"]),
    )


# --- what operators did --------------------------------------------------------------------------


def show_operator_log(log: OperatorLog) -> None:
    """Print what operators did, oldest first."""
    if not log["acts"]:
        line(_(OPERATOR_LOG.empty))
    for row in log["acts"]:
        operator = safe(row["operator"])
        text = f"{row['event']:>4}  {wording.when_short(row['at'])}  {operator} · {_deed(row)}"
        line(" · ".join(filter(None, (text, safe(row["reason"] or "")))), bold=operator)


def _deed(row: OperatorAct) -> str:
    sentence = (
        _OPINIONS.get(row["decision"] or "", row["act"])
        if row["act"] == "opinion"
        else _ACTS.get(row["act"], row["act"])
    )
    about = row["about"] or _("several cases")
    return say(sentence, about=safe(about))


OPERATOR_LOG = Listing(
    rows="acts",
    fields=(
        Field("event", Column("", right=True)),
        Field("at", Column(N_("time")), lambda row: Cell(wording.when_short(row["at"]), "dim")),
        Field("operator", Column(N_("who")), lambda row: safe(row["operator"])),
        Field("act", Column(N_("what")), _deed),
        Field("about"),
        Field("decision"),
        Field("reason", Column(N_("why"), gives=True)),
    ),
    empty=N_("no operator has acted yet"),
)
