"""Homes as a whole: locking, new keys, copies, and coming back from one."""

import os
import shutil
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.store import Holder
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet
from hongbao.wallet.authorise import authorise
from hongbao.wallet.restoring import restore
from tests.vault.processes import as_nobody
from tests.wallet.acts import half_claimed
from tests.wallet.world import (
    CARD,
    LI,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    id_number,
    raw,
    right,
    wrong,
)

PASSPHRASE = "open sesame, please"


def never(*entries: int | None) -> bool:
    raise AssertionError("asked to accept an older copy")


# --- the passphrase -----------------------------------------------------------------------------


def test_a_locked_home_opens_with_its_passphrase_alone(world: World):
    """
    Without it nothing is told; with it everything is as it was; unlocked, nobody is asked.
    """
    before = world.zhang.balance()

    answer = world.zhang.lock(PASSPHRASE, pin=right)
    world.close()

    assert "passphrase" == answer["wrapping"]
    with pytest.raises(errors.HomeLocked):
        world.open()
    with pytest.raises(errors.WrongPassphrase):
        world.open(passphrase=lambda: PASSPHRASE + "!")
    desk = world.open(ZHANG, passphrase=lambda: PASSPHRASE)
    assert before == desk.balance()
    assert "device" == desk.unlock()["wrapping"]
    world.close()
    assert before == world.zhang.balance()


def test_a_profile_is_added_to_a_locked_home_by_who_opens_it(world: World):
    """
    Locking is the home's: adding a profile asks for the passphrase as everything does.
    """
    world.zhang.lock(PASSPHRASE, pin=right)
    world.close()

    with pytest.raises(errors.HomeLocked):
        world.found("Zhao")
    world.found("Zhao", passphrase=lambda: PASSPHRASE)

    assert "Zhao" == world.open("Zhao", passphrase=lambda: PASSPHRASE).me.name


def test_a_locked_home_can_have_new_keys(world: World):
    """
    The same passphrase opens it afterwards, and it is asked for once.
    """
    world.zhang.lock(PASSPHRASE, pin=right)
    world.close()
    asked = []

    def ask() -> str:
        asked.append(1)
        return PASSPHRASE

    assert 2 == world.open(ZHANG, passphrase=ask).rekey()["generation"]
    world.close()

    assert 1 == len(asked)
    assert 2 == world.open(ZHANG, passphrase=ask).vault.generation


# --- new keys -----------------------------------------------------------------------------------


def test_new_keys_change_nothing_that_people_see(world: World):
    """
    Money, names, cards and the chain are as they were; the old PIN pays, a wrong one is wrong.
    """
    half_claimed(world)
    before = world.zhang.profiles(), world.zhang.cards(), world.zhang.history(), world.li.balance()
    world.close()

    answers = [world.zhang.rekey(), world.zhang.rekey()]
    world.close()

    assert [2, 3] == [answer["generation"] for answer in answers]
    after = world.zhang.profiles(), world.zhang.cards(), world.zhang.history(), world.li.balance()
    assert before == after
    with pytest.raises(errors.WrongPin):
        world.zhang.topup(YUAN, pin=wrong)
    world.zhang.topup(YUAN, pin=right)
    world.zhang.topup(YUAN, pin=right)
    assert {} == world.findings()


def test_who_is_known_is_known_under_new_keys(world: World):
    """
    One ID number is still one person, and a bound card is still bound.
    """
    world.zhang.rekey()
    world.close()

    with pytest.raises(errors.CardInUse):
        world.wang.add_card(CARD, pin=right)
    with pytest.raises(errors.IdentityMismatch):
        world.wang.identify("王五", id_number(1), pin=right)
    assert 2 == world.wang.identify("张三", id_number(1), pin=right)["profiles_of_person"]


