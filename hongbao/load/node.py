"""
A node of a storm: a process that takes claims as `hongbao serve --claims` does, at one host.

It has the wallet of the storm, and prefers one host of the cluster to the others. What it says on
standard output is how far it has come, a line of JSON each time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hongbao.env import system_env
from hongbao.errors import Busy
from hongbao.home.clusters import Access, access_of, begun_again, reach
from hongbao.rows import Row
from hongbao.serving.server import Server, at_socket
from hongbao.serving.stopping import Sleeper
from hongbao.wallet.facade import Wallet

_LOOK_SECONDS = 0.2


class Orders(Row):
    """
    Where a node finds the wallet, where it listens, and which host of the address is its own.

    It ends with its *parent*, the process of the storm, also when that is killed.
    """

    home: str
    place: str
    host: int
    parent: int


class Progress(Row):
    """How far a node has come: claims, the groups of them, and how often one was begun again."""

    claims: int
    groups: int
    begun_again: int


def main(words: Sequence[str]) -> None:
    """Take claims by the orders in a file, until SIGTERM, or until there is no storm any more."""
    os.umask(0o077)
    orders = Orders(*json.loads(Path(words[0]).read_text(encoding="utf-8")))
    env = system_env()._replace(home=Path(orders.home))
    sleeper = Sleeper()
    signal.signal(signal.SIGTERM, lambda *_: sleeper.stop())
    with Wallet.open(env) as wallet, Server(sleeper) as server:
        home = wallet.home
        access = access_of(env, wallet.vault)
        hosts = access.address.hosts
        own = access.address._replace(hosts=hosts[orders.host :] + hosts[: orders.host])
        home.store.close()
        home.store = store = reach(Access(own, access.password), wallet.vault)
        with at_socket(Path(orders.place)) as listener:
            server.listen(listener)
            said = None
            while not sleeper.is_stopped and os.getppid() == orders.parent:
                try:
                    server.attend(home, _LOOK_SECONDS)
                except Busy:
                    continue  # its clients were told, and ask again
                sizes = server.metrics.sizes
                done = Progress(round(sizes.sum), sizes.count, begun_again(store))
                if done != said and not _said(said := done):
                    return


def _said(done: Progress) -> bool:
    """Say how far this node has come; return whether anyone is left to hear it."""
    try:
        sys.stdout.write(json.dumps([*done]) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # or it is flushed again at the end
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
