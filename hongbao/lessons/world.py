"""The folder that a lesson happens in: its home, the commands typed there, and ways back."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hongbao.domain.policy import parse_policy
from hongbao.env import Env
from hongbao.errors import ExitCode
from hongbao.home.opened import Home
from hongbao.home.tries import holders
from hongbao.lessons.script import Lesson, Way
from hongbao.policies import text_of
from hongbao.queries.facts import Scope
from hongbao.recordings import recorder
from hongbao.recordings.recorder import Recorded
from hongbao.story import HOME, Answered, Failed, Player, Run, Screen, Skipped
from hongbao.story.snapshots import Snapshots
from hongbao.vault.files import storage
from hongbao.wallet.practice import make_practice_home
from hongbao.words import N_, say

_HERE, _KEPT, _LOG = "here", "kept", "typed.log"


class World:
    """
    A lesson's folder: what happens *here*, and what is *kept* of it to go back to.

    Commands run as any do, with no one to ask: each of its people has the PIN of sandboxes, which
    is typed for them.
    """

    def __init__(
        self,
        folder: Path,
        env: Env,
        run: Run,
        *,
        language: str,
        screen: Screen | None = None,
    ) -> None:
        self.folder, self.env = folder, env
        self.here = folder / _HERE
        with storage(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.snapshots = Snapshots(self.here, folder / _KEPT)
        self.player = Player(self.here, None, language, screen, env.variables, {}, run)
        # What a command has printed is shown when it has ended, so nothing of it can move.
        self.player.variables |= {recorder.VARIABLE: str(self.log), "HONGBAO_MOTION": "off"}

    @property
    def home(self) -> Path:
        return self.here / HOME

    @property
    def exists(self) -> bool:
        return self.home.exists()

    @property
    def log(self) -> Path:
        """Where every command that is typed here is noted, with how it ended."""
        return self.here / _LOG

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment of commands that are typed in the lesson."""
        return self.player.variables

    def make(self, lesson: Lesson) -> None:
        """Make the home that *lesson* begins with, in the place of what was there."""
        with storage(self.here):
            for name in self.snapshots.names():
                self.snapshots.drop(name)
            if self.here.exists():
                shutil.rmtree(self.here)
            self.here.mkdir(mode=0o700)
            salt = self.env.chance(16)
            recorder.begin(self.log, salt=salt, home=self.home, founds=False, more={})
        _make_home(self.env._replace(home=self.home), lesson)
        if lesson.prepare is not None:
            self.must_play(lesson.prepare)

    @contextmanager
    def opened(self) -> Iterator[Home]:
        """Open the home, to look at its books."""
        with Home.open(self.env._replace(home=self.home)) as home:
            yield home

    def head(self) -> int:
        with self.opened() as home:
            return home.store.head().entry

    def logged(self) -> int:
        """Return how many commands were noted so far."""
        return len(self.typed())

    def typed(self) -> list[Recorded]:
        """Return all commands that were typed here, and not undone."""
        return recorder.read(self.log)[1]

    def scope(self, since: int, logged: int) -> Scope:
        """Return what facts look back to: entry *since*, and so many commands *logged*."""
        own = [each for each in self.typed()[logged:] if each.left_out != "own_wallet"]
        return Scope(
            since,
            Counter(each.code for each in own),
            Counter(each.error for each in own if each.error is not None),
            sum(bool(each.facts.get("replayed")) for each in own),
        )

    def state(self) -> str:
        """
        Return what tells whether a learner has changed anything: in the home, or in their files.

        A command that was refused has not, even if it counted a right PIN.
        """
        found = hashlib.sha256()
        with self.opened() as home, home.looking():
            pins = [(holder, home.store.pin(holder)) for holder in holders(home.store)]
            wrong = [(holder, pin.tries - pin.cleared, pin.locked_until) for holder, pin in pins]
            row = home.row._replace(dice_drawn=0)
            found.update(repr((home.store.head(), row, wrong)).encode())
        for path in sorted(self.here.rglob("*")):
            if path.is_file() and path != self.log and self.home not in path.parents:
                found.update(str(path.relative_to(self.here)).encode() + b"\0")
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()

    # --- commands --------------------------------------------------------------------------------

    def type(self, words: Sequence[str], shown: str) -> Answered:
        """Run the command that *words* spell; *shown* is how it was typed."""
        try:
            return self.player.ask(0, shown, list(words))
        except subprocess.TimeoutExpired:
            return Answered(0, shown, ExitCode.INTERRUPTED, "", say(N_("it was still running")))

    def play(self, way: Way) -> Iterator[Answered | Failed | Skipped]:
        """Play *way*: yield how each command ended, and what did not come as the way says."""
        for outcome in self.player.outcomes(way.story):
            if isinstance(outcome, Answered | Failed | Skipped):
                yield outcome

    def must_play(self, way: Way) -> list[Answered]:
        """Play *way*, which the lesson's author has proved to go as it says."""
        outcomes = [*self.play(way)]
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                raise WayFailed(
                    f"{outcome.source}:{outcome.line}: {outcome.command}: {outcome.said}"
                )
        return [each for each in outcomes if isinstance(each, Answered)]


class WayFailed(AssertionError):
    """A lesson's own commands did not do what it says: `learn check` would have found it."""


def _make_home(env: Env, lesson: Lesson) -> None:
    """Make the home of *lesson*, with its people, at the moment that it begins."""
    make_practice_home(
        env,
        lesson.people,
        policy=parse_policy(text_of(lesson.policy), lesson.policy),
        begins=lesson.begins,
        seed=f"lesson {lesson.name} {lesson.seed}",
    )
