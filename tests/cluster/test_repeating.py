"""Acts that a cluster has lost are presented again, by `hongbao home repeat`: each once."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hongbao.cli import main
from hongbao.commands.caller import Caller
from hongbao.domain.identity import BANKS, demo_card_number
from hongbao.env import system_env
from hongbao.errors import ActsLost, Interrupted, RequestConflict
from hongbao.wallet import Wallet
from hongbao.wallet.group import together
from tests.cli.shell import COMMAND, Shell
from tests.cluster.nodes import OWNER, Cluster
from tests.cluster.test_machines import does
from tests.cluster.test_sealing import Shared
from tests.vault.processes import killed_at
from tests.wallet.world import right

pytestmark = pytest.mark.cluster


@pytest.fixture
def shared(one_node: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    mark = hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    database = one_node.create_database(f"hongbao_repeating_{mark}")
    return Shared(one_node, database, tmp_path)


def lost(shell: Shell, who: str = "Ann") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.answers("home", "-p", who)["lost"]
    return found


def fen(shell: Shell, who: str = "Ann") -> int:
    return int(shell.answers("balance", "-p", who)["available_fen"])


def with_bob(shared: Shared) -> Shell:
    """Let a second machine join, and Bob be at home there."""
    second = shared.another("second")
    does(second, "init Bob")
    return second


LOST = ("topup 20 --request-id r1", "send 8 --request-id r2", "withdraw 5 --request-id r3")


def bereft(shared: Shared) -> Shell:
    """Let the cluster lose acts of the first machine, and record that."""
    first = shared.first
    does(first, "topup 50")
    dump = shared.tables()
    for line in LOST:
        does(first, line)
    shared.put_back(dump)
    does(first, "home epoch --yes")
    return first


LATER = """
import sys
from datetime import UTC, datetime, timedelta
from hongbao.commands import caller
from hongbao.env import system_env
later = lambda: datetime.now(UTC) + timedelta(hours=4)
vars(caller)["system_env"] = lambda: system_env()._replace(now=later)
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""
"""hongbao, when a PIN is no longer locked."""


def test_two_machines_repeat_what_was_lost_once_an_epoch_is_open(shared: Shared):
    """
    In the order of then, under the same ids, by PINs that are asked for again; the packet has the
    id that people know, so a claim from another machine finds it.
    """
    first, second = shared.first, with_bob(shared)
    does(first, "topup 50")
    dump = shared.tables()
    does(first, "topup 20 --request-id r1")
    packet = first.sends("8", "--count", "2")
    does(second, f"claim {packet} -p Bob --request-id r3")
    does(first, "withdraw 5")
    before = fen(first)
    shared.put_back(dump)

    assert "log_rolled_back" in does(first, "home repeat --json", 19)
    hint = "repeat the acts that are gone: `hongbao home repeat`"
    assert hint in does(first, "home epoch --yes")
    assert "acts_lost" in does(first, "topup 1 --json", 19)
    assert "log_unaccounted" in does(second, "home repeat --yes -p Bob --json", 19)
    does(second, "home epoch --yes -p Bob")
    assert "acts_lost" in does(second, f"claim {packet} -p Bob --json", 19)
    asked = first("home", "repeat", "--yes", HONGBAO_PIN_FILE="")
    assert 2 == asked.code, asked
    assert "payment PIN" in asked.err
    assert 3 == len(lost(first))

    does(first, "home repeat --yes")

    assert [] == lost(first)
    assert before == fen(first)
    answer = second.answers("home", "repeat", "--yes", "-p", "Bob")
    assert (1, packet) == (answer["done"], answer["acts"][0]["answer"]["packet"])
    for each, who in ((first, "Ann"), (second, "Bob")):
        assert "no act of this machine is missing" in does(each, f"home repeat -p {who}")
        does(each, f"check --all -p {who}")
        does(each, f"claim {packet} -p Ann", 0 if each is first else 16)
    assert 5_000 + 2_000 - 800 - 500 < fen(first)


