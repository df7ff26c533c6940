"""The key folder: made once, wrapped one way or another, private, and sure of what it holds."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.vault import KeyFolder, Vault
from tests.vault.conftest import CHEAP
from tests.vault.processes import as_nobody, race, run

WORDS = "correct horse battery"


def say(words):
    return lambda: words


def never():
    raise AssertionError("nobody was to be asked")


@pytest.fixture
def keys(folder):
    keys = folder()
    keys.create()
    return keys


# --- first use -----------------------------------------------------------------------------------


def test_a_home_has_no_keys_until_they_are_made(folder):
    """
    Looking makes nothing.
    """
    keys = folder()

    assert not keys.exists()
    assert not keys.path.exists()

    keys.create()

    assert keys.exists()
    assert "device" == keys.wrapping()


def test_what_was_made_opens_again_and_asks_nobody(folder):
    """
    With a device key every later process has the same keys, without a question.
    """
    made = folder().create()

    opened = folder().open(never)

    assert 1 == opened.generation
    assert made.page_key == opened.page_key
    assert made.fingerprint == opened.fingerprint


def test_opening_wakes_only_what_it_needs(keys):
    """
    Every command opens the vault, so that must not cost argon2 or the keyring; and what never
    opens one must not cost cryptography either.
    """
    script = f"""
import sys
from pathlib import Path
from hongbao.vault import KeyFolder
before = set(sys.modules)
KeyFolder(Path({str(keys.path)!r})).open(None)
print(*{{name.partition(".")[0] for name in before}})
print(*{{name.partition(".")[0] for name in sys.modules}})
"""

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )

    asleep, awake = (set(line.split()) for line in told.stdout.splitlines())
    assert set() == asleep & {"cryptography", "argon2", "keyring", "unicodedata"}
    assert {"cryptography"} == awake & {"cryptography", "argon2", "keyring", "unicodedata"}


def test_every_home_has_keys_of_its_own(tmp_path):
    """
    Master keys are random: two homes share nothing.
    """
    first = KeyFolder(tmp_path / "a").create()
    second = KeyFolder(tmp_path / "b").create()

    assert first.page_key != second.page_key


def test_creating_again_changes_nothing(folder):
    """
    Who creates where keys are gets those keys.
    """
    made = folder().create()

    assert made.page_key == folder().create().page_key


@pytest.mark.parametrize("times", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_eight_processes_that_create_at_once_have_one_key(times, folder):
    """
    Again and again, in real processes released together: one master key, one device key.
    """
    for _ in range(times):
        told = race(8, lambda _: folder().create().page_key)

        assert 1 == len(set(told))
        assert {folder().open(never).page_key} == set(told)
        assert 1 == len(list(folder().path.glob("device-*")))
        for file in folder().path.iterdir():
            file.unlink()


def test_old_leftovers_do_not_enter_a_new_folder(folder):
    """
    Where the master key is gone its ledger is too: an old head or device key is not taken over.
    """
    keys = folder()
    keys.create()
    keys.note_head(9, bytes(32))
    (keys.path / "master.json").unlink()

    folder().create()

    assert folder().head() is None
    assert 1 == len(list(keys.path.glob("device-*")))


# --- who may read it -----------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_files_are_private_whatever_the_umask(folder, umask):
    """
    0700 for the folder and 0600 for every file in it, under a umask that gives too much or takes
    even the owner's own bits.
    """

    def make():
        os.umask(umask)
        keys = KeyFolder(folder().path.parent, cost=CHEAP)  # so that nothing above is made
        vault = keys.create()
        keys.lock(vault, WORDS)
        keys.unlock(vault)

    status = run(make)

    path = folder().path.parent
    assert status == 0
    assert 0o700 == stat.S_IMODE(path.stat().st_mode)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()}
    assert 5 == len(modes)
    assert {0o600} == set(modes.values())


def test_files_are_private_before_the_first_byte(folder):
    """
    Created 0600 and not made so afterwards: there is no moment for another to open it.
    """

    def make():
        created, write = os.open, os.pwrite

        def watched_open(path, flags, mode=0o777):
            descriptor = created(path, flags, mode)
            if flags & os.O_CREAT:
                assert 0o600 == stat.S_IMODE(os.fstat(descriptor).st_mode)
            return descriptor

        def watched_write(descriptor, content, offset):
            assert 0o600 == stat.S_IMODE(os.fstat(descriptor).st_mode)
            return write(descriptor, content, offset)

        os.umask(0)
        setattr(os, "open", watched_open)  # noqa: B010 (mypy knows what os.open is)
        os.pwrite = watched_write
        keys = folder()
        keys.lock(keys.create(), WORDS)
        keys.note_head(1, bytes(32))

    assert 0 == run(make)


def test_a_folder_that_stood_open_is_closed(keys, folder):
    """
    A device key or folder that others could read is closed at the next opening, and still works.
    """
    device = next(keys.path.glob("device-*"))
    device.chmod(0o644)
    keys.path.chmod(0o755)

    folder().open(None)

    assert 0o600 == stat.S_IMODE(device.stat().st_mode)
    assert 0o700 == stat.S_IMODE(keys.path.stat().st_mode)


def test_a_key_that_cannot_be_closed_is_refused(keys, folder):
    """
    Someone else's file that stands open to us is not ours to trust.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can make a file someone else's")
    device = next(keys.path.glob("device-*"))
    device.chmod(0o644)

    def body():
        with pytest.raises(errors.StorageUnreadable):
            KeyFolder(Path("keys")).open(None)

    def by_nobody():
        os.chdir(keys.path.parent)
        os.setuid(65534)
        body()

    for path in (keys.path.parent, keys.path, keys.path / "master.json"):
        os.chown(path, 65534, 65534)

    assert 0 == run(by_nobody)