def test_old_keys_open_nothing_any_more(world: World):
    """
    Neither the ledger nor a copy that was made under them.
    """
    world.zhang.backup(world.folder / "copy")
    old = world.zhang.vault.page_key
    world.close()

    world.zhang.rekey()
    world.close()

    db = raw(world.ledger, old)
    with pytest.raises(Exception, match="not a database"):
        db.execute("SELECT * FROM home")
    db.close()
    with pytest.raises(errors.Damaged) as refused:
        restore(world.env, world.folder / "copy", accept_older=never)
    assert {"path": str(world.folder / "copy")} == refused.value.facts


def test_no_page_under_the_old_key_stays_in_the_file(world: World):
    """
    Every page of the ledger opens with the new key alone, and the log is empty.
    """
    with Wallet.open(world.env) as desk:
        desk.rekey()
        wal = world.ledger.with_name("ledger.db-wal")
        assert 0 == wal.stat().st_size

    assert {} == world.findings()


def test_a_pin_of_an_old_generation_is_renewed_when_it_is_next_right(world: World):
    """
    What hangs on the retired pepper gets fewer with every right PIN.
    """
    world.zhang.rekey()
    world.close()
    assert ["g1$"] * 3 == [row[7][:3] for row in world.dump()["profile"]]

    world.zhang.topup(YUAN, pin=right)

    assert ["g2$", "g1$", "g1$"] == [row[7][:3] for row in world.dump()["profile"]]
    world.zhang.topup(YUAN, pin=right)


def test_someone_who_is_still_in_the_old_keys_is_told_to_try_again(world: World):
    """
    A desk that was open while the home got new keys is busy, not broken, and changes nothing.
    """
    packet = world.zhang.send(YUAN, count=2, pin=right)["packet"]
    li = world.li
    world.zhang.rekey()
    before = world.dump()

    with pytest.raises(errors.Busy):
        li.claim(packet)
    with pytest.raises(errors.Busy):
        li.balance()
    with pytest.raises(errors.Busy):
        li.use(LI)
    with pytest.raises(errors.Busy):
        authorise(li.home, right)

    assert before == world.dump()
    world.li.claim(packet)


