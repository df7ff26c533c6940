"""The log of a shared ledger: sealed by commands, seen by all machines, refused after a loss."""

import base64
import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from pymysql.connections import Connection
from pymysql.err import OperationalError

from hongbao.domain.log.checkpoint import (
    Checkpoint,
    Key,
    opened,
    parse_checkpoint,
    parse_origin,
)
from hongbao.domain.log.merkle import Edge, inclusion_proof, leaf_hash
from hongbao.domain.log.tiles import Tile, Tiles, tiles_of
from hongbao.engines.mysql.schema import COLUMNS, TABLES
from hongbao.env import system_env
from hongbao.errors import OutcomeUnknown
from hongbao.home.kept import Kept
from hongbao.vault.primitives import signature_fits
from hongbao.wallet import Wallet
from hongbao.wallet.group import together
from tests.cli.shell import COMMAND, Shell
from tests.cluster.databases import watch
from tests.cluster.nodes import OWNER, Cluster, connect
from tests.cluster.test_machines import Machine, does, machines_of
from tests.cluster.test_proofs import until_size
from tests.domain.log.test_go import verifier
from tests.vault.processes import killed_at, run
from tests.wallet.world import right

__all__ = ["verifier"]

pytestmark = pytest.mark.cluster

LOG = ("sealed_lane", "log", "leaf", "node", "checkpoint", "witness")


Dump = dict[str, tuple[list[str], list[Any]]]


