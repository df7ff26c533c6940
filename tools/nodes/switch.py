"""
The network between sites: a namespace for each node, and a switch that can cut any line.

Each namespace has one line (a TUN device) whose other end this process holds; it carries packets
from line to line, drops those that cross a cut, and delays those between cities. No firewall is
needed, and nothing of it stays: the namespaces end with this process and the nodes in them.
"""

import ctypes
import fcntl
import heapq
import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.nodes.programs import ClusterError, program

SUBNET = "10.201.0"
DEVICE = "/dev/net/tun"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_INTERFACE = 0x400454CA  # TUNSETIFF
PACKETS_ONLY = 0x0001 | 0x1000  # IFF_TUN | IFF_NO_PI
LARGEST = 9000


def can_be_made() -> bool:
    """Whether this machine lets us make namespaces with lines between them."""
    return sys.platform == "linux" and os.geteuid() == 0 and os.access(DEVICE, os.W_OK)


# --- for whoever commands the switch --------------------------------------------------------------


def start(folder: Path, names: Sequence[str]) -> None:
    """Start a switch between nodes of these *names*, whose state is kept in *folder*."""
    program("ip")
    program("nsenter")
    with (folder / "switch.log").open("w") as log:
        _started[folder] = subprocess.Popen(
            [sys.executable, "-m", "tools.nodes.switch", str(folder), *names],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
    end = time.monotonic() + 10
    while True:
        try:
            ask(folder)
            return
        except ClusterError:
            if time.monotonic() > end:
                said = (folder / "switch.log").read_text()
                raise ClusterError(f"the network between the sites did not begin: {said}") from None
            time.sleep(0.05)


def ask(folder: Path, **order: Any) -> dict[str, Any]:
    """
    Give the switch an *order* (``cuts``, ``delays``, ``end``), and return how it is now.

    Raises ClusterError if there is none.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        try:
            line.connect(str(folder / "switch.sock"))
            line.sendall(json.dumps(order).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        except (OSError, ValueError):
            raise ClusterError("the network between the sites is gone") from None
    return answer


def end(folder: Path) -> None:
    """End the switch, and with it the namespaces that nobody is in any more."""
    ask(folder, end=True)
    if (started := _started.pop(folder, None)) is not None:
        started.wait(10)


_started: dict[Path, "subprocess.Popen[bytes]"] = {}


# --- the switch itself ----------------------------------------------------------------------------


class Switch:
    """Carries packets between the namespaces of nodes, by the last byte of their addresses."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.cuts: list[set[str]] = []
        self.delays: list[tuple[str, str, float]] = []
        self.carried = 0
        self.dropped: Counter[str] = Counter()
        self.waiting: list[tuple[float, int, int, bytes]] = []
        self.lines: dict[str, int] = {}
        self.namespaces: dict[str, int] = {}
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        for number, name in enumerate(self.names):
            if libc.unshare(NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "no network namespace can be made")
            self.namespaces[name] = os.open("/proc/self/ns/net", os.O_RDONLY)
            self.lines[name] = self._line(number)
            if libc.setns(home, NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "no way back from a network namespace")
        self._between = {(a, b): f"{min(a, b)}-{max(a, b)}" for a in self.names for b in self.names}

    @staticmethod
    def _line(number: int) -> int:
        """Give the namespace that this process is in an address, and return its line."""
        line = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(line, SET_INTERFACE, struct.pack("16sH22x", b"site", PACKETS_ONLY))
        for words in (
            "link set lo up",
            f"addr add {SUBNET}.{11 + number}/24 dev site",
            f"link set site mtu {LARGEST} up",
        ):
            subprocess.run([program("ip"), *words.split()], check=True)
        return line

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take an *order*, and return how things are."""
        if "cuts" in order:
            self.cuts = [set(names) for names in order["cuts"]]
            self.dropped.clear()
        if "delays" in order:
            self.delays = [(a, b, seconds) for a, b, seconds in order["delays"]]
        return {
            "namespaces": {
                name: f"/proc/{os.getpid()}/fd/{held}" for name, held in self.namespaces.items()
            },
            "cuts": [sorted(cut) for cut in self.cuts],
            "carried": self.carried,
            "dropped": dict(self.dropped),
        }

    def carry(self, source: str) -> None:
        """Carry what has come in over the line of *source*."""
        for _ in range(64):
            try:
                packet = os.read(self.lines[source], LARGEST + 100)
            except BlockingIOError:
                return
            number = packet[19] - 11 if len(packet) >= 20 and packet[0] >> 4 == 4 else -1
            if not 0 <= number < len(self.names) or packet[16:19] != bytes([10, 201, 0]):
                continue  # what a kernel says to nobody in particular
            target = self.names[number]
            if any((source in cut) != (target in cut) for cut in self.cuts):
                self.dropped[self._between[source, target]] += 1
                continue
            self.carried += 1
            seconds = sum(delay for a, b, delay in self.delays if {a, b} == {source, target})
            if seconds:
                at = time.monotonic() + seconds
                heapq.heappush(self.waiting, (at, self.carried, number, packet))
            else:
                self._deliver(number, packet)

    def deliver_late(self) -> float | None:
        """Deliver what has waited long enough, and return how long the next still waits."""
        while self.waiting:
            left = self.waiting[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, number, packet = heapq.heappop(self.waiting)
            self._deliver(number, packet)
        return None

    def _deliver(self, number: int, packet: bytes) -> None:
        try:
            os.write(self.lines[self.names[number]], packet)
        except OSError:
            self.dropped["full"] += 1  # a network may lose packets: TCP sends them again


def main(folder: Path, names: Sequence[str]) -> None:
    """Be the switch until the order to end comes."""
    switch = Switch(names)
    path = folder / "switch.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as control, selectors.DefaultSelector() as ready:
        control.bind(str(path))
        path.chmod(0o600)
        control.listen()
        ready.register(control, selectors.EVENT_READ, None)
        for name, line in switch.lines.items():
            ready.register(line, selectors.EVENT_READ, name)
        while True:
            for key, _ in ready.select(switch.deliver_late()):
                if key.data is not None:
                    switch.carry(key.data)
                    continue
                asker, _ = control.accept()
                asker.settimeout(1)
                with asker, asker.makefile("rwb") as words:
                    order = json.loads(words.readline())
                    words.write(json.dumps(switch.obey(order)).encode() + b"\n")
                if order.get("end"):
                    path.unlink()
                    return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