def test_what_is_refused_now_is_told_listed_and_keeps_nothing_else_from_being_done(shared: Shared):
    """
    It can be repeated later, or its loss is recorded.
    """
    first = shared.first
    does(first, "topup 50")
    dump = shared.tables()
    does(first, "withdraw 40 --request-id r1")
    does(first, "send 8 --request-id r2")
    packet = first.sends("1", "--request-id", "r3")
    keys = {file: file.read_bytes() for file in (first.home / "keys").glob("acts-*")}
    shared.put_back(dump)
    does(first, "home epoch --yes --give-up")
    does(first, "withdraw 45 --request-id other")
    for file, content in keys.items():  # as if the money had gone from another machine
        file.write_bytes(content)

    code, error = first.refuses("home", "repeat", "--yes")

    assert (19, "acts_refused", 2, 1) == (code, error["code"], error["refused"], error["done"])
    refused = {a["request_id"]: a["refused"]["code"] for a in error["acts"] if not a["done"]}
    assert {"r1": "insufficient_balance", "r2": "insufficient_balance"} == refused
    assert ["r1", "r2"] == [act["request_id"] for act in lost(first)]
    assert "hb_" in packet
    assert "lost acts of this machine: 2" in does(first, "home")
    does(first, "topup 40")
    assert "acts_refused" in does(first, "home repeat --yes --json", 19)
    assert ["r2"] == [act["request_id"] for act in lost(first)]
    does(first, "home epoch --yes", 2)

    recorded = json.loads(does(first, "home epoch --yes --give-up --json"))

    assert [act["request_id"] for act in recorded["acts"]] == ["r2"]
    assert [] == lost(first)
    does(first, "topup 1")
    does(first, "check --all")


def test_what_is_presented_has_to_be_what_was_lost(shared: Shared, monkeypatch: pytest.MonkeyPatch):
    """
    Under its id nothing else is done; and what has no command of its own is left to its program.
    """
    first = shared.first
    known(shared, monkeypatch)
    does(first, "topup 50")
    dump = shared.tables()
    with Wallet.open(system_env()) as wallet:
        wallet.topup(100, pin=right, request_id="p1")
    does(first, "topup 2 --request-id r2")
    does(first, "device add tablet")
    shared.put_back(dump)
    does(first, "home epoch --yes")

    with Wallet.open(system_env()) as wallet, pytest.raises(ActsLost):
        wallet.topup(200, pin=right, request_id="p9")
    with Wallet.open(system_env()) as wallet, pytest.raises(RequestConflict):
        wallet.topup(200, pin=right, request_id="p1")
    code, error = first.refuses("home", "repeat", "--yes")
    assert (19, 1, 2) == (code, error["refused"], error["done"])
    assert "not_repeatable" == error["acts"][0]["refused"]["code"]
    assert "request_conflict" in does(first, "topup 2 --request-id p1 --json", 18)
    with Wallet.open(system_env()) as wallet:
        wallet.topup(100, pin=right, request_id="p1")
    assert [] == lost(first)
    assert 5_300 == fen(first)


