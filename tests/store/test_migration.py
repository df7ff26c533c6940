"""A home that an older hongbao has made: opened, brought to today's form, and carried on with."""

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors, migrations
from hongbao.drawer import engine
from hongbao.store import FORM
from hongbao.wallet import Wallet, restore
from hongbao.wallet.opening import key_folder
from tests.vault.processes import race
from tests.wallet.kills import killed_at
from tests.wallet.world import (
    CARD,
    LI,
    OTHER_CARD,
    WANG,
    YUAN,
    ZHANG,
    World,
    raw,
    right,
    tail,
)

FORM_1 = Path(__file__).parent / "form_1"
TOLD: dict[str, Any] = json.loads((FORM_1 / "told.json").read_text("utf-8"))
NEW = {"message", "took", "refund_to"}
"""Columns that the tables have not had before."""


@pytest.fixture
def old(tmp_path: Path) -> World:
    """Return the home that is kept beside this file: see its README."""
    return copied(tmp_path / "old")


def copied(folder: Path) -> World:
    for name in ("data", "keys"):
        shutil.copytree(FORM_1 / name, folder / name)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)  # which git does not keep
    world = World(folder, datetime.fromisoformat(TOLD["at"]))
    world.chances = 10_000  # another process draws other ids
    return world


def form(world: World) -> int:
    """Return the ledger's form, without bringing it to another."""
    db = raw(world.ledger, page_key(world))
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


def page_key(world: World) -> bytes:
    return key_folder(world.env).open(None).page_key


def old_rows(world: World) -> dict[str, list[Any]]:
    """Return what has been in the ledger since its first form, by row and column."""
    db = raw(world.ledger, page_key(world))
    try:
        rows = {}
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            cursor = db.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            rows[table] = [
                {name: value for name, value in zip(names, row, strict=True) if name not in NEW}
                for row in cursor
            ]
        return rows
    finally:
        db.close()


def test_the_kept_home_is_of_the_first_form(old: World):
    """
    Or nothing here would be tested.
    """
    assert 1 == form(old)
    assert FORM == len(migrations.MIGRATIONS) > 1


def test_an_old_home_is_opened_and_brought_to_todays_form(old: World):
    """
    Everything checks, to the last MAC, nothing that was in it has changed, and opening it again
    changes nothing.
    """
    before = old_rows(old)

    assert {} == old.findings()

    assert FORM == form(old)
    after = old_rows(old)
    assert before == {table: after[table] for table in before}
    assert {} == old.findings()
    assert after == old_rows(old)
    assert TOLD["entries"] == len(after["entry"])


def test_everybody_has_what_they_had(old: World):
    """
    Balances, cards, packets and shares, and what waits in packets.
    """
    for name, fen in TOLD["balances"].items():
        desk = old.open(name)
        assert fen == desk.balance()["available_fen"]
        assert 0 == desk.balance()["on_its_way_fen"]
    zhang = old.zhang
    assert [TOLD["card"]["card"]] == [line["card"] for line in zhang.cards()]
    for name in ("expired", "finished"):
        assert zhang.verify(TOLD[name]["packet"])["fair"]
    shown = zhang.show(TOLD["waiting"]["packet"])
    assert ("open", "好", 1) == (shown["state"], shown["greeting"], shown["claimed_count"])
    assert len(zhang.history(limit=100)["movements"]) > 5
    with zhang.statement() as statement:
        assert list(statement.lines)


