"""
The lists as pipes get them: ``tests/lists.txt``, each with its usual columns and two made-up rows.

``python -m tests.lists`` writes it anew. Scripts count these columns: a line that changes there
breaks them, so a list may come to it, and none may change.
"""

import io
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from hongbao import answers
from hongbao.commands.house import root_command
from hongbao.commands.lists import listing_at
from hongbao.ui.listing import Layout, Listing

KEPT = Path(__file__).with_name("lists.txt")

ROWS: dict[str, Any] = {
    "bills:BILLS": answers.BillLine,
    "bills:COMPARED": answers.Compared,
    "books:ACCOUNTS": answers.BooksShown,
    "challenges:CHALLENGES": answers.ChallengeLine,
    "classroom:REPORT": answers.MarkLine,
    "classroom:TASKS": answers.ClassTask,
    "clearing:BANKS": answers.BankLine,
    "clearing:DIFFERENCES": answers.DifferenceLine,
    "clearing:FAULTS": answers.FaultLine,
    "clearing:OPERATORS": answers.OperatorLine,
    "clearing:SETTLED": answers.SettledLine,
    "devices:DEVICES": answers.DeviceLine,
    "events:EVENTS": answers.EventLine,
    "fairness:LINES": answers.FairnessLine,
    "home:POLICIES": answers.PolicyLine,
    "lab:CAUGHT": answers.LabEngineCaught,
    "lab:FAULTS": answers.LabFault,
    "money:BALANCE": answers.Balance,
    "money:LIMITS": answers.LimitLine,
    "packets:PACKETS": answers.PacketLine,
    "packets:SHARES": answers.ShareLine,
    "packets:VERIFIED": answers.VerifiedShare,
    "people:CARDS": answers.CardLine,
    "people:PROFILES": answers.ProfileLine,
    "records:FINDINGS": answers.FindingLine,
    "records:HISTORY": answers.MovementLine,
    "replay:REPLAY": answers.BooksReplayed,
    "review:CASES": answers.CaseLine,
    "review:OPERATOR_LOG": answers.OperatorAct,
    "risk:REPLAYED": answers.ReplayedLine,
    "risk:RULES": answers.PackRules,
    "settings:ALIASES": answers.AliasLine,
    "settings:SETTINGS": answers.SettingLine,
    "sums:BALANCES": answers.BalancePoint,
    "sums:SUMS": answers.SumLine,
    "trace:TRACE": answers.TraceStep,
    "why:CODES": answers.CodeLine,
    "year:YEAR": answers.YearMonth,
    "publishing:PUBLICATIONS": answers.PublicationLine,
    "watching:DELIVERIES": answers.DeliveryLine,
    "watching:INBOX": answers.WatchedEvent,
    "watching:WEBHOOKS": answers.WebhookLine,
}
"""
Each list, by where it is declared, and the shape of its rows.

Where a list makes rows of something else, it is the shape of that.
"""

LISTS = {where: listing_at(where) for where in ROWS}


def declared() -> dict[str, str]:
    """Return each command that answers with a list, and where that is declared, by option too."""
    house: Any = root_command()
    with house.make_context("hongbao", [], resilient_parsing=True) as context:
        commands = {name: house.get_command(context, name) for name in house.commands}
    return {
        " ".join(filter(None, (name, below, option and f"--{option}"))): where
        for name, group in commands.items()
        for below, command in {"": group, **getattr(group, "commands", {})}.items()
        if command.listed
        for option, where in {"": command.listed, **command.listed_by}.items()
    }


def rows(where: str) -> list[Mapping[str, Any]]:
    """Return made-up rows of the list at *where*: one with all that there may be, one bare."""
    every = LISTS[where].every
    made: list[Mapping[str, Any]] = [row(ROWS[where], bare=bare) for bare in (False, True)]
    return made if every is None else [each for answer in made for each in every(answer)]


def row(shape: Any, *, bare: bool = False) -> dict[str, Any]:
    """Return a row with a value for each key; a *bare* one has none where there may be none."""
    return {
        key: _value(key, kind, number, bare=bare)
        for number, (key, kind) in enumerate(typing.get_type_hints(shape).items(), 1)
    }


def _value(key: str, kind: Any, number: int, *, bare: bool) -> Any:
    kinds = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        return None if bare else _value(key, kinds[0], number, bare=bare)
    if typing.get_origin(kind) is list:
        return [] if bare else [_value(f"{key}{n}", kinds[0], n, bare=bare) for n in (1, 2)]
    if typing.get_origin(kind) is dict:
        return {"en": f"{key} in English", "zh": f"{key}（中文）"}
    plain = {bool: not bare, int: 1001 * number * (-1 if bare else 1), str: key}
    return plain[kind] if kind in plain else row(kind, bare=bare)


def printed(found: Listing, of: list[Mapping[str, Any]], layout: Layout = Layout()) -> str:  # noqa: B008
    """Return what rows *of* it print into a pipe."""
    bytes_out = io.BytesIO()
    out = io.TextIOWrapper(bytes_out, "utf-8", newline="\n")
    with redirect_stdout(out):
        found.print_rows(of, layout)
    out.flush()
    return bytes_out.getvalue().decode()


def page() -> str:
    """Return the kept file."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for where, found in LISTS.items():
        yield f"# {where}"
        yield "\t".join(pick.name for pick in found.piped())
        yield printed(found, rows(where))


if __name__ == "__main__":
    KEPT.write_text(page(), encoding="utf-8")
