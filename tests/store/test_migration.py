"""A home that an older hongbao has made: opened, brought to today's form, and carried on with."""

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors, migrations
from hongbao.domain.cases import Verb
from hongbao.domain.pin import Pin
from hongbao.drawer import engine
from hongbao.home.opening import key_folder
from hongbao.store import FORM
from hongbao.wallet import Wallet
from hongbao.wallet.homes import restore
from hongbao.wallet.operators import By
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

HERE = Path(__file__).parent
HOMES = {1: HERE / "form_1", 2: HERE / "form_2" / "real", 3: HERE / "form_3" / "real"}
"""A home of each form that there was before today's."""

DEMO = HERE / "form_2" / "demo"
GUARDED = HERE / "form_3" / "demo"
NEW = {
    *("message", "took", "refund_to"),
    *("risk", "device", "session", "signature", "held"),
    *("risk_pack", "risk_model", "totp_secret", "totp_step"),
}
"""Columns that the tables have not had before."""


class Old(World):
    """A copy of the home that is kept in *kept*: see the README there."""

    def __init__(self, kept: Path, folder: Path) -> None:
        for name in ("data", "keys"):
            shutil.copytree(kept / name, folder / name)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)  # which git does not keep
        self.kept = kept
        self.told: dict[str, Any] = json.loads((kept / "told.json").read_text("utf-8"))
        super().__init__(folder, datetime.fromisoformat(self.told["at"]))
        self.chances = 10_000  # another process draws other ids

    @property
    def first_form(self) -> int:
        return next(form for form, kept in HOMES.items() if kept == self.kept)


@pytest.fixture(params=HOMES, ids="form-{}".format)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    return Old(HOMES[request.param], tmp_path / "old")


@pytest.fixture
def demo(tmp_path: Path) -> Old:
    """Return the demo's home, whose bank still owes two answers."""
    return Old(DEMO, tmp_path / "demo")


