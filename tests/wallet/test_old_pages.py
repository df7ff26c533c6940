"""Old pages of the file, put back without any key, bring nothing back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.vault.authenticator import code_at
from tests.wallet.guards import BY_AMOUNT, no_more_than
from tests.wallet.world import ZHANG, World, changed, id_number, right

PAGE_BYTES = 4096
IDENTITY = ("张三", id_number(1))


class Old(NamedTuple):
    """What an act changes in a row, which is there again with its old page; and what was before."""

    row: str
    act: Callable[[World], object]
    before: Callable[[World], object] = lambda _: None


def _add_totp(world: World) -> None:
    desk = world.zhang
    desk.add_totp(lambda secret, _: code_at(secret, desk.now()), pin=right)


def _add_device(world: World) -> None:
    world.zhang.add_device("new", pin=right, identity=IDENTITY)


PAGES = {
    "an old PIN": Old(
        "SELECT pin_hash FROM profile WHERE id = 1",
        lambda world: world.zhang.change_pin(right, lambda: Pin("975312")),
    ),
    "an authenticator that was removed": Old(
        "SELECT totp_secret FROM profile WHERE id = 1",
        lambda world: world.zhang.remove_totp(pin=right, identity=IDENTITY),
        _add_totp,
    ),
    "no authenticator": Old("SELECT totp_secret FROM profile WHERE id = 1", _add_totp),
    "a device that was removed": Old(
        "SELECT state FROM enrolment WHERE profile = 1 AND device = 1",
        lambda world: world.open(f"{ZHANG}@new").remove_device(f"{ZHANG}-1", pin=right),
        _add_device,
    ),
    "milder risk rules": Old(
        "SELECT risk_pack FROM home",
        lambda world: world.zhang.use_risk_pack(no_more_than(1)),
        lambda world: world.zhang.use_risk_pack(BY_AMOUNT),
    ),
    "higher limits": Old(
        "SELECT policy FROM home",
        lambda world: world.zhang.use_policy(changed(expires_hours="48")),
    ),
}


def _value(world: World, row: str) -> Any:
    """Return what stands in *row*; None where its page makes the file unreadable."""
    try:
        db = world.raw()
        try:
            return db.execute(row).fetchone()
        finally:
            db.close()
    except (engine.DatabaseError, errors.Damaged):
        return None


@pytest.mark.parametrize("what", PAGES)
def test_an_old_page_brings_nothing_back(what: str, world: World):
    """
    Pages are authentic one by one, so an old one opens; the row in it is not the one sealed last.
    """
    old = PAGES[what]
    old.before(world)
    world.close()
    before, had = _content(world.ledger), _value(world, old.row)
    old.act(world)
    world.close()
    after = _content(world.ledger)
    assert had != _value(world, old.row)

    brought_back = 0
    for number in range(0, min(len(before), len(after)), PAGE_BYTES):
        page = before[number : number + PAGE_BYTES]
        if page == after[number : number + PAGE_BYTES]:
            continue
        world.ledger.write_bytes(after[:number] + page + after[number + PAGE_BYTES :])
        if had == _value(world, old.row):
            brought_back += 1
            assert "state" in world.findings()
            if "enrolment" not in old.row:  # she acts at the other device
                with pytest.raises(errors.StateAltered):
                    world.zhang.topup(100, pin=right)
        world.close()

    assert brought_back


def _content(ledger: Path) -> bytes:
    assert not ledger.with_name("ledger.db-wal").exists()
    return ledger.read_bytes()
