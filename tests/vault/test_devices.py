"""Device keys: each signs for itself, opens for its own home only, and outlives what homes do."""

import copy
import os
import pickle
import stat

import pytest

from hongbao import errors
from hongbao.vault import DeviceKeys, Vault, files, primitives, verify
from tests.vault.conftest import CHEAP
from tests.vault.processes import as_nobody, race, run

WORDS = "correct horse battery"
MESSAGE = b"send 200.00"


@pytest.fixture
def home(folder):
    """The key folder of a home, and its vault."""
    keys = folder()
    return keys, keys.create()


@pytest.fixture
def devices(home):
    """Device keys of one home, as many as are asked for: each call is a new process's view."""
    keys, vault = home
    return lambda vault=vault: DeviceKeys(keys.path, vault)


class Forger(DeviceKeys):
    """Seals under the key that anybody can make who knows none."""

    def _wrapping_keys(self):
        return [primitives.subkey(b"", b"device keys")]


def file_of(devices, public):
    return devices()._file(public)


def seed_of(keys, public):
    """Return the private key of *public* as it is written in its file, under another key."""
    return keys._key(public)._key.private_bytes_raw()


# --- signing -------------------------------------------------------------------------------------


def test_what_a_device_signs_is_its_own(devices):
    """
    Its public key confirms what it signed, of that message, and of no other device.
    """
    keys = devices()
    first, second = keys.create(), keys.create()

    signature = keys.sign(first, MESSAGE)

    assert 64 == len(signature)
    assert verify(first, MESSAGE, signature)
    assert not verify(first, MESSAGE + b"0", signature)
    assert not verify(second, MESSAGE, signature)
    assert not verify(first, MESSAGE, keys.sign(second, MESSAGE))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_what_is_no_key_confirms_nothing(devices, length):
    """
    A public key of another length is wrong, not an error that would have to be caught.
    """
    keys = devices()
    signature = keys.sign(keys.create(), MESSAGE)

    assert not verify(bytes(length), MESSAGE, signature)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(63), b"\xff" * 64, bytes(1000)])
def test_what_is_no_signature_is_not_confirmed(devices, signature):
    """
    Zeros, too short, too long: nothing but what the device signed.
    """
    assert not verify(devices().create(), MESSAGE, signature)


def test_the_next_process_signs_with_the_same_key(devices):
    """
    A key that was made is on the disk; Ed25519 signs the same message alike.
    """
    keys = devices()
    public = keys.create()

    later = devices()

    assert later.holds(public)
    assert keys.sign(public, MESSAGE) == later.sign(public, MESSAGE)


def test_a_key_is_read_once(devices):
    """
    Opened once, it needs the disk no more for as long as the command runs.
    """
    keys = devices()
    public = keys.create()
    keys = devices()
    before = keys.sign(public, MESSAGE)

    file_of(devices, public).unlink()

    assert before == keys.sign(public, MESSAGE)
    assert keys.holds(public)


def test_the_private_key_comes_from_the_vaults_own_source(tmp_path):
    """
    Never from dice that a demo scripts: it is the 32 bytes that the vault's source gave.
    """
    given = []

    def random(length):
        given.append(os.urandom(length))
        return given[-1]

    keys = DeviceKeys(tmp_path, Vault(bytes(32), 1, cost=CHEAP, random=random))

    public = keys.create()

    assert primitives.public_key(given[0]) == public


def test_a_machine_says_which_keys_it_does_not_hold(devices):
    """
    Asked for another machine's device, it refuses: held by risk control, with the way out.
    """
    stranger = primitives.public_key(bytes(32))
    keys = devices()

    assert not keys.holds(stranger)
    with pytest.raises(errors.DeviceKeyMissing) as refusal:
        keys.sign(stranger, MESSAGE)

    assert errors.ExitCode.HELD == refusal.value.exit_code
    assert stranger.hex()[:16] == refusal.value.facts["device"]
    assert "hongbao device add" in str(refusal.value.hint)


def test_a_removed_key_signs_no_more_but_what_it_signed_stands(devices):
    """
    Removing overwrites and deletes it, in the process that removes it and in others; twice is once.
    """
    keys = devices()
    public, other = keys.create(), keys.create()
    signature = keys.sign(public, MESSAGE)

    keys.remove(public)
    keys.remove(public)

    for view in (keys, devices()):
        assert not view.holds(public)
        with pytest.raises(errors.DeviceKeyMissing):
            view.sign(public, MESSAGE)
        assert view.holds(other)
    assert verify(public, MESSAGE, signature)


