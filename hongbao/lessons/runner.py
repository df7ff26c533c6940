"""
A lesson while it runs: each line that is typed, what comes of it, and how to go back.

A line is a command of hongbao's, an answer to the question that is asked, or one of the lesson's
own words (`WORDS`). What a step asks for is looked for in the books when a command has ended, never
in what was typed or printed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hongbao.domain.bilingual import Text
from hongbao.domain.ledger import Kind
from hongbao.errors import HongbaoError, InvalidFact, NothingToUndo, StepNotFound
from hongbao.lessons import misconceptions
from hongbao.lessons.progress import (
    SHOWN,
    SKIPPED,
    SOLVED,
    Passed,
    Place,
    Progress,
    Record,
    Seen,
    Shot,
)
from hongbao.lessons.script import Goal, Lesson, Question, Step, Wrong
from hongbao.lessons.world import World
from hongbao.queries.facts import (
    WORD,
    Scope,
    Value,
    differences,
    holding,
    parse_value,
    read,
    read_sides,
    value_text,
)
from hongbao.story import Answered
from hongbao.ui.wording import chinese_account
from hongbao.words import Filled

WORDS = {
    "hint": ("提示",),
    "show me": ("演示",),
    "undo": ("撤销",),
    "again": ("重做",),
    "reset": ("重来",),
    "skip": ("跳过",),
    "list": ("目录",),
    "go": ("跳到",),
    "where": ("当前",),
    "leave": ("离开", "exit", "quit"),
    "?": ("？",),
}
"""The lesson's own words, with what else is typed for them."""

SHOTS_MAX = 30
"""How many commands can be undone, one after the other."""

_ANSWER = re.compile(r"(?:=|answer\s|答\s?)\s*(?P<answer>.+)|(?P<value>-?\d+(?:\.\d+)?)")


# --- what happens --------------------------------------------------------------------------------


class Shown(NamedTuple):
    """
    A step begins, or is looked at again: *number* of *steps*.

    *given* is what was answered to its questions so far; None where nothing was.
    """

    step: Step
    goal: Goal
    number: int
    steps: int
    is_fresh: bool
    given: tuple[str | None, ...]


class Ran(NamedTuple):
    """A command ran; *by_lesson* if the lesson typed it."""

    answered: Answered
    by_lesson: bool = False


class Unreadable(NamedTuple):
    """A line that is no command."""

    line: str


class Noted(NamedTuple):
    """A prediction was noted; the books will answer it."""

    answer: str


class NoQuestion(NamedTuple):
    """An answer was typed, and nothing is asked."""


class Judged(NamedTuple):
    """
    What the books say to an answer.

    *said* is what is misunderstood by who gives it, if the lesson knows; or *lab* is the fault of
    an engine that comes to just that.
    """

    question: Question
    given: str
    found: str
    is_right: bool
    was_predicted: bool
    said: Text | None = None
    lab: str | None = None


class Mistaken(NamedTuple):
    """The books tell a named wrong way."""

    wrong: Wrong


class Forbidden(NamedTuple):
    """Something holds that must not."""

    sentence: Filled


class NotYet(NamedTuple):
    """The books have changed, and this is what still differs."""

    sentence: Filled


class Done(NamedTuple):
    """A step was passed, and *how*; what it meant."""

    step: Step
    how: str


class Hinted(NamedTuple):
    """A hint, by its level from 0; None where there are no more."""

    level: int | None
    text: Text | None
    left: int


class Wayed(NamedTuple):
    """The lesson now shows how the step is done."""

    commands: tuple[str, ...]


class Undone(NamedTuple):
    """The home is as it was before the last command that changed it, or as the step began."""

    steps_back: int


class Listed(NamedTuple):
    """All steps, with how each was passed and which one is the present one."""

    steps: tuple[tuple[Step, str | None, bool], ...]


class Explained(NamedTuple):
    """What can be typed."""


class Finished(NamedTuple):
    """The last step was passed; *shown* is how many were shown or skipped."""

    lesson: Lesson
    shown: int


class Left(NamedTuple):
    """The learner leaves; the lesson waits."""


class Refused(NamedTuple):
    """A word of the lesson could not be followed."""

    error: HongbaoError


Event = (
    Shown
    | Ran
    | Unreadable
    | Noted
    | NoQuestion
    | Judged
    | Mistaken
    | Forbidden
    | NotYet
    | Done
    | Hinted
    | Wayed
    | Undone
    | Listed
    | Explained
    | Finished
    | Left
    | Refused
)


