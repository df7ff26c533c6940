"""Usage of limits, and a profile's movements."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hongbao.domain.numbers import number_of
from hongbao.engines.sql.books import head, home
from hongbao.engines.sql.engine import Engine, marks, write_one
from hongbao.rows import rows_of
from hongbao.store import Movement, TotalsRow
from hongbao.units import to_micros

# --- usage ----------------------------------------------------------------------------------------


def add_usage(engine: Engine, person: int, flow: str, day: str, amount_fen: int) -> None:
    """Count *amount_fen* (negative to give it back) of *flow* on *day* (``2026-11-23``)."""
    for table, key, value in (("usage", "day", day), ("usage_year", "year", day[:4])):
        engine.write(
            f"INSERT INTO {table} (person, flow, {key}, used_fen) VALUES (?, ?, ?, 0)"
            " ON CONFLICT DO NOTHING",
            person,
            flow,
            value,
        )
        write_one(
            engine,
            f"UPDATE {table} SET used_fen = used_fen + ?1"
            f" WHERE person = ?2 AND flow = ?3 AND {key} = ?4 AND used_fen + ?1 >= 0",
            amount_fen,
            person,
            flow,
            value,
        )


def usage_of(engine: Engine, person: int) -> "StoredUsage":
    return StoredUsage(engine, person)


# --- movements ------------------------------------------------------------------------------------


def span(
    engine: Engine,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    last: int | None = None,
) -> range:
    stop = first_entry_from(engine, until) if until is not None else head(engine).entry + 1
    if last is not None:
        row = engine.row("SELECT id FROM entry ORDER BY id DESC LIMIT 1 OFFSET ?", last - 1)
        return range(row[0] if row else 1, stop)
    return range(1 if since is None else first_entry_from(engine, since), stop)


def first_entry_from(engine: Engine, at: datetime) -> int:
    """Return the first entry made at *at* or later; the next one's number if there is none."""
    low, high = 1, head(engine).entry + 1
    if engine.has_lanes and (guess := _numbered_at(engine, at)) is not None:
        return min(guess, high)
    while low < high:
        middle = (low + high) // 2
        found = engine.row("SELECT at FROM entry WHERE id >= ? ORDER BY id LIMIT 1", middle)
        if found[0] < to_micros(at):
            low = middle + 1
        else:
            high = middle
    return low


def _numbered_at(engine: Engine, at: datetime) -> int | None:
    """Return the first number that *at* gives, if the entries around it are as it says."""
    made = home(engine)
    if made is None:
        return None
    micros = to_micros(at)
    number = max(number_of(micros - to_micros(made.made_at), 0), 1)
    last, first = engine.row(
        "SELECT (SELECT at FROM entry WHERE id < ?1 ORDER BY id DESC LIMIT 1),"
        " (SELECT at FROM entry WHERE id >= ?1 ORDER BY id LIMIT 1)",
        number,
    )
    is_so = (last is None or last < micros) and (first is None or first >= micros)
    return number if is_so else None


def movements(
    engine: Engine,
    profile: int,
    span: range,
    *,
    acts: Sequence[str],
    counterparty: int | None = None,
    limit: int = -1,
    newest_first: bool = True,
    end: int | None = None,
    asked_before: int | None = None,
) -> Iterator[Movement]:
    only: tuple[object, ...] = ()
    if asked_before is not None:
        only = (profile, span.start, span.stop, asked_before)
    order = "DESC" if newest_first else "ASC"
    rows = engine.each(
        "SELECT entry.id, entry.act, entry.at, entry.request_id, entry.amount_fen,"
        " entry.balance_fen, packet.id, packet.kind, packet.count, packet.greeting,"
        " CASE entry.act WHEN 'send' THEN (SELECT"
        " coalesce(sum(transfer.amount_fen), 0) FROM entry AS back"
        " JOIN transfer ON transfer.entry = back.id AND transfer.reason IN ('refund', 'return')"
        f" WHERE back.packet = packet.number AND back.act IN {_BACK} AND back.id < ?) END,"
        f" entry.counterparty, {_FACTS}, {_STATUS}, paid.entry FROM entry"
        " LEFT JOIN message AS asked ON asked.entry = entry.id"
        " LEFT JOIN message AS paid ON paid.outcome = entry.id"
        " LEFT JOIN review_case AS hold ON hold.entry = entry.id AND hold.kind = 'hold'"
        " LEFT JOIN packet ON packet.number = entry.packet"
        f" WHERE entry.profile = ? AND entry.act IN ({marks(acts)}) AND {_ABOUT_MONEY}"
        " AND entry.id >= ? AND entry.id < ?"
        " AND (? IS NULL OR entry.counterparty = ?)"
        f"{_ASKED_BEFORE if only else ''}"
        f" ORDER BY entry.id {order} LIMIT ?",
        *[end or span.stop] * 3,
        profile,
        *acts,
        span.start,
        span.stop,
        counterparty,
        counterparty,
        *only,
        limit,
    )
    return rows_of(Movement, rows)


