"""Acts as their entries keep them: the facts of one, and its answer."""

from datetime import datetime
from functools import partial
from typing import Any, Protocol

from hongbao.domain.facts import Columns, Facts, decode
from hongbao.errors import Damaged
from hongbao.home.opened import Home
from hongbao.render import render
from hongbao.store import ActRow
from hongbao.units import iso


class _Kept(Protocol):
    """A row of an entry: what was done, and the facts that are kept of it."""

    @property
    def act(self) -> str: ...

    @property
    def facts(self) -> str: ...


class _Answered(_Kept, Protocol):
    """The same, with the columns of the entry next to the facts."""

    @property
    def request_id(self) -> str: ...

    @property
    def at(self) -> datetime: ...

    @property
    def balance_fen(self) -> int | None: ...


def act_in(home: Home, entry: int) -> ActRow:
    """Return the act of *entry*, which another row names. Raises Damaged where it is gone."""
    act = home.store.act(entry)
    if act is None:
        raise Damaged(path=f"entry {entry}")
    return act


def facts_of(home: Home, row: _Kept) -> Facts:
    """Return the facts of the act of *row*. Raises Damaged if they are none of it."""
    return facts_from(home, row.act, row.facts)


def facts_from(home: Home, act: str, text: str) -> Facts:
    """Return the facts of an *act* that its entry keeps as *text*, as `facts_of` does."""
    return home.read_back(partial(decode, act), text)


def facts_in(home: Home, entry: int) -> Facts:
    """Return the facts of the act of *entry*, as `facts_of` does."""
    return facts_of(home, act_in(home, entry))


def answer_to(home: Home, row: _Answered) -> Any:
    """Return the answer of the act of *row*. Raises Damaged if that is lost."""
    columns = Columns(row.request_id, iso(row.at), row.balance_fen)
    return home.read_back(lambda text: render(row.act, text, columns), row.facts)


def answer_in(home: Home, entry: int) -> Any:
    """Return the answer of the act of *entry*, as `answer_to` does."""
    return answer_to(home, act_in(home, entry))