class Runner:
    """One learner in one lesson: the place that they are at, and the folder that it happens in."""

    def __init__(self, lesson: Lesson, world: World, progress: Progress) -> None:
        self.lesson, self.world, self.progress = lesson, world, progress
        self.record: Record = progress.of(lesson.name)
        self.is_over = False

    # --- where it stands -------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        assert self.record.place is not None
        return self.record.place

    @property
    def number(self) -> int:
        """The present step's place, counted from 0."""
        number = self.lesson.number(self.place.step)
        assert number is not None
        return number

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.number]

    @property
    def goal(self) -> Goal:
        """What is asked for now."""
        return (self.place.fresh and self.step.fresh) or self.step.goal

    @property
    def question(self) -> Question | None:
        """The question that waits for an answer."""
        if self.place.fresh:
            return None
        asked = self.step.questions
        return next(
            (each for n, each in enumerate(asked) if str(n) not in self.place.predicted), None
        )

    @property
    def scope(self) -> Scope:
        return self.world.scope(self.place.since, self.place.logged)

    def begin(self, *, is_known: bool = False) -> Iterator[Event]:
        """
        Continue where the learner left; a home that is gone is made again.

        A step that *is_known*, and continues, is not shown again.
        """
        place = self.record.place
        if place is None or self.lesson.number(place.step) is None:
            yield from self._enter(0)
        elif not (place.arrived and self.world.exists):
            yield from self._enter(self.number)
        else:
            if not is_known:
                yield self._shown()
            yield from self._look(changed=False)

    def look(self) -> Iterator[Event]:
        """
        Look at the books after commands that were typed elsewhere, as in a shell.

        A lesson that was not begun, or is finished, is left as it is.
        """
        place = self.record.place
        if place is None:
            return
        if not (place.arrived and self.world.exists):
            yield from self.begin()
        else:
            changed, refused = self._noticed()
            yield from self._look(changed=changed, refused=refused)
        if self.record.place is not None:
            self._see()

    def _noticed(self) -> tuple[bool, bool]:
        """Return whether anything changed, and whether a command was refused, since `_see`."""
        place, seen = self.place, self.place.seen
        if seen is None:
            return False, False
        typed = self.world.typed()[seen.typed :]
        changed = self.world.state() != seen.state
        if changed:
            place.seen = None
            self._keep_shot(seen.shot)
            place.commands += len(typed)
            self._save()
        return changed, any(each.code for each in typed)

    def _see(self) -> None:
        """Keep what there is now, so that a command that is typed elsewhere can be undone."""
        place, state = self.place, self.world.state()
        typed = self.world.logged()
        if place.seen is not None and place.seen.state == state:
            place.seen.typed = typed
        else:
            self._forget_seen()
            place.seen = Seen(state, typed, self._shot())
        self._save()

    def _forget_seen(self) -> None:
        seen, self.place.seen = self.place.seen, None
        if seen is not None:
            self.world.snapshots.drop(seen.shot.name)

    def _shown(self) -> Shown:
        return Shown(
            self.step,
            self.goal,
            self.number + 1,
            len(self.lesson.steps),
            bool(self.place.fresh),
            tuple(self.place.predicted.get(str(each)) for each in range(len(self.step.questions))),
        )

    def _save(self) -> None:
        self.progress.save(self.lesson.name, self.record)

    # --- going from step to step -----------------------------------------------------------------

    def _enter(self, number: int) -> Iterator[Event]:
        """Begin step *number* in a home in which all before it was done as the lesson does it."""
        self.world.make(self.lesson)
        for step in self.lesson.steps[:number]:
            self._walk_through(step)
        yield from self._arrive(number)

    def _walk_through(self, step: Step) -> None:
        for way in (step.goal.prepare, *step.goal.right[:1]):
            if way is not None:
                self.world.must_play(way)

    def _arrive(self, number: int) -> Iterator[Event]:
        """Begin step *number* here and now."""
        step, before = self.lesson.steps[number], self.record.place
        if before is not None:
            self._forget_seen()
        self.record.place = place = Place(step.name, self.world.head(), self.world.logged())
        if before is not None and number:
            place.shots, place.taken = before.shots, before.taken
        self._save()
        if step.goal.prepare is not None:
            self.world.must_play(step.goal.prepare)
            place.logged = self.world.logged()
        self._settle()
        yield self._shown()

    def _settle(self) -> None:
        """Keep how the step began, so that it can begin again."""
        self.world.snapshots.take(self._beginning)
        self.place.arrived = True
        self._save()

    @property
    def _beginning(self) -> str:
        return f"step-{self.place.step}{'-fresh' if self.place.fresh else ''}"

    @property
    def _done(self) -> str:
        """The snapshot of the home after the step was shown, without the like of it."""
        return f"done-{self.place.step}"

    def _pass(self, how: str) -> Iterator[Event]:
        step, place = self.step, self.place
        before = self.record.passed.get(step.name)
        if before is None or before.how != SOLVED:
            self.record.passed[step.name] = Passed(how, place.commands, place.hints)
        if place.fresh:  # the next step builds on the step itself
            self.world.snapshots.put_back(self._done)
        yield Done(step, how)
        place.arrived = False
        if self.number + 1 < len(self.lesson.steps):
            yield from self._arrive(self.number + 1)
            return
        self.record.finished += 1
        self.record.place = None
        self.is_over = True
        self._save()
        for name in self.world.snapshots.names():
            self.world.snapshots.drop(name)
        shown = sum(each.how != SOLVED for each in self.record.passed.values())
        yield Finished(self.lesson, shown)

    # --- a line ----------------------------------------------------------------------------------

    def type(self, line: str) -> Iterator[Event]:
        """Do what *line* says."""
        text = line.strip()
        if not text or text.startswith("#"):
            return
        try:
            self._forget_seen()
            yield from self._typed(text)
        except (NothingToUndo, StepNotFound) as error:
            yield Refused(error)

    def _typed(self, text: str) -> Iterator[Event]:
        word, rest = _own_word(text)
        if word is not None:
            yield from self._own(word, rest)
            return
        answer = _ANSWER.fullmatch(text)
        if answer is not None:
            yield from self._answer(answer["answer"] or answer["value"])
            return
        if self.question is not None and self._may_answer(self.question, text):
            yield from self._answer(text)
            return
        try:
            words = shlex.split(text)
        except ValueError:
            yield Unreadable(text)
            return
        words = words[1:] if words[:1] == ["hongbao"] else words
        if not words or not is_taken(words[0]):
            yield Unreadable(text)
            return
        yield from self._run(words, text)

    def _run(self, words: list[str], text: str) -> Iterator[Event]:
        place, before = self.place, self.world.state()
        self._keep_shot(self._shot())
        place.commands += 1
        self._save()
        answered = self.world.type(words, text)
        changed = self.world.state() != before
        if not changed:
            self.world.snapshots.drop(place.shots.pop().name)
        self._save()
        yield Ran(answered)
        yield from self._look(changed=changed, refused=answered.exit_code != 0)

    def _look(self, *, changed: bool, refused: bool = False) -> Iterator[Event]:
        """
        Look at the books: is this what was asked for, or a wrong way that has a name?

        After a command that only looked, nothing is said twice.
        """
        goal = self.goal
        if not goal.want:
            return
        with self.world.opened() as home:
            missing = differences(home, goal.want, self.scope)
            forbidden = holding(home, goal.must_not, self.scope)
            mistaken = next(
                (
                    wrong
                    for wrong in (() if self.place.fresh else self.step.wrong)
                    if not differences(home, wrong.tells, self.scope)
                ),
                None,
            )
        if not missing and not forbidden:
            yield from self._answered_by_the_books()
            if self.place.shown and self.step.fresh is not None and not self.place.fresh:
                yield from self._refresh()
            else:
                yield from self._pass(SHOWN if self.place.shown else SOLVED)
        elif not (changed or refused):
            return
        elif mistaken is not None:
            yield Mistaken(mistaken)
        elif forbidden:
            yield Forbidden(forbidden[0].forbidden)
        elif changed and missing:
            yield NotYet(missing[0].sentence)

    # --- questions -------------------------------------------------------------------------------

    def _answer(self, typed: str) -> Iterator[Event]:
        question = self.question
        if question is None and not self.place.fresh:
            question = self._predicted_last  # until the books have answered, it can be changed
        if question is None:
            yield NoQuestion()
            return
        given = normal(typed, question.answer.kind)
        place = self.place
        if not self.step.is_question:
            number = next(n for n, each in enumerate(self.step.questions) if each is question)
            place.predicted[str(number)] = given
            self._save()
            yield Noted(given)
            return
        place.commands += 1
        judged = self._judged(question, given)
        yield judged
        if judged.is_right:
            number = next(n for n, each in enumerate(self.step.questions) if each is question)
            place.predicted[str(number)] = given
            if self.question is None:
                yield from self._pass(SHOWN if place.shown else SOLVED)
                return
        self._save()

    @property
    def _predicted_last(self) -> Question | None:
        """The question that a prediction was noted for last; None if the step predicts nothing."""
        return None if self.step.is_question else next(reversed(self.step.questions), None)

    def _may_answer(self, question: Question, text: str) -> bool:
        """Return whether *text*, which is no number, answers *question*: a move, or a word."""
        if question.answer.kind != WORD:
            return False
        if _MOVE.search(_in_english(text)):
            return True
        with self.world.opened() as home:
            known = read(home, [question.answer], self.scope)
            known += read_sides(home, [each.answer for each in question.slips], WORD, self.scope)
        return normal(text, WORD) in known

    def _answered_by_the_books(self) -> Iterator[Event]:
        """Compare what was predicted with what has come of it."""
        if self.step.is_question or self.place.fresh:
            return
        for number, question in enumerate(self.step.questions):
            if str(number) in self.place.predicted:
                yield self._judged(question, self.place.predicted[str(number)])

    def _judged(self, question: Question, given: str) -> Judged:
        kind = question.answer.kind
        with self.world.opened() as home:
            (found,) = read(home, [question.answer], self.scope)
            slips = read_sides(home, [slip.answer for slip in question.slips], kind, self.scope)
            value = value_of(given, kind)
            is_right = value == found
            said = None
            if not is_right:
                said = next(
                    (
                        slip.said
                        for slip, other in zip(question.slips, slips, strict=True)
                        if other == value
                    ),
                    None,
                )
        lab, was_predicted = None, not self.step.is_question
        if was_predicted and not is_right and said is None:
            typed = self.world.typed()
            lab = misconceptions.fault_that_yields(
                self.lesson, typed, question.answer, value, found
            )
        return Judged(question, given, value_text(found, kind), is_right, was_predicted, said, lab)

    # --- the lesson's own words ------------------------------------------------------------------

    def _own(self, word: str, rest: str) -> Iterator[Event]:
        """Follow one of the lesson's own words."""
        follow: dict[str, Callable[[str], Iterator[Event]]] = {
            "hint": self._hint,
            "show me": self._show_me,
            "undo": self._undo,
            "again": self._again,
            "reset": self._reset,
            "skip": self._skip,
            "list": self._list,
            "go": self._go,
            "where": self._where,
            "leave": self._leave,
            "?": self._explain,
        }
        return follow[word](rest)

    def _hint(self, _rest: str) -> Iterator[Event]:
        hints, place = self.step.hints, self.place
        if place.hints >= len(hints):
            yield Hinted(None, None, 0)
            return
        level = place.hints
        place.hints += 1
        self._save()
        yield Hinted(level, hints[level], len(hints) - place.hints)

    def _show_me(self, _rest: str) -> Iterator[Event]:
        """Show how it is done, from where the step began; then a fresh one waits, if any."""
        self._put_back()
        self.place.shown = True
        ways = self.goal.right[:1]
        yield Wayed(tuple(each.typed for way in ways for each in way.commands))
        for way in ways:
            for answered in self.world.must_play(way):
                yield Ran(answered, by_lesson=True)
        self._save()
        if self.step.is_question:
            for question in self.step.questions:
                with self.world.opened() as home:
                    (found,) = read(home, [question.answer], self.scope)
                kind = question.answer.kind
                given = value_text(found, kind)
                yield Judged(question, given, given, is_right=True, was_predicted=False)
            yield from self._pass(SHOWN)
            return
        yield from self._look(changed=False)

    def _refresh(self) -> Iterator[Event]:
        """Set the like of the step that was shown, from here on."""
        fresh = self.step.fresh
        assert fresh is not None
        place = self.place
        self.world.snapshots.take(self._done)
        place.fresh, place.shown, place.arrived = True, False, False
        place.since, place.logged = self.world.head(), self.world.logged()
        self._save()
        if fresh.prepare is not None:
            self.world.must_play(fresh.prepare)
            place.logged = self.world.logged()
        self._settle()
        yield self._shown()

    def _undo(self, _rest: str) -> Iterator[Event]:
        place = self.place
        if not place.shots:
            raise NothingToUndo
        shot = place.shots.pop()
        self.world.snapshots.put_back(shot.name)
        if shot.step != place.step:
            self.record.place = place = Place(
                shot.step, arrived=True, shots=place.shots, taken=place.taken
            )
        place.since, place.logged, place.fresh = shot.since, shot.logged, shot.fresh
        self._save()
        self.world.snapshots.drop(shot.name)
        yield Undone(1)
        yield self._shown()

    def _again(self, _rest: str) -> Iterator[Event]:
        """Begin the step, or its fresh variant, again."""
        self._put_back()
        self.place.predicted = {}
        self._save()
        yield Undone(0)
        yield self._shown()

    def _put_back(self) -> None:
        """Put the home back to where the step began; what was done in it cannot be undone again."""
        self.world.snapshots.put_back(self._beginning)
        place = self.place
        kept = [
            each for each in place.shots if each.step != place.step or each.fresh != place.fresh
        ]
        gone, place.shots = [each for each in place.shots if each not in kept], kept
        self._save()
        for shot in gone:
            self.world.snapshots.drop(shot.name)

    def _reset(self, _rest: str) -> Iterator[Event]:
        self.record.place = None
        yield from self._enter(0)

    def _skip(self, _rest: str) -> Iterator[Event]:
        """Do the step as the lesson does it, and continue."""
        if self.place.fresh:
            yield from self._pass(SHOWN)
            return
        self._put_back()
        for way in self.step.goal.right[:1]:
            self.world.must_play(way)
        yield from self._pass(SKIPPED)

    def _list(self, _rest: str) -> Iterator[Event]:
        passed = self.record.passed
        yield Listed(
            tuple(
                (step, passed[step.name].how if step.name in passed else None, step is self.step)
                for step in self.lesson.steps
            )
        )

    def _go(self, rest: str) -> Iterator[Event]:
        """Go to a step by its number; alone it only shows the present one again."""
        if rest in ("", "on", "继续"):
            yield self._shown()
            return
        if not rest.isdecimal() or not 1 <= int(rest) <= len(self.lesson.steps):
            raise StepNotFound(rest)
        yield from self._enter(int(rest) - 1)

    def _where(self, _rest: str) -> Iterator[Event]:
        yield self._shown()

    def _leave(self, _rest: str) -> Iterator[Event]:
        self.is_over = True
        yield Left()

    def _explain(self, _rest: str) -> Iterator[Event]:
        yield Explained()

    # --- snapshots -------------------------------------------------------------------------------

    def _shot(self) -> Shot:
        """Take a snapshot that undo can go back to."""
        place = self.place
        place.taken += 1
        name = f"undo-{place.taken}"
        self.world.snapshots.take(name)
        return Shot(name, place.step, place.since, place.logged, place.fresh)

    def _keep_shot(self, shot: Shot) -> None:
        place = self.place
        place.shots.append(shot)
        while len(place.shots) > SHOTS_MAX:
            self.world.snapshots.drop(place.shots.pop(0).name)


