"""Two machines and one ledger: typed as people type it, on a real server."""

import json
import shutil
import sqlite3  # only to see that a backup is none
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest

from hongbao.engines.mysql.schema import DELETED, TABLES, UPDATED
from tests.cli.shell import Shell
from tests.cluster.databases import PAY, let_in
from tests.cluster.nodes import OWNER, Cluster, connect

pytestmark = pytest.mark.cluster

PIN = "246813"
PASSPHRASE = "correct horse battery 7"

Machine = Callable[[str], Shell]


@pytest.fixture
def address(one_node: Cluster, request: pytest.FixtureRequest) -> str:
    """An address of an empty database."""
    database = one_node.create_database(f"hongbao_{request.node.name[:40]}")
    [node] = one_node
    return f"mysql://{OWNER}@{node.host}:{node.port}/{database}"


@pytest.fixture
def machine(one_node: Cluster, tmp_path: Path) -> Machine:
    """Make a machine of that name: a shell that knows the password of the database's user."""
    return machines_of(one_node, tmp_path)


def machines_of(cluster: Cluster, folder: Path) -> Machine:
    class Knowing(Shell):
        def environment(self, **variables: str) -> dict[str, str]:
            known = {"HONGBAO_LEDGER_PASSWORD_FILE": str(cluster.password_file(OWNER))}
            return super().environment(**{**known, **variables})

    def made(name: str) -> Shell:
        (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
        return Knowing(folder / name / "home", PIN)

    return made


def does(shell: Shell, line: str, code: int = 0) -> str:
    said = shell(*line.split())
    assert code == said.code, (line, said)
    return said.out + said.err


def test_a_life_of_a_wallet(machine: Machine, address: str, tmp_path: Path):
    """
    It is the same as in a file, down to the check, and a backup of it is a file's.
    """
    shell = machine("shop")

    assert f"the ledger is in {address}" in does(shell, f"init Ann --ledger {address}")
    for line in (
        *("init Bob", "card add 9999010000000003", "topup 100"),
        *("send 10 --count 2", "claim last -p Bob", "claim last", "withdraw 1"),
    ):
        does(shell, line)

    assert 8_900 < json.loads(does(shell, "balance --json"))["available_fen"] < 9_900
    assert json.loads(does(shell, "check --all --json"))["ok"]
    assert ["ledger.toml"] == [path.name for path in (shell.home / "data").iterdir()]
    for line in ("rekey", "rekey --yes", "repair"):
        assert "this one is on a cluster" in does(shell, line, 2)

    does(shell, f"backup {tmp_path}/backup")
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "backup").execute("SELECT * FROM entry")
    copy = Shell(tmp_path / "copy" / "home", PIN)
    shutil.copytree(shell.home / "keys", copy.home / "keys")
    does(copy, f"restore {tmp_path}/backup")
    assert json.loads(does(copy, "check --all --json"))["ok"]
    assert does(shell, "balance") == does(copy, "balance")


KILLED = """
import os, sys
from hongbao.wallet import profiles
profiles._join = lambda *_: os._exit(9)
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""
OVERTAKEN = """
import sys
from hongbao.home import clusters
clusters._is_taken = lambda store: False
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""


def test_an_init_that_was_killed_is_finished_by_the_same_command(machine: Machine, address: str):
    """And then there is a wallet, of which it says so."""
    shell, line = machine("shop"), ["init", "Ann", "--ledger", address]
    assert 9 == shell.run([sys.executable, "-c", KILLED, *line]).code
    assert (shell.home / "data" / "ledger.toml").exists()

    assert f"the ledger is in {address}" in does(shell, " ".join(line))
    does(shell, "balance")

    assert "home_exists" in does(shell, f"{' '.join(line)} --json", 2)


def test_of_two_inits_at_once_one_is_told_that_the_database_is_taken(
    machine: Machine, address: str, one_node: Cluster
):
    """It leaves nothing that would have to be taken away before it makes a wallet elsewhere."""
    first, second, line = machine("first"), machine("second"), ["init", "Ann", "--ledger", address]
    does(first, " ".join(line))

    late = second.run([sys.executable, "-c", OVERTAKEN, *line, "--json"])

    assert (2, "ledger_taken") == (late.code, json.loads(late.err)["error"]["code"])
    elsewhere = one_node.create_database("hongbao_elsewhere")
    does(second, f"init Ann --ledger {address.rpartition('/')[0]}/{elsewhere}")
    for each in (first, second):
        assert json.loads(does(each, "check --json"))["ok"]


