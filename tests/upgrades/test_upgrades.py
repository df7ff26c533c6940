"""
A home of every form that has landed is opened, brought to today's form, and used further.

The form after today's is planted here, so that all this is tried before there is one.
"""

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.cases import Verb
from hongbao.engines.sql import state
from hongbao.engines.sqlcipher import engine, schema
from hongbao.home.opening import key_folder
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from hongbao.wallet.restoring import restore
from tests.upgrades.make import PASSPHRASE, operator_pin
from tests.vault.processes import race
from tests.wallet.kills import killed_at
from tests.wallet.world import CARD, LI, OTHER_CARD, WANG, YUAN, ZHANG, World, raw, right, tail

HERE = Path(__file__).parent
FORMS = range(engine.EARLIEST, engine.FORM + 1)
KINDS = ("real", "demo")


class Old(World):
    """A copy of a home that was kept: `make` says what happened in it."""

    def __init__(self, kept: Path, folder: Path, *, keys: str = "keys") -> None:
        shutil.copytree(kept / "data", folder / "data")
        shutil.copytree(kept / keys, folder / "keys")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)  # which git does not keep
        self.kept = kept
        self.told: dict[str, Any] = json.loads((kept / "told.json").read_text("utf-8"))
        super().__init__(folder, datetime.fromisoformat(self.told["at"]))
        self.chances = 10_000  # another process draws other ids

    def form(self) -> int:
        """Return the ledger's form, without bringing it to another."""
        db = raw(self.ledger, key_folder(self.env).open(None).page_key)
        try:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
        finally:
            db.close()

    def balance_fen(self, name: str) -> int:
        return int(self.open(name).balance()["available_fen"])


def kept(form: int, kind: str) -> Path:
    return HERE / f"form_{form}" / kind


@pytest.fixture(
    params=[(form, kind) for form in FORMS for kind in KINDS],
    ids=lambda param: "form-{}-{}".format(*param),
)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    return Old(kept(*request.param), tmp_path / "old")


@pytest.fixture(params=FORMS, ids="form-{}".format)
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    return Old(kept(request.param, "real"), tmp_path / "real")


def plant(patched: pytest.MonkeyPatch) -> None:
    """Let there be one form more, whose migration adds a table and a column and moves rows."""

    def next_form(db: Any) -> None:
        db.execute("CREATE TABLE mood (entry INTEGER PRIMARY KEY, says TEXT NOT NULL) STRICT")
        db.execute("ALTER TABLE home ADD COLUMN mood TEXT")
        db.execute("INSERT INTO mood SELECT id, 'good' FROM entry")

    patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, next_form))
    patched.setattr(engine, "FORM", engine.FORM + 1)
    patched.setitem(state.ADDED, "home", state.ADDED.get("home", frozenset()) | {"mood"})


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> int:
    plant(monkeypatch)
    return engine.FORM


def test_a_home_of_every_form_is_kept(tmp_path: Path):
    """
    Or nothing here would be tested: a form that lands wants `make` run once, before the next.
    """
    found = {
        (form, kind): Old(kept(form, kind), tmp_path / f"{form}-{kind}").form()
        for form in FORMS
        for kind in KINDS
    }
    assert {(form, kind): form for form in FORMS for kind in KINDS} == found
    assert len(schema.MIGRATIONS) == len(FORMS)


def test_an_old_home_is_opened_and_nothing_in_it_has_changed(old: Old):
    """
    Everything checks, the books have the digest that they had, and everybody what they had.
    """
    with Wallet.open(old.env, trusting=True) as wallet:
        checked = wallet.check()

    assert [] == [line for line in checked["findings"] if not line["ok"]]
    assert (old.told["entries"], old.told["digest"]) == (checked["entries"], checked["digest"])
    assert engine.FORM == old.form()
    for name, fen in old.told["balances"].items():
        assert fen == old.balance_fen(name)
        for was, line in zip(
            old.told["history"][name],
            old.open(name).history(limit=100)["movements"],
            strict=True,
        ):
            assert was == {key: value for key, value in line.items() if key in was}