class Shared:
    """A ledger in a database, which several machines share, and what its administrator can do."""

    def __init__(self, cluster: Cluster, database: str, folder: Path, *typed: str) -> None:
        self.cluster = cluster
        self.database = database
        self.folder = folder
        self.machine: Machine = machines_of(cluster, folder)
        self.first = self.machine("first")
        node, *_others = cluster
        self.address = f"mysql://{OWNER}@{node.host}:{node.port}/{database}"
        does(self.first, " ".join((f"init Ann --ledger {self.address}", *typed)))
        does(self.first, "card add 9999010000000003")

    def environment(self) -> dict[str, str]:
        """Return the environment of the first machine's shell, which knows the password."""
        password = str(self.cluster.password_file(OWNER))
        return self.first.environment(HONGBAO_LEDGER_PASSWORD_FILE=password)

    def another(self, name: str) -> Shell:
        """Let a machine of that name join."""
        machine, invitation = self.machine(name), self.folder / f"{name}.invitation"
        phrase = self.folder / "passphrase"
        does(self.first, f"home invite {invitation} --passphrase-file {phrase}")
        does(machine, f"home join {invitation} --passphrase-file {phrase}")
        return machine

    def sql(self, *statements: str, at: int = 0) -> Any:
        """Do what an administrator does, in one transaction, on the node *at* that place."""
        with (
            connect(self.cluster, self.cluster.nodes[at], database=self.database) as link,
            link.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            link.commit()
            return cursor.fetchall()

    def moves(self, lane: str = "packet/7", mac: bytes = bytes(range(32)), *, at: int = 0) -> None:
        """Let a lane have one more entry, where an act would add it: it has no act."""
        last = f"SELECT coalesce(max(upto), 0) + 1 FROM lane WHERE name = '{lane}'"
        ((upto,),) = self.sql(last, at=at)
        self.sql(
            "REPLACE INTO lane (name, upto, head, entry, at)"
            f" VALUES ('{lane}', {upto}, X'{mac.hex()}', 1, {int(time.time() * 1e6)})",
            f"INSERT INTO lane_entry VALUES ('{lane}', {upto}, 1, X'{mac.hex()}')",
            at=at,
        )

    def tables(self) -> Dump:
        """Dump every table: its columns, and its rows."""
        return {
            table: (columns, list(self.sql(f"SELECT {', '.join(columns)} FROM `{table}`")))
            for table in TABLES
            for columns in [[f"`{column}`" for column in COLUMNS[table]]]
        }

    def put_back(self, tables: Dump) -> None:
        """Restore a dump of some tables, or of all."""
        with (
            connect(self.cluster, self.cluster.nodes[0], database=self.database) as link,
            link.cursor() as cursor,
        ):
            for table, (columns, rows) in tables.items():
                cursor.execute(f"DELETE FROM `{table}`")
                places = ", ".join(["%s"] * len(columns))
                into = f"INSERT INTO `{table}` ({', '.join(columns)}) VALUES ({places})"
                cursor.executemany(into, rows)
            link.commit()


@pytest.fixture
def shared(one_node: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    database = one_node.create_database(f"hongbao_{request.node.name[:40]}")
    return Shared(one_node, database, tmp_path)


def log_of(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(does(shell, "home --json"))["log"]
    return found


def check_of(shell: Shell, code: int = 0) -> list[str]:
    """Return what `check` finds wrong with the log; lanes that `moves` has moved have no acts."""
    said = shell("check", "--all", "--json")
    answer = json.loads(said.out or said.err)
    findings = answer.get("findings") or answer["error"]["findings"]
    wrong = {each["check"] for each in findings if not each["ok"]} - {"chain"}
    assert bool(code) == bool(wrong), said
    return [row for each in findings if each["check"] == "log" for row in each["rows"]]


def test_what_commands_change_is_sealed_and_seen_by_every_machine(shared: Shared):
    """
    A machine that joins begins with what is there, and acknowledges what it sees.
    """
    first = shared.first
    before = log_of(first)
    shared.moves()
    does(first, "topup 5")
    second = shared.another("second")
    for each in (second, first):
        does(each, "balance -p Ann")

    after = log_of(second)

    assert before["epoch"] == after["epoch"] == 1
    assert before["size"] < after["size"]
    assert 0 == after["unsealed"]
    assert [after["size"]] * 2 == [row["size"] for row in after["witnesses"]]
    assert [False, True] == sorted(row["here"] for row in after["witnesses"])
    assert "nothing to seal" in does(second, "home seal")
    for each in (first, second):
        assert [] == check_of(each)


def test_an_older_dump_is_found_by_every_machine_that_has_seen_more(shared: Shared):
    """
    Looking tells what is there; an epoch says that it is lost, and then all goes on.
    """
    first, second = shared.first, shared.another("second")
    late = shared.another("late")
    dump = shared.tables()
    shared.moves()
    does(first, "home seal")
    does(second, "balance -p Ann")

    shared.put_back(dump)

    for each in (first, second):
        said = does(each, "balance -p Ann", 19)
        assert "was put back, or lost commits" in said
        assert "hongbao home epoch" in said
        assert "log_rolled_back" in does(each, "topup 1 -p Ann --json", 19)
        assert any("which this machine has seen" in row for row in check_of(each, 19))
    does(late, "balance -p Ann")  # which has seen nothing that is gone
    before = log_of(first)
    assert 1 == before["epoch"]
    [seen] = [row["size"] for row in before["witnesses"] if row["here"]]
    assert (True, "log_rolled_back") == (seen > before["size"], before["refused"]["code"])
    assert "this machine refuses the ledger" in does(first, "home")
    assert log_of(late)["refused"] is None

    asked = does(first, "home epoch", 2)
    assert f"a machine has seen it up to leaf {seen} of epoch 1" in asked
    assert before == log_of(first)
    opened = json.loads(does(first, "home epoch --yes --json"))
    assert 2 == opened["opened"]["epoch"]
    assert 1 == len(opened["abandoned"])

    for each in (first, second, late):
        does(each, "balance -p Ann")
        assert 2 == log_of(each)["epoch"]
        assert [] == check_of(each)
    assert "home_epoch" in does(first, "events")
    assert "no epoch is needed" in does(first, "home epoch --yes", 2)


def test_acts_that_are_lost_are_found_whether_their_seal_is_lost_or_not(shared: Shared):
    """
    With both, a machine refuses the ledger; with the act alone, check names the lanes.
    """
    first = shared.first
    does(first, "topup 5")
    assert 0 == log_of(first)["unsealed"]
    does(first, "check --all")
    before = shared.tables()

    does(first, "topup 7")
    shared.put_back(before)
    assert "was put back, or lost commits" in does(first, "balance", 19)
    does(first, "home epoch --yes --give-up")
    assert "5.00" in does(first, "balance")
    does(first, "check --all")

    before = shared.tables()
    does(first, "topup 7")
    shared.put_back({name: dump for name, dump in before.items() if name not in LOG})
    does(first, "balance")
    torn = {row.split()[1] for row in check_of(first, 19)}
    assert {"profile/1"} < torn
    assert torn == set(json.loads(does(first, "home seal --json"))["torn"])
    opened = json.loads(does(first, "home epoch --yes --json"))
    assert (torn, []) == (set(opened["torn"]), opened["abandoned"])
    does(first, "home repeat --yes")
    assert "12.00" in does(first, "balance")
    does(first, "check --all")


def test_a_device_repeats_what_is_gone_before_it_does_anything_else(shared: Shared):
    """
    Acts that no checkpoint covers yet are found by the device's counter alone.
    """
    first = shared.first
    before = shared.tables()
    ids = [f"r{number}" for number in (1, 2)]
    for each in ids:
        does(first, f"topup 1 --request-id {each}")
    shared.put_back(before)
    memory = first.home / "keys" / "witness"
    memory.unlink()
    does(first, f"home connect {shared.address} --yes")  # as if nothing of it had been sealed

    said = json.loads(first("topup", "5", "--json").err)["error"]
    assert ("acts_lost", 2, "r1") == (said["code"], said["count"], said["request_id"])
    assert "acts_lost" in does(first, "topup 1 --request-id r2 --json", 19)
    assert "hongbao topup 1 --request-id r1 -p Ann" == said["line"]
    assert "`hongbao home repeat`" in does(first, "topup 5", 19)
    does(first, "topup 1 --request-id r1")
    assert "r2" in does(first, "topup 5", 19)
    does(first, "topup 1 --request-id r2")
    does(first, "topup 5")
    assert "7.00" in does(first, "balance")
    does(first, "check --all")


def test_the_loss_of_acts_that_nobody_repeats_is_recorded(shared: Shared):
    """
    By an epoch, which shows them; then their device can act again.
    """
    first = shared.first
    before = shared.tables()
    does(first, "topup 1 --request-id r1")
    shared.put_back(before)
    (first.home / "keys" / "witness").unlink()
    does(first, f"home connect {shared.address} --yes")
    does(first, "topup 5", 19)

    assert "acts that a device here did are gone: 1" in does(first, "home epoch --yes", 2)

    opened = json.loads(does(first, "home epoch --yes --give-up --json"))

    assert [("topup", "r1")] == [(act["act"], act["request_id"]) for act in opened["acts"]]
    does(first, "topup 5")
    assert "no epoch is needed" in does(first, "home epoch --yes --give-up", 2)
    does(first, "check --all")


def test_acts_without_an_answer_and_in_groups_are_kept_until_another_machine_has_seen_them(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    """
    What had no answer counts once the ledger has it; a checkpoint that covers them lets acts go.
    """
    for name, value in shared.environment().items():
        monkeypatch.setenv(name, value)
    with Wallet.open(system_env()) as wallet:
        kept = Kept(wallet.home)
        [device] = kept.counters()
        asked = kept._notes.path(f"asked-{device}")
        for nth in range(1, 9):  # some are of tries at a PIN, or of what a bank does
            with monkeypatch.context() as patched, suppress(OutcomeUnknown):
                patched.setattr(Connection, "commit", unanswered(Connection.commit, nth))
                wallet.topup(100, pin=right, request_id=f"u{nth}")
            if asked.exists():
                break
        assert f"u{nth}" not in requests(kept, device)
        topups = [partial(wallet.topup, 100, pin=right, request_id=f"g{n}") for n in (1, 2)]
        together(wallet.home, topups)
        wallet.topup(100, pin=right, request_id="last")
        found = requests(kept, device)
        assert {f"u{nth}", "g1", "g2", "last"} < {each.partition("/")[0] for each in found}

    monkeypatch.setattr("hongbao.home.kept._BYTES", 1)
    second = shared.another("second")
    with Wallet.open(system_env()) as wallet:
        kept = Kept(wallet.home)
        wallet.topup(100, pin=right, request_id="later")
        wallet.seal()  # marks
        wallet.seal()
        assert found < requests(kept, device)  # the other machine has not looked yet
        does(second, "balance -p Ann")
        wallet.topup(100, pin=right, request_id="newest")
        wallet.seal()
        left = requests(kept, device)
        assert not found & left
        assert any("newest" in each for each in left)
        assert not kept.gone(device)


def requests(kept: Kept, device: int) -> set[str]:
    return {act.request for act in kept._acts_in(f"acts-{device}")}


def unanswered(commit: Callable[[Any], None], nth: int) -> Callable[[Any], None]:
    """Let the answer to the *nth* COMMIT be lost."""
    counted = count(1)

    def committed(connection: Any) -> None:
        commit(connection)
        if next(counted) == nth:
            raise OperationalError(2013, "lost")

    return committed


def test_a_head_that_no_epoch_names_is_named_by_a_further_one(shared: Shared):
    """
    Of a machine that nobody could ask when the first epoch was opened.
    """
    first, second = shared.first, shared.another("second")
    does(second, "device add laptop -p Ann")
    does(first, "device approve laptop")
    dump = shared.tables()
    shared.moves("packet/1")
    does(second, "home seal")
    shared.put_back(dump)
    shared.moves("packet/2", bytes([9]) * 32)
    does(first, "home seal")  # another history of the same length
    assert "has another history" in does(second, "balance -p Ann", 19)
    shared.put_back(dump)
    assert "was put back" in does(first, "balance", 19)

    does(first, "home epoch --yes")

    assert "log_unaccounted" in does(second, "balance -p Ann --json", 19)
    assert "no epoch is needed" in does(first, "home epoch --yes", 2)
    opened = json.loads(does(second, "home epoch --yes -p Ann --json"))
    assert 3 == opened["opened"]["epoch"]
    for each in (first, second):
        does(each, "balance -p Ann")
        assert [] == check_of(each)


def test_an_operator_answers_for_an_epoch_once_there_is_one(shared: Shared):
    """
    With a PIN of their own; it is among what operators did.
    """
    first = shared.first
    pin = shared.folder / "operator.pin"
    pin.write_text("864209\n")
    does(first, f"operator add Wu --new-pin-file {pin}")
    shared.moves("packet/8")
    does(first, "home seal")
    shared.sql(
        "UPDATE lane SET head = reverse(head) WHERE name = 'packet/8'",
        "UPDATE lane_entry SET mac = reverse(mac) WHERE lane = 'packet/8'",
    )

    assert "operator" in does(first, "home epoch --yes", 2)
    does(first, f"home epoch --yes --operator Wu --pin-file {pin}")

    assert "home_epoch" in does(first, "operator log")
    assert [] == check_of(first)


def test_a_lane_that_lost_what_was_sealed_is_named_until_an_epoch_accounts_for_it(shared: Shared):
    """
    The log itself is consistent then, so every machine takes it; check names the lane.
    """
    first = shared.first
    shared.moves("packet/8")
    shared.moves("packet/9")
    does(first, "home seal")
    assert [] == check_of(first)

    shared.sql("DELETE FROM lane WHERE name = 'packet/8'")
    shared.sql("DELETE FROM lane_entry WHERE lane = 'packet/8'")

    assert ["lane packet/8 is torn"] == [row.partition(":")[0] for row in check_of(first, 19)]
    assert "packet/8" in json.loads(does(first, "home seal --json"))["torn"]
    opened = json.loads(does(first, "home epoch --yes --json"))
    assert (["packet/8"], []) == (opened["torn"], opened["abandoned"])
    assert [] == check_of(first)
    assert [] == json.loads(does(first, "home seal --json"))["torn"]


_SECOND = "size = (SELECT * FROM (SELECT min(size) FROM checkpoint WHERE size > 1) AS second)"

CHANGED = {
    "UPDATE leaf SET content = concat(content, ' ') WHERE number = 1": "leaf 1/1: ",
    "DELETE FROM leaf WHERE number = 1": "leaf 1/1: ",
    "UPDATE node SET hash = reverse(hash) WHERE place = 1": "tile/0/000.p/",
    "DELETE FROM node WHERE place = 1": "tile/0/000.p/",
    f"UPDATE checkpoint SET root = reverse(root) WHERE {_SECOND}": "not what its leaves give",
    f"UPDATE checkpoint SET seal = reverse(seal) WHERE {_SECOND}": "not what its leaves give",
    "INSERT INTO checkpoint VALUES (1, 77, repeat('x', 32), '')": "checkpoint 1/77: ",
    "UPDATE sealed_lane SET upto = upto + 1 WHERE lane = 'packet/8'": "lane packet/8: ",
    "UPDATE lane_entry SET mac = reverse(mac) WHERE lane = 'packet/8'": "lane packet/8 is torn",
    "UPDATE log SET seal = reverse(seal)": "not sealed by this wallet",
    "DELETE FROM log": "is missing",
}
"""Changes of a row, each with what `check` names then."""


def test_a_row_that_was_changed_is_named(shared: Shared):
    """
    By check, on any machine.
    """
    for number in (8, 9):
        shared.moves(f"packet/{number}", bytes(range(number, number + 32)))
        does(shared.first, "home seal")
    assert [] == check_of(shared.first)
    before = shared.tables()

    for change, named in CHANGED.items():
        shared.sql(change)
        assert any(named in row for row in check_of(shared.first, 19)), change
        shared.put_back({table: before[table] for table in (*LOG, "lane_entry")})
    assert [] == check_of(shared.first)


FOREIGN = (
    "UPDATE log SET size = size + 1",
    "UPDATE log SET root = reverse(root)",
    "UPDATE log SET seal = reverse(seal)",
    "UPDATE log SET name = '0123456789abcdef'",
    f"INSERT INTO log VALUES (2, '0123456789abcdef', 1, X'{'00' * 32}', X'{'00' * 32}', 0)",
)


def test_a_checkpoint_that_no_sealer_wrote_is_refused(shared: Shared):
    """
    By the seal of its row, which the administrator of the database cannot make.
    """
    shared.moves()
    does(shared.first, "home seal")
    before = shared.tables()

    for change in FOREIGN:
        shared.sql(change)
        for line in ("balance", "topup 1", "home seal"):
            assert "was not written by this wallet" in does(shared.first, line, 19), change
        shared.put_back({"log": before["log"]})
    shared.sql("DELETE FROM log")
    assert "was put back" in does(shared.first, "balance", 19)
    shared.put_back({table: before[table] for table in LOG})
    does(shared.first, "balance")


DAMAGED = (
    "DELETE FROM leaf WHERE epoch = EPOCH AND number = 0",
    "UPDATE leaf SET content = reverse(content) WHERE epoch = EPOCH AND number = 1",
    "UPDATE node SET hash = reverse(hash) WHERE epoch = EPOCH AND level = 0 AND place = 0",
    "DELETE FROM node",
    "UPDATE log SET root = reverse(root) WHERE epoch = EPOCH",
    "DELETE FROM checkpoint WHERE size > 1; UPDATE log SET seal = reverse(seal)",
)


def test_an_epoch_abandons_a_log_that_is_damaged(shared: Shared):
    """
    It keeps nothing of it, names what was seen, and seals every lane from the beginning.
    """
    first, second = shared.first, shared.another("second")
    for epoch, change in enumerate(DAMAGED, 2):
        does(first, "topup 5")
        does(second, "balance -p Ann")
        shared.sql(*change.replace("EPOCH", str(epoch - 1)).split("; "))

        assert "the ledger's log is damaged" in does(first, "home epoch", 2)
        opened = json.loads(does(first, "home epoch --yes --json"))

        assert (None, epoch) == (opened["kept"], opened["opened"]["epoch"])
        assert opened["abandoned"]
        does(second, "balance -p Ann")
        does(second, "home seal")
        does(first, "topup 5")
        for each in (first, second):
            assert [] == check_of(each)
            assert "no epoch is needed" in does(each, "home epoch --yes -p Ann", 2)


def test_a_lane_that_nobody_sealed_is_found_by_the_next_command(shared: Shared):
    """
    However long ago that was: each machine knows up to when it has compared all lanes.
    """
    first = shared.first
    shared.moves("packet/7")
    ago = int(time.time() * 1e6) - 3_600_000_000
    shared.sql(f"UPDATE lane SET at = {ago} WHERE name = 'packet/7'")

    does(first, "topup 1")
    assert 1 == unsealed(shared)  # this machine did something since
    (first.home / "keys" / "compared").write_text(f"{ago + 1_000_000:020}\n")
    does(first, "topup 1")
    assert 0 == unsealed(shared)

    shared.moves("packet/8")
    shared.sql(f"UPDATE lane SET at = {ago} WHERE name = 'packet/8'")
    (first.home / "keys" / "compared").unlink()
    assert 1 == log_of(first)["unsealed"]
    does(first, "topup 1")
    assert 0 == unsealed(shared)


def unsealed(shared: Shared) -> int:
    """Return how many lanes are not sealed as they are."""
    ((count,),) = shared.sql(
        "SELECT count(*) FROM lane LEFT JOIN sealed_lane AS was ON was.lane = lane.name"
        " WHERE was.lane IS NULL OR was.head <> lane.head"
    )
    return int(count)


def test_a_memory_that_is_gone_is_not_begun_again_by_itself(shared: Shared):
    """
    Nor where it is an older copy; a person accepts what is there, and it is another witness.
    """
    first = shared.first
    memory = first.home / "keys" / "witness"
    old, name = memory.read_bytes(), log_of(first)["witnesses"][0]["witness"]
    shared.moves()
    does(first, "home seal")

    memory.write_bytes(old)
    assert "is gone, or is an older copy" in does(first, "balance", 19)
    memory.unlink()
    assert "is gone, or is an older copy" in does(first, "topup 1", 19)
    assert any("is gone" in row for row in check_of(first, 19))
    assert "witness_lost" in does(first, f"home connect {shared.address} --json", 19)
    does(first, f"home connect {shared.address} --yes")

    does(first, "topup 1")
    rows = log_of(first)["witnesses"]
    assert [False] == [row["here"] for row in rows if row["witness"] == name]
    assert 2 == len(rows)


@pytest.mark.slow
def test_a_sealer_runs_until_it_is_stopped(shared: Shared):
    """
    Two do no harm; each prints what it has added, and ends with the step that it is at.
    """
    running = [
        subprocess.Popen(
            [*COMMAND, "home", "seal", "--every", "1s", "--json"],
            env=shared.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for number in range(3):
            shared.moves(f"packet/{number}", bytes([number]) * 32)
            time.sleep(1)
        until = time.monotonic() + 20
        while log_of(shared.first)["unsealed"] and time.monotonic() < until:
            time.sleep(0.2)
        for each in running:
            each.send_signal(signal.SIGTERM)
        said = [each.communicate(timeout=20) for each in running]
    finally:
        for each in running:
            each.kill()

    assert [(0, ""), (0, "")] == [
        (each.returncode, err) for each, (_out, err) in zip(running, said, strict=True)
    ]
    steps = [json.loads(line) for out, _err in said for line in out.splitlines()]
    assert {"epoch", "size", "root", "leaves", "torn"} <= steps[0].keys()
    assert 0 == log_of(shared.first)["unsealed"]
    assert [] == check_of(shared.first)


@pytest.mark.slow
def test_a_step_that_is_killed_anywhere_is_done_or_not(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    """
    At each statement of it, and around each write of what the machine remembers.
    """
    for name, value in shared.environment().items():
        monkeypatch.setenv(name, value)
    env = system_env()

    def seal() -> None:
        with Wallet.open(env) as wallet:
            wallet.seal()

    sizes = [log_of(shared.first)["size"]]
    for step in range(1, 200):
        shared.moves(f"packet/{step}", bytes([step]) * 32)

        def body(step: int = step) -> None:
            watch(step, everywhere=True)
            seal()

        was_killed = run(body) == -signal.SIGKILL
        seal()
        sizes.append(log_of(shared.first)["size"])
        if not was_killed:
            break
    assert len(sizes) > 15
    assert [1] * (len(sizes) - 1) == [after - before for before, after in pairwise(sizes)]
    for number in range(50):
        shared.moves("packet/last", bytes([number]) * 32)
        if not killed_at(number, seal):
            break
        seal()
    assert number > 3
    assert [] == check_of(shared.first)


@pytest.mark.slow
def test_of_two_sides_that_wrote_apart_an_epoch_says_which_is_left(sites: Cluster, tmp_path: Path):
    """
    A site was only cut off, and an operator let it write: the machine there refuses what is left.
    """
    shared = Shared(sites, sites.create_database("hongbao_two_sides"), tmp_path)
    first, second = shared.first, shared.another("second")
    does(second, "device add laptop -p Ann")
    does(first, "device approve laptop")
    cut = sites.nodes[2]
    there = f"mysql://{OWNER}@{cut.host}:{cut.port}/{shared.database}"
    does(second, f"home connect {there}")
    try:
        sites.part(cut.site)
        until_size(sites.nodes[0], 2)
        until = time.monotonic() + 60
        while cut.look().is_primary:
            assert time.monotonic() < until
            time.sleep(0.2)
        sites.take_over(cut)
        shared.moves("packet/1", bytes([1]) * 32)
        does(first, "home seal")
        shared.moves("packet/2", bytes([2]) * 32, at=2)
        shared.moves("packet/3", bytes([3]) * 32, at=2)
        does(second, "home seal")
        assert log_of(second)["size"] != log_of(first)["size"]

        sites.heal(discard=cut.site)

        assert "log_rolled_back" in does(second, "balance -p Ann --json", 19)
        does(first, "balance")
        does(second, "home epoch --yes -p Ann")
        for each in (first, second):
            does(each, "balance -p Ann")
            assert 2 == log_of(each)["epoch"]
            assert [] == check_of(each)
    finally:
        sites.mend()


def test_the_log_is_written_for_programs_that_verify_such_logs(shared: Shared, tmp_path: Path):
    """
    Every epoch; again where it has grown; and not over another log.
    """
    first, folder = shared.first, tmp_path / "log"
    dump = shared.tables()
    shared.moves()
    does(first, "home seal")
    shared.put_back(dump)
    does(first, "home epoch --yes")

    said = json.loads(does(first, f"home log {folder} --json"))

    assert (2, 2) == (said["epoch"], said["epochs"])
    assert 0 == log_of(first)["unsealed"]
    size = said["size"]
    shared.moves("packet/9")
    does(first, "home seal")
    said = json.loads(does(first, f"home log {folder} --json"))
    assert size < said["size"]
    text = ""
    for epoch in (1, 2):
        place = folder / f"epoch-{epoch}"
        text = (place / "checkpoint").read_text().partition("\n\n")[0] + "\n"
        head = parse_checkpoint(text)
        hashes = (place / Tile(0, 0, head.size).path).read_bytes()
        entries = (place / Tile(0, 0, head.size).entries_path).read_bytes()
        edge = Edge()
        for leaf in unbundled(entries):
            edge.append(leaf)
        assert (head.size, head.root) == (edge.size, edge.root())
        assert hashes[:32] == leaf_hash(unbundled(entries)[0])
    name, number, key = said["key"].split("+", 2)
    assert (name, b"\x01") == (text.partition("\n")[0], base64.b64decode(key)[:1])
    public = Key(name, base64.b64decode(key)[1:])
    assert number == public.id.hex()
    note = (folder / "epoch-2" / "checkpoint").read_bytes()
    assert 2 == note.count(b"\xe2\x80\x94")  # the wallet's signature, and the machine's
    assert text == opened(note, [public], signature_fits)[0]
    assert "inside_home" in does(first, f"home log {first.home}/data/log --json", 2)
    (folder / "epoch-1" / "checkpoint").write_text("another/log\n")
    assert "file_exists" in does(first, f"home log {folder} --json", 2)


def test_statements_and_receipts_name_the_newest_checkpoint(shared: Shared, tmp_path: Path):
    """
    And a ledger whose log does not continue it has another history than they were signed in.
    """
    first, statement, receipt = shared.first, tmp_path / "it.csv", tmp_path / "it.json"
    does(first, "topup 5")
    dump = shared.tables()
    shared.moves()
    does(first, "home seal")
    seen = log_of(first)
    does(first, f"export -o {statement}")
    does(first, f"receipt last -o {receipt}")

    named = json.loads(receipt.read_text())["checkpoint"].splitlines()
    assert [seen["origin"], str(seen["size"])] == named[:2]
    assert seen["root"] == base64.b64decode(named[2]).hex()
    for file in (statement, receipt):
        does(first, f"verify-statement {file}")
    shared.put_back(dump)
    shared.moves("packet/1", bytes([9]) * 32)
    memory = first.home / "keys" / "witness"
    memory.unlink()
    does(first, f"home connect {shared.address} --yes")  # as a machine that has seen nothing
    for file in (statement, receipt):
        assert "other_history" in does(first, f"verify-statement {file} --json", 19)


def unbundled(content: bytes) -> list[bytes]:
    found = []
    while content:
        length = 2 + int.from_bytes(content[:2], "big")
        found.append(content[2:length])
        content = content[length:]
    return found


@pytest.mark.slow
def test_go_reads_a_log_that_was_written(verifier: Path, shared: Shared, tmp_path: Path):
    """
    Its packages for transparency logs take our checkpoint and tiles, and prove leaves by them.
    """
    macs = [f"X'{bytes([number % 256] * 32).hex()}'" for number in range(300)]
    shared.sql(
        "INSERT INTO lane (name, upto, head, entry, at) VALUES"
        + ", ".join(f"('packet/{n}', 1, {mac}, 1, 1)" for n, mac in enumerate(macs)),
        "INSERT INTO lane_entry VALUES"
        + ", ".join(f"('packet/{n}', 1, 1, {mac})" for n, mac in enumerate(macs)),
    )
    does(shared.first, "home seal")
    said = json.loads(does(shared.first, f"home log {tmp_path}/log --json"))
    folder, size = tmp_path / "log" / "epoch-1", said["size"]
    head = Checkpoint(parse_origin(said["key"].split("+")[0]), size, bytes.fromhex(said["root"]))
    nodes = Tiles(size, lambda tile: (folder / tile.path).read_bytes())
    leaves = [
        leaf
        for tile in tiles_of(size)
        if tile.level == 0
        for leaf in unbundled((folder / tile.entries_path).read_bytes())
    ]
    proofs = {
        "Inclusion": [
            {
                "Index": index,
                "Size": size,
                "Root": base64.b64encode(head.root).decode(),
                "Leaf": base64.b64encode(leaves[index]).decode(),
                "Proof": [
                    base64.b64encode(part).decode() for part in inclusion_proof(index, size, nodes)
                ],
            }
            for index in (0, 255, 256, size - 1)
        ],
        "Consistency": [],
    }
    (folder / "proofs.json").write_text(json.dumps(proofs))
    public = base64.b64encode(base64.b64decode(said["key"].split("+", 2)[2])[1:]).decode()

    done = subprocess.run(
        [str(verifier), str(folder), public], check=False, capture_output=True, text=True
    )

    assert f"{size} 4 0\n" == done.stdout, done.stderr
