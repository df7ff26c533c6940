"""The server for claims: what it gives is what the same claims one by one would give."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.documents import to_json
from hongbao.errors import Busy, CannotListen, HongbaoError, NotAClaim
from hongbao.home.opened import Home
from hongbao.serving import server as server_module
from hongbao.serving.asking import claim_with_service
from hongbao.serving.protocol import address_of, reply_line, request_in, request_line
from hongbao.serving.server import QUEUE_MAX, Server, at_port, at_socket
from hongbao.serving.stopping import Sleeper
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.sessions import ClaimRequest, DeviceSession, claim_in_session, open_session
from tests.every import every
from tests.vault.processes import finished, start
from tests.wallet.world import LI, PINS, WANG, YUAN, ZHANG, World, right

SEAL: Any = {"entry": ("mac",)}
"""What differs: one seal for each act, or for each group."""


class Serving:
    """A server in this process, attended to by the test."""

    def __init__(self, closing: ExitStack, place: Path) -> None:
        sleeper = Sleeper()
        closing.callback(sleeper.close)
        self.server = closing.enter_context(Server(sleeper))
        self.server.listen(closing.enter_context(at_socket(place)))
        self._closing, self._place = closing, place

    def answers(self, home: Home | None, count: int) -> None:
        """Attend until *count* claims were answered or refused, in all."""
        until(lambda: self._attended(home) >= count)

    def _attended(self, home: Home | None) -> int:
        self.server.attend(home, 0.01)
        return self.server.metrics.claims.total()

    def connect(self) -> socket.socket:
        link = self._closing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        link.settimeout(5)
        with address_of(self._place) as address:
            link.connect(address)
        return link


def until(true: Callable[[], object]) -> None:
    """Wait until *true* is."""
    ends_at = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.001)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with ExitStack() as closing:
        yield Serving(closing, tmp_path / "serve.sock")


def replies(link: socket.socket, count: int) -> list[Any]:
    """Return the next *count* replies."""
    read = b""
    while read.count(b"\n") < count or not read.endswith(b"\n"):
        more = link.recv(1 << 16)
        assert more, read
        read += more
    return [json.loads(line) for line in read.splitlines()]


def session_of(world: World, name: str) -> DeviceSession:
    with Wallet.open(world.env, profile=name) as wallet:
        return open_session(wallet.home)


def with_packets(world: World) -> tuple[list[str], list[DeviceSession]]:
    """Return packets of Zhang's, and a session for each of the people."""
    zhang = world.zhang
    packets = [zhang.send(10 * YUAN, count=count, pin=right)["packet"] for count in (1, 3, 2)]
    sessions = [session_of(world, name) for name in (ZHANG, LI, WANG)]
    world.close()
    return packets, sessions


def asked(packets: list[str], sessions: list[DeviceSession]) -> list[ClaimRequest]:
    """Return claims of everyone on all packets, some of them twice, and what no one may have."""
    made = [
        session.claim(packet, f"{number}-{packet}-{session.session.profile}", luck=luck)
        for number, luck in ((1, None), (2, "福"))
        for packet in packets
        for session in sessions
    ]
    forged = sessions[1].claim(packets[0], "forged")._replace(code=bytes(32))
    unknown = sessions[2].claim(packets[1], "unknown")._replace(session=1)
    return [*made, forged, unknown, made[0], sessions[2].claim("hb_7Q2M4K9X", "nowhere")]


def one_by_one(world: World, requests: Iterable[ClaimRequest]) -> Any:
    """Make *requests* without a server, and return the replies that one would have given."""
    expected = []
    with Wallet.open(world.env) as wallet:
        for each in requests:
            try:
                answer: Any = {"answer": claim_in_session(wallet.home, each)}
            except HongbaoError as error:
                answer = {"refused": error.as_dict()}
            expected.append({"request_id": each.request_id, **answer})
    return json.loads(json.dumps(expected))


def test_the_ledger_is_the_same_as_one_by_one(worlds: Callable[[str], World], serving: Serving):
    """
    The same shares, refusals, answers and rows but for the seals, in the order they came in.
    """
    world = worlds("together")
    requests = asked(*with_packets(world))
    alone = world.copy(world.folder.parent / "alone")
    link = serving.connect()
    link.sendall(b"".join(map(request_line, requests)))

    with Wallet.open(world.env) as wallet:
        serving.answers(wallet.home, len(requests))
    told = replies(link, len(requests))

    assert one_by_one(alone, requests) == told
    assert 6 == sum("answer" in reply and not reply["answer"].get("replayed") for reply in told)
    assert alone.dump(ignoring=SEAL | PINS) == world.dump(ignoring=SEAL | PINS)
    assert {} == world.findings()


