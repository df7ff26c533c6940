"""``hongbao demo``."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.errors import Interrupted
from hongbao.words import N_, language

if TYPE_CHECKING:
    from hongbao.answers import StoryPlayed, StoryStep
    from hongbao.story import Event, Outcome

app = new_app()

LINES = 24
"""How high a terminal the commands are shown; nothing they say depends on it."""

STORY = Path(__file__).parents[1] / "stories" / "demo.txt"


@app.command(
    cls=Command,
    short_help=N_("Play a red packet's whole life in a throw-away wallet."),
    help=N_(
        "Every command in it is real and shown as it is typed. Your own wallet is not touched, "
        "and nothing is left behind."
    ),
    epilog="hongbao demo\nhongbao demo --fast",
)
def demo(
    ctx: Context,
    fast: Annotated[bool, Option("--fast", help=N_("do not pause for reading"))] = False,
) -> None:
    from hongbao.story import Screen, play, read
    from hongbao.ui.screen import is_terminal
    from hongbao.ui.script import terminal_columns
    from hongbao.ui.stories import MARGIN, show_event

    call = caller(ctx)
    on_terminal = is_terminal() and not call.as_json
    events = play(
        read(STORY),
        language="en" if call.as_json else language(),  # programs always get English
        screen=Screen(max(terminal_columns() - MARGIN, 1), LINES) if on_terminal else None,
        variables=call.env.variables,
        run=call.run,
    )
    with ending_tidily(), closing(events):
        if call.as_json:
            steps = [step for event in events if (step := step_of(event)) is not None]
            played: StoryPlayed = {"story": STORY.stem, "steps": steps}
            call.answer(played, lambda _played: None)
            return
        for event in events:
            show_event(event)
            if on_terminal and not fast:
                time.sleep(_pause_seconds(event))


def _pause_seconds(event: "Event") -> float:
    """Return the pause after *event*: longer if there is more to read."""
    from hongbao.story import Answered, Told
    from hongbao.ui.script import columns

    match event:
        case Told():
            return 0.2 + 0.008 * columns(event.text)
        case Answered():
            return 0.05 + 0.03 * (event.out + event.err).count("\n")
    return 0  # running the command is pause enough


def step_of(event: "Outcome") -> "StoryStep | None":
    """Return *event* as a document has it; None if documents leave it out."""
    from hongbao.story import Answered, Closed, Told

    if isinstance(event, Closed):
        return None
    step: StoryStep = {
        "line": event.line,
        "told": None,
        "command": None,
        "exit_code": None,
        "out": None,
        "err": None,
    }
    match event:
        case Told():
            step["told"] = event.text
        case Answered():
            step["command"] = event.command
            step["exit_code"] = event.exit_code
            step["out"] = event.out
            step["err"] = event.err
        case _:
            return None
    return step


@contextmanager
def ending_tidily() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP (a closed terminal) as Ctrl-C is handled."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {
        number: signal.signal(number, end)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # behind the ^C
        raise Interrupted from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
