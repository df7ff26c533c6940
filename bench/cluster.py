"""
Measure what a ledger on a cluster costs, as ratios: ``make bench-cluster``.

The nodes are real ones of this machine (`tools/cluster`), and what is compared is measured in turns
on the same nodes. Without servers there is one sentence, and nothing is measured.
"""

import argparse
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.crowd import GROUPS, Crowd, Worker, beside, lines_of, ratios  # noqa: E402
from bench.homes import CLAIMER, SENDER, env_of, found, pin, send_packets  # noqa: E402
from bench.pairs import Comparison, compare  # noqa: E402
from bench.run import Result, machine, told  # noqa: E402
from bench.start import LAUNCH, run, variables_in  # noqa: E402
from hongbao.domain.lanes import PLATFORM  # noqa: E402
from hongbao.engines.mysql import engine as engine_module  # noqa: E402
from hongbao.engines.mysql import lanes as lanes_module  # noqa: E402
from hongbao.engines.mysql import session  # noqa: E402
from hongbao.engines.mysql.address import Address, Host  # noqa: E402
from hongbao.engines.mysql.driver import connect  # noqa: E402
from hongbao.engines.mysql.engine import Ledger  # noqa: E402
from hongbao.engines.mysql.schema import COLUMNS  # noqa: E402
from hongbao.home.clusters import Access  # noqa: E402
from hongbao.wallet import Wallet  # noqa: E402
from hongbao.wallet.bulk import BulkClaims  # noqa: E402
from tools.nodes import guard  # noqa: E402
from tools.nodes.cluster import OWNER, Cluster  # noqa: E402
from tools.nodes.programs import NotInstalled  # noqa: E402

WRITERS = 3


class Sizes(NamedTuple):
    """How much is measured."""

    starts: int
    claims: int
    packets: int  # that each writer claims of in a round
    topups: int  # that each writer makes in a round
    rounds: int
    groups: int  # of fifty claims


FULL = Sizes(starts=40, claims=150, packets=40, topups=20, rounds=6, groups=40)
QUICK = Sizes(starts=3, claims=4, packets=3, topups=2, rounds=2, groups=2)


@contextmanager
def nodes(kind: str, folder: Path) -> Iterator[Cluster]:
    """Have a cluster of a *kind* for a while."""
    place = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=folder))
    place.chmod(0o711)
    cluster = Cluster.make(place, kind=kind)
    with guard.start(cluster.folder):
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.destroy()


def access_to(cluster: Cluster, database: str, first: int = 0) -> Access:
    """Return the way to *database*, with the node number *first* before the others."""
    hosts = [Host(node.host, node.port) for node in cluster.nodes]
    address = Address(OWNER, tuple(hosts[first:] + hosts[:first]), database)
    return Access(address, cluster.password_file(OWNER).read_text().strip())


def opened(wallet: Wallet, access: Access) -> Ledger:
    """Return the ledger at *access*, under the keys of *wallet*."""
    return Ledger.open(access.address, access.password, wallet.vault.page_key)


# --- one claim, against its SQL -------------------------------------------------------------------

COMMIT, ROLLBACK = "COMMIT", "ROLLBACK"

Said = tuple[str, Sequence[object] | None]


def against_sql(folder: Path, pairs: int) -> Comparison:
    """
    Compare a claim through the wallet with the same statements said by nobody, on the same node.

    A ledger with packets to claim is copied twice. On the first copy the wallet claims them all,
    and what it says is written down, values and all; in turns the wallet then claims them on the
    original, and what was written down is said to the second copy, with the same driver and
    settings, by one connection.
    """
    with nodes("mariadb", folder) as cluster:
        here, recorded, replayed = (
            access_to(cluster, cluster.create_database(f"hongbao_{name}"))
            for name in ("claimed", "recorded", "replayed")
        )
        env = env_of(folder / "home")
        found(env, SENDER, topup_fen=50_000, access=here)
        found(env, CLAIMER)
        packets = send_packets(env, pairs + 1)
        with Wallet.open(env, profile=CLAIMER) as wallet:
            for copy in (recorded, replayed):
                Ledger.create(copy.address, copy.password, wallet.vault.page_key).close()
                copy_tables(cluster, here.address.database, copy.address.database)
            original = wallet.home.store
            wallet.home.store = opened(wallet, recorded)
            claims = list(recorded_claims(wallet, packets))
            wallet.home.store.close()
            wallet.home.store = original
            for note in env.keys.glob("acts-*"):  # what was done on the copy is not lost here
                note.unlink()
            with closing(
                connect(replayed.address, replayed.address.hosts[0], replayed.password)
            ) as bare:
                session.prepare(partial(asked, bare), "the node")
                wallet.claim(packets[0])
                replay(bare, claims[0])
                return compare(
                    lambda number: wallet.claim(packets[number + 1]),
                    lambda number: replay(bare, claims[number + 1]),
                    pairs,
                )


