"""Risk control on the terminal: the explanation of a judgement, a profile's picture, the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from hongbao.domain.risk.acts import Guard
from hongbao.domain.risk.indicators import INDICATORS, Unit, parse_key, window
from hongbao.domain.risk.measures import NEVER
from hongbao.domain.risk.places import place_called
from hongbao.ui import wording
from hongbao.ui.bars import LEVELS
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, console, is_terminal, line, pipe, safe, styled, table
from hongbao.ui.script import columns, folded
from hongbao.units import yuan
from hongbao.words import N_, _, counted, in_language, language, say

if TYPE_CHECKING:
    from rich.console import Console

    from hongbao.answers import (
        ConditionLine,
        Explained,
        GuardsUsed,
        IndicatorLine,
        JudgedLine,
        PackRules,
        Pictured,
        ReplayedRisk,
        RuleLine,
    )

_COLUMNS_MAX = 76

_GUARDS = {
    "device": N_("device guard"),
    "behaviour": N_("behaviour guard"),
    "transaction": N_("transaction guard"),
    "account": N_("account guard"),
    "data": N_("data guard"),
}

_WHATS = {
    "send": N_("sending a packet"),
    "give": N_("giving a packet"),
    "claim": N_("claiming a share"),
    "topup": N_("topping up"),
    "withdraw": N_("withdrawing"),
}

_ANSWERS = {
    "allow": N_("allows"),
    "delay": N_("delays"),
    "limit": N_("lowers the limit"),
    "challenge": N_("challenges"),
    "hold": N_("holds"),
    "refuse": N_("refuses"),
    "cut": N_("logs the device out"),
    "large": N_("reports as large"),
    "suspicious": N_("reports as suspicious"),
}

_ANSWERS_IN_FULL = {
    ("hold", "release"): N_("holds for {hours}, then releases"),
    ("hold", "return"): N_("holds for {hours}, then returns"),
    ("delay", None): N_("delays for {days}"),
    ("limit", None): N_("allows {day_fen} a day"),
}

_VERDICTS = {
    "allow": N_("it was allowed"),
    "delay": N_("it was allowed; the claimed amount can be withdrawn only later"),
    "limit": N_("it was not done: this profile may pay out less in a day"),
    "challenge": N_("it was not done yet: it needs a challenge first"),
    "hold": N_("the money is held for review"),
    "refuse": N_("it was refused"),
    "cut": N_("it was refused, and the device was logged out"),
}
_VERDICT_STYLES = {"allow": "bold_green", "delay": "bold_yellow"}


def guard(code: str) -> str:
    """Return the title of one of the five guards."""
    return _(_GUARDS.get(code, code))


def what(code: str) -> str:
    """Return the title of a judged act."""
    return _(_WHATS.get(code, code))


def answer(code: str) -> str:
    """Return the title of a verdict."""
    return _(_ANSWERS.get(code, code))


# --- why -----------------------------------------------------------------------------------------


def show_explained(explained: Explained, *, everything: bool = False) -> None:
    """
    Print how each attempt was judged: first in plain words, then the rules that fired.

    Of *everything* the last attempt has every rule with what it asked, and the model's parts.
    """
    decisions = explained["decisions"]
    if not is_terminal():
        for judged in decisions:
            _pipe_judged(judged)
        return
    out = console()
    for judged in decisions:
        _show_judged(out, judged, whole=everything and judged is decisions[-1])
    if not everything:
        _mention_all()


def _show_judged(out: Console, judged: JudgedLine, *, whole: bool) -> None:
    _show_verdict(judged)
    print()
    if not (whole or any(rule["fired"] for rule in judged["rules"])):
        line(_("no rule fired"))
    rows = [rule for rule in judged["rules"] if whole or rule["fired"]]
    widths = _Widths(
        condition for rule in (*rows, *judged["reports"]) for condition in rule["conditions"]
    )
    for code in map(str, Guard):
        rules = [rule for rule in rows if rule["guard"] == code]
        rules.sort(key=lambda rule: not rule["fired"])
        if rules or whole:
            _spread(out, guard(code), bold=guard(code))
        for rule in rules:
            _show_rule(out, rule, widths)
        if whole and not rules:
            _spread(out, "  " + _("no rule of this guard applies to such an act"), dim=" ")
    reports = [rule for rule in judged["reports"] if rule["fired"]]
    if reports:
        title = _("reports to reviewers")
        _spread(out, title, bold=title)
    for rule in reports:
        _show_rule(out, rule, widths)
    _show_model(out, judged, whole=whole)
    print()


def _show_verdict(judged: JudgedLine) -> None:
    about = [what(judged["what"]), wording.when(judged["at"])]
    if judged["what"] != "claim":
        about.insert(1, yuan(judged["amount_fen"]))
    line(" · ".join(about), bold=about[0])
    passed, verdict = judged["challenge"], judged["verdict"]
    line_text = (
        say(N_("it was allowed once, after challenge {challenge} was passed"), challenge=passed)
        if passed is not None
        else _(_VERDICTS[verdict])
    )
    style = "bold_green" if passed else _VERDICT_STYLES.get(verdict, "bold_red")
    line(line_text, **{style: line_text})
    rule = next((rule for rule in judged["rules"] if rule["rule"] == judged["rule"]), None)
    if rule is not None:
        line(
            say(N_("{says} · rule {rule}"), says=safe(in_language(rule["why"])), rule=rule["rule"])
        )
    for case in judged["cases"]:
        line(say(N_("see case {case}"), case=case))
    if verdict != "allow" and passed is None:
        _show_way_out(judged)
    by = (judged["pack"], judged["model"] or "")
    line(
        say(
            N_("judged by {pack} and the model {model}")
            if judged["model"]
            else N_("judged by {pack}"),
            pack=by[0],
            model=by[1],
        )
    )


def _show_way_out(judged: JudgedLine) -> None:
    amount_fen, at = judged["allowed_fen"], judged["allowed_from"]
    if amount_fen is not None:
        line(
            say(N_("up to {amount_fen} would have been allowed at once"), amount_fen=amount_fen),
            green=yuan(amount_fen),
        )
    if at is not None:
        line(
            say(
                N_("the same would be allowed from {at}, if you do nothing until then"),
                at=wording.when(at),
            ),
            green=wording.when(at),
        )
    if amount_fen is None and at is None:
        line(_("neither a smaller amount nor a later time would have been allowed"))


def _show_rule(out: Console, rule: RuleLine, widths: _Widths) -> None:
    mark = "●" if rule["fired"] else "○"
    style = "bold_red" if rule["fired"] else "dim"
    _spread(out, f"  {mark} {rule['rule']}", _in_full(rule), **{style: f"{mark} {rule['rule']}"})
    for condition in rule["conditions"]:
        sign = "✓" if condition["holds"] else "·"
        asked = widths.beside(condition)
        line_text = f"    {sign} {label(condition['indicator'])}"
        _spread(out, line_text, asked, **({} if condition["holds"] else {"dim": line_text.strip()}))


def _show_model(out: Console, judged: JudgedLine, *, whole: bool) -> None:
    score = judged["score"]
    if score is None:
        return
    title = say(
        N_("model {model} · score {score}"),
        model=judged["model"] or "",
        score=value("permille", score),
    )
    _spread(out, title, bold=title)
    parts = judged["model_parts"] if whole else []
    width = max((columns(value(p["unit"], p["value"])) for p in parts), default=0)
    for part in parts:
        points = f"{'+' if part['points'] > 0 else '-'}{value('permille', abs(part['points']))}"
        measured = _right(value(part["unit"], part["value"]), width)
        _spread(out, f"    {label(part['indicator'])}", f"{measured}  {points:>7}")


def _pipe_judged(judged: JudgedLine) -> None:
    allowed_fen = judged["allowed_fen"]
    pipe(
        (
            "decision",
            judged["entry"],
            judged["at"],
            judged["what"],
            yuan(judged["amount_fen"]),
            judged["verdict"],
            judged["rule"],
            judged["pack"],
            judged["model"],
            judged["score"],
            judged["challenge"],
            None if allowed_fen is None else yuan(allowed_fen),
            judged["allowed_from"],
            ",".join(judged["cases"]),
        )
    )
    for kind, rules in (("rule", judged["rules"]), ("report", judged["reports"])):
        pipe(
            *(
                (
                    kind,
                    judged["entry"],
                    rule["rule"],
                    rule["guard"],
                    rule["answer"],
                    "*" if rule["fired"] else "",
                    condition["indicator"],
                    condition["value"],
                    condition["at_least"],
                    condition["at_most"],
                    "*" if condition["holds"] else "",
                )
                for rule in rules
                for condition in rule["conditions"]
            )
        )
    pipe(
        *(
            ("model", judged["entry"], part["indicator"], part["value"], part["points"])
            for part in judged["model_parts"]
        )
    )


# --- a profile's picture -------------------------------------------------------------------------


def show_picture(picture: Pictured, *, everything: bool = False) -> None:
    """Print what risk control knows of a profile; the indicators at zero with *everything*."""
    if not is_terminal():
        _pipe_picture(picture)
        return
    name = safe(picture["profile"])
    line(
        " · ".join(filter(None, (name, picture["pack"], picture["model"]))),
        bold=name,
    )
    print()
    titles = [(_(title), text) for title, text in _facts(picture)]
    width = max(columns(title) for title, _text in titles)
    for title, text in titles:
        line(f"{title}{' ' * (width - columns(title))}  {text}", dim=title)
    indicators = [row for row in picture["indicators"] if everything or _is_notable(row)]
    if len(indicators) < len(picture["indicators"]):
        _show_indicators(indicators)
        _mention_all()
    elif indicators:  # else its rules look at amounts alone
        _show_indicators(indicators)


def _show_indicators(indicators: Sequence[IndicatorLine]) -> None:
    if not indicators:
        return
    print()
    line_text = _("if you sent a packet now, of any amount")
    line(line_text, dim=line_text)
    out = console()
    for code, rows in groupby(
        sorted(indicators, key=lambda row: list(_GUARDS).index(row["guard"])),
        key=lambda row: row["guard"],
    ):
        _spread(out, guard(code), bold=guard(code))
        for row in rows:
            _spread(out, f"    {label(row['indicator'])}", value(row["unit"], row["value"]))


def _mention_all() -> None:
    line_text = _("the rest: --all")
    line(line_text, dim=line_text)


def _is_notable(row: IndicatorLine) -> bool:
    """Return whether an indicator is not zero, and was ever measured."""
    return 0 < row["value"] < NEVER


def _facts(picture: Pictured) -> list[tuple[str, str]]:
    """Return each fact's title and its text."""
    first, last, usual_fen = picture["first_at"], picture["last_at"], picture["usual_fen"]
    acts = [str(picture["acts"])]
    if first is not None and last is not None:
        acts.append(say(N_("since {at}"), at=wording.when_short(first)))
        acts.append(say(N_("last {at}"), at=wording.when_short(last)))
    waiting = (
        say(N_("stopped {n}"), n=picture["stops"]),
        say(N_("open challenges {n}"), n=picture["open_challenges"]),
        say(N_("open cases {n}"), n=picture["open_cases"]),
    )
    return [
        (N_("acts"), " · ".join(acts)),
        (N_("usually pays"), _("nothing yet") if usual_fen is None else yuan(usual_fen)),
        (
            N_("today"),
            say(
                N_("in {in_fen} · out {out_fen}"),
                in_fen=picture["today_in_fen"],
                out_fen=picture["today_out_fen"],
            ),
        ),
        (N_("device"), " · ".join(filter(None, (safe(picture["device"] or ""), _city(picture))))),
        (N_("usual places"), _place(picture["home_city"]) or _("nothing yet")),
        (N_("answers"), " · ".join(waiting)),
        (N_("hours"), _bars(picture["hours"])),
    ]


