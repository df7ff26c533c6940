"""
Make the homes that the tests of upgrades open: `python -m tests.upgrades.make`, once per form.

`form_N/real` has a real clock: a refund is on its way to its card, cases hold a packet and a
withdrawal, a challenge was passed and not used yet, and a tablet waits to be let in; `locked_keys`
beside it are its keys under `PASSPHRASE`. `form_N/demo` has a virtual clock and no empty table.
What was answered then is in `told.json`. Everybody in them is invented, and the keys open nothing
else. They are never made again: what they prove is that homes which exist can be opened.
"""

import json
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hongbao import errors
from hongbao.domain.packet import PacketKind
from hongbao.domain.pin import Pin
from hongbao.engines.sqlcipher.engine import FORM
from hongbao.wallet import Wallet, risk_control
from tests.wallet import channels
from tests.wallet.guards import BY_AMOUNT, HELD, HELD_BACK, LARGE, challenged, solution
from tests.wallet.test_check_generated import live
from tests.wallet.world import (
    CARD,
    LI,
    OTHER_CARD,
    WANG,
    YUAN,
    ZHANG,
    World,
    id_number,
    right,
    tail,
    wrong,
)

HERE = Path(__file__).parent
PASSPHRASE = "seven oranges under the old bridge"

Told = dict[str, Any]


def operator_pin() -> Pin:
    return Pin("975312")


def real(world: World) -> Told:
    """Do in *world* what leaves something to be continued later, and return what was answered."""
    zhang = world.found(ZHANG, request_id="found")
    zhang.identify("张三", id_number(1), pin=right, request_id="identify")
    told: Told = {"card": zhang.add_card(CARD, pin=right, request_id="card")}
    told["topup"] = zhang.topup(3000 * YUAN, pin=right, request_id="topup")
    li = world.found(LI)
    told["li-card"] = li.add_card(OTHER_CARD, pin=right, request_id="card")
    wang = world.found(WANG)
    told["expired"] = zhang.send(
        80 * YUAN, count=4, paid_from=tail(CARD), pin=right, request_id="expired"
    )
    li.claim(told["expired"]["packet"], request_id="claim-expired")
    told["finished"] = zhang.send(
        6 * YUAN, kind=PacketKind.EQUAL, count=2, pin=right, request_id="finished"
    )
    for name, who in ((LI, li), (WANG, wang)):
        told[f"claim-{name}"] = who.claim(told["finished"]["packet"], request_id="claim-finished")
    zhang.use_risk_pack(BY_AMOUNT)
    zhang.add_operator("老王", pin=operator_pin, by=right)
    world.turn(hours=25)
    zhang.settle()
    told["refund"] = zhang.refund(told["expired"]["packet"], request_id="refund")
    told["withdraw"] = zhang.withdraw(1200 * YUAN, pin=right, request_id="withdraw")
    told["waiting"] = zhang.send(
        50 * YUAN, count=5, greeting="好", paid_from=tail(CARD), pin=right, request_id="waiting"
    )
    told["claim"] = li.claim(told["waiting"]["packet"], request_id="claim-waiting")
    told["from-balance"] = zhang.send(20 * YUAN, count=2, pin=right, request_id="from-balance")
    try:
        li.claim(told["finished"]["packet"], request_id="refused")
    except errors.HongbaoError as error:
        told["refused"] = error.as_dict()
    with suppress(errors.WrongPin):
        zhang.topup(1, pin=wrong)
    told["held"] = zhang.send(HELD, count=2, pin=right, request_id="held")
    li.topup(100 * YUAN, pin=right)
    told["held-back"] = li.withdraw(HELD_BACK, pin=right, request_id="held-back")
    zhang.topup(LARGE, pin=right)
    passed = challenged(zhang, request_id="challenged")
    zhang.answer_challenge(passed, solution(zhang, passed))
    told["passed"] = passed
    zhang.add_device("tablet", pin=right)
    return finished(world, told)


def demo(world: World) -> Told:
    """Leave rows in each table of *world*, a demo's, and return what was answered."""
    live(world)
    return finished(world, {"cases": [line["case"] for line in world.zhang.cases()["cases"]]})


def finished(world: World, told: Told) -> Told:
    desks = [world.open(name) for name in (ZHANG, LI, WANG)]
    told["balances"] = {desk.me.name: desk.balance()["available_fen"] for desk in desks}
    told["history"] = {desk.me.name: desk.history(limit=100)["movements"] for desk in desks}
    told["at"] = desks[0].now().isoformat()
    with Wallet.open(world.env, trusting=True) as wallet:
        checked = wallet.check()
    assert checked["ok"]
    told["entries"], told["digest"] = checked["entries"], checked["digest"]
    world.close()
    return told


def copy(folder: Path, place: Path) -> None:
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns(".*"))  # locks, empty


def keep(world: World, told: Told, place: Path) -> None:
    for part in ("data", "keys"):
        copy(world.folder / part, place / part)
    told_text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (place / "told.json").write_text(told_text, "utf-8")


def main() -> None:
    place = HERE / f"form_{FORM}"
    if place.exists():
        sys.exit(f"{place} is there, and is never made again")
    risk_control.KEPT_EVERY = 1  # every habit is written: no table stays empty
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch) / "real")
        told = real(world)
        world.zhang.lock(PASSPHRASE, pin=right)
        world.close()
        copy(world.folder / "keys", place / "real" / "locked_keys")
        with Wallet.open(world.env, passphrase=lambda: PASSPHRASE) as wallet:
            wallet.unlock()
        keep(world, told, place / "real")
        world = channels.demo(Path(scratch) / "demo")
        keep(world, demo(world), place / "demo")


if __name__ == "__main__":
    main()
