"""
PostgreSQL: a claim as a transaction that locks the packet's row, durable before it is answered.

Once as an application writes it, a statement after the other, and once as one function in the
server, which spares it the way there and back.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

from bench.peers.programs import Missing, Program, socket_folder
from bench.peers.redis import Claim

SCHEMA = """
CREATE TABLE account (id text PRIMARY KEY, balance_fen bigint NOT NULL CHECK (balance_fen >= 0));
CREATE TABLE packet (id text PRIMARY KEY, "left" int NOT NULL CHECK ("left" >= 0),
    left_fen bigint NOT NULL, expires_at bigint NOT NULL);
CREATE TABLE claim (packet text NOT NULL REFERENCES packet, person text NOT NULL,
    fen bigint NOT NULL, request text NOT NULL UNIQUE, PRIMARY KEY (packet, person));
CREATE TABLE transfer (id bigserial PRIMARY KEY, account text NOT NULL, fen bigint NOT NULL,
    request text NOT NULL);
CREATE FUNCTION claim_share(p text, who text, asked text, now bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE first bigint; l int; l_fen bigint; expires bigint; fen bigint;
BEGIN
    SELECT c.fen INTO first FROM claim c WHERE c.request = asked;
    IF FOUND THEN RETURN first::text; END IF;
    SELECT "left", left_fen, expires_at INTO l, l_fen, expires FROM packet WHERE id = p FOR UPDATE;
    IF NOT FOUND THEN RETURN 'not found'; END IF;
    IF now >= expires THEN RETURN 'expired'; END IF;
    PERFORM 1 FROM claim c WHERE c.packet = p AND c.person = who;
    IF FOUND THEN RETURN 'already claimed'; END IF;
    IF l = 0 THEN RETURN 'finished'; END IF;
    fen := l_fen;
    IF l > 1 THEN fen := 1 + floor(random() * greatest(1, 2 * l_fen / l - 1)); END IF;
    fen := least(fen, l_fen - l + 1);
    UPDATE packet SET "left" = "left" - 1, left_fen = left_fen - fen WHERE id = p;
    INSERT INTO claim VALUES (p, who, fen, asked);
    INSERT INTO transfer (account, fen, request) VALUES (p, -fen, asked), (who, fen, asked);
    UPDATE account SET balance_fen = balance_fen - fen WHERE id = p;
    UPDATE account SET balance_fen = balance_fen + fen WHERE id = who;
    RETURN fen::text;
END $$;
"""


class Postgres:
    """A connection to a server, whose process is *pid*."""

    def __init__(self, pid: int, connection: Any) -> None:
        self.pid = pid
        self._connection = connection
        self._dice = Random(1)

    def open(self, packets: Sequence[str], people: Sequence[str], count: int, fen: int) -> None:
        """Make *packets*, which never expire, and accounts for them and for *people*."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO account VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [*((packet, fen) for packet in packets), *((person, 0) for person in people)],
            )
            cursor.executemany(
                "INSERT INTO packet VALUES (%s, %s, %s, %s)",
                [(packet, count, fen, 2**40) for packet in packets],
            )

    def claim(self, claims: Sequence[Claim], now: int) -> list[str]:
        """Ask for *claims*, statement by statement."""
        return [self._claim(*claim, now) for claim in claims]

    def claim_by_function(self, claims: Sequence[Claim], now: int) -> list[str]:
        """Ask for *claims*, each in one statement."""
        execute = self._connection.execute
        asked = "SELECT claim_share(%s, %s, %s, %s)"
        return [execute(asked, (*claim, now), prepare=True).fetchone()[0] for claim in claims]

    def _claim(self, packet: str, person: str, request: str, now: int) -> str:
        def ask(sql: str, *values: object) -> Any:
            return self._connection.execute(sql, values, prepare=True)

        with self._connection.transaction():
            first = ask("SELECT fen FROM claim WHERE request = %s", request).fetchone()
            if first is not None:
                return str(first[0])
            found = ask(
                'SELECT "left", left_fen, expires_at FROM packet WHERE id = %s FOR UPDATE', packet
            ).fetchone()
            if found is None:
                return "not found"
            left, left_fen, expires_at = found
            if now >= expires_at:
                return "expired"
            there = ask("SELECT 1 FROM claim WHERE packet = %s AND person = %s", packet, person)
            if there.fetchone() is not None:
                return "already claimed"
            if left == 0:
                return "finished"
            fen = left_fen
            if left > 1:
                fen = self._dice.randint(1, max(1, 2 * left_fen // left - 1))
            fen = min(fen, left_fen - left + 1)
            ask(
                'UPDATE packet SET "left" = "left" - 1, left_fen = left_fen - %s WHERE id = %s',
                *(fen, packet),
            )
            ask("INSERT INTO claim VALUES (%s, %s, %s, %s)", packet, person, fen, request)
            ask(
                "INSERT INTO transfer (account, fen, request) VALUES (%s, %s, %s), (%s, %s, %s)",
                *(packet, -fen, request, person, fen, request),
            )
            move = "UPDATE account SET balance_fen = balance_fen + %s WHERE id = %s"
            ask(move, -fen, packet)
            ask(move, fen, person)
            return str(fen)


@contextmanager
def server(program: Program, library: Program, folder: Path) -> Iterator[Postgres]:
    """
    Run a server in *folder*, on a Unix socket, until the end of the block.

    It refuses to be root, so then it is nobody. *library* is any program of the environment in
    which psycopg is. Raises Missing where nobody may not enter *folder*.
    """
    with socket_folder() as place:
        yield from _served(program, library, folder, place)


def _served(program: Program, library: Program, folder: Path, place: Path) -> Iterator[Postgres]:
    data = folder / "data"
    data.mkdir()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        if not all(each.stat().st_mode & stat.S_IXOTH for each in folder.parents):
            raise Missing(f"PostgreSQL does not run as root, and nobody else may enter {folder}")
        as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        for each in (folder, data, place):
            shutil.chown(each, "nobody", "nogroup")
    common: dict[str, Any] = {"env": program.env, "stdout": subprocess.DEVNULL, **as_user}
    options = ("-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C", "--no-sync")
    initdb = program.folder / "initdb"
    subprocess.run([initdb, "-D", data, *options], check=True, cwd=folder, **common)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place),
        "fsync": "on",
        "synchronous_commit": "on",
        "autovacuum": "off",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with subprocess.Popen(
        [program.path, "-D", data, *words], cwd=folder, stderr=subprocess.DEVNULL, **common
    ) as process:
        try:
            with _connected(library, place) as connection:
                connection.execute(SCHEMA)
                yield Postgres(process.pid, connection)
        finally:
            process.terminate()


def _connected(library: Program, place: Path) -> Any:
    """Return a connection as soon as the server whose socket is in *place* takes any."""
    packages = next(library.folder.parent.glob("lib/python*/site-packages"))
    sys.path.append(str(packages))
    try:
        psycopg = import_module("psycopg")
    finally:
        sys.path.remove(str(packages))
    for _ in range(200):
        try:
            return psycopg.connect(f"host={place} user=bench dbname=postgres", autocommit=True)
        except psycopg.OperationalError:
            sleep(0.05)
    raise TimeoutError("PostgreSQL takes no connection")
