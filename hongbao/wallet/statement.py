"""The statement with the holder's name and numbers in full, which needs a PIN."""

from contextlib import AbstractContextManager
from datetime import datetime

from hongbao.domain.dates import Span
from hongbao.home.opened import Home
from hongbao.queries.statement import Statement, check_period
from hongbao.queries.statement import statement as of_period
from hongbao.wallet.authorise import AskPin, authorise


def statement(
    home: Home,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: Span | None = None,
    upto: int | None = None,
    masked: bool = False,
    full: AskPin | None = None,
) -> AbstractContextManager[Statement]:
    """
    Open this profile's statement (see `hongbao.queries.statement.statement`).

    *full* says the holder's name and numbers whole, against the PIN that it asks for. Raises
    InvalidRange, PeriodNotBegun, and what a PIN may be refused with.
    """
    if full is not None:
        check_period(home, since, until)  # no PIN is asked for what is refused anyway
        authorise(home, full)
    return of_period(
        home,
        since=since,
        until=until,
        last=last,
        upto=upto,
        masked=masked,
        full=full is not None,
    )
