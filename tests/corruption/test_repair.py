"""Repair: a new home of what a damaged one proves; what is lost is said in fen, by whose it was."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.engines.sqlcipher.salvage import Salvaged
from hongbao.units import from_micros, iso
from hongbao.wallet.repair import repair
from tests.corruption.trying import PAGE_BYTES, PEOPLE, Tally, Truth, copied, flip, looked
from tests.vault.processes import run
from tests.wallet.world import YUAN, ZHANG, World, raw, right

LEDGER = Path("data", "ledger.db")
HOPELESS = frozenset(
    {"home", "person", "profile", "entry", "sealed_row", "device", "enrolment"},
)
"""
Tables of a small home of which one page is all: without a backup, nothing is proven without it.

The first page of entries is among them, and that of an interior node of its tree.
"""


def seen(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Return each file of *folder* with its bytes and the time at which it was written."""
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def wealth(world: World) -> Mapping[int | None, int]:
    """Return what each profile has, in balance, packets, payments and holds."""
    with world.zhang as desk:
        key = desk.home.vault.page_key
    ledger = Salvaged.open(world.ledger, key)
    try:
        return ledger.wealth()
    finally:
        ledger.close()


def entries(world: World, key: bytes, last: int) -> list[Any]:
    """Return the entries up to *last* with their seals, and what they moved."""
    db = raw(world.ledger, key)
    try:
        return [
            *db.execute("SELECT * FROM entry WHERE id <= ? ORDER BY id", (last,)),
            *db.execute("SELECT * FROM transfer WHERE entry <= ? ORDER BY id", (last,)),
        ]
    finally:
        db.close()


