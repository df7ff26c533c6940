"""The books replayed on the terminal: one entry at a time, forward and back, or all in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from hongbao.terminal import kept
from hongbao.ui import books, trace, wording
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Column, line
from hongbao.ui.script import Sheet, columns, cut
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import BookReplayed
    from hongbao.queries.replay import Replay

Sentences = Callable[[int], Sequence[tuple[str, Mapping[str, object]]]]
"""What happened in an entry: codes and facts of a trace."""

_ROWS_MIN = 6

_SCREEN_LEFT = b"\x1b[?1049l\x1b[?25h"
"""What leaves the screen of a walk, where a signal ends it: the other one, and the cursor, back."""


_OF_ENTRY = ("entry", "at", "act", "profile")

REPLAY = Listing(
    rows="entries",
    every=lambda answer: (
        {**{key: entry[key] for key in _OF_ENTRY}, "book": book["book"], **account}
        for entry in answer["entries"]
        for book in entry["books"]
        for account in book["accounts"]
        if account["before_fen"] != account["held_fen"]
    ),
    fields=(
        Field("entry", Column(N_("entry"), right=True)),
        Field("at", Column(N_("when")), lambda row: wording.when(row["at"])),
        Field("act", Column(N_("what")), lambda row: wording.reason(row["act"])),
        Field("profile", Column(N_("profile"), gives=True)),
        books.BOOK,
        books.KIND,
        Field("owner", Column(N_("owner"), gives=True), says=N_("whose account it is")),
        books.SIDE,
        Field("before_fen", Column(N_("before"), right=True), says=N_("the amount before it")),
        Field("held_fen", Column(N_("holds"), right=True), says=N_("the amount in the account")),
    ),
)


def show_entries(answer: Mapping[str, Any], sentences: Sentences) -> None:
    """Print every entry below the one before."""
    for number, entry in enumerate(answer["entries"]):
        if number:
            print()
        show_entry(entry, sentences(entry["entry"]))
    if not answer["entries"]:
        line(_("no money has moved yet"))


def show_entry(shown: BookReplayed, said: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Print an entry: what happened, and the Ts before and after it."""
    books.show_heading(shown)
    known = [trace.sentence(code, facts) for code, facts in said if trace.is_known(code)]
    for sentence in known:
        line(sentence)
    if known:
        print()
    books.show_tiers(shown)


def _drawn(shown: BookReplayed, sentences: Sentences, width: int) -> list[str]:
    """Return the rows of an entry, with escapes for colours, on a terminal so wide."""
    sheet = Sheet(width)
    with redirect_stdout(sheet):
        show_entry(shown, sentences(shown["entry"] or 0))
    return sheet.getvalue().rstrip("\n").split("\n")


def _status(place: int, count: int, width: int) -> str:
    """Return where one is and what to press; a narrow terminal gets the shorter of two."""
    long = N_("{place} of {count} · → next · ← back · number, Enter · q leaves")
    short = N_("{place}/{count} · → next · ← back · q leaves")
    status = say(long, place=place, count=count)
    return status if columns(status) <= width else say(short, place=place, count=count)


def walk(replayed: Replay, sentences: Sentences, *, colours: bool) -> None:
    """
    Let a person walk through the entries of *replayed*, from the place where it is.

    Keys: next and back (arrows, space, n and p, PageDown and PageUp as a presenter's remote sends
    them), first and last (Home and End), a number and Enter, up and down where it is longer than
    the screen, q or Esc to leave.
    """
    from prompt_toolkit.application import Application
    from prompt_toolkit.data_structures import Size
    from prompt_toolkit.formatted_text import ANSI
    from prompt_toolkit.input.vt100 import Vt100Input
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import FormattedTextControl, Layout, Window
    from prompt_toolkit.output.color_depth import ColorDepth
    from prompt_toolkit.output.vt100 import Vt100_Output

    keys = KeyBindings()
    typed, top = "", 0
    drawn: dict[tuple[int, int], list[str]] = {}

    def size() -> Size:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return Size(rows=rows or 24, columns=columns or 80)

    def rows() -> list[str]:
        key = replayed.place, size().columns
        if key not in drawn:
            drawn[key] = _drawn(replayed.shown(), sentences, size().columns)
        return drawn[key]

    def room() -> int:
        return max(size().rows - 2, _ROWS_MIN)

    def frame() -> ANSI:
        shown = rows()[top : top + room()]
        blank = [""] * (room() - len(shown))
        status = _status(replayed.place, len(replayed), size().columns - 1)
        if typed:
            status = say(N_("go to entry: {typed}"), typed=typed)
        elif top + room() < len(rows()) or top:
            status += " · ↑↓"
        below = f"\x1b[7m{cut(status, size().columns - 1)}\x1b[0m"
        return ANSI("\n".join([*shown, *blank, "", below]))

    def jump(place: int) -> None:
        nonlocal top, typed
        typed = ""
        wanted = max(1, min(place, len(replayed)))
        if wanted != replayed.place:
            top = 0
            replayed.go_to(wanted)

    def on(*names: str) -> Callable[[Callable[[KeyPressEvent], None]], object]:
        def bind(act: Callable[[KeyPressEvent], None]) -> object:
            for name in names:
                keys.add(name)(act)
            return act

        return bind

    on("right", "pagedown", "space", "n", "l")(lambda _event: jump(replayed.place + 1))
    on("left", "pageup", "p", "b", "h")(lambda _event: jump(replayed.place - 1))
    on("home", "f", "g")(lambda _event: jump(1))
    on("end", "G")(lambda _event: jump(len(replayed)))

    @on("down", "j")
    def _down(_event: KeyPressEvent) -> None:
        nonlocal top
        top = max(0, min(top + 1, len(rows()) - room()))

    @on("up", "k")
    def _up(_event: KeyPressEvent) -> None:
        nonlocal top
        top = max(0, top - 1)

    for digit in "0123456789":

        @on(digit)
        def _digit(event: KeyPressEvent) -> None:
            nonlocal typed
            typed = (typed + event.data)[:18]

    @on("backspace")
    def _erase(_event: KeyPressEvent) -> None:
        nonlocal typed
        if typed:
            typed = typed[:-1]
        else:
            jump(replayed.place - 1)

    @on("enter")
    def _enter(_event: KeyPressEvent) -> None:
        jump(replayed.place_of(int(typed)) if typed else replayed.place + 1)

    on("q", "escape", "c-c", "<sigint>", "c-d")(lambda event: event.app.exit())
    on("c-z")(lambda event: event.app.suspend_to_background())

    output = Vt100_Output(sys.stdout, size, term=os.environ.get("TERM"), enable_cpr=False)
    app: Application[None] = Application(
        layout=Layout(Window(FormattedTextControl(frame, focusable=True, show_cursor=False))),
        key_bindings=keys,
        input=Vt100Input(sys.stdin),
        output=output,
        color_depth=ColorDepth.DEPTH_4_BIT if colours else ColorDepth.DEPTH_1_BIT,
        full_screen=True,
    )
    app.ttimeoutlen = app.timeoutlen = 0.05  # how long Esc waits to be the start of another key

    def redraw() -> None:
        app.renderer.reset()
        app.invalidate()

    def leave_screen() -> None:
        with suppress(OSError):  # the terminal may be gone
            os.write(sys.stdout.fileno(), _SCREEN_LEFT)

    with kept(0, redraw, leave_screen):
        app.run()