def test_a_read_only_folder_opens(keys, folder):
    """
    Looking at a home needs no write: one that is read-only opens, and refuses to be locked.
    """
    for path in (*keys.path.iterdir(), keys.path):
        path.chmod(0o500 if path.is_dir() else 0o400)

    def body():
        keys = KeyFolder(Path("keys"), cost=CHEAP)
        vault = keys.open(None)
        with pytest.raises(errors.StorageRefused) as caught:
            keys.lock(vault, WORDS)
        assert "Permission denied" in str(caught.value)

    assert 0 == as_nobody(keys.path.parent, body)


def test_a_place_where_nothing_can_be_made_is_refused(tmp_path):
    """
    Where the system says no, the error names the place and says what the system said.
    """
    (tmp_path / "file").write_text("not a folder")
    keys = KeyFolder(tmp_path / "file" / "keys")

    with pytest.raises(errors.StorageRefused) as caught:
        keys.create()

    assert str(keys.path) == caught.value.facts["path"]
    assert "Not a directory" == caught.value.facts["reason"]


def test_a_disk_that_takes_no_byte_leaves_no_half_made_key(folder):
    """
    Where no file may grow (as on a full disk), creating is refused, and works once there is room.
    """
    import resource
    import signal

    def body():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(errors.StorageRefused):
            folder().create()
        assert {".busy", ".turn"} == {file.name for file in folder().path.iterdir()}
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        folder().create()

    assert 0 == run(body)
    assert 1 == len(list(folder().path.glob("device-*")))


# --- lock and unlock -----------------------------------------------------------------------------


def test_a_locked_home_opens_with_the_passphrase_only(keys, folder):
    """
    Locked, the same keys come out for the passphrase; for another, or for none, nothing does.
    """
    vault = keys.open(None)

    keys.lock(vault, WORDS)

    assert "passphrase" == folder().wrapping()
    assert vault.page_key == folder().open(say(WORDS)).page_key
    with pytest.raises(errors.WrongPassphrase):
        folder().open(say("correct horse batterx"))
    with pytest.raises(errors.HomeLocked):
        folder().open(None)


def test_locking_overwrites_the_device_key_and_removes_it(keys):
    """
    No device key is left, and where its bytes lay there are zeros: whoever had it open sees them.
    """
    device = next(keys.path.glob("device-*"))
    length = device.stat().st_size

    with device.open("rb") as opened:
        keys.lock(keys.open(None), WORDS)

        assert [] == list(keys.path.glob("device-*"))
        assert bytes(length) == opened.read()


def test_unlocking_makes_a_fresh_device_key(keys, folder):
    """
    Unlocked, nobody is asked; a device key copied before the lock opens nothing any more.
    """
    vault = keys.open(None)
    before = next(keys.path.glob("device-*"))
    stolen = before.read_bytes()
    keys.lock(vault, WORDS)

    folder().unlock(folder().open(say(WORDS)))

    after = next(keys.path.glob("device-*"))
    assert "device" == folder().wrapping()
    assert vault.page_key == folder().open(never).page_key
    assert before.name != after.name
    assert stolen != after.read_bytes()
    after.write_bytes(stolen)
    with pytest.raises(errors.Damaged):
        folder().open(None)


def test_locking_again_changes_the_passphrase(keys, folder):
    """
    The new passphrase opens, the old one does not, and each wrapping has a salt of its own.
    """
    vault = keys.open(None)
    keys.lock(vault, WORDS)
    salt = json.loads((keys.path / "master.json").read_text())["current"]["kdf"]["salt"]

    keys.lock(vault, "another one entirely")

    record = json.loads((keys.path / "master.json").read_text())["current"]
    assert salt != record["kdf"]["salt"]
    assert 32 == len(record["kdf"]["salt"])
    assert vault.page_key == folder().open(say("another one entirely")).page_key
    with pytest.raises(errors.WrongPassphrase):
        folder().open(say(WORDS))