def totals(engine: Engine, profile: int, span: range, acts: Sequence[str] = ()) -> TotalsRow:
    before = (
        "coalesce((SELECT balance_fen FROM entry WHERE profile = ? AND id < ?"
        " ORDER BY id DESC LIMIT 1), 0)"
    )
    around = engine.row(
        f"SELECT {before}, {before},"
        " (SELECT count(*) FROM entry WHERE profile = ? AND id >= ? AND id < ?)",
        *(profile, span.start, profile, span.stop, profile, span.start, span.stop),
    )
    if not acts:
        return TotalsRow(0, 0, 0, *around)
    added = engine.row(
        "SELECT count(*), coalesce(sum(max(amount_fen, 0)), 0),"
        " coalesce(sum(max(-amount_fen, 0)), 0) FROM entry"
        f" WHERE profile = ? AND act IN ({marks(acts)}) AND {_ABOUT_MONEY}"
        " AND entry.id >= ? AND entry.id < ?",
        profile,
        *acts,
        span.start,
        span.stop,
    )
    return TotalsRow(*added, *around)


_ASKED_BEFORE = (
    " AND entry.id IN (SELECT outcome FROM message"
    " WHERE profile = ? AND outcome >= ? AND outcome < ? AND entry < ?)"
)
"""Found by the outcomes of payments: of a profile's entries these are few."""


_FACTS = """
    CASE
        WHEN entry.act = 'claim' OR (entry.act = 'send' AND packet.card IS NULL) THEN NULL
        ELSE entry.facts
    END"""
"""What the columns do not say of a movement: they say all of most, and facts are long."""


_STATUS = """
    CASE
        WHEN hold.number IS NOT NULL AND (hold.closed IS NULL OR hold.closed >= ?) THEN 'held'
        WHEN hold.state IN ('returned', 'rejected') THEN 'came_back'
        WHEN asked.number IS NULL THEN 'done'
        WHEN asked.outcome IS NULL OR asked.outcome >= ? THEN 'on_its_way'
        WHEN asked.state = 'accepted' THEN 'done'
        ELSE 'came_back'
    END"""
"""How the payment that an entry asked for stood, or what it holds, before another entry."""


_ABOUT_MONEY = (
    "(entry.packet IS NOT NULL OR entry.message IS NOT NULL"
    " OR entry.act NOT IN ('approved', 'rejected'))"
)
"""A case that holds no money is nothing of the profile's history."""


_BACK = "('refund', 'returned', 'rejected')"
"""The acts by which some of a packet's money goes back to its sender, or sets out for a card."""


class StoredUsage:
    """A person's counters, in the words that the limits ask in."""

    def __init__(self, engine: Engine, person: int) -> None:
        self._engine = engine
        self._person = person

    def used_fen(self, flows: frozenset[str], first_day: str, last_day: str) -> int:
        return self._sum("usage", flows, "AND day BETWEEN ? AND ?", first_day, last_day)

    def used_lifetime_fen(self, flows: frozenset[str]) -> int:
        return self._sum("usage_year", flows, "")

    def first_used_day(self, flows: frozenset[str], first_day: str, last_day: str) -> str | None:
        row = self._engine.row(
            f"SELECT min(day) FROM usage WHERE person = ? AND flow IN ({marks(flows)})"
            " AND used_fen > 0 AND day BETWEEN ? AND ?",
            self._person,
            *sorted(flows),
            first_day,
            last_day,
        )
        return row[0] if row else None

    def _sum(self, table: str, flows: frozenset[str], where: str, *values: object) -> int:
        row = self._engine.row(
            f"SELECT coalesce(sum(used_fen), 0) FROM {table}"
            f" WHERE person = ? AND flow IN ({marks(flows)}) {where}",
            self._person,
            *sorted(flows),
            *values,
        )
        return int(row[0])