def _city(picture: Pictured) -> str:
    return _place(picture["city"]) or _("location unknown")


def _place(code: str | None) -> str:
    place = None if code is None else place_called(code)
    if place is None:
        return ""
    return place.name_zh if language().startswith("zh") else place.name_en


def _bars(hours: Sequence[int]) -> str:
    most = max(hours)
    return "".join(LEVELS[-(-8 * hour // most)] if most else LEVELS[1] for hour in hours).replace(
        LEVELS[0], "·"
    )


def _pipe_picture(picture: Pictured) -> None:
    usual_fen = picture["usual_fen"]
    pipe(
        *(
            ("profile", picture["profile"]),
            ("pack", picture["pack"]),
            ("model", picture["model"]),
            ("device", picture["device"], picture["city"]),
            ("acts", picture["acts"], picture["first_at"], picture["last_at"]),
            ("usual", None if usual_fen is None else yuan(usual_fen)),
            ("today", yuan(picture["today_in_fen"]), yuan(picture["today_out_fen"])),
            ("home_city", picture["home_city"]),
            ("stops", picture["stops"], picture["open_challenges"], picture["open_cases"]),
            ("hours", *picture["hours"]),
        ),
        *(
            ("indicator", row["indicator"], row["guard"], row["unit"], row["value"])
            for row in picture["indicators"]
        ),
    )


# --- rules ---------------------------------------------------------------------------------------


def show_rules(rules: PackRules, *, everything: bool = False) -> None:
    """
    Print the rules of a pack, guard by guard, and what is reported to reviewers.

    With *everything*, each has the acts that it looks at, and its conditions.
    """
    title = safe(rules["title_zh"] if language().startswith("zh") else rules["title"])
    line(" · ".join(filter(None, (rules["pack"], title, rules["model"]))), bold=rules["pack"])
    print()
    out = console()
    conditions = (
        row for rule in (*rules["rules"], *rules["reports"]) for row in rule["conditions"]
    )
    widths = _Widths(conditions, measured=False) if everything else None
    for code in map(str, Guard):
        own = [rule for rule in rules["rules"] if rule["guard"] == code]
        _show_section(out, guard(code), own, widths)
    _show_section(out, _("reports to reviewers"), rules["reports"], widths)
    if not everything:
        _mention_all()


def _show_section(
    out: Console, title: str, rules: Sequence[RuleLine], widths: _Widths | None
) -> None:
    """Print some *rules* under their *title*; their conditions where they have *widths*."""
    if rules:
        _spread(out, title, bold=title)
    for rule in rules:
        _spread(out, f"  {rule['rule']}", _in_full(rule), bold_red=rule["rule"])
        says = safe(in_language(rule["why"]))
        acts = " · ".join(map(what, rule["acts"]))
        for text in (says, acts) if widths is not None else (says,):
            for line_text in folded(text, min(out.width, _COLUMNS_MAX) - 4):
                _print(out, f"    {line_text}", dim=line_text)
        if widths is not None:
            for condition in rule["conditions"]:
                _spread(out, f"    {label(condition['indicator'])}", widths.beside(condition))


def _conditions(rules: PackRules) -> Iterator[Mapping[str, object]]:
    """Yield each condition of each rule, with its rule."""
    for part, rows in (("rule", rules["rules"]), ("report", rules["reports"])):
        for rule in rows:
            for condition in rule["conditions"]:
                yield {**rule, **condition, "part": part}


RULES = Listing(
    rows="rules",
    every=_conditions,
    fields=(
        Field("part", says=N_("rule, or report for what reviewers get")),
        Field("rule"),
        Field("guard", says=N_("the guard, as a code")),
        Field("answer", says=N_("the rule's answer, as a code")),
        Field("acts", says=N_("the acts that the rule looks at, as codes")),
        Field("indicator", says=N_("the indicator that is measured")),
        Field("at_least", says=N_("the least value that the rule asks for")),
        Field("at_most", says=N_("the largest value that the rule asks for")),
        Field("hold_hours", says=N_("how many hours a hold lasts")),
        Field("then", says=N_("how a hold ends automatically: release or return")),
        Field("delay_days", says=N_("how many days later it can be withdrawn")),
        Field("day_fen", says=N_("the lowered limit of a day")),
    ),
    more=(Field("unit", says=N_("the unit of the values")), Field("why")),
)


def show_guards_used(used: GuardsUsed) -> None:
    """Print which rules, or which model, are asked from now on."""
    if used["model"] == used["before_model"]:
        sentence = N_("risk pack {pack} is active · before it, {before}")
    elif "acts" in used:
        sentence = N_("model {model} is used from now on · acts it learned from: {acts}")
    else:
        sentence = N_("model {model} is used from now on · before it, {before_model}")
    line(
        deed(
            used,
            sentence,
            pack=used["pack"],
            before=used["before"],
            model=used["model"] or "",
            before_model=used["before_model"] or "-",
            acts=used.get("acts", 0),
        )
    )


# --- replay --------------------------------------------------------------------------------------


REPLAYED = Listing(
    rows="changes",
    fields=(
        Field("entry"),
        Field("at"),
        Field("profile"),
        Field("act"),
        Field("amount_fen"),
        Field("before", says=N_("how it was answered, as a code")),
        Field("before_rule", says=N_("by which rule it was answered so")),
        Field("after", says=N_("how it would be answered, as a code")),
        Field("after_rule", says=N_("by which rule it would be answered so")),
    ),
    is_part=True,
)


def show_replayed(replayed: ReplayedRisk) -> None:
    """Print how many acts would be answered differently, and which."""
    if not is_terminal():
        _pipe_replayed(replayed)
        return
    line(
        counted(
            "{count} act judged by {pack} · {changed} would be answered differently",
            "{count} acts judged by {pack} · {changed} would be answered differently",
            replayed["acts"],
            pack=replayed["pack"],
            changed=replayed["changed"],
        ),
        bold=replayed["pack"],
    )
    if replayed["totals"]:
        print()
        table(
            [Column(_("was")), Column(_("would be")), Column(_("acts"), right=True)],
            [
                [
                    _past(total["before"]),
                    Cell(
                        _past(total["after"]),
                        "" if total["before"] == total["after"] else "bold yellow",
                    ),
                    str(total["acts"]),
                ]
                for total in replayed["totals"]
            ],
        )
    if replayed["changes"]:
        print()
        table(
            [
                Column(_("when")),
                Column(_("profile"), gives=True),
                Column(_("act"), below=True),
                Column(_("amount"), right=True),
                Column(_("was"), below=True, named=True),
                Column(_("would be"), below=True, named=True),
                Column(_("rule"), below=True),
            ],
            [
                [
                    Cell(wording.when_short(change["at"]), "dim"),
                    safe(change["profile"]),
                    what(change["act"]),
                    yuan(change["amount_fen"]),
                    _past(change["before"]),
                    Cell(_past(change["after"]), "bold"),
                    change["after_rule"] or change["before_rule"] or "",
                ]
                for change in replayed["changes"]
            ],
        )


_PASTS = {
    "allow": N_("allowed"),
    "delay": N_("delayed"),
    "limit": N_("limit lowered"),
    "challenge": N_("challenged"),
    "hold": N_("held"),
    "refuse": N_("refused"),
    "cut": N_("logged out"),
}


def _past(code: str) -> str:
    return _(_PASTS.get(code, code))


def _pipe_replayed(replayed: ReplayedRisk) -> None:
    pipe(
        *(
            ("total", total["before"], total["after"], total["acts"])
            for total in replayed["totals"]
        ),
        *(
            ("change", *(pick.value(change) for pick in REPLAYED.piped()))
            for change in replayed["changes"]
        ),
    )


# --- words and numbers ---------------------------------------------------------------------------


def label(indicator: str) -> str:
    """
    Return the label of an indicator.

    >>> label("claims/10m"), label("just_below:20000.00/24h")
    ('packets claimed, 10m', 'amounts just below 20000.00, 24h')
    """
    key = parse_key(indicator)
    line_text = _(INDICATORS[key.indicator].label)
    if key.of_fen:
        line_text = say(N_("{label} {of_fen}"), label=line_text, of_fen=key.of_fen)
    if key.window_s:
        line_text = say(
            N_("{label}, {window}"), label=line_text, window=_length(window(key.window_s))
        )
    return line_text


_LENGTHS = {"d": N_("{n}d"), "h": N_("{n}h"), "m": N_("{n}m"), "s": N_("{n}s")}


def _length(text: str) -> str:
    """Format a time window such as ``10m``."""
    return say(_LENGTHS[text[-1]], n=text[:-1])


def value(unit: str, number: int) -> str:
    """
    Return a measured value with its unit; a length of time that never began is a dash.

    >>> value("fen", 6666), value("tenths", 125), value("permille", 612), value("km/h", 980)
    ('66.66', '12.5×', '61.2%', '980 km/h')
    """
    if number >= NEVER and unit in (Unit.MS, Unit.MINUTES):
        return "-"
    tenths = f"{number // 10}.{number % 10}"
    match unit:
        case Unit.FEN:
            return yuan(number)
        case Unit.TENTHS:
            return f"{tenths}×"
        case Unit.PERMILLE:
            return f"{tenths}%"
        case Unit.FLAG:
            return _("yes") if number else _("no")
        case Unit.MS:
            return say(N_("{n} ms"), n=number)
        case Unit.SECONDS | Unit.MINUTES if number:
            return _length(window(number * (60 if unit == Unit.MINUTES else 1)))
        case Unit.SECONDS | Unit.MINUTES | Unit.HOURS | Unit.DAYS:
            return say(_LENGTHS[unit[0]], n=number)
        case Unit.KM | Unit.KMH:
            return f"{number} {unit}"
    return str(number)


def _asked(condition: ConditionLine) -> str:
    """Return a condition's bounds: at least, at most, or between the two."""
    unit, least, most = condition["unit"], condition["at_least"], condition["at_most"]
    if unit == Unit.FLAG:
        return f"= {value(unit, int(bool(least)))}"
    bounds = (("≥", least), ("≤", most))
    return " ".join(f"{sign} {value(unit, n)}" for sign, n in bounds if n is not None)


def _in_full(rule: RuleLine) -> str:
    """Return a rule's verdict, with its duration and amount."""
    code, ends = rule["answer"], rule["then"]
    return say(
        _ANSWERS_IN_FULL.get((code, ends)) or _ANSWERS[code],
        hours=_length(f"{rule['hold_hours']}h"),
        days=_length(f"{rule['delay_days']}d"),
        day_fen=rule["day_fen"],
    )


class _Widths:
    """The widths of values and thresholds, to align them."""

    def __init__(self, conditions: Iterable[ConditionLine], *, measured: bool = True) -> None:
        rows = list(conditions)
        self.measured = measured
        self.values = max((columns(value(row["unit"], row["value"])) for row in rows), default=0)
        self.bounds = max((columns(_asked(row)) for row in rows), default=0)

    def beside(self, condition: ConditionLine) -> str:
        """Return the value of *condition* and its threshold as they are shown next to it."""
        bound = _asked(condition)
        bound += " " * (self.bounds - columns(bound))
        if not self.measured:
            return bound
        return f"{_right(value(condition['unit'], condition['value']), self.values)}  {bound}"


def _right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text


def _spread(out: Console, start: str, end: str = "", **styles: str) -> None:
    """Print *start* and, at the right margin, the *end*; on two lines where there is no room."""
    width = min(out.width, _COLUMNS_MAX)
    lines = folded(start, width)
    if end:
        room = width - columns(lines[-1]) - columns(end)
        if room < 2:
            lines.append("")
            room = max(width - columns(end), 0)
        lines[-1] += " " * room + end
    for line_text in lines:
        _print(out, line_text, **styles)


def _print(out: Console, line_text: str, **styles: str) -> None:
    out.print(styled(line_text.rstrip(), **styles), no_wrap=True, overflow="ignore", crop=False)
