"""After a restore: no id is given twice, and whoever watches is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.ids import ENTRIES
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from hongbao.wallet.restoring import restore
from tests.wallet.world import LI, YUAN, ZHANG, World, card, right

NAMES = {
    "packet": ("id", "number"),
    "message": ("id", "number"),
    "batch": ("id", "number"),
    "review_case": ("id", "number"),
    "challenge": ("id", "number"),
    "external_bill": ("id", "number"),
    "profile": ("id",),
    "person": ("id",),
    "operator": ("id",),
    "card": ("id",),
    "deposit": ("id",),
    "device": ("id", "public_key"),
    "entry": ("id", "request_id", "mac"),
}
"""What rows are called by, in the ledger and outside of it."""


def yes(*_entries: int | None) -> bool:
    return True


def names(world: World) -> dict[str, set[Any]]:
    """Return all names that were given in the ledger, by what they name."""
    db = world.raw()
    try:
        return {
            f"{table}.{column}": {row[0] for row in db.execute(f"SELECT {column} FROM {table}")}
            for table, columns in NAMES.items()
            for column in columns
        }
    finally:
        db.close()


SERIALS = {"Zhao": 1, "Qian": 2, "Sun-Li": 3}


def live(world: World, who: str) -> None:
    """Let everything get a name that can have one; *who* joins."""
    desk = world.zhang
    packet = desk.send(10 * YUAN, count=2, pin=right)["packet"]
    world.li.claim(packet)
    desk.topup(20 * YUAN, pin=right)
    desk.withdraw(5 * YUAN, pin=right)
    desk.settle()
    desk.add_card(card(3, SERIALS[who]), pin=right)
    desk.add_device(f"tablet-{who}", pin=right)
    world.found(who).topup  # noqa: B018 - it is there
    if desk.operators():
        desk.add_operator(f"op-{who}", pin=right, by=By("Wu", right))
    else:
        desk.add_operator("Wu", pin=right, by=right)
    world.close()


@pytest.fixture(params=["real", "dice"])
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A home of each kind, with a life, and a copy of it in the middle."""
    if request.param == "real":
        world = request.getfixturevalue("world")
    else:
        world = request.getfixturevalue("dicing")
    yield world
    world.close()


@pytest.mark.parametrize(
    "ledger", ["whole", pytest.param("damaged", marks=pytest.mark.slow), "gone"]
)
def test_no_name_is_given_twice(ledger: str, lived: World, tmp_path: Path):
    """
    What was given between the copy and its return is not given again: neither in a home with real
    chance nor in a demo's, whose dice would say the same; and also where the ledger that is lost
    cannot be read any more, as how far it had come is noted beside the keys.
    """
    world = lived
    live(world, "Zhao")
    world.zhang.backup(tmp_path / "copy")
    before = names(world)
    live(world, "Qian")
    lost = {what: found - before[what] for what, found in names(world).items()}
    world.close()
    if ledger == "damaged":
        world.ledger.write_bytes(bytes(8192))
    elif ledger == "gone":
        for file in world.env.data.iterdir():
            file.unlink()

    restore(world.env, tmp_path / "copy", accept_older=yes)
    live(world, "Sun-Li")

    given = {what: found - before[what] for what, found in names(world).items()}
    assert {} == {what: lost[what] & given[what] for what in lost if lost[what] & given[what]}
    assert {"entry.id", "packet.id", "message.id", "batch.id", "profile.id"} <= {
        what for what in lost if lost[what] and given[what]
    }
    assert {} == world.findings()


def test_a_second_restore_skips_what_the_first_life_gave_too(lived: World, tmp_path: Path):
    """
    The same copy twice, and a copy that a restore is in: each life has numbers of its own.
    """
    world = lived
    world.zhang.backup(tmp_path / "copy")
    seen: set[int] = set()
    movements: set[str] = set()
    for name in ("copy", "copy", "later"):
        world.zhang.topup(YUAN, pin=right)
        last = world.zhang.store.head().entry
        mine = {line["id"] for line in world.zhang.history(limit=1)["movements"]}
        assert last not in seen
        assert not mine & movements
        seen.add(last)
        movements |= mine
        world.zhang.backup(tmp_path / "later", replace=True)
        world.close()
        restore(world.env, tmp_path / name, accept_older=yes)
        assert world.zhang.store.head().entry > max(seen)
        assert {} == world.findings()


