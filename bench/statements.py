"""What a statement costs: a period of a long ledger against the same of a short one."""

from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.homes import env_of
from bench.pairs import Comparison, compare
from hongbao import statements
from hongbao.wallet import Wallet

FORMAT = "jsonl"
MEMBER = "member0"


class Written(NamedTuple):
    """One export of a whole history."""

    movements: int
    seconds: float

    @property
    def movements_a_second(self) -> float:
        return self.movements / self.seconds


class _Nowhere:
    """An output that forgets what it is told."""

    def write(self, content: bytes) -> int:
        return len(content)

    def writelines(self, lines: object) -> None: ...


def of_a_period(longer: Path, shorter: Path, period: timedelta, pairs: int) -> Comparison:
    """
    Compare the statement of the last *period* in the home *longer* with that in *shorter*.

    Both ledgers grew at the same pace, so both periods hold as many movements, nearly.
    """
    with (
        Wallet.open(env_of(longer), profile=MEMBER) as long,
        Wallet.open(env_of(shorter), profile=MEMBER) as short,
    ):
        ends = [_last_movement(wallet) for wallet in (long, short)]
        for wallet, end in zip((long, short), ends, strict=True):
            assert _write(wallet, end, period)
        return compare(
            lambda _: _write(long, ends[0], period),
            lambda _: _write(short, ends[1], period),
            pairs,
        )


def whole(home: Path) -> Written:
    """Write everything that a member of *home* has ever done."""
    with Wallet.open(env_of(home), profile=MEMBER) as wallet, wallet.statement() as statement:
        start = perf_counter()
        statements.write(statement, FORMAT, _Nowhere())  # type: ignore[arg-type]
        return Written(statement.count, perf_counter() - start)


def _last_movement(wallet: Wallet) -> datetime:
    return datetime.fromisoformat(wallet.history(limit=1)["movements"][0]["at"])


def _write(wallet: Wallet, end: datetime, period: timedelta) -> int:
    """Write the statement of the *period* before *end*, and return how much it holds."""
    with wallet.statement(since=end - period, until=end) as statement:
        statements.write(statement, FORMAT, _Nowhere())  # type: ignore[arg-type]
        return statement.count