def test_a_passphrase_costs_the_rfcs_argon2id(tmp_path):
    """
    Nothing was said about the cost, so a guess costs RFC 9106's low-memory parameters.
    """
    keys = KeyFolder(tmp_path / "keys")

    keys.lock(keys.create(), WORDS)

    kdf = json.loads((keys.path / "master.json").read_text())["current"]["kdf"]
    assert ("argon2id", 3, 65536, 4) == (
        kdf["name"],
        kdf["passes"],
        kdf["memory_kib"],
        kdf["lanes"],
    )
    assert 1 == KeyFolder(tmp_path / "keys").open(say(WORDS)).generation


def test_a_home_locked_at_another_cost_opens(keys, tmp_path):
    """
    What is stored says what it was made with: raising the cost later locks nobody out.
    """
    keys.lock(keys.open(None), WORDS)

    assert 1 == KeyFolder(keys.path).open(say(WORDS)).generation


@pytest.mark.parametrize("words", ["", "1234567", "e\u0301" * 7])
def test_a_short_passphrase_is_refused_and_changes_nothing(keys, folder, words):
    """
    Eight characters at least, counted as people see them: an accent is not a character more.
    """
    before = (keys.path / "master.json").read_bytes()

    with pytest.raises(errors.WeakPassphrase) as caught:
        keys.lock(keys.open(None), words)

    assert 8 == caught.value.facts["length_min"]
    assert before == (keys.path / "master.json").read_bytes()
    folder().open(never)


@pytest.mark.parametrize(
    ("typed", "typed_elsewhere"),
    [("caf\u00e9 au lait", "cafe\u0301 au lait"), ("恭喜发财大吉大利", "恭喜发财大吉大利")],
)
def test_a_passphrase_is_the_same_from_every_keyboard(keys, folder, typed, typed_elsewhere):
    """
    An é of one character and one of two are the same passphrase.
    """
    keys.lock(keys.open(None), typed)

    assert 1 == folder().open(say(typed_elsewhere)).generation


def test_a_passphrase_of_any_bytes_works(keys, folder):
    """
    What a terminal could not decode arrives as lone surrogates, and is as good as any other.
    """
    keys.lock(keys.open(None), "\udcff\udcfe12345678\0")

    assert 1 == folder().open(say("\udcff\udcfe12345678\0")).generation


def test_the_passphrase_is_asked_for_once(keys, folder):
    """
    One process asks once: an interrupted rekey does not ask, and does not stretch, again.
    """
    keys.lock(keys.open(None), WORDS)
    asked = []

    def ask():
        asked.append(WORDS)
        return WORDS

    later = folder()
    later.begin_rekey(later.open(ask))
    later.close()

    last = folder()
    last.open(ask)
    pending = last.pending_rekey(never)

    assert pending is not None
    assert 2 == len(asked)


def test_a_vault_that_is_no_longer_the_homes_cannot_rewrap_it(keys, folder):
    """
    After another process has rekeyed, an old vault's lock or rekey is refused, and nothing lost.
    """
    old = keys.open(None)
    new = keys.begin_rekey(old)
    keys.finish_rekey()

    for act in (
        lambda: folder().lock(old, WORDS),
        lambda: folder().unlock(old),
        lambda: folder().begin_rekey(old),
        lambda: folder().unlock(Vault(bytes(32), 2)),
    ):
        with pytest.raises(errors.Busy):
            act()

    assert new.page_key == folder().open(never).page_key


def test_opening_while_others_lock_and_unlock_never_fails(keys, folder):
    """
    A reader that meets a change half way reads again: it gets the keys, never "damaged".
    """
    page_key = keys.open(None).page_key

    def act(number):
        if number == 0:
            changer = folder()
            vault = changer.open(say(WORDS))
            for _ in range(40):
                changer.lock(vault, WORDS)
                changer.unlock(vault)
        else:
            for _ in range(300):
                assert page_key == folder().open(say(WORDS)).page_key
        return b"well"

    assert [b"well"] * 3 == race(3, act)


@pytest.mark.parametrize("overwritten", [False, True])
def test_a_reader_overtaken_by_a_change_reads_again(keys, folder, overwritten):
    """
    The device key that was just read about is gone, or zeros already: the new one is found.
    """
    vault = keys.open(None)
    device = next(keys.path.glob("device-*"))
    late = folder()
    read = late._read

    def read_and_be_overtaken():
        records = read()
        late._read = read
        keys.unlock(vault)
        if overwritten:
            device.write_bytes(bytes(65))
        return records

    late._read = read_and_be_overtaken

    assert vault.page_key == late.open(never).page_key


def test_two_who_change_the_wrapping_take_turns(keys, folder):
    """
    Locks and unlocks from four processes at once leave one whole wrapping and one way in.
    """
    page_key = keys.open(None).page_key

    def act(number):
        changer = folder()
        vault = changer.open(say(WORDS))
        for _ in range(10):
            changer.lock(vault, WORDS) if number % 2 else changer.unlock(vault)
        return b"well"

    assert [b"well"] * 4 == race(4, act)
    assert page_key == folder().open(say(WORDS)).page_key
    left = len(list(keys.path.glob("device-*")))
    assert (1 if folder().wrapping() == "device" else 0) == left


