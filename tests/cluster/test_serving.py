"""What falls due on a cluster: done once by services on several machines, and sealed by them."""

import json
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from hongbao.serving.protocol import request_line
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import worlds_on
from tests.serving.test_due import acts, is_nothing, served
from tests.serving.test_server import Serving, replies, session_of
from tests.vault.processes import race
from tests.wallet.world import CARD, LI, YUAN, ZHANG, id_number, right

pytestmark = pytest.mark.cluster

PACKETS = 6


def test_services_on_a_cluster_do_each_thing_once_and_seal_it(one_node: Cluster, tmp_path: Path):
    """
    Whichever is faster; afterwards each lane that moved is in the log, and a look adds nothing.
    """
    world = worlds_on(one_node)(tmp_path / "home")
    zhang = world.found(ZHANG)
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(100 * YUAN, pin=right)
    world.found(LI)
    for _ in range(PACKETS):
        zhang.send(YUAN, count=1, pin=right)
    world.at += timedelta(hours=24, seconds=1)  # each act has a later moment than the one before
    world.close()

    def serve(number: int) -> bytes:
        world.chances += 10_000 * number  # each draws its own
        return json.dumps(served(world)).encode()

    answers = [json.loads(each) for each in race(3, serve)]

    assert [] == [failed for each in answers for failed in each["failed"]]
    refunds = Counter(refund["packet"] for each in answers for refund in each["refunds"])
    assert (PACKETS, {1}) == (len(refunds), set(refunds.values()))
    assert (PACKETS, 1) == tuple(acts(world)[act] for act in ("refund", "settle"))
    assert is_nothing(served(world))
    with world.open() as wallet:
        assert wallet.store.log is not None
        assert [] == list(wallet.store.log.lanes_moved(10))
    assert [] == served(world)["sealed"]
    assert {} == world.findings()
    world.close()


def test_a_packet_on_a_cluster_is_due_a_day_after_its_own_moment(one_node: Cluster, tmp_path: Path):
    """
    A moment is later than the one before, also where a clock stands still: by a microsecond.
    """
    world = worlds_on(one_node)(tmp_path / "home")
    zhang = world.found(ZHANG)
    zhang.add_card(CARD, pin=right)
    zhang.topup(10 * YUAN, pin=right)
    packet = zhang.send(YUAN, count=1, pin=right)["packet"]
    world.at += timedelta(hours=24)
    assert [] == served(world)["refunds"]
    world.at += timedelta(seconds=1)
    assert [packet] == [refund["packet"] for refund in served(world)["refunds"]]
    world.close()


def test_claims_at_a_service_on_a_cluster_are_done_by_packet(one_node: Cluster, tmp_path: Path):
    """
    Each as it would be alone, and a group of each packet.
    """
    world = worlds_on(one_node)(tmp_path / "home")
    zhang = world.found(ZHANG)
    zhang.add_card(CARD, pin=right)
    zhang.topup(100 * YUAN, pin=right)
    world.found(LI)
    packets = [zhang.send(4 * YUAN, count=2, pin=right)["packet"] for _ in range(2)]
    sessions = [session_of(world, name) for name in (ZHANG, LI)]
    requests = [
        session.claim(packet, f"{packet}-{session.session.profile}")
        for session in sessions
        for packet in packets
    ]
    with ExitStack() as closing:
        serving = Serving(closing, tmp_path / "serve.sock")
        link = serving.connect()
        link.sendall(b"".join(map(request_line, requests)))
        with world.open() as wallet:
            serving.answers(wallet.home, len(requests))
        answers = {each["request_id"]: each["answer"] for each in replies(link, len(requests))}
    assert [1, 1, 2, 2] == [answers[each.request_id]["seat"] for each in requests]
    assert 'hongbao_group_size_bucket{le="2"} 2' in serving.server.metrics.text()
    assert {} == world.findings()
    world.close()