@pytest.fixture(params=[HOMES[3], GUARDED], ids=["form-3", "guarded"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    """Return a home in which devices sign, rules stop things, and cases wait."""
    return Old(request.param, tmp_path / "guarded")


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
    """Return what has been in the ledger since the first form, by row and column."""
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


def test_a_home_of_every_earlier_form_is_kept(tmp_path: Path):
    """
    Or nothing here would be tested.
    """
    forms = [form(Old(kept, tmp_path / str(number))) for number, kept in HOMES.items()]
    assert list(range(1, FORM)) == forms
    assert FORM == len(migrations.MIGRATIONS)
    assert 2 == form(Old(DEMO, tmp_path / "demo"))
    assert 3 == form(Old(GUARDED, tmp_path / "guarded"))


def test_an_old_home_is_opened_and_brought_to_todays_form(old: Old):
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
    assert old.told["entries"] == len(after["entry"])


def test_everybody_has_what_they_had(old: Old):
    """
    Balances, cards, packets and shares, and what waits in packets.
    """
    for name, fen in old.told["balances"].items():
        desk = old.open(name)
        assert fen == desk.balance()["available_fen"]
        assert on_its_way_fen(old) * (name == ZHANG) == desk.balance()["on_its_way_fen"]
    zhang = old.zhang
    assert [old.told["card"]["card"]] == [line["card"] for line in zhang.cards()]
    for name in ("expired", "finished"):
        assert zhang.verify(old.told[name]["packet"])["fair"]
    shown = zhang.show(old.told["waiting"]["packet"])
    assert ("open", "好", 1) == (shown["state"], shown["greeting"], shown["claimed_count"])
    assert len(zhang.history(limit=100)["movements"]) > 5
    with zhang.statement() as statement:
        assert list(statement.lines)


def on_its_way_fen(old: Old) -> int:
    """Return what was going back to Zhang's card: in the first form, refunds were there at once."""
    [refund] = old.told["refund"]["refunds"]
    return int(refund["amount_fen"]) if refund.get("payment") else 0


REQUESTS = {
    "card": (ZHANG, lambda desk, _, **o: desk.add_card(CARD, pin=right, **o)),
    "li-card": (LI, lambda desk, _, **o: desk.add_card(OTHER_CARD, pin=right, **o)),
    "topup": (ZHANG, lambda desk, _, **o: desk.topup(3000 * YUAN, pin=right, **o)),
    "withdraw": (ZHANG, lambda desk, _, **o: desk.withdraw(1200 * YUAN, pin=right, **o)),
    "expired": (
        ZHANG,
        lambda desk, _, **o: desk.send(80 * YUAN, count=4, paid_from=tail(CARD), pin=right, **o),
    ),
    "from-balance": (ZHANG, lambda desk, _, **o: desk.send(20 * YUAN, count=2, pin=right, **o)),
    "claim": (LI, lambda desk, told, **o: desk.claim(told["waiting"]["packet"], **o)),
    "claim-Wang": (WANG, lambda desk, told, **o: desk.claim(told["finished"]["packet"], **o)),
    "refund": (ZHANG, lambda desk, told, **o: desk.refund(told["expired"]["packet"], **o)),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_old_request_is_answered_as_it_was(name: str, old: Old):
    """
    Its id is known, nothing is done again, and whoever expects today's keys finds no lie in them.
    """
    who, ask = REQUESTS[name]
    told = old.told[name]
    request_id = (told["refunds"][0] if name == "refund" else told)["request_id"]

    again = ask(old.open(who), old.told, request_id=request_id)

    assert again.pop("replayed") is True
    if name == "refund":
        [told], [again] = told["refunds"], again["refunds"]
        again.pop("replayed")
    assert told == {key: value for key, value in again.items() if key in told}
    assert {None} >= {again[key] for key in again.keys() - told.keys() - {"arrives_at"}}
    assert old.told["entries"] == len(old.dump()["entry"])
    with pytest.raises(errors.RequestConflict):
        old.open(who).topup(77, pin=right, request_id=request_id)


def test_what_was_refused_for_good_still_is(old: Old):
    """
    In the same words.
    """
    with pytest.raises(errors.HongbaoError) as refused:
        old.li.claim(old.told["finished"]["packet"], request_id="refused")
    assert old.told["refused"] == refused.value.as_dict()


def test_an_old_home_is_carried_on_with(old: Old):
    """
    Payments travel from now on; an old packet is claimed, its rest goes back to the card through
    the channel, its quota to the day that it was from, and everything is settled.
    """
    zhang = old.zhang
    assert 1000 * YUAN == zhang.topup(1000 * YUAN, pin=right)["amount_fen"]
    assert "payment" in zhang.withdraw(10 * YUAN, pin=right)
    card_fen = deposit_fen(old)
    claimed_fen = old.wang.claim(old.told["waiting"]["packet"])["amount_fen"]
    claimed_fen += old.told["claim"]["amount_fen"]
    zhang.set_clock(zhang.now() + timedelta(hours=25))
    [waiting] = [
        line for line in zhang.packets() if line["packet"] == old.told["waiting"]["packet"]
    ]
    assert "refunded" == waiting["state"]

    zhang.advance_clock(timedelta(days=5))

    back_fen = 50 * YUAN - claimed_fen + on_its_way_fen(old)
    assert back_fen == deposit_fen(old) - card_fen
    assert [] == zhang.store.open_messages(zhang.now())
    assert None is zhang.settle()["batch"]
    assert {} == old.findings()
    assert zhang.reconcile(datetime.fromisoformat(old.told["at"]).date())["ok"]


@pytest.mark.parametrize("kept", [HOMES[1], HOMES[2], DEMO], ids=["form-1", "form-2", "demo"])
def test_the_people_of_an_old_home_get_devices_and_are_judged(kept: Path, tmp_path: Path):
    """
    Nobody is asked to enrol: the first act of each lets this machine in, under their own name, and
    is signed by it and judged by the shipped rules, which the home keeps from then on. What was
    done before stays as it was sealed, without a signature.
    """
    old = Old(kept, tmp_path / "old")

    for who in (ZHANG, LI):
        old.open(who).topup(YUAN, pin=right, request_id="first")

    assert {} == old.findings()
    before = old.told["entries"]
    db = old.raw()
    try:
        signed = db.execute(
            "SELECT min(entry.id), device.name, risk IS NOT NULL FROM entry"
            " JOIN device ON device.id = entry.device GROUP BY profile ORDER BY profile"
        ).fetchall()
        [used] = db.execute("SELECT risk_pack, risk_model FROM home")
    finally:
        db.close()
    assert [("Zhang-1", 1), ("Li-1", 1)] == [tuple(row[1:]) for row in signed]
    assert all(entry > before for entry, *_ in signed)
    assert all(used)
    assert 2 == len(list((old.env.keys / "devices").glob("*.key")))
    with pytest.raises(errors.DeviceNotEnrolled):
        old.open(f"{ZHANG}@tablet").topup(YUAN, pin=right)


def test_guards_of_an_old_home_go_on_guarding(guarded: Old):
    """
    Devices sign as they did, a hold ends by itself as its case says, and an operator decides what
    waits.
    """
    told = guarded.told["balances"]
    assert told == {name: owned(guarded, name) for name in told}
    assert f"{ZHANG}-1" in {line["device"] for line in guarded.zhang.devices()}
    waiting = guarded.zhang.cases()["cases"]
    held = {line["case"] for line in waiting if line["kind"] == "hold"}
    other = next(line["case"] for line in waiting if line["kind"] != "hold")
    assert held

    guarded.zhang.decide(other, Verb.ESCALATE, why="旧案", by=By("老王", lambda: Pin("975312")))
    guarded.zhang.set_clock(guarded.zhang.now() + timedelta(hours=25))

    assert {} == guarded.findings()
    assert not held & {line["case"] for line in guarded.zhang.cases()["cases"]}


def test_what_a_bank_owed_an_old_home_comes_to_its_end(demo: Old):
    """
    A payment that nobody had an answer to is asked about again, and both are told under their ids.
    """
    told = demo.told
    zhang = demo.zhang
    assert told["balances"] == {name: owned(demo, name) for name in (ZHANG, LI)}

    resolved = zhang.settle()["resolved"]

    assert [told["unanswered-send"]["payment"]] == [line["message"] for line in resolved]
    assert {} == demo.findings()
    assert [] == zhang.store.open_messages(zhang.now())
    for name, ask in (
        ("withdraw", lambda **o: zhang.withdraw(444_01, pin=right, **o)),
        ("send", lambda **o: zhang.send(444_01, count=3, paid_from=tail(CARD), pin=right, **o)),
    ):
        paid = ask(request_id=f"unanswered-{name}")
        assert told[f"unanswered-{name}"]["payment"] == paid["payment"]
        assert paid["replayed"]


def owned(world: World, name: str) -> int:
    return int(world.open(name).balance()["available_fen"])


def deposit_fen(world: World) -> int:
    rows = world.dump()
    held = {row[0]: row[6] - row[5] for row in rows["account"]}
    [fen] = [held[row[3]] for row in rows["deposit"] if row[1] == "cmb"]
    return int(fen)


def test_a_card_that_was_bound_before_keeps_its_account(old: Old):
    """
    Removed and bound again, it holds what it held.
    """
    before = deposit_fen(old)
    old.zhang.remove_card(tail(CARD), pin=right)
    old.wang.add_card(CARD, pin=right)
    assert before == deposit_fen(old)
    assert {} == old.findings()


def test_an_old_home_can_be_given_new_keys_and_be_copied(old: Old, tmp_path: Path):
    """
    Rekeyed, backed up and restored like any other.
    """
    old.zhang.rekey()
    old.close()
    old.zhang.backup(tmp_path / "copy")
    old.zhang.topup(YUAN, pin=right)
    old.close()
    restore(old.env, tmp_path / "copy", accept_older=lambda *_: True)
    assert old.told["balances"][ZHANG] == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


def test_an_old_copy_is_restored_into_todays_form(old: Old, tmp_path: Path):
    """
    Whoever comes back to a backup of then is brought along, too.
    """
    copy = tmp_path / "copy"
    shutil.copy(old.kept / "data" / "ledger.db", copy)
    old.zhang.topup(YUAN, pin=right)
    old.close()

    restore(old.env, copy, accept_older=lambda *_: True)

    assert FORM == form(old)
    assert old.told["balances"][ZHANG] == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


def test_an_old_home_that_ten_open_at_once_is_migrated_once(old: Old):
    """
    Nine wait for the tenth, and all of them can act.
    """

    def act(number: int) -> bytes:
        with Wallet.open(old.env._replace(chance=os.urandom), profile=ZHANG) as desk:
            return desk.topup(YUAN, pin=right)["payment"].encode()

    assert 10 == len(set(race(10, act)))
    assert old.told["balances"][ZHANG] + 10 * YUAN == old.zhang.balance()["available_fen"]
    assert {} == old.findings()


@pytest.mark.parametrize(
    "stride", [pytest.param(9, id="some"), pytest.param(1, id="every", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("first", HOMES, ids="form-{}".format)
def test_a_migration_that_was_killed_is_done_again(first: int, stride: int, tmp_path: Path):
    """
    The ledger is of one form or the other, whole.
    """
    step, forms, killed = 1, set(), True
    while killed:
        victim = Old(HOMES[first], tmp_path / f"killed-{step}")

        def act(victim: Old = victim) -> None:
            Wallet.open(victim.env, profile=ZHANG).close()

        killed = killed_at(step, act, from_the_start=True)

        forms.add(form(victim))
        assert {} == victim.findings()
        assert FORM == form(victim)
        assert victim.told["balances"][ZHANG] == victim.zhang.balance()["available_fen"]
        victim.close()
        step += stride
    assert {first, FORM} == forms


def test_an_older_hongbao_leaves_a_migrated_home_alone(old: Old, monkeypatch: pytest.MonkeyPatch):
    """
    It says that the home is newer, and changes not a byte.
    """
    old.zhang.close()
    before = old.ledger.read_bytes()
    monkeypatch.setattr(engine, "FORM", old.first_form)
    with pytest.raises(errors.NewerHome):
        Wallet.open(old.env)
    assert before == old.ledger.read_bytes()
