"""
One damaged copy of a home after the other: looked at, checked, acted on.

A home may be damaged anywhere, and what is said of it is one of two things: all is as it was, or
a refusal with its own code and a sentence. `tried` says which it is, and fails on everything else:
a wrong amount, an error that is not one of ours, an act that leaves the home worse than it was.
"""

import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hongbao import errors
from hongbao.errors import ExitCode, HongbaoError
from hongbao.wallet import Wallet
from tests.wallet.acts import half_claimed
from tests.wallet.world import CARD, LI, WANG, YUAN, ZHANG, World, id_number, raw, right, tail

PAGE_BYTES = 4096
SECONDS_MAX = 30
"""How long one damaged home may be looked at and acted on; more is taken for a hang."""

PEOPLE = (ZHANG, LI, WANG)


_SELF_EVIDENT = frozenset({"pin_locked"})
"""What says in its own sentence what to do: to wait until a moment."""


class Truth(NamedTuple):
    """A whole home: its files, what it answers, and an older copy of it."""

    folder: Path
    world: World
    answers: dict[str, Any]
    older: Path

    @property
    def page_key(self) -> bytes:
        with Wallet.open(self.world.env) as desk:
            return desk.home.vault.page_key

    @property
    def files(self) -> list[Path]:
        """All files of the home, by their paths in it."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder) for path in found)


def small_home(folder: Path, older: Path | None = None) -> World:
    """
    Make a home of three people with packets, payments and claims in *folder*.

    A copy of it as it was some acts before its end goes to *older*.
    """
    world = World(folder)
    zhang = world.found(ZHANG)
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(1000 * YUAN, pin=right)
    world.found(LI)
    world.found(WANG)
    half_claimed(world)
    if older is not None:
        world.close()
        shutil.copytree(folder, older)
        zhang = world.zhang
    zhang.send(pin=right, total_fen=8 * YUAN, count=1, paid_from=tail(CARD))
    zhang.withdraw(20 * YUAN, pin=right)
    zhang.settle()
    world.close()
    return world


def truth_of(world: World, older: Path) -> Truth:
    """Return what is true of the home of *world*, which was as it is in *older*."""
    world.close()
    return Truth(world.folder, world, {name: looked(world, name) for name in PEOPLE}, older)


def looked(world: World, name: str) -> Any:
    """Return all that *name* can look at, or raise what is said instead."""
    with Wallet.open(world.env, profile=name) as desk, desk.statement() as statement:
        return (
            desk.balance(),
            desk.history(limit=100),
            desk.limits(),
            desk.profiles(),
            desk.cards(),
            [desk.show(line["packet"]) for line in desk.packets()],
            list(statement.lines),
        )


@contextmanager
def in_time() -> Iterator[None]:
    """Raise TimeoutError where what is within does not end."""

    def ring(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS_MAX)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Tally:
    """How many damaged homes were tried, and how often each verdict was given."""

    def __init__(self) -> None:
        self.tried = 0
        self.verdicts: Counter[str] = Counter()
        self.faults: list[str] = []

    def add(self, name: str, trial: Callable[[], str]) -> None:
        """Count what *trial* says, which is called *name*, or keep what is wrong with it."""
        self.tried += 1
        try:
            with in_time():
                self.verdicts[trial()] += 1
        except Exception as error:  # noqa: BLE001 - all of them are told at the end
            self.faults.append(f"{name}: {type(error).__name__}: {error}"[:400])

    def end(self, times: int = 1) -> None:
        """Print how much was tried, *times* in each trial, and fail if anything was wrong."""
        lines = [f"\ntried {self.tried * times:,} damages"]
        for verdict, count in self.verdicts.most_common():
            lines.append(f"{count * times:8,}  {verdict}")
        sys.stdout.write("\n".join([*lines, ""]))
        assert self.tried, "there is nothing to try"
        assert not self.faults, "\n".join([f"{len(self.faults)} faults", *self.faults[:20]])


def tried(truth: Truth, folder: Path, *, old_page: bool = False) -> str:
    """
    Look at the damaged home in *folder*, check it, act in it, and return the verdict.

    What is answered at all is what is *truth*. An act either is refused, or is done on top of the
    truth; then it is in what is answered next, and `check` finds nothing that it did not find.

    An *old_page* is authentic, and only `check` reads all that contradicts it: until then lists
    may lack rows. Balances are never wrong.
    """
    world = World(folder, truth.world.at)
    world.chances = truth.world.chances + 1000
    codes = set()
    for name in PEOPLE:
        try:
            answers = looked(world, name)
        except HongbaoError as error:
            codes.add(_said(error))
        else:
            if old_page and answers != truth.answers[name]:
                codes.add("rows are missing")
                answers, true = (
                    [each[0]["available_fen"]] for each in (answers, truth.answers[name])
                )
            else:
                true = truth.answers[name]
            assert answers == true, f"{name} is told what is not so"
    found = _checked(world)
    assert "rows are missing" not in codes or found != "sound", "nobody finds the missing rows"
    verdict = f"looks: {', '.join(sorted(codes)) or 'as it was'} · check: {found}"
    acted = _acted(world)
    after = _checked(world)
    worse = set(after.split(", ")) - set(found.split(", ")) - {"sound"}
    assert not (acted == "done" and worse and not old_page), f"made worse: {found} -> {after}"
    if acted == "done":
        try:
            balance = looked(world, ZHANG)[0]
        except HongbaoError as error:
            _said(error)
        else:
            before = truth.answers[ZHANG][0]
            gained = balance["available_fen"] - before["available_fen"]
            assert gained == YUAN, f"an act of one yuan brought {gained} fen"
    return f"{verdict} · act: {acted}"


def _acted(world: World) -> str:
    try:
        with Wallet.open(world.env, profile=ZHANG) as desk:
            desk.topup(YUAN, pin=right)
    except HongbaoError as error:
        return _said(error)
    return "done"


def _checked(world: World) -> str:
    """Return what `check` says: names of what is wrong, and that there are pages it cannot read."""
    try:
        found = world.findings()
    except HongbaoError as error:
        return _said(error)
    unreadable = str(errors.Damaged(path=str(world.ledger)))
    names = {name for name, rows in found.items() if rows != [unreadable]}
    if len(names) < len(found):
        names.add("unreadable pages")
    return ", ".join(sorted(names)) or "sound"


def _said(error: HongbaoError) -> str:
    """Return the code of *error*, which has its sentence, a step to take and an exit code."""
    said = error.as_dict()
    assert said["message"], error.code
    assert said["hint"] or error.code in _SELF_EVIDENT, f"{error.code} does not say what to do"
    assert error.exit_code not in (ExitCode.UNEXPECTED, ExitCode.OK), error.code
    assert not isinstance(error, errors.UsageError), error.code
    return error.code


def unauthentic_pages(ledger: Path, page_key: bytes) -> list[int]:
    """Return the pages that the engine itself calls not authentic, the first one being 1."""
    db = raw(ledger, page_key)
    try:
        said = [str(text) for (text,) in db.execute("PRAGMA cipher_integrity_check")]
    finally:
        db.close()
    return [int(text.rpartition(" ")[2]) for text in said]


def copied(truth: Truth, folder: Path) -> Path:
    """Return a fresh copy of the whole home in *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(truth.folder, folder)
    return folder


def flip(path: Path, offset: int, mask: int) -> None:
    """Flip the bits of *mask* in the byte at *offset*."""
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ mask]))