def tables(truth: Truth) -> dict[int, str]:
    """Return which table or index begins at which page, from 0 on."""
    db = raw(truth.folder / LEDGER, truth.page_key)
    try:
        return {
            root - 1: name
            for name, root in db.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage")
        }
    finally:
        db.close()


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Fail if anything in *folder* is another than before."""
    before = seen(folder)
    yield
    assert before == seen(folder), "the old home was touched"


def repaired(truth: Truth, victim: Path, new: Path, *backups: Path) -> Any:
    """
    Repair *victim* into *new*, and compare what is kept with what is *truth*.

    What is kept and what is lost are together what everyone had; the entries that are kept are
    the very ones; the new home passes every check, and goes on.
    """
    shutil.rmtree(new, ignore_errors=True)
    world = World(victim, truth.world.at)
    world.chances = truth.world.chances + 500
    with untouched(victim):
        found = repair(world.env, new, backups=backups)
    assert (str(victim), str(new)) == (found["home"], found["into"])
    assert 0o700 == new.stat().st_mode & 0o777
    assert [] == [*new.parent.glob(f".{new.name}-*")], "what it was made in is still there"
    made = World(new, truth.world.at)
    made.chances = truth.world.chances + 700
    assert {} == made.findings()
    kept = found["kept_entry"]
    key = truth.page_key
    assert entries(truth.world, key, kept) == entries(made, key, kept), "an entry was changed"
    before, after = wealth(truth.world), wealth(made)
    by_name = dict(enumerate(PEOPLE, 1))
    for line in found["people"]:
        who = next((number for number, name in by_name.items() if name == line["profile"]), None)
        assert line["kept_fen"] == after.get(who, 0)
        if line["lost_fen"] is not None and who is not None:
            assert line["before_fen"] == before[who]
            assert line["kept_fen"] + line["lost_fen"] == before[who]
    if kept == found["last_entry"]:
        assert {line["lost_fen"] for line in found["people"]} <= {0, None}
        for name in PEOPLE:
            assert looked(made, name) == truth.answers[name]
    with made.zhang as desk:
        if desk.cards():
            desk.topup(YUAN, pin=right)
    assert {} == made.findings()
    return found


def test_a_gap_is_filled_from_an_older_backup(truth: Truth, tmp_path: Path):
    """
    The page of the first entries is lost. A backup has them, and what came after it is here.
    """
    victim = copied(truth, tmp_path / "victim")
    roots = tables(truth)
    pages = (truth.folder / LEDGER).stat().st_size // PAGE_BYTES
    leaf = [page for page in range(pages) if page not in roots][-2]
    flip(victim / LEDGER, leaf * PAGE_BYTES, 1)

    found = repaired(truth, victim, tmp_path / "new", truth.older / LEDGER)

    assert (found["lost"], found["pages"]) == (0, 1)
    assert found["from_backups"] > 0
    assert not any(backup["is_better"] for backup in found["backups"])


def test_an_older_copy_cannot_say_what_is_lost(truth: Truth, tmp_path: Path):
    """
    What everyone had is not what they had some acts before.
    """
    victim = copied(truth, tmp_path / "victim")
    shutil.copyfile(truth.older / LEDGER, victim / LEDGER)

    found = repaired(truth, victim, tmp_path / "new")

    assert found["lost"] > 0
    assert [] == found["acts"]
    assert {(line["before_fen"], line["lost_fen"]) for line in found["people"]} == {(None, None)}


def test_a_balance_that_was_altered_is_not_what_someone_had(truth: Truth, tmp_path: Path):
    """
    Its owner has what the entries left, and loses nothing.
    """
    victim = copied(truth, tmp_path / "victim")
    World(victim, truth.world.at).edit(
        "UPDATE account SET credits_fen = credits_fen + 9999900"
        " WHERE book = 'platform' AND kind = 'balance' AND owner = 1"
    )

    found = repaired(truth, victim, tmp_path / "new")

    assert found["lost"] == 0
    assert {line["lost_fen"] for line in found["people"]} == {0}


@pytest.mark.slow
@pytest.mark.parametrize("with_backup", [False, True])
def test_every_page_that_is_lost(with_backup: bool, truth: Truth, tmp_path: Path):
    """
    One page after the other: all is kept, or what was lost with it is told; or nothing is proven.
    """
    tally, roots = Tally(), tables(truth)
    backups = [truth.older / LEDGER] if with_backup else []
    for page in range((truth.folder / LEDGER).stat().st_size // PAGE_BYTES):

        def trial(page: int = page) -> str:
            victim = copied(truth, tmp_path / "victim")
            flip(victim / LEDGER, page * PAGE_BYTES + 2000, 0xFF)
            name = roots.get(page, "a leaf of entries")
            if not with_backup and (name in HOPELESS or page not in roots):
                with suppress(errors.Unrepairable):
                    repaired(truth, victim, tmp_path / "new")
                    return "nothing is lost"
                return f"nothing is proven without the page of {name}"
            found = repaired(truth, victim, tmp_path / "new", *backups)
            return "nothing is lost" if not found["lost"] else "what came after is lost"

        tally.add(f"page {page + 1} ({roots.get(page)})", trial)
    tally.end()


@pytest.mark.slow
def test_two_pages_that_are_lost(truth: Truth, tmp_path: Path):
    """
    Every seventh page with every eleventh: kept and lost are what everyone had.
    """
    tally = Tally()
    pages = (truth.folder / LEDGER).stat().st_size // PAGE_BYTES
    for first in range(2, pages, 7):
        for second in range(1, pages, 11):

            def trial(first: int = first, second: int = second) -> str:
                victim = copied(truth, tmp_path / "victim")
                for page in {first, second}:
                    flip(victim / LEDGER, page * PAGE_BYTES + 100, 0xFF)
                try:
                    found = repaired(truth, victim, tmp_path / "new")
                except errors.Unrepairable:
                    return "nothing is proven"
                return "nothing is lost" if not found["lost"] else "what came after is lost"

            tally.add(f"pages {first} and {second}", trial)
    tally.end()


@pytest.mark.slow
def test_old_pages_that_are_put_back_prove_nothing(truth: Truth, tmp_path: Path):
    """
    An authentic page of before: what follows from entries is derived again, what does not is lost.
    """
    tally = Tally()
    older = (truth.older / LEDGER).read_bytes()
    whole = (truth.folder / LEDGER).read_bytes()
    for page in range(1, len(older) // PAGE_BYTES):
        place = slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
        if older[place] == whole[place]:
            continue

        def trial(place: slice = place) -> str:
            victim = copied(truth, tmp_path / "victim")
            content = bytearray(whole)
            content[place] = older[place]
            (victim / LEDGER).write_bytes(content)
            shutil.rmtree(tmp_path / "new", ignore_errors=True)
            world = World(victim, truth.world.at)
            try:
                with untouched(victim):
                    found = repair(world.env, tmp_path / "new")
            except (errors.Unrepairable, errors.NothingToRepair) as error:
                return error.code
            made = World(tmp_path / "new", truth.world.at)
            assert {} == made.findings()
            key, kept = truth.page_key, found["kept_entry"]
            assert entries(truth.world, key, kept) == entries(made, key, kept)
            if kept == found["last_entry"]:
                assert wealth(made) == wealth(truth.world)
            return "nothing is lost" if not found["lost"] else "what came after is lost"

        tally.add(f"page {page + 1}", trial)
    tally.end()


# --- what it refuses ------------------------------------------------------------------------------


def test_a_whole_home_is_not_repaired(truth: Truth, tmp_path: Path):
    """
    Nothing is made of it, and nothing touched.
    """
    victim = copied(truth, tmp_path / "victim")

    with untouched(victim), pytest.raises(errors.NothingToRepair):
        repair(World(victim, truth.world.at).env, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_without_keys_nothing_can_be_done(truth: Truth, tmp_path: Path):
    """
    Not even a backup opens: what helps is the copy of the keys.
    """
    victim = copied(truth, tmp_path / "victim")
    (victim / "keys" / "master.json").write_bytes(b"{}")

    with untouched(victim), pytest.raises(errors.KeysLost):
        repair(World(victim, truth.world.at).env, tmp_path / "new")


def test_without_a_ledger_there_is_nothing_to_repair(truth: Truth, tmp_path: Path):
    """
    A backup that is whole is named instead; without the keys it would not open either.
    """
    victim = copied(truth, tmp_path / "victim")
    env = World(victim, truth.world.at).env
    (victim / LEDGER).unlink()

    with pytest.raises(errors.Unrepairable) as alone:
        repair(env, tmp_path / "new")
    with pytest.raises(errors.Unrepairable) as offered:
        repair(env, backups=[victim / "none.db", truth.older / LEDGER])
    shutil.rmtree(victim / "keys")
    with pytest.raises(errors.HomeNotFound):
        repair(env)
    shutil.copyfile(truth.older / LEDGER, victim / LEDGER)
    with pytest.raises(errors.KeysLost) as locked:
        repair(env)

    assert "the ledger is gone" == alone.value.facts["reason"] == offered.value.facts["reason"]
    assert not alone.value.facts.get("backup")
    assert str(truth.older / LEDGER) == offered.value.facts["backup"]
    assert str(victim / "keys") == locked.value.facts["path"]
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_there_is_left_alone(truth: Truth, tmp_path: Path):
    """
    Also an empty one, and one within the damaged home.
    """
    victim = copied(truth, tmp_path / "victim")
    (tmp_path / "new").mkdir()

    with pytest.raises(errors.NewHomeTaken):
        repair(World(victim, truth.world.at).env, tmp_path / "new")
    with pytest.raises(errors.InsideHome):
        repair(World(victim, truth.world.at).env, victim / "data" / "new")


@pytest.mark.slow
def test_killed_at_any_rename_there_is_no_new_home(truth: Truth, tmp_path: Path):
    """
    Half a new home has another name, and does not keep the next try from its own.
    """
    victim = copied(truth, tmp_path / "victim")
    flip(victim / LEDGER, 48 * PAGE_BYTES + 2000, 0xFF)  # what banks have, which is derived again
    env = World(victim, truth.world.at).env
    new = tmp_path / "new"
    rename = Path.rename

    def dying(path: Path, target: Any) -> Path:
        if Path(target) == new:
            os._exit(9)
        return rename(path, target)

    def body() -> None:
        setattr(Path, "rename", dying)  # noqa: B010 - of the class, in a child of ours
        repair(env, new)

    with untouched(victim):
        assert run(body) == 9
        assert not new.exists()
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".new-")]
        found = repair(env, new)

    assert found["lost"] == 0
    assert {} == World(new, truth.world.at).findings()


# --- what it offers -------------------------------------------------------------------------------


def test_a_backup_that_has_all_of_it_is_better(truth: Truth, tmp_path: Path):
    """
    It ends where the proven part ends: nothing of it would be newer. Who prefers it is asked first.
    """
    victim = copied(truth, tmp_path / "victim")
    flip(victim / LEDGER, 48 * PAGE_BYTES + 2000, 0xFF)

    asked: list[Any] = []

    def declines(found: object) -> bool:
        asked.append(found)
        return False

    found = repair(
        World(victim, truth.world.at).env,
        tmp_path / "new",
        backups=[truth.folder / LEDGER],
        agrees=declines,
    )

    assert [found] == asked
    assert found["into"] is None
    assert [] == [*tmp_path.glob("*new*")]
    (backup,) = found["backups"]
    assert backup["is_better"]
    assert (str(truth.folder / LEDGER), found["last_entry"]) == (backup["file"], backup["entry"])


def test_a_repaired_home_says_so_in_its_chain(truth: Truth, tmp_path: Path):
    """
    Its last entry names what is missing, and takes a number that nothing lost had.
    """
    victim = copied(truth, tmp_path / "victim")
    page = next(page for page, name in tables(truth).items() if name == "packet")
    flip(victim / LEDGER, page * PAGE_BYTES + 2000, 0xFF)

    found = repaired(truth, victim, tmp_path / "new")

    db = raw(truth.folder / LEDGER, truth.page_key)
    rows = db.execute(
        "SELECT id, act, profile, amount_fen, at FROM entry WHERE id > ? ORDER BY id",
        (found["kept_entry"],),
    ).fetchall()
    db.close()
    with World(tmp_path / "new", truth.world.at).open(ZHANG) as desk:
        (event,) = [line for line in desk.events()["events"] if line["act"] == "repaired"]
    assert event["event"] == found["last_entry"] + 1
    assert found["lost"] == found["last_entry"] - found["kept_entry"] > 0
    assert found["acts"] == [
        {
            "entry": entry,
            "at": iso(from_micros(at)),
            "act": act,
            "profile": None if profile is None else PEOPLE[profile - 1],
            "amount_fen": amount_fen,
            "sealed": True,  # all of it is proven, and cannot be done again without its packet
        }
        for entry, act, profile, amount_fen, at in rows
    ]
