"""A server that is killed at each boundary: a claim is made once, whatever its client has heard."""

import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from hongbao.serving.protocol import address_of, request_line
from hongbao.serving.server import Server
from hongbao.wallet import bulk
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.sessions import ClaimRequest
from tests.every import every
from tests.serving.test_load import kill, serve
from tests.serving.test_server import replies, session_of, until
from tests.vault.processes import finished, start
from tests.wallet.world import LI, WANG, YUAN, World, right

pytestmark = pytest.mark.slow

BOUNDARIES: dict[str, tuple[Any, str, bool, int]] = {
    "before anything is read": (Server, "_read_claims", False, 0),
    "when the claims are in the queue": (Server, "_read_claims", True, 0),
    "when a group is taken": (Server, "_group", True, 0),
    "when its transaction has begun": (bulk._Group, "__init__", False, 0),
    "when it is decided": (bulk._Group, "answers", True, 0),
    "when it is written": (bulk._Group, "seal", True, 0),
    "when it is committed": (BulkClaims, "claim", True, 2),
    "when one reply is ready": (Server, "_reply", True, 2),
    "before replies are sent": (Server, "_flush_one", False, 2),
    "when they are sent": (Server, "_flush_one", True, 2),
}
"""What is killed before or after which call; and how many of two claims are then in the ledger."""


def killed(world: World, owner: Any, name: str, *, after: bool) -> None:
    """Serve, and be killed as soon as that function is called, or has returned."""
    call: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **named: Any) -> Any:
        if after:
            call(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)
    serve(world, 1)


def connected(world: World) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(20)

    def takes() -> bool:  # one is there a moment before anyone listens at it
        try:
            with address_of(world.env.socket) as address:
                link.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    until(takes)
    return link


def heard(link: socket.socket) -> list[Any]:
    """Return the replies that come before the server is gone."""
    read = b""
    while True:
        try:
            more = link.recv(1 << 16)
        except OSError:
            more = b""
        if not more:
            return [json.loads(line) for line in read.splitlines(keepends=True) if b"\n" in line]
        read += more


def done(world: World, requests: list[ClaimRequest]) -> int:
    names = {request.request_id for request in requests}
    with world.open() as wallet:
        return sum(act.request_id in names for act in wallet.store.acts())


@every("boundary", list(BOUNDARIES))
def test_a_server_killed_at_a_boundary_loses_no_claim_and_makes_none_twice(
    boundary: str, worlds: Callable[[str], World]
):
    """
    The next one gives the answer to the same request, and it is the one that was heard, if any was.
    """
    owner, name, after, committed = BOUNDARIES[boundary]
    world = worlds(f"killed-{[*BOUNDARIES].index(boundary)}")
    packet = world.zhang.send(4 * YUAN, count=2, pin=right)["packet"]
    requests = [session_of(world, who).claim(packet, f"{who}-1") for who in (LI, WANG)]
    world.close()
    lines = b"".join(map(request_line, requests))

    server = start(partial(killed, world, owner, name, after=after))
    with connected(world) as link:
        link.sendall(lines)
        first = heard(link)
    assert -signal.SIGKILL == finished(server)
    assert committed == done(world, requests)
    world.close()
    world.env.socket.unlink()

    server = start(partial(serve, world, 2))
    try:
        with connected(world) as link:
            link.sendall(lines)
            again = replies(link, len(requests))
    finally:
        kill(server)
    shares = {each["request_id"]: share(each) for each in again}
    assert all(share(each) == shares[each["request_id"]] for each in first)
    assert {1, 2} == {seat for seat, _fen in shares.values()}
    assert 4 * YUAN == sum(fen for _seat, fen in shares.values())
    assert len(requests) == done(world, requests)
    assert {} == world.findings()
    world.close()


def share(reply: Any) -> tuple[int, int]:
    return reply["answer"]["seat"], reply["answer"]["amount_fen"]
