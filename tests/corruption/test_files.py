"""Files of a home cut, emptied, swapped, put back or replaced: as it was, or a refusal in words."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest

from hongbao.errors import StateAltered
from tests.corruption.trying import (
    PAGE_BYTES,
    Tally,
    Truth,
    copied,
    flip,
    small_home,
    tried,
    truth_of,
)
from tests.wallet.world import YUAN, World, raw, right

LEDGER = Path("data", "ledger.db")
HUGE_BYTES = 1 << 32


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return another home, of the same people and the same acts, with keys of its own."""
    folder = tmp_path_factory.mktemp("foreign") / "home"
    small_home(folder)
    return folder


# --- files ----------------------------------------------------------------------------------------


def _gone(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _letters(path: Path) -> None:
    path.write_bytes(b"not what was here\n" * 9)


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0\n")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    moved = path.with_name("moved")
    path.rename(moved)
    path.symlink_to(moved)


def _broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere/at/all")


def _second_name(path: Path) -> None:
    os.link(path, path.parent.parent / "second name")


def _huge(path: Path) -> None:
    os.truncate(path, HUGE_BYTES)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: tuple[Callable[[Path], None], ...] = (
    *(_gone, _empty, _half, _zeros, _letters, _longer),
    *(_folder, _link, _broken_link, _second_name, _huge, _pipe),
)


def _damaged(truth: Truth, tmp_path: Path, path: Path, damage: Callable[[Path], None]) -> str:
    victim = copied(truth, tmp_path / "victim")
    damage(victim / path)
    return f"{damage.__name__[1:]} · {tried(truth, victim)}"


@pytest.mark.slow
def test_every_file_damaged_in_every_way(truth: Truth, tmp_path: Path):
    """
    Missing, empty, half, zeros, longer, a folder, a link, four gigabytes, a pipe.
    """
    tally = Tally()
    for path in truth.files:
        for damage in DAMAGES:
            tally.add(f"{path} {damage.__name__}", partial(_damaged, truth, tmp_path, path, damage))
    tally.end()


def test_files_put_back(truth: Truth, tmp_path: Path):
    """
    The ledger's and the head's older copies, one by one and together.

    Together they are what the home once was, down to the last note: that is what is answered.
    """
    tally = Tally()
    for paths in ((LEDGER,), (Path("keys", "head"),), (LEDGER, Path("keys", "head"))):
        trial = partial(_swapped, truth, truth.older, tmp_path, *paths)
        tally.add(", ".join(map(str, paths)), trial)
    tally.end()


@pytest.mark.slow
def test_every_pair_of_files_put_back_or_swapped(truth: Truth, foreign: Path, tmp_path: Path):
    """
    Each file and each two of them, as they were before, and as another home has them.
    """
    tally = Tally()
    for source in (truth.older, foreign):
        theirs = sorted(p.relative_to(source) for p in source.rglob("*") if p.is_file())
        both = [p for p in theirs if (source / p).stat().st_size]
        for paths in (*((p,) for p in both), *combinations(both, 2)):
            trial = partial(_swapped, truth, source, tmp_path, *paths)
            tally.add(f"{source.name} {', '.join(map(str, paths))}", trial)
    tally.end()


WITNESSED = {LEDGER, Path("keys", "head")}
"""Older copies of these together are a whole older home: nothing in it says that it went on."""


def _swapped(truth: Truth, source: Path, tmp_path: Path, *paths: Path) -> str:
    victim = copied(truth, tmp_path / "victim")
    for path in paths:
        shutil.copyfile(source / path, victim / path)
    if source == truth.older and WITNESSED <= set(paths):
        world = World(source, truth.world.at)
        return f"an older home · {tried(truth_of(world, source), victim)}"
    return tried(truth, victim)


# --- pages ----------------------------------------------------------------------------------------


def _pages(path: Path) -> int:
    return path.stat().st_size // PAGE_BYTES


def _put(path: Path, page: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(content)


def _page(path: Path, page: int) -> bytes:
    with path.open("rb") as file:
        file.seek(page * PAGE_BYTES)
        return file.read(PAGE_BYTES)


def test_an_old_page_of_balances_brings_no_money_back(truth: Truth, tmp_path: Path):
    """
    The page is authentic, and the index that names its accounts is as it was: the last entry of
    the profile has sealed another balance, so nobody is told of the old one, or can spend it.
    """
    victim = copied(truth, tmp_path / "victim")
    db = raw(victim / LEDGER, truth.page_key)
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'account'").fetchone()
    db.close()
    _put(victim / LEDGER, root - 1, _page(truth.older / LEDGER, root - 1))
    world = World(victim, truth.world.at)

    with world.zhang as desk:
        with pytest.raises(StateAltered):
            desk.balance()
        with pytest.raises(StateAltered):
            desk.topup(YUAN, pin=right)

    assert "accounts" in world.findings()


@pytest.mark.slow
def test_every_page(truth: Truth, foreign: Path, tmp_path: Path):
    """
    Cut at each page and in its middle; zeros; the next page; its older self; another home's.
    """
    tally = Tally()

    def cut(ledger: Path, page: int) -> None:
        os.truncate(ledger, page * PAGE_BYTES)

    def cut_within(ledger: Path, page: int) -> None:
        os.truncate(ledger, page * PAGE_BYTES + PAGE_BYTES // 2)

    def zeros(ledger: Path, page: int) -> None:
        _put(ledger, page, bytes(PAGE_BYTES))

    def next_one(ledger: Path, page: int) -> None:
        other = (page + 1) % _pages(ledger)
        content = _page(ledger, page)
        _put(ledger, page, _page(ledger, other))
        _put(ledger, other, content)

    def old_page(ledger: Path, page: int) -> None:
        _put(ledger, page, _page(truth.older / LEDGER, page))

    def foreign_page(ledger: Path, page: int) -> None:
        _put(ledger, page, _page(foreign / LEDGER, page))

    for page in range(_pages(truth.folder / LEDGER)):
        for damage in (cut, cut_within, zeros, next_one, old_page, foreign_page):

            def trial(page: int = page, damage: Callable[[Path, int], None] = damage) -> str:
                victim = copied(truth, tmp_path / "victim")
                damage(victim / LEDGER, page)
                said = tried(truth, victim, old_page=damage is old_page)
                return f"{damage.__name__} · {said}"

            tally.add(f"page {page} {damage.__name__}", trial)
    tally.end()


# --- the log --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_frame_of_the_log(truth: Truth, tmp_path: Path):
    """
    A process was killed, and what it did is in the log: each frame's head, and places of its page.
    """
    crashed = copied(truth, tmp_path / "crashed")
    world = World(crashed, truth.world.at)
    world.chances = truth.world.chances + 1
    frozen = tmp_path / "frozen"
    with world.zhang as desk:
        desk.topup(YUAN, pin=right)
        desk.send(pin=right, total_fen=3 * YUAN, count=1)
        shutil.copytree(crashed, frozen)
    log = frozen / "data" / "ledger.db-wal"
    (frozen / "data" / "ledger.db-shm").unlink()
    whole = tmp_path / "whole"
    shutil.copytree(frozen, whole)
    told = truth_of(World(whole, truth.world.at), truth.older)._replace(folder=frozen)
    tally = Tally()
    frame = 24 + PAGE_BYTES
    size = log.stat().st_size
    offsets = [*range(32)]
    for start in range(32, size, frame):
        offsets += [start + at for at in (*range(24), 24, 1000, 3000, frame - 1)]
    for offset in offsets:

        def trial(offset: int = offset) -> str:
            victim = copied(told, tmp_path / "victim")
            flip(victim / "data" / "ledger.db-wal", offset, 0xFF)
            return tried(told, victim)

        tally.add(f"log@{offset}", trial)
    tally.end()