def test_a_copy_that_lacks_nothing_leaves_no_gap(world: World, tmp_path: Path):
    """
    The restore of the newest state is the next entry.
    """
    world.zhang.backup(tmp_path / "copy")
    last = world.zhang.store.head().entry
    world.close()

    restore(world.env, tmp_path / "copy", accept_older=yes)

    assert last + 1 == world.zhang.store.head().entry


def test_a_gap_that_no_restore_explains_is_a_break(world: World, tmp_path: Path):
    """
    What is missing beside a restore's own gap is named, and so is a gap that it does not tell of.
    """
    world.zhang.backup(tmp_path / "copy")
    copied = world.zhang.store.head().entry
    for _ in range(2):
        world.zhang.topup(YUAN, pin=right)
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=yes)
    world.zhang.topup(YUAN, pin=right)
    assert {} == world.findings()

    world.edit(f"DELETE FROM entry WHERE id = {copied}")

    assert f"entry {copied} is missing" in world.findings()["chain"]


def test_a_period_is_found_across_the_gap(world: World, tmp_path: Path):
    """
    A search by halves lands in the gap and goes on from there.
    """
    world.zhang.backup(tmp_path / "copy")
    for _ in range(3):
        world.turn(hours=1)
        world.zhang.topup(YUAN, pin=right)
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=yes)
    restored = world.at
    world.turn(hours=1)
    world.zhang.topup(7 * YUAN, pin=right)

    with world.zhang.statement(since=restored + timedelta(minutes=30)) as statement:
        assert [7 * YUAN] == [line["amount_fen"] for line in statement.lines]
    with world.zhang.statement(until=restored) as statement:
        assert statement.head["entry"] == world.zhang.store.span(last=6).start
        assert 1000 * YUAN == statement.closing_fen


def test_a_place_in_history_is_marked_or_refused(world: World, tmp_path: Path):
    """
    After a restore, a program that goes on after an event of the ledger that is gone is told so,
    and begins with the restore; an event that has never been is refused.
    """
    world.zhang.backup(tmp_path / "copy")
    kept = world.zhang.events()["last"]
    world.zhang.topup(YUAN, pin=right)
    gone = world.zhang.events()["last"]
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=yes)

    told = world.zhang.events(after=gone)

    assert (True, "restore", gone + 1) == (
        told["lost"],
        told["events"][0]["act"],
        told["events"][0]["event"],
    )
    assert not world.zhang.events(after=kept)["lost"]
    assert ["restore"] == [event["act"] for event in world.zhang.events(after=kept)["events"]]
    assert not world.zhang.events(after=0)["lost"]
    assert kept + 1 == len(world.zhang.events(limit=100)["events"])
    with pytest.raises(errors.EventNotFound):
        world.zhang.events(after=gone + 2)


def test_books_of_an_entry_that_is_gone_are_not_found(world: World, tmp_path: Path):
    """
    Its number names nothing.
    """
    world.zhang.backup(tmp_path / "copy")
    world.zhang.topup(YUAN, pin=right)
    gone = world.zhang.store.head().entry
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=yes)

    with pytest.raises(errors.NotFound):
        world.zhang.books(str(gone))


def test_a_head_that_somebody_made_up_does_not_use_the_numbers_up(world: World, tmp_path: Path):
    """
    The note beside the keys has a checksum and no more: what is beyond any ledger is not believed.
    """
    world.zhang.backup(tmp_path / "copy")
    world.zhang.keys.reset_head(ENTRIES * 10**9, bytes(32))
    world.close()

    restore(world.env, tmp_path / "copy", accept_older=yes)

    assert world.zhang.store.head().entry < 100
    world.li.topup(YUAN, pin=right)
    with Wallet.open(world.env, profile=LI) as desk:
        assert ZHANG != desk.me.name
