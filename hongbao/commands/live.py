"""``hongbao play`` for an audience: step by step (``--step``), or at reading speed (``--pace``)."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from hongbao.commands.caller import Caller
from hongbao.errors import StorageRefused
from hongbao.story import HOME, Answered, Asked, Began, Outcome, Paused, Story, Told
from hongbao.story.player import unrolled
from hongbao.story.script import Chapter, Command, Race, Together
from hongbao.story.snapshots import Snapshots
from hongbao.story.stepping import Steps
from hongbao.terminal import forget_typed_ahead, has_raw_mode, single_keys
from hongbao.ui.motion import may_move
from hongbao.ui.presenting import Notes, Presentation
from hongbao.ui.screen import console, styled
from hongbao.ui.script import columns
from hongbao.ui.stories import show_event, type_command
from hongbao.words import N_, language, say

KEPT = "snapshots"
"""The folder of a story's snapshots, next to the one that it plays in."""


def step(
    call: Caller,
    story: Story,
    outcomes: Iterator[Outcome],
    folder: Path,
    notes: Path | None,
    *,
    heard: Callable[[Outcome], None],
) -> None:
    """
    Present *story*, whose *outcomes* come as they are asked for; it plays in *folder*.

    Every outcome is given to *heard*, once.
    """
    scenes = [scene for _source, scene in unrolled(story)]
    titles = (scene.told_in(language()) for scene in scenes if isinstance(scene, Chapter))
    with ExitStack() as closing:
        shown = None
        if notes is not None:
            try:
                shown = Notes(closing.enter_context(notes.open("w", encoding="utf-8")))
            except OSError as error:
                reason = error.strerror or str(error)
                raise StorageRefused(path=str(notes), reason=reason) from None
        Presentation(
            Steps(outcomes, Snapshots(folder, folder.with_name(KEPT))),
            count=sum(isinstance(scene, Command | Race | Together) for scene in scenes),
            chapters=dict(zip(count(1), titles, strict=False)),
            home=folder / HOME,
            notes=shown,
            variables=call.env.variables,
            heard=heard,
        ).play()


# --- at reading speed ----------------------------------------------------------------------------

TYPED_SECONDS = 0.04
"""Between two columns that are typed."""

READ_SECONDS = 0.045
"""What a column of text takes to be read; a Chinese character has two."""

PAUSE_SECONDS = 0.4
PAUSE_SECONDS_MAX = 6.0
"""What is longer stays on the screen, to be read on."""


def reading_seconds(text: str) -> float:
    """
    Return how long an audience reads at *text*.

    >>> reading_seconds(""), round(reading_seconds("two friends"), 3), reading_seconds("红包" * 99)
    (0.4, 0.895, 6.0)
    """
    read = PAUSE_SECONDS + READ_SECONDS * sum(columns(line.strip()) for line in text.split("\n"))
    return min(read, PAUSE_SECONDS_MAX)


@contextmanager
def pace(call: Caller) -> Iterator[Callable[[Outcome], None]]:
    """Yield what shows each outcome of a story as fast as an audience can follow."""
    types = may_move(call.settings, call.env.variables)
    with ExitStack() as closing:
        read = closing.enter_context(single_keys(lambda: None)) if has_raw_mode() else None
        yield _Pace(read, types=types).show


class _Pace:
    """Shows what happens, and waits; a key ends the waiting, which *read* looks for."""

    def __init__(self, read: Callable[[float | None], str | None] | None, *, types: bool) -> None:
        self._read = read
        self._types = types

    def show(self, event: Outcome) -> None:
        """Show *event*, and wait until it can have been read."""
        match event:
            case Asked(command=command) if self._types:
                type_command(command, lambda typed: time.sleep(TYPED_SECONDS * columns(typed)))
                self._wait(PAUSE_SECONDS)
            case Paused():
                self._wait_for_key()
            case _:
                show_event(event)
                self._wait(_seconds(event))

    def _wait(self, seconds: float | None) -> None:
        if self._read is None:
            time.sleep(seconds or 0)
        elif self._read(seconds) == "interrupt":
            raise KeyboardInterrupt

    def _wait_for_key(self) -> None:
        """Wait until the presenter continues; without a keyboard, it does not stop."""
        if self._read is None:
            return
        text = say(N_("press a key to continue"))
        console().print(styled(text, dim=text), end="")
        sys.stdout.flush()
        forget_typed_ahead()
        self._wait(None)
        print(f"\r{' ' * columns(text)}\r", end="", flush=True)


def _seconds(event: Outcome) -> float:
    match event:
        case Told(text=text) | Began(title=text) | Asked(command=text):
            return reading_seconds(text)
        case Answered():
            return reading_seconds(event.out + event.err)
    return 0
