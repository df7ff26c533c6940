"""An act explained: each step with who acted, what was checked, what moved, how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hongbao.ui import trace, wording
from hongbao.ui.screen import console, is_terminal, line, safe
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import ActExplained, ExplainedCheck, RefusalExplained

_MARGIN = "   "


def show_explained(explained: ActExplained) -> None:
    """Print the steps, and where a refused act was stopped; in a pipe without durations."""
    out = console()
    if explained["undone"]:
        line(_("dry run: these steps were done, and undone"))
    for step in explained["steps"]:
        if not is_terminal():  # what goes to a file or a pipe repeats to the byte
            step["took_micros"] = None
        trace.show_step(out, step, is_exact=False)
        _show_checks(step["checks"])
    if (refused := explained["refused"]) is not None:
        _show_refused(refused)
    print()


def _show_refused(refused: RefusalExplained) -> None:
    _show_checks(refused["checks"])
    if refused["check"] is not None:
        what = title(refused["check"])
        line(say(N_("stopped by this check: {what}"), what=what), bold_red=what)
    _show_what_stays(refused)
    line(say(N_("what this refusal means: `hongbao why {code}`"), code=refused["code"]))


def _show_what_stays(refused: RefusalExplained) -> None:
    if refused["check"] == "pin":
        line(_("the attempt was counted, and nothing else changed"))
    elif not refused["entries"]:
        line(_("nothing was written and no money moved"))
    else:
        entries = _(", ").join(map(str, refused["entries"]))
        if refused["moved"]:
            line(say(N_("entries that were written all the same: {entries}"), entries=entries))
        else:
            line(say(N_("no money moved; entries that record it: {entries}"), entries=entries))


def _show_checks(checks: Iterable[ExplainedCheck]) -> None:
    for check in checks:
        if not (check["check"] in _ONLY_IF_FAILED and check["passed"]):
            _show_check(check)


_ONLY_IF_FAILED = frozenset({"pin_lock"})


def _show_check(check: ExplainedCheck) -> None:
    sign = "✓" if check["passed"] else "✗"
    name = title(check["check"])
    said = [*_sentences(check)]
    text = f"{_MARGIN}{sign} {name}"
    line(f"{text} · {said[0]}" if said else text, **{"green" if check["passed"] else "red": sign})
    for each in said[1:]:
        line(f"{_MARGIN}    {each}")


def title(check: str) -> str:
    """Return the name of a *check*."""
    return _(_TITLES.get(check, check))


_TITLES = {
    "signature": N_("signature"),
    "pin": N_("PIN"),
    "pin_lock": N_("PIN lock"),
    "terms": N_("the packet's terms"),
    "limits": N_("limits"),
    "risk": N_("risk control"),
    "balance": N_("balance"),
    "claimable": N_("can be claimed"),
    "refundable": N_("can be returned"),
    "route": N_("route to the bank"),
}


def _sentences(check: ExplainedCheck) -> Iterator[str]:
    """Yield what is known of *check*: the numbers that it went by, whether it was passed or not."""
    facts: Mapping[str, Any] = check["facts"]
    match check["check"]:
        case "signature" if "counter" in facts:
            yield say(
                N_("signed by {device}, as request {counter} of this device"),
                device=safe(facts["device"]),
                counter=facts["counter"],
            )
        case "pin" if facts.get("operator"):
            yield say(N_("that of the operator {name}"), name=safe(facts["operator"]))
        case "pin" if "totp" in facts.get("factors", ()):
            yield _("the payment PIN and the authenticator's code, as one attempt")
        case "pin":
            yield _("the attempt was counted, then looked at")
        case "limits" if not facts.get("limits"):
            yield _("no limit counts this")
        case "terms":
            yield say(
                N_("shares: {count}, each from 0.01 to {share_max_fen}"),
                count=facts["count"],
                share_max_fen=facts["share_max_fen"],
            )
        case "limits":
            for limit in facts.get("limits", ()):
                yield say(
                    N_("{period}: {left_fen} left of {limit_fen}"),
                    period=wording.period(limit["period"]),
                    left_fen=limit["left_fen"],
                    limit_fen=limit["limit_fen"],
                )
        case "risk" if "pack" in facts:
            yield say(
                N_("{pack}: rules for such an act: {rules}, fired: {fired}"),
                pack=facts["pack"],
                rules=facts["rules"],
                fired=safe(_(", ").join(facts["fired"])) or _("none"),
            )
        case "balance":
            yield say(
                N_("{available_fen} there, {needed_fen} needed"),
                available_fen=facts["available_fen"],
                needed_fen=facts["needed_fen"],
            )
        case "claimable" if "left" in facts:
            yield say(
                N_("shares left: {left} of {count}, until {at}"),
                left=facts["left"],
                count=facts["count"],
                at=wording.when(facts["expires_at"]),
            )
        case "refundable" if "left_fen" in facts:
            yield say(
                N_("{left_fen} unclaimed, due from {at}"),
                left_fen=facts["left_fen"],
                at=wording.when(facts["expires_at"]),
            )
        case "route" if facts.get("channel"):
            yield f"{wording.channel(facts['channel'])} → {wording.bank_name(facts['bank'])}"
