"""`tools/cluster`, as a person uses it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster
from tools.nodes import cli, programs
from tools.nodes.programs import ClusterError

TOOL = Path(__file__).parents[2] / "tools" / "cluster"


def test_what_is_missing_is_said_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """
    Without servers there is one sentence, and an exit status of its own.
    """
    monkeypatch.setattr(programs, "PLACES", ())
    monkeypatch.setattr(programs, "GALERA_LIBRARIES", ())
    monkeypatch.setenv("PATH", "")
    assert cli.NOT_INSTALLED == cli.main(["--folder", str(tmp_path / "c"), "up"])
    assert (
        "cluster: not installed: mariadbd, mariadb-install-db, mariadb, galera, rsync, ss; install"
        " with: apt install --no-install-recommends galera-4 iproute2 mariadb-client"
        " mariadb-server rsync\n"
    ) == capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_a_command_without_a_cluster_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """
    No traceback, whichever command it is.
    """
    for words in (
        ["status"], ["down"], ["kill", "n1"], ["start", "n1"], ["part", "beijing"], ["heal"],
        ["bootstrap"],
    ):  # fmt: skip
        assert cli.FAILED == cli.main(["--folder", str(tmp_path), *words])
        assert f"cluster: there is no cluster in {tmp_path}" in capsys.readouterr().err


BROKEN = """
import runpy, socket, sys
from tools.nodes import cli

def main():
    ours, theirs = socket.socketpair()
    theirs.close()
    try:
        ours.send(b"to a server that has gone away")
    except BrokenPipeError:
        print("line\\n" * 100_000)
        return 3