# --- damage --------------------------------------------------------------------------------------


def test_any_bit_flipped_in_the_master_file_is_damage(keys, folder):
    """
    Every byte counts, and none makes a traceback. What only spells the same value another way
    (a space, a capital) may pass, and then opens the same keys.
    """
    page_key = keys.open(None).page_key
    file = keys.path / "master.json"
    whole = file.read_bytes()

    for at in range(len(whole)):
        for bit in (0x01, 0x20, 0x80):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            try:
                opened = folder().open(None)
            except (errors.Damaged, errors.NewerHome):
                continue
            assert page_key == opened.page_key


def test_damage_in_a_locked_home_is_not_called_a_wrong_passphrase(keys, folder):
    """
    A flipped byte in the ciphertext, salt or cost is told as what it is, before anyone is asked.
    """
    keys.lock(keys.open(None), WORDS)
    file = keys.path / "master.json"
    document = json.loads(file.read_text())

    for change in (
        {"ciphertext": "00" * 48},
        {"nonce": "00" * 12},
        {"kdf": {**document["current"]["kdf"], "salt": "00" * 16}},
        {"kdf": {**document["current"]["kdf"], "passes": 2}},
    ):
        file.write_text(json.dumps({**document, "current": {**document["current"], **change}}))

        with pytest.raises(errors.Damaged):
            folder().open(never)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{}",
        b'{"format": 1}',
        b'{"format": 1, "current": null}',
        b'{"format": 1, "current": {}}',
        b'{"format": "2", "current": {}}',
        b'{"format": 0, "current": {}}',
        b"\xff\xfe\0",
        b"[" * 100_000,
        b"\0" * 500,
    ],
)
def test_a_master_file_that_is_none_is_damage(keys, folder, content):
    """
    Whatever lies there, the answer is a sentence that names the file.
    """
    (keys.path / "master.json").write_bytes(content)

    with pytest.raises(errors.Damaged) as caught:
        folder().open(None)

    assert str(keys.path / "master.json") == caught.value.facts["path"]


def rewritten(keys, **changes):
    """Put *changes* into the current record, with a checksum that fits, as an attacker would."""
    from hongbao.vault import folder

    file = keys.path / "master.json"
    document = json.loads(file.read_text())
    body = {k: v for k, v in (document["current"] | changes).items() if k != "checksum"}
    document["current"] = {**body, "checksum": folder._checksum(body)}
    file.write_text(json.dumps(document))


NONSENSE: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.0, 1e308, 10**30, "", "x", "1", "../../etc/passwd"),
    *("0" * 1_000_000, "\ud800", "\0", [], {}, ["device"], {"name": "argon2id"}, "F" * 16),
)
PLACES = (
    *("format", "current", "next", "generation", "fingerprint", "method", "holder", "kdf"),
    *("nonce", "ciphertext", "checksum", "name", "passes", "memory_kib", "lanes", "salt"),
)


def edited(document, place, value):
    """Return *document* with *value* in each *place* of that name, and checksums that fit."""
    from hongbao.vault import folder

    if not isinstance(document, dict):
        return document
    new = {name: edited(each, place, value) for name, each in document.items()}
    if place in new:
        new[place] = value
    if "method" in new and place != "checksum":
        new["checksum"] = folder._checksum({k: v for k, v in new.items() if k != "checksum"})
    return new


@pytest.mark.parametrize("state", ["device", "passphrase", "rekeying"])
def test_a_master_file_that_says_nonsense_is_damage(keys, folder, state):
    """
    Whatever stands in whichever place, even with checksums that fit: the answer is quick, names
    the file, and never leaves the folder. Some seven hundred files in all.
    """
    vault = keys.open(None)
    if state == "passphrase":
        keys.lock(vault, WORDS)
    if state == "rekeying":
        keys.begin_rekey(vault)
        keys.close()
    file = keys.path / "master.json"
    whole = json.loads(file.read_text())
    for place in PLACES:
        for value in NONSENSE:
            changed = edited(whole, place, value)
            if changed == whole:
                continue
            file.write_text(json.dumps(changed))
            begun = time.monotonic()
            try:
                opened = folder().open(say(WORDS))
                folder().pending_rekey(say(WORDS))
            except (errors.Damaged, errors.NewerHome, errors.WrongPassphrase):
                pass
            else:  # it says the same in other words, as true for 1 does not
                assert (vault.page_key, False) == (opened.page_key, place in whole["current"])
            assert time.monotonic() - begun < 2


def test_an_edited_fingerprint_is_damage_and_no_other_process(keys, folder):
    """
    Who compares fingerprints takes one that differs for another process's rekey.
    """
    rewritten(keys, fingerprint="0123456789abcdef")

    with pytest.raises(errors.Damaged):
        folder().open(None)


