"""Stories on the terminal: the narration, each command as it is typed, and its output."""

from hongbao.story import Answered, Asked, Event, Told
from hongbao.ui.screen import console, is_terminal, styled
from hongbao.ui.script import columns, wrapped
from hongbao.words import N_, say

MARGIN = 2
"""The indentation of a command's output, on a terminal."""

_PROMPT = "$ "
_GOES_ON = " \\"


def show_event(event: Event) -> None:
    """Print *event*; a pipe gets it as a shell session is written down, narration as comments."""
    match event:
        case Told():
            _show_told(event.text)
        case Asked():
            _show_asked(event.command)
        case Answered():
            _show_answered(event)


def _show_told(text: str) -> None:
    if not is_terminal():
        print(f"\n# {text}", flush=True)
        return
    out = console()
    out.print()
    for part in wrapped(text, out.width):
        out.print(styled(part, yellow=part))


def _show_asked(command: str) -> None:
    if not is_terminal():
        print(f"\n{_PROMPT}{command}", flush=True)
        return
    out = console()
    lines = _broken(command, out.width - len(_PROMPT) - len(_GOES_ON))
    out.print()
    for number, typed in enumerate(lines):
        start = " " * len(_PROMPT) if number else _PROMPT
        end = _GOES_ON if number < len(lines) - 1 else ""
        out.print(styled(start + typed + end, red=start, bold=typed))


def _broken(command: str, width: int) -> list[str]:
    """Break *command* between words, so that it can be copied at any width."""
    lines: list[str] = []
    for word in command.split():
        if lines and columns(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _show_answered(answered: Answered) -> None:
    said = answered.out + answered.err
    margin = " " * MARGIN if is_terminal() else ""
    for line in said.splitlines():
        print(f"{margin}{line}".rstrip(), flush=True)
    if answered.exit_code:
        ended = say(N_("exit code {code}"), code=answered.exit_code)
        if is_terminal():
            console().print(styled(f"{margin}{ended}", dim=ended))
        else:
            print(f"[{ended}]", flush=True)