@every(
    "line",
    [
        b"\n",
        b"[]\n",
        b"{}\n",
        b"[" * 4000 + b"\n",
        b"x" * 5000,
        b'{"session": true, "packet": "hb_7Q2M4K9X", "luck": null, "request_id": "a",'
        b' "counter": 1, "code": "' + b"0" * 64 + b'"}\n',
        b'{"session": 1, "packet": "\\ud800", "luck": null, "request_id": "a",'
        b' "counter": 1, "code": "' + b"0" * 64 + b'"}\n',
        b'{"session": 9007199254740993, "packet": "a", "luck": null, "request_id": "a",'
        b' "counter": 1, "code": "' + b"0" * 64 + b'"}\n',
    ],
)
def test_a_line_that_is_no_claim_is_refused_and_nothing_behind_it_is_read(
    line: bytes, tmp_path: Path
):
    """
    The connection ends, and the server does not.
    """
    with ExitStack() as closing:
        serving = Serving(closing, tmp_path / "serve.sock")
        link, other = serving.connect(), serving.connect()
        link.sendall(line)
        other.sendall(b"half")
        serving.answers(None, 1)
        [reply] = replies(link, 1)
        assert "not_a_claim" == reply["refused"]["code"]
        assert b"" == link.recv(1)
        assert 1 == serving.server.metrics.claims["malformed"]
        assert 1 == serving.server.metrics.connections


def test_a_request_is_read_as_it_was_written():
    """
    With how long it may wait, which has a limit.
    """
    asked = ClaimRequest(3, "hb_7Q2M4K9X", "福", "order-1", 7, bytes(range(32)))
    assert (asked, 2000) == request_in(request_line(asked))
    assert (asked, 60_000) == request_in(request_line(asked, 10**9))
    with pytest.raises(NotAClaim):
        request_in(b'{"session": 1}')


@given(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(("sender", "greeting"), st.text()),
            "luck": st.none() | st.text(),
            **dict.fromkeys(("seat", "amount_fen", "count", "balance_fen"), st.integers(0, 10**9)),
            "finished": st.booleans(),
            **dict.fromkeys(("held", "delayed"), st.none() | st.just({"rule": "a-rule"})),
        },
        optional={"replayed": st.just(value=True)},
    )
)
def test_a_share_is_said_as_an_encoder_says_it(said: dict[str, object]):
    """
    Whatever people have written into it, and whatever else there is to say of it.
    """
    first = {"request_id": "order-1:2", "at": "2026-02-17T21:00:00+08:00", "packet": "hb_7Q2M4K9X"}
    figures = dict.fromkeys(("seat", "amount_fen", "nonce", "luck", "count", "finished"))
    answer = {**first, "kind": "lucky", "sender": "", "greeting": "", **figures}
    answer |= {"balance_fen": 0, "held": None, "delayed": None, "nonce": "00ff", **said}

    line = reply_line("order-1:2", answer)  # type: ignore[arg-type]  # it has the keys of one
    assert to_json({"request_id": "order-1:2", "answer": answer}) == line.decode()[:-1]


def test_what_the_queue_has_no_room_for_is_refused_at_once(world: World, serving: Serving):
    """
    And what has waited for longer than it may, before its transaction begins.
    """
    packets, sessions = with_packets(world)
    before = world.dump()
    link = serving.connect()
    link.setblocking(False)
    requests = [sessions[1].claim(packets[0], f"r{number}") for number in range(QUEUE_MAX + 20)]
    unsent = b"".join(request_line(each, 0) for each in requests)
    serving.server._is_ready = lambda: False  # type: ignore[method-assign]
    with Wallet.open(world.env) as wallet:
        while unsent:
            unsent = unsent[link.send(unsent[:1000]) :]
            serving.server.attend(wallet.home, 0)
        serving.answers(wallet.home, 20)
        link.settimeout(5)
        told = replies(link, 20)
        assert {"overloaded"} == {reply["refused"]["code"] for reply in told}
        assert [f"r{QUEUE_MAX + number}" for number in range(20)] == [
            reply["request_id"] for reply in told
        ]
        del serving.server.__dict__["_is_ready"]
        serving.answers(wallet.home, QUEUE_MAX + 20)
    late: list[Any] = []
    while len(late) < QUEUE_MAX:  # more than a client's end takes before it reads
        serving.server.attend(None, 0)
        late += replies(link, 1)
    assert {"overloaded"} == {reply["refused"]["code"] for reply in late}
    assert before == world.dump()
    assert QUEUE_MAX + 20 == serving.server.metrics.claims["overloaded"]