def test_a_huge_master_file_is_not_read_to_its_end(keys, folder):
    """
    A gigabyte of spaces is damage at once.
    """
    with (keys.path / "master.json").open("r+b") as file:
        file.truncate(1 << 30)

    begun = time.monotonic()
    with pytest.raises(errors.Damaged):
        folder().open(None)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 1 << 40},
        {"memory_kib": 1 << 21},
        {"memory_kib": 1 << 18, "passes": 16},
        {"passes": 3.0},
        {"lanes": True},
        {"passes": 1 << 30},
        {"lanes": 1 << 20},
        {"memory_kib": 0},
        {"memory_kib": "8"},
        {"name": "scrypt"},
        {"salt": ""},
    ],
)
def test_a_file_cannot_name_a_cost_that_exhausts_the_machine(keys, folder, cost):
    """
    Costs beyond any choice of ours are refused before anything is allocated or asked.
    """
    keys.lock(keys.open(None), WORDS)
    kdf = json.loads((keys.path / "master.json").read_text())["current"]["kdf"]
    rewritten(keys, kdf={**kdf, **cost})

    with pytest.raises(errors.Damaged):
        folder().open(never)


def test_a_holder_cannot_lead_out_of_the_folder(keys, folder):
    """
    A record may name a device key of this folder, never a path to one somewhere else.
    """
    device = next(keys.path.glob("device-*"))
    (keys.path / "device-x").mkdir()
    device.rename(keys.path / "elsewhere.key")
    rewritten(keys, holder="x/../elsewhere")

    with pytest.raises(errors.Damaged):
        folder().open(None)


def test_generation_and_method_are_part_of_the_wrapping(keys, folder):
    """
    A record that claims another generation does not open: the claim is authenticated.
    """
    rewritten(keys, generation=2)

    with pytest.raises(errors.Damaged):
        folder().open(None)


def test_a_missing_or_foreign_device_key_is_damage(keys, folder, tmp_path):
    """
    Keys that do not fit together are told, not guessed at.
    """
    elsewhere = KeyFolder(tmp_path / "elsewhere")
    elsewhere.create()
    device = next(keys.path.glob("device-*"))

    for content in (
        next(elsewhere.path.glob("device-*")).read_bytes(),
        b"",
        b"x" * 65,
        b"\xff" * 64,
    ):
        device.write_bytes(content)
        with pytest.raises(errors.Damaged):
            folder().open(None)
    device.unlink()
    with pytest.raises(errors.Damaged):
        folder().open(None)


def test_a_later_form_is_not_guessed_at(keys, folder):
    """
    A newer version's file asks for an upgrade; it is not damage.
    """
    (keys.path / "master.json").write_text('{"format": 2, "something": "else"}')

    with pytest.raises(errors.NewerHome):
        folder().open(None)


def test_a_folder_without_a_master_file_is_damage(folder):
    """
    To open is not to make: without keys there is no home to open.
    """
    with pytest.raises(errors.Damaged):
        folder().open(None)
    assert not folder().path.exists()


def test_nothing_secret_is_shown(keys):
    """
    Neither the folder's repr nor its files show the master key, a subkey or the passphrase.
    """
    vault = keys.open(None)
    secrets = [vault._master, vault.page_key, *vault.legacy_secrets()[1]]
    keys.lock(vault, WORDS)

    shown = repr(keys) + repr(keys._opened) + repr(vars(keys))
    stored = b"".join(file.read_bytes() for file in keys.path.iterdir())

    for secret in [*secrets, WORDS.encode()]:
        assert secret not in stored
        assert secret.hex().encode() not in stored
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


# --- rekey ---------------------------------------------------------------------------------------


def test_a_rekey_makes_the_next_generation(keys, folder):
    """
    New keys throughout; nothing changes for others until it is finished, and then for good.
    """
    old = keys.open(None)

    new = keys.begin_rekey(old)

    assert 2 == new.generation
    assert old.page_key != new.page_key
    assert old.page_key == folder().open(never).page_key
    keys.finish_rekey()
    assert new.page_key == folder().open(never).page_key
    assert folder().pending_rekey(None) is None


def test_a_rekeyed_vault_knows_the_old_entries_and_pins(keys):
    """
    What began the rekey can check the whole chain and every PIN at once.
    """
    old = keys.open(None)
    mac, hashed = old.chain_mac(b"", b"entry"), old.hash_pin(7, Pin("246810"))

    new = keys.begin_rekey(old)

    assert mac == new.chain_mac(b"", b"entry", generation=1)
    assert new.pin_matches(7, Pin("246810"), hashed)


def test_after_a_rekey_the_old_device_key_opens_nothing(keys, folder, tmp_path):
    """
    A copy of the key folder taken before the rekey is worth nothing against the folder after it.
    """
    old = keys.open(None)
    device = next(keys.path.glob("device-*"))
    stolen = device.read_bytes()
    keys.begin_rekey(old)

    keys.finish_rekey()

    files = list(keys.path.glob("device-*"))
    assert 1 == len(files)
    assert device not in files
    assert stolen != files[0].read_bytes()
    assert old.fingerprint not in (keys.path / "master.json").read_text()


