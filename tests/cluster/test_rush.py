"""
Wallets of several machines on three nodes at once, by the real clock: what was told is there.

Each machine asks for everything under a request id of its own, and asks again under the same one
where it is told that the outcome is not known, or that no node answers.
"""

import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hongbao.env import Env, system_env
from hongbao.errors import Busy, HongbaoError, LedgerUnreachable, OutcomeUnknown
from hongbao.home.clusters import Access
from hongbao.wallet import Wallet
from hongbao.wallet.machines import reconnect
from tests.cluster.databases import PAY
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import empty_ledger
from tests.vault.processes import finished, start
from tests.wallet.guards import pack_of
from tests.wallet.world import CHEAP, YUAN, card, policy, right, tail

pytestmark = pytest.mark.cluster

MACHINES = 6
NOT_KNOWN = (OutcomeUnknown, LedgerUnreachable, Busy)
SECONDS_MAX = 120


def env_of(home: Path) -> Env:
    return system_env()._replace(home=home, hash_cost=CHEAP, variables={})


class Rush:
    """A home on *cluster* and its copies: the machines, each with a node that it prefers."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.address = empty_ledger(cluster, "rush")
        self.password = cluster.password_file(PAY).read_text().strip()
        self.access = Access(self.address, self.password)
        for number in range(MACHINES):
            self._found(number)
        with self.open(folder / "home", None) as desk:
            desk.use_risk_pack(pack_of("no-rules"))
        for number in range(MACHINES):
            home = folder / f"machine{number}"
            shutil.copytree(folder / "home", home)
            hosts = self.address.hosts[number % 3 :] + self.address.hosts[: number % 3]
            address = self.address._replace(hosts=hosts)
            (home / "keys" / "witness").unlink()  # each has a memory of its own
            reconnect(env_of(home), Access(address, self.password), accept=lambda *_: True)

    def _found(self, number: int) -> None:
        desk, _ = Wallet.found(
            env_of(self.folder / "home"),
            f"P{number}",
            pin=right,
            policy=policy(),
            access=self.access if number == 0 else None,
        )
        with desk:
            desk.add_card(card(number % 3, 11 + number), pin=right)
            desk.topup(200 * YUAN, pin=right)

    def open(self, home: Path, who: str | None) -> Wallet:
        return Wallet.open(env_of(home), profile=who)

    # --- a machine -------------------------------------------------------------------------------

    def live(self, number: int, acts: int) -> Callable[[], None]:
        """Return what a machine does: ask, and write down what it was told."""

        def life() -> None:
            chance = random.Random(number)
            home, file = self.folder / f"machine{number}", self.folder / f"told{number}"
            with file.open("w") as told:
                for turn in range(acts):
                    request = f"m{number}-{turn}"
                    kind = chance.choice(("send", "claim", "claim", "claim", "topup", "withdraw"))
                    answer = self.ask(home, f"P{number}", kind, request, chance)
                    told.write(json.dumps([request, kind, answer]) + "\n")
                    told.flush()

        return life

    def ask(self, home: Path, who: str, kind: str, request: str, chance: random.Random) -> Any:
        """Ask until it is known what came of it: an answer, or a refusal that is one."""
        until, packet = time.monotonic() + SECONDS_MAX, None
        fen = chance.randint(1, 20) * YUAN
        while True:
            try:
                with self.open(home, who) as desk:
                    if kind == "claim" and packet is None:
                        found = desk.packets("claimable")
                        if not found:
                            return None
                        packet = chance.choice(found)["packet"]
                    return self.act(desk, kind, request, fen, packet)
            except NOT_KNOWN as error:
                if time.monotonic() > until:
                    return {"unknown": error.code}
                time.sleep(chance.random() / 2)
            except HongbaoError as error:
                return {"refused": error.code}

    def act(self, desk: Wallet, kind: str, request: str, fen: int, packet: str | None) -> Any:
        if kind == "send":
            return desk.send(fen, count=4, pin=right, request_id=request)
        if kind == "claim":
            assert packet is not None
            return desk.claim(packet, request_id=request)
        number = card(int(desk.me.name[1:]) % 3, 11 + int(desk.me.name[1:]))
        return getattr(desk, kind)(fen, card=tail(number), pin=right, request_id=request)

    # --- the end ---------------------------------------------------------------------------------

    def settle(self) -> dict[str, int]:
        """See that what was told is what is there, on each node; return how much of it there is."""
        told = {
            request: (kind, answer)
            for file in self.folder.glob("told*")
            for request, kind, answer in map(json.loads, file.read_text().splitlines())
        }
        counts = {"answers": 0, "refused": 0, "nothing": 0}
        acts: list[Any] = []
        for number in range(3):
            with self.open(self.folder / f"machine{number}", f"P{number}") as desk:
                checked = desk.check()
                assert checked["ok"], [one for one in checked["findings"] if not one["ok"]]
                acts = list(desk.store.acts(after=0, limit=-1))
        done: dict[str, list[Any]] = {}
        for row in acts:
            if str(row.request_id).startswith("m"):
                done.setdefault(row.request_id, []).append(row)
        for request, (kind, answer) in told.items():
            assert not (answer and "unknown" in answer), (request, answer)
            if answer is None or "refused" in answer:
                counts["nothing" if answer is None else "refused"] += 1
                continue
            counts["answers"] += 1
            if kind in ("send", "claim"):
                assert [kind] == [row.act for row in done[request]], (request, answer)
            assert request in done, (request, answer)
        for request, rows in done.items():
            kind, answer = told[request]
            assert answer is not None, rows
            if kind in ("send", "claim"):
                assert "refused" not in answer, (rows, answer)
        return counts


def rushed(cluster: Cluster, folder: Path, acts: int, meanwhile: Callable[[], None]) -> None:
    rush = Rush(cluster, folder)
    machines = [start(rush.live(number, acts)) for number in range(MACHINES)]
    meanwhile()
    assert [0] * MACHINES == [finished(machine) for machine in machines]
    sys.stdout.write(f"{rush.settle()}\n")


def test_several_machines_at_once_are_told_what_is_there(galera: Cluster, tmp_path: Path):
    rushed(galera, tmp_path, 8, lambda: None)


@pytest.mark.slow
def test_nodes_are_killed_and_stopped_while_machines_act(galera: Cluster, tmp_path: Path):
    def faults() -> None:
        n1, n2, n3 = galera
        for fault in (n1.kill, lambda: galera.stop(n2)):
            time.sleep(6)
            fault()
            time.sleep(12)
            if n2.is_stopped():
                galera.cont(n2)
            if n1.pid() is None:
                galera.start(n1)
            galera.wait_whole()
        n3.kill()
        time.sleep(4)
        galera.start(n3)

    try:
        rushed(galera, tmp_path, 40, faults)
    finally:
        galera.mend()
