"""What the engine has undone is done again, whole; what it may have done is not."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Busy, LedgerUnreachable, OutcomeUnknown
from hongbao.store import Again
from hongbao.wallet import again as again_module
from hongbao.wallet.again import TRIES_MAX
from hongbao.wallet.profiles import use
from tests.wallet.world import LI, YUAN, ZHANG, World, right

ROOT = Path(__file__).parents[2] / "hongbao"


class Undoing:
    """An engine that undoes the next *times* transactions as they end, as a cluster may."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.times, self.begun, self.problem = 0, 0, Again(elsewhere=False)
        self._transaction = Ledger.transaction
        patch.setattr(Ledger, "transaction", lambda *args, **named: self._through(*args, **named))  # noqa: PLW0108 - bound to the ledger

    @contextmanager
    def _through(self, ledger: Ledger, *rows: Any, dry_run: bool = False) -> Iterator[None]:
        if ledger.in_transaction:
            yield
            return
        self.begun += 1
        with self._transaction(ledger, *rows, dry_run=dry_run):
            yield
            if self.times:
                self.times -= 1
                raise self.problem


@pytest.fixture
def undoing(monkeypatch: pytest.MonkeyPatch) -> Undoing:
    return Undoing(monkeypatch)


def test_every_kind_of_change_is_begun_again(world: World, undoing: Undoing):
    """An act with a PIN, the clock, the profile in use, an act's steps: each of them, once."""
    with closing(world.zhang) as desk:
        for times in (1, 2, 3):
            undoing.times = times
            before = desk.home.balance_fen(desk.home.me)
            desk.topup(100 * YUAN, pin=right, request_id=f"topup-{times}")
            assert 0 == undoing.times
            assert before + 100 * YUAN == desk.home.balance_fen(desk.home.me)
        undoing.times = 1
        use(desk.home, LI)
        assert 0 == undoing.times


def test_what_is_undone_too_often_is_busy_and_nothing_is_done(world: World, undoing: Undoing):
    with closing(world.zhang) as desk:
        head = desk.home.store.head()
        for elsewhere, expected in ((False, Busy), (True, LedgerUnreachable)):
            undoing.problem, undoing.times = Again(elsewhere=elsewhere), 10 * TRIES_MAX
            with pytest.raises(expected) as raised:
                use(desk.home, ZHANG)
            assert type(raised.value) is expected
            assert 10 * TRIES_MAX - TRIES_MAX == undoing.times
            undoing.times = 0
        assert head == desk.home.store.head()


def test_an_outcome_that_is_not_known_is_not_asked_again(world: World, undoing: Undoing):
    with closing(world.zhang) as desk:
        begun = undoing.begun
        undoing.times, undoing.problem = 1, OutcomeUnknown()  # type: ignore[assignment]
        with pytest.raises(OutcomeUnknown):
            use(desk.home, ZHANG)
        assert begun + 1 == undoing.begun


def test_whoever_changes_the_ledger_begins_again():
    """Each function that opens a transaction, but for a rehearsal, which is undone anyway."""
    repeated = 0
    for path in sorted((ROOT / "wallet").glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in zip(count(), lines, strict=False):
            if "home.changing(" not in line or "dry_run=True" in line:
                continue
            at = next(n for n in range(number, -1, -1) if re.match(r" {0,4}def ", lines[n]))
            name = re.match(r" *def (\w+)", lines[at])
            assert name is not None
            direct = lines[at - 1].strip() == "@repeated"
            through = any(re.search(rf"repeat\(.*{name[1]}\(", other) for other in lines)
            assert direct or through, (path.name, name[1])
            repeated += 1
    assert repeated >= 10
    assert again_module.TRIES_MAX > 1
