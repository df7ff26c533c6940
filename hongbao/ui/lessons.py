"""Lessons on the terminal: each step, what a command printed, and what the books say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui.screen import console, is_terminal, line, pipe, styled
from hongbao.ui.script import columns, wrapped
from hongbao.words import N_, Filled, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import LessonListed

MARGIN = 2

HOWS = {
    "solved": N_("solved"),
    "shown": N_("shown"),
    "skipped": N_("skipped"),
}

_LEVELS = (N_("which way to go"), N_("which command, which account"), N_("an example elsewhere"))


def show_text(text: str, **styles: str) -> None:
    """Print paragraphs, folded to the terminal; an indented line stays as it is."""
    for paragraph in text.split("\n"):
        if not is_terminal() or paragraph.startswith("    "):
            print(paragraph)
            continue
        out = console()
        for part in wrapped(paragraph, out.width) or [""]:
            out.print(styled(part, **dict.fromkeys(styles, part)), soft_wrap=True)


def joined(text: str) -> str:
    """
    Return *text* with each paragraph on one line, as a file has it on several.

    >>> joined("One\\ntwo.\\n\\n    code\\n\\n红\\n包。")
    'One two.\\n\\n    code\\n\\n红包。'
    """
    lines: list[str] = []
    for each in text.split("\n"):
        before = lines[-1] if lines else ""
        is_apart = not each or not before or each.startswith(("    ", "- ")) or before[:4] == "    "
        if is_apart:
            lines.append(each)
        else:
            chinese = columns(before[-1]) > 1 and columns(each[0]) > 1
            lines[-1] = f"{before}{'' if chinese else ' '}{each}"
    return "\n".join(lines)


def show_head(title: str, chapter: str, step: str, number: int, count: int) -> None:
    """Print which step of what begins."""
    print()
    place = say(N_("{number} of {count}"), number=number, count=count)
    text = f"{title} · {chapter} · {place}"
    if not is_terminal():
        print(f"## {text}\n{step}")
        return
    line(text, dim=text)
    line(step, bold_yellow=step)


def show_done(text: str) -> None:
    """Print that a step was passed."""
    print()
    show_remark("✓", text, "green")


def show_paragraphs(text: str) -> None:
    """Print a text of a lesson's file below an empty line."""
    print()
    show_text(joined(text))


def show_question(text: str, *, before: bool) -> None:
    """Print a question; one that is asked *before* the step can be passed over."""
    print()
    show_text(f"? {joined(text)}", bold="")
    if before:
        show_text("  " + _("type what you expect, or go ahead without"), dim="")


def show_ran(command: str, out: str, exit_code: int, *, by_lesson: bool) -> None:
    """Print what a command printed, under the command if the lesson typed it."""
    if by_lesson:
        print()
        line(f"$ {command}", bold=command)
    for text in out.splitlines():
        print(f"{' ' * MARGIN if is_terminal() else ''}{text}".rstrip())
    if exit_code:
        ended = say(N_("exit code {code}"), code=exit_code)
        line(f"{' ' * MARGIN}{ended}" if is_terminal() else f"[{ended}]", dim=ended)


def show_remark(mark: str, text: str, style: str = "") -> None:
    """Print a remark of the lesson's, behind a *mark*."""
    lines = joined(text).split("\n")
    for number, each in enumerate(lines):
        lead = f"{mark} " if number == 0 else "  "
        line(lead + each, **({style: mark} if style else {}))


def said(sentence: Filled) -> str:
    """Return *sentence* in the chosen language."""
    return say(sentence.sentence, **sentence.facts)


def hint_head(level: int, left: int) -> str:
    """Return what stands over a hint: which kind it is, and how many follow."""
    kind = _(_LEVELS[level])
    if not left:
        return say(N_("hint: {kind}; after this one only `show me` is left"), kind=kind)
    more = counted("{count} more", "{count} more", left)
    return say(N_("hint: {kind} ({more})"), kind=kind, more=more)


def show_words() -> None:
    """Print what can be typed in a lesson."""
    rows = (
        ("send 8.88 …", N_("any command of hongbao, with or without the word hongbao")),
        ("12.34", N_("an answer to the question; of words: answer finished")),
        ("hint", N_("a hint; each one says more")),
        ("show me", N_("see how it is done")),
        ("undo", N_("take the last command back that changed anything")),
        ("again", N_("begin this step again")),
        ("reset", N_("begin the whole lesson again")),
        ("skip", N_("continue without doing this step")),
        ("list", N_("all steps")),
        ("go 3", N_("go to a step")),
        ("where", N_("show this step again")),
        ("leave", N_("leave; the lesson waits here")),
    )
    for word, meaning in rows:
        line(f"  {word:<12} {_(meaning)}", bold=word)


def show_steps(steps: list[tuple[int, str, str | None, bool]]) -> None:
    """Print all steps of a lesson, with how each was passed, and which one is the present one."""
    for number, title, how, is_here in steps:
        mark = "→" if is_here else "✓" if how is not None else " "
        tail = "" if how in (None, "solved") else f" · {_(HOWS[how or ''])}"
        line(f"{mark} {number:>2}  {title}{tail}", green="✓", bold_yellow="→")


def show_lessons(lessons: list[LessonListed]) -> None:
    """Print all lessons, with how far the learner is."""
    if not is_terminal():
        pipe(
            *(
                (
                    each["name"],
                    each["minutes"],
                    each["passed"],
                    each["steps"],
                    each["finished"],
                    each["title"],
                )
                for each in lessons
            )
        )
        return
    for each in lessons:
        at = say(N_("{passed} of {steps} done"), passed=each["passed"], steps=each["steps"])
        done = "✓" if each["finished"] else "…" if each["passed"] else " "
        minutes = counted("{count} minute", "{count} minutes", each["minutes"])
        line(f"{done} {each['name']:<14} {each['title']}", green="✓", bold=each["name"])
        line(f"  {each['about']}")
        line(f"  {minutes} · {at}", dim=f"{minutes} · {at}")
