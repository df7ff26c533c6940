"""A backup that is restored to a cluster: of a ledger in a file, and of one on a cluster."""

import json
import os
import shutil
import signal
from contextlib import redirect_stderr
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hongbao.cli import main
from hongbao.engines.mysql.schema import TABLES
from hongbao.engines.sqlcipher import Ledger
from hongbao.env import Env, system_env
from hongbao.home.clusters import Access, parse_address
from hongbao.ui.script import Sheet
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.cli.shell import Shell
from tests.cluster.databases import watch
from tests.cluster.nodes import OWNER, Cluster, connect
from tests.cluster.test_machines import PIN, Machine, does, machines_of
from tests.cluster.test_sealing import log_of
from tests.vault.processes import killed_at, run

pytestmark = pytest.mark.cluster

EACH = int(os.environ.get("HONGBAO_RESTORE_EACH", "5"))
"""At each how-manieth of some 430 steps the slow test kills a restore; 1 takes ten minutes."""

LIFE = (
    *("init Bob", "card add 9999010000000003", "topup 100", "send 10 --count 2"),
    *("claim last -p Bob", "claim last", "withdraw 1", "send 3 --count 1"),
)


@pytest.fixture
def machine(one_node: Cluster, tmp_path: Path) -> Machine:
    return machines_of(one_node, tmp_path)


@pytest.fixture
def addresses(one_node: Cluster, request: pytest.FixtureRequest) -> list[str]:
    """Addresses of two empty databases."""
    [node] = one_node
    name = request.node.name
    name = f"{name[5:35]}_{sha256(name.encode()).hexdigest()[:8]}"  # of each of its cases
    made = [one_node.create_database(f"hongbao_{name}_{number}") for number in (1, 2)]
    return [f"mysql://{OWNER}@{node.host}:{node.port}/{database}" for database in made]


def lived(machine: Machine, name: str = "shop", ledger: str = "") -> Shell:
    shell = machine(name)
    does(shell, f"init Ann {ledger and f'--ledger {ledger}'}")
    for line in LIFE:
        does(shell, line)
    return shell


def state(shell: Shell) -> dict[str, Any]:
    """Return what people see of a ledger: balances, packets, cases, payments, and every event."""

    def seen(line: str) -> dict[str, Any]:
        return {**json.loads(does(shell, f"{line} --json")), "at": None}

    return {
        "each": [
            seen(f"{line} -p {name}")
            for line in ("balance", "packets", "history", "card list", "limits")
            for name in ("Ann", "Bob")
        ],
        "cases": seen("review list --all"),
        "events": [
            event
            for event in seen("events --limit 500")["events"]
            if event["act"] not in ("restore", "home_join", "home_epoch")
        ],
    }


