"""The form of a task's file, and its reader: what a teacher writes (docs/reference/tasks.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hongbao.classroom.numbers import Number, capacity, first_of
from hongbao.domain.bilingual import Text
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.money import parse_yuan
from hongbao.domain.text import name_key, parse_profile_name
from hongbao.domain.toml_table import Document, Table
from hongbao.errors import HongbaoError, InvalidAmount, InvalidFact, InvalidStory, InvalidTask
from hongbao.queries.facts import Expected, parse
from hongbao.rows import Row
from hongbao.story import Story
from hongbao.story import parse as parse_story
from hongbao.story.script import NAME, Command, Given, Narration, Note, Prop
from hongbao.wallet.practice import Person

FORM = 1
"""The form of tasks that this hongbao reads."""

LANGUAGES = ("en", "zh")

POINTS_MAX = 100
FACTS_MAX = 50
VALUES_MAX = 100_000
_TEXT_MAX = 6000
_LINE_MAX = 300
_SEED_MAX = 40

_NEEDED = ("form", "title", "text", "begins", "number", "person", "fact")
_OPTIONAL = ("policy", "prepare", "right", "wrong", "hand_out")
_EXAMPLE = '["change balance 小红 = [amount]"]'


class Goal(Row):
    """A part of a task that earns *points*: all of *want* has to come of it, none of *must_not*."""

    text: Text
    points: int
    want: tuple[Expected, ...]
    must_not: tuple[Expected, ...]


class Wrong(Row):
    """A way that does not lead to every goal, and the *points* that it earns."""

    points: int
    way: Story


class HandOut(Row):
    """Whose copy of a task a file is: its table ``[hand_out]``."""

    task: str
    student: str
    name: str
    seed: str
    numbers: Mapping[str, str]


class Task(Row):
    """
    A task under the *name* of its file, with the numbers of one student in it.

    *content* is the file as the teacher wrote it; *source* is what its errors call it. *typed* are
    the numbers that a right way types itself, rather than find them in the home.
    """

    name: str
    source: str
    content: str
    title: Text
    text: Text
    begins: datetime
    policy: str
    numbers: tuple[Number, ...]
    people: tuple[Person, ...]
    prepare: Story | None
    goals: tuple[Goal, ...]
    right: tuple[Story, ...]
    wrong: tuple[Wrong, ...]
    typed: tuple[Number, ...]
    hand_out: HandOut | None

    @property
    def points(self) -> int:
        return sum(goal.points for goal in self.goals)

    @property
    def capacity(self) -> int:
        """How many students can have numbers that no other one has."""
        return capacity(self.numbers)

    def with_numbers(self, numbers: Mapping[str, str]) -> Task:
        """Return the same task with other numbers in it."""
        return read(self.content, self.name, self.source, numbers)


def read(text: str, name: str, source: str, numbers: Mapping[str, str] | None = None) -> Task:
    """
    Read the task called *name* from its *text*; errors call it *source*.

    Its names in brackets get *numbers*; without any, those of its ``[hand_out]``, or else the first
    value of each. Raises InvalidTask with the line that is wrong.
    """
    return _Reader(text, name, source).task(numbers)


class _Reader:
    def __init__(self, text: str, name: str, source: str) -> None:
        self.document = Document(text, source, InvalidTask)
        self.text, self.name, self.source = text, name, source
        self.given: Mapping[str, str] = {}

    def task(self, given: Mapping[str, str] | None) -> Task:
        top = Table(self.document, (), self.document.content(), _NEEDED, _OPTIONAL)
        top.whole("form", FORM, FORM)
        numbers = self._numbers(top)
        hand_out = self._hand_out(top, numbers) if "hand_out" in top.content else None
        if given is None:
            given = first_of(numbers) if hand_out is None else hand_out.numbers
        self.given = given
        people = self._people(top)
        goals = tuple(
            self._goal(each)
            for each in top.tables("fact", ("text", "points", "want"), ("must_not",))
        )
        if len(goals) > FACTS_MAX:
            raise top.refuse("fact", "too_many", most=FACTS_MAX)
        return Task(
            name=self.name,
            source=self.source,
            content=self.text,
            title=self._text(top, "title", _LINE_MAX),
            text=self._text(top, "text", _TEXT_MAX),
            begins=self._moment(top, "begins"),
            policy=top.name("policy") if "policy" in top.content else "standard",
            numbers=numbers,
            people=people,
            prepare=self._way(top, "prepare") if "prepare" in top.content else None,
            goals=goals,
            right=tuple(self._story(top, "right", way) for way in self._strings(top, "right")),
            wrong=tuple(
                Wrong(each.whole("points", 0, POINTS_MAX * FACTS_MAX), self._way(each, "way"))
                for each in (
                    top.tables("wrong", ("points", "way")) if "wrong" in top.content else []
                )
            ),
            typed=self._typed(top, numbers),
            hand_out=hand_out,
        )

    # --- its parts -------------------------------------------------------------------------------

    def _numbers(self, top: Table) -> tuple[Number, ...]:
        found: list[Number] = []
        for table in top.tables("number", ("name", "from", "to"), ("step",)):
            name = table.text("name", _LINE_MAX)
            if NAME.fullmatch(f"[{name}]") is None:
                raise table.refuse("name", "bad_number_name", text=name)
            if any(each.name == name for each in found):
                raise table.refuse("name", "used_twice", text=name)
            found.append(self._number(table, name))
        return tuple(found)

    def _typed(self, top: Table, numbers: tuple[Number, ...]) -> tuple[Number, ...]:
        ways = "".join(self._strings(top, "right"))
        named = {*NAME.findall(ways)}
        return tuple(number for number in numbers if number.name in named or not ways)

    def _number(self, table: Table, name: str) -> Number:
        is_amount = type(table.content["from"]) is str
        first, last, step = (
            self._value(table, key, is_amount) if key in table.content else 1
            for key in ("from", "to", "step")
        )
        if last < first or (last - first) % step or (last - first) // step >= VALUES_MAX:
            raise table.refuse("to", "bad_range", most=VALUES_MAX)
        return Number(name, first, step, (last - first) // step + 1, is_amount)

    def _value(self, table: Table, key: str, is_amount: bool) -> int:
        if not is_amount:
            return table.whole(key, 1, 1_000_000)
        value = table.content[key]
        try:
            if type(value) is str:
                return parse_yuan(value)
        except InvalidAmount:
            pass
        raise table.refuse(key, "bad_amount", text=str(value))

    def _hand_out(self, top: Table, numbers: tuple[Number, ...]) -> HandOut:
        table = top.table("hand_out", ("task", "student", "name", "seed", "numbers"))
        own = table.table("numbers", tuple(number.name for number in numbers))
        given = {}
        for number in numbers:
            given[number.name] = own.text(number.name, _LINE_MAX)
            if given[number.name] not in number.values:
                raise own.refuse(number.name, "not_its_value", text=given[number.name])
        return HandOut(
            task=table.text("task", _LINE_MAX),
            student=table.text("student", _LINE_MAX),
            name=table.text("name", _LINE_MAX),
            seed=table.text("seed", _SEED_MAX),
            numbers=given,
        )

    def _people(self, top: Table) -> tuple[Person, ...]:
        people = tuple(
            self._person(each) for each in top.tables("person", ("name",), ("bank", "balance"))
        )
        for place, person in enumerate(people):
            if name_key(person.name) in {name_key(each.name) for each in people[:place]}:
                raise top.refuse("person", "used_twice", text=person.name)
        return people

    def _person(self, table: Table) -> Person:
        try:
            name = parse_profile_name(table.text("name", _LINE_MAX))
        except HongbaoError as error:
            raise table.refuse("name", "refused", text=error.message) from None
        bank = table.one_of("bank", tuple(BANK_NUMBERS)) if "bank" in table.content else None
        if "balance" not in table.content:
            return Person(name, bank, 0)
        if bank is None:
            raise table.refuse("balance", "no_bank")
        table.content = {**table.content, "balance": self._filled(table, "balance")}
        return Person(name, bank, table.amount("balance"))

    def _goal(self, table: Table) -> Goal:
        want = self._expected(table, "want")
        if not want:
            raise table.refuse("want", "not_list", known=_EXAMPLE)
        return Goal(
            text=self._text(table, "text", _LINE_MAX),
            points=table.whole("points", 1, POINTS_MAX),
            want=want,
            must_not=self._expected(table, "must_not"),
        )

    # --- values ----------------------------------------------------------------------------------

    def _filled(self, table: Table, key: str, *, text: object = None) -> str:
        """Return the text at *key* with this student's numbers in it."""
        value = table.content[key] if text is None else text
        if type(value) is not str:
            raise table.refuse(key, "not_text")
        return NAME.sub(lambda name: self.given.get(name[1], name[0]), value)

    def _text(self, table: Table, key: str, length_max: int) -> Text:
        if type(table.content[key]) is str:  # a teacher writes for one class
            text = self._paragraphs(table, key, length_max)
            return Text(text, text)
        said = table.table(key, LANGUAGES)
        texts = [self._paragraphs(said, language, length_max) for language in LANGUAGES]
        used = [{*NAME.findall(said.content[language])} for language in LANGUAGES]
        if used[0] != used[1]:
            other = min(used[0] ^ used[1])
            raise table.refuse(key, "languages_differ", text=f"[{other}]")
        return Text(*texts)

    def _paragraphs(self, table: Table, key: str, length_max: int) -> str:
        text = self._filled(table, key).strip("\n").rstrip()
        if not text or len(text) > length_max or not text.replace("\n", "").isprintable():
            raise table.refuse(key, "bad_text", length_max=length_max)
        if unknown := NAME.search(text):
            raise table.refuse(key, "no_number", text=unknown[0])
        return text

    def _strings(self, table: Table, key: str) -> list[Any]:
        value = table.content.get(key, [])
        if type(value) is not list or any(type(each) is not str for each in value):
            raise table.refuse(key, "not_list", known=_EXAMPLE)
        return value

    def _expected(self, table: Table, key: str) -> tuple[Expected, ...]:
        found = []
        for each in self._strings(table, key):
            text = self._filled(table, key, text=each)
            if unknown := NAME.search(text):
                raise table.refuse(key, "no_number", text=unknown[0])
            try:
                found.append(parse(text))
            except InvalidFact as error:
                raise table.refuse(key, "refused", text=error.message) from None
        return tuple(found)

    def _way(self, table: Table, key: str) -> Story:
        return self._story(table, key, table.content[key])

    def _story(self, table: Table, key: str, text: object) -> Story:
        filled = self._filled(table, key, text=text)
        if re.search(r"^use\s+(?!.*=>)", filled, re.MULTILINE):  # which would be read at once
            raise table.refuse(key, "only_commands")
        try:
            story = parse_story(filled, f"{self.source}, {key}")
        except InvalidStory as error:
            raise table.refuse(key, "refused", text=error.message) from None
        for scene in story.scenes:
            if type(scene) not in (Command, Given, Narration, Note, Prop):
                raise table.refuse(key, "only_commands")
        return story

    def _moment(self, table: Table, key: str) -> datetime:
        typed = table.text(key, _LINE_MAX)
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise table.refuse(key, "bad_moment", text=typed)
        return at