def test_rows_that_new_keys_have_sealed_meanwhile_are_not_altered(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    A rekey seals the rows before it encrypts the pages: whoever opened the home before that, and
    looks between the two, is told to try again.
    """
    li = world.li
    monkeypatch.setattr("hongbao.wallet.homes.finish_rekey", lambda *_: None)

    world.zhang.rekey()

    with pytest.raises(errors.Busy):
        li.me  # noqa: B018 - whatever a command looks at


@pytest.mark.parametrize("locked", [False, True])
def test_a_home_that_changes_while_a_pin_is_typed_is_busy_not_damaged(locked: bool, world: World):
    """
    Whoever is asked for a PIN keeps nobody waiting: the home may get a passphrase and new keys.
    """

    def typed_late() -> Pin:
        with Wallet.open(world.env) as other:
            if locked:
                other.lock(PASSPHRASE, pin=right)
            other.rekey()
        return right()

    desk = world.open(ZHANG)
    with pytest.raises(errors.Busy):
        desk.topup(YUAN, pin=typed_late)
    with pytest.raises(errors.Busy), desk:
        desk.me  # noqa: B018 - whatever a command looks at

    again = world.open(ZHANG, passphrase=lambda: PASSPHRASE)
    tried = again.store.pin(Holder("profile", again.me.id))
    assert tried.tries == tried.cleared


# --- copies -------------------------------------------------------------------------------------


def test_a_backup_is_private_and_needs_these_keys(world: World, tmp_path: Path):
    """
    0600, no key in it, and for another home's keys it is no ledger at all.
    """
    answer = world.zhang.backup(tmp_path / "copy")
    other = World(tmp_path / "other")
    other.found("Li")
    other.close()

    last = world.dump()["entry"][-1][0]
    assert (str(tmp_path / "copy"), last) == (answer["file"], answer["entry"])
    assert 0o600 == stat.S_IMODE((tmp_path / "copy").stat().st_mode)
    with pytest.raises(errors.Damaged):
        restore(other.env, tmp_path / "copy", accept_older=never)
    assert {} == other.findings()


def test_a_backup_overwrites_only_when_told_to(world: World, tmp_path: Path):
    """
    And then whole: there is never half a copy under that name.
    """
    (tmp_path / "copy").write_text("precious")

    with pytest.raises(errors.FileExists):
        world.zhang.backup(tmp_path / "copy")
    assert "precious" == (tmp_path / "copy").read_text()
    world.zhang.backup(tmp_path / "copy", replace=True)

    restore(world.env, tmp_path / "copy", accept_older=never)


@pytest.mark.parametrize(
    "name", ["data/ledger.db", "data/ledger.db-wal", "keys/master.json", "keys/head"]
)
def test_a_backup_never_overwrites_what_the_home_lives_in(name: str, world: World):
    """
    Not even when told to: a copy in the ledger's own place would be the end of the ledger.
    """
    half_claimed(world)
    before = (world.folder / name).read_bytes()

    with pytest.raises(errors.InsideHome):
        world.zhang.backup(world.folder / name, replace=True)
    with pytest.raises(errors.InsideHome):
        world.zhang.backup(world.folder / "keys" / ".." / name, replace=True)

    assert before == (world.folder / name).read_bytes()
    assert {} == world.findings()


@pytest.mark.parametrize("place", ["missing/copy", "x" * 300, "file/copy"])
def test_a_backup_that_cannot_be_written_says_so(place: str, world: World, tmp_path: Path):
    """
    A folder that is not there, a name that is too long, a file in the way.
    """
    (tmp_path / "file").touch()

    with pytest.raises(errors.StorageRefused):
        world.zhang.backup(tmp_path / place)

    assert {} == world.findings()


def test_coming_back_from_a_copy_brings_back_that_moment(world: World, tmp_path: Path):
    """
    Everything since is gone, which was accepted, and the restoring itself is remembered.
    """
    world.zhang.backup(tmp_path / "copy")
    before = world.dump(ignoring=PINS)
    half_claimed(world)
    world.found("Zhao")
    world.close()

    answer = restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)

    after = world.dump(ignoring=PINS)
    entry = after["entry"].pop()
    assert before == after
    last = before["entry"][-1][0]
    assert ("restore", last + 4) == (entry[1], entry[0])  # no number is given twice
    assert (last, last + 3) == (answer["entry"], answer["noted_entry"])
    assert [ZHANG, LI, WANG] == [line["profile"] for line in world.zhang.profiles()]
    assert {} == world.findings()
    world.zhang.topup(YUAN, pin=right)
    assert {} == world.findings()


def test_coming_back_from_a_copy_buys_no_guesses_at_a_pin(world: World, tmp_path: Path):
    """
    A copy is taken, the PIN is tried until it locks, the copy is put back: it is locked still. A
    wrong PIN is no entry, so nobody was even asked whether an older copy is meant.
    """
    world.zhang.backup(tmp_path / "copy")
    for _ in range(5):
        with pytest.raises(errors.PinError):
            world.zhang.topup(YUAN, pin=wrong)
    with pytest.raises(errors.WrongPin):
        world.li.topup(YUAN, pin=wrong)
    world.close()

    restore(world.env, tmp_path / "copy", accept_older=never)

    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=right)
    with pytest.raises(errors.WrongPin) as refused:
        world.li.topup(YUAN, pin=wrong)
    assert 3 == refused.value.facts["attempts_left"]


def locked_out(world: World, copy: Path) -> None:
    """Make a copy, and try Zhang's PIN until it locks."""
    world.zhang.backup(copy)
    for _ in range(5):
        with pytest.raises(errors.PinError):
            world.zhang.topup(YUAN, pin=wrong)
    world.close()


def forgetting(world: World) -> None:
    shutil.rmtree(world.env.keys / "tries")


def emptying(world: World) -> None:
    for file in (world.env.keys / "tries").iterdir():
        file.write_bytes(b"")


@pytest.mark.parametrize("tries", [lambda _: None, forgetting, emptying], ids=["kept", "gone", "0"])
@pytest.mark.parametrize(
    "loss",
    [
        lambda world, _: flip(world.ledger, 99),
        lambda world, _: world.ledger.unlink(),
        lambda world, _: world.ledger.write_bytes(b""),
        lambda world, copy: shutil.copy(copy, world.ledger),
    ],
    ids=["damaged", "gone", "empty", "put back by hand"],
)
def test_no_loss_of_a_ledger_lifts_a_pins_lock(loss, tries, world: World, tmp_path: Path):
    """
    Not with the count beside the keys, which says so, and not without it, because then nobody
    knows. Once the lock is over, the PIN opens again.
    """
    locked_out(world, tmp_path / "copy")
    loss(world, tmp_path / "copy")
    tries(world)

    restore(world.env, tmp_path / "copy", accept_older=never)

    for _ in range(2):
        with pytest.raises(errors.PinLocked):
            world.zhang.topup(YUAN, pin=right)
    world.at += timedelta(hours=48)
    world.zhang.topup(YUAN, pin=right)
    world.zhang.topup(YUAN, pin=right)
    assert {} == world.findings()


@pytest.mark.parametrize("tries", [lambda _: None, forgetting, emptying], ids=["kept", "gone", "0"])
def test_an_older_ledger_put_back_by_hand_lifts_no_lock(tries, world: World, tmp_path: Path):
    """
    No command is asked, and no entry is missing: what was tried at a PIN is none.
    """
    locked_out(world, tmp_path / "copy")
    shutil.copy(tmp_path / "copy", world.ledger)
    tries(world)

    with pytest.raises(errors.PinLocked) as first:
        world.zhang.topup(YUAN, pin=right)
    world.at += timedelta(minutes=1)
    with pytest.raises(errors.PinLocked) as second:
        world.zhang.topup(YUAN, pin=right)

    assert first.value.facts == second.value.facts


def test_a_code_stays_used_where_the_ledger_is_lost(world: World, tmp_path: Path):
    """
    An authenticator's last step lies beside the keys as the tries do.
    """
    secrets = []

    def share(secret: bytes, name: str) -> str:
        secrets.append(secret)
        return code_at(secret, world.at)

    zhang = world.zhang
    zhang.add_totp(pin=right, share=share)
    zhang.backup(tmp_path / "copy")
    world.at += timedelta(seconds=60)
    zhang.home.ask_code = lambda: code_at(secrets[0], world.at)
    zhang.topup(YUAN, pin=right)
    world.close()
    world.ledger.unlink()

    restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)

    again = world.zhang
    again.home.ask_code = lambda: code_at(secrets[0], world.at)
    with pytest.raises(errors.WrongPinOrCode):
        again.topup(YUAN, pin=right)
    world.at += timedelta(seconds=30)
    again.topup(YUAN, pin=right)