cli.main = main
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize(("reads", "status"), [(True, 3), (False, 0)])
def test_only_a_reader_that_has_had_enough_ends_it_quietly(reads: bool, status: int):
    """
    A server that goes away while it is spoken to does not end the command, as the signal would.
    """
    argv = [sys.executable, "-c", BROKEN, str(TOOL)]
    process = subprocess.Popen(
        argv, cwd=TOOL.parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    if not reads:
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
    _out, err = process.communicate(timeout=60)
    assert (status, b"") == (process.returncode, err)


@pytest.fixture
def place() -> Iterator[Path]:
    """Have a folder that servers can enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="hongbao-nodes-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "c"
        subprocess.run([TOOL, "--folder", Path(made) / "c", "down"], check=False)


def tool(place: Path, *words: str, status: int = 0) -> str:
    """Run `tools/cluster` and return what it says."""
    done = subprocess.run(
        [sys.executable, TOOL, "--folder", place, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def until(place: Path, text: str, seconds: float = 40) -> str:
    """Wait until the status holds *text*, and return it."""
    end = time.monotonic() + seconds
    while text not in (said := tool(place, "status")):
        assert time.monotonic() < end, said
        time.sleep(0.2)
    return said


@pytest.mark.cluster
def test_one_server_from_up_to_down(one_node: Cluster, place: Path):
    """
    A crash and an end in good order both leave what was written; `down --remove` leaves nothing.
    """
    assert "n1  shanghai-1  127.0.0.11:" in tool(place, "up", "--nodes", "1")
    cluster = Cluster.read(place)
    [node] = cluster
    node.sql("CREATE TABLE hongbao.kept (id BIGINT PRIMARY KEY)")
    assert "is running already" in tool(place, "start", "n1", status=cli.FAILED)
    assert "already" in tool(place, "up", "--nodes", "1", status=cli.FAILED)
    tool(place, "kill", "n1")
    assert "dead" in tool(place, "status")
    assert "n1 is not running" in tool(place, "kill", "n1", status=cli.FAILED)
    tool(place, "start", "1")
    tool(place, "stop", "shanghai-1")
    assert "stopped" in tool(place, "status")
    tool(place, "cont", "n1")
    assert "n1 is not stopped" in tool(place, "cont", "n1", status=cli.FAILED)
    assert "no node is called n9" in tool(place, "kill", "n9", status=cli.FAILED)
    tool(place, "down")
    tool(place, "start", "n1")
    assert [["kept"]] == node.sql("SHOW TABLES FROM hongbao")
    tool(place, "down", "--remove")
    assert not place.exists()


PLAIN_PYTHON = Path("/usr/bin/python3")  # others may be where an ordinary user does not get


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.skipif(not PLAIN_PYTHON.exists(), reason="there is no Python of the system's own")
def test_an_ordinary_user_has_nodes_too(galera: Cluster):
    """
    With variables that still name root, as `setpriv` and others leave them; and no sites to part.
    """

    def as_nobody(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [PLAIN_PYTHON, TOOL, "--folder", str(own), *words],
            user="nobody",
            group="nogroup",
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "USER": "root", "LOGNAME": "root", "HOME": "/root"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert status == done.returncode, done.stdout + done.stderr
        said: str = done.stdout + done.stderr
        return said

    with tempfile.TemporaryDirectory(prefix="hongbao-nodes-", dir="/var/tmp") as made:
        shutil.chown(made, "nobody")
        own = Path(made) / "c"
        try:
            assert 3 == as_nobody("up").count("3 of 3")
            assert {"nobody"} == {path.owner() for path in own.rglob("*")}
            assert "cannot be cut" in as_nobody("part", "beijing", status=cli.FAILED)
            as_nobody("kill", "n1", "n2", "n3")
            assert "(begins)" in as_nobody("bootstrap")
            as_nobody("kill", "n2")
            as_nobody("start", "n2")
            assert 3 == as_nobody("status").count("3 of 3")
        finally:
            as_nobody("down", "--remove")


@pytest.mark.cluster
def test_the_side_with_fewer_sites_takes_no_writes_until_it_hears_the_others_again(
    sites: Cluster,
):
    """
    A partition takes effect, and heals by itself when nobody has meddled.
    """
    place = sites.folder
    tool(place, "part", "beijing")
    tool(place, "heal")  # before anybody has noticed
    tool(place, "part", "beijing")
    until(place, "no quorum")
    until(place, "2 of 3")
    assert sites.dropped()
    with pytest.raises(ClusterError, match="WSREP has not yet prepared node"):
        sites.node("n3").sql("SELECT * FROM mysql.user")
    tool(place, "heal")
    assert 3 == tool(place, "status").count("3 of 3")


@pytest.mark.slow
@pytest.mark.cluster
def test_a_side_that_has_missed_too_much_is_filled_anew(sites: Cluster):
    """
    The others keep 64 MB for whoever comes back: after more, a node cannot catch up as it runs.
    """
    place = sites.folder
    n1, _, n3 = sites
    n1.sql("CREATE TABLE IF NOT EXISTS hongbao.much (id BIGINT PRIMARY KEY, data LONGBLOB)")
    tool(place, "part", "beijing")
    until(place, "no quorum")
    until(place, "2 of 3")
    for number in range(25):
        n1.sql(f"REPLACE INTO hongbao.much VALUES ({number}, repeat('x', 8 << 20))", seconds=60)
    assert "filled anew: n3" in tool(place, "heal")
    assert [["25"]] == n3.sql("SELECT count(*) FROM hongbao.much")
    n1.sql("DROP TABLE hongbao.much")


@pytest.mark.cluster
def test_two_sides_that_both_took_writes_are_not_joined(sites: Cluster):
    """
    A person chooses whose commits are thrown away; that side is filled anew.
    """
    place = sites.folder
    n1, _, n3 = sites
    n1.sql("CREATE TABLE IF NOT EXISTS hongbao.sides (side VARCHAR(10) PRIMARY KEY)")
    tool(place, "part", "shanghai")
    until(place, "no quorum")
    until(place, "2 of 3")
    tool(place, "bootstrap", "beijing-1")
    assert "takes writes already" in tool(place, "bootstrap", "beijing-1", status=cli.FAILED)
    n1.sql("INSERT INTO hongbao.sides VALUES ('shanghai')")
    n3.sql("INSERT INTO hongbao.sides VALUES ('beijing')")
    refused = tool(place, "heal", status=cli.FAILED)
    assert "two sides take writes: n1 (shanghai-1), n2 (shanghai-2) up to commit" in refused
    assert "n3 (beijing-1) up to commit" in refused
    assert [["beijing"]] == n3.sql("SELECT side FROM hongbao.sides")

    assert "filled anew: n3" in tool(place, "heal", "--discard", "beijing")
    for node in sites:
        assert [["shanghai"]] == node.sql("SELECT side FROM hongbao.sides")


@pytest.mark.cluster
def test_after_all_have_died_the_one_with_the_last_commit_begins(galera: Cluster):
    """
    Not the first by name: it had died before the others, and a beginning from it would lose.
    """
    place = galera.folder
    n1, n2, n3 = galera
    n1.sql("CREATE TABLE IF NOT EXISTS hongbao.last (id BIGINT PRIMARY KEY)")
    tool(place, "kill", "n1")
    until(place, "2 of 3")
    n3.sql("INSERT INTO hongbao.last VALUES (1)")
    n2.kill()
    n3.kill()
    assert "there is no group for n1 to join" in tool(place, "start", "n1", status=cli.FAILED)
    said = tool(place, "bootstrap")
    reached = {line.split()[0]: int(line.split()[4]) for line in said.splitlines()[:3]}
    assert reached["n1"] < max(reached["n2"], reached["n3"])
    assert "(begins)" not in said.splitlines()[0]
    for node in galera:
        assert [["1"]] == node.sql("SELECT id FROM hongbao.last")
