"""Killed anywhere: every act on the key folder, at every touch of the disk, in a real process."""

from itertools import count

import pytest

from hongbao import errors
from hongbao.vault import DeviceKeys, Vault, primitives, verify
from tests.vault.conftest import CHEAP
from tests.vault.processes import killed_at

WORDS = "correct horse battery"


def ask():
    return WORDS


def opened(folder):
    """Open the folder as the next process would, and check that nothing was left behind."""
    keys = folder()
    vault = keys.open(ask)
    device_keys = list(keys.path.glob("device-*"))
    assert len(device_keys) == (keys.wrapping() == "device")
    return keys, vault


def every_step(prepare, act):
    """Yield after *act* was killed at its first touch of the disk, at its second, and so on."""
    for step in count():
        prepare()
        was_killed = killed_at(step, act)
        yield step
        if not was_killed:
            assert step > 3  # a watchdog that never fires proves nothing
            return


def emptied(folder):
    """Remove what an earlier round made."""
    path = folder().path
    if path.exists():
        for file in path.iterdir():
            file.unlink()


def test_a_killed_creation_can_be_done_again(folder):
    """
    Whatever of it was made, the next one makes a home with one master key and one device key.
    """
    for _ in every_step(lambda: emptied(folder), lambda: folder().create()):
        made = folder().create()

        _, vault = opened(folder)

        assert made.page_key == vault.page_key
        assert folder().head() is None


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("locked_before", [False, True])
@pytest.mark.parametrize("act", ["lock", "unlock"])
def test_a_killed_change_of_wrapping_loses_no_key(folder, act, locked_before):
    """
    Killed while locking or unlocking, from either wrapping, the same keys open one way or the
    other; the next opening sweeps what was left; and the change can be made again.
    """
    page_key = folder().create().page_key

    def prepare():
        keys, vault = opened(folder)
        keys.lock(vault, WORDS) if locked_before else keys.unlock(vault)

    def change():
        keys = folder()
        vault = keys.open(ask)
        keys.lock(vault, WORDS) if act == "lock" else keys.unlock(vault)

    ways = set()
    for _ in every_step(prepare, change):
        keys, vault = opened(folder)
        assert page_key == vault.page_key
        ways.add(keys.wrapping())
        change()
        keys, vault = opened(folder)
        assert page_key == vault.page_key
        assert ("passphrase" if act == "lock" else "device") == keys.wrapping()

    before = "passphrase" if locked_before else "device"
    assert {before, "passphrase" if act == "lock" else "device"} == ways


@pytest.mark.parametrize("locked", [False, True])
def test_a_killed_start_of_a_rekey_keeps_the_old_key(folder, locked):
    """
    Killed in the beginning, the old key is current; a next key is there whole, or not at all.
    """
    keys = folder()
    vault = keys.create()
    if locked:
        keys.lock(vault, WORDS)
    found = set()

    for _ in every_step(lambda: None, lambda: begin(folder)):
        keys, now = opened_in_rekey(folder)
        pending = keys.pending_rekey(ask)
        found.add(pending is not None)
        keys.abandon_rekey()

        assert vault.page_key == now.page_key
        assert vault.page_key == opened(folder)[1].page_key

    assert {False, True} == found


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("finish", [False, True])
def test_a_killed_end_of_a_rekey_leaves_one_of_the_two(folder, finish, locked):
    """
    Killed at the end, the current key is the old one with the next still there, or the one that
    was chosen. Never neither, and never a next one without its device key.
    """
    keys = folder()
    keys.create()
    if locked:
        keys.lock(keys.open(None), WORDS)
    expected = {}

    def prepare():
        _, old = opened(folder)
        begin(folder)
        keys = folder()
        pending = keys.pending_rekey(lambda: WORDS)
        keys.close()
        expected["old"], expected["new"] = old.page_key, pending.page_key

    def end():
        keys = folder()
        keys.open(ask)
        keys.finish_rekey() if finish else keys.abandon_rekey()

    chosen = "new" if finish else "old"
    found = set()
    for _ in every_step(prepare, end):
        keys, now = opened_in_rekey(folder)
        pending = keys.pending_rekey(ask)
        if pending is None:
            assert expected[chosen] == now.page_key
        else:
            assert expected["old"] == now.page_key
            assert expected["new"] == pending.page_key
            keys.finish_rekey() if finish else keys.abandon_rekey()
        found.add(pending is not None)
        keys.close()

        assert expected[chosen] == opened(folder)[1].page_key

    assert {False, True} == found


def begin(folder):
    keys = folder()
    keys.begin_rekey(keys.open(ask))
    keys.close()


def opened_in_rekey(folder):
    """Open a folder that may be half way through a rekey: then it holds two device keys."""
    keys = folder()
    return keys, keys.open(ask)


def test_a_killed_reset_of_the_head_leaves_one_of_the_two(folder):
    """
    Killed while the head is reset, the old note or the new one stands; or it is said to be
    unreadable, and the reset is done again.
    """
    old, new = (9, bytes([1] * 32)), (3, bytes([2] * 32))
    keys = folder()
    keys.create()

    for step in range(8):
        keys.reset_head(*old)

        killed_at(step, lambda: folder().reset_head(*new))

        try:
            found = folder().head()
        except errors.Damaged:
            found = new
        assert found in (old, new)
        folder().reset_head(*new)
        assert new == folder().head()


def test_a_killed_creation_of_a_device_key_leaves_it_whole_or_not_at_all(tmp_path):
    """
    Under a key's own name there is never half a key; what was unfinished goes with the next one.
    """

    def again(length):  # so that we know which key the child was making
        return bytes([7]) * length

    master = bytes(range(32))
    public = primitives.public_key(again(32))
    path = tmp_path / "devices"
    found = set()

    def prepare():
        for file in path.glob("*"):
            file.unlink()

    def create():
        DeviceKeys(tmp_path, Vault(master, 1, cost=CHEAP, random=again)).create()

    for _ in every_step(prepare, create):
        keys = DeviceKeys(tmp_path, Vault(master, 1, cost=CHEAP))
        found.add(keys.holds(public))
        if keys.holds(public):
            assert verify(public, b"message", keys.sign(public, b"message"))
        other = keys.create()
        assert verify(other, b"message", keys.sign(other, b"message"))
        assert not list(path.glob("*.new"))

    assert {False, True} == found


def test_a_killed_removal_of_a_device_key_never_brings_it_back(tmp_path):
    """
    Killed anywhere, the key signs as before or never again, and removing it can be done again.
    """
    vault = Vault(bytes(range(32)), 1, cost=CHEAP)
    path = tmp_path / "devices"
    public = DeviceKeys(tmp_path, vault).create()
    file = next(path.glob("*.key"))
    content = file.read_bytes()
    found = set()

    for _ in every_step(
        lambda: file.write_bytes(content), lambda: DeviceKeys(tmp_path, vault).remove(public)
    ):
        try:
            signature = DeviceKeys(tmp_path, vault).sign(public, b"message")
        except (errors.Damaged, errors.DeviceKeyMissing) as refusal:
            found.add(refusal.code)
        else:
            assert verify(public, b"message", signature)
            found.add("signs")
        DeviceKeys(tmp_path, vault).remove(public)
        assert not list(path.glob("*.key*"))

    assert {"signs", "device_key_damaged", "device_key_missing"} == found
