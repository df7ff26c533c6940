"""The bytes that a home keeps, computed apart from our code: a later version must read them."""

import base64
import hmac
import json
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.vault import DeviceKeys, KeyFolder, Notes, Tries, TriesFolder, Vault
from hongbao.vault.checkpoint import CheckpointFile
from hongbao.vault.primitives import CHEAPEST, Cost
from tests.every import every
from tests.vault.conftest import CHEAP

MASTER = bytes(range(32))
NONCE = b"twelve bytes"


def told(size):
    """Chance, for once, says what we want: the bytes of ``twelve bytestwelve…``."""
    return (NONCE * 4)[:size]


def joined(*parts):
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def derived(secret, *labels):
    """HKDF-SHA256 of RFC 5869, without salt, one block: what `docs/concepts/security.md` says."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, joined(b"hongbao", b"1", *labels) + b"\1", "sha256")


def under(key, plain, *about):
    """AES-256-GCM under our nonce, which stands in front."""
    return NONCE + AESGCM(key).encrypt(NONCE, plain, joined(*about))


@pytest.fixture
def scripted():
    """The vault of the third generation, with scripted nonces and salts."""
    return Vault(MASTER, 3, random=told, cost=CHEAP)


def test_a_row_of_state_is_sealed_by_the_chains_key(scripted):
    """
    HMAC-SHA256 over a word and the row, of this generation or of one that is named.
    """
    mac = hmac.digest(derived(MASTER, b"chain"), b"row of state:[1,2]", "sha256")

    assert mac == scripted.row_mac(b"[1,2]")
    assert mac == scripted.row_mac(b"[1,2]", generation=3)
    with pytest.raises(errors.Damaged) as caught:
        scripted.row_mac(b"[1,2]", generation=2)
    assert {"path": "keys/generation/2"} == caught.value.facts


def test_personal_data_is_sealed_for_its_generation_profile_and_place(scripted):
    """
    The generation, the holder and the place are bound to it in clear, each behind its length.
    """
    key = derived(MASTER, b"personal data", b"7")
    sealed = under(key, "张三".encode(), b"hongbao sealed", b"1", b"3", b"7", b"profile/7/name")

    assert sealed == scripted.seal(7, "profile/7/name", "张三")


def test_a_checkpoint_is_sealed_for_its_generation(scripted):
    """
    What was sealed opens again, and not where one bit of it is another.
    """
    sealed = under(derived(MASTER, b"checkpoint"), b"whole", b"hongbao checkpoint", b"1", b"3")

    assert sealed == scripted.seal_checkpoint(b"whole")
    assert b"whole" == scripted.open_checkpoint(sealed)
    for altered in (sealed[:-1], b"\0" + sealed[1:], sealed[1:], b""):
        with pytest.raises(errors.Damaged) as caught:
            scripted.open_checkpoint(altered)
        assert {"path": "keys/checkpoint"} == caught.value.facts


def test_a_pin_is_hashed_with_its_holder_under_the_pepper(scripted):
    """
    Argon2id of an HMAC: the holder and the PIN, each behind its length, under the pepper.
    """
    from argon2.low_level import Type, hash_secret

    keyed = hmac.digest(derived(MASTER, b"pin pepper"), joined(b"7", b"246810"), "sha256")
    expected = hash_secret(keyed, told(16), 1, 8, 1, 32, Type.ID).decode()

    assert f"g3{expected}" == scripted.hash_pin(7, Pin("246810"))


@every("hashed", ["", "g1$", "g1$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"])
def test_a_pin_that_is_none_is_damaged_by_name(hashed):
    """
    Where it stands is told; whose it is, where that is known.
    """
    vault = Vault(MASTER, 1, cost=CHEAP)
    with pytest.raises(errors.Damaged) as caught:
        vault.pin_matches(7, Pin("246810"), hashed)
    assert {"path": "profile/7/pin"} == caught.value.facts
    with pytest.raises(errors.Damaged) as caught:
        vault.pin_needs_rehash(hashed)
    assert {"path": "profile/pin"} == caught.value.facts


def test_a_sandbox_hashes_at_no_cost():
    """
    From when it is told so; what was hashed before is then hashed again.
    """
    vault = Vault(MASTER, 1, cost=Cost(passes=2, memory_kib=16, lanes=1))
    before = vault.hash_pin(7, Pin("246810"))

    vault.hash_cheaply()

    assert (1, 8, 1) == CHEAPEST
    assert vault.hash_pin(7, Pin("246810")).startswith("g1$argon2id$v=19$m=8,t=1,p=1$")
    assert vault.pin_needs_rehash(before)


def test_a_signature_is_of_the_purposes_own_key(scripted):
    """
    Its seed comes of the signing secret, not of the master key, so that a rekey carries it along.
    """
    seed = derived(derived(MASTER, b"signing"), b"ed25519", b"bank/icbc")
    key = Ed25519PrivateKey.from_private_bytes(seed)

    assert key.sign(b"hello") == scripted.sign("bank/icbc", b"hello")
    assert key.public_key().public_bytes_raw() == scripted.public_key("bank/icbc")


def test_a_session_has_the_key_of_its_holder_request_and_generation(scripted):
    """
    An older generation's is made of what was carried along; what was not carried is damage.
    """

    def session(master):
        secret = derived(derived(master, b"signing"), b"session")
        return hmac.digest(secret, joined(b"7", b"req-1"), "sha256")

    later = Vault(bytes(32), 4, random=told, cost=CHEAP)
    later.adopt_retired(later.seal_retired(scripted))

    assert session(MASTER) == scripted.session_key(7, "req-1")
    assert session(MASTER) == scripted.session_key(7, "req-1", generation=3)
    assert session(bytes(32)) == later.session_key(7, "req-1")
    assert session(MASTER) == later.session_key(7, "req-1", generation=3)
    assert session(bytes(32)) == later.session_key(7, "req-1")  # each is remembered for its own
    with pytest.raises(errors.Damaged) as caught:
        later.session_key(7, "req-1", generation=2)
    assert {"path": "keys/generation/2"} == caught.value.facts


def test_a_rekey_carries_four_secrets_of_each_generation(scripted):
    """
    Chain, pepper, signing and blind index, in hexadecimal, as JSON under the new vault's own key.
    """
    later = Vault(bytes(32), 4, random=told, cost=CHEAP)
    labels = (b"chain", b"pin pepper", b"signing", b"blind index")
    secrets = [derived(MASTER, label).hex() for label in labels]
    plain = json.dumps([[3, *secrets]]).encode()

    expected = under(derived(bytes(32), b"retired"), plain, b"hongbao retired", b"1", b"4")

    assert expected == later.seal_retired(scripted)
    with pytest.raises(errors.Damaged) as caught:
        later.adopt_retired(expected[:-1])
    assert {"path": "keys/retired"} == caught.value.facts


def test_a_mark_is_of_its_kind(scripted):
    """
    HMAC-SHA256 over the kind and the text; of a generation that nobody knows there is none.
    """
    mark = hmac.digest(derived(MASTER, b"blind index"), joined(b"card", b"6222"), "sha256")

    assert mark == scripted.blind("card", "6222") == scripted.blind("card", "6222", generation=3)
    with pytest.raises(errors.Damaged) as caught:
        scripted.blind("card", "6222", generation=2)
    assert {"path": "keys/generation/2"} == caught.value.facts


def test_a_master_key_is_named_by_a_key_that_opens_nothing(scripted):
    """
    Its fingerprint is eight bytes of a subkey of its own.
    """
    assert derived(MASTER, b"fingerprint").hex()[:16] == scripted.fingerprint
    assert NONCE + scripted.wrapped(bytes(32), NONCE, b"about") == NONCE + AESGCM(
        bytes(32)
    ).encrypt(NONCE, MASTER, b"about")


# --- files beside the ledger ---------------------------------------------------------------------


def test_a_home_says_how_its_master_key_is_wrapped(tmp_path):
    """
    ``master.json`` and a device key, whose name is in it; the file ends with a line's end.
    """
    keys = KeyFolder(tmp_path / "keys", random=told, cost=CHEAP)
    vault = keys.create()

    holder, key = told(8).hex(), told(32)
    about = joined(b"hongbao master", b"1", b"device", b"1")
    record = {
        "generation": 1,
        "fingerprint": vault.fingerprint,
        "method": "device",
        "holder": holder,
        "nonce": NONCE.hex(),
        "ciphertext": AESGCM(key).encrypt(NONCE, told(32), about).hex(),
    }
    written = json.loads((keys.path / "master.json").read_text())
    assert record == {name: written["current"][name] for name in record}
    assert {*record, "checksum"} == set(written["current"])
    assert key.hex() + "\n" == (keys.path / f"device-{holder}.key").read_text()


def test_a_count_of_tries_is_two_lines(tmp_path, scripted):
    """
    Four numbers and the MAC of them and their holder, under a key that outlives a rekey.
    """
    numbers = b"%020d %020d %020d %020d " % (4, 3, 2, 1)
    key = derived(derived(MASTER, b"signing"), b"tries")
    mac = hmac.digest(key, joined(b"hongbao tries", b"1", b"profile-1", numbers), "sha256")

    TriesFolder(tmp_path, scripted).set("profile-1", Tries(4, 3, 2, 1))

    line = numbers + mac.hex().encode() + b"\n"
    assert line * 2 == (tmp_path / "tries" / "profile-1").read_bytes()


def test_a_devices_key_lies_under_a_key_that_outlives_a_rekey(tmp_path, scripted):
    """
    Bound to its public key, whose first sixteen digits are the file's name; it can be looked at.
    """
    public = Ed25519PrivateKey.from_private_bytes(told(32)).public_key().public_bytes_raw()
    key = derived(derived(MASTER, b"signing"), b"device keys")
    devices = DeviceKeys(tmp_path, scripted)

    assert public == devices.create()

    file = tmp_path / "devices" / f"{public.hex()[:16]}.key"
    assert under(key, told(32), b"hongbao device", b"1", public) == file.read_bytes()
    DeviceKeys(tmp_path, scripted).check(public)
    file.write_bytes(bytes(60))
    with pytest.raises(errors.DeviceKeyDamaged):
        devices.check(public)


def test_the_head_is_two_lines_of_one_length(tmp_path):
    """
    An entry, its MAC and a CRC-32; blank until it is noted.
    """
    keys = KeyFolder(tmp_path / "keys", cost=CHEAP)
    keys.create()
    blank = b" " * 94 + b"\n"
    assert blank * 2 == (keys.path / "head").read_bytes()

    keys.note_head(1, bytes([1]) * 32)

    body = b"00000000000000000001 " + b"01" * 32
    line = body + b" %08x\n" % zlib.crc32(body)
    assert line + blank == (keys.path / "head").read_bytes()


def test_a_sealed_note_is_a_line_of_base64(tmp_path, scripted):
    """
    Each line under a key that outlives a rekey, for the name of its note.
    """
    key = derived(derived(MASTER, b"signing"), b"notes")
    lines = [under(key, each, b"hongbao note", b"1", b"hooks") for each in (b"one", b"two")]
    notes = Notes(tmp_path / "notes", scripted)

    notes.write_sealed("hooks", [b"one"])
    size = notes.append_sealed("hooks", b"two", wait=True)

    written = b"".join(base64.b64encode(line) + b"\n" for line in lines)
    assert written == (tmp_path / "notes" / "hooks").read_bytes()
    assert len(written) == size
    assert [b"one", b"two"] == notes.sealed_lines("hooks")


# --- the note of the last whole check ------------------------------------------------------------


@pytest.fixture
def checkpoint(tmp_path, scripted):
    return CheckpointFile(tmp_path, scripted)


def test_a_checkpoint_says_its_generation_in_clear(tmp_path, checkpoint):
    """
    Compressed, then sealed; what was noted before is replaced.
    """
    assert checkpoint.generation() is None
    with pytest.raises(errors.Damaged) as caught:
        checkpoint.read()
    assert {"path": str(tmp_path / "checkpoint")} == caught.value.facts

    assert checkpoint.write(b"older") is True
    assert checkpoint.write(b"noted" * 100) is True

    content = (tmp_path / "checkpoint").read_bytes()
    assert content.startswith(b"hongbao checkpoint 1 3\n" + NONCE)
    assert len(content) < 100
    assert (3, b"noted" * 100) == (checkpoint.generation(), checkpoint.read())
    assert {".checkpoint", "checkpoint"} == {path.name for path in tmp_path.iterdir()}


@every(
    "content",
    [
        b"",
        b"\n",
        b"hongbao checkpoint 1 \nx",
        b"hongbao checkpoint 1 x\nx",
        b"hongbao checkpoint 2 3\nx",
        b"3\nx",
        b"hongbao checkpoint 1 -3\nx",
        b"hongbao checkpoint 1 1234567890\nx",
    ],
)
def test_a_checkpoint_that_is_none_is_damaged(content, tmp_path, scripted):
    """
    Its beginning is not believed unless it is one that we write.
    """
    (tmp_path / "checkpoint").write_bytes(content)

    with pytest.raises(errors.Damaged) as caught:
        CheckpointFile(tmp_path, scripted).generation()
    assert {"path": str(tmp_path / "checkpoint")} == caught.value.facts


def test_a_checkpoints_generation_may_have_nine_digits(tmp_path, checkpoint):
    """
    More than any home will ever have, and the most that is believed.
    """
    (tmp_path / "checkpoint").write_bytes(b"hongbao checkpoint 1 123456789\nhongbao\n")

    assert 123456789 == checkpoint.generation()


def test_a_checkpoint_of_other_keys_is_damaged(tmp_path, checkpoint):
    """
    So is one that these keys have sealed, and that is nothing that we compressed.
    """
    checkpoint.write(b"noted")
    with pytest.raises(errors.Damaged):
        CheckpointFile(tmp_path, Vault(bytes(32), 3)).read()

    sealed = Vault(MASTER, 3).seal_checkpoint(b"noted")
    (tmp_path / "checkpoint").write_bytes(b"hongbao checkpoint 1 3\n" + sealed)
    with pytest.raises(errors.Damaged) as caught:
        checkpoint.read()
    assert {"path": str(tmp_path / "checkpoint")} == caught.value.facts


def test_no_check_fails_for_its_checkpoint(tmp_path, checkpoint, scripted, monkeypatch):
    """
    What cannot be noted is not: too large, no folder, a link in its place, another who writes.
    """
    assert checkpoint.write(b"noted")
    with monkeypatch.context() as patch:
        patch.setattr("hongbao.vault.checkpoint.SIZE_MAX", 23 + 12 + len(b"x\x9c") + 11 + 16)
        assert not checkpoint.write(b"more than that" + bytes(range(99)))
    assert not CheckpointFile(tmp_path / "missing", scripted).write(b"noted")

    other = CheckpointFile(tmp_path, scripted)
    with monkeypatch.context() as patch:
        patch.setattr("hongbao.vault.files._try_lock", lambda *_, **__: False)
        patch.setattr("time.sleep", lambda _: pytest.fail("nobody is waited for"))
        assert not other.write(b"mine")
    assert b"noted" == checkpoint.read()

    assert other.write(b"mine")  # whoever was there let go
    (tmp_path / ".checkpoint").unlink()
    (tmp_path / ".checkpoint").symlink_to(tmp_path / "elsewhere")
    assert not checkpoint.write(b"theirs")
    assert b"mine" == checkpoint.read()


def test_a_checkpoint_of_just_the_largest_size_is_written(tmp_path, scripted, monkeypatch):
    """
    And read: what is written and what is read have one limit.
    """
    checkpoint = CheckpointFile(tmp_path, scripted)
    checkpoint.write(b"noted")
    size = (tmp_path / "checkpoint").stat().st_size
    (tmp_path / "checkpoint").unlink()

    monkeypatch.setattr("hongbao.vault.checkpoint.SIZE_MAX", size - 1)
    assert not checkpoint.write(b"noted")
    monkeypatch.setattr("hongbao.vault.checkpoint.SIZE_MAX", size)
    assert checkpoint.write(b"noted")
    assert b"noted" == checkpoint.read()