REQUESTS: dict[str, tuple[str, Callable[..., Any]]] = {
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


def test_an_old_request_is_answered_as_it_was(real: Old):
    """
    Its id is known and nothing is done again; what was refused for good still is, in its words.
    """
    for name, (who, ask) in REQUESTS.items():
        told = real.told[name]
        request_id = (told["refunds"][0] if name == "refund" else told)["request_id"]

        again = ask(real.open(who), real.told, request_id=request_id)

        assert again.pop("replayed") is True
        if name == "refund":
            [told], [again] = told["refunds"], again["refunds"]
            again.pop("replayed")
        assert told == {key: value for key, value in again.items() if key in told}, name
        with pytest.raises(errors.RequestConflict):
            real.open(who).topup(77, pin=right, request_id=request_id)
    assert real.told["entries"] == len(real.dump()["entry"])
    with pytest.raises(errors.HongbaoError) as refused:
        real.li.claim(real.told["finished"]["packet"], request_id="refused")
    assert real.told["refused"] == refused.value.as_dict()


def test_what_was_begun_in_an_old_home_comes_to_its_end(real: Old):
    """
    A packet is claimed, holds end as their cases say, payments arrive, the rest is refunded, a
    passed challenge counts, an operator decides, and everything is settled.
    """
    zhang = real.zhang
    zhang.topup(11_11, pin=right)  # what the challenge was asked for
    real.wang.claim(real.told["waiting"]["packet"])
    case = zhang.cases()["cases"][0]["case"]
    zhang.decide(case, Verb.ESCALATE, why="旧案", by=By("老王", operator_pin))

    real.turn(hours=25)
    waiting = real.told["waiting"]["packet"]
    zhang.refund(waiting)
    zhang.settle()
    real.turn(days=5)
    zhang.settle()

    [state] = [line["state"] for line in zhang.packets() if line["packet"] == waiting]
    assert "refunded" == state
    assert 0 == zhang.balance()["on_its_way_fen"]
    assert {} == real.findings()


def test_an_old_home_is_rekeyed_copied_and_restored(real: Old, tmp_path: Path):
    """
    With new keys, and by a copy of then, which is brought to today's form, too.
    """
    copy = tmp_path / "copy"
    shutil.copy(real.kept / "data" / "ledger.db", copy)
    real.zhang.topup(YUAN, pin=right)
    real.close()

    restore(real.env, copy, accept_older=lambda *_: True)

    assert engine.FORM == real.form()
    assert real.told["balances"][ZHANG] == real.balance_fen(ZHANG)
    real.zhang.rekey()
    assert real.told["balances"][ZHANG] == real.balance_fen(ZHANG)
    assert {} == real.findings()


@pytest.mark.parametrize("form", FORMS)
def test_an_old_home_that_was_locked_is_opened_with_its_passphrase(form: int, tmp_path: Path):
    """
    And not without.
    """
    locked = Old(kept(form, "real"), tmp_path / "locked", keys="locked_keys")
    with pytest.raises(errors.WrongPassphrase):
        Wallet.open(locked.env, profile=ZHANG, passphrase=lambda: PASSPHRASE[:-1])
    with Wallet.open(locked.env, profile=ZHANG, passphrase=lambda: PASSPHRASE) as wallet:
        assert locked.told["balances"][ZHANG] == wallet.balance()["available_fen"]
        wallet.unlock()
    assert {} == locked.findings()


def test_four_that_open_an_old_home_at_once_migrate_it_once(real: Old, planted: int):
    """
    Three wait for the fourth, and all of them can act.
    """

    def act(number: int) -> bytes:
        with Wallet.open(real.env._replace(chance=os.urandom), profile=ZHANG) as desk:
            return desk.topup(YUAN, pin=right)["payment"].encode()

    assert 4 == len(set(race(4, act)))
    assert planted == real.form()
    assert real.told["balances"][ZHANG] + 4 * YUAN == real.balance_fen(ZHANG)


@pytest.mark.usefixtures("planted")
def test_a_column_that_a_form_has_added_is_sealed_where_it_has_a_value(real: Old):
    """
    Rows of then are as they were sealed; a value that no act has put there is found.
    """
    assert real.told["balances"][ZHANG] == real.balance_fen(ZHANG)
    assert {} == real.findings()

    real.edit("UPDATE home SET mood = 'bad'")

    with pytest.raises(errors.StateAltered):
        real.open(ZHANG)
    assert {"state": ["home 1"]} == real.findings()


def test_a_migration_that_was_killed_is_done_by_the_next_start(tmp_path: Path):
    """
    Killed anywhere, the ledger is of one form or of the other, whole.
    """
    form = engine.EARLIEST
    forms, step, killed = set(), 0, True
    while killed:
        step += 1
        victim = Old(kept(form, "real"), tmp_path / f"killed-{step}")

        def act(victim: Old = victim) -> None:
            with pytest.MonkeyPatch.context() as patched:
                plant(patched)
                Wallet.open(victim.env, profile=ZHANG).close()

        killed = killed_at(step, act, everywhere=True, from_the_start=True)
        forms.add(victim.form())
        with pytest.MonkeyPatch.context() as patched:
            plant(patched)
            assert victim.told["balances"][ZHANG] == victim.balance_fen(ZHANG)
            assert engine.FORM == victim.form()
            rows = victim.dump()
            assert len(rows["entry"]) == len(rows["mood"])
        victim.close()
    assert {form, engine.FORM + 1} == forms
    assert step > 10


def test_a_migration_that_has_no_room_leaves_the_old_form(real: Old, planted: int):
    """
    A full disk is told as such, and once there is room the next start does it.
    """
    db = schema.MIGRATIONS[-1]

    def full(database: Any) -> None:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        db(database)
        database.execute("CREATE TABLE room AS SELECT zeroblob(1000000)")

    before = real.form()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], full))
        with pytest.raises(errors.StorageRefused):
            Wallet.open(real.env, profile=ZHANG)
        assert before == real.form()
    assert real.told["balances"][ZHANG] == real.balance_fen(ZHANG)
    assert planted == real.form()


