"""Damage of every kind: a sentence and an exit code, never a traceback, never silently wrong."""

import os
import random
import resource
import shutil
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.engines.sqlcipher import Ledger
from hongbao.engines.sqlcipher.engine import FORM
from hongbao.home.opened import Home
from hongbao.wallet import Wallet, clearing
from hongbao.wallet.restoring import restore
from tests.vault.processes import run
from tests.wallet.acts import KINDS, REFUNDING, Kind, half_claimed
from tests.wallet.test_kills import RANDOM
from tests.wallet.test_requests import TRAVELLING
from tests.wallet.world import LI, PINS, YUAN, ZHANG, World, below, raw, right

WAL = "ledger.db-wal"


def flipped(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << offset % 8
    path.write_bytes(content)


def everything(world: World) -> Any:
    """Return all that can be looked at, or raise what is said instead."""
    with Wallet.open(world.env, profile=ZHANG) as desk, desk.statement() as statement:
        return (
            desk.balance(),
            desk.history(limit=100),
            desk.limits(),
            desk.profiles(),
            desk.cards(),
            [desk.show(line["packet"]) for line in desk.packets()],
            list(statement.lines),
            desk.policy.text,
        )


def said(world: World, before: Any) -> str:
    """
    Look at everything and then act, and return what was said: nothing, or a code of damage.

    Whatever is answered at all is what was true before.

    Who meets it with a payment half-way is told that this is pending, so that nobody pays again;
    the next act is told of damage.
    """
    world.chances = 1000  # another process draws other ids
    try:
        assert before == everything(world)
        with Wallet.open(world.env, profile=ZHANG) as desk:
            desk.topup(YUAN, pin=right)
    except errors.NotIntact as error:
        return error.code
    except errors.PaymentPending as pending:
        assert isinstance(pending.__cause__, errors.NotIntact)  # noqa: PT017
        with (
            Wallet.open(world.env, profile=ZHANG) as desk,
            pytest.raises(type(pending.__cause__)) as told,
        ):
            desk.topup(YUAN, pin=right)
        return told.value.code
    return ""


def check(world: World) -> None:
    """Raise Damaged where `check` cannot look or finds pages that cannot be read."""
    if "pages" in world.findings():
        raise errors.Damaged(path="")


def offsets(path: Path, many: int) -> list[int]:
    """Return places all over a file: both ends of some pages, and others by chance."""
    size = path.stat().st_size
    dice = random.Random(size)
    edges = [0, 1, 15, 16, 23, 24, 28, 31, 32, 55, 56, 4015, 4016, 4031, 4032, 4095, 4096, size - 1]
    return sorted({at for at in edges if at < size} | {dice.randrange(size) for _ in range(many)})


MANY = [
    pytest.param(15, id="some"),
    pytest.param(600, id="many", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("many", MANY)
def test_one_wrong_byte_anywhere_in_the_ledger_is_found(many: int, world: World, tmp_path: Path):
    """
    Every page is authenticated: `check` finds the byte wherever it is, and whoever meets it on the
    way is told of damage rather than given what it says.
    """
    half_claimed(world)
    world.close()
    before = everything(world)
    assert ["ledger.db"] == [path.name for path in world.env.data.iterdir()]

    for offset in offsets(world.ledger, many):
        victim = world.copy(tmp_path / f"wrong-{offset}")
        flipped(victim.ledger, offset)
        with pytest.raises(errors.Damaged):
            check(victim)
        said(victim, before)
        shutil.rmtree(victim.folder)


@pytest.mark.parametrize("many", MANY)
def test_one_wrong_byte_in_the_log_is_found(many: int, world: World, tmp_path: Path):
    """
    What the write-ahead log no longer has whole is not there any more: the noted head tells.
    """
    with world.zhang:
        half_claimed(world)
        before = everything(world)
        crashed = tmp_path / "crashed"
        shutil.copytree(world.folder, crashed)
    size = (crashed / "data" / WAL).stat().st_size
    assert size > 0
    (crashed / "data" / "ledger.db-shm").unlink()

    codes = set()
    for offset in offsets(crashed / "data" / WAL, many):
        victim = World(tmp_path / f"wrong-{offset}", world.at)
        shutil.copytree(crashed, victim.folder)
        flipped(victim.env.data / WAL, offset)
        codes.add(said(victim, before))
        shutil.rmtree(victim.folder)

    assert {"rolled_back"} <= codes <= {"rolled_back", "damaged", ""}


def test_a_whole_log_is_played_after_a_crash(world: World, tmp_path: Path):
    """
    The same files without a wrong byte: nothing is lost.
    """
    with world.zhang:
        half_claimed(world)
        before = everything(world)
        shutil.copytree(world.folder, tmp_path / "crashed")

    crashed = World(tmp_path / "crashed", world.at)

    assert "" == said(crashed, before)
    assert {} == crashed.findings()


@pytest.mark.parametrize(
    "stride",
    [pytest.param(9973, id="some"), pytest.param(997, id="many", marks=pytest.mark.slow)],
)
def test_a_ledger_that_was_cut_short_is_damaged(stride: int, world: World, tmp_path: Path):
    """
    At whatever length, nought included, and whatever is asked of it: damaged, exit code 19.
    """
    half_claimed(world)
    before = everything(world)
    world.close()
    whole = world.ledger.read_bytes()

    for length in (0, 1, 100, 4095, 4096, *range(5000, len(whole), stride)):
        victim = world.copy(tmp_path / f"cut-{length}")
        victim.ledger.write_bytes(whole[:length])
        assert "damaged" == said(victim, before), length
        with pytest.raises(errors.Damaged):
            check(victim)
        shutil.rmtree(victim.folder)


def test_a_ledger_that_is_gone_is_not_replaced_by_a_new_one(world: World):
    """
    Keys that have seen entries know that there was more: init makes no second home over the loss.
    """
    world.close()
    world.ledger.unlink()

    for act in (world.open, lambda: world.found("Zhao"), lambda: world.found(ZHANG)):
        with pytest.raises(errors.Damaged):
            act()

    assert not world.ledger.exists()


def test_a_ledger_without_its_keys_is_not_replaced_by_a_new_one(world: World):
    """
    Nor are new keys made beside a ledger that they could never open.
    """
    world.close()
    shutil.rmtree(world.env.keys)

    for act in (world.open, lambda: world.found("Zhao")):
        with pytest.raises(errors.Damaged) as refused:
            act()
        assert {"path": str(world.env.keys)} == refused.value.facts

    assert not world.env.keys.exists()


def test_another_homes_keys_open_nothing(world: World, empty: World):
    """
    A ledger beside the wrong keys is damaged or does not belong to them, which is what is said.
    """
    empty.found("Li")
    empty.close()
    world.close()
    shutil.rmtree(world.env.keys)
    shutil.copytree(empty.env.keys, world.env.keys)

    with pytest.raises(errors.Damaged) as refused:
        world.open()

    assert {"path": str(world.ledger)} == refused.value.facts


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0" + bytes(5000), bytes(8192)])
def test_what_is_no_ledger_is_damaged(content: bytes, world: World):
    """
    An unencrypted database, zeros, a letter.
    """
    world.close()
    world.ledger.write_bytes(content)

    with pytest.raises(errors.Damaged):
        world.open()
    with pytest.raises(errors.Damaged):
        world.findings()
    with pytest.raises(errors.Damaged):
        world.found("Zhao")

    assert content == world.ledger.read_bytes()


def test_a_ledger_of_a_later_version_is_left_alone(world: World):
    """
    Its rules are not known here: nothing is read from it and nothing changed.
    """
    with world.zhang as desk:
        key = desk.vault.page_key
    db = raw(world.ledger, key)
    db.execute(f"PRAGMA user_version = {FORM + 1}")
    db.close()
    before = world.ledger.read_bytes()

    for act in (world.open, world.findings, lambda: world.found("Zhao")):
        with pytest.raises(errors.NewerHome) as refused:
            act()
        assert {"form": FORM + 1, "known": FORM} == refused.value.facts

    assert before == world.ledger.read_bytes()


@pytest.mark.parametrize("form", range(1, 5))
def test_a_ledger_of_an_early_form_is_refused_by_its_name(form: int, world: World):
    """
    No hongbao that was released has made one: its statements are for the version that did.
    """
    with world.zhang as desk:
        key = desk.vault.page_key
    db = raw(world.ledger, key)
    db.execute(f"PRAGMA user_version = {form}")
    db.close()
    before = world.ledger.read_bytes()

    for act in (world.open, world.findings, lambda: world.found("Zhao")):
        with pytest.raises(errors.OlderHome) as refused:
            act()
        assert {"form": form, "known": FORM} == refused.value.facts

    assert before == world.ledger.read_bytes()


def test_a_note_that_nobody_can_read_is_said(world: World):
    """
    Both lines of the noted head are gone: someone had their hands on it.
    """
    half_claimed(world)
    world.close()
    note = world.env.keys / "head"
    note.write_bytes(b"x" * note.stat().st_size)

    with pytest.raises(errors.Damaged):
        world.open()


# --- a disk that is full ------------------------------------------------------------------------


def full_beyond(size: int) -> None:
    """Let no file of this process grow beyond *size* bytes: to it, a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def with_files_at_most(size: int, act: Callable[[], object]) -> int:
    """Run *act* in a child for which the disk is full beyond *size* bytes a file."""

    def body() -> None:
        full_beyond(size)
        act()

    return run(body)


def slowly(kinds: tuple[Kind, ...]) -> list[Any]:
    daily = ("claim",)
    return [
        pytest.param(kind, id=kind.name, marks=() if kind.name in daily else pytest.mark.slow)
        for kind in kinds
    ]


@pytest.mark.parametrize("kind", slowly(KINDS))
def test_a_full_disk_refuses_an_act_whole(kind: Kind, world: World, tmp_path: Path):
    """
    However little room is left: refused in words with nothing changed, or done.

    A payment through the channel may also have come half way. Then nobody is told that it was
    refused, who would pay again: it is pending, and asked for again once there is room, it ends
    in the ledger that it would have ended in.
    """
    ready = kind.ready(world)
    world.close()
    before = world.dump(ignoring=PINS)
    unharmed = world.copy(tmp_path / "unharmed")
    kind.do(unharmed.open(kind.who), ready, request_id="mine")
    after = unharmed.dump(ignoring=RANDOM)
    outcomes = []

    for room in count(0, 7000):  # more than a page and less than two
        victim = world.copy(tmp_path / f"room-{room}")

        def act(victim: World = victim, room: int = room) -> None:
            with Wallet.open(victim.env, profile=kind.who) as desk:
                full_beyond(room)
                try:
                    kind.do(desk, ready, request_id="mine")
                except errors.StorageRefused as refused:
                    # The ledger's words, or those of a count beside the keys.
                    assert refused.facts["reason"] in (  # noqa: PT017
                        "Input/output error",
                        "File too large",
                    )
                    os._exit(REFUSED)
                except errors.PaymentPending:
                    os._exit(PENDING)

        outcomes.append(run(act))
        assert {} == victim.findings()
        found = victim.dump(ignoring=PINS)
        if outcomes[-1] == REFUSED:
            assert before == found or kind.name in REFUNDING
        if outcomes[-1] == PENDING:
            assert before["account"] != found["account"] or before["message"] != found["message"]
        kind.do(victim.open(kind.who), ready, request_id="mine")
        assert after == victim.dump(ignoring=RANDOM)
        victim.close()
        if outcomes[-1] == 0:
            break

    assert {0, REFUSED, *((PENDING,) if kind.name in TRAVELLING else ())} == set(outcomes)
    assert len(outcomes) > 2


@pytest.mark.parametrize("kind", [k for k in KINDS if k.name in TRAVELLING], ids=repr)
def test_a_payment_that_others_keep_waiting_half_way_is_pending(kind: Kind, world: World):
    """
    Between two of its steps another process takes the lock and keeps it: nobody is told to try
    again, and with the next command the payment is done, once.
    """
    ready = kind.ready(world)
    desk = world.open(kind.who)
    other = world.raw()
    carry = clearing.carry

    def kept_waiting(home: Home, number: int) -> Any:
        below(desk)._db.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        return carry(home, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clearing, "carry", kept_waiting)
        with pytest.raises(errors.PaymentPending) as pending:
            kind.do(desk, ready, request_id="mine")
    other.close()

    told = kind.do(world.open(kind.who), ready, request_id="mine")

    assert pending.value.facts["payment"] == told["payment"]
    assert "accepted" == world.dump()["message"][-1][16]
    assert {} == world.findings()


REFUSED, PENDING = 3, 4
"""How a child ends that was told no, or that nobody knows yet."""


def test_a_full_disk_makes_no_home(tmp_path: Path):
    """
    Where there is no room for a home, init says so, and made again with room it succeeds.
    """
    outcomes = []
    for number, size in enumerate((0, 100, 4096, 40_000, 90_000, 200_000, 400_000, 900_000)):
        world = World(tmp_path / str(number))

        def act(world: World = world) -> None:
            try:
                world.found(LI)
            except errors.StorageRefused:
                os._exit(REFUSED)

        outcomes.append(with_files_at_most(size, act))
        if outcomes[-1]:
            world.found(LI)
        assert [LI] == [line["profile"] for line in world.open().profiles()]
        assert {} == world.findings()
        world.close()

    assert REFUSED == outcomes[0]
    assert 0 == outcomes[-1]
    assert {0, REFUSED} == set(outcomes)


def test_a_full_disk_leaves_no_half_backup(world: World, tmp_path: Path):
    """
    Neither under the copy's name nor under another.
    """
    (tmp_path / "copies").mkdir()
    file = tmp_path / "copies" / "copy"
    file.write_text("precious")
    size = world.ledger.stat().st_size
    world.close()

    def act() -> None:
        with Wallet.open(world.env) as desk:
            try:
                desk.backup(file, replace=True)
            except errors.StorageRefused:
                os._exit(REFUSED)

    assert REFUSED == with_files_at_most(size // 2, act)

    assert [file] == list(file.parent.iterdir())
    assert "precious" == file.read_text()
    assert {} == world.findings()


def test_a_full_disk_keeps_the_ledger_that_was_to_be_replaced(world: World, tmp_path: Path):
    """
    A restore that finds no room leaves everything as it was.
    """
    world.zhang.backup(tmp_path / "copy")
    half_claimed(world)
    before = world.dump()
    world.close()

    for share in (4, 2):

        def act(share: int = share) -> None:
            try:
                restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)
            except errors.StorageRefused:
                os._exit(REFUSED)

        assert REFUSED == with_files_at_most((tmp_path / "copy").stat().st_size // share, act)
        assert before == world.dump()
        assert {} == world.findings()
        assert not list(world.env.data.glob("*incoming*"))


def test_a_full_disk_leaves_a_rekey_for_later(world: World):
    """
    Without room every page cannot be encrypted anew: that is said, everything can still be looked
    at while the disk is full, and once there is room the next opening finishes what was begun.
    """
    half_claimed(world)
    before = everything(world)
    outcomes = []

    for size in (34_000, 60_000, 100_000, 150_000, 250_000, 600_000, 2_000_000):
        generation = world.open().vault.generation
        world.close()
        world.chances += 100  # each process draws other ids

        def act() -> None:
            refused = False
            with Wallet.open(world.env, profile=ZHANG) as desk:
                try:
                    desk.rekey()
                except errors.StorageRefused:
                    refused = True
                assert before[0] == desk.balance()
            assert before == everything(world)
            if refused:
                os._exit(REFUSED)

        outcomes.append(with_files_at_most(size, act))
        assert before == everything(world)
        assert {} == world.findings()
        assert world.open().vault.generation in (generation, generation + 1)
        assert outcomes[-1] != 0 or world.open().vault.generation == generation + 1
        world.close()
        assert 1 == len(list(world.env.keys.glob("device-*")))

    assert {0, REFUSED} == set(outcomes)
    assert sorted(outcomes, reverse=True) == outcomes


# --- copying pages --------------------------------------------------------------------------------


def test_pages_are_not_copied_onto_a_ledger_that_somebody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    By itself the engine would try for ever.
    """
    monkeypatch.setattr("hongbao.engines.sqlcipher.engine.BUSY_SECONDS", 0.2)
    key = os.urandom(32)
    ledger, copy = Ledger.create(tmp_path / "ledger", key), Ledger.create(tmp_path / "copy", key)
    writer = Ledger.open(tmp_path / "ledger", key)

    with writer.transaction(), pytest.raises(errors.Busy):
        ledger.overwrite_with(copy)

    ledger.overwrite_with(copy)
    for store in (ledger, copy, writer):
        store.close()


def test_pages_under_other_keys_are_damage_in_either_place(tmp_path: Path):
    """
    The engine has only a sentence for it there, and no name.
    """
    old, new = os.urandom(32), os.urandom(32)
    ledger, copy = Ledger.create(tmp_path / "ledger", old), Ledger.create(tmp_path / "copy", old)
    late = [Ledger.open(tmp_path / "ledger", old) for _ in range(2)]
    ledger.rekey(new)

    with pytest.raises(errors.Damaged):
        late[0].overwrite_with(copy)
    with pytest.raises(errors.Damaged):
        copy.overwrite_with(late[1])

    for store in (ledger, copy, *late):
        store.close()