def copy_tables(cluster: Cluster, source: str, target: str) -> None:
    """Copy every row of one ledger's tables to another's, which are empty."""
    access = access_to(cluster, target)
    with closing(connect(access.address, access.address.hosts[0], access.password)) as link:
        for table, columns in COLUMNS.items():
            if table != "form":
                listed = ", ".join(f"`{column}`" for column in columns)
                asked(
                    link,
                    f"INSERT INTO `{table}` ({listed}) SELECT {listed} FROM `{source}`.`{table}`",
                )
        link.commit()


def recorded_claims(wallet: Wallet, packets: Sequence[str]) -> Iterator[list[Said]]:
    """Claim *packets*, and yield what each claim said to its node."""
    yield from recorded_of(packets, wallet.claim)


def recorded_of(each: Sequence[Any], do: Callable[[Any], object]) -> Iterator[list[Said]]:
    """Do it for *each*, and yield what that said to its node."""
    from pymysql.connections import Connection

    said: list[Said] = []
    ran, commit, rollback = engine_module._ran, Connection.commit, Connection.rollback

    def run_one(connection: Any, sql: str, values: Sequence[object] | None) -> tuple[int, Any]:
        said.append((sql, values))
        return ran(connection, sql, values)

    def noting(name: str, end: Callable[[Any], None]) -> Callable[[Any], None]:
        def ended(connection: Any) -> None:
            said.append((name, None))
            end(connection)

        return ended

    engine_module._ran = run_one
    Connection.commit, Connection.rollback = noting(COMMIT, commit), noting(ROLLBACK, rollback)
    try:
        for one in each:
            said.clear()
            do(one)
            yield [*said]
    finally:
        engine_module._ran = ran
        Connection.commit, Connection.rollback = commit, rollback


def replay(connection: Any, said: Sequence[Said]) -> None:
    """Say to *connection* what was *said*, and read whatever it answers."""
    for sql, values in said:
        if sql == COMMIT:
            connection.commit()
        elif sql == ROLLBACK:
            connection.rollback()
        else:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                cursor.fetchall()


def asked(connection: Any, sql: str) -> list[Any]:
    """Run *sql*, and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


# --- a crowd --------------------------------------------------------------------------------------


def crowds(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Measure claims in groups on three nodes, and on one a group against its SQL, and others'."""
    with nodes("galera", folder) as cluster:
        crowd = Crowd(
            folder / "crowd", access_to(cluster, cluster.create_database("hongbao_crowd"))
        )
        for name, compared in ratios(crowd, sizes.groups):
            yield Result(name, compared.ratio, compared=compared)
    yield from by_worker(folder, sizes)


