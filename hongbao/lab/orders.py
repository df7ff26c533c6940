"""
Interleavings as text: every order in which a small block of commands can have its turns.

Each order is played on a broken engine and on hongbao, from the same beginning. What it takes to
lose money is then one line of a story, and comes again on any machine.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hongbao.answers import LabOrders, LabTurn
from hongbao.env import Env
from hongbao.errors import NoBlock, TooManyOrders
from hongbao.lab.broken import engine
from hongbao.lab.detectors import lost_fen
from hongbao.lab.faults import fault
from hongbao.lab.ledger import LedgerFile
from hongbao.lab.playing import Experiment, Happened
from hongbao.lab.right import Right
from hongbao.story.folders import lent_folder
from hongbao.story.parallel import Next, in_order
from hongbao.story.script import Scene, Story, Together, Used
from hongbao.units import yuan
from hongbao.words import say

ORDERS_MAX = 1000
"""More than that are neither played nor read."""


class Order(NamedTuple):
    """
    One order of turns, and what came of it.

    *turns* are the numbers of the commands as they had their turns on the broken engine, and
    *right_turns* those that hongbao takes of them: a command that has ended is passed over.
    """

    turns: tuple[int, ...]
    steps: list[Happened]
    lost_fen: int
    right_turns: tuple[int, ...]
    right_lost_fen: int

    @property
    def written(self) -> tuple[int, ...]:
        """The shortest list of numbers that gives these turns, as `order:` in a story does."""
        numbers = set(self.turns)
        for length in range(len(numbers), len(self.turns)):
            given = self.turns[:length]
            if set(given) == numbers and _replayed(given, self.turns) == self.turns:
                return given
        return self.turns


class Orders(NamedTuple):
    """
    All orders of the *block* in a story, by their turns.

    *right_steps* is what hongbao does in the turns that it takes, by these.
    """

    block: Together
    orders: list[Order]
    right_steps: dict[tuple[int, ...], list[Happened]]

    @property
    def shortest(self) -> Order | None:
        """The losing order that is written in the fewest numbers; None if no order loses."""
        losing = [order for order in self.orders if order.lost_fen]
        return min(losing, key=lambda order: (len(order.written), order.written), default=None)


def every_order(name: str, story: Story, env: Env) -> Orders:
    """
    Play every order of the one `together` in *story*, on the broken engine *name* and on hongbao.

    *env* lends hongbao its clock. What comes behind the block is not played.

    Raises ExperimentNotFound; NoBlock if there is not exactly one block; TooManyOrders.
    """
    fault(name)
    before, block = _parted(story)
    with lent_folder("lab") as lent:
        folder = lent
        broken = _Broken(name, before, folder)
        with closing(_Right(name, before, env, folder)) as right:
            orders: list[Order] = []
            for turns, steps, lost in _played(broken, block):
                if len(orders) == ORDERS_MAX:
                    raise TooManyOrders(orders_max=ORDERS_MAX)
                right_turns, right_lost_fen = right.played(block, turns)
                orders.append(Order(turns, steps, lost, right_turns, right_lost_fen))
            return Orders(block, sorted(orders, key=lambda order: order.turns), right.steps)


def rewritten(text: str, name: str, block: Together, order: Order) -> str:
    """
    Return the *text* of a story with *order* as the order of its *block*, and a check at its end.

    A note says how to play it on the broken engine *name*.
    """
    lines = text.splitlines()
    given = f"order: {' '.join(map(str, order.written))}"
    if block.order:
        place = next(n for n in range(block.line, len(lines)) if lines[n].startswith("order"))
        lines[place] = given
    else:
        lines[block.line - 1] = "together"  # a seed is of no use beside an order
        lines.insert(block.line, given)
    if not any(line.startswith("check ") for line in lines[block.line :]):
        lines.append("check => 0")
    lost = f"{yuan(order.lost_fen)} is lost with `hongbao play --engine {name} FILE`"
    is_headed = lines[0].startswith("# hongbao story ")
    lines.insert(int(is_headed), f"note: {lost}, and nothing without --engine.")
    return "\n".join([*lines, ""])


# --- playing --------------------------------------------------------------------------------------


def _parted(story: Story) -> tuple[list[Scene], Together]:
    """Return what stands before the one block of *story*, and that block."""
    scenes = [
        each
        for scene in story.scenes
        for each in (scene.story.scenes if isinstance(scene, Used) else [scene])
    ]
    places = [place for place, scene in enumerate(scenes) if isinstance(scene, Together)]
    if len(places) != 1:
        raise NoBlock(source=story.source, found=len(places))
    block = scenes[places[0]]
    assert isinstance(block, Together)
    return scenes[: places[0]], block


def _played(
    broken: "_Broken", block: Together
) -> Iterator[tuple[tuple[int, ...], list[Happened], int]]:
    """Play every order on a broken engine: its turns, what happened in them, and what was lost."""
    beginnings: list[tuple[int, ...]] = [()]
    while beginnings:
        beginning = beginnings.pop()
        turns, steps, lost = broken.played(block, beginning)
        yield turns, steps, lost
        for place in range(len(beginning), len(turns)):
            others = set(turns[place:]) - {turns[place]}
            beginnings += [(*turns[:place], other) for other in sorted(others)]


def _guided(beginning: Sequence[int]) -> Next:
    """Give turns as *beginning* says, and then to the first who waits."""
    rest = iter(beginning)

    def following(waiting: Sequence[int]) -> int:
        return next(rest, waiting[0])

    return following


def _replayed(given: Sequence[int], turns: Sequence[int]) -> tuple[int, ...]:
    """Return what `in_order` makes of *given* for commands that take the turns in *turns*."""
    following, left = in_order(given), list(turns)
    taken: list[int] = []
    while left:
        taken.append(following(sorted(set(left))))
        left.remove(taken[-1])
    return tuple(taken)


class _Broken:
    """A broken engine as it is before the block."""

    def __init__(self, name: str, before: Sequence[Scene], folder: Path) -> None:
        self.name = name
        self.path = folder / "ledger.json"
        played = Experiment(engine(name).new(self.path))
        for _scene in played.play(Story("", tuple(before))):
            pass
        self.names = played.names
        self.begun = self.path.read_bytes()

    def played(
        self, block: Together, beginning: Sequence[int]
    ) -> tuple[tuple[int, ...], list[Happened], int]:
        self.path.write_bytes(self.begun)
        machine = engine(self.name)(LedgerFile(self.path))
        turns, steps = _done(Experiment(machine), self.names, block, _guided(beginning))
        return turns, steps, lost_fen(self.name, machine.books())


class _Right:
    """Hongbao as it is before the block."""

    def __init__(self, name: str, before: Sequence[Scene], env: Env, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.machine = Right(folder / "home", env)
        played = Experiment(self.machine)
        for _scene in played.play(Story("", tuple(before))):
            pass
        self.names = played.names
        self.steps: dict[tuple[int, ...], list[Happened]] = {}
        self._lost: dict[tuple[int, ...], int] = {}

    def close(self) -> None:
        self.machine.close()

    def played(self, block: Together, turns: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
        """Play the turns that hongbao takes of *turns*, and return them, and what was lost."""
        taken = tuple(dict.fromkeys(turns))  # an act is one turn, so the others are passed over
        if taken not in self._lost:
            with closing(self.machine.copied(self.folder / f"home-{len(self._lost)}")) as machine:
                done, steps = _done(Experiment(machine), self.names, block, in_order(turns))
                assert done == taken
                self.steps[taken] = steps
                self._lost[taken] = lost_fen(self.name, machine.books())
        return taken, self._lost[taken]


def _done(
    played: Experiment, names: dict[str, str], block: Together, following: Next
) -> tuple[tuple[int, ...], list[Happened]]:
    """Do *block* with these *names*; return whose turns there were, and what happened in them."""
    played.names |= names
    turns: list[int] = []

    def noted(waiting: Sequence[int]) -> int:
        turns.append(following(waiting))
        return turns[-1]

    steps = list(played.done_at_once(block.commands, noted))
    return tuple(turns), steps


# --- as a document --------------------------------------------------------------------------------


def described(name: str, source: str, text: str, found: Orders) -> LabOrders:
    """Return what was *found* of the story *source*, whose *text* has the block."""
    shortest = found.shortest
    return {
        "engine": name,
        "story": source,
        "commands": [
            each.typed if each.actor is None else f"{each.actor}: {each.typed}"
            for each in found.block.commands
        ],
        "orders": [
            {
                "turns": list(order.turns),
                "lost_fen": order.lost_fen,
                "right_turns": list(order.right_turns),
                "right_lost_fen": order.right_lost_fen,
            }
            for order in found.orders
        ],
        "losing": sum(order.lost_fen != 0 for order in found.orders),
        "right_losing": sum(order.right_lost_fen != 0 for order in found.orders),
        "order": None if shortest is None else list(shortest.written),
        "lost_fen": 0 if shortest is None else shortest.lost_fen,
        "steps": [] if shortest is None else _told(shortest.turns, shortest.steps),
        "right_steps": []
        if shortest is None
        else _told(shortest.right_turns, found.right_steps[shortest.right_turns]),
        "text": None if shortest is None else rewritten(text, name, found.block, shortest),
    }


def _told(turns: Sequence[int], steps: Sequence[Happened]) -> list[LabTurn]:
    told: list[LabTurn] = []
    for number, step in zip(turns, steps, strict=True):
        if step.turn is not None:
            said = say(step.turn.said.sentence, **step.turn.said.facts)
        else:
            said = "" if step.done.error is None else step.done.error.message
        code = step.done.error.code if step.done.error is not None else None
        told.append(
            {"number": number, "said": said, "refused": code if step.turn is None else None}
        )
    return told
