"""The system's keyring: another place for the device key, with keyrings that fail in their ways."""

import sys
from gettext import NullTranslations
from types import SimpleNamespace

import pytest

from hongbao import errors, words
from hongbao.vault import keychain


class Ring:
    """A keyring as the `keyring` package shows one: three functions and a shelf."""

    def __init__(self):
        self.shelf = {}

    def set_password(self, service, name, password):
        self.shelf[service, name] = password

    def get_password(self, service, name):
        return self.shelf.get((service, name))

    def delete_password(self, service, name):
        del self.shelf[service, name]


@pytest.fixture
def ring(monkeypatch):
    ring = Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    return ring


@pytest.fixture
def keys(folder):
    keys = folder()
    keys.create()
    return keys


def test_the_keyring_keeps_the_device_key_and_no_file_does(keys, folder, ring):
    """
    The same keys open without a question, and the folder alone opens nothing.
    """
    vault = keys.open(None)

    keys.use_keyring(vault)

    assert "keyring" == folder().wrapping()
    assert [] == list(keys.path.glob("device-*"))
    assert vault.page_key == folder().open(None).page_key
    assert 1 == len(ring.shelf)
    (kept,) = ring.shelf.values()
    assert kept not in (keys.path / "master.json").read_text()


def test_what_the_keyring_kept_is_removed_when_it_is_left(keys, folder, ring):
    """
    Locked by a passphrase or back to a device key, nothing is left in the keyring.
    """
    vault = keys.open(None)
    keys.use_keyring(vault)

    keys.lock(vault, "correct horse")

    assert {} == ring.shelf
    keys.use_keyring(vault)
    keys.unlock(vault)
    assert {} == ring.shelf
    assert vault.page_key == folder().open(None).page_key


def test_a_rekey_renews_the_key_in_the_keyring(keys, folder, ring):
    """
    The next generation has a keyring key of its own; the old one goes when it is finished.
    """
    keys.use_keyring(keys.open(None))
    before = dict(ring.shelf)

    new = keys.begin_rekey(keys.open(None))

    assert 2 == len(ring.shelf)
    keys.finish_rekey()
    assert 1 == len(ring.shelf)
    assert before != ring.shelf
    assert new.page_key == folder().open(None).page_key


def test_without_the_package_the_keyring_is_unavailable(keys, folder, monkeypatch):
    """
    The extra is not installed: that is said, in the reader's language, and nothing is changed.
    """
    monkeypatch.setitem(sys.modules, "keyring", None)
    before = (keys.path / "master.json").read_bytes()

    with pytest.raises(errors.KeyringUnavailable) as caught:
        keys.use_keyring(keys.open(None))

    assert "its Python package is missing" in str(caught.value)
    assert before == (keys.path / "master.json").read_bytes()
    assert 1 == folder().open(None).generation


def test_a_keyring_that_refuses_changes_nothing(keys, folder, monkeypatch):
    """
    Whatever a backend raises becomes one sentence with its first line, safe for a terminal.
    """

    def refuse(*arguments):
        raise RuntimeError("no \x1b[31mD-Bus\nand more {text}")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(set_password=refuse))

    with pytest.raises(errors.KeyringUnavailable) as caught:
        keys.use_keyring(keys.open(None))

    said = caught.value.message
    assert "D-Bus" in said
    assert "\x1b" not in said
    assert "and more" not in said
    assert 1 == folder().open(None).generation
    assert "device" == folder().wrapping()


def test_a_keyring_that_forgets_is_noticed_before_the_device_key_goes(keys, folder, ring):
    """
    The null keyring takes everything and keeps nothing: the key is read back before it counts.
    """
    ring.set_password = lambda service, name, password: None

    with pytest.raises(errors.KeyringUnavailable):
        keys.use_keyring(keys.open(None))

    assert "device" == folder().wrapping()
    assert 1 == folder().open(None).generation


def test_a_keyring_without_this_homes_key_is_unavailable(keys, folder, ring):
    """
    Another user's or machine's keyring has no such key: not damage, but not this keyring.
    """
    keys.use_keyring(keys.open(None))
    ring.shelf.clear()

    with pytest.raises(errors.KeyringUnavailable):
        folder().open(None)


def test_the_reason_is_told_in_the_readers_language(monkeypatch):
    """
    A reason of ours is translated with its sentence; programs get English.
    """
    reason = words.N_("it has no key for this wallet")
    chinese = NullTranslations()
    monkeypatch.setattr(chinese, "gettext", lambda text: {reason: "没有"}.get(text, text))
    monkeypatch.setattr(words, "_catalogue", chinese)

    error = errors.KeyringUnavailable(reason=reason)

    assert "没有" in error.message
    assert reason in str(error)
    assert reason == error.as_dict()["reason"]


def test_the_keyring_is_asked_for_this_program_and_this_key(monkeypatch):
    """
    What it says in another form than text is no key.
    """
    asked = []

    def answer(*arguments):
        asked.append(arguments)
        return b"no text"

    ring = SimpleNamespace(get_password=answer, delete_password=answer)
    monkeypatch.setitem(sys.modules, "keyring", ring)

    assert keychain.get("a1") is None
    keychain.forget("a1")
    assert [("hongbao", "a1")] * 2 == asked


def test_why_a_keyring_is_unavailable(ring, monkeypatch):
    """
    Our own reasons to the letter, a backend's in eighty characters of its first line.
    """
    ring.set_password = lambda *_: None
    with pytest.raises(errors.KeyringUnavailable) as caught:
        keychain.put("a1", "00")
    assert "it does not return what was stored" == str(caught.value.facts["reason"])

    def refuse(*_):
        raise OSError("x" * 70 + "y" * 20 + "\nand\nmore")

    ring.get_password = ring.delete_password = refuse
    with pytest.raises(errors.KeyringUnavailable) as caught:
        keychain.get("a1")
    assert "'" + "x" * 70 + "y" * 9 + "…'" == caught.value.facts["reason"]
    keychain.forget("a1")  # which opens nothing any more: nobody needs to hear of it

    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(errors.KeyringUnavailable) as caught:
        keychain.get("a1")
    assert "its Python package is missing" == str(caught.value.facts["reason"])


def test_a_keyring_without_the_key_says_so(keys, folder, ring):
    """
    Also where it says nothing at all.
    """
    keys.use_keyring(keys.open(None))
    ring.shelf.clear()
    with pytest.raises(errors.KeyringUnavailable) as caught:
        folder().open(None)
    assert keychain.HAS_NONE == caught.value.facts["reason"]
    assert "it has no key for this wallet" == keychain.HAS_NONE
