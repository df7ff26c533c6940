"""
Become a database server whose sockets are opened here: the last step of starting a node.

The server takes its listening sockets as systemd hands them over (LISTEN_FDS). So no port is free
one moment and taken the next, and a node inside a network namespace still answers clients outside.
"""

import json
import os
import socket
import sys
from pathlib import Path

FIRST_SOCKET = 3  # the protocol's own number


def main() -> None:
    """Open the sockets, enter the network namespace if there is one, and become the server."""
    plan = json.loads(sys.argv[1])
    path = Path(plan["socket"])
    path.unlink(missing_ok=True)

    local = socket.socket(socket.AF_UNIX)
    local.bind(str(path))
    network = socket.socket()
    network.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    network.bind((plan["host"], plan["port"]))
    copies: list[int] = []
    for listener in (local, network):
        listener.listen(128)
        copies.append(os.dup2(listener.fileno(), 20 + len(copies)))
    for number, copy in enumerate(copies):
        os.dup2(copy, FIRST_SOCKET + number)

    environment = {**os.environ, "LISTEN_FDS": str(len(copies)), "LISTEN_PID": str(os.getpid())}
    command = plan["command"]
    if plan["namespace"]:
        command = [plan["nsenter"], f"--net={plan['namespace']}", *command]
    os.execve(command[0], command, environment)  # noqa: S606  its own words, no shell


if __name__ == "__main__":
    main()