def test_a_machine_is_invited_and_joins_once(machine: Machine, address: str, tmp_path: Path):
    """
    It acts by a device that is approved on the first; neither misses the other's keys.
    """
    first, second, third = machine("first"), machine("second"), machine("third")
    invitation, passphrase = tmp_path / "invitation", tmp_path / "passphrase"
    does(first, f"init Ann --ledger {address}")
    does(first, "card add 9999010000000003")
    invited = does(first, f"home invite {invitation} --passphrase-file {passphrase}")
    assert "on the other machine: `hongbao home join FILE`" in invited
    assert 0o600 == invitation.stat().st_mode & 0o777
    join = f"home join {invitation} --passphrase-file {passphrase}"

    assert "authorise this machine" in does(second, join)
    assert "is not on this machine" in does(second, "topup 1 -p Ann", 16)
    does(second, "device add laptop -p Ann")
    does(first, "device approve laptop")
    does(second, "topup 1 -p Ann")

    assert "this invitation was used" in does(third, join, 18)
    assert not third.home.exists() or not any(third.home.iterdir())
    assert "there is a wallet" in does(second, join, 2)
    for each in (first, second):
        assert json.loads(does(each, "check --all --json"))["ok"]
    assert json.loads(does(second, "home --json"))["shared"]


def test_a_join_that_was_cut_off_goes_on_where_it_was(
    machine: Machine, address: str, tmp_path: Path
):
    """
    The same machine may use the invitation again until it has joined.
    """
    first, second = machine("first"), machine("second")
    does(first, f"init Ann --ledger {address}")
    does(first, f"home invite {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    join = f"home join {tmp_path}/it --passphrase-file {tmp_path}/passphrase"
    does(second, join)
    (second.home / "data" / "ledger.toml").unlink()  # as if killed behind the act

    does(second, join)

    joined = [line for line in does(second, "events").splitlines() if "home_join" in line]
    assert 1 == len(joined)


def test_a_wrong_pin_on_one_machine_counts_on_the_other(
    machine: Machine, address: str, tmp_path: Path
):
    """
    And check finds no fault in that.
    """
    first, second = machine("first"), machine("second")
    does(first, f"init Ann --ledger {address}")
    does(first, f"home invite {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    does(second, f"home join {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    second.pin_file.write_text("135790\n")
    for _ in range(2):
        does(second, "device add laptop -p Ann", 14)
    second.pin_file.write_text(f"{PIN}\n")
    first.pin_file.write_text("135790\n")
    assert "attempts left: 2" in does(first, "card add 9999010000000003", 14)
    first.pin_file.write_text(f"{PIN}\n")
    does(first, "card add 9999010000000003")
    for each in (first, second):
        assert json.loads(does(each, "check --json"))["ok"]


def test_a_database_that_is_another_or_was_put_back_is_refused(
    machine: Machine, address: str, one_node: Cluster
):
    """
    By what each machine has seen, and by the keys.
    """
    first, other = machine("first"), machine("other")
    database = one_node.create_database("hongbao_another")
    there = f"{address.rpartition('/')[0]}/{database}"
    does(first, f"init Ann --ledger {address}")
    does(other, f"init Bob --ledger {there}")

    assert "is not this wallet's" in does(first, f"home connect {there}", 19)
    assert "already" in does(machine("late"), f"init Eve --ledger {address}", 2)
    does(first, f"home connect {address}")
    does(first, "balance")


def test_a_password_is_sealed_next_to_the_keys(
    machine: Machine, address: str, one_node: Cluster, tmp_path: Path
):
    """
    So commands need no variable; and it is in no file in clear.
    """
    secret = one_node.password_file(OWNER).read_text().strip()
    shell = Shell(tmp_path / "plain" / "home", PIN)

    asked = shell("init", "Ann", "--ledger", address, "--no-input")
    assert 2 == asked.code
    assert "--ledger-password-file" in asked.err
    does(
        shell, f"init Ann --ledger {address} --ledger-password-file {one_node.password_file(OWNER)}"
    )
    does(shell, "balance")

    files = [path for path in shell.home.rglob("*") if path.is_file()]
    assert [] == [path for path in files if secret.encode() in path.read_bytes()]


def test_a_refused_init_leaves_nothing(machine: Machine, address: str):
    """
    Neither keys nor an address; and the next one works.
    """
    shell = machine("first")
    wrong = shell.home.parent / "wrong"
    wrong.write_text("not the password\n")

    does(shell, f"init Ann --ledger {address} --ledger-password-file {wrong}", 21)
    does(shell, f"init Ann --ledger {address.replace('://', '://x:y')}", 2)

    assert not shell.home.exists() or not any(shell.home.iterdir())
    does(shell, f"init Ann --ledger {address}")


def test_machines_act_as_a_user_who_adds_and_seldom_changes(
    address: str, one_node: Cluster, tmp_path: Path
):
    """
    The owner makes the tables and grants; from then on no machine needs the owner's password.
    """
    first, second = (Shell(tmp_path / name / "home", PIN) for name in ("first", "second"))
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    database = address.rpartition("/")[2]
    owner, password = (one_node.password_file(user) for user in (OWNER, PAY))
    does(first, f"init Ann --ledger {address} --ledger-password-file {owner}")
    printed = does(first, f"home grants {PAY}")
    let_in(one_node, database, rights=printed.replace(";", "").splitlines())
    as_payer = address.replace(OWNER, PAY)
    does(first, f"home connect {as_payer} --ledger-password-file {password}")
    invitation = f"{tmp_path}/it --passphrase-file {tmp_path}/passphrase"
    does(first, f"home invite {invitation}")
    does(second, f"home join {invitation} --ledger-password-file {password}")

    for line in (
        *("init Bob", "identify --name 张三 --id-number 11010519491231002X"),
        *("card add 9999010000000003", "topup 100", "send 10 --count 2", "claim last -p Bob"),
    ):
        does(first, line)
    does(second, "device add laptop -p Ann")
    does(first, "device approve laptop")
    for line in ("topup 1 -p Ann", "claim last -p Ann", "withdraw 1 -p Ann", "settle"):
        does(second, line)
    for shell in (first, second):
        assert json.loads(does(shell, "check --all --json"))["ok"]
        assert PAY in (shell.home / "data" / "ledger.toml").read_text()

    with connect(one_node, one_node.nodes[0], user=PAY, database=database) as link:
        cursor = link.cursor()
        tampering = [
            *(f"DELETE FROM `{table}`" for table in TABLES.keys() - DELETED),
            *(f"UPDATE `{table}` SET {first_of(table)} = 0" for table in TABLES.keys() - UPDATED),
            *(f"{verb} TABLE `{table}`" for table in TABLES for verb in ("DROP", "TRUNCATE")),
            "ALTER TABLE entry ADD COLUMN note BIGINT",
            "CREATE TABLE mine (one BIGINT PRIMARY KEY)",
            "CREATE TRIGGER t BEFORE INSERT ON entry FOR EACH ROW SET NEW.id = 0",
            f"GRANT ALL ON `{database}`.* TO '{PAY}'@'%'",
        ]
        for statement in tampering:
            with pytest.raises(pymysql.err.OperationalError) as denied:
                cursor.execute(statement)
            assert denied.value.args[0] in (1044, 1142), (statement, denied.value)


def first_of(table: str) -> str:
    return TABLES[table].split()[0]


def test_who_may_not_make_tables_is_told_so(machine: Machine, one_node: Cluster, address: str):
    """
    And nothing is left that a second try would stumble over.
    """
    database = address.rpartition("/")[2]
    let_in(one_node, database, rights=[f"GRANT SELECT ON `{database}`.* TO '{PAY}'@'%'"])
    shell = machine("shop")

    said = does(
        shell,
        f"init Ann --ledger {address.replace(OWNER, PAY)}"
        f" --ledger-password-file {one_node.password_file(PAY)}",
        21,
    )

    assert "this user may not do what the ledger needs" in said
    does(shell, f"init Ann --ledger {address}")


@pytest.mark.slow
def test_machines_go_to_the_next_node_where_one_is_killed(galera: Cluster, tmp_path: Path):
    """
    Two that prefer different nodes; and with most nodes gone, both are refused.
    """
    machine = machines_of(galera, tmp_path)
    database = galera.create_database("hongbao_next_node")
    address = galera.addresses(user=OWNER, database=database)
    hosts = address.rpartition("@")[2].partition("/")[0].split(",")
    turned = f"mysql://{OWNER}@{','.join(reversed(hosts))}/{database}"
    first, second = machine("first"), machine("second")
    does(first, f"init Ann --ledger {address}")
    does(first, "card add 9999010000000003")
    does(first, f"home invite {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    does(second, f"home join {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    does(second, f"home connect {turned}")
    n1, n2, n3 = galera

    n1.kill()
    does(first, "topup 1")
    assert "1.00" in does(second, "balance")
    n2.kill()
    until = time.monotonic() + 30
    while first("topup", "1").code != 21:  # the last node has to notice that it is alone
        assert time.monotonic() < until
    for each in (first, second):
        assert "each of them is down, or takes no writes" in does(each, "balance", 21)

    n3.kill()
    galera.bootstrap()
    does(first, "topup 1")
    assert json.loads(does(second, "check --all --json"))["ok"]