def test_new_keys_forget_no_tries(world: World):
    """
    The counts beside the keys are sealed by what outlives a rekey.
    """
    for _ in range(3):
        with pytest.raises(errors.WrongPin):
            world.zhang.topup(YUAN, pin=wrong)
    world.zhang.rekey()
    world.close()

    with pytest.raises(errors.WrongPin) as refused:
        world.zhang.topup(YUAN, pin=wrong)

    assert 1 == refused.value.facts["attempts_left"]


def test_who_has_the_ledger_open_sees_what_was_restored(world: World, tmp_path: Path):
    """
    The copy comes in through the engine: another open desk is told so once, because what it has
    looked up may be gone, and goes on with what came.
    """
    world.zhang.backup(tmp_path / "copy")
    li = world.li
    packet = half_claimed(world)
    assert li.balance()["available_fen"] > 0

    restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)

    with pytest.raises(errors.Busy):
        li.balance()
    assert 0 == li.balance()["available_fen"]
    with pytest.raises(errors.PacketNotFound):
        li.claim(packet)
    li.topup(YUAN, pin=right)
    assert {} == world.findings()


@pytest.mark.parametrize(
    "damage",
    [
        lambda ledger: ledger.write_bytes(b"not a ledger at all" * 1000),
        lambda ledger: ledger.write_bytes(b""),
        lambda ledger: ledger.unlink(),
        lambda ledger: ledger.write_bytes(ledger.read_bytes()[:5000]),
        lambda ledger: flip(ledger, 20 * 4096 + 99),
        lambda ledger: flip(ledger, 99),
    ],
    ids=["nonsense", "empty", "gone", "truncated", "one byte", "first page"],
)
def test_a_copy_replaces_a_ledger_that_is_damaged(damage, world: World, tmp_path: Path):
    """
    Restoring is the way out of any damage; what could not be read is set aside, not deleted.
    """
    half_claimed(world)
    world.zhang.backup(tmp_path / "copy")
    before = world.dump()
    world.close()
    damage(world.ledger)

    restore(world.env, tmp_path / "copy", accept_older=never)

    after = world.dump()
    assert "restore" == after["entry"].pop()[1]
    assert before == after
    assert {} == world.findings()


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"SQLite format 3\0" * 300, os.urandom(9000)], ids=len
)
def test_what_is_no_copy_is_not_restored(content: bytes, world: World, tmp_path: Path):
    """
    The ledger stays as it is, and the sentence names the file.
    """
    (tmp_path / "copy").write_bytes(content)
    before = world.dump()

    with pytest.raises(errors.Damaged) as refused:
        restore(world.env, tmp_path / "copy", accept_older=never)

    assert {"path": str(tmp_path / "copy")} == refused.value.facts
    assert before == world.dump()
    assert ["ledger.db"] == [path.name for path in world.env.data.iterdir()]


