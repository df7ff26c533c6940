"""What claims cost in bulk, by the size of a group: beside their own SQL, and one by one."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, NamedTuple

from bench.bare import Statement, connect, connect_to
from bench.claims import WRITES
from bench.homes import SENDER, env_of, found, pin
from hongbao.engines.sqlcipher import Ledger
from hongbao.env import Env
from hongbao.errors import HongbaoError
from hongbao.home.places import LEDGER
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.group import acting_as
from hongbao.wallet.sessions import ClaimRequest, claim_in_session, open_session

SHARES = 100
"""How many shares a packet has: each is claimed by another person."""

CARD_FEN = 100_000
"""What a sender may send in a day, which is what packets may hold together."""


class Bulk(NamedTuple):
    """CPU seconds of a claim in groups of *group*; of its writes said by nobody; and alone."""

    group: int
    seconds: float
    sql_seconds: float
    alone_seconds: float

    @property
    def claims_a_second(self) -> float:
        return 1 / self.seconds


class _Recorder:
    """A connection that also writes down what it is told to write, also many times at once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.said: list[tuple[bool, Statement]] = []

    def execute(self, sql: str, values: Sequence[object] = ()) -> Any:
        self.said.append((False, Statement(sql, values)))
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> Any:
        self.said.append((True, Statement(sql, rows)))
        return self._connection.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def by_group(
    folder: Path, people: int, packets: int, groups: Sequence[int], rounds: int
) -> Iterator[Bulk]:
    """
    Yield what a claim costs in each of *groups*, in CPU time.

    Packets of a hundred shares are claimed by *people* of one home, whom the rules ask everything
    and stop never; a first group has read what is kept. Each round does the same claims three
    times, in homes that are alike: in bulk, as the writes of that group said to the ledger by
    nobody, and (some of them) one by one. What is yielded is the median of *rounds*.
    """
    home = folder / "home"
    requests = _requests(env_of(home), people, packets)
    in_bulk = iter(requests)
    by_one = iter(requests[-rounds * len(groups) :])
    assert people + rounds * (sum(groups) + len(groups)) <= len(requests)
    for name in ("recorded", "bulk", "bare", "alone"):
        shutil.copytree(home, folder / name)
    bare = connect_to(env_of(folder / "bare"))
    with (
        Wallet.open(env_of(folder / "recorded"), profile=SENDER) as recorded,
        Wallet.open(env_of(folder / "bulk"), profile=SENDER) as wallet,
        Wallet.open(env_of(folder / "alone"), profile=SENDER) as alone,
    ):
        path = env_of(folder / "recorded").data / LEDGER
        recorder = _Recorder(connect(path, recorded.vault.page_key))
        recorded.store.close()
        recorded.home.store = Ledger(path, recorder)
        told, claims = BulkClaims(recorded.home), BulkClaims(wallet.home)

        def done(some: list[ClaimRequest]) -> tuple[float, float]:
            recorder.said = []
            told.claim(some)
            said = [each for each in recorder.said if each[1].sql.startswith(WRITES)]
            ours = _cpu(lambda: _all_done(claims.claim(some)))
            return ours, _cpu(lambda: _said_again(bare, said))

        done([*islice(in_bulk, people)])
        for group in groups:
            times = [done([*islice(in_bulk, group)]) for _ in range(rounds)]
            alone_seconds = [
                _cpu(partial(claim_in_session, alone.home, asked))
                for asked in islice(by_one, rounds)
            ]
            yield Bulk(
                group,
                median(ours for ours, _theirs in times) / group,
                median(theirs for _ours, theirs in times) / group,
                median(alone_seconds),
            )
    bare.close()


def _requests(env: Env, people: int, packets: int) -> list[ClaimRequest]:
    """Make a home with *people* and *packets*, and return a request for each share."""
    found(env, SENDER, topup_fen=2 * CARD_FEN)
    names = [f"claimer-{number}" for number in range(people)]
    for name in names:
        found(env, name)
    with Wallet.open(env, profile=SENDER) as wallet:
        sent = [
            wallet.send(CARD_FEN // packets, count=SHARES, pin=pin)["packet"]
            for _ in range(packets)
        ]
        opened = []
        for name in names:
            with acting_as(wallet.home, name):
                opened.append(open_session(wallet.home))
    return [
        opened[(7 * number + seat) % people].claim(packet, f"{number}-{seat}")
        for number, packet in enumerate(sent)
        for seat in range(SHARES)
    ]


def _all_done(answers: Sequence[object]) -> None:
    assert not any(isinstance(answer, HongbaoError) for answer in answers)


def _said_again(connection: Any, said: Sequence[tuple[bool, Statement]]) -> None:
    for many, (sql, values) in said:
        if many:
            connection.executemany(sql, values)
        else:
            connection.execute(sql, values).fetchall()


def _cpu(turn: Callable[[], object]) -> float:
    """Return the CPU seconds that *turn* takes: a busy machine makes others of them wait."""
    start = process_time()
    turn()
    return process_time() - start


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hongbao-bench-", dir="/var/tmp") as place:
        for each in by_group(Path(place), 200, 100, (1, 10, 100, 1000), 5):
            print(
                f"groups of {each.group:>4}: {each.claims_a_second:>8,.0f} claims a CPU second,"
                f" {each.seconds * 1e6:>6,.0f} µs; their SQL {each.sql_seconds * 1e6:>5,.0f} µs;"
                f" one by one {each.alone_seconds * 1e6:>6,.0f} µs"
            )
