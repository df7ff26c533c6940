"""
The period that several commands ask for.

It stands apart from the other shared options so that a command without one reads no dates at its
start.
"""

from datetime import datetime
from typing import Annotated

import typer

from hongbao.domain.dates import parse_instant, parse_period_end
from hongbao.words import N_

Since = Annotated[
    datetime | None,
    typer.Option(
        "--from", metavar="INSTANT", parser=parse_instant, help=N_("from this day or moment on")
    ),
]

Until = Annotated[
    datetime | None,
    typer.Option(
        "--to",
        metavar="INSTANT",
        parser=parse_period_end,
        help=N_("up to this day, or before this moment"),
    ),
]