def test_an_abandoned_rekey_leaves_nothing(keys, folder):
    """
    The old key stays, the next one and its device key are gone, and a rekey can begin again.
    """
    old = keys.open(None)
    before = (keys.path / "master.json").read_bytes()
    keys.begin_rekey(old)

    keys.abandon_rekey()

    assert before == (keys.path / "master.json").read_bytes()
    assert 1 == len(list(keys.path.glob("device-*")))
    assert folder().pending_rekey(None) is None
    assert 2 == keys.begin_rekey(keys.open(None)).generation


@pytest.mark.parametrize("locked", [False, True])
def test_an_interrupted_rekey_is_found_and_finished_by_the_next(keys, folder, locked):
    """
    With a device key and with a passphrase, the next process gets both generations, and chooses.
    """
    if locked:
        keys.lock(keys.open(None), WORDS)
    told = race(1, lambda _: keys.begin_rekey(keys.open(None)).page_key)

    later = folder()
    old = later.open(say(WORDS))
    pending = later.pending_rekey(say(WORDS))

    assert pending is not None
    assert told == [pending.page_key]
    assert 2 == pending.generation
    assert 1 == old.generation
    later.finish_rekey()
    assert pending.page_key == folder().open(say(WORDS)).page_key
    assert ("passphrase" if locked else "device") == folder().wrapping()


def test_a_rekey_under_way_is_not_mended_by_others(keys, folder, monkeypatch):
    """
    While it lives, others may look, and are told "busy" when they would finish or abandon it.
    """
    from hongbao.vault.files import Guard

    monkeypatch.setattr(Guard, "_tries", 2)
    old = keys.open(None)
    new = keys.begin_rekey(old)

    for act in (
        lambda: folder().pending_rekey(None),
        lambda: folder().finish_rekey(),
        lambda: folder().abandon_rekey(),
        lambda: folder().begin_rekey(old),
        lambda: folder().lock(old, WORDS),
    ):
        with pytest.raises(errors.Busy):
            act()

    assert old.page_key == folder().open(never).page_key
    keys.finish_rekey()
    assert new.page_key == folder().open(never).page_key


def test_a_home_with_an_interrupted_rekey_is_not_rewrapped(keys, folder):
    """
    Locking would lose the next key; it waits until somebody has finished or abandoned the rekey.
    """
    vault = keys.open(None)
    keys.begin_rekey(vault)
    keys.close()

    with pytest.raises(errors.Busy):
        folder().lock(vault, WORDS)

    assert folder().pending_rekey(None) is not None


def test_who_waits_for_a_rekey_gets_its_result(keys, folder):
    """
    A process that meets a rekey waits for it; then nothing is pending and opening finds the new.
    """

    def act(number):
        mine = folder()
        if number == 0:
            new = mine.begin_rekey(mine.open(None))
            time.sleep(0.2)
            mine.finish_rekey()
            return new.page_key
        while b'"next"' not in (keys.path / "master.json").read_bytes():
            pass
        assert mine.pending_rekey(None) is None
        return mine.open(None).page_key

    told = race(2, act)

    assert told[0] == told[1]


def test_resolving_nothing_is_harmless(keys, folder):
    """
    To finish or abandon where nothing is pending changes nothing.
    """
    before = (keys.path / "master.json").read_bytes()

    folder().finish_rekey()
    folder().abandon_rekey()

    assert before == (keys.path / "master.json").read_bytes()


def test_a_look_at_a_rekey_under_way_changes_nothing(keys, folder):
    """
    Both vaults are returned, whoever is at work; a leftover is not swept up.
    """
    old = keys.open(None)
    assert [old.page_key] == [vault.page_key for vault in folder().peek(never)]
    new = keys.begin_rekey(old)
    (keys.path / "device-0123456789abcdef.key").write_bytes(b"left over")

    assert [old.page_key, new.page_key] == [vault.page_key for vault in folder().peek(never)]
    assert (keys.path / "device-0123456789abcdef.key").exists()
    assert (True, False) == (keys.rekeying, folder().rekeying)

    for device in keys.path.glob("device-*"):
        device.unlink()
    with pytest.raises(errors.Damaged) as caught:
        folder().peek(never)
    assert str(caught.value.facts["path"]).startswith(str(keys.path / "device-"))


def test_a_look_asks_for_the_passphrase(keys, folder):
    """
    Once, and for every vault: a rekey keeps the passphrase.
    """
    keys.lock(keys.open(None), WORDS)
    later = folder()
    later.begin_rekey(later.open(say(WORDS)))
    later.close()

    assert [1, 2] == [vault.generation for vault in folder().peek(say(WORDS))]
    with pytest.raises(errors.HomeLocked):
        folder().peek(None)