def sql(cluster: Cluster, address: str, *statements: str) -> Any:
    """Do what an administrator does to the database at *address*."""
    [node] = cluster
    with (
        connect(cluster, node, database=address.rpartition("/")[2]) as link,
        link.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        link.commit()
        return cursor.fetchall()


def emptied(cluster: Cluster, address: str) -> None:
    """Take away every row of every table at *address*, if they are there."""
    there = {name for (name,) in sql(cluster, address, "SHOW TABLES")}
    for table in there.intersection(TABLES):
        sql(cluster, address, f"DELETE FROM `{table}`")


def env_of(shell: Shell, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Env:
    """Return the environment of *shell*, for acts within this process and its children."""
    password = str(cluster.password_file(OWNER))
    for name, value in shell.environment(HONGBAO_LEDGER_PASSWORD_FILE=password).items():
        monkeypatch.setenv(name, value)
    return system_env()


def check(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(does(shell, "check --all --json"))
    assert found["ok"]
    return found


def test_a_ledger_in_a_file_moves_to_a_cluster(
    machine: Machine, addresses: list[str], one_node: Cluster, tmp_path: Path
):
    """
    All is there as it was, proven by its lanes and a log that says so; and life goes on.
    """
    shell = lived(machine)
    before = state(shell)
    does(shell, f"export --format csv --output {tmp_path}/statement.csv")
    does(shell, f"backup {tmp_path}/backup")

    said = does(shell, f"restore {tmp_path}/backup --ledger {addresses[0]}")

    assert f"the ledger is in {addresses[0]}" in said
    assert "moved-ledger.db" in said
    assert before == state(shell)
    check(shell)
    verify = f"verify-statement {tmp_path}/statement.csv --json"
    assert '"verdict": "genuine"' in does(shell, verify)
    sql(one_node, addresses[0], "UPDATE former_seal SET mac = reverse(mac)")
    assert "other_history" in does(shell, verify, 19)
    log = log_of(shell)
    assert (2, 0) == (log["epoch"], log["unsealed"])
    assert ["ledger.toml", "moved-ledger.db"] == sorted(
        path.name for path in (shell.home / "data").iterdir()
    )
    does(shell, "claim last -p Bob")
    does(shell, "topup 5")
    check(shell)
    does(shell, f"backup {tmp_path}/later")
    copy = Shell(tmp_path / "copy" / "home", PIN)
    shutil.copytree(shell.home / "keys", copy.home / "keys")
    does(copy, f"restore {tmp_path}/later --yes")
    check(copy)
    assert state(shell)["each"] == state(copy)["each"]


def test_a_backup_of_a_cluster_comes_back_to_an_empty_database(
    machine: Machine, addresses: list[str], one_node: Cluster, tmp_path: Path
):
    """
    To another one, or to its own once that was emptied; machines that had seen more say so.
    """
    shell, second = lived(machine, ledger=addresses[0]), machine("second")
    phrase = tmp_path / "passphrase"
    does(shell, f"home invite {tmp_path}/it --passphrase-file {phrase}")
    does(second, f"home join {tmp_path}/it --passphrase-file {phrase}")
    before = state(shell)
    does(shell, f"backup {tmp_path}/backup")

    for line in (
        f"restore {tmp_path}/backup",
        f"restore {tmp_path}/backup --ledger {addresses[0]}",
    ):
        assert "database_not_empty" in does(shell, f"{line} --yes --json", 2)
    asked = does(shell, f"restore {tmp_path}/backup --ledger {addresses[1]}", 2)
    assert "this machine does not know how much that is" in asked
    does(shell, f"restore {tmp_path}/backup --ledger {addresses[1]} --yes")
    does(shell, f"restore {tmp_path}/backup --yes")  # as if it had been cut off at the very end

    assert before == state(shell)
    check(shell)
    assert 2 == log_of(shell)["epoch"]
    does(shell, "topup 7")
    assert "database_not_empty" in does(shell, f"restore {tmp_path}/backup --yes --json", 2)
    does(second, f"home connect {addresses[1]}")
    assert state(shell) == state(second)

    emptied(one_node, addresses[0])
    does(second, f"restore {tmp_path}/backup --ledger {addresses[0]} --yes")
    assert before == state(second)
    does(shell, "topup 8")
    assert "does not name what this" in does(shell, f"home connect {addresses[0]}", 19)


def test_machines_that_had_seen_more_than_a_backup_record_the_loss(
    machine: Machine, addresses: list[str], one_node: Cluster, tmp_path: Path
):
    """
    A backup that is older than what devices here were answered is called that.
    """
    shell, second = lived(machine, ledger=addresses[0]), machine("second")
    does(shell, f"home invite {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    does(second, f"home join {tmp_path}/it --passphrase-file {tmp_path}/passphrase")
    does(second, "device add laptop -p Ann")
    does(shell, "device approve laptop")
    does(shell, f"backup {tmp_path}/backup")
    does(shell, "topup 7 --request-id r7")
    does(second, "balance -p Ann")
    does(shell, "topup 8 --request-id r8")
    emptied(one_node, addresses[0])
    assert "ledger_gone" in does(shell, "balance --json", 19)

    said = json.loads(shell("restore", f"{tmp_path}/backup", "--json").err)["error"]
    assert "older_copy" == said["code"]
    assert said["last_entry"] < said["noted_entry"]
    does(shell, f"restore {tmp_path}/backup --yes")

    assert "log_unaccounted" in does(second, "balance -p Ann --json", 19)
    does(second, "home epoch --yes")
    does(second, "balance -p Ann")
    assert "r7" in does(shell, "topup 9", 19)
    for number in (7, 8):
        does(shell, f"topup {number} --request-id r{number}")
    does(shell, "topup 9")
    for each in (shell, second):
        check(each)


def test_a_long_restore_shows_how_far_it_has_come(
    machine: Machine,
    addresses: list[str],
    one_node: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """
    On a terminal alone, by one bar from the first entry that is proven to the last row that comes.
    """
    shell = lived(machine)
    does(shell, f"backup {tmp_path}/backup")
    env = env_of(shell, one_node, monkeypatch)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    for place, name, count in (
        ("hongbao.auditing.walk", "REPORT_EVERY", 4),
        ("hongbao.home.arrival", "REPORT_EVERY", 10),
        ("hongbao.ui.progress", "COUNT_MIN", 1),
    ):
        monkeypatch.setattr(import_module(place), name, count)
    heard: list[tuple[int, int]] = []
    access = Access(parse_address(addresses[0]), one_node.password_file(OWNER).read_text().strip())

    restore(
        env,
        tmp_path / "backup",
        access=access,
        accept_older=lambda *_: True,
        progress=lambda done, total: heard.append((done, total)),
    )

    ((_done, total),) = {(0, total) for _done, total in heard}
    assert [done for done, _total in heard] == sorted(done for done, _total in heard)
    assert heard[0][0] < total // 10 < total * 8 // 10 < heard[-1][0] <= total
    for more, said in ((), "restoring"), (("--json",), ""), (("--no-input",), "restoring"):
        emptied(one_node, addresses[0])
        with redirect_stderr(Sheet(80)) as terminal:
            assert 0 == main(["restore", f"{tmp_path}/backup", "--yes", *more])
        assert bool(said) is ("restoring" in terminal.getvalue()), more
    emptied(one_node, addresses[0])
    assert "restoring" not in does(shell, f"restore {tmp_path}/backup --yes")


def test_statements_of_before_are_proven_wherever_a_backup_came_to(
    machine: Machine,
    addresses: list[str],
    one_node: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """
    By their content: seals and log are others there, and the answer says so.
    """
    shell = lived(machine)
    numbers = iter(range(9))

    def exported() -> str:
        path = tmp_path / f"{next(numbers)}.csv"
        does(shell, f"export --format csv --output {path}")
        does(shell, "topup 1")
        return str(path)

    def verdicts(shell: Shell) -> list[tuple[str, bool]]:
        said = [json.loads(shell("verify-statement", file, "--json").out) for file in files]
        return [(each["verdict"], "restored_entry" in each) for each in said]

    files = [exported()]
    does(shell, f"backup {tmp_path}/backup")
    does(shell, f"restore {tmp_path}/backup --ledger {addresses[0]} --yes")
    files += [exported(), exported()]
    assert [("older", False)] * 3 == verdicts(shell)
    does(shell, f"backup {tmp_path}/again")
    exported()
    late = exported()

    does(shell, f"restore {tmp_path}/again --ledger {addresses[1]} --yes")

    assert [("older", False), ("older", True), ("older", True)] == verdicts(shell)
    assert "other_history" in does(shell, f"verify-statement {late} --json", 19)
    does(shell, "home repeat --yes")
    assert [("older", False), ("older", True), ("older", True)] == verdicts(shell)
    assert "other_history" in does(shell, f"verify-statement {late} --json", 19)

    file = Shell(tmp_path / "file" / "home", PIN)
    shutil.copytree(shell.home / "keys", file.home / "keys")
    does(file, f"restore {tmp_path}/again --yes")
    assert [("older", False), ("older", True), ("older", True)] == verdicts(file)
    with Wallet.open(env_of(file, one_node, monkeypatch), trusting=True) as wallet:
        assert isinstance(wallet.store, Ledger)
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entry'"
        for (name,) in wallet.store.rows(triggers):
            wallet.store.rows(f"DROP TRIGGER {name}")
        wallet.store.write("UPDATE entry SET amount_fen = amount_fen + 1 WHERE act = 'topup'")
    assert "cannot prove it" in does(file, f"verify-statement {files[1]}", 19)


def test_an_older_backup_of_a_file_is_asked_about(
    machine: Machine, addresses: list[str], tmp_path: Path
):
    """
    As where it stays one; a refusal leaves the home and the database as they were.
    """
    shell = lived(machine)
    does(shell, f"backup {tmp_path}/backup")
    does(shell, "topup 7")
    before = state(shell)

    assert "older_copy" in does(
        shell, f"restore {tmp_path}/backup --ledger {addresses[0]} --json", 19
    )

    assert before == state(shell)
    does(shell, f"restore {tmp_path}/backup --ledger {addresses[0]} --yes")
    assert before != state(shell)
    check(shell)


def test_a_database_of_anything_else_is_refused(
    machine: Machine, addresses: list[str], one_node: Cluster, tmp_path: Path
):
    """
    Another wallet's, one without its home, and one that another wallet is just coming into.
    """
    shell, other = lived(machine), machine("other")
    does(shell, f"backup {tmp_path}/backup")
    does(other, f"init Eve --ledger {addresses[0]}")
    restore = f"restore {tmp_path}/backup --ledger {addresses[0]} --json"
    for statement in (
        "DO 0",
        "DELETE FROM home",
        "INSERT INTO arrival VALUES (1, 'other', 5, repeat('m', 32), repeat('t', 16), 7, 0)",
        "UPDATE arrival SET home = (SELECT name FROM log), done = 1",
    ):
        sql(one_node, addresses[0], statement)
        assert "database_not_empty" in does(shell, restore, 2)
    assert "not_whole" not in does(shell, "balance")


def test_what_the_chain_does_not_prove_the_lanes_do_not_prove_either(
    machine: Machine,
    addresses: list[str],
    one_node: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """
    Moving a ledger hides nothing: check names the entry that was edited before.
    """
    shell = lived(machine)
    with Wallet.open(env_of(shell, one_node, monkeypatch), trusting=True) as wallet:
        assert isinstance(wallet.store, Ledger)
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entry'"
        for (name,) in wallet.store.rows(triggers):
            wallet.store.rows(f"DROP TRIGGER {name}")
        wallet.store.write("UPDATE entry SET policy = NULL WHERE act = 'topup'")
    does(shell, f"backup {tmp_path}/backup")

    does(shell, f"restore {tmp_path}/backup --ledger {addresses[0]}")

    said = json.loads(shell("check", "--all", "--json").err)["error"]
    [chain] = [each for each in said["findings"] if each["check"] == "chain"]
    assert not chain["ok"]
    assert any(row.startswith("profile/1: entry") for row in chain["rows"])


def test_lives_of_every_kind_move(machine: Machine, addresses: list[str], tmp_path: Path):
    """
    Of a demo, whose acts come one after the other, and of a home that got other keys.
    """
    demo = machine("demo")
    does(demo, "init Ann --demo")
    for line in LIFE:
        does(demo, line)
    does(demo, "rekey --yes")
    does(demo, "clock advance 25h")
    before = state(demo)
    does(demo, f"backup {tmp_path}/backup")

    does(demo, f"restore {tmp_path}/backup --ledger {addresses[0]}")

    assert before == state(demo)
    check(demo)
    does(demo, "topup 5")
    does(demo, "clock advance 1h")
    check(demo)


def has_home(cluster: Cluster, address: str) -> bool:
    there = sql(cluster, address, "SHOW TABLES LIKE 'home'")
    return bool(there and sql(cluster, address, "SELECT * FROM home"))


def check_closed(shell: Shell, address: str, cluster: Cluster, folder: Path) -> None:
    """See that no ledger of the keys of *shell* opens at *address*."""
    shutil.rmtree(folder, ignore_errors=True)
    probe = shell.copied_to(folder / "home")
    shutil.rmtree(probe.home / "data")
    (probe.home / "data").mkdir()
    (probe.home / "data" / "ledger.toml").write_text(f'address = "{address}"\n')
    said = probe("balance", HONGBAO_LEDGER_PASSWORD_FILE=str(cluster.password_file(OWNER)))
    assert said.code == 19, said


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(37, id="some"),
        pytest.param(EACH, id="many", marks=pytest.mark.slow),
    ],
)
def test_a_restore_that_is_killed_anywhere_is_done_by_the_same_command(
    step: int,
    machine: Machine,
    addresses: list[str],
    one_node: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """
    Until it is done the ledger is the file, and there is no home in the database.
    """
    shell, address = lived(machine), addresses[0]
    does(shell, f"backup {tmp_path}/backup")
    before, whole = state(shell), tmp_path / "whole"
    shutil.copytree(shell.home, whole)
    env = env_of(shell, one_node, monkeypatch)
    password = one_node.password_file(OWNER).read_text().strip()

    def restoring() -> None:
        access = Access(parse_address(address), password)
        restore(env, tmp_path / "backup", access=access, accept_older=lambda *_: False)

    def at_statement(number: int) -> bool:
        def body() -> None:
            watch(number, everywhere=True)
            restoring()

        return run(body) == -signal.SIGKILL

    kills, done, left = 0, 0, set()
    for kill in (at_statement, lambda number: killed_at(number, restoring)):
        for number in range(1, 2000, step):
            shutil.rmtree(shell.home)
            shutil.copytree(whole, shell.home)
            emptied(one_node, address)
            if not kill(number):
                break
            kills += 1
            has_moved = (shell.home / "data" / "ledger.toml").exists()
            left.add(has_moved)
            if not has_moved:
                does(shell, "balance")
                if has_home(one_node, address):
                    done += 1
                else:
                    check_closed(shell, address, one_node, tmp_path / "probe")
                does(shell, f"restore {tmp_path}/backup --ledger {address}")
            assert before == state(shell)
            check(shell)
    print(f"killed {kills} times")  # noqa: T201
    assert kills > 10
    assert done * 3 < kills  # the last statements, and what the machine notes then
    assert step > 1 or left == {False, True}
