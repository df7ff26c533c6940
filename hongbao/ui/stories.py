"""The window for stories: what is told, each command as it is typed, and what it answers."""

from hongbao.story import Answered, Asked, Event, Told
from hongbao.ui.screen import console, is_terminal, styled
from hongbao.ui.script import columns, wrapped
from hongbao.words import N_, say

MARGIN = 2
"""How far what a command answers stands in from the command itself, on a terminal."""

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
    for told in wrapped(text, out.width):
        out.print(styled(told, yellow=told))


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
    """Break *command* between words, so that it can be copied whatever the width."""
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