def test_keys_are_the_homes_whatever_is_unfinished(keys, folder):
    """
    But current only where nothing is.
    """
    vault, stranger = keys.open(None), Vault(bytes(32), 1, cost=CHEAP)
    told = [
        (each.is_current(vault), each.has_keys_of(vault), each.is_current(stranger))
        for each in (keys, folder())
    ]
    assert [(True, True, False)] * 2 == told
    assert not keys.has_keys_of(stranger)

    new = keys.begin_rekey(vault)
    assert (False, True, False) == (
        keys.is_current(vault),
        keys.has_keys_of(vault),
        keys.has_keys_of(new),
    )
    keys.finish_rekey()
    assert (False, False) == (keys.is_current(vault), keys.has_keys_of(vault))
    assert (True, True) == (keys.is_current(new), keys.has_keys_of(new))
    with keys.alone():
        keys.begin_restore(3, bytes(32))
    assert (False, True) == (keys.is_current(new), keys.has_keys_of(new))


# --- another ledger ------------------------------------------------------------------------------

MAC = bytes(range(32))


def test_a_restore_is_marked_until_it_is_finished(keys, folder):
    """
    The next process knows what is coming; when it has come, that is the head.
    """
    keys.note_head(9, bytes(32))
    assert (False, None, False) == (keys.restoring, keys.pending_restore(), keys.begun)

    with keys.alone():
        assert keys.is_alone
        keys.begin_restore(5, MAC)
        assert (True, (5, MAC), True) == (keys.restoring, keys.pending_restore(), keys.begun)
        assert (True, (5, MAC)) == (folder().restoring, folder().pending_restore())
        assert (9, bytes(32)) == folder().head()
        keys.finish_restore()

    assert not keys.is_alone
    assert (False, None) == (folder().restoring, folder().pending_restore())
    assert (5, MAC) == folder().head()
    with keys.alone():
        keys.finish_restore()  # which has happened already
    assert (5, MAC) == folder().head()
    assert (keys.path / "restored").exists()


def test_a_restore_that_is_abandoned_leaves_the_head(keys, folder):
    """
    And no trace: nobody hears of another ledger.
    """
    keys.note_head(9, bytes(32))
    keys.know_restore()
    with keys.alone():
        keys.begin_restore(5, MAC)
        keys.abandon_restore()
        keys.abandon_restore()

    assert (False, None, (9, bytes(32))) == (
        folder().restoring,
        folder().pending_restore(),
        folder().head(),
    )
    assert not keys.was_restored()


def test_others_hear_of_a_restore(keys, folder):
    """
    Once, and of each that comes after.
    """
    other = folder()
    other.know_restore()
    for entry in (5, 5):
        assert not other.was_restored()
        with keys.alone():
            keys.begin_restore(entry, MAC)
            assert not other.was_restored()
            keys.finish_restore()
        assert other.was_restored()
        other.know_restore()


def test_a_mark_that_says_nothing_is_damage(keys):
    """
    And a place where nobody can look is told by its name.
    """
    (keys.path / "restoring").write_bytes(b"5")
    with pytest.raises(errors.Damaged) as caught:
        keys.pending_restore()
    assert {"path": str(keys.path / "restoring")} == caught.value.facts


def test_what_cannot_be_looked_for_is_told(keys, folder, monkeypatch):
    """
    By its name, and in the system's own words.
    """
    sharing = folder()
    monkeypatch.setattr("pathlib.Path.exists", _broken)
    monkeypatch.setattr("pathlib.Path.lstat", _broken)
    for look, name in ((lambda: sharing.restoring, "restoring"), (keys.exists, "master.json")):
        with pytest.raises(errors.StorageUnreadable) as caught:
            look()
        assert {"path": str(keys.path / name), "reason": "it is broken"} == caught.value.facts


def _broken(*_, **__):
    raise OSError(5, "it is broken")


def test_a_pin_is_tried_by_one_at_a_time(keys, folder, monkeypatch):
    """
    Each holder's own; who was killed lets go.
    """
    monkeypatch.setattr("time.sleep", lambda _: None)
    with keys.one_try_at_a_time("profile-1"):
        with folder().one_try_at_a_time("profile-2"):
            assert (keys.path / ".pin-profile-1").exists()
        with pytest.raises(errors.Busy), folder().one_try_at_a_time("profile-1"):
            pytest.fail("two try at once")
    with folder().one_try_at_a_time("profile-1"):
        pass


def test_a_first_note_that_comes_late_is_remembered(keys, folder):
    """
    An earlier one was taken away; a reset accepts that. The first two entries are none too late.
    """
    for first, late in ((1, None), (2, None), (3, 3), (40, 40)):
        (keys.path / "head").unlink()
        assert folder().noted_since() is None
        later = folder()
        later.note_head(first, MAC)
        later.note_head(first + 1, MAC)
        assert late == folder().noted_since()
        later.close()
    folder().reset_head(41, MAC)
    assert (None, (41, MAC)) == (folder().noted_since(), folder().head())


