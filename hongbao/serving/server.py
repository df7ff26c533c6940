"""
The server for claims: a bounded queue before the ledger, emptied in groups.

One thread does everything. While a group is committed nothing is read; then all that has come is
read at once, and what the queue has no room for is refused at once. So no claim waits longer than
the queue takes, and a service that is asked for three times what it can do still does all it can.
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from hongbao.errors import (
    Busy,
    CannotListen,
    HongbaoError,
    NotAClaim,
    NotIntact,
    Overloaded,
    Unusable,
)
from hongbao.home.opened import Home
from hongbao.serving.metrics import Metrics
from hongbao.serving.protocol import LINE_MAX, address_of, refusal_line, reply_line, request_in
from hongbao.serving.stopping import Sleeper
from hongbao.vault.files import Guard
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.sessions import ClaimRequest

if TYPE_CHECKING:
    from hongbao.answers import Claimed

QUEUE_MAX = 500
GROUP_MAX = 50
GROUP_SECONDS = 0.005
CONNECTIONS_MAX = 500
UNSENT_MAX = 1 << 20
"""How many bytes of replies wait for a reader; one that is slower than that is cut off."""

HEAD_MAX = 8192
"""How many bytes the head of a request for metrics has at most."""

LOOPBACK = "127.0.0.1"


class _Waiting(NamedTuple):
    """A claim that waits: since when, and until when at most (by `monotonic`)."""

    asked: ClaimRequest
    connection: "_Connection"
    since: float
    until: float


class _Connection:
    """One client, with what was read of its next line, and what it has not taken yet."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.read = bytearray()
        self.unsent = bytearray()
        self.claims = 0
        """How many of its claims wait for their replies."""
        self.events = 0
        """What the selector looks for on it, for which it then calls `attend`."""
        self.attend: Callable[[int], None] = lambda _events: None
        self.is_open = True
        self.is_last = False
        """Whether it is closed when it has taken what is there for it."""
        self.has_ended = False
        """Whether the client sends no more: it may still read what it has asked for."""

    @property
    def is_through(self) -> bool:
        """Whether nothing more comes, and nothing more goes."""
        return not self.unsent and (self.is_last or (self.has_ended and not self.claims))