def by_worker(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """
    Compare claims through a worker with the statements of the same groups, said by nobody.

    As `against_sql` does it, on copies of one ledger. Then others do the same work, beside it.
    """
    count = sizes.groups + GROUPS
    with nodes("mariadb", folder) as cluster, ExitStack() as stack:
        here, recorded, replayed = (
            access_to(cluster, cluster.create_database(f"hongbao_{name}"))
            for name in ("grouped", "recorded", "replayed")
        )
        crowd = Crowd(folder / "worker", here)
        groups = [crowd.group([packet]) for packet in crowd.packets(count)]
        wallet = crowd.wallet
        for copy in (recorded, replayed):
            Ledger.create(copy.address, copy.password, wallet.vault.page_key).close()
            copy_tables(cluster, here.address.database, copy.address.database)
        original = wallet.home.store
        wallet.home.store = opened(wallet, recorded)
        claims = BulkClaims(wallet.home)
        said = list(recorded_of(groups, claims.claim))
        wallet.home.store.close()
        wallet.home.store = original
        worker, lines = Worker(stack, wallet), [*map(lines_of, groups)]
        bare = stack.enter_context(
            closing(connect(replayed.address, replayed.address.hosts[0], replayed.password))
        )
        session.prepare(partial(asked, bare), "the node")
        for number in range(GROUPS):  # the first groups meet people, and are not measured
            worker.claim(lines[number])
            replay(bare, said[number])
        compared = compare(
            lambda number: worker.claim(lines[number + GROUPS]),
            lambda number: replay(bare, said[number + GROUPS]),
            sizes.groups,
        )
        yield Result(
            "50 claims through the worker / their SQL run bare",
            compared.ratio,
            goal=1.5,
            compared=compared,
        )
        more = iter([lines_of(crowd.group([packet])) for packet in crowd.packets(sizes.groups + 1)])
        worker.claim(next(more))
        yield from beside(folder, lambda: worker.claim(next(more)), sizes.groups)


# --- three writers --------------------------------------------------------------------------------


class Work(NamedTuple):
    """What each of the writers does in a round: as *name*, one thing for each of its subjects."""

    names: Sequence[str]
    subjects: Sequence[str]
    do: Callable[[Wallet, str], object]


def writers(folder: Path, sizes: Sizes) -> Iterator[tuple[str, Comparison, int]]:
    """
    Compare three writers on three nodes with lanes, and with one chain for all.

    Each claims of packets that no other claims of at the same time, and then each tops up. With one
    chain every act is in the platform's lane, and waits for it as acts waited for the head that
    every ledger had. Yield what they did, the ratio of how often in a second, and how many times
    lanes made it begin again.
    """
    with nodes("galera", folder) as cluster:
        access = access_to(cluster, cluster.create_database(DATABASE))
        env = env_of(folder / "writers")
        found(env, SENDER, topup_fen=50_000, access=access)
        claimers = [f"claimer{number}" for number in range(WRITERS * sizes.rounds)]
        for name in claimers:
            found(env, name)
        packets = send_packets(env, WRITERS * sizes.packets)

        def claims(turn: int, *, has_lanes: bool) -> Work:
            mine = claimers[turn * WRITERS : (turn + 1) * WRITERS]
            # Of half of the shares with lanes, and of the others without.
            return Work(mine, packets[has_lanes::2], lambda wallet, packet: wallet.claim(packet))

        yield "claim", *rounds(cluster, env, sizes.rounds, claims)
        toppers = [f"topper{number}" for number in range(WRITERS)]
        for serial, name in enumerate(toppers, start=1):
            found(env, name, topup_fen=1, serial=serial)

        def topups(_turn: int, *, has_lanes: bool) -> Work:  # noqa: ARG001 - the same in both
            subjects = ["1"] * (WRITERS * sizes.topups)
            return Work(toppers, subjects, lambda wallet, fen: wallet.topup(int(fen), pin=pin))

        yield "top-up", *rounds(cluster, env, sizes.rounds, topups)


DATABASE = "hongbao_writers"


def rounds(
    cluster: Cluster, env: Any, count: int, work: Callable[..., Work]
) -> tuple[Comparison, int]:
    """Have *work* done with lanes and without, *count* times; return how the times compare."""
    took: dict[bool, list[float]] = {True: [], False: []}
    undone = 0
    for turn in range(count):
        for has_lanes in (True, False) if turn % 2 else (False, True):
            seconds, again = race(
                cluster, env, work(turn, has_lanes=has_lanes), has_lanes=has_lanes
            )
            took[has_lanes].append(seconds)
            undone += again if has_lanes else 0
    ratios = [chain / lanes for lanes, chain in zip(took[True], took[False], strict=True)]
    low, _middle, high = quantiles(ratios, n=4)
    ratio = Comparison(median(ratios), low, high, median(took[False]), median(took[True]), count)
    return ratio, undone


def race(cluster: Cluster, env: Any, work: Work, *, has_lanes: bool) -> tuple[float, int]:
    """Have each writer do its part of *work* at its own node; return the time."""
    gate, opener = os.pipe()
    children = []
    for number, name in enumerate(work.names):
        mouth, pen = os.pipe()
        child = os.fork()
        if not child:
            status = 1
            try:
                os.close(opener)
                mine = work._replace(names=[name], subjects=work.subjects[number::WRITERS])
                undone = do_all(cluster, env, mine, number, gate, pen, has_lanes)
                os.write(pen, b"%d" % undone)
                status = 0
            finally:
                os._exit(status)
        os.close(pen)
        children.append((child, mouth))
    for _child, mouth in children:
        assert os.read(mouth, 1) == b"."  # it is ready
    os.close(gate)
    begun = perf_counter()
    os.close(opener)
    undone = 0
    for child, mouth in children:
        with os.fdopen(mouth, "rb") as pipe:
            undone += int(pipe.read())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return perf_counter() - begun, undone


def do_all(
    cluster: Cluster, env: Any, work: Work, number: int, gate: int, pen: int, has_lanes: bool
) -> int:
    """Do *work* at one node, once all are ready; return how often that began again."""
    if not has_lanes:
        one_chain()
    undone = 0
    with Wallet.open(env, profile=work.names[0]) as wallet:
        wallet.home.store.close()
        wallet.home.store = store = opened(wallet, access_to(cluster, DATABASE, number))
        counted = store._count_undone

        def count() -> None:
            nonlocal undone
            undone += 1
            counted()

        store._count_undone = count  # type: ignore[method-assign]
        wallet.balance()
        os.write(pen, b".")
        os.read(gate, 1)
        for subject in work.subjects:
            work.do(wallet, subject)
        wallet.home.begun = False  # sealing is not measured
    return undone


def one_chain() -> None:
    """Let every act be in one lane, which it locks before it reads anything."""
    names_of = lanes_module.names_of
    lanes_module.names_of = lambda act: names_of(act) | {PLATFORM}
    locks = lanes_module.locks([("operator", 0)], lambda _packet: None)  # whose lane is that one
    setattr(engine_module, "locks", lambda *_: locks)  # noqa: B010 - its name is imported


# --- start ----------------------------------------------------------------------------------------


def of_balance(folder: Path, pairs: int) -> Comparison:
    """Compare the start of ``hongbao balance`` with a ledger on a loopback node and in a file."""
    variables = variables_in(folder)
    balance = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__"), "balance", "--json"]
    with nodes("mariadb", folder) as cluster:
        access = access_to(cluster, cluster.create_database("hongbao_balance"))
        there, here = folder / "there", folder / "here"
        found(env_of(there), SENDER, access=access)
        found(env_of(here), SENDER)
        homes = [variables | {"HONGBAO_HOME": str(home)} for home in (there, here)]
        for home in homes:
            run(balance, home)  # once unmeasured: now all is compiled
        return compare(
            lambda _number: run(balance, homes[0]),
            lambda _number: run(balance, homes[1]),
            pairs,
        )


def measure(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Measure everything, and yield each result."""

    def place(name: str) -> Path:
        path = folder / name
        path.mkdir(mode=0o711)
        return path

    compared = against_sql(place("claim"), sizes.claims)
    yield Result("claim on a node / its SQL run bare", compared.ratio, goal=2.2, compared=compared)
    compared = of_balance(place("balance"), sizes.starts)
    yield Result(
        "start of `balance` on a node / in a file", compared.ratio, goal=1.6, compared=compared
    )
    yield from crowds(place("crowds"), sizes)
    for what, compared, undone in writers(place("galera"), sizes):
        yield Result(
            f"three writers, {what}s: time with one chain / with lanes (≥ 2)",
            compared.ratio,
            compared=compared,
        )
        yield Result(f"{what}s with lanes that began again", undone, unit="")


def main() -> int:
    """Measure, and print each result as it comes."""
    options = argparse.ArgumentParser(description="Measure what a ledger on a cluster costs.")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    chosen = options.parse_args()
    gc.set_threshold(50_000)  # as in the service's own process, see `hongbao.__main__`
    folder = Path(tempfile.mkdtemp(prefix="hongbao-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        print(" · ".join(f"{name} {value}" for name, value in machine().items()), flush=True)
        print("median of pairs [their middle half]", flush=True)
        for result in measure(QUICK if chosen.quick else FULL, folder):
            print(told(result), flush=True)
    except NotInstalled as missing:
        print(f"bench-cluster: {missing}", file=sys.stderr)
        return 3
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
