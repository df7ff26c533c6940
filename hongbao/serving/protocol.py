"""
Claims on a wire: a line of JSON for each request and each reply, and none of them long.

A request is a `ClaimRequest`, which its device's session has authenticated, so a connection proves
nothing and needs to prove nothing. A reply names the request that it belongs to, since a refusal
may overtake an answer.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.documents import of_json, to_json
from hongbao.errors import HongbaoError, NotAClaim
from hongbao.wallet.sessions import ClaimRequest

if TYPE_CHECKING:
    from hongbao.answers import Claimed

LINE_MAX = 4096
"""How many bytes a request has at most."""

REPLY_MAX = 64 * 1024

NUMBER_MAX = 2**53
TEXT_MAX = 256
CODE_BYTES = 32

WITHIN_MS = 2000
"""How long a claim may wait for its turn unless it says otherwise; then it is refused."""

WITHIN_MS_MAX = 60_000

ADDRESS_MAX = 100
"""How long the path of a Unix socket may be; the system's own limit is a little above."""


@contextmanager
def address_of(place: Path) -> Iterator[str]:
    """Give a name of the socket at *place* that is short enough for the system."""
    if len(os.fsencode(place)) <= ADDRESS_MAX or sys.platform != "linux":
        yield str(place)
        return
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def request_line(asked: ClaimRequest, within_ms: int = WITHIN_MS) -> bytes:
    """Return the line that asks for a claim."""
    document = {**asked._asdict(), "code": asked.code.hex(), "within_ms": within_ms}
    return to_json(document).encode() + b"\n"


def request_in(line: bytes) -> tuple[ClaimRequest, int]:
    """Return the claim in *line*, and for how many ms it may wait. Raises NotAClaim."""
    try:
        document = of_json(line.decode())
        luck = document["luck"]
        asked = ClaimRequest(
            _number(document["session"]),
            _text(document["packet"]),
            None if luck is None else _text(luck),
            _text(document["request_id"]),
            _number(document["counter"]),
            _code(document["code"]),
        )
        within_ms = _number(document.get("within_ms", WITHIN_MS))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAClaim from None
    return asked, min(within_ms, WITHIN_MS_MAX)


def reply_line(request_id: str | None, answer: "Claimed | HongbaoError") -> bytes:
    """Return the line that answers the request *request_id*, or refuses it."""
    document: dict[str, object]
    if isinstance(answer, HongbaoError):
        document = {"request_id": request_id, "refused": answer.as_dict()}
    elif len(answer) == _PLAIN_KEYS and answer["held"] is answer["delayed"] is None:
        return _plain_line(answer).encode()
    else:
        document = {"request_id": request_id, "answer": answer}
    return to_json(document).encode() + b"\n"


_PLAIN_KEYS = 15
"""How many keys an answer has that says no more than the claim itself (see `Claimed`)."""


def _plain_line(answer: "Claimed") -> str:
    """
    Return what `reply_line` does for a share that was given here and now, and is not held.

    That is almost all of what a service says, and an encoder would take three times as long; a test
    compares the two. A request's id, a moment and a nonce are of characters that JSON leaves alone.
    """
    request_id, said = answer["request_id"], _known_json
    return (
        f'{{"request_id": "{request_id}", "answer": {{"request_id": "{request_id}",'
        f' "at": "{answer["at"]}", "packet": {said(answer["packet"])},'
        f' "kind": {said(answer["kind"])}, "sender": {said(answer["sender"])},'
        f' "greeting": {said(answer["greeting"])}, "seat": {answer["seat"]},'
        f' "amount_fen": {answer["amount_fen"]}, "nonce": "{answer["nonce"]}",'
        f' "luck": {said(answer["luck"])}, "count": {answer["count"]},'
        f' "finished": {"true" if answer["finished"] else "false"},'
        f' "balance_fen": {answer["balance_fen"]}, "held": null, "delayed": null}}}}\n'
    )


@lru_cache(maxsize=1024)  # the claims of a packet say its names again and again
def _known_json(text: str | None) -> str:
    return to_json(text)


@cache
def refused_line(error: HongbaoError) -> str:
    """Return the refusal with *error* as JSON: many at once are refused with the same one."""
    return to_json(error.as_dict())


def refusal_line(request_id: str, error: HongbaoError) -> bytes:
    """Return what `reply_line` does, for an *error* that refuses many."""
    line = f'{{"request_id": {to_json(request_id)}, "refused": {refused_line(error)}}}\n'
    return line.encode()


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < NUMBER_MAX:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise ValueError
    value.encode()  # half of a surrogate pair is no text
    return value


def _code(value: object) -> bytes:
    code = bytes.fromhex(_text(value))
    if len(code) != CODE_BYTES:
        raise ValueError
    return code


class Line:
    """Reads one line of a reply from a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = bytearray()

    def next(self) -> bytes | None:
        """Return the next line; None if it does not come, or is too long."""
        while b"\n" not in self._read:
            with suppress(OSError):
                more = self._connection.recv(REPLY_MAX)
                if more and len(self._read) <= REPLY_MAX:
                    self._read += more
                    continue
            return None
        line, _, rest = bytes(self._read).partition(b"\n")
        self._read[:] = rest
        return line