def test_a_home_without_devices_has_none_to_remove(devices, home):
    """
    Looking and removing make no folder.
    """
    stranger = primitives.public_key(bytes(32))

    devices().remove(stranger)

    assert not devices().holds(stranger)
    assert not (home[0].path / "devices").exists()


# --- files ---------------------------------------------------------------------------------------


def test_the_private_key_lies_sealed_and_private(devices, home):
    """
    A 0600 file for each, named after the public key, in a 0700 folder: whatever the umask takes.
    """
    before = os.umask(0)
    try:
        public = devices().create()
    finally:
        os.umask(before)

    path = home[0].path / "devices"
    file = path / f"{public.hex()[:16]}.key"

    assert 0o700 == stat.S_IMODE(path.stat().st_mode)
    assert {file.name, ".busy"} == {each.name for each in path.iterdir()}
    assert {0o600} == {stat.S_IMODE(each.stat().st_mode) for each in path.iterdir()}
    assert 60 == file.stat().st_size
    assert seed_of(devices(), public) not in file.read_bytes()


def test_a_key_file_that_stood_open_is_closed(devices):
    """
    Whoever reads it next closes it to others, and it still works.
    """
    public = devices().create()
    file_of(devices, public).chmod(0o644)

    devices().sign(public, MESSAGE)

    assert 0o600 == stat.S_IMODE(file_of(devices, public).stat().st_mode)


@pytest.mark.parametrize("place", [0, 11, 12, 30, 43, 44, 59])
def test_a_damaged_key_file_is_found(devices, place):
    """
    One bit in the nonce, the key or the tag: it never signs with something else.
    """
    public = devices().create()
    content = bytearray(file_of(devices, public).read_bytes())
    content[place] ^= 1
    file_of(devices, public).write_bytes(content)

    assert devices().holds(public)
    with pytest.raises(errors.Damaged) as refusal:
        devices().sign(public, MESSAGE)

    assert str(file_of(devices, public)) == refusal.value.facts["path"]


@pytest.mark.parametrize("content", [b"", b"\0" * 60, b"\0" * 59, b"-----BEGIN", b"\xff" * 100_000])
def test_what_is_no_key_file_is_damaged(devices, content):
    """
    Empty, overwritten, too short, something else, too long.
    """
    public = devices().create()
    file_of(devices, public).write_bytes(content)

    with pytest.raises(errors.DeviceKeyDamaged):
        devices().sign(public, MESSAGE)


def test_a_pipe_in_a_key_files_place_is_refused(devices):
    """
    Whoever opens one waits for a writer, and would wait for ever.
    """
    public = devices().create()
    file_of(devices, public).unlink()
    os.mkfifo(file_of(devices, public), 0o600)

    with pytest.raises(errors.StorageUnreadable, match="it is not a file"):
        devices().sign(public, MESSAGE)


def test_a_renamed_key_file_does_not_sign_for_another_device(devices):
    """
    What is sealed is bound to its public key: exchanging two files exchanges no devices.
    """
    first, second = devices().create(), devices().create()
    file_of(devices, first).replace(file_of(devices, second))

    with pytest.raises(errors.Damaged):
        devices().sign(second, MESSAGE)


def test_a_key_file_of_another_home_opens_nothing(devices, other):
    """
    Carried elsewhere without the home's own keys, a device's file is noise.
    """
    public = devices().create()

    with pytest.raises(errors.Damaged):
        devices(other).sign(public, MESSAGE)


def test_keys_of_one_home_and_of_another_share_a_machine(devices, tmp_path, other):
    """
    Each home has a folder of its own: neither sees the other's devices.
    """
    elsewhere = DeviceKeys(tmp_path / "another", other)
    public = elsewhere.create()

    assert elsewhere.holds(public)
    assert not devices().holds(public)


def test_a_folder_in_a_files_place_is_named(devices):
    """
    What the system says of the place is passed on, with the path.
    """
    public = devices().create()
    file_of(devices, public).unlink()
    file_of(devices, public).mkdir()

    with pytest.raises(errors.StorageUnreadable) as refusal:
        devices().sign(public, MESSAGE)

    assert str(file_of(devices, public)) == refusal.value.facts["path"]


