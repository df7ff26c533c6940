"""
Workers for claims on three nodes: whichever has a claim gives the right answer, and gives it once.

That all claims of one packet go to one worker is for speed; here they go to any of them, also the
same one to several at once.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hongbao.serving.protocol import WITHIN_MS_MAX, Line, request_line
from hongbao.wallet import Wallet
from hongbao.wallet.sessions import ClaimRequest, open_session
from tests.cluster.nodes import Cluster
from tests.cluster.test_rush import MACHINES, Rush
from tests.cluster.worlds import worlds_on
from tests.serving.test_server import Serving, asked, one_by_one, replies, with_packets
from tests.vault.processes import finished, start
from tests.wallet.world import CARD, LI, WANG, YUAN, ZHANG, World, right

pytestmark = pytest.mark.cluster

WORKERS = 3
PACKETS = int(os.environ.get("HONGBAO_WORKER_PACKETS", "8"))
SECONDS_MAX = 180

AGAIN = {"busy", "overloaded", "ledger_unreachable", "outcome_unknown"}


class Workers(Rush):
    """Machines of a rush, the first of which each have a worker."""

    def prepare(self) -> tuple[list[str], list[list[ClaimRequest]]]:
        """Return packets with a share for each person, and each person's claims of them."""
        with self.open(self.folder / "home", "P0") as desk:
            packets = [
                desk.send(12 * YUAN, count=MACHINES, pin=right)["packet"] for _ in range(PACKETS)
            ]
        claims = []
        for person in range(MACHINES):
            with self.open(self.folder / f"machine{person}", f"P{person}") as desk:
                session = open_session(desk.home)
                claims.append([session.claim(packet, f"{person}-{packet}") for packet in packets])
        return packets, claims

    def serve(self, number: int) -> "subprocess.Popen[bytes]":
        """Start the worker of a machine, and wait until it can be asked."""
        home = self.folder / f"machine{number}"
        words = [sys.executable, "-m", "hongbao", "serve", "--claims", "--json"]
        variables = {**os.environ, "HONGBAO_HOME": str(home)}
        worker = subprocess.Popen(words, env=variables, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        assert b'"ready"' in worker.stdout.readline()
        return worker

    @contextmanager
    def serving(self) -> "Iterator[list[subprocess.Popen[bytes]]]":
        workers = [self.serve(number) for number in range(WORKERS)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()

    def client(self, person: int, claims: list[ClaimRequest]) -> Callable[[], None]:
        """Return what a client does: it asks any worker until it knows, and some of them twice."""

        def life() -> None:
            dice, ends_at = Random(person), time.monotonic() + SECONDS_MAX
            with (self.folder / f"answers{person}").open("w") as answers:
                for claim in claims:
                    for _ in range(dice.choice((1, 1, 2))):
                        reply = None
                        while reply is None:
                            assert time.monotonic() < ends_at, claim
                            reply = self.ask_worker(dice.randrange(WORKERS), claim)
                        answers.write(json.dumps(reply) + "\n")

        return life

    def ask_worker(self, number: int, claim: ClaimRequest) -> Any:
        """Return a worker's reply to *claim*; None if there is none, or another may be better."""
        place = self.folder / f"machine{number}" / "serve.sock"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(8)
                link.connect(f"/proc/self/cwd/{os.path.relpath(place)}")
                link.sendall(request_line(claim, 4000))
                reply = json.loads(Line(link).next() or b"null")
        except OSError:
            reply = None
        if reply is None or reply.get("refused", {}).get("code") in AGAIN:
            time.sleep(0.1)
            return None
        return reply

    def paid_once(self, packets: list[str]) -> None:
        """See that each person has one share of each packet, as was answered, on every node."""
        answered: dict[str, Any] = {}
        for person in range(MACHINES):
            for line in (self.folder / f"answers{person}").read_text().splitlines():
                reply = json.loads(line)
                answer = reply["answer"]
                share = (answer["packet"], answer["seat"], answer["amount_fen"])
                assert share == answered.setdefault(reply["request_id"], share)
        for packet in packets:
            shares = [share for share in answered.values() if share[0] == packet]
            assert [*range(1, MACHINES + 1)] == sorted(seat for _packet, seat, _fen in shares)
            assert 12 * YUAN == sum(fen for _packet, _seat, fen in shares)
        for number in range(WORKERS):
            with self.open(self.folder / f"machine{number}", "P0") as desk:
                checked = desk.check()
                assert checked["ok"], [one for one in checked["findings"] if not one["ok"]]
                acts = [act.request_id for act in desk.store.acts() if act.act == "claim"]
                assert sorted(answered) == sorted(acts)


def rushed(cluster: Cluster, folder: Path, meanwhile: Callable[[Workers, list[Any]], None]) -> None:
    rush = Workers(cluster, folder)
    packets, claims = rush.prepare()
    os.chdir(folder)  # the paths of sockets have to be short
    with rush.serving() as workers:
        clients = [start(rush.client(person, mine)) for person, mine in enumerate(claims)]
        meanwhile(rush, workers)
        assert [0] * MACHINES == [finished(client) for client in clients]
    rush.paid_once(packets)


@pytest.mark.slow
def test_claims_go_to_any_worker(galera: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    rushed(galera, tmp_path, lambda _rush, _workers: None)


@pytest.mark.slow
def test_workers_and_a_node_are_killed_while_clients_wait(
    galera: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def faults(rush: Workers, workers: list[Any]) -> None:
        dice = Random(1)
        for turn in range(6):
            time.sleep(dice.uniform(0.5, 2))
            number = turn % WORKERS
            workers[number].kill()
            assert -signal.SIGKILL == workers[number].wait()
            workers[number].stdout.close()
            if turn == 2:
                galera.nodes[1].kill()
            workers[number] = rush.serve(number)
        galera.start(galera.nodes[1])

    monkeypatch.chdir(tmp_path)
    try:
        rushed(galera, tmp_path, faults)
    finally:
        galera.mend()


def test_a_worker_on_a_cluster_leaves_what_claims_one_by_one_leave(
    one_node: Cluster, tmp_path: Path
):
    """
    The same answers, refusals and rows, in the order in which it does them: of each packet, the
    order in which they came. Only seals differ, and numbers that have dice in them.
    """
    world = worlds_on(one_node)(tmp_path / "home")
    zhang = world.found(ZHANG)
    zhang.add_card(CARD, pin=right)
    zhang.topup(100 * YUAN, pin=right)
    for name in (LI, WANG):
        world.found(name)
    requests = asked(*with_packets(world))
    alone = world.copy(tmp_path / "alone")
    with ExitStack() as closing:
        serving = Serving(closing, tmp_path / "serve.sock")
        link = serving.connect()
        link.sendall(b"".join(request_line(each, WITHIN_MS_MAX) for each in requests))
        with Wallet.open(world.env) as wallet:
            serving.answers(wallet.home, len(requests))
        told = replies(link, len(requests))

    came = defaultdict(list)
    for each in requests:
        came[each.request_id].append(each)
    done = [came[reply["request_id"]].pop(0) for reply in told]
    for packet in {each.packet for each in requests}:
        assert [each for each in requests if each.packet == packet] == [
            each for each in done if each.packet == packet
        ]
    assert one_by_one(alone, done) == told
    assert 6 == sum("answer" in reply and not reply["answer"].get("replayed") for reply in told)
    assert rows(alone) == rows(world)
    assert {} == world.findings()
    world.close()


NUMBERED: Any = {
    "entry": ("id", "mac", "at"),
    "claim": ("entry",),
    "transfer": ("id", "entry"),
    "habit": ("upto", "text"),
}
"""What is drawn, or stands for a moment or a seal."""


def rows(world: World) -> Any:
    """Return the rows that claims leave, without seals, and without numbers that have dice."""
    dump = world.dump(ignoring=NUMBERED)
    tables = ("account", "claim", "device", "entry", "maturing", "packet", "transfer")
    return {table: sorted(map(repr, dump[table])) for table in tables}