def test_a_key_folder_is_shown_by_its_path(keys):
    """
    And by nothing else.
    """
    assert f"KeyFolder('{keys.path}')" == repr(keys)


def test_who_finds_an_interrupted_rekey_is_alone_with_it(keys, folder):
    """
    Until it is finished or abandoned; and not where its key is gone, which is damage.
    """
    keys.begin_rekey(keys.open(None))
    assert keys.pending_rekey(None) is not None  # whoever began it may ask, too
    assert (True, True) == (keys.rekeying, keys.is_alone)
    keys.close()
    assert (False, False) == (keys.rekeying, keys.is_alone)

    later = folder()
    assert later.pending_rekey(None) is not None
    assert later.pending_rekey(None) is not None
    assert (True, True) == (later.rekeying, later.is_alone)
    later.leave_rekey()
    assert (False, False) == (later.rekeying, later.is_alone)

    for device in keys.path.glob("device-*"):
        device.unlink()
    with pytest.raises(errors.Damaged):
        later.pending_rekey(None)
    assert (False, False) == (later.rekeying, later.is_alone)


def test_an_interrupted_rekey_of_a_locked_home_asks_for_the_passphrase(keys, folder):
    """
    Where nobody can be asked the home is locked, and is left to others.
    """
    keys.lock(keys.open(None), WORDS)
    keys.begin_rekey(keys.open(None))
    keys.close()

    with pytest.raises(errors.HomeLocked):
        folder().pending_rekey(None)
    later = folder()
    pending = later.pending_rekey(say(WORDS))
    assert pending is not None
    assert 2 == pending.generation
    before = later.rekeying
    later.finish_rekey()
    assert [True, False] == [before, later.rekeying]
    assert pending.page_key == folder().open(say(WORDS)).page_key


def test_a_locked_home_is_rekeyed_again_without_asking(keys, folder):
    """
    Whoever opened it has the passphrase's key; who has a vault from elsewhere has not.
    """
    keys.lock(keys.open(None), WORDS)
    keys.begin_rekey(keys.open(never))
    keys.finish_rekey()
    new = keys.begin_rekey(keys.open(never))
    keys.finish_rekey()
    assert 3 == new.generation
    with pytest.raises(errors.HomeLocked):
        folder().begin_rekey(new)

    stale = folder()
    stale.open(say(WORDS))
    keys.lock(new, "another good passphrase")
    with pytest.raises(errors.HomeLocked):
        stale.begin_rekey(new)


def test_a_rekey_is_finished_by_who_has_opened_nothing(keys, folder):
    """
    And who began it forgets the old device key.
    """
    new = keys.begin_rekey(keys.open(None))
    keys.leave_rekey()
    folder().finish_rekey()
    assert new.page_key == folder().open(never).page_key

    newer = keys.begin_rekey(keys.open(None))
    keys.finish_rekey()
    assert keys._opened is None
    assert newer.page_key == keys.open(never).page_key


def test_what_is_left_over_is_swept_up_when_nobody_is_inside(keys, folder, monkeypatch):
    """
    Nobody waits for that, and where nothing is left over nobody takes a lock.
    """
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("nobody is waited for"))
    left = keys.path / "device-0123456789abcdef.key"
    left.write_bytes(b"left over")
    other = folder()
    with other.sharing():
        folder().open(never)
        assert left.exists()
    folder().open(never)
    assert not left.exists()

    monkeypatch.setattr("hongbao.vault.files.Gate.enter", lambda *_, **__: pytest.fail("a lock"))
    assert 1 == folder().open(never).generation


def test_a_change_of_the_wrapping_says_that_it_has_begun(keys, folder):
    """
    Names that whoever knows the home would try are no passphrase, and nothing has begun.
    """
    vault = keys.open(None)
    with pytest.raises(errors.WeakPassphrase):
        keys.lock(vault, "zhangsan1", ["zhangsan"])
    begun = [keys.begun]
    keys.lock(vault, WORDS)
    assert [False, True] == [*begun, keys.begun]
    again = folder()
    again.unlock(again.open(say(WORDS)))
    assert again.begun is True
    assert "_Wrapping(device)" == repr(again._opened)
    opened = folder()
    opened.begin_rekey(opened.open(never))
    opened.abandon_rekey()
    assert "_Wrapping(device)" == repr(opened._opened)


def test_a_later_form_is_told_by_its_number(keys, folder):
    """
    And by what is known here; a number that no form will have is damage.
    """
    file = keys.path / "master.json"
    document = json.loads(file.read_text())
    for form in (2, 2**31 - 1):
        file.write_text(json.dumps({**document, "format": form}))
        with pytest.raises(errors.NewerHome) as caught:
            folder().open(never)
        assert {"form": form, "known": 1} == caught.value.facts
    for form in (0, 2**31, 2**32 - 1):
        file.write_text(json.dumps({**document, "format": form}))
        with pytest.raises(errors.Damaged):
            folder().open(never)
