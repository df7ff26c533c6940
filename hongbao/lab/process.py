"""
One command on a broken engine, as a process of its own: what `hongbao lab do` runs.

Where processes wait at a gate, each step of the engine is one turn, as it is one turn in
`hongbao.lab.playing`. So a broken engine loses money between real processes, in a given order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hongbao.env import Env
from hongbao.errors import LabLoss, NotLabLedger
from hongbao.lab.broken import engine
from hongbao.lab.detectors import lost_fen
from hongbao.lab.engine import BEGINS, Act, Answer, Engine, Turn
from hongbao.lab.faults import fault
from hongbao.lab.ledger import LedgerFile
from hongbao.lab.spoken import Speaker, Words
from hongbao.vault.files import storage

LEDGER = "laboratory.json"
"""The name of an engine's ledger, in the folder that HONGBAO_HOME names."""


def typed(name: str, words: Words, env: Env, turns: list[Turn]) -> Answer:
    """
    Do what *words* ask the broken engine *name* for; note its *turns*, and return the answer.

    The ledger is in the home's folder, and `init` makes it, unless a wallet is there.

    Raises ExperimentNotFound, BadLabCommand, NotLabLedger, LabLoss where `check` finds a loss, and
    what the act is refused with.
    """
    fault(name)
    path = env.home / LEDGER
    if env.keys.exists() or env.data.exists():  # a wallet's folder is no place for it
        raise NotLabLedger(path=str(env.home))
    with storage(path):
        machine = _machine(name, path, makes=words.command == "init")
        speaker = Speaker(machine)
        speaker.first = next(iter(machine.books().people), None)
        answer = _finished(speaker.begin(words), path, env, turns)
        return _checked(name, machine) if words.command == "check" else answer


def _finished(act: Act, path: Path, env: Env, turns: list[Turn]) -> Answer:
    """Take all turns of *act*, each when it is given one; note them, and return the answer."""
    while True:
        if env.take_turn is not None:
            env.take_turn()
        with _locked(path):
            try:
                turns.append(next(act))
                if not turns[-1].more:
                    next(act)
            except StopIteration as over:
                answer: Answer = over.value
                return answer


def _machine(name: str, path: Path, *, makes: bool) -> Engine:
    kind = engine(name)
    if makes and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return kind.new(path, at=BEGINS)
    machine = kind(LedgerFile(path))
    if machine.books().engine != name:
        raise NotLabLedger(path=str(path))
    return machine


def _checked(name: str, machine: Engine) -> Answer:
    """Have the detector of the fault *name* look at the ledger. Raises LabLoss."""
    lost = lost_fen(name, machine.books())
    if lost:
        raise LabLoss(engine=name, lost_fen=lost)
    return {"ok": True, "lost_fen": 0, "digest": None}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let nobody else have a turn meanwhile: that is all that the broken engines do right."""
    with path.with_suffix(".lock").open("wb") as lock:
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
