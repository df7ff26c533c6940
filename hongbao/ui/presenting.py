"""Presenting a story: command by command on a terminal, forward and back."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from hongbao.story import Asked, Noted, Outcome, Readied
from hongbao.story.stepping import Step, Steps
from hongbao.terminal import forget_typed_ahead, single_keys
from hongbao.ui.motion import EMPTY_SCREEN
from hongbao.ui.picker import Choice, Left, pick
from hongbao.ui.screen import console, line, styled
from hongbao.ui.script import columns, cut, terminal_columns, wrapped
from hongbao.ui.stories import MARGIN, show_event
from hongbao.words import N_, say, shell_word

_FORWARD = frozenset({"space", "enter", "right", "pagedown", "down", "j"})
_BACK = frozenset({"left", "pageup", "up", "backspace", "k"})
_LEAVE = frozenset({"q", "escape", "end"})

_KEYS = (
    # The remotes of presenters press PageUp and PageDown.
    (N_("space, Enter, →, PageDown"), N_("run the command, or show again what came")),
    (N_("←, PageUp, Backspace"), N_("go back, with the wallet as it was")),
    ("r", N_("show this again")),
    ("c", N_("choose a chapter")),
    ("n", N_("show the notes")),
    (N_("q, Esc"), N_("leave")),
)


class Notes:
    """Where notes go: a file, to which they are added, or a terminal, which shows the newest."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._clears = out.isatty()

    def write(self, place: str, step: Step) -> None:
        """Write what only the presenter is to see of *step*."""
        lines = [place, *(f"  $ {command}" for command in _commands(step))]
        lines += [f"  {text}" for text in _notes(step)]
        start = EMPTY_SCREEN if self._clears else ""
        self._out.write(start + "\n".join([*lines, "", ""]))
        self._out.flush()


class Presentation:
    """
    Shows *steps*, of which there may be as many as *count*, and does what keys say.

    *home* is where the wallet lies; every outcome that came is given to *heard*, once.
    """

    def __init__(
        self,
        steps: Steps,
        *,
        count: int,
        chapters: Mapping[int, str],
        home: Path,
        notes: Notes | None,
        variables: Mapping[str, str],
        heard: Callable[[Outcome], None],
    ) -> None:
        self._steps = steps
        self._count = count
        self._chapters = chapters
        self._home = home
        self._notes = notes
        self._is_plain = variables.get("TERM", "dumb") in ("", "dumb")
        self._heard = heard
        self._heard_of = 0
        self._status = ""

    def play(self) -> None:
        """Play until the end is left, or the presenter leaves before it."""
        with single_keys(self._redraw) as read:
            self._hear()
            self._show(self._steps.now)
            while (key := self._key(read)) not in _LEAVE:
                if key == "interrupt":
                    raise KeyboardInterrupt
                if key in _FORWARD and self._steps.is_over:
                    return
                self._do(key)

    def _key(self, read: Callable[[float | None], str | None]) -> str | None:
        self._status = self._status_line()
        console().print(styled(self._status, dim=self._status), end="", no_wrap=True, crop=False)
        sys.stdout.flush()
        key = read(None)
        self._clear_status()
        return key

    def _clear_status(self) -> None:
        print(f"\r{' ' * columns(self._status)}\r", end="", flush=True)
        self._status = ""

    def _do(self, key: str | None) -> None:
        if key in _FORWARD:
            self._forward()
        elif key in _BACK:
            if self._steps.back():
                self._redraw()
        elif key == "r":
            self._redraw()
        elif key == "c" and self._chapters:
            self._choose_chapter()
        elif key == "n":
            self._show_notes()
        elif key in ("h", "?"):
            self._show_keys()

    def _forward(self) -> None:
        for outcome in self._steps.forward():
            show_event(outcome)
        self._hear()
        self._show(self._steps.now)
        forget_typed_ahead()  # a key too many would run an unread command

    def _choose_chapter(self) -> None:
        choices = [Choice(str(number), (title,)) for number, title in self._chapters.items()]
        try:
            number = int(pick(say(N_("chapter")), choices).value)
        except (Left, EOFError):
            return
        at = self._steps.at
        for step in self._steps.to_chapter(number):
            for outcome in step.came:
                show_event(outcome)
            self._hear()
            self._show(self._steps.now)
        if self._steps.at <= at:
            self._redraw()

    def _hear(self) -> None:
        """Give on what came since the last time."""
        steps = self._steps.steps
        for number in range(self._heard_of, len(steps)):
            came = steps[number - 1].came if number else []
            for outcome in (*came, *steps[number].before):
                self._heard(outcome)
        self._heard_of = len(steps)

    # --- showing ---------------------------------------------------------------------------------

    def _show(self, step: Step) -> None:
        for outcome in step.before:
            if not isinstance(outcome, Noted):
                show_event(outcome)
        for command in _commands(step):
            show_event(Asked(0, command))
        if self._notes is not None:
            self._notes.write(self._place(), step)

    def _redraw(self) -> None:
        """Show the present step on an empty screen, below what came of the one before."""
        if self._is_plain:
            print(f"\n{'-' * min(terminal_columns() - 1, 20)}")
        else:
            print(EMPTY_SCREEN, end="", flush=True)
        if self._steps.at:
            before = self._steps.steps[self._steps.at - 1]
            for outcome in (*before.before, *map(_asked, _commands(before)), *before.came):
                if not isinstance(outcome, Noted):
                    show_event(outcome)
        self._show(self._steps.now)

    def _show_notes(self) -> None:
        notes = _notes(self._steps.now) or [say(N_("there are no notes here"))]
        print()
        for text in notes:
            for part in wrapped(text, terminal_columns() - MARGIN):
                console().print(styled(" " * MARGIN + part, italic=part))

    def _show_keys(self) -> None:
        print()
        for keys, meaning in _KEYS:
            line(f"{say(keys)} · {say(meaning)}", bold=say(keys))
        line(say(N_("to look inside from another terminal:")))
        print(f"HONGBAO_HOME={shell_word(str(self._home))} hongbao status")  # whole, to be copied

    def _place(self) -> str:
        title = self._steps.now.title
        place = f"{min(self._steps.at + 1, self._count)}/{self._count}"
        return place if title is None else f"{place} · {title}"

    def _status_line(self) -> str:
        """Return what to press next; a narrow terminal gets the shorter of two."""
        width = terminal_columns() - 1
        if self._steps.is_over:
            long = say(N_("the end · ← back · space leave"))
        else:
            long = say(N_("space run · ← back · h help"))
        status = f"{self._place()} · {long}"
        if columns(status) > width:
            status = f"{self._place().partition(' · ')[0]} · {long}"
        return cut(status, width)


def _commands(step: Step) -> tuple[str, ...]:
    match step.typed:
        case Asked(command=command):
            return (command,)
        case Readied(commands=commands):
            return commands
    return ()


def _asked(command: str) -> Asked:
    return Asked(0, command)


def _notes(step: Step) -> list[str]:
    return [outcome.text for outcome in step.before if isinstance(outcome, Noted)]
