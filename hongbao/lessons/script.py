"""The form of a lesson's file, and its reader (docs/howto/write-a-lesson.md)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from hongbao.domain.bilingual import Text
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.text import parse_profile_name
from hongbao.domain.toml_table import Document, Table
from hongbao.errors import (
    FileNotReadable,
    HongbaoError,
    InvalidFact,
    InvalidLesson,
    InvalidStory,
)
from hongbao.queries.facts import Expected, Fact, Side, parse, parse_fact, parse_side
from hongbao.story import Story
from hongbao.story import parse as parse_story
from hongbao.story.script import Command, Given, Narration, Prop
from hongbao.wallet.practice import Person

FORM = 1
"""The form of lessons that this hongbao runs."""

LANGUAGES = ("en", "zh")

HINTS = ("direction", "place", "example")
"""What each hint is: which way to go, which account or command, and the like of it elsewhere."""

_TEXT_MAX = 6000
_LINE_MAX = 300
_ENTRIES_MAX = 20
_SOME = 60


class Way(NamedTuple):
    """Commands that someone may type in a step, as the lines of a story."""

    story: Story

    @property
    def commands(self) -> tuple[Command, ...]:
        return tuple(scene for scene in self.story.scenes if isinstance(scene, Command))


class Slip(NamedTuple):
    """A wrong *answer* to a question, and what is misunderstood by one who gives it."""

    answer: Side
    said: Text


class Question(NamedTuple):
    """
    A question whose answer is a fact.

    It is asked before what a step asks for is done, and answered by the books afterwards; or it
    is itself what the step asks for.
    """

    asked: Text
    answer: Fact
    slips: tuple[Slip, ...]


class Wrong(NamedTuple):
    """A way that does not lead to the goal: the books *tell* it, and what is said of it."""

    name: str
    way: Way
    tells: tuple[Expected, ...]
    said: Text


class Goal(NamedTuple):
    """What is asked for: what has to come of it, what must not, and ways that lead there."""

    text: Text
    prepare: Way | None
    want: tuple[Expected, ...]
    must_not: tuple[Expected, ...]
    right: tuple[Way, ...]


class Step(NamedTuple):
    """One step of a lesson. *fresh* is the like of it, for one who was shown how it is done."""

    name: str
    chapter: Text
    title: Text
    introduces: tuple[str, ...]
    goal: Goal
    is_question: bool
    questions: tuple[Question, ...]
    hints: tuple[Text, ...]
    wrong: tuple[Wrong, ...]
    meant: Text
    fresh: Goal | None


class Lesson(NamedTuple):
    """A lesson as its file has it, under the *name* of that file; *source* is how it was found."""

    name: str
    source: str
    title: Text
    about: Text
    minutes: int
    knows: tuple[str, ...]
    begins: datetime
    seed: str
    policy: str
    people: tuple[Person, ...]
    prepare: Way | None
    steps: tuple[Step, ...]

    def number(self, step: str) -> int | None:
        """Return the place of the *step* called so, counted from 0."""
        return next((n for n, each in enumerate(self.steps) if each.name == step), None)


def read(text: str, name: str, source: str) -> Lesson:
    """
    Read the lesson called *name* from its *text*; errors call it *source*.

    Raises InvalidLesson with the line that is wrong.
    """
    return _Reader(text, name, source).lesson()


class _Reader:
    def __init__(self, text: str, name: str, source: str) -> None:
        self.document = Document(text, source, InvalidLesson)
        self.name, self.source = name, source

    def lesson(self) -> Lesson:
        needed = ("form", "title", "about", "minutes", "begins", "seed", "person", "chapter")
        top = Table(
            self.document,
            (),
            self.document.content(),
            needed,
            ("policy", "knows", "prepare"),
        )
        top.whole("form", FORM, FORM)
        steps = [
            step
            for table in self._tables(top, "chapter", ("title", "step"))
            for step in self._steps(table)
        ]
        for place, step in enumerate(steps):
            if step.name in {each.name for each in steps[:place]}:
                raise top.refuse("chapter", "used_twice", text=step.name)
        return Lesson(
            name=self.name,
            source=self.source,
            title=self._line(top, "title"),
            about=self._line(top, "about"),
            minutes=top.whole("minutes", 1, 120),
            knows=self._names(top, "knows"),
            begins=self._moment(top, "begins"),
            seed=top.text("seed", 40),
            policy=top.name("policy") if "policy" in top.content else "standard",
            people=tuple(
                self._person(each)
                for each in self._tables(top, "person", ("name",), ("bank", "balance"))
            ),
            prepare=self._way_or(top, "prepare"),
            steps=tuple(steps),
        )

    def _steps(self, chapter: Table) -> list[Step]:
        needed = ("name", "title", "text", "meant")
        optional = (
            *("introduces", "prepare", "want", "must_not", "right"),
            *("ask", "predict", "hint", "wrong", "fresh"),
        )
        title = self._line(chapter, "title")
        return [self._step(each, title) for each in self._tables(chapter, "step", needed, optional)]

    def _step(self, table: Table, chapter: Text) -> Step:
        is_question = "ask" in table.content
        if is_question == ("want" in table.content):
            raise table.refuse("name", "ask_or_want")
        key = "ask" if is_question else "predict"
        hints = tuple(
            Text(self._paragraphs(each, "en"), self._paragraphs(each, "zh"))
            for each in self._tables_or(table, "hint", LANGUAGES)
        )
        return Step(
            name=table.name("name"),
            chapter=chapter,
            title=self._line(table, "title"),
            introduces=self._names(table, "introduces"),
            goal=self._goal(table, needs_want=not is_question),
            is_question=is_question,
            questions=tuple(
                self._question(each)
                for each in self._tables_or(table, key, ("question", "answer"), ("slip",))
            ),
            hints=hints,
            wrong=tuple(
                self._wrong(each)
                for each in self._tables_or(table, "wrong", ("name", "way", "when", *LANGUAGES))
            ),
            meant=self._text(table, "meant"),
            fresh=self._fresh(table),
        )

    def _fresh(self, table: Table) -> Goal | None:
        if "fresh" not in table.content:
            return None
        fresh = table.table("fresh", ("text", "want", "right"), ("prepare", "must_not"))
        return self._goal(fresh, needs_want=True)

    def _goal(self, table: Table, *, needs_want: bool) -> Goal:
        want = self._expected(table, "want")
        if needs_want and not want:
            raise table.refuse("want", "not_list", known=_EXAMPLE)
        return Goal(
            text=self._text(table, "text"),
            prepare=self._way_or(table, "prepare"),
            want=want,
            must_not=self._expected(table, "must_not"),
            right=self._ways(table, "right"),
        )

    def _question(self, table: Table) -> Question:
        slips = self._tables_or(table, "slip", ("answer", *LANGUAGES))
        answer = self._fact(table, "answer")
        return Question(
            asked=self._line(table, "question"),
            answer=answer,
            slips=tuple(
                Slip(
                    self._side(each, "answer", answer),
                    Text(self._paragraphs(each, "en"), self._paragraphs(each, "zh")),
                )
                for each in slips
            ),
        )

    def _wrong(self, table: Table) -> Wrong:
        return Wrong(
            name=table.name("name"),
            way=self._way(table, "way"),
            tells=self._expected(table, "when"),
            said=Text(self._paragraphs(table, "en"), self._paragraphs(table, "zh")),
        )

    def _person(self, table: Table) -> Person:
        typed = table.text("name", 40)
        try:
            name = parse_profile_name(typed)
        except HongbaoError as error:
            raise table.refuse("name", "refused", text=error.message) from None
        bank = table.one_of("bank", tuple(BANK_NUMBERS)) if "bank" in table.content else None
        balance_fen = table.amount("balance") if "balance" in table.content else 0
        if balance_fen and bank is None:
            raise table.refuse("balance", "no_bank")
        return Person(name, bank, balance_fen)

    # --- values ----------------------------------------------------------------------------------

    def _line(self, table: Table, key: str) -> Text:
        said = table.table(key, LANGUAGES)
        return Text(said.text("en", _LINE_MAX), said.text("zh", _LINE_MAX))

    def _text(self, table: Table, key: str) -> Text:
        said = table.table(key, LANGUAGES)
        return Text(self._paragraphs(said, "en"), self._paragraphs(said, "zh"))

    def _paragraphs(self, table: Table, key: str) -> str:
        value = table.content[key]
        if type(value) is not str:
            raise table.refuse(key, "not_text")
        text = value.strip("\n").rstrip()
        if not text or len(text) > _TEXT_MAX or not text.replace("\n", "").isprintable():
            raise table.refuse(key, "bad_text", length_max=_TEXT_MAX)
        return text

    def _names(self, table: Table, key: str) -> tuple[str, ...]:
        return tuple(self._strings(table, key))

    def _strings(self, table: Table, key: str) -> list[str]:
        value = table.content.get(key, [])
        if type(value) is not list or any(type(each) is not str for each in value):
            raise table.refuse(key, "not_list", known=_EXAMPLE)
        return value

    def _expected(self, table: Table, key: str) -> tuple[Expected, ...]:
        try:
            return tuple(parse(each) for each in self._strings(table, key))
        except InvalidFact as error:
            raise table.refuse(key, "refused", text=error.message) from None

    def _fact(self, table: Table, key: str) -> Fact:
        try:
            return parse_fact(table.text(key, _LINE_MAX))
        except InvalidFact as error:
            raise table.refuse(key, "refused", text=error.message) from None

    def _side(self, table: Table, key: str, like: Fact) -> Side:
        try:
            return parse_side(table.text(key, _LINE_MAX), like.kind)
        except InvalidFact as error:
            raise table.refuse(key, "refused", text=error.message) from None

    def _ways(self, table: Table, key: str) -> tuple[Way, ...]:
        return tuple(self._story(table, key, text) for text in self._strings(table, key))

    def _way_or(self, table: Table, key: str) -> Way | None:
        return self._way(table, key) if key in table.content else None

    def _way(self, table: Table, key: str) -> Way:
        return self._story(table, key, self._paragraphs(table, key))

    def _story(self, table: Table, key: str, text: str) -> Way:
        try:
            story = parse_story(text, f"{self.source}, {key}")
        except (InvalidStory, FileNotReadable) as error:
            raise table.refuse(key, "refused", text=error.message) from None
        for scene in story.scenes:
            if not isinstance(scene, Command | Prop | Given) and type(scene) is not Narration:
                raise table.refuse(key, "only_commands")
        return Way(story)

    def _moment(self, table: Table, key: str) -> datetime:
        typed = table.text(key, 40)
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise table.refuse(key, "bad_moment", text=typed)
        return at

    def _tables(
        self, table: Table, key: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[Table]:
        return table.tables(key, needed, optional)

    def _tables_or(
        self, table: Table, key: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[Table]:
        return table.tables(key, needed, optional) if key in table.content else []


_EXAMPLE = '["acts send 小明 = 1"]'