def test_a_place_where_nothing_can_be_made_is_refused(home):
    """
    Where a file is in the folder's place, creating is refused in the system's words.
    """
    keys, vault = home
    (keys.path / "devices").write_text("not a folder")

    with pytest.raises(errors.StorageRefused):
        DeviceKeys(keys.path, vault).create()


def test_a_read_only_folder_signs_and_takes_no_new_key(devices, home):
    """
    Signing writes nothing; creating and removing say what the system said.
    """
    keys, vault = home
    public = devices().create()
    for path in (*keys.path.rglob("*"), keys.path):
        path.chmod(0o500 if path.is_dir() else 0o400)

    def body():
        from pathlib import Path

        here = DeviceKeys(Path("keys"), vault)
        assert verify(public, MESSAGE, here.sign(public, MESSAGE))
        with pytest.raises(errors.StorageRefused):
            here.create()
        with pytest.raises(errors.StorageRefused):
            here.remove(public)
        assert verify(public, MESSAGE, DeviceKeys(Path("keys"), vault).sign(public, MESSAGE))

    assert 0 == as_nobody(keys.path.parent, body)


def test_a_disk_that_takes_no_byte_leaves_no_half_made_key(devices, home):
    """
    Where no file may grow, creating is refused, and works once there is room.
    """
    import resource
    import signal

    path = home[0].path / "devices"

    def body():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(errors.StorageRefused):
            devices().create()
        assert [".busy"] == [file.name for file in path.iterdir()]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        devices().create()

    assert 0 == run(body)
    assert 1 == len(list(path.glob("*.key")))


def test_an_unfinished_file_is_swept_up(devices, home):
    """
    What a killed creation left goes with the next one; whole keys and strangers' files stay.
    """
    public = devices().create()
    path = home[0].path / "devices"
    (path / "0123456789abcdef.key.new").write_bytes(bytes(30))
    (path / "notes.txt").write_text("mine")

    devices().create()

    assert not list(path.glob("*.new"))
    assert "mine" == (path / "notes.txt").read_text()
    assert devices().sign(public, MESSAGE)


def test_processes_that_create_at_once_all_get_their_key(devices):
    """
    Nobody sweeps up what another is just writing: eight processes make eight keys.
    """
    publics = race(8, lambda _: devices().create())

    assert 8 == len(set(publics))
    for public in publics:
        assert verify(public, MESSAGE, devices().sign(public, MESSAGE))


# --- what homes do -------------------------------------------------------------------------------


def rekeyed(keys, vault):
    """Give the home a new master key, as `hongbao rekey` does, and open it anew."""
    new = keys.begin_rekey(vault)
    retired = new.seal_retired(vault)
    keys.finish_rekey()
    opened = keys.open(None)
    opened.adopt_retired(retired)
    return opened


def test_devices_sign_on_after_a_rekey_and_after_the_next(devices, home):
    """
    A device's key is not the home's: what was let in before stays, generation after generation.
    """
    keys, vault = home
    publics = [devices().create()]

    for _ in range(2):
        vault = rekeyed(keys, vault)
        for public in publics:
            assert verify(public, MESSAGE, devices(vault).sign(public, MESSAGE))
        publics.append(devices(vault).create())

    assert 3 == vault.generation
    for public in publics:
        assert verify(public, MESSAGE, devices(vault).sign(public, MESSAGE))


def test_a_key_made_after_a_rekey_is_not_for_the_old_master_key(devices, home):
    """
    Whoever had the keys before a rekey does not open what is sealed after it.
    """
    keys, vault = home
    public = devices(rekeyed(keys, vault)).create()

    with pytest.raises(errors.Damaged):
        devices(vault).sign(public, MESSAGE)


def test_an_abandoned_rekey_leaves_devices_as_they_were(devices, home):
    """
    What signed in the middle of a rekey that came to nothing signs on under the old key.
    """
    keys, vault = home
    public = devices().create()

    new = keys.begin_rekey(vault)
    assert devices(new).sign(public, MESSAGE)
    keys.abandon_rekey()

    assert devices(keys.open(None)).sign(public, MESSAGE)


def test_a_generation_without_a_signing_key_opens_nothing(devices):
    """
    Homes that were rekeyed before anything was signed kept none. What follows from no key is known
    to everybody, so a file sealed under that is a forgery.
    """
    new = Vault(bytes(range(32)), 2, cost=CHEAP)
    new.adopt_retired(new.seal_retired(Vault(bytes(32), 1, cost=CHEAP)))
    new._retired[1] = new._retired[1]._replace(signing=b"")
    public = devices(new).create()
    assert devices(new).sign(public, MESSAGE)
    forged = Forger(file_of(devices, public).parent.parent, new)
    file_of(devices, public).write_bytes(forged._sealed(public, bytes(32)))

    with pytest.raises(errors.Damaged):
        devices(new).sign(public, MESSAGE)