def test_groups_are_of_fifty_at_most(
    world: World, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    """
    And on a cluster of one packet, each packet's claims in their order.
    """
    packets, sessions = with_packets(world)
    groups: list[list[str]] = []

    def claim(_claims: BulkClaims, requests: list[ClaimRequest]) -> list[Any]:
        groups.append([each.request_id for each in requests])
        return [Busy()] * len(requests)

    monkeypatch.setattr(BulkClaims, "claim", claim)
    link = serving.connect()
    for number in range(70):
        link.sendall(request_line(sessions[1].claim(packets[number % 2], f"r{number}")))
    with Wallet.open(world.env) as wallet:
        serving.answers(wallet.home, 70)
        assert [[f"r{number}" for number in range(50)], [f"r{n}" for n in range(50, 70)]] == groups

        groups.clear()
        monkeypatch.setattr(
            server_module.Server,
            "_group",
            lambda server, one_packet: GROUP(server, one_packet=True),
        )
        for number in range(70):
            link.sendall(request_line(sessions[1].claim(packets[number % 2], f"r{number}")))
        serving.answers(wallet.home, 140)
    assert [[f"r{n}" for n in range(0, 70, 2)], [f"r{n}" for n in range(1, 70, 2)]] == groups


GROUP = Server._group


def test_what_is_wrong_with_the_ledger_undoes_the_group_and_is_told_to_all_of_it(
    world: World, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    """
    The same requests may be made again.
    """
    packets, sessions = with_packets(world)

    def claim(_claims: BulkClaims, _requests: list[ClaimRequest]) -> list[Any]:
        raise Busy

    link = serving.connect()
    request = request_line(sessions[1].claim(packets[0], "again"))
    link.sendall(request)
    with Wallet.open(world.env) as wallet:
        with monkeypatch.context() as patch:
            patch.setattr(BulkClaims, "claim", claim)
            with pytest.raises(Busy):
                serving.answers(wallet.home, 1)
        assert "busy" == replies(link, 1)[0]["refused"]["code"]
        link.sendall(request)
        serving.answers(wallet.home, 2)
    assert 10 * YUAN == replies(link, 1)[0]["answer"]["amount_fen"]


def test_a_client_that_sends_no_more_still_gets_its_replies(world: World, serving: Serving):
    """
    One that is only half closed, whether its claims wait or its replies do; then it is closed.
    """
    packets, sessions = with_packets(world)
    asks = [sessions[1].claim(packet, f"half-{packet}") for packet in packets[:2]]
    link = serving.connect()
    link.sendall(b"".join(map(request_line, asks)) + b'{"half of a')
    link.shutdown(socket.SHUT_WR)
    quiet = serving.connect()
    quiet.shutdown(socket.SHUT_WR)
    serving.server.attend(None, 0)  # connections
    with Wallet.open(world.env) as wallet:
        serving.answers(wallet.home, 2)
    answers = {each["request_id"]: each["answer"]["packet"] for each in replies(link, 2)}
    assert {ask.request_id: ask.packet for ask in asks} == answers
    assert b"" == link.recv(1) == quiet.recv(1)
    assert "hongbao_connections 0\n" in serving.server.metrics.text()


def test_a_client_that_is_gone_costs_nothing(world: World, serving: Serving):
    """
    Its claim is made all the same, and nobody looks after its connection any more.
    """
    packets, sessions = with_packets(world)
    link = serving.connect()
    link.sendall(request_line(sessions[1].claim(packets[0], "gone")))
    link.close()
    with Wallet.open(world.env) as wallet:
        serving.answers(wallet.home, 1)
        serving.server.attend(wallet.home, 0.01)
    assert "hongbao_connections 0\n" in serving.server.metrics.text()
    assert [{}] == [world.findings()]


def test_metrics_are_served_in_prometheus_text(world: World, serving: Serving):
    """
    Counts, a histogram of how long claims took, and of how many were in a group.
    """
    packets, sessions = with_packets(world)
    link = serving.connect()
    link.sendall(request_line(sessions[1].claim(packets[0], "a")))
    link.sendall(request_line(sessions[2].claim(packets[0], "b")))
    with Wallet.open(world.env) as wallet:
        serving.answers(wallet.home, 2)
    with at_port(0) as listener:
        serving.server.listen(listener, for_metrics=True)
        read = _got(serving, listener, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        other = _got(serving, listener, b"GET /home HTTP/1.1\r\n\r\n")
    assert other.startswith(b"HTTP/1.1 404")
    head, _, body = read.decode().partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}" in head
    lines = body.splitlines()
    for line in (
        'hongbao_claims_total{outcome="claimed"} 1',
        'hongbao_claims_total{outcome="refused"} 1',
        'hongbao_group_size_bucket{le="2"} 1',
        'hongbao_claim_seconds_bucket{le="+Inf"} 2',
        "hongbao_claim_seconds_count 2",
        "hongbao_claims_waiting 0",
    ):
        assert line in lines


def _got(serving: Serving, listener: socket.socket, request: bytes) -> bytes:
    """Return the whole answer to *request*."""
    with socket.create_connection(listener.getsockname(), 5) as scraper:
        scraper.sendall(request)
        scraper.setblocking(False)
        read = b""

        def ended() -> bool:
            nonlocal read
            serving.server.attend(None, 0.01)
            try:
                more = scraper.recv(65536)
            except BlockingIOError:
                return False
            read += more
            return not more

        until(ended)
    return read


def test_a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not(tmp_path: Path):
    """
    It is its owner's alone, and gone afterwards; a long path is no obstacle.
    """
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    place = folder / "serve.sock"

    def killed() -> None:
        with at_socket(place):
            os.kill(os.getpid(), signal.SIGKILL)

    assert -9 == finished(start(killed))
    assert place.exists()
    with at_socket(place):
        assert 0o600 == place.stat().st_mode & 0o777
        with pytest.raises(CannotListen), at_socket(place):
            pass
        assert place.exists()
    assert not place.exists()
    with at_port(0) as taken:
        in_use = pytest.raises(CannotListen, match=f"{taken.getsockname()[1]}: .* in use$")
        with in_use, at_port(taken.getsockname()[1]):
            pass


# --- from the other side --------------------------------------------------------------------------


def serve_claims(world: World, count: int) -> None:
    """Serve in this process until *count* claims were answered."""
    with Server(Sleeper()) as server, at_socket(world.env.socket) as listener:
        server.listen(listener)
        with Wallet.open(world.env) as wallet:
            while sum(server.metrics.claims.values()) < count:
                server.attend(wallet.home, 0.01)


def claim(world: World, name: str, packet: str, request_id: str | None = None) -> Any:
    """Claim as the command does."""
    with Wallet.open(world.env, profile=name) as wallet:
        return claim_with_service(
            wallet.home,
            packet,
            luck=None,
            request_id=request_id,
            otherwise=lambda request: wallet.claim(packet, request_id=request),
        )


def test_a_command_gets_the_same_answer_with_a_service_and_without(world: World, tmp_path: Path):
    """
    And the same refusals.
    """
    packet = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    world.close()
    without = world.copy(tmp_path / "without")
    child = start(lambda: serve_claims(world, 3))
    until(world.env.socket.exists)

    answers = []
    for each in (world, without):
        mine = claim(each, LI, packet)
        with pytest.raises(HongbaoError) as again:
            claim(each, LI, packet)
        with pytest.raises(HongbaoError) as own:
            claim(each, WANG, "hb_7Q2M4K9X")
        answers.append((sorted(mine), mine["seat"], again.value.code, own.value.code))
    assert answers[0] == answers[1]
    assert 0 == finished(child)
    acts = [row[1] for row in world.dump()["entry"]]
    assert 2 == acts.count("session_open")
    assert 1 == acts.count("claim")
    assert {} == world.findings()


def test_a_lost_answer_is_asked_for_again_and_the_claim_is_made_once(world: World):
    """
    The service is gone after the claim was done, before it said so.
    """
    packet = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    world.close()

    def silent() -> None:
        Server._send = lambda _server, _connection, _data: None  # type: ignore[assignment, method-assign]
        serve_claims(world, 1)

    child = start(silent)
    until(world.env.socket.exists)
    claimed = claim(world, LI, packet)
    assert 0 == finished(child)

    assert claimed["replayed"]
    assert 1 == [row[1] for row in world.dump()["entry"]].count("claim")
    assert {} == world.findings()
