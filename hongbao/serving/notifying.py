"""Telling systemd how a service is: its notification protocol, a word in a datagram."""

import socket
from collections.abc import Mapping
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(state: str, variables: Mapping[str, str]) -> None:
    """Tell the manager that *variables* name, if any does, that the service is in this *state*."""
    place = variables.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return
    address = f"\0{place[1:]}" if place.startswith("@") else place
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        suppress(OSError),  # a manager that is gone has no one to tell
    ):
        out.sendto(state.encode(), address)