_NOT_HERE = frozenset({"learn", "demo", "play", "sandbox", "class", "record", "lock", "unlock"})
"""
Commands that begin something else, or would lock this wallet: not for a lesson.

`lab` and `race` have throw-away wallets, and lessons show them.
"""


def is_taken(command: str) -> bool:
    """Return whether *command* can be typed in a lesson."""
    return command.split(maxsplit=1)[0] not in _NOT_HERE


def _own_word(text: str) -> tuple[str | None, str]:
    """Return the lesson's word that *text* begins with, and what follows it."""
    lowered = " ".join(text.split())
    for word, others in WORDS.items():
        for each in (word, *others):
            if lowered == each:
                return word, ""
            if word == "go" and lowered.startswith(f"{each} "):
                return word, lowered.removeprefix(f"{each} ")
    return None, ""


_MOVE = re.compile(r"([a-z_]+)\s*(?:->|→|－>|=>|>)\s*([a-z_]+)\s+(\d+(?:\.\d\d?)?)")


def normal(typed: str, kind: str) -> str:
    """
    Return an answer as the books would write it.

    >>> normal("20", "amount"), normal("balance→packet 20 ; balance > fees 0.1", "word")
    ('20.00', 'balance -> packet 20.00, balance -> fees 0.10')
    """
    typed = " ".join(typed.split()).rstrip("。.")
    if kind == WORD:
        moves = _MOVE.findall(_in_english(typed.lower()))
        if not moves:
            return typed.lower()
        return ", ".join(f"{one} -> {other} {_yuan(amount)}" for one, other, amount in moves)
    if kind == "amount":
        return _yuan(typed.removeprefix("¥").removesuffix("元").strip())
    return typed


def _in_english(typed: str) -> str:
    """Return *typed* with the accounts that it names in Chinese named as the books name them."""
    for kind in Kind:
        typed = typed.replace(chinese_account(kind), f" {kind} ")
    return typed.replace("余额", f" {Kind.BALANCE} ")


def _yuan(text: str) -> str:
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}"


def value_of(given: str, kind: str) -> Value:
    """Return the value of what was answered; text that is none is no value of any fact."""
    try:
        return parse_value(given, kind)
    except InvalidFact:
        return f"? {given}"
