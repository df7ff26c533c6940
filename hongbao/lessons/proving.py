"""
The proof of a lesson: that every step is what its file says, by playing every way in it.

A step has to fail before it is done, fail when nothing is done, fail each wrong way with the
feedback of that way, and pass each right way; that is looked at in the books, as the lesson itself
does. What can be read off the file is looked at, too: what a step needs was introduced, its first
hint gives nothing away, and both languages say the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hongbao.domain.bilingual import Text
from hongbao.lessons.runner import is_taken
from hongbao.lessons.scaffold import BLANK
from hongbao.lessons.script import HINTS, Goal, Lesson, Question, Step, Way, Wrong
from hongbao.lessons.world import WayFailed, World
from hongbao.queries.facts import differences, holding, read, read_sides, value_text
from hongbao.story import Failed, Run, Skipped
from hongbao.story.folders import lent_folder
from hongbao.story.script import VARIABLE
from hongbao.words import N_, say

if TYPE_CHECKING:
    from hongbao.answers import LessonFinding, LessonProved
    from hongbao.env import Env

RIGHT_MIN, WRONG_MIN, SLIPS_MIN = 2, 2, 2
"""How many right and wrong ways a step has at least, and wrong answers a question that is one."""

PROBLEMS = {
    "few_right": N_("right ways: {count}, and {least} are needed"),
    "few_wrong": N_("wrong ways: {count}, and {least} are needed"),
    "few_slips": N_("explained wrong answers: {count}, and {least} are needed"),
    "same_right": N_("two right ways are the same"),
    "same_name": N_("two wrong ways are called {name}"),
    "few_hints": N_("hints: {count}, and {least} are needed"),
    "way_fails": N_("a way does not go as it says: {said}"),
    "passes_before": N_("it passes before anything is done"),
    "right_fails": N_("right way {number} does not pass: {said}"),
    "right_forbidden": N_("right way {number} does what must not be: {said}"),
    "wrong_passes": N_("the wrong way {name} is taken for a right one"),
    "wrong_unnamed": N_("there is no feedback for the wrong way {name}"),
    "wrong_other": N_("the feedback for the wrong way {name} is that of {other}"),
    "slip_right": N_("the wrong answer {answer} is right"),
    "slip_same": N_("two wrong answers are {answer}"),
    "no_answer": N_("the question's fact {answer} is of nothing that is there"),
    "not_introduced": N_("`{command}` is needed, and no step so far introduces it"),
    "not_taken": N_("it introduces `{command}`, which cannot be typed in a lesson"),
    "not_in_text": N_("it introduces `{command}`, and its text does not have it"),
    "hint_tells": N_("its first hint gives {word} away"),
    "hint_same": N_("its example has {word}, which the step itself has"),
    "hint_no_example": N_("its last hint has no command"),
    "languages_differ": N_("{what}: the languages differ in {word}"),
    "blank": N_("{what} still has a blank: {word}"),
    "no_act": N_("nothing that it wants has to be done in the step itself"),
}
"""What can be wrong with a step, as a sentence."""

_OPTION_MIN = 5
"""How long an option's word is that gives it away: shorter ones, such as *to*, every text has."""

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w])")
_CODE = re.compile(r"`([^`]+)`")


def proved(
    lesson: Lesson, env: Env, run: Run, *, language: str = "en", quick: bool = False
) -> LessonProved:
    """
    Play every way of *lesson* in a folder that is gone afterwards, and return what was found.

    A *quick* proof plays one right way of each step, and no wrong ones.
    """
    with lent_folder("lesson") as folder:
        proof = _Ways(lesson, World(folder, env, run, language=language), quick=quick)
        findings = [*read_over(lesson), *proof.findings()]
    return {
        "lesson": lesson.name,
        "steps": len(lesson.steps),
        "ways": proof.ways,
        "findings": findings,
    }


def read_over(lesson: Lesson) -> list[LessonFinding]:
    """Return what is wrong with *lesson* that can be seen without playing anything."""
    return [*_Texts(lesson).findings()]


class _Looking:
    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.step: Step | None = None

    def found(self, problem: str, **facts: object) -> LessonFinding:
        return {
            "lesson": self.lesson.name,
            "step": None if self.step is None else self.step.name,
            "problem": problem,
            "text": say(PROBLEMS[problem], **facts),
        }


