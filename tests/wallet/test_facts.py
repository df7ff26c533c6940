"""Every kind of act that there is, and that its entry gives again what it was answered with."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.cases import Verb
from hongbao.domain.facts import SHAPES, as_text, pack, read, unpack
from hongbao.domain.pin import Pin
from hongbao.home.opened import Home
from hongbao.render import render, render_read
from hongbao.wallet import unit_of_work
from hongbao.wallet.machines import note_use
from hongbao.wallet.operators import By
from hongbao.wallet.repair import repair
from hongbao.wallet.restoring import restore
from hongbao.wallet.unit_of_work import perform_step
from tests.wallet import test_check, test_check_channel, test_check_guards
from tests.wallet.acts import BY_NAME
from tests.wallet.bills import bill
from tests.wallet.channels import demo, unclaimed
from tests.wallet.risks import HOLD_HOURS, holding, with_pack
from tests.wallet.test_review import reported
from tests.wallet.world import YUAN, ZHANG, World, right

OPERATOR = By("Wu", lambda: Pin("975312"))
OTHERS = (
    *("card-remove", "pin-change", "device-approve", "device-remove", "device-move"),
    *("totp-remove", "bill-import", "bill-remove"),
)
"""What the lives below have no need of."""


@contextmanager
def compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, int], Any]]:
    """Collect each shape of facts that is kept, with an answer that is not given again, if any."""
    met: dict[tuple[str, int], Any] = {}

    def compare(act, answer, columns):
        packed = pack(act, answer, columns)
        facts = as_text(packed)
        again = render(act, facts, columns)
        assert json.dumps(again) == json.dumps(render_read(act, unpack(act, packed), columns))
        is_same = json.dumps(answer) == json.dumps(again)
        number, _kept = read(act, facts)
        found = met.setdefault((act, number), None)
        met[act, number] = found or (None if is_same else (answer, again))
        return packed

    with monkeypatch.context() as patch:
        patch.setattr(unit_of_work, "pack", compare)
        yield met


def said_of_an_epoch(home: Home) -> None:
    """Let an act say what one that opens an epoch says; only a cluster has a log to open one of."""
    counts = {"epoch": 2, "kept": 9, "abandoned": 1, "torn": 0, "operator": None}
    perform_step(home, "home_epoch", "/epoch/2", lambda doing: {**doing.common, **counts}, step=1)


def held(world: World, then: str, verb: Verb) -> None:
    """Let holds of packets, shares and withdrawals end by themselves and by *verb*."""
    desk = world.zhang
    desk.add_operator("Wu", pin=OPERATOR.pin, by=right)
    with_pack(world, holding("send", "withdraw", then=then))
    for _ in range(2):
        desk.send(10 * YUAN, count=2, pin=right)
        desk.withdraw(10 * YUAN, pin=right)
    first, second, *_rest = (line["case"] for line in desk.cases(unmasked_by=OPERATOR)["cases"])
    desk.case(first, unmasked_by=OPERATOR)
    with desk.review_report(unmasked_by=OPERATOR) as report:
        assert report.count
    for case in (first, second):
        desk.decide(case, verb, why="looked at it", by=OPERATOR)
    world.turn(hours=HOLD_HOURS)
    desk.settle()


def refunded(world: World) -> None:
    """Let one refund reach its card, and another not, because the card is gone."""
    desk = world.zhang
    desk.refunds_to("card")
    unclaimed(world)
    desk.advance_clock(timedelta(days=3))
    unclaimed(world)
    desk.remove_card(desk.cards()[0]["card"], pin=right)
    desk.advance_clock(timedelta(days=3))


def restored(world: World, copy: Path) -> None:
    """Bring back a copy that is older than the ledger."""
    world.zhang.backup(copy)
    world.zhang.topup(YUAN, pin=right)
    world.close()
    restore(world.env, copy, accept_older=lambda *_: True)


def reviewed(world: World) -> None:
    """Let a case that holds nothing be escalated, and rejected by two."""
    desk = world.zhang
    desk.add_operator("Wu", pin=OPERATOR.pin, by=right)
    for name in ("Bao", "Lu"):
        desk.add_operator(name, pin=OPERATOR.pin, by=OPERATOR)
    case = reported(world)
    decisions = {"Wu": Verb.ESCALATE, "Bao": Verb.REJECT, "Lu": Verb.REJECT}
    for name, verb in decisions.items():
        desk.decide(case, verb, why="looked at it", by=By(name, OPERATOR.pin))
    desk.use_shipped_model(by=OPERATOR)


def repaired(world: World, folder: Path) -> None:
    """Lose the last page of the ledger, which the copy next to it has, and repair that."""
    world.zhang.backup(folder / "whole")
    world.zhang.topup(YUAN, pin=right)
    world.close()
    with world.ledger.open("r+b") as ledger:
        ledger.seek(-100, os.SEEK_END)
        ledger.write(bytes(100))
    repair(world.env, folder / "repaired", backups=[folder / "whole"])


def test_each_entry_gives_its_answer_again(
    worlds: Callable[[str], World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Whatever can be done: what is made of its facts is what the act said itself, to the order of the
    names and the sentences.
    """
    with compared(monkeypatch) as met:
        test_check.live(worlds("busy"))
        test_check_guards.live(demo(tmp_path / "guarded"))
        test_check_channel.live(demo(tmp_path / "between"))
        refunded(demo(tmp_path / "refunded"))
        held(worlds("held"), "release", Verb.APPROVE)
        held(worlds("back"), "return", Verb.REJECT)
        reviewed(worlds("reviewed"))
        restored(worlds("restored"), tmp_path / "copy")
        worlds("sessions").zhang.open_session()
        repaired(worlds("damaged"), tmp_path)
        note_use(worlds("shared").zhang.home, "8f2a", "0c1d")
        said_of_an_epoch(worlds("epochs").zhang.home)
        for name in OTHERS:
            world, kind = worlds(name), BY_NAME[name]
            kind.do(world.open(kind.who), kind.ready(world))
            world.close()
    everything = {(act, number) for act, shapes in SHAPES.items() for number in shapes}

    assert {} == {shape: found for shape, found in met.items() if found}
    assert {("risk_train", 1)} == everything - met.keys()  # which takes a library to learn with