@pytest.mark.parametrize("wrapping", ["lock", "unlock", "both"])
def test_locking_and_unlocking_touch_no_device(devices, home, folder, wrapping):
    """
    The wrapping of the master key changes; the files of devices stay as they are, to the byte.
    """
    keys, vault = home
    public = devices().create()
    before = {file: file.read_bytes() for file in (keys.path / "devices").iterdir()}

    if wrapping != "unlock":
        keys.lock(vault, WORDS)
    if wrapping != "lock":
        keys.unlock(vault)

    opened = folder().open(lambda: WORDS)
    assert before == {file: file.read_bytes() for file in (keys.path / "devices").iterdir()}
    assert devices(opened).sign(public, MESSAGE)


def test_a_locked_home_keeps_its_devices_locked(devices, home, folder):
    """
    Locked, the files are noise without the passphrase: no key to open them lies beside them.
    """
    keys, vault = home
    public = devices().create()
    seed = seed_of(devices(), public)

    keys.lock(vault, WORDS)

    with pytest.raises(errors.HomeLocked):
        folder().open(None)
    for file in keys.path.rglob("*"):
        assert file.is_dir() or seed not in file.read_bytes()
        assert file.is_dir() or seed.hex().encode() not in file.read_bytes()


# --- keeping quiet -------------------------------------------------------------------------------


def test_device_keys_do_not_print_or_travel(devices):
    """
    Neither repr nor pickle nor copy gives a private key away.
    """
    keys = devices()
    public = keys.create()
    seed = seed_of(keys, public)

    assert seed.hex() not in repr(keys)
    assert repr(seed) not in repr(keys)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(keys)


def test_a_key_that_was_made_is_remembered(devices):
    """
    Whoever made it signs on although its file is gone; the next process does not.
    """
    keys = devices()
    public = keys.create()
    file_of(devices, public).unlink()

    assert verify(public, MESSAGE, keys.sign(public, MESSAGE))
    assert (True, False) == (keys.holds(public), devices().holds(public))
    keys.remove(public)
    assert not keys.holds(public)


def test_a_key_that_could_not_be_kept_leaves_no_file(devices, monkeypatch):
    """
    Its name may not last, so it goes again; where that fails too, the first error is told.
    """
    real = files.replace

    def refuse(path, content):
        real(path, content)
        raise errors.StorageRefused(path=str(path), reason="first")

    monkeypatch.setattr("hongbao.vault.files.replace", refuse)
    with pytest.raises(errors.StorageRefused) as caught:
        devices().create()
    assert "first" == caught.value.facts["reason"]
    assert [".busy"] == [path.name for path in devices()._folder.iterdir()]

    def refuse_all(path, *content):
        raise errors.StorageRefused(path=str(path), reason="first" if content else "second")

    monkeypatch.setattr("hongbao.vault.files.replace", refuse_all)
    monkeypatch.setattr("hongbao.vault.files.discard", refuse_all)
    with pytest.raises(errors.StorageRefused) as caught:
        devices().create()
    assert "first" == caught.value.facts["reason"]


def test_what_cannot_be_looked_at_is_named(devices, monkeypatch):
    """
    A file by its own name, and unfinished ones by their folder's.
    """
    public = bytes(32)

    def broken(*_):
        raise OSError(5, "it is broken")

    def wordless(*_):
        raise OSError

    for look, reason in ((broken, "it is broken"), (wordless, "?")):
        monkeypatch.setattr("pathlib.Path.lstat", look)
        with pytest.raises(errors.StorageUnreadable) as unread:
            devices().holds(public)
        expected = {"path": str(file_of(devices, public)), "reason": reason}
        assert expected == unread.value.facts
    monkeypatch.undo()

    monkeypatch.setattr("pathlib.Path.iterdir", broken)
    with pytest.raises(errors.StorageRefused) as caught:
        devices().create()
    assert {"path": str(devices()._folder), "reason": "it is broken"} == caught.value.facts


def test_device_keys_are_shown_by_their_folder(devices, home):
    """
    And by nothing else.
    """
    keys, _ = home
    assert f"DeviceKeys('{keys.path}/devices')" == repr(devices())
