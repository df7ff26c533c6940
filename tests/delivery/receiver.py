"""A receiver of webhooks on this machine, which behaves as badly as it is told to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
SECONDS_MAX = 20

Behaviour = Callable[[socket.socket], None]


class Request(NamedTuple):
    """What arrived: the first line, the headers in lower case, the body, and all of it."""

    line: str
    headers: dict[str, str]
    body: bytes
    whole: bytes


def answers(content: bytes) -> Behaviour:
    """Answer with *content*, whatever it is."""
    return lambda line: line.sendall(content)


def status(number: int, *headers: str) -> Behaviour:
    """Answer with a status."""
    lines = [f"HTTP/1.1 {number} X", "content-length: 0", *headers, "", ""]
    return answers("\r\n".join(lines).encode())


def hangs(line: socket.socket) -> None:
    """Say nothing, for as long as the other side waits."""
    line.settimeout(SECONDS_MAX)
    line.recv(1)


def drips(content: bytes, pause_seconds: float) -> Behaviour:
    """Answer a byte at a time, for ever."""

    def drip(line: socket.socket) -> None:
        line.sendall(content)
        while True:
            time.sleep(pause_seconds)
            line.sendall(b"x")

    return drip


def floods(line: socket.socket) -> None:
    """Send a gigabyte."""
    line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
    for _piece in range(1024):
        line.sendall(bytes(1 << 20))


def cuts(line: socket.socket) -> None:
    """Close without a word."""


class Receiver:
    """Takes requests one after another; *behaviours* are for the first ones, then all is well."""

    def __init__(
        self,
        behaviours: Sequence[Behaviour] = (),
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.behaviours = list(behaviours)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, port), family=family)
        self._context = context
        self.port: int = self._server.getsockname()[1]
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away: nothing answers any more."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(SECONDS_MAX)

    def wait_for(self, count: int, seconds: float = SECONDS_MAX) -> list[Request]:
        """Return the requests when there are so many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, seconds), (
                f"{len(self.requests)} of {count} have arrived"
            )
            return list(self.requests)

    def _serve(self) -> None:
        while True:
            try:
                line, _where = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[line], daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        if self._context is not None:
            try:
                line = self._context.wrap_socket(line, server_side=True)
            except OSError:
                return
        with line:
            try:
                request = _read(line)
            except OSError:
                return
            if request is None:
                return
            with self._arrived:
                self.requests.append(request)
                behaviour = self.behaviours.pop(0) if self.behaviours else answers(OK)
                self._arrived.notify_all()
            with suppress(OSError):  # the other side has had enough
                behaviour(line)


def _read(line: socket.socket) -> Request | None:
    content = b""
    while b"\r\n\r\n" not in content:
        piece = line.recv(65536)
        if not piece:
            return None
        content += piece
    head, _end, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65536)
    return Request(first, headers, body, head + b"\r\n\r\n" + body)
