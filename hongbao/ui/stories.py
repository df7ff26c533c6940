"""Stories on the terminal: the narration, each command as it is typed, and its output."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hongbao.story import Answered, Asked, AtOnce, Began, Failed, Outcome, Skipped, Told
from hongbao.story.reports import label_of
from hongbao.ui.screen import console, is_terminal, line, pipe, styled
from hongbao.ui.script import columns, wrapped
from hongbao.words import N_, counted, say

if TYPE_CHECKING:
    from hongbao.answers import StoriesShipped, StoryOutcome

MARGIN = 2
"""The indentation of a command's output, on a terminal."""

_PROMPT = "$ "
_GOES_ON = " \\"


LINES_MAX = 20
"""How many lines of what a command printed are shown where it should have printed another."""


def show_event(event: Outcome) -> None:
    """Print *event*; a pipe gets it as a shell session is written down, narration as comments."""
    match event:
        case Told():
            _show_told(event.text)
        case Began():
            _show_began(event.title)
        case AtOnce():
            _show_told(at_once_line(event))
        case Asked():
            _show_asked(event.command)
        case Answered():
            _show_answered(event)
        case Failed():
            print()
            for number, text in enumerate(failure_lines(event)):
                line(text, **({} if number else {"bold_red": text}))
        case Skipped():
            print()
            line(skipped_line(event))


def failure_lines(failed: Failed) -> list[str]:
    """Return what failed in words: where, then what was expected, then what came instead."""
    where = _place(failed), failed.row, failed.chapter, f"`{failed.command}`"
    return [
        " · ".join(filter(None, where)),
        *_labelled(say(N_("expected:")), _expected(failed).splitlines()),
        *_labelled(say(N_("came:")), _came(failed).splitlines()),
    ]


def at_once_line(event: AtOnce) -> str:
    """Return how many commands were done at once, and in whose turns."""
    if event.kind == "race":
        count = str(event.processes)
        return say(N_("a race of {count}, shown in the order of the file"), count=count)
    turns = " ".join(map(str, event.turns))
    return say(N_("together, in turns at the ledger: {turns}"), turns=turns)


def skipped_line(skipped: Skipped) -> str:
    """Return why a chapter was skipped."""
    reason = say(N_("skipped: nothing has filled {name}"), name=f"[{skipped.name}]")
    return " · ".join(filter(None, (_place(skipped), skipped.row, skipped.chapter, reason)))


def _place(found: Failed | Skipped) -> str:
    return f"{found.source}:{found.line}"


def _expected(failed: Failed) -> str:
    match failed.problem:
        case "exit_code" | "error_code":
            return say(N_("exit code {code}"), code=failed.expected)
        case "silence":
            return say(N_("silence"))
        case "hangs":
            return say(N_("an end within {seconds}"), seconds=failed.expected)
    return failed.expected


def _came(failed: Failed) -> str:
    match failed.problem:
        case "exit_code" | "error_code":
            ended = say(N_("exit code {code}"), code=failed.got)
            return f"{ended}\n{failed.said}"
        case "hangs":
            return say(N_("it was still running"))
    return failed.got or say(N_("silence"))


def _labelled(label: str, texts: list[str]) -> list[str]:
    """Return *texts* under one another behind *label*, the first of them only if there are many."""
    left_out = len(texts) - LINES_MAX
    if left_out > 0:
        more = counted("{count} more line", "{count} more lines", left_out)
        texts = [*texts[:LINES_MAX], f"… {more}"]
    label += "" if columns(label[-1]) == 2 else " "  # a colon of full width has its space in it
    margin = " " * columns(label)
    return [f"  {margin if number else label}{text}".rstrip() for number, text in enumerate(texts)]


def _show_began(title: str) -> None:
    if not is_terminal():
        print(f"\n## {title}", flush=True)
        return
    out = console()
    out.print()
    for part in wrapped(title, out.width):
        out.print(styled(part, bold_yellow=part))


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


def type_command(command: str, typed: Callable[[str], None]) -> None:
    """Show *command* as it is typed: *typed* is called after each character."""
    out = console()
    lines = _broken(command, out.width - len(_PROMPT) - len(_GOES_ON))
    out.print()
    for number, text in enumerate(lines):
        start = " " * len(_PROMPT) if number else _PROMPT
        out.print(styled(start, red=start), end="")
        for character in text:
            out.print(styled(character, bold=character), end="")
            sys.stdout.flush()
            typed(character)
        out.print(_GOES_ON if number < len(lines) - 1 else "")


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
    for text in said.splitlines():
        print(f"{margin}{text}".rstrip(), flush=True)
    if answered.exit_code:
        ended = say(N_("exit code {code}"), code=answered.exit_code)
        if is_terminal():
            console().print(styled(f"{margin}{ended}", dim=ended))
        else:
            print(f"[{ended}]", flush=True)


def show_source(source: str) -> None:
    """Print which file is played next, where there are several."""
    print()
    line(f"=== {source}", bold=source)


def show_closed(outcome: "StoryOutcome", *, had_race: bool = False) -> None:
    """Print the digest at a story's end, or why there is none to compare."""
    if had_race:
        print()
        line(say(N_("no books digest: there was a race, and none is the same twice")))
    if outcome["digest"] is not None:
        print()
        line(say(N_("books digest {digest}"), digest=outcome["digest"]))


def show_checked(outcome: "StoryOutcome") -> None:
    """Print in a line what became of a story."""
    ended = "ok" if outcome["ok"] else "failed"
    if not is_terminal():
        pipe((ended, label_of(outcome), outcome["commands"], outcome["digest"]))
    else:
        said = say(N_("ok") if outcome["ok"] else N_("failed"))
        counts = [
            counted("{count} command", "{count} commands", outcome["commands"]),
            *([] if outcome["digest"] is None else [outcome["digest"][:16]]),
        ]
        style = {"green" if outcome["ok"] else "bold_red": said}
        line(" · ".join([f"{said} {label_of(outcome)}", *counts]), **style)


def show_shipped(shipped: "StoriesShipped") -> None:
    """Print the stories that come with hongbao, and what each is about."""
    if not is_terminal():
        pipe(*((each["name"], each["about"]) for each in shipped["stories"]))
        return
    out = console()
    for each in shipped["stories"]:
        out.print(styled(each["name"], bold=each["name"]))
        for part in wrapped(each["about"], out.width - MARGIN):
            out.print(" " * MARGIN + part)
    print()
    line(say(N_("play one with `hongbao play {name}`"), name=shipped["stories"][0]["name"]))


def show_difference(lines: Sequence[str]) -> None:
    """Print a difference as ``diff -u`` does, in colour on a terminal."""
    styles = {"-": "red", "+": "green", "@": "cyan"}
    for text in lines:
        style = styles.get(text[:1])
        if is_terminal() and style is not None and text[:3] not in ("---", "+++"):
            console().print(styled(text, **{style: text}), no_wrap=True, crop=False)
        else:
            print(text)