class Server:
    """
    Takes claims at *listeners* and answers them, and serves *metrics*.

    It has nothing to do unless it is attended to (`attend`), which also sleeps.
    """

    def __init__(self, sleeper: Sleeper) -> None:
        self.metrics = Metrics()
        self.listen_port: int | None = None
        """The port at which it takes claims, if it takes them at one."""
        self.metrics_port: int | None = None
        """The port at which it serves metrics, if it does."""
        self._sleeper = sleeper
        self._selector = selectors.DefaultSelector()
        self._selector.register(sleeper, selectors.EVENT_READ)
        self._waiting: deque[_Waiting] = deque()
        self._connections: set[_Connection] = set()
        self._unflushed: set[_Connection] = set()
        self._claims: tuple[Home, BulkClaims] | None = None
        self._is_full = Overloaded(waiting=QUEUE_MAX)

    @contextmanager
    def listening(
        self, place: Path | None, *, port: int | None, metrics_port: int | None
    ) -> Iterator[None]:
        """
        Take claims at the Unix socket at *place* and at a *port*, and serve metrics at another one.

        Port 0 is any free one: `listen_port` and `metrics_port` have those that were chosen.
        Raises CannotListen.
        """
        with ExitStack() as closing:
            if place is not None:
                self.listen(closing.enter_context(at_socket(place)))
            if port is not None:
                listener = closing.enter_context(at_port(port))
                self.listen(listener)
                self.listen_port = listener.getsockname()[1]
            if metrics_port is not None:
                listener = closing.enter_context(at_port(metrics_port))
                self.listen(listener, for_metrics=True)
                self.metrics_port = listener.getsockname()[1]
            yield

    def listen(self, listener: socket.socket, *, for_metrics: bool = False) -> None:
        """Take connections at *listener*."""
        listener.setblocking(False)
        take = self._take_scraper if for_metrics else self._take_client
        self._selector.register(listener, selectors.EVENT_READ, lambda _events: take(listener))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Refuse what waits, and close every connection."""
        self._refuse_all(Busy())
        self._flush()
        for connection in [*self._connections]:
            self._drop(connection)
        self._selector.close()

    def attend(
        self, home: Home | None, seconds: float, problem: HongbaoError | None = None
    ) -> None:
        """
        Answer claims on *home* for *seconds*, or until it is stopped; a group in hand is ended.

        Without a home they are refused with the *problem* that there is. Raises what is wrong with
        the ledger, as `BulkClaims.claim` does: then the claims of that group are refused with it.
        """
        ends_at = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            if home is None and self._waiting:
                self._refuse_all(problem or Busy())
            for key, events in self._selector.select(max(self.wakes_at(ends_at) - now, 0)):
                if key.data is not None:
                    key.data(events)
            if home is not None and self._is_ready():
                self._commit(home)
            self._flush()
            if self._sleeper.is_stopped or time.monotonic() >= ends_at:
                return

    def wakes_at(self, ends_at: float) -> float:
        """Return when there is something to do even if nothing comes; *ends_at* if there is not."""
        if not self._waiting:
            return ends_at
        return min(ends_at, self._waiting[0].since + GROUP_SECONDS)

    def _is_ready(self) -> bool:
        return bool(self._waiting) and (
            len(self._waiting) >= GROUP_MAX
            or time.monotonic() >= self._waiting[0].since + GROUP_SECONDS
        )

    # --- claims ----------------------------------------------------------------------------------

    def _commit(self, home: Home) -> None:
        """Do the next group, and reply to each of its claims."""
        group = self._group(one_packet=home.store.file is None)
        if not group:
            return
        if self._claims is None or self._claims[0] is not home:
            self._claims = home, BulkClaims(home)
        self.metrics.sizes.add(len(group))
        try:
            answers = self._claims[1].claim([each.asked for each in group])
        except (Busy, NotIntact, Unusable) as error:
            for each in group:
                self._reply(each, error, "undone")
            self._flush()
            raise
        for each, answer in zip(group, answers, strict=True):
            outcome = "refused" if isinstance(answer, HongbaoError) else "claimed"
            self._reply(each, answer, outcome)

    def _group(self, *, one_packet: bool) -> list[_Waiting]:
        """
        Take the claims that have waited longest, and refuse those that have waited too long.

        Of a ledger on a cluster, a group is of *one packet*, so that it touches few lanes.
        """
        group: list[_Waiting] = []
        others: list[_Waiting] = []
        now = time.monotonic()
        while self._waiting and len(group) < GROUP_MAX:
            each = self._waiting.popleft()
            if now > each.until:
                self._reply(each, Overloaded(waiting=len(self._waiting)), "overloaded")
            elif one_packet and group and each.asked.packet != group[0].asked.packet:
                others.append(each)
            else:
                group.append(each)
        self._waiting.extendleft(reversed(others))
        self.metrics.waiting = len(self._waiting)
        return group

    def _refuse_all(self, error: HongbaoError) -> None:
        while self._waiting:
            self._reply(self._waiting.popleft(), error, "undone")
        self.metrics.waiting = 0

    def _reply(self, waiting: _Waiting, answer: "Claimed | HongbaoError", outcome: str) -> None:
        self.metrics.claims[outcome] += 1
        self.metrics.seconds.add(time.monotonic() - waiting.since)
        waiting.connection.claims -= 1
        self._send(waiting.connection, reply_line(waiting.asked.request_id, answer))

    # --- connections -----------------------------------------------------------------------------

    def _take_client(self, listener: socket.socket) -> None:
        self._take(listener, self._read_claims)

    def _take_scraper(self, listener: socket.socket) -> None:
        self._take(listener, self._read_request)

    def _take(self, listener: socket.socket, read: Callable[[_Connection], None]) -> None:
        with suppress(OSError):  # it has gone away already, or there are no more descriptors
            link, _address = listener.accept()
            self._keep(link, read)

    def connected(self) -> socket.socket:
        """Return the client's end of a connection to this server, from within this process."""
        theirs, ours = socket.socketpair()
        self._keep(ours, self._read_claims)
        return theirs

    def _keep(self, link: socket.socket, read: Callable[[_Connection], None]) -> None:
        link.setblocking(False)
        connection = _Connection(link)
        self._connections.add(connection)
        connection.attend = self._attending(connection, read)
        self._watch(connection)
        if len(self._connections) > CONNECTIONS_MAX:
            connection.is_last = True
            error = Overloaded(waiting=len(self._waiting))
            self._send(connection, reply_line(None, error))
        self.metrics.connections = len(self._connections)

    def _attending(
        self, connection: _Connection, read: Callable[[_Connection], None]
    ) -> Callable[[int], None]:
        def attend(events: int) -> None:
            if events & selectors.EVENT_WRITE:
                self._send(connection, b"")
            if events & selectors.EVENT_READ and connection.is_open:
                try:
                    more = connection.link.recv(LINE_MAX * 16)
                except BlockingIOError:
                    return
                except OSError:
                    self._drop(connection)
                    return
                if not more:
                    self._ended(connection)
                elif not connection.is_last:
                    connection.read += more
                    read(connection)

        return attend

    def _ended(self, connection: _Connection) -> None:
        """Read no more from *connection*, and close it as soon as it has its replies."""
        connection.has_ended = True
        if connection.is_through:
            self._drop(connection)
        else:
            self._watch(connection)

    def _watch(self, connection: _Connection) -> None:
        """Look for what *connection* is good for now: to read from it, or to send what waits."""
        events = 0 if connection.has_ended else selectors.EVENT_READ
        events |= selectors.EVENT_WRITE if connection.unsent else 0
        if events == connection.events:
            return
        if not events:
            self._selector.unregister(connection.link)
        elif not connection.events:
            self._selector.register(connection.link, events, connection.attend)
        else:
            self._selector.modify(connection.link, events, connection.attend)
        connection.events = events

    def _read_claims(self, connection: _Connection) -> None:
        """Take the whole lines that *connection* has sent into the queue, or refuse them."""
        now = time.monotonic()
        *lines, rest = bytes(connection.read).split(b"\n")
        connection.read[:] = rest
        for line in lines:
            if not connection.is_open or connection.is_last:
                return
            if len(line) > LINE_MAX:
                self._refuse_line(connection)
                return
            try:
                asked, within_ms = request_in(line)
            except NotAClaim:
                self._refuse_line(connection)
                return
            waiting = _Waiting(asked, connection, now, now + within_ms / 1000)
            if len(self._waiting) >= QUEUE_MAX:
                self.metrics.claims["overloaded"] += 1
                self._send(connection, refusal_line(asked.request_id, self._is_full))
            else:
                connection.claims += 1
                self._waiting.append(waiting)
        if len(rest) > LINE_MAX and not connection.is_last:
            self._refuse_line(connection)
        self.metrics.waiting = len(self._waiting)

    def _refuse_line(self, connection: _Connection) -> None:
        """Refuse what is no claim, and read nothing more from *connection*."""
        self.metrics.claims["malformed"] += 1
        connection.is_last = True
        self._send(connection, reply_line(None, NotAClaim()))

    def _read_request(self, connection: _Connection) -> None:
        """Answer a request for metrics, once its head is there."""
        head, end, _rest = bytes(connection.read).partition(b"\r\n\r\n")
        if not end:
            if len(head) > HEAD_MAX:
                self._drop(connection)
            return
        connection.is_last = True
        wanted = head.split(b"\r\n", 1)[0].split(b" ")
        is_there = wanted[:2] in ([b"GET", b"/metrics"], [b"GET", b"/"])
        status = "200 OK" if is_there else "404 Not Found"
        body = self.metrics.text().encode() if is_there else b"see /metrics\n"
        head_line = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._send(connection, head_line.encode() + body)

    def _send(self, connection: _Connection, data: bytes) -> None:
        """Put *data* behind what waits for *connection* already."""
        if connection.is_open:
            connection.unsent += data
            self._unflushed.add(connection)

    def _flush(self) -> None:
        """Send what waits for each connection, as much as it takes now."""
        while self._unflushed:
            connection = self._unflushed.pop()
            if connection.is_open:
                self._flush_one(connection)

    def _flush_one(self, connection: _Connection) -> None:
        try:
            while connection.unsent:
                sent = connection.link.send(connection.unsent)
                del connection.unsent[:sent]
        except BlockingIOError:
            if len(connection.unsent) > UNSENT_MAX:
                self._drop(connection)
                return
        except OSError:
            self._drop(connection)
            return
        if connection.is_through:
            self._drop(connection)
        else:
            self._watch(connection)

    def _drop(self, connection: _Connection) -> None:
        if connection.is_open:
            connection.is_open = False
            if connection.events:
                self._selector.unregister(connection.link)
            connection.link.close()
            self._connections.discard(connection)
            self.metrics.connections = len(self._connections)


