"""
A proxy in front of a node that loses answers: the cheapest way to an outcome nobody knows.

It speaks the protocol just well enough: a client sends one command and waits for its answer, so
each statement may be passed on, lost before the server has it, or carried out and never answered.
`TiDBHabits` does on the way what TiDB does and the nodes here would not.
"""

import random
import select
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

QUERY = 0x03  # the command that carries a statement
ERROR = 0xFF
IN_TRANSACTION = 0x0001
DUPLICATE = 1062


class Pass:
    """The server gets the statement, and the client its answer."""


class Lose:
    """The connection breaks before the server has the statement."""


class Swallow:
    """The server carries the statement out; the connection breaks in place of its answer."""


class Refuse(NamedTuple):
    """The server rolls back; the client gets this error as if it were the server's own."""

    code: int
    text: str


Action = Pass | Lose | Swallow | Refuse


class Proxy:
    """
    Stand at a loopback port in front of *upstream*: a host and port, or a Unix socket.

    Each subclass decides about statements. ``faults`` counts what took effect, and only that: an
    answer is swallowed once the server has given it.
    """

    def __init__(self, upstream: tuple[str, int] | Path) -> None:
        self.upstream = upstream
        self.faults: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._open: set[socket.socket] = set()

    def decide(self, statement: str, connection: int) -> Action:
        """Return what happens to *statement*, the next of its *connection*."""
        return Pass()

    def answered(self, statement: str, connection: int, answer: bytes) -> bytes:
        """Return what the client gets for *answer*, the first packet of the server's."""
        return answer

    # --- carrying ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        number = 0
        with suppress(OSError):  # closed: that is all
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                number += 1
                threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        """Carry one connection to its end, however that comes."""
        with client, suppress(OSError, EOFError), _connected(self.upstream) as server:
            ends = {client, server}
            with self.lock:
                self._open |= ends
            try:
                while self._carry(client, server, number):
                    pass
            finally:
                with self.lock:
                    self._open -= ends

    def _carry(self, client: socket.socket, server: socket.socket, number: int) -> bool:
        """Carry what comes next, from either end, and return whether there may be more."""
        ready, _, _ = select.select([client, server], [], [])
        if server in ready:
            data = server.recv(1 << 16)
            client.sendall(data)
            return bool(data)
        packet = read_packet(client)
        if packet[3] or packet[4] != QUERY:  # the greeting, or a command that is no statement
            server.sendall(packet)
            return True

        statement = packet[5:].decode(errors="replace")
        with self.lock:
            action = self.decide(statement, number)
        match action:
            case Lose():
                self.faults.append(("lost", statement))
                return False
            case Refuse(code, text):
                server.sendall(make_packet(bytes([QUERY]) + b"ROLLBACK", 0))
                read_packet(server)
                self.faults.append((str(code), statement))
                client.sendall(error_packet(code, text))
                return True
        server.sendall(packet)
        answer = read_packet(server)
        if isinstance(action, Swallow):
            self.faults.append(("swallowed", statement))
            return False
        with self.lock:
            answer = self.answered(statement, number, answer)
        client.sendall(answer)
        return True


class SwallowCommits(Proxy):
    """
    Swallow the answer to each COMMIT of a list: ``{2}`` is the second one that comes by.

    With *loses* the server never gets that COMMIT: the client cannot tell the two apart.
    """

    def __init__(
        self, upstream: tuple[str, int] | Path, commits: set[int], *, loses: bool = False
    ) -> None:
        super().__init__(upstream)
        self.commits = commits
        self.seen = 0
        self.loses = loses

    def decide(self, statement: str, connection: int) -> Action:
        """Count commits, and hit those on the list."""
        if not is_commit(statement):
            return Pass()
        self.seen += 1
        if self.seen not in self.commits:
            return Pass()
        return Lose() if self.loses else Swallow()


class SwallowStatement(Proxy):
    """Swallow the answer to the *nth* statement that comes by, once; ``seen`` counts them all."""

    def __init__(self, upstream: tuple[str, int] | Path, nth: int = 0) -> None:
        super().__init__(upstream)
        self.nth = nth
        self.seen = 0

    def decide(self, statement: str, connection: int) -> Action:
        """Count statements, and hit one."""
        self.seen += 1
        return Swallow() if self.seen == self.nth else Pass()


