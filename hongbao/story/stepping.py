"""
A story step by step, forward and back, for who presents it.

Each step is a command, or several at once, with the text before it. A command is run once, when its
step is first gone over. Going back puts the home of that time in its place and shows what came;
going over it a second time shows that again, and runs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hongbao.story.player import (
    Answered,
    Asked,
    AtOnce,
    Began,
    Failed,
    Outcome,
    Readied,
)
from hongbao.story.snapshots import Snapshots


@dataclass(slots=True)
class Step:
    """
    What comes *before* a step, what is typed, and what *came*, once it has run.

    *chapter* is how many chapters have begun. The last step of a story types nothing.
    """

    chapter: int
    title: str | None
    before: list[Outcome] = field(default_factory=list)
    typed: Asked | Readied | None = None
    came: list[Outcome] = field(default_factory=list)


class Steps:
    """The steps of a story, of which *outcomes* are played as far as they are asked for."""

    def __init__(self, outcomes: Iterator[Outcome], snapshots: Snapshots) -> None:
        self._outcomes = outcomes
        self._snapshots = snapshots
        self.steps = [Step(0, None)]
        self.at = 0
        """The step that is shown, and typed if there is something to type."""
        self._home = 0
        """The step before which the home is as it is now."""
        self._read(next(outcomes, None))
        snapshots.take(_name(0))

    @property
    def now(self) -> Step:
        return self.steps[self.at]

    @property
    def is_over(self) -> bool:
        return self.now.typed is None

    def forward(self) -> list[Outcome]:
        """Go over the present step to the next, and return what came of it."""
        step = self.now
        assert step.typed is not None
        if self.at == len(self.steps) - 1:
            self._run(step)
        self.at += 1
        self._restore()
        return step.came

    def back(self) -> bool:
        """Go back a step; return whether there was one."""
        if self.at == 0:
            return False
        self.at -= 1
        self._restore()
        return True

    def to_chapter(self, number: int) -> Iterator[Step]:
        """
        Go to the first step of the chapter *number*, and yield each step that was gone over.

        A chapter that was played already is gone back to, and nothing is yielded.
        """
        known = next((n for n, step in enumerate(self.steps) if step.chapter >= number), None)
        if known is not None and known <= self.at:
            self.at = known
            self._restore()
            return
        while not self.is_over and self.now.chapter < number:
            step = self.now
            self.forward()
            yield step

    def _run(self, step: Step) -> None:
        waiting = len(step.typed.commands) if isinstance(step.typed, Readied) else 0
        outcome = next(self._outcomes, None)
        while isinstance(outcome, AtOnce | Answered | Failed) or (
            waiting and isinstance(outcome, Asked)
        ):
            waiting -= isinstance(outcome, Asked)
            step.came.append(outcome)
            outcome = next(self._outcomes, None)
        self.steps.append(Step(step.chapter, step.title))
        self._home = len(self.steps) - 1
        self._read(outcome)  # which lays files down as well
        self._snapshots.take(_name(self._home))

    def _read(self, outcome: Outcome | None) -> None:
        """Read the newest step, which begins with *outcome*, up to what is typed."""
        step = self.steps[-1]
        while outcome is not None and not isinstance(outcome, Asked | Readied):
            if isinstance(outcome, Began):
                step.chapter, step.title = step.chapter + 1, outcome.title
            step.before.append(outcome)
            outcome = next(self._outcomes, None)
        step.typed = outcome

    def _restore(self) -> None:
        """Put the home in place that belongs before the present step."""
        if self._home != self.at:
            self._snapshots.put_back(_name(self.at))
            self._home = self.at


def _name(step: int) -> str:
    return f"{step:06}"