@contextmanager
def at_port(port: int) -> Iterator[socket.socket]:
    """Listen at *port* of this machine alone. Raises CannotListen."""
    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise _cannot_listen(f"{LOOPBACK}:{port}", error) from None
    with listener:
        yield listener


@contextmanager
def at_socket(place: Path) -> Iterator[socket.socket]:
    """
    Listen at the Unix socket at *place*, which only its owner may use.

    One that was left behind by a service that was killed is replaced; a lock tells it from one that
    is in use. Raises CannotListen.
    """
    guard = Guard(place.with_suffix(".lock"))
    try:
        guard.take(wait=False)
    except Busy:
        raise CannotListen(place=str(place), reason="another service listens there") from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            try:
                place.unlink(missing_ok=True)
                with address_of(place) as address:
                    mask = os.umask(0o177)  # never open to others, not even between two calls
                    try:
                        listener.bind(address)
                    finally:
                        os.umask(mask)
                listener.listen(CONNECTIONS_MAX)
            except OSError as error:
                raise _cannot_listen(str(place), error) from None
            try:
                yield listener
            finally:
                place.unlink(missing_ok=True)
    finally:
        guard.release()


def _cannot_listen(place: str, error: OSError) -> CannotListen:
    """Return the refusal in the system's words: Python's have more in them."""
    reason = str(error) if error.errno is None else os.strerror(error.errno)
    return CannotListen(place=place, reason=reason)
