"""
The period that several commands ask for.

It stands apart from the other shared options so that a command without one reads no dates at its
start.
"""

from datetime import datetime
from typing import Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.domain.dates import Span, parse_instant, parse_period_end, parse_span
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

Since = Annotated[
    datetime | None,
    Option("--from", metavar="INSTANT", parser=parse_instant, help=N_("from this day or time")),
]

Until = Annotated[
    datetime | None,
    Option(
        "--to",
        metavar="INSTANT",
        parser=parse_period_end,
        help=N_("up to this day, or before this time"),
    ),
]

Last = Annotated[
    Span | None,
    Option(
        "--last",
        metavar="SPAN",
        parser=parse_span,
        help=N_("the last days, weeks, months or years, as in 30d, 2w, 3mo or 1y"),
    ),
]


def check_one_way(
    ctx: Context, last: Span | None, since: datetime | None, until: datetime | None
) -> None:
    """Raise ConflictingOptions if a period is given in both ways."""
    if last is not None and (since is not None or until is not None):
        other = "--to" if since is None else "--from"
        raise ConflictingOptions("--last", other, command=ctx.command_path)