REQUESTS = {
    "card": (ZHANG, lambda desk, **o: desk.add_card(CARD, pin=right, **o)),
    "li-card": (LI, lambda desk, **o: desk.add_card(OTHER_CARD, pin=right, **o)),
    "topup": (ZHANG, lambda desk, **o: desk.topup(3000 * YUAN, pin=right, **o)),
    "withdraw": (ZHANG, lambda desk, **o: desk.withdraw(1200 * YUAN, pin=right, **o)),
    "expired": (
        ZHANG,
        lambda desk, **o: desk.send(80 * YUAN, count=4, paid_from=tail(CARD), pin=right, **o),
    ),
    "from-balance": (ZHANG, lambda desk, **o: desk.send(20 * YUAN, count=2, pin=right, **o)),
    "claim": (LI, lambda desk, **o: desk.claim(TOLD["waiting"]["packet"], **o)),
    "claim-Wang": (WANG, lambda desk, **o: desk.claim(TOLD["finished"]["packet"], **o)),
    "refund": (ZHANG, lambda desk, **o: desk.refund(TOLD["expired"]["packet"], **o)),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_old_request_is_answered_as_it_was(name: str, old: World):
    """
    Its id is known, nothing is done again, and whoever expects today's keys finds no lie in them.
    """
    who, ask = REQUESTS[name]
    told = TOLD[name]
    request_id = (told["refunds"][0] if name == "refund" else told)["request_id"]

    again = ask(old.open(who), request_id=request_id)

    assert again.pop("replayed") is True
    if name == "refund":
        [told], [again] = told["refunds"], again["refunds"]
        again.pop("replayed")
    assert told == {key: value for key, value in again.items() if key in told}
    assert {None} >= {again[key] for key in again.keys() - told.keys() - {"arrives_at"}}
    assert TOLD["entries"] == len(old.dump()["entry"])
    with pytest.raises(errors.RequestConflict):
        old.open(who).topup(77, pin=right, request_id=request_id)


def test_what_was_refused_for_good_still_is(old: World):
    """
    In the same words.
    """
    with pytest.raises(errors.HongbaoError) as refused:
        old.li.claim(TOLD["finished"]["packet"], request_id="refused")
    assert TOLD["refused"] == refused.value.as_dict()


def test_an_old_home_is_carried_on_with(old: World):
    """
    Payments travel from now on; an old packet is claimed, its rest goes back to the card through
    the channel, its quota to the day that it was from, and everything is settled.
    """
    zhang = old.zhang
    assert 1000 * YUAN == zhang.topup(1000 * YUAN, pin=right)["amount_fen"]
    assert "payment" in zhang.withdraw(10 * YUAN, pin=right)
    card_fen = deposit_fen(old)
    claimed_fen = old.wang.claim(TOLD["waiting"]["packet"])["amount_fen"]
    claimed_fen += TOLD["claim"]["amount_fen"]
    zhang.set_clock(zhang.now() + timedelta(hours=25))
    [waiting] = [line for line in zhang.packets() if line["packet"] == TOLD["waiting"]["packet"]]
    assert "refunded" == waiting["state"]

    zhang.advance_clock(timedelta(days=5))

    assert 50 * YUAN - claimed_fen == deposit_fen(old) - card_fen
    assert [] == zhang.store.open_messages(zhang.now())
    assert None is zhang.settle()["batch"]
    assert {} == old.findings()
    assert zhang.reconcile(datetime.fromisoformat(TOLD["at"]).date())["ok"]


def deposit_fen(world: World) -> int:
    rows = world.dump()
    held = {row[0]: row[6] - row[5] for row in rows["account"]}
    [fen] = [held[row[3]] for row in rows["deposit"] if row[1] == "cmb"]
    return int(fen)


def test_a_card_that_was_bound_before_keeps_its_account(old: World):
    """
    Removed and bound again, it holds what it held.
    """
    before = deposit_fen(old)
    old.zhang.remove_card(tail(CARD), pin=right)
    old.wang.add_card(CARD, pin=right)
    assert before == deposit_fen(old)
    assert {} == old.findings()


def test_an_old_home_can_be_given_new_keys_and_be_copied(old: World, tmp_path: Path):
    """
    Rekeyed, backed up and restored like any other.
    """
    old.zhang.rekey()
    old.close()
    old.zhang.backup(tmp_path / "copy")
    old.zhang.topup(YUAN, pin=right)
    old.close()
    restore(old.env, tmp_path / "copy", accept_older=lambda *_: True)
    assert TOLD["balances"][ZHANG] == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


def test_an_old_copy_is_restored_into_todays_form(old: World, tmp_path: Path):
    """
    Whoever comes back to a backup of then is brought along, too.
    """
    copy = tmp_path / "copy"
    shutil.copy(FORM_1 / "data" / "ledger.db", copy)
    old.zhang.topup(YUAN, pin=right)
    old.close()

    restore(old.env, copy, accept_older=lambda *_: True)

    assert FORM == form(old)
    assert TOLD["balances"][ZHANG] == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


def test_an_old_home_that_ten_open_at_once_is_migrated_once(old: World):
    """
    Nine wait for the tenth, and all of them can act.
    """

    def act(number: int) -> bytes:
        with Wallet.open(old.env._replace(chance=os.urandom), profile=ZHANG) as desk:
            return desk.topup(YUAN, pin=right)["payment"].encode()

    assert 10 == len(set(race(10, act)))
    assert TOLD["balances"][ZHANG] + 10 * YUAN == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


@pytest.mark.parametrize(
    "stride", [pytest.param(9, id="some"), pytest.param(1, id="every", marks=pytest.mark.slow)]
)
def test_a_migration_that_was_killed_is_done_again(stride: int, tmp_path: Path):
    """
    The ledger is of one form or the other, whole.
    """
    step, forms, killed = 1, set(), True
    while killed:
        victim = copied(tmp_path / f"killed-{step}")

        def act(victim: World = victim) -> None:
            Wallet.open(victim.env, profile=ZHANG).close()

        killed = killed_at(step, act, from_the_start=True)

        forms.add(form(victim))
        assert {} == victim.findings()
        assert FORM == form(victim)
        assert TOLD["balances"][ZHANG] == victim.zhang.balance()["available_fen"]
        victim.close()
        step += stride
    assert {1, FORM} == forms


def test_an_older_hongbao_leaves_a_migrated_home_alone(old: World, monkeypatch: pytest.MonkeyPatch):
    """
    It says that the home is newer, and changes not a byte.
    """
    old.zhang.close()
    before = old.ledger.read_bytes()
    monkeypatch.setattr(engine, "FORM", 1)
    with pytest.raises(errors.NewerHome):
        Wallet.open(old.env)
    assert before == old.ledger.read_bytes()
