"""
Posting to a webhook: the one place where hongbao opens a connection.

The address is looked up and checked once, and the connection is made to the very address that was
checked, so that a name which changes its mind in between leads nowhere else. A redirect is not
followed, no proxy is asked, and a request is over after ten seconds, however slow the answer is.
"""

import http.client
import io
import ipaddress
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hongbao.delivery.sending import Outcome
from hongbao.errors import InvalidUrl

SECONDS_MAX = 10
ANSWER_MAX = 64 << 10
"""How much of an answer is read."""

_GONE = 410


class Url(NamedTuple):
    """Where a webhook is."""

    text: str
    is_https: bool
    host: str
    port: int
    target: str


def parse_url(text: str) -> Url:
    """
    Read a webhook's URL. Raises InvalidUrl.

    >>> parse_url("http://127.0.0.1:8000/hook?a=1")[2:]
    ('127.0.0.1', 8000, '/hook?a=1')
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidUrl(text, problem="characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidUrl(text, problem="unreadable") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidUrl(text, problem="scheme")
    if parts.username is not None or parts.password is not None:
        raise InvalidUrl(text, problem="password")
    if not parts.hostname:
        raise InvalidUrl(text, problem="no_host")
    if parts.fragment:
        raise InvalidUrl(text, problem="fragment")
    is_https = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(text, is_https, parts.hostname, port or (443 if is_https else 80), target)


Address = tuple[socket.AddressFamily, Any]


def addresses(url: Url, *, any_host: bool) -> list[Address]:
    """
    Return the addresses of *url*'s host. Raises OSError and NotThisMachine.

    Unless *any_host*, every one of them has to be this machine's own.
    """
    found: list[Address] = [
        (family, where)
        for family, _type, _protocol, _name, where in socket.getaddrinfo(
            url.host, url.port, type=socket.SOCK_STREAM
        )
    ]
    if not any_host and not all(_is_loopback(where[0]) for _family, where in found):
        raise NotThisMachine
    return found


class NotThisMachine(Exception):
    """A host has an address that is not a loopback one."""


def _is_loopback(text: object) -> bool:
    address = ipaddress.ip_address(str(text).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (address if mapped is None else mapped).is_loopback


def post(
    url: Url,
    body: bytes,
    headers: Mapping[str, str],
    *,
    any_host: bool,
    seconds: float | None = None,
) -> Outcome:
    """Post *body* to *url*, and return what became of it; only an answer of 2xx takes it."""
    ends_at = monotonic() + (SECONDS_MAX if seconds is None else seconds)
    try:
        found = addresses(url, any_host=any_host)
    except NotThisMachine:
        return Outcome("not_this_machine", is_answer=False)
    except (OSError, UnicodeError):
        return Outcome("no_address", is_answer=False)
    try:
        with _connected(url, found, ends_at) as line:
            return _answer(url, line, body, headers)
    except TimeoutError:
        return Outcome("timeout", is_answer=False)
    except ConnectionRefusedError:
        return Outcome("refused", is_answer=False)
    except http.client.HTTPException:
        return Outcome("not_http")
    except OSError as error:  # an SSLError is one
        is_tls = type(error).__module__ == "ssl"
        return Outcome("tls" if is_tls else "cut_off", is_answer=False)


def _answer(url: Url, line: "_Line", body: bytes, headers: Mapping[str, str]) -> Outcome:
    connection = http.client.HTTPConnection(_bracketed(url.host), url.port)
    connection.sock = line
    host = _bracketed(url.host)
    if url.port != (443 if url.is_https else 80):
        host += f":{url.port}"
    connection.putrequest("POST", url.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {
        "host": host,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": "hongbao",
        "connection": "close",
        **headers,
    }.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    with suppress(OSError, http.client.HTTPException):  # the status has been said
        response.read(ANSWER_MAX)
    response.close()
    status = response.status
    if 200 <= status < 300:
        return Outcome(None, status)
    if 300 <= status < 400:
        return Outcome("redirect", status)
    return Outcome("status", status, is_final=status == _GONE)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Line:
    """A connection that is over at a fixed moment, however slowly the other side answers."""

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock = sock
        self._ends_at = ends_at

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_raised: object) -> None:
        self._sock.close()

    def sendall(self, content: Any) -> None:
        self._set_time()
        self._sock.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Leave the connection to the one who has opened it."""

    def receive_into(self, buffer: Any) -> int:
        self._set_time()
        return self._sock.recv_into(buffer)

    def _set_time(self) -> None:
        self._sock.settimeout(_left(self._ends_at))


class _Reader(io.RawIOBase):
    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._line.receive_into(buffer)


def _connected(url: Url, found: list[Address], ends_at: float) -> _Line:
    """Connect to the first of the addresses that were *found* which answers."""
    for place, (family, where) in enumerate(found):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left(ends_at))
            sock.connect(where)
            if url.is_https:
                import ssl

                context = ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=url.host)
        except OSError:
            sock.close()
            if place == len(found) - 1:
                raise
        else:
            return _Line(sock, ends_at)
    raise OSError("there is no address")


def _left(ends_at: float) -> float:
    """Return how many seconds are left. Raises TimeoutError if there are none."""
    left = ends_at - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