class TiDBHabits(Proxy):
    """
    Behave as TiDB may: duplicates are told at COMMIT only, conflicts at random, answers get lost.

    *seed* makes chance the same again. Of each hundred statements that lock or change rows
    *conflicts* end with one of TiDB's codes, and of each hundred commits *conflicts* are refused
    and *drops* lost, half of those after they took effect.
    """

    CONFLICTS = (
        (8002, "[kv:8002]can't retry select for update statement"),
        (8022, "[kv:8022]Error: KV error safe to retry"),
        (9007, "[kv:9007]Write conflict"),
    )

    def __init__(
        self,
        upstream: tuple[str, int] | Path,
        *,
        seed: int = 1,
        conflicts: int = 5,
        drops: int = 5,
        late_duplicates: bool = True,
    ) -> None:
        super().__init__(upstream)
        self.chance = random.Random(seed)
        self.conflicts = conflicts
        self.drops = drops
        self.late_duplicates = late_duplicates
        self._duplicates: dict[int, str] = {}  # by connection, what its COMMIT will be told

    def decide(self, statement: str, connection: int) -> Action:
        """Let chance decide, but for a duplicate that waits for its COMMIT."""
        word = statement.lstrip().split(maxsplit=1)[0].upper() if statement.strip() else ""
        if word in ("ROLLBACK", "START", "BEGIN"):
            self._duplicates.pop(connection, None)
        if is_commit(statement):
            if (text := self._duplicates.pop(connection, None)) is not None:
                return Refuse(DUPLICATE, text)
            if self._happens(self.drops):
                return Swallow() if self._happens(50) else Lose()
        changes = word in ("INSERT", "UPDATE", "DELETE") or "FOR UPDATE" in statement.upper()
        if (changes or is_commit(statement)) and self._happens(self.conflicts):
            self._duplicates.pop(connection, None)
            return Refuse(*self.chance.choice(self.CONFLICTS))
        return Pass()

    def answered(self, statement: str, connection: int, answer: bytes) -> bytes:
        """Keep a duplicate until COMMIT, and say until then that the row is in."""
        if not self.late_duplicates or answer[4] != ERROR:
            return answer
        code, text = read_error(answer)
        if code != DUPLICATE:
            return answer
        self._duplicates[connection] = text
        self.faults.append(("late duplicate", statement))
        return ok_packet(affected=1)

    def _happens(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent


# --- packets --------------------------------------------------------------------------------------


def is_commit(statement: str) -> bool:
    """Whether *statement* ends a transaction for good."""
    return statement.strip().rstrip(";").upper() in ("COMMIT", "COMMIT WORK")


def read_packet(end: socket.socket) -> bytes:
    """
    Return the next packet with its header: three bytes of length, one that numbers it.

    Raises EOFError at the end.
    """
    header = _read(end, 4)
    return header + _read(end, int.from_bytes(header[:3], "little"))


def _read(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def make_packet(payload: bytes, number: int) -> bytes:
    """Return a packet of *payload*, the *number*-th of its exchange."""
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def error_packet(code: int, text: str) -> bytes:
    """Return what a server answers a statement that it refuses."""
    return make_packet(bytes([ERROR]) + struct.pack("<H", code) + b"#HY000" + text.encode(), 1)


def ok_packet(*, affected: int) -> bytes:
    """Return what a server answers a statement that has changed so many rows."""
    assert affected < 251  # above, the number would take more than a byte
    return make_packet(bytes([0, affected, 0]) + struct.pack("<HH", IN_TRANSACTION, 0), 1)


def read_error(packet: bytes) -> tuple[int, str]:
    """Return the code and the text of an error's packet."""
    [code] = struct.unpack_from("<H", packet, 5)
    text = packet[7:]
    return code, (text[6:] if text.startswith(b"#") else text).decode(errors="replace")


def _connected(upstream: tuple[str, int] | Path) -> socket.socket:
    if isinstance(upstream, tuple):
        network = socket.create_connection(upstream)
        network.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return network
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(upstream))
    return server