@pytest.mark.parametrize("facts", ["x", "{}", "[99]", '[1,"a"]'])
def test_facts_that_cannot_be_read_back_are_damage(world: World, facts: str):
    """
    Exit code 19 and a sentence, wherever they are looked at, and no bug of ours.
    """
    desk = world.zhang
    desk.add_operator("Wu", pin=OPERATOR.pin, by=right)
    desk.topup(YUAN, pin=right, request_id="topup")
    packet = desk.send(2 * YUAN, count=2, pin=right, request_id="packet")["packet"]
    world.li.claim(packet)
    world.turn(hours=24)
    desk.refund(packet, request_id="refund")
    desk.bring_in(bill(), file="bill.csv")
    world.edit(f"UPDATE entry SET facts = '{facts}'")
    desk = world.open(ZHANG)
    looks: dict[str, Callable[[], object]] = {
        "history": desk.history,
        "events": desk.events,
        "show": lambda: desk.show(packet),
        "verify": lambda: desk.verify(packet),
        "trace": lambda: desk.trace(packet),
        "receipt": lambda: desk.receipt("topup"),
        "why": lambda: desk.why("topup"),
        "operator log": desk.operator_log,
        "bills": desk.bills,
        "request": lambda: desk.topup(YUAN, pin=right, request_id="topup"),
        "refund": lambda: desk.refund(packet, request_id="refund"),
    }

    failed = {}
    for name, look in looks.items():
        try:
            look()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            failed[name] = type(error)

    assert dict.fromkeys(looks, errors.Damaged) == failed
