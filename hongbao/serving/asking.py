"""Asking a service for a claim, where one listens in the home."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from hongbao.documents import of_json
from hongbao.domain.dates import day_key
from hongbao.domain.ids import request_id as make_request_id
from hongbao.errors import (
    Busy,
    ChallengeRequired,
    HongbaoError,
    NotOfSession,
    SessionNotOpen,
    recall,
)
from hongbao.home.opened import Home
from hongbao.queries.devices import acting_device
from hongbao.serving.protocol import WITHIN_MS, Line, address_of, request_line
from hongbao.wallet.sessions import DeviceSession, open_session, session_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from hongbao.answers import Claimed

CONNECT_SECONDS = 0.2
ANSWER_SECONDS = WITHIN_MS / 1000 + 3
"""How long an answer is waited for: the longest that a claim may wait, and its commit."""

_DONE_HERE = (Busy, ChallengeRequired, NotOfSession, SessionNotOpen)
"""Refusals after which the command does it itself: a challenge, say, is shown at its terminal."""


def claim_with_service(
    home: Home,
    packet: str,
    *,
    luck: str | None,
    request_id: str | None,
    otherwise: Callable[[str | None], Claimed],
) -> Claimed:
    """
    Return the answer of the service that listens in *home* to a claim, or raise its refusal.

    Where none listens, or its answer is lost, the claim is made *otherwise*: with the same request,
    so that it is done once.
    """
    try:
        with _connected(home) as connection:
            session = _session(home)
            request_id = request_id or make_request_id(home.env.chance(16))
            asked = session.claim(packet, request_id, luck=luck)
            answer = _asked(connection, request_line(asked))
    except (OSError, ValueError):
        return otherwise(request_id)
    except HongbaoError:  # of the session, or of what was typed: the claim alone says which
        return otherwise(request_id)
    if isinstance(answer, HongbaoError):
        if isinstance(answer, _DONE_HERE):
            return otherwise(request_id)
        raise answer
    return answer


def _connected(home: Home) -> socket.socket:
    """Connect to the service of *home*. Raises OSError where none listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        with address_of(home.env.socket) as address:
            connection.connect(address)
        connection.settimeout(ANSWER_SECONDS)
    except BaseException:
        connection.close()
        raise
    return connection


def _session(home: Home) -> DeviceSession:
    """Return today's session of the device that acts, and open it with the first claim."""
    with home.looking():
        device = acting_device(home, home.me)
    name = f"claims-{day_key(home.now())}-{device.id}-{device.session}"
    return session_again(home, name) or open_session(home, request_id=name)


def _asked(connection: socket.socket, line: bytes) -> Claimed | HongbaoError:
    """Return the reply to *line*. Raises ValueError if there is none."""
    connection.sendall(line)
    document = of_json(Line(connection).next() or b"")
    with suppress(KeyError, StopIteration):
        if document.get("refused") is not None:
            return recall(document["refused"])
        return cast("Claimed", document["answer"])
    raise ValueError
