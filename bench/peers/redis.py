"""
Redis: a claim as a Lua script, in memory, with every answer waiting for the disk.

The client is a socket and thirty lines, which costs less than any library: what is compared is the
server. It does the same as a claim of ours as far as Redis can: who has claimed is known, a share
is drawn and taken away, the claim and the balance are written down, and the same request gets the
same answer.
"""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from bench.peers.programs import Program, socket_folder

Claim = tuple[str, str, str]
"""A packet, who claims of it, and the request's id."""

SCRIPT = b"""
local request, packet, claims = KEYS[1], KEYS[2], KEYS[3]
local first = redis.call('GET', request)
if first then return first end
local found = redis.call('HMGET', packet, 'left', 'left_fen', 'expires_at')
if not found[1] then return 'not found' end
if tonumber(ARGV[3]) >= tonumber(found[3]) then return 'expired' end
if redis.call('HEXISTS', claims, ARGV[1]) == 1 then return 'already claimed' end
local left, left_fen = tonumber(found[1]), tonumber(found[2])
if left == 0 then return 'finished' end
local fen = left_fen
if left > 1 then fen = math.random(1, math.max(1, math.floor(2 * left_fen / left) - 1)) end
fen = math.min(fen, left_fen - left + 1)
redis.call('HINCRBY', packet, 'left', -1)
redis.call('HINCRBY', packet, 'left_fen', -fen)
redis.call('HSET', claims, ARGV[1], fen)
redis.call('RPUSH', packet .. ':list', ARGV[1])
redis.call('HINCRBY', 'balances', ARGV[1], fen)
redis.call('SET', request, fen)
return tostring(fen)
"""


class Redis:
    """A connection to a server, whose process is *pid*."""

    def __init__(self, pid: int, path: Path) -> None:
        self.pid = pid
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")
        self._script = self._ask(_command(b"SCRIPT", b"LOAD", SCRIPT))

    def open(self, packet: str, count: int, total_fen: int, expires_at: int) -> None:
        """Make a packet."""
        facts = ("left", count, "left_fen", total_fen, "expires_at", expires_at)
        self._ask(_command(b"HSET", packet.encode(), *(str(fact).encode() for fact in facts)))

    def claim(self, claims: Sequence[Claim], now: int, pipelined: int = 1) -> list[str]:
        """Ask for *claims*, so many at a time, and return what each was answered."""
        answers = []
        for start in range(0, len(claims), pipelined):
            some = claims[start : start + pipelined]
            self._socket.sendall(b"".join([self._evaluated(claim, now) for claim in some]))
            answers += [self._answer().decode() for _ in some]
        return answers

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _evaluated(self, claim: Claim, now: int) -> bytes:
        packet, person, request = (each.encode() for each in claim)
        keys = (b"rq:" + request, packet, packet + b":claims")
        return _command(b"EVALSHA", self._script, b"3", *keys, person, request, b"%d" % now)

    def _ask(self, command: bytes) -> bytes:
        self._socket.sendall(command)
        return self._answer()

    def _answer(self) -> bytes:
        line = self._answers.readline()
        kind, said = line[:1], line[1:-2]
        if kind == b"$":
            return self._answers.read(int(said) + 2)[:-2]
        assert kind in b"+:", line
        return said


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(w), w) for w in words])


@contextmanager
def server(program: Program, folder: Path) -> Iterator[Redis]:
    """Run a server in *folder*, on a Unix socket, until the end of the block."""
    with socket_folder() as place:
        yield from _served(program, folder, place / "redis.sock")


def _served(program: Program, folder: Path, path: Path) -> Iterator[Redis]:
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    with subprocess.Popen(
        [program.path, *words], env=program.env, stdout=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(200):
                if path.exists() or process.poll() is not None:
                    break
                sleep(0.05)
            connection = Redis(process.pid, path)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            process.terminate()
