"""A story as it is played on a machine of the laboratory: turn by turn, and the books after it."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hongbao.errors import BadLabCommand, ExitCode, HongbaoError, Unusable
from hongbao.lab.engine import Act, Answer, Machine, Turn
from hongbao.lab.facts import holds
from hongbao.lab.ledger import Books
from hongbao.lab.spoken import Speaker, Words, sorted_words
from hongbao.queries.facts import parse
from hongbao.story.parallel import Next, by_seed, in_order
from hongbao.story.promises import differing, first_match, pattern_of, total_of
from hongbao.story.script import (
    NAME,
    VARIABLE,
    Command,
    Expectation,
    Given,
    Race,
    Scene,
    Story,
    Together,
    Used,
)
from hongbao.units import yuan


@dataclass
class Done:
    """One command as it went: its words, and what it was answered."""

    command: Command
    words: Words
    answer: Answer | None = None
    error: HongbaoError | None = None

    @property
    def exit_code(self) -> int:
        return ExitCode.OK if self.error is None else self.error.exit_code

    @property
    def document(self) -> dict[str, Any]:
        """What it prints as JSON."""
        return {"error": self.error.as_dict()} if self.error is not None else self.answer or {}


@dataclass
class Happened:
    """
    One step of a command, and the books after it.

    That is a turn at the ledger; the end of a command without one, or refused in its turn; or a
    turn after which the process was *killed*.
    """

    done: Done
    turn: Turn | None
    books: Books
    is_killed: bool = False


class Experiment:
    """
    A machine that stories are played on, and the names that they have filled so far.

    With *kills* the process of the first claim that has a request id is ended after its first
    turn. Then the same request is made again, as a client does that has heard nothing.
    """

    def __init__(self, machine: Machine, *, kills: bool = False) -> None:
        self.machine = machine
        self.kills = kills
        self.names: dict[str, str] = {}
        self._source = ""
        self._speaker = Speaker(machine)

    def play(self, story: Story) -> Iterator[tuple[Scene, list[Happened]]]:
        """Play *story*, and yield what happened at each of its scenes."""
        for scene in story.scenes:
            self._source = story.source
            match scene:
                case Used():
                    yield from self.play(scene.story)
                case Given():
                    self.names.setdefault(scene.name, scene.text)
                case Command():
                    yield scene, list(self.done_at_once([scene], in_order([1])))
                case Together():
                    following = in_order(scene.order) if scene.order else self._drawn(scene)
                    yield scene, list(self.done_at_once(scene.commands, following))
                case Race():
                    commands = [each for each in scene.commands for _ in range(scene.times)]
                    in_step = in_order(range(1, len(commands) + 1))
                    yield scene, list(self.done_at_once(commands, in_step))
                case _:
                    yield scene, []

    def _drawn(self, scene: Together) -> Next:
        return by_seed(self.filled(scene.seed))

    def done_at_once(self, commands: Sequence[Command], following: Next) -> Iterator[Happened]:
        """Do *commands* at once, with turns as *following* gives them."""
        running: dict[int, tuple[Done, Act | None]] = {}
        for number, command in enumerate(commands, start=1):
            words = sorted_words(self._words(command))
            done = Done(command, words)
            if self.kills and words.command == "claim" and words.key:
                self.kills = False
                killed = self.machine.kill(partial(self._speaker.begin, words))
                yield Happened(done, killed, self.machine.books(), is_killed=True)
            running[number] = done, None
        while running:
            number = following(sorted(running))
            done, act = running[number]
            turn = None
            try:
                act = act or self._speaker.begin(done.words)
                turn = next(act)
                if not turn.more:
                    next(act)
            except StopIteration as over:
                done.answer = over.value
                del running[number]
            except BadLabCommand as unknown:
                raise BadLabCommand(
                    unknown.typed,
                    understood=unknown.understood,
                    source=self._source,
                    line=done.command.line,
                ) from None
            except Unusable:  # a full disk, for example: it decides nothing about the act
                raise
            except HongbaoError as refused:
                done.error = refused
                del running[number]
            else:
                running[number] = done, act
            if number not in running:
                self._learn(done)
            yield Happened(done, turn, self.machine.books())

    def _words(self, command: Command) -> list[str]:
        words = [self.filled(word) for word in shlex.split(command.typed)]
        while VARIABLE.fullmatch(words[0]):
            del words[0]
        return words if command.actor is None else [*words, "-p", self.filled(command.actor)]

    def filled(self, text: str) -> str:
        """Return *text* with the names that the story has filled."""
        return NAME.sub(lambda name: self.names.get(name[1], name[0]), text)

    # --- what was expected -----------------------------------------------------------------------

    def _learn(self, done: Done) -> None:
        """Fill the names that the expected answer of a command has."""
        for expected in done.command.expected:
            if expected.where == "json":
                differing(json.loads(expected.text), done.document, self.names, "")
                continue
            for name in NAME.findall(expected.text):
                if name.endswith("packet") and "packet" in done.document:
                    self.names.setdefault(name, done.document["packet"])

    def wrong(self, done: Done) -> Iterator[int]:
        """
        Yield the line of each expectation that does not hold.

        The engines have no screens: of lines that are expected, only a balance's is looked at.
        """
        if done.command.exit_code not in (None, done.exit_code):
            yield done.command.line
        for expected in done.command.expected:
            if not self._holds(expected, done):
                yield expected.line

    def wrong_totals(self, race: Race, happened: Sequence[Happened]) -> Iterator[int]:
        """Yield the line of each total of *race*, and of each fact after it, that does not hold."""
        dones = {id(each.done): each.done for each in happened}.values()
        answers = [(done.exit_code, json.dumps(done.document)) for done in dones]
        for total in race.expected:
            if total_of(total, answers) != total.text:
                yield total.line
        books = self.machine.books()
        for expected in race.books:
            if not holds(books, parse(self.filled(expected.text))):
                yield expected.line

    def _holds(self, expected: Expectation, done: Done) -> bool:
        if expected.where == "books":
            return holds(self.machine.books(), parse(self.filled(expected.text)))
        if expected.where == "json":
            wanted = json.loads(expected.text)
            return differing(wanted, done.document, dict(self.names), "") is None
        if done.words.command != "balance" or done.answer is None or not expected.text:
            return True
        amount = yuan(done.answer["available_fen"])
        return (
            first_match(pattern_of(expected.text, self.names), [amount, f"{amount} …"]) is not None
        )
