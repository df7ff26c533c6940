"""Commands that answer with a list: the options for its form and its columns."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from hongbao import errors, settings
from hongbao.commands.declared import (
    Context,
    Finished,
    Value,
    wrong_usage,
)
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller
    from hongbao.ui.listing import Listing


CSV = ("plain", "excel")
"""The forms of CSV; the first is the usual one."""

KEPT = ("header", "columns", "csv", "no_pager")
"""What the caller keeps of the options for lists."""


def listing_at(where: str) -> "Listing":
    """Return the list that is declared at *where*; loaded only where its columns are asked for."""
    module, _, name = where.partition(":")
    found: Listing = getattr(import_module(f"hongbao.ui.{module}"), name)
    return found


def options(option: "Callable[..., Value]", listed: "Callable[[Context], str]") -> list[Value]:
    """Return the options that a command takes whose list is declared where *listed* says."""
    return [
        option("--header", is_flag=True, help=N_("print tab-separated rows with a header row")),
        option(
            "--columns",
            metavar="COLUMNS",
            autocompletion=lambda ctx, incomplete: listing_at(listed(ctx)).offered(incomplete),
            help=N_("choose columns: a,b, or +c to add one; help lists them"),
        ),
        option(
            "--csv",
            metavar="[=excel]",
            autocompletion=lambda _ctx, incomplete: [
                form for form in CSV if incomplete and form.startswith(incomplete)
            ],
            help=N_("print CSV with a header row; --csv=excel is for Excel"),
        ),
        option("--no-pager", is_flag=True, help=N_("print a long list without a pager")),
    ]


def with_values(args: list[str]) -> list[str]:
    """
    Return *args* with a value for each option that may stand without one.

    So the word after ``--csv`` is never taken for its value.
    """
    end = args.index("--") if "--" in args else len(args)
    options = [f"--csv={CSV[0]}" if arg == "--csv" else arg for arg in args[:end]]
    if options[-1:] == ["--columns"]:
        options.append("help")
    return options + args[end:]


def check(call: "Caller", listed: str, *, command: str, usual: bool = True) -> None:
    """
    Refuse what does not go together, before anything is done, and list the columns if asked to.

    The settings' columns are those of the *usual* list of a command.

    Raises ConflictingOptions and UnknownColumn.
    """
    typed = [*(["--json"] if call.as_json else []), *call.list_options]
    typed = [name for name in typed if name in ("--json", "--csv", "--header")]
    if len(typed) > 1:
        raise errors.ConflictingOptions(typed[0], typed[1], command=command)
    if call.csv is not None and call.csv not in CSV:
        choices = ", ".join(f"'{form}'" for form in CSV)
        problem = f"Invalid value for '--csv': '{call.csv}' is not one of {choices}."
        raise wrong_usage(problem, command=command)
    if call.columns is None:
        if usual:
            _use_settings(call, listed, command)
        return
    from hongbao.ui.listing import HELP, show_explained

    found = listing_at(listed)
    if call.columns.strip() in ("", HELP):
        call.answer(found.explained(), show_explained)
        raise Finished
    found.picked(call.columns, ())


def _use_settings(call: "Caller", listed: str, command: str) -> None:
    """
    Have a terminal get the columns that the settings name for *command*; a pipe never does.

    `card` and `card list` are one list. Raises InvalidSettings.
    """
    columns = call.settings.columns
    if not columns or not sys.stdout.isatty():
        return
    name = command.partition(" ")[2]
    names = (name, f"{name} list", name.removesuffix(" list"))
    key = next((name for name in names if name in columns), None)
    if key is None:
        return
    try:
        listing_at(listed).picked(columns[key], ())
    except errors.UnknownColumn as error:
        path = call.settings.path
        assert path is not None
        raise errors.InvalidSettings(
            source=str(path),
            line=settings.line_of(settings.read(path) or "", ("columns", key)),
            problem="not_a_column",
            text=str(error.facts["column"]),
            other=key,
        ) from None
    call.usual_columns = columns[key]
