"""Acts that a cluster has lost are presented again, by `hongbao home repeat`: each once."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hongbao.cli import main
from hongbao.env import system_env
from hongbao.errors import ActsLost, RequestConflict
from hongbao.wallet import Wallet
from hongbao.wallet.group import together
from tests.cli.shell import Shell
from tests.cluster.nodes import Cluster
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
