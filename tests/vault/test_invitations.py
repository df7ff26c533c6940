"""A master key that is handed to another machine: wrapped by a passphrase, and by nothing less."""

import json
from pathlib import Path

import pytest

from hongbao.errors import CommonPassphrase, WeakPassphrase, WrongPassphrase
from hongbao.vault import Cost, KeyFolder

CHEAP = Cost(1, 8, 1)
PASSPHRASE = "correct horse battery 7"


def folder(path: Path) -> KeyFolder:
    return KeyFolder(path, cost=CHEAP)


def test_an_invited_machine_has_the_same_keys_under_another_wrapping(tmp_path: Path):
    """
    What one has sealed, the other opens; the first one's device key opens nothing of the second.
    """
    first, second = folder(tmp_path / "first"), folder(tmp_path / "second")
    vault = first.create()
    record = json.loads(json.dumps(first.invitation(vault, PASSPHRASE)))

    second.adopt(second.invited(record, PASSPHRASE))

    opened = folder(tmp_path / "second").open(None)
    assert "Zhang" == opened.unseal(1, "name", vault.seal(1, "name", "Zhang"))
    assert vault.fingerprint == opened.fingerprint
    (one,) = (tmp_path / "first").glob("device-*.key")
    (other,) = (tmp_path / "second").glob("device-*.key")
    assert one.read_bytes() != other.read_bytes()
    assert PASSPHRASE not in json.dumps(record)


def test_only_its_passphrase_opens_an_invitation(tmp_path: Path):
    """
    And a weak one makes none.
    """
    keys = folder(tmp_path / "keys")
    vault = keys.create()
    record = keys.invitation(vault, PASSPHRASE)

    with pytest.raises(WrongPassphrase):
        keys.invited(record, "another horse battery 7")
    with pytest.raises(WeakPassphrase):
        keys.invitation(vault, "short")
    with pytest.raises(CommonPassphrase):
        keys.invitation(vault, "xiaohong1", names=["xiaohong"])


@pytest.mark.parametrize("change", [{"generation": 2}, {"method": "device"}, {"nonce": "00"}])
def test_an_invitation_that_was_changed_is_none(tmp_path: Path, change: dict[str, object]):
    """
    Its checksum finds an accident, and nothing else is done with it.
    """
    keys = folder(tmp_path / "keys")
    record = keys.invitation(keys.create(), PASSPHRASE)

    with pytest.raises(ValueError):  # noqa: PT011 - it says no more
        keys.invited({**record, **change}, PASSPHRASE)


def test_a_machine_that_has_keys_keeps_them(tmp_path: Path):
    """
    Adopting others is left to who has checked that there are none.
    """
    first, second = folder(tmp_path / "first"), folder(tmp_path / "second")
    invited, own = first.create(), second.create()

    second.adopt(invited)

    assert own.fingerprint == folder(tmp_path / "second").open(None).fingerprint


def test_keys_that_nothing_was_made_with_are_forgotten(tmp_path: Path):
    """
    The folder is gone then, and new keys may come.
    """
    keys = folder(tmp_path / "keys")
    vault = keys.create()

    keys.forget(vault)

    assert not (tmp_path / "keys").exists()
    assert vault.fingerprint != keys.create().fingerprint