def test_a_damaged_copy_is_not_restored(world: World, tmp_path: Path):
    """
    One byte of it is enough, wherever it is.
    """
    world.zhang.backup(tmp_path / "copy")
    size = (tmp_path / "copy").stat().st_size
    before = world.dump()

    for offset in range(50, size, size // 12):
        flip(tmp_path / "copy", offset)
        with pytest.raises(errors.Damaged):
            restore(world.env, tmp_path / "copy", accept_older=never)
        flip(tmp_path / "copy", offset)

    assert before == world.dump()
    restore(world.env, tmp_path / "copy", accept_older=never)


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_copy_that_cannot_be_read_says_so(name: str, world: World, tmp_path: Path):
    """
    No file, or a folder.
    """
    with pytest.raises(errors.FileNotReadable):
        restore(world.env, tmp_path / "nowhere" / name, accept_older=never)
    with pytest.raises(errors.FileNotReadable):
        restore(world.env, tmp_path, accept_older=never)

    assert {} == world.findings()


def test_there_is_nothing_to_restore_into_without_keys(empty: World, tmp_path: Path):
    """
    A copy is of no use without the keys that it was made beside.
    """
    with pytest.raises(errors.HomeNotFound):
        restore(empty.env, tmp_path / "copy", accept_older=never)


# --- devices ------------------------------------------------------------------------------------


def device_files(world: World) -> dict[str, bytes]:
    """Return what every device key of *world*'s machine is kept as."""
    return {file.name: file.read_bytes() for file in (world.env.keys / "devices").glob("*.key")}


def lock_and_unlock(world: World, _: Path) -> None:
    desk = world.zhang
    desk.lock(PASSPHRASE, pin=right)
    desk.unlock()


def rekey_twice(world: World, _: Path) -> None:
    world.zhang.rekey()
    world.zhang.rekey()


def come_back(world: World, elsewhere: Path) -> None:
    world.zhang.backup(elsewhere / "copy")
    world.close()
    world.ledger.unlink()
    restore(world.env, elsewhere / "copy", accept_older=never)


def come_back_rekeyed(world: World, elsewhere: Path) -> None:
    world.zhang.rekey()
    come_back(world, elsewhere)


@pytest.mark.parametrize("happens", [lock_and_unlock, rekey_twice, come_back, come_back_rekeyed])
def test_devices_sign_on_whatever_happens_to_the_home(
    happens: Callable[[World, Path], None], empty: World, tmp_path: Path
):
    """
    Locked and unlocked, under new keys, come back from a copy: whoever acted from this machine
    still does, with the same key in the same file, and every signature checks.
    """
    empty.found(ZHANG)
    before = device_files(empty)

    happens(empty, tmp_path)

    empty.zhang.change_pin(right, right)
    assert 1 == len(before)
    assert before == device_files(empty)
    assert {} == empty.findings()


def test_a_copy_and_the_homes_keys_do_not_make_another_machine_a_device(
    empty: World, tmp_path: Path
):
    """
    Whoever carries ledger and master key away reads them, and signs nothing: held by risk control.
    """
    empty.found(ZHANG)
    empty.close()
    shutil.rmtree(empty.env.keys / "devices")
    before = empty.dump(ignoring=PINS)

    with pytest.raises(errors.DeviceKeyMissing) as refused:
        empty.zhang.change_pin(right, right)

    assert errors.ExitCode.HELD == refused.value.exit_code
    assert [ZHANG] == [line["profile"] for line in empty.zhang.profiles()]
    assert before == empty.dump(ignoring=PINS)


@pytest.mark.parametrize(
    "content", [b"", bytes(60), b"\xff" * 61], ids=["empty", "overwritten", "foreign"]
)
def test_a_device_key_that_is_damaged_stops_the_act_and_nothing_else(content: bytes, empty: World):
    """
    The file is named, nothing is changed, and what can be looked at still can.
    """
    empty.found(ZHANG)
    (name,) = device_files(empty)
    (empty.env.keys / "devices" / name).write_bytes(content)
    before = empty.dump(ignoring=PINS)

    with pytest.raises(errors.Damaged) as refused:
        empty.zhang.change_pin(right, right)

    assert name == Path(str(refused.value.facts["path"])).name
    assert [ZHANG] == [line["profile"] for line in empty.zhang.profiles()]
    assert before == empty.dump(ignoring=PINS)


# --- files --------------------------------------------------------------------------------------


def test_files_are_private_from_the_first_byte_on(empty: World):
    """
    Files 0600 and folders 0700, whatever the umask says, the engine's own files included.
    """
    mask = os.umask(0)
    try:
        empty.found("Li")
        paths = [empty.folder, *empty.folder.rglob("*")]
    finally:
        os.umask(mask)

    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "master.json"} <= {p.name for p in paths}
    assert {0o700} == {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()}
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()}


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("closed", ["data", "keys", "ledger"])
def test_a_home_that_cannot_be_written_is_said_to_be_so(closed: str, world: World):
    """
    A folder without the right to write, a ledger without the right to read: a sentence each.
    """
    half_claimed(world)
    before = world.dump()
    world.close()
    world.env.data.parent.chmod(0o755)

    def act() -> None:
        home = World(Path(world.folder.name), world.at)
        path = home.ledger if closed == "ledger" else home.folder / closed
        path.chmod(0o000 if closed == "ledger" else 0o500)
        try:
            home.zhang.topup(YUAN, pin=right)
        except errors.StorageRefused as refused:
            assert "Permission denied" in str(refused)  # noqa: PT017 - in a child of its own
        else:
            assert closed == "keys"  # noting the head never fails; the act was done
        finally:
            home.close()
            path.chmod(0o600 if closed == "ledger" else 0o700)

    assert 0 == as_nobody(world.folder.parent, act)
    if closed != "keys":
        assert before == world.dump()
    assert {} == world.findings()


def test_only_a_file_can_be_restored(world: World):
    """
    A device might never end, and a folder is no ledger.
    """
    for source in (Path("/dev/zero"), world.folder):
        with pytest.raises(errors.FileNotReadable) as caught:
            restore(world.env, source, accept_older=never)
        assert {"path": str(source), "reason": "it is not a file"} == caught.value.facts