def known(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shared.environment().items():
        monkeypatch.setenv(name, value)


def test_groups_that_go_past_what_is_gone_leave_it_to_be_found(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    """
    A service's claims are not held up by an act that was lost; its device still presents it.
    """
    first = shared.first
    known(shared, monkeypatch)
    dump = shared.tables()
    does(first, "topup 1 --request-id r1")
    shared.put_back(dump)
    does(first, "home epoch --yes")
    for gap in (first.home / "keys").glob("gap-*"):
        gap.unlink()

    with Wallet.open(system_env()) as wallet:
        topups = [partial(wallet.topup, 100, pin=right, request_id=f"g{n}") for n in range(4)]
        assert all(isinstance(each, dict) for each in together(wallet.home, topups))

    assert "acts_lost" in does(first, "topup 1 --json", 19)
    does(first, "home repeat --yes")
    assert 500 == fen(first)
    does(first, "topup 1")


def test_a_later_checkpoint_does_not_let_go_of_what_is_gone(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    """
    Its number is covered, and it is not in it.
    """
    first = shared.first
    known(shared, monkeypatch)
    monkeypatch.setattr("hongbao.home.kept._BYTES", 1)
    dump = shared.tables()
    for number in (1, 2, 3):
        does(first, f"topup 1 --request-id r{number}")
    shared.put_back(dump)
    does(first, "home epoch --yes")

    with Wallet.open(system_env()) as wallet:
        for _ in range(4):  # marks, and lets go
            wallet.seal()

    assert ["r1", "r2", "r3"] == [act["request_id"] for act in lost(first)]


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_a_repeat_that_is_killed_anywhere_is_done_once_when_it_is_run_again(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, part: int
):
    """
    Money moves once: what the ledger has by then is not presented any more.
    """
    first = shared.first
    known(shared, monkeypatch)
    dump = shared.tables()
    does(first, "topup 7 --request-id r1")
    does(first, "send 2 --request-id r2")
    shared.put_back(dump)
    does(first, "home epoch --yes")

    repeating: Callable[[], Any] = partial(main, ["home", "repeat", "--yes"])
    assert killed_at(20 + 7 * part, repeating)
    killed_at(50 + 11 * part, repeating)
    killed_at(35 + 5 * part, repeating)

    does(first, "home repeat --yes")
    assert [] == lost(first)
    assert 500 == fen(first)
    does(first, "check --all")


def test_the_file_that_is_named_now_has_the_pin_and_not_the_one_of_then(
    shared: Shared, tmp_path: Path
):
    """
    The line of then may name one that is gone, or that another folder had.
    """
    first, then = shared.first, tmp_path / "then"
    then.write_text(f"{first.pin}\n")
    before, dump = fen(first), shared.tables()
    does(first, f"topup 20 --pin-file {then}")
    shared.put_back(dump)
    does(first, "home epoch --yes")
    then.unlink()
    (tmp_path / "now").write_text(f"{first.pin}\n")

    does(first, f"home repeat --yes --pin-file {tmp_path}/now")

    assert (before + 2_000, []) == (fen(first), lost(first))


def test_a_pin_that_is_wrong_or_locked_stops_before_the_first_act(shared: Shared, tmp_path: Path):
    """
    That says nothing of the acts: all stay listed, without a refusal, and are done when it is over.
    """
    first, wrong = bereft(shared), tmp_path / "wrong"
    wrong.write_text("135790\n")

    codes = [first.refuses("home", "repeat", "--yes", "--pin-file", str(wrong)) for _ in range(6)]
    locked = first.refuses("home", "repeat", "--yes")

    assert [*["wrong_pin"] * 4, "pin_locked", "pin_locked"] == [code["code"] for _, code in codes]
    assert (14, "pin_locked") == (locked[0], locked[1]["code"])
    assert [None] * 3 == [act["refused"] for act in lost(first)]
    assert 5_000 == fen(first)
    later = first.run([sys.executable, "-c", LATER, "home", "repeat", "--yes"])
    assert 0 == later.code, later
    assert (5_700, []) == (fen(first), lost(first))


def test_a_wallet_that_is_locked_repeats_nothing_before_it_is_opened(
    shared: Shared, tmp_path: Path
):
    first, phrase, other = bereft(shared), tmp_path / "phrase", tmp_path / "other"
    phrase.write_text("seven wet umbrellas 42\n")
    other.write_text("seven dry umbrellas 42\n")
    does(first, f"lock --passphrase-file {phrase}")

    assert 20 == first("home", "repeat", "--yes").code
    assert 20 == first("home", "repeat", "--yes", HONGBAO_PASSPHRASE_FILE=str(other)).code
    opened = {"HONGBAO_PASSPHRASE_FILE": str(phrase)}
    said = first("home", "repeat", "--yes", **opened)

    assert "repeated lost acts: 3 · none is missing now" in said.out
    assert first("balance", **opened).out.startswith("57.00\t")


@pytest.mark.parametrize(("done", "said"), [(0, "nothing was changed"), (1, "in whole or in part")])
def test_ctrl_c_at_a_later_act_does_not_say_that_nothing_was_changed(
    shared: Shared,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    done: int,
    said: str,
):
    first = bereft(shared)
    known(shared, monkeypatch)
    asked: list[object] = []

    def confirm(*question: object) -> None:
        asked.append(question)
        if len(asked) > done:
            raise Interrupted

    monkeypatch.setattr(Caller, "confirm", confirm)

    assert 130 == main(["home", "repeat"])
    assert said in capsys.readouterr().err
    assert 3 - done == len(lost(first))


def test_a_device_that_was_removed_since_repeats_nothing(shared: Shared):
    """
    Its acts stay listed; with another device on that machine their loss can be recorded.
    """
    second = shared.another("second")
    does(second, "device add laptop -p Ann")
    does(shared.first, "device approve laptop")
    first = bereft(shared)
    does(second, "device remove Ann-1 -p Ann")

    code, error = first.refuses("home", "repeat", "--yes")
    refused = {act["refused"]["code"] for act in error["acts"]}

    assert (19, 0, {"device_not_enrolled"}) == (code, error["done"], refused)
    assert ["r1", "r2", "r3"] == [act["request_id"] for act in lost(first)]
    assert 5_000 == fen(second)
    does(first, "home epoch --yes --give-up")
    assert [] == lost(first)
    does(first, "device add again -p Ann")
    does(second, "device approve again -p Ann")
    does(first, "topup 1")
    does(second, "check --all -p Ann")


def test_a_machine_whose_device_was_lost_with_its_acts_gets_it_back(shared: Shared):
    """
    It cannot add one before it has an epoch, so that takes no device. Then both repeat what they
    did, in turns: the device is added, approved, and has topped up.
    """
    first = shared.first
    does(first, "topup 50")
    dump = shared.tables()
    second = shared.another("second")
    does(second, "device add laptop -p Ann")
    does(first, "device approve laptop")
    does(second, "topup 5 -p Ann --request-id s1")
    shared.put_back(dump)

    assert 19 == second("device", "add", "laptop", "-p", "Ann").code
    for each in (first, second):
        does(each, "home epoch --yes -p Ann")
    waiting = second.refuses("home", "repeat", "--yes", "-p", "Ann")
    assert (1, 1) == (waiting[1]["done"], waiting[1]["refused"])
    does(first, "home repeat --yes")
    does(second, "home repeat --yes -p Ann")

    assert [] == lost(first) + lost(second)
    assert 5_500 == fen(first)
    for each in (first, second):
        does(each, "check --all -p Ann")


def test_a_profile_that_was_lost_is_made_by_hand_and_repeats_the_rest(shared: Shared):
    """
    Another profile records the loss, since this one has no PIN any more.
    """
    dump = shared.tables()
    second = with_bob(shared)
    does(second, f"card add {demo_card_number(BANKS[0], 1)} -p Bob")
    does(second, "topup 5 -p Bob")
    shared.put_back(dump)

    does(second, "home epoch --yes -p Ann")
    code, error = second.refuses("home", "repeat", "--yes", "-p", "Ann")
    refused = [act["refused"]["code"] for act in error["acts"]]
    assert (19, ["not_repeatable", *["profile_not_found"] * 2]) == (code, refused)
    does(second, "init Bob")
    does(second, "home repeat --yes -p Bob", 19)

    assert ["init"] == [act["act"] for act in lost(second, "Bob")]
    assert 500 == fen(second, "Bob")
    does(second, "home epoch --yes --give-up -p Bob")
    does(second, "check --all -p Bob")


def test_a_login_that_was_lost_is_repeated_first(one_node: Cluster, tmp_path: Path):
    """
    The device was logged out for safety before it; the ledger can be used again all the same.
    """
    database = one_node.create_database("hongbao_repeating_login")
    shared = Shared(one_node, database, tmp_path, "--demo")
    first = shared.first
    does(first, "topup 50")
    does(first, "device fault Ann-1 forge")
    does(first, "topup 1", 16)
    dump = shared.tables()
    does(first, "device login")
    for line in LOST:
        does(first, line)
    shared.put_back(dump)

    does(first, "home epoch --yes")
    does(first, "home repeat --yes")

    assert (5_700, []) == (fen(first), lost(first))
    does(first, "check --all")


@pytest.mark.slow
def test_three_machines_at_three_nodes_repeat_at_once(galera: Cluster, tmp_path: Path):
    """
    One of the nodes is killed meanwhile. What depends on another machine's act is done by a later
    run; in the end each act is there once, and no fen more or less.
    """
    database = galera.create_database("hongbao_repeating_thrice")
    shared = Shared(galera, database, tmp_path)
    hosts = galera.addresses(user=OWNER, database=database).rpartition("@")[2].partition("/")[0]
    order = hosts.split(",")
    machines = {"Ann": shared.first, "Bob": shared.another("b"), "Cyd": shared.another("c")}
    for number, (who, machine) in enumerate(machines.items()):
        turned = ",".join([*order[number:], *order[:number]])
        does(machine, f"home connect mysql://{OWNER}@{turned}/{database}")
        if who != "Ann":
            does(machine, f"init {who}")
            does(machine, f"card add {demo_card_number(BANKS[0], number)} -p {who}")
        does(machine, f"topup 50 -p {who}")
    dump = shared.tables()
    packet = machines["Ann"].sends("9", "--count", "3")
    claims = [f"claim {packet} -p {who} --request-id {who}-1" for who in machines]
    for who, line in zip(machines, claims, strict=True):
        does(machines[who], line)
        does(machines[who], f"topup 1 -p {who} --request-id {who}-2")
        does(machines[who], f"withdraw 2 -p {who} --request-id {who}-3")
    held = sum(fen(machine, who) for who, machine in machines.items())
    shared.put_back(dump)
    for who, machine in machines.items():
        assert machine("home", "epoch", "--yes", "-p", who).code in (0, 2)  # 2: it was named

    left, killed = dict(machines), False
    until = time.monotonic() + 120
    while left:
        assert time.monotonic() < until
        running = {who: repeating(machine, who) for who, machine in left.items()}
        if not killed:
            time.sleep(0.5)
            galera.nodes[2].kill()
            killed = True
        for who, process in running.items():
            _out, err = process.communicate(timeout=60)
            assert "Traceback" not in err
            if process.returncode == 0:
                del left[who]

    assert held == sum(fen(machine, who) for who, machine in machines.items())
    galera.start(galera.nodes[2])
    galera.wait_whole()
    for who, machine in machines.items():
        assert [] == lost(machine, who)
        does(machine, f"check --all -p {who}")
    done = shared.sql("SELECT request_id FROM entry WHERE request_id REGEXP '^(Ann|Bob|Cyd)-'")
    assert sorted(done) == sorted((f"{who}-{n}",) for who in machines for n in (1, 2, 3))


def repeating(machine: Shell, who: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "home", "repeat", "--yes", "-p", who],
        env=machine.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
