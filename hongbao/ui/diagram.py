"""
A sequence on the terminal: a lane for each who takes part, and an arrow for each step.

Everything is placed by columns of the terminal, of which Chinese takes two a character. Where the
terminal is too narrow for the lanes, the same is a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hongbao.ui import trace
from hongbao.ui.picture import signs
from hongbao.ui.screen import console, is_terminal, line, styled
from hongbao.ui.script import columns, cut, terminal_columns, wrapped
from hongbao.ui.sequence import Arrow, Drawn, Event, Later, Omitted, omitted, sequence

if TYPE_CHECKING:
    from hongbao.answers import Traced

COLUMNS_MAX = 100
"""How wide a diagram becomes; of a wider terminal, the rest stays empty."""

_LANE_MIN = 9
"""The columns that a lane needs."""

_LANE, _AT = "│", "●"


class Row(NamedTuple):
    """A row of the diagram, and which part of it is dim or bold."""

    text: str
    bold: str = ""
    dim: str = ""


def show_diagram(traced: Traced) -> None:
    """Print the diagram of *traced*, or a list where the terminal is too narrow for it."""
    trace.show_heading(traced)
    print()
    drawn = sequence(traced)
    width = min(terminal_columns(), COLUMNS_MAX) if is_terminal() else 80
    out = console()
    rows = _listed(drawn) if width < _LANE_MIN * len(drawn.lanes) else _rows(drawn, width)
    for row in rows:
        if columns(row.text) > width:
            line(row.text, bold=row.bold, dim=row.dim)
            continue
        text = styled(row.text, bold=row.bold, dim=row.dim)
        out.print(text, no_wrap=True, overflow="ignore", crop=False)


def _listed(drawn: Drawn) -> Iterator[Row]:
    """Yield a row for each event: who, to whom, what."""
    for event in drawn.events:
        match event:
            case Arrow():
                ends = [event.source.title]
                if event.target != event.source:
                    ends.append(event.target.title)
                yield Row(f"{event.sign} {' → '.join(ends)} · {event.label}", event.sign)
                yield from (Row(f"   {moved}", dim=moved) for moved in event.moved)
            case _:
                yield Row(_between(event), dim=_between(event))


def _between(event: Later | Omitted) -> str:
    return event.at if isinstance(event, Later) else omitted(event.claims)


# --- drawing -------------------------------------------------------------------------------------


def _rows(drawn: Drawn, width: int) -> Iterator[Row]:
    share = width // len(drawn.lanes)
    places = [number * share + share // 2 for number in range(len(drawn.lanes))]
    titles = [cut(lane.title, share - 1) for lane in drawn.lanes]
    heads = [
        (place - columns(title) // 2, title) for place, title in zip(places, titles, strict=True)
    ]
    text = _drawn(heads, ())
    yield Row(text, bold=text)
    for event in drawn.events:
        yield from _event(event, drawn, places, width)
    yield Row(_drawn((), places))


def _event(event: Event, drawn: Drawn, places: Sequence[int], width: int) -> Iterator[Row]:
    if not isinstance(event, Arrow):
        text = _between(event)
        yield Row(_drawn((), places))
        yield Row(_drawn([(max(places[0] - 1, 0), f" {text} ")], places), dim=text)
        return
    yield Row(_drawn((), places))
    source, target = (places[drawn.lanes.index(end)] for end in (event.source, event.target))
    label = f"{event.sign} {event.label}"
    left = min(source, target) + 2
    needed = max(map(columns, (label, *event.moved)))
    is_left = source == target and needed > width - left < source - 2
    room = source - 2 if is_left else width - left
    for number, text in enumerate(wrapped(label, room)):
        own = [(source - 1 - columns(text) if is_left else left, text)]
        if source == target and not number:
            own.append((source, _AT))
        yield Row(_drawn(own, places), bold=event.sign if not number else "")
    if source != target:
        yield Row(_drawn([_arrow(event, source, target)], places))
    for moved in event.moved:
        for text in wrapped(moved, room):
            place = source - 1 - columns(text) if is_left else left
            yield Row(_drawn([(place, text)], places), dim=text)


def _arrow(event: Arrow, source: int, target: int) -> tuple[int, str]:
    """Return where the arrow begins, and the arrow with both its ends."""
    length = abs(target - source) - 1
    shaft = "─" * length if event.way == "solid" else ("─ " * length)[:length]
    if event.way == "lost":
        shaft = shaft[: length // 2] + "✗" + " " * (length - length // 2 - 1)
        if target > source:
            return source, f"├{shaft}{_LANE}"
        return target, f"{_LANE}{shaft[::-1]}┤"
    if target > source:
        return source, f"├{shaft[:-1]}▶{_LANE}"
    return target, f"{_LANE}◀{shaft[:-1][::-1]}┤"


def _drawn(parts: Sequence[tuple[int, str]], places: Sequence[int]) -> str:
    """Return a row: the lanes at their *places*, and the *parts* over them."""
    cells: dict[int, str] = dict.fromkeys(places, _LANE)
    for place, text in parts:
        at = place
        for sign, width in signs(text):
            cells[at] = sign
            cells.update((at + more, "") for more in range(1, width))
            at += width
    end = max(cells, default=-1) + 1
    return "".join(cells.get(place, " ") for place in range(end)).rstrip()