class _Texts(_Looking):
    """What the file says."""

    def findings(self) -> Iterator[LessonFinding]:
        """Look at what can be read without playing anything."""
        heads = [("title", self.lesson.title), ("about", self.lesson.about)]
        heads += [("chapter", text) for text in {step.chapter: 0 for step in self.lesson.steps}]
        for what, text in heads:
            yield from self._alike(what, text)
        known = set(self.lesson.knows)
        for step in self.lesson.steps:
            self.step = step
            known |= {*step.introduces}
            yield from self._counts(step)
            yield from self._introduced(step, known)
            yield from self._hints(step)
            for what, text in _texts(step):
                yield from self._alike(what, text)
        self.step = None

    def _counts(self, step: Step) -> Iterator[LessonFinding]:
        names = [wrong.name for wrong in step.wrong]
        for name in {each for each in names if names.count(each) > 1}:
            yield self.found("same_name", name=name)
        if len(step.hints) != len(HINTS):
            yield self.found("few_hints", count=len(step.hints), least=len(HINTS))
        if step.is_question:
            for question in step.questions:
                if len(question.slips) < SLIPS_MIN:
                    yield self.found("few_slips", count=len(question.slips), least=SLIPS_MIN)
            return
        if len(step.wrong) < WRONG_MIN:
            yield self.found("few_wrong", count=len(step.wrong), least=WRONG_MIN)
        for goal in filter(None, (step.goal, step.fresh)):
            typed = [tuple((each.actor, each.typed) for each in way.commands) for way in goal.right]
            if len(typed) < RIGHT_MIN:
                yield self.found("few_right", count=len(typed), least=RIGHT_MIN)
            if len({*typed}) < len(typed):
                yield self.found("same_right")
            looks_back = ("acts", "change", "ended", "refused", "replayed", "moves", "request")
            wanted = {fact.name.split()[0] for want in goal.want for fact in want.facts}
            if wanted.isdisjoint(looks_back):
                yield self.found("no_act")

    def _introduced(self, step: Step, known: set[str]) -> Iterator[LessonFinding]:
        said = {word for part in _CODE.findall(step.goal.text.en) for word in part.split()}
        for command in step.introduces:
            if not is_taken(command):
                yield self.found("not_taken", command=command)
            if not {*command.split()} <= said:
                yield self.found("not_in_text", command=command)
        needed = {
            command: None
            for goal in (step.goal, step.fresh)
            if goal is not None
            for way in goal.right
            for command in map(_command_of, (each.typed for each in way.commands))
        }
        for command in needed:
            if command not in known and command.split()[0] not in known:
                yield self.found("not_introduced", command=command)

    def _hints(self, step: Step) -> Iterator[LessonFinding]:
        if len(step.hints) != len(HINTS):
            return
        words = {word for way in step.goal.right for word in _telling_words(way)}
        numbers = {word for word in words if _NUMBER.fullmatch(word)}
        first, *_middle, last = step.hints
        for text in first:
            for word in sorted(words):
                if re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", text, re.ASCII):
                    yield self.found("hint_tells", word=word)
        if step.is_question:
            return
        for text in last:
            if not _CODE.search(text) and "    " not in text:
                yield self.found("hint_no_example")
            for word in sorted(numbers & {*_NUMBER.findall(text)}):
                if len(word) > 1:
                    yield self.found("hint_same", word=word)

    def _alike(self, what: str, text: Text) -> Iterator[LessonFinding]:
        people = [person.name for person in self.lesson.people]
        for blank in BLANK.findall("\n".join(text)):
            yield self.found("blank", what=what, word=blank)
        marks = [_marks(each, people) for each in text]
        for word in sorted(marks[0] ^ marks[1]):
            yield self.found("languages_differ", what=what, word=word)


