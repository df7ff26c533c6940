"""People at the desk: founded once, copied for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wallet import channels
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OTHER_CARD,
    WANG,
    YUAN,
    ZHANG,
    World,
    id_number,
    right,
)


@pytest.fixture(scope="session")
def _people(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Zhang, who is identified and has a card and 1,000 yuan; Li, who has a card; Wang."""
    world = World(tmp_path_factory.mktemp("people") / "home")
    zhang = world.found(ZHANG)
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(1000 * YUAN, pin=right)
    world.found(LI).add_card(OTHER_CARD, pin=right)
    world.found(WANG)
    world.close()
    return world


@pytest.fixture
def worlds(_people: World, tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Worlds that are alike to the last bit, as many as are asked for by name."""
    made: list[World] = []

    def make(name: str) -> World:
        made.append(_people.copy(tmp_path / name))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(worlds: Callable[[str], World]) -> World:
    return worlds("home")


@pytest.fixture
def dicing(empty: World) -> World:
    """The same people in a demo's home: its clock is virtual, and its dice fix all chance."""
    zhang = empty.found(ZHANG, clock=NOON, dice="88")
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(1000 * YUAN, pin=right)
    empty.found(LI).add_card(OTHER_CARD, pin=right)
    empty.found(WANG)
    return empty


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    """A world in which nobody has a home yet."""
    world = World(tmp_path / "empty")
    yield world
    world.close()


@pytest.fixture(scope="session")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    return channels.demo(tmp_path_factory.mktemp("demo") / "home")


@pytest.fixture
def demo(_demo: World, tmp_path: Path) -> Iterator[World]:
    """A demo's home, whose banks can be told to fail."""
    world = _demo.copy(tmp_path / "demo")
    yield world
    world.close()
