"""A client of a service that asks for many claims, and waits for none of them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hongbao.documents import of_json
from hongbao.errors import HongbaoError, recall
from hongbao.serving.protocol import REPLY_MAX, WITHIN_MS_MAX, address_of, request_line

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.wallet.sessions import ClaimRequest


class Link:
    """A connection to the service that listens at *place*. Raises OSError where none does."""

    def __init__(self, place: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with address_of(place) as address:
                self._socket.connect(address)
            self._socket.setblocking(False)
        except BaseException:
            self._socket.close()
            raise
        self._unsent, self._read = bytearray(), bytearray()

    def fileno(self) -> int:
        """Return what becomes readable when replies have come."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the system its socket back."""
        self._socket.close()

    @property
    def has_unsent(self) -> bool:
        """Whether some requests wait to be sent."""
        return bool(self._unsent)

    def ask(self, asked: ClaimRequest) -> None:
        """Put *asked* behind what is not sent yet."""
        self._unsent += request_line(asked, WITHIN_MS_MAX)

    def step(self) -> list[tuple[str, Claimed | HongbaoError]]:
        """
        Send and read what can be; return the replies that have come, each with its request's id.

        Raises OSError where the service has gone away.
        """
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass  # the rest goes with the next step
        try:
            while True:
                more = self._socket.recv(REPLY_MAX)
                if not more:
                    raise ConnectionError
                self._read += more
        except BlockingIOError:
            pass  # that was all
        *lines, rest = bytes(self._read).split(b"\n")
        self._read[:] = rest
        return [_reply(of_json(line)) for line in lines]


def _reply(document: dict[str, object]) -> tuple[str, Claimed | HongbaoError]:
    request_id = cast("str", document["request_id"])
    refused = document.get("refused")
    if refused is not None:
        return request_id, recall(cast("dict[str, object]", refused))
    return request_id, cast("Claimed", document["answer"])