def test_an_older_hongbao_leaves_a_newer_home_alone(real: Old):
    """
    It says that the home is newer, and changes not a byte; so does restoring a newer copy.
    """
    with pytest.MonkeyPatch.context() as patched:
        plant(patched)
        real.zhang.close()
        newer = engine.FORM
    real.close()
    before = {path: path.read_bytes() for path in real.folder.rglob("*") if path.is_file()}

    with pytest.raises(errors.NewerHome) as refused:
        Wallet.open(real.env)

    assert {"form": newer, "known": engine.FORM}.items() <= refused.value.facts.items()
    assert before == {path: path.read_bytes() for path in real.folder.rglob("*") if path.is_file()}


def test_a_newer_copy_is_not_restored_by_an_older_hongbao(real: Old, tmp_path: Path):
    """
    And the ledger that was there is kept.
    """
    copy = tmp_path / "copy"
    with pytest.MonkeyPatch.context() as patched:
        plant(patched)
        other = Old(real.kept, tmp_path / "other")
        other.zhang.backup(copy)
        other.close()
    before = real.ledger.read_bytes()

    with pytest.raises(errors.NewerHome):
        restore(real.env, copy, accept_older=lambda *_: True)

    assert before == real.ledger.read_bytes()
    assert real.told["balances"][ZHANG] == real.balance_fen(ZHANG)


def test_turning_the_clock_of_an_old_demo_works(tmp_path: Path):
    """
    Its chance and its clock continue where they were.
    """
    old = Old(kept(engine.EARLIEST, "demo"), tmp_path / "demo")
    zhang = old.zhang
    at = zhang.now()
    zhang.advance_clock(timedelta(days=3))
    assert at + timedelta(days=3) == zhang.now()
    assert {} == old.findings()