class _Ways(_Looking):
    """What the books say."""

    def __init__(self, lesson: Lesson, world: World, *, quick: bool) -> None:
        super().__init__(lesson)
        self.world, self.quick = world, quick
        self.ways = 0

    def findings(self) -> Iterator[LessonFinding]:
        """Play every way of every step, each from where the step begins."""
        try:
            self.world.make(self.lesson)
            for step in self.lesson.steps:
                self.step = step
                yield from self._played(step)
        except WayFailed as failed:
            yield self.found("way_fails", said=failed)

    def _played(self, step: Step) -> Iterator[LessonFinding]:
        since, logged = self.world.head(), self.world.logged()
        if step.goal.prepare is not None:
            self.world.must_play(step.goal.prepare)
            logged = self.world.logged()
        if not self.quick:
            self.world.snapshots.take("begin")
        if step.is_question:
            for question in step.questions:
                yield from self._asked(question, since, logged)
        else:
            yield from self._nothing_done(step.goal, since, logged)
            for wrong in () if self.quick else step.wrong:
                yield from self._went_wrong(step, wrong, since, logged)
        ways = step.goal.right[:1] if self.quick else step.goal.right
        for number, way in reversed(
            [*enumerate(ways, start=1)]
        ):  # what follows stands on the first
            yield from self._went_right(step.goal, number, way, since, logged)
        if not step.is_question:
            for question in step.questions:
                yield from self._asked(question, since, logged)
        if step.fresh is not None and not self.quick:
            self.world.snapshots.take("done")
            yield from self._fresh(step.fresh)
            self.world.snapshots.put_back("done")

    def _fresh(self, fresh: Goal) -> Iterator[LessonFinding]:
        since, logged = self.world.head(), self.world.logged()
        if fresh.prepare is not None:
            self.world.must_play(fresh.prepare)
            logged = self.world.logged()
        self.world.snapshots.take("begin")
        yield from self._nothing_done(fresh, since, logged)
        for number, way in enumerate(fresh.right, start=1):
            yield from self._went_right(fresh, number, way, since, logged)

    def _nothing_done(self, goal: Goal, since: int, logged: int) -> Iterator[LessonFinding]:
        with self.world.opened() as home:
            if not differences(home, goal.want, self.world.scope(since, logged)):
                yield self.found("passes_before")

    def _play(self, way: Way) -> None:
        """Play *way* from where the step begins. Raises WayFailed."""
        if not self.quick:  # otherwise it is the only one, and there is nothing to go back from
            self.world.snapshots.put_back("begin")
        self.ways += 1
        for outcome in self.world.play(way):
            if isinstance(outcome, Failed | Skipped):
                said = outcome.said if isinstance(outcome, Failed) else outcome.name
                command = outcome.command if isinstance(outcome, Failed) else ""
                raise WayFailed(f"{command}: {said}")

    def _went_right(
        self, goal: Goal, number: int, way: Way, since: int, logged: int
    ) -> Iterator[LessonFinding]:
        self._play(way)
        scope = self.world.scope(since, logged)
        with self.world.opened() as home:
            for each in differences(home, goal.want, scope):
                said = f"{each.of.text} ({each.got})"
                yield self.found("right_fails", number=number, said=said)
            for each in holding(home, goal.must_not, scope):
                yield self.found("right_forbidden", number=number, said=each.of.text)

    def _went_wrong(
        self, step: Step, wrong: Wrong, since: int, logged: int
    ) -> Iterator[LessonFinding]:
        self._play(wrong.way)
        scope = self.world.scope(since, logged)
        with self.world.opened() as home:
            missing = differences(home, step.goal.want, scope)
            if not missing and not holding(home, step.goal.must_not, scope):
                yield self.found("wrong_passes", name=wrong.name)
            known = next(
                (each for each in step.wrong if not differences(home, each.tells, scope)), None
            )
        if known is None:
            yield self.found("wrong_unnamed", name=wrong.name)
        elif known is not wrong:
            yield self.found("wrong_other", name=wrong.name, other=known.name)

    def _asked(self, question: Question, since: int, logged: int) -> Iterator[LessonFinding]:
        kind, scope = question.answer.kind, self.world.scope(since, logged)
        with self.world.opened() as home:
            (right,) = read(home, [question.answer], scope)
            slips = read_sides(home, [each.answer for each in question.slips], kind, scope)
        if right in (None, ""):
            yield self.found("no_answer", answer=question.answer)
        for place, slip in enumerate(slips):
            if slip == right:
                yield self.found("slip_right", answer=value_text(slip, kind))
            elif slip in slips[:place]:
                yield self.found("slip_same", answer=value_text(slip, kind))


# --- words ---------------------------------------------------------------------------------------


def _texts(step: Step) -> Iterator[tuple[str, Text]]:
    """Yield each text of *step*, with where it stands."""
    yield from (("title", step.title), ("text", step.goal.text), ("meant", step.meant))
    for number, hint in enumerate(step.hints, start=1):
        yield f"hint {number}", hint
    for question in step.questions:
        yield "question", question.asked
        for slip in question.slips:
            yield "slip", slip.said
    for wrong in step.wrong:
        yield f"wrong {wrong.name}", wrong.said
    if step.fresh is not None:
        yield "fresh", step.fresh.text


def _marks(text: str, people: list[str]) -> set[str]:
    """Return what *text* has to have in every language: its numbers, people and commands."""
    code = {part for part in _CODE.findall(text) if part.isascii()}
    code |= {line.strip() for line in text.split("\n") if line.startswith("    ")}
    prose = _CODE.sub(" ", text)
    names = {name for name in people if name in text}
    return {*_NUMBER.findall(re.sub(r"[\u3000-\u9fff\uff00-\uffef]", " ", prose)), *names, *code}


def _words_of(typed: str) -> list[str]:
    words = shlex.split(typed)
    while words and VARIABLE.fullmatch(words[0]):
        del words[0]
    return words


def _command_of(typed: str) -> str:
    """Return the command that *typed* begins with, with its second word if it is one of a group."""
    first, *rest = [*_words_of(typed), ""]
    second = rest[0]
    return f"{first} {second}".strip() if re.fullmatch(r"[a-z-]{2,}", second) else first


def _telling_words(way: Way) -> set[str]:
    """Return the words by which a text would give *way* away; people are named in every text."""
    found: set[str] = set()
    for command in way.commands:
        for word in _words_of(command.typed):
            if word.isascii() and not word.startswith("-") and word != "last":
                found.add(word)
            elif word.startswith("--"):
                found.add(word)
                if len(bare := word.removeprefix("--")) >= _OPTION_MIN:
                    found.add(bare)
    return {word for word in found if len(word) > 1 or word.isdigit()}
