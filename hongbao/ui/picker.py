"""
Choosing one of a list on the terminal: by arrow keys and a filter, or by number.

It is drawn on standard error, never into the data. What was typed before the list could be seen is
dropped: it may answer another question, and the choice may move money.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from hongbao.terminal import forget_typed_ahead, kept
from hongbao.ui.script import cut
from hongbao.words import N_, _, harmless, say

ROWS_MAX = 10
"""How many rows of a list are seen at once."""


class Choice(NamedTuple):
    """One of a list: its *value*, and what a person knows it by, the most telling first."""

    value: str
    about: tuple[str, ...] = ()

    @property
    def row(self) -> str:
        row = "  ".join([self.value, " · ".join(self.about)] if self.about else [self.value])
        return harmless(row, len(row))


PASTE_UNMARKED = b"\x1b[?2004l\r\n"
"""What ends the marks around what is pasted, which a list asks a terminal for."""


class Left(Exception):
    """The list was left with Esc, and nothing was chosen."""


def fitting(choices: Sequence[Choice], typed: str) -> list[Choice]:
    """
    Return those of *choices* that have every word of *typed*; one that is spelt out stands alone.

    >>> fitting([Choice("hb_1", ("李四", "8.88")), Choice("hb_12", ("Ann",))], "hb ann")
    [Choice(value='hb_12', about=('Ann',))]
    >>> [choice.value for choice in fitting([Choice("hb_1"), Choice("hb_12")], "HB_1")]
    ['hb_1']
    """
    wanted = typed.casefold().split()
    exact = [choice for choice in choices if [choice.value.casefold()] == wanted]
    return exact or [
        choice for choice in choices if all(word in choice.row.casefold() for word in wanted)
    ]


class Look(NamedTuple):
    """What the list looks like at one moment: its lines, and the one that the cursor is on."""

    lines: list[str]
    cursor: int


def look(question: str, typed: str, fit: Sequence[Choice], at: int, size: tuple[int, int]) -> Look:
    """
    Return how a list looks in *size* columns and rows, with row *at* of those that *fit* chosen.

    >>> print(*look("packet", "8", [Choice("hb_1"), Choice("hb_2")], 1, (40, 24)).lines, sep="\\n")
    packet: 8
      hb_1
    › hb_2
    type to filter · Enter · Esc leaves
    """
    wide, high = size
    room = max(1, min(ROWS_MAX, high - 3))
    first = max(0, min(at - room // 2, len(fit) - room))
    rows = [
        ("› " if number == at else "  ") + choice.row
        for number, choice in enumerate(fit[first : first + room], first)
    ]
    if not fit:
        rows = ["  " + _("nothing fits")]
    below = [_("type to filter · Enter · Esc leaves")]
    if len(fit) > room:
        below.append(say(N_("{at} of {count}"), at=at + 1, count=len(fit)))
    head = say(N_("{prompt}: "), prompt=question) + typed
    lines = [cut(line, wide - 1) for line in (head, *rows, " · ".join(below))]
    return Look(lines, 1 + at - first if fit else 0)


def pick(question: str, choices: Sequence[Choice]) -> Choice:
    """
    Let a person choose one of *choices*; readers of screens find the cursor on the chosen row.

    Raises Left for Esc, EOFError for Ctrl-D and KeyboardInterrupt for Ctrl-C.
    """
    from prompt_toolkit.application import Application
    from prompt_toolkit.data_structures import Point, Size
    from prompt_toolkit.input.vt100 import Vt100Input
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import FormattedTextControl, Layout, Window
    from prompt_toolkit.output.color_depth import ColorDepth
    from prompt_toolkit.output.vt100 import Vt100_Output

    keys = KeyBindings()
    typed, at = "", 0
    fit = list(choices)

    def filter_by(text: str) -> None:
        nonlocal typed, fit, at
        typed, at = text, 0
        fit = fitting(choices, typed)

    def on(*names: str) -> Callable[[Callable[[KeyPressEvent], None]], object]:
        def bind(act: Callable[[KeyPressEvent], None]) -> object:
            for name in names:
                keys.add(name)(act)
            return act

        return bind

    def move_by(rows: int) -> Callable[[KeyPressEvent], None]:
        def move(_event: KeyPressEvent) -> None:
            nonlocal at
            at = max(0, min(at + rows, len(fit) - 1))

        return move

    for names, rows in (
        (("up", "c-p"), -1),
        (("down", "c-n"), 1),
        (("pageup",), -ROWS_MAX),
        (("pagedown",), ROWS_MAX),
        (("home",), -len(choices)),
        (("end",), len(choices)),
    ):
        on(*names)(move_by(rows))

    @on("<any>")
    def _add(event: KeyPressEvent) -> None:
        if event.data.isprintable():
            filter_by(typed + event.data)

    @on("<bracketed-paste>")
    def _paste(event: KeyPressEvent) -> None:
        filter_by(typed + "".join(event.data.splitlines()[:1]).strip())

    @on("backspace")
    def _erase(_event: KeyPressEvent) -> None:
        filter_by(typed[:-1])

    @on("c-u", "c-w")
    def _clear(_event: KeyPressEvent) -> None:
        filter_by("")

    @on("enter")
    def _choose(event: KeyPressEvent) -> None:
        if fit:
            event.app.exit(result=fit[at])
        else:
            event.app.output.bell()

    for name, error in (
        ("escape", Left),
        ("c-c", KeyboardInterrupt),
        ("<sigint>", KeyboardInterrupt),
        ("c-d", EOFError),
    ):
        keys.add(name)(lambda event, error=error: event.app.exit(exception=error()))
    on("c-z")(lambda event: event.app.suspend_to_background())

    def size() -> Size:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
        return Size(rows=rows or 24, columns=columns or 80)

    # No terminal is queried (CPR): one that does not answer would make everyone wait.
    output = Vt100_Output(sys.stderr, size, term=os.environ.get("TERM"), enable_cpr=False)

    def now() -> Look:
        return look(question, typed, fit, at, (size().columns, size().rows))

    app: Application[Choice] = Application(
        layout=Layout(
            Window(
                FormattedTextControl(
                    lambda: "\n".join(now().lines),
                    focusable=True,
                    get_cursor_position=lambda: Point(x=0, y=now().cursor),
                ),
                dont_extend_height=True,
            )
        ),
        key_bindings=keys,
        input=Vt100Input(sys.stdin),
        output=output,
        color_depth=ColorDepth.DEPTH_1_BIT,
        erase_when_done=True,
    )
    app.ttimeoutlen = app.timeoutlen = 0.05  # how long Esc waits to be the start of another key
    app.before_render += lambda app: forget_typed_ahead() if app.render_counter == 1 else None

    def redraw() -> None:
        app.renderer.reset()
        app.invalidate()

    def end_marks() -> None:
        with suppress(OSError):  # the terminal may be gone
            os.write(sys.stderr.fileno(), PASTE_UNMARKED)

    with kept(0, redraw, end_marks):
        return app.run()


def pick_by_number(question: str, choices: Sequence[Choice], ask: Callable[[str], str]) -> Choice:
    """
    Let a person choose one of *choices* by its number or a part of its row, line by line.

    For terminals that cannot do more, and for readers of screens. With one, Enter accepts it.
    Raises what *ask* raises.
    """
    shown = list(choices)
    said = [say(N_("{heading}:"), heading=question)]
    while True:
        said += [f"{number:>3}. {choice.row}" for number, choice in enumerate(shown, 1)]
        if len(choices) == 1:
            said.append(_("1, or Enter: "))
        else:
            said.append(say(N_("1-{count}, or part of a name: "), count=len(shown)))
        forget_typed_ahead()
        typed = ask("\n".join(said)).strip()
        if not typed and len(choices) == 1:
            return choices[0]
        with suppress(ValueError):
            if typed.isascii() and 1 <= int(typed) <= len(shown):
                return shown[int(typed) - 1]
        fit = fitting(choices, typed) if typed else []
        if len(fit) == 1:
            return fit[0]
        shown = fit or list(choices)
        said = [] if fit else [_("nothing fits")]


def chosen_line(question: str, choice: Choice) -> str:
    """
    Return the line that tells afterwards what was chosen, since the list is gone.

    >>> chosen_line("packet", Choice("hb_1", ("李四", "66.66", "3/5")))
    'packet: hb_1 (李四, 66.66)'
    """
    if not choice.about:
        return say(N_("{prompt}: "), prompt=question) + choice.value
    about = _(", ").join(choice.about[:2])
    return say(N_("{prompt}: {value} ({about})"), prompt=question, value=choice.value, about=about)
