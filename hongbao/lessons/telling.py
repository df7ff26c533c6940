"""What happens in a lesson, as it is shown and as documents have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hongbao.lessons import runner as happened
from hongbao.ui import lessons as shown
from hongbao.words import N_, _, counted, language, say

if TYPE_CHECKING:
    from hongbao.answers import LessonEvent, LessonPlace, LessonProved
    from hongbao.lessons.runner import Event, Judged, Runner
    from hongbao.lessons.script import Lesson


def show(event: Event, lesson: Lesson) -> None:
    """Print *event*."""
    tongue = language()
    match event:
        case happened.Shown():
            _show_step(event, lesson)
        case happened.Ran():
            ran = event.answered
            shown.show_ran(ran.command, ran.out + ran.err, ran.exit_code, by_lesson=event.by_lesson)
        case happened.Judged(is_right=True):
            shown.show_remark("✓", _sentence(event), "green")
        case happened.Judged():
            shown.show_remark("✗", _sentence(event), "yellow")
            if event.said is not None:
                shown.show_paragraphs(event.said.said_in(tongue))
        case happened.Done():
            done = _("done")
            if event.how != "solved":
                done = f"{done} · {_(shown.HOWS[event.how])}"
            shown.show_done(f"{done} · {event.step.title.said_in(tongue)}")
            shown.show_paragraphs(event.step.meant.said_in(tongue))
        case happened.Hinted(level=int(level), text=text) if text is not None:
            shown.show_remark("·", shown.hint_head(level, event.left), "yellow")
            shown.show_paragraphs(text.said_in(tongue))
        case happened.Mistaken():
            shown.show_remark("·", event.wrong.said.said_in(tongue), "yellow")
        case happened.Listed():
            shown.show_steps(
                [
                    (number, step.title.said_in(tongue), how, is_here)
                    for number, (step, how, is_here) in enumerate(event.steps, start=1)
                ]
            )
        case happened.Explained():
            shown.show_words()
        case happened.Forbidden() | happened.NotYet():
            shown.show_remark("·", _sentence(event), "yellow")
        case happened.Refused():
            shown.show_remark("✗", event.error.message, "yellow")
        case _:
            shown.show_remark("·", _sentence(event))


def _show_step(event: happened.Shown, lesson: Lesson) -> None:
    tongue, step = language(), event.step
    title = step.title.said_in(tongue)
    if event.is_fresh:
        title = say(N_("{title}, again with other numbers"), title=title)
    shown.show_head(
        lesson.title.said_in(tongue), step.chapter.said_in(tongue), title, event.number, event.steps
    )
    shown.show_paragraphs(event.goal.text.said_in(tongue))
    if event.is_fresh:
        return
    for question, given in zip(step.questions, event.given, strict=True):
        asked = question.asked.said_in(tongue)
        if given is None:
            shown.show_question(asked, before=not step.is_question)
            continue
        shown.show_question(asked, before=False)
        if step.is_question:
            shown.show_remark("✓", _right(given), "green")
        else:
            shown.show_remark("·", _sentence(happened.Noted(given)))


def _sentence(event: Event) -> str:
    """Return what *event* says in one sentence."""
    match event:
        case happened.Unreadable():
            return say(N_("this is no command here: {line}"), line=event.line)
        case happened.Noted():
            return say(N_("noted: {answer}; now do it, and see"), answer=event.answer)
        case happened.NoQuestion():
            return _("nothing is asked; type a command, or `?`")
        case happened.Judged():
            return _judged(event)
        case happened.Forbidden():
            return shown.said(event.sentence)
        case happened.NotYet():
            return say(N_("not yet: {difference}"), difference=event.sentence)
        case happened.Hinted():
            return _("there is no other hint; `show me` shows how it is done")
        case happened.Wayed():
            return _("this is one way:")
        case happened.Undone(steps_back=0):
            return _("the step begins again")
        case happened.Undone():
            return _("the last command that changed anything is undone")
        case happened.Finished():
            if not event.shown:
                return say(N_("the lesson {name} is finished"), name=event.lesson.name)
            return counted(
                "the lesson {name} is finished; {count} step was shown or skipped",
                "the lesson {name} is finished; {count} steps were shown or skipped",
                event.shown,
                name=event.lesson.name,
            )
        case happened.Left():
            return _("the lesson waits where you left it")
        case happened.Refused():
            return event.error.message
    return ""


def _right(found: str) -> str:
    return say(N_("right: {found}"), found=found)


def _judged(event: Judged) -> str:
    if event.is_right:
        return _right(event.found)
    if event.lab is not None:
        return say(
            N_(
                "not {given}: in the books it is {found}; {given} is what an engine with the "
                "fault `{lab}` comes to: see it with `hongbao lab {lab}`"
            ),
            given=event.given,
            found=event.found,
            lab=event.lab,
        )
    if event.was_predicted:
        facts = {"given": event.given, "found": event.found}
        return say(N_("not {given}: in the books it is {found}"), **facts)
    return say(N_("not {given}"), given=event.given)


# --- documents -----------------------------------------------------------------------------------


def document(event: Event) -> LessonEvent:
    """Return *event* as documents have it."""
    tongue = language()
    made: LessonEvent = {
        "event": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower(),
        "text": _sentence(event) or None,
        "step": None,
        "command": None,
        "exit_code": None,
        "out": None,
        "err": None,
    }
    match event:
        case happened.Shown():
            made["step"], made["text"] = (
                event.step.name,
                shown.joined(event.goal.text.said_in(tongue)),
            )
        case happened.Ran():
            made["command"], made["exit_code"] = event.answered.command, event.answered.exit_code
            made["out"], made["err"] = event.answered.out, event.answered.err
        case happened.Mistaken():
            made["step"], made["text"] = (
                event.wrong.name,
                shown.joined(event.wrong.said.said_in(tongue)),
            )
        case happened.Done():
            made["step"], made["text"] = (
                event.step.name,
                shown.joined(event.step.meant.said_in(tongue)),
            )
        case happened.Hinted() if event.text is not None:
            made["text"] = shown.joined(event.text.said_in(tongue))
    return made


def place(runner: Runner) -> LessonPlace:
    """Return where a lesson stands, as documents have it."""
    tongue, record, lesson = language(), runner.record, runner.lesson
    here: LessonPlace = {
        "lesson": lesson.name,
        "title": lesson.title.said_in(tongue),
        "finished": record.finished,
        "count": len(lesson.steps),
        "passed": {name: each.how for name, each in record.passed.items()},
        "number": None,
        "step": None,
        "text": None,
        "question": None,
        "fresh": False,
    }
    if record.place is not None:
        question = runner.question
        here["number"], here["step"] = runner.number + 1, runner.step.name
        here["text"] = shown.joined(runner.goal.text.said_in(tongue))
        here["question"] = None if question is None else question.asked.said_in(tongue)
        here["fresh"] = record.place.fresh
    return here


def show_proved(proved: LessonProved) -> None:
    """Print what the proof of a lesson found, line by line."""
    ways = counted("{count} way", "{count} ways", proved["ways"])
    steps = counted("{count} step", "{count} steps", proved["steps"])
    if not proved["findings"]:
        shown.show_remark("✓", f"{proved['lesson']} · {steps} · {ways}", "green")
        return
    shown.show_remark("✗", f"{proved['lesson']} · {steps} · {ways}", "bold_red")
    for each in proved["findings"]:
        shown.show_remark(" ", f"{each['step'] or proved['lesson']}: {each['text']}")
