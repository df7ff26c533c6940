"""What an opened vault promises, with one home's keys and without them."""

import copy
import json
import os
import pickle
import time

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.vault import Cost, Vault
from hongbao.vault.primitives import encrypt, hash_matches, sign
from tests.vault.conftest import CHEAP

PIN = Pin("246810")


# --- subkeys -------------------------------------------------------------------------------------


def test_every_purpose_has_a_key_of_its_own(vault):
    """
    Page key, chain key, pepper, signing key, blind index and each profile's key all differ.
    """
    keys = [
        vault.page_key,
        vault.legacy_secrets()[1].chain,
        vault.legacy_secrets()[1].pepper,
        vault.legacy_secrets()[1].signing,
        vault._key(b"blind index"),
        vault._key(b"retired"),
        vault._key(b"personal data", b"1"),
        vault._key(b"personal data", b"11"),
        vault._key(b"personal data", b"1", b"1"),
        vault._master,
    ]

    assert len(keys) == len(set(keys))
    assert {32} == {len(key) for key in keys}


def test_subkeys_never_change(vault):
    """
    A home opened by a later version finds its pages: these values were computed apart from our
    code, from RFC 5869 and the labels that docs/concepts/security.md names.
    """
    mac = vault.chain_mac(b"previous", b"entry")
    mark = vault.blind("id_number", "11010119900307001X")

    assert (
        "321f6ed584acd7f0fdac2b5d38ab23430f1b128653dd1db021192b7209ef1315" == vault.page_key.hex()
    )
    assert "f2b89dbfd9228a212ee245c2dfe98566a5d5c62d2ae682aaf71c296bc8d0f476" == mac.hex()
    assert "269bf38a6ca46efd51bc1d312fe509cf0d103d0b25b0fd9627893c66900a072e" == mark.hex()
    assert (
        "9cc0800b5db8e09d29795629b162b848042a1735fc2a6192645ff2122a4a851e"
        == vault.public_key("bank/icbc").hex()
    )


def test_another_homes_vault_shares_nothing(vault, other):
    """
    Two master keys have no subkey in common.
    """
    assert vault.page_key != other.page_key
    assert vault.chain_mac(b"", b"") != other.chain_mac(b"", b"")
    assert vault.blind("id_number", "x") != other.blind("id_number", "x")


def test_a_vault_keeps_quiet(vault):
    """
    Neither repr nor str nor a copy nor a pickle lets a secret out.
    """
    secrets = {vault.page_key, vault._master, *vault.legacy_secrets()[1]}

    shown = f"{vault!r} {vault} {vault.legacy_secrets()}"

    assert "Vault(generation=1)" in shown
    for secret in secrets:
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    for leave in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            leave(vault)


# --- the chain -----------------------------------------------------------------------------------


def test_a_chain_mac_covers_both_parts_and_their_border(vault):
    """
    Another entry, another predecessor, or bytes moved across the border give another MAC.
    """
    macs = {
        vault.chain_mac(b"ab", b"cd"),
        vault.chain_mac(b"abc", b"d"),
        vault.chain_mac(b"a", b"bcd"),
        vault.chain_mac(b"", b"abcd"),
        vault.chain_mac(b"abcd", b""),
        vault.chain_mac(b"ab", b"ce"),
    }

    assert 6 == len(macs)
    assert {32} == {len(mac) for mac in macs}
    assert vault.chain_mac(b"ab", b"cd") == vault.chain_mac(b"ab", b"cd", generation=1)


def test_a_chain_mac_takes_microseconds(vault):
    """
    `check` computes a million of them: 20 microseconds each would be 20 seconds, and too many.
    """
    entry = os.urandom(300)
    fastest = 1.0

    for _ in range(20):
        started = time.perf_counter()
        for _ in range(200):
            vault.chain_mac(bytes(32), entry)
        fastest = min(fastest, (time.perf_counter() - started) / 200)

    assert fastest < 20e-6


# --- PINs ----------------------------------------------------------------------------------------


def test_a_pin_matches_its_own_hash_only(vault):
    """
    The right PIN of the right profile matches; another PIN or another profile's does not.
    """
    hashed = vault.hash_pin(7, PIN)

    assert vault.pin_matches(7, PIN, hashed)
    assert not vault.pin_matches(7, Pin("246811"), hashed)
    assert not vault.pin_matches(8, PIN, hashed)


def test_equal_pins_have_different_hashes(vault):
    """
    Each hash has its own salt: nobody sees that two people chose the same PIN.
    """
    hashes = {vault.hash_pin(7, PIN), vault.hash_pin(7, PIN), vault.hash_pin(8, PIN)}

    assert 3 == len(hashes)


def test_a_pin_hash_cannot_be_searched_without_the_keys(vault, other):
    """
    Who has the hash but not the pepper cannot tell the right PIN from the others: not by plain
    Argon2id, and not with the keys of another home.
    """
    hashed = vault.hash_pin(7, PIN)
    encoded = hashed.removeprefix("g1")

    assert not other.pin_matches(7, PIN, hashed)
    assert not hash_matches(encoded, b"246810")
    assert not hash_matches(encoded, PIN.reveal().encode() + b"7")
    assert not hash_matches(encoded, b"7" + PIN.reveal().encode())


def test_a_stored_pin_says_generation_algorithm_and_cost_and_no_pin(vault):
    """
    What is stored can be renewed later because it says how it was made.
    """
    hashed = vault.hash_pin(7, PIN)

    assert hashed.startswith("g1$argon2id$v=19$m=8,t=1,p=1$")
    assert "246810" not in hashed


def test_the_counter_pays_the_rfcs_cost(vault):
    """
    A vault that was told nothing hashes with RFC 9106's low-memory parameters.
    """
    serious = Vault(bytes(32), 1)

    hashed = serious.hash_pin(7, PIN)

    assert hashed.startswith("g1$argon2id$v=19$m=65536,t=3,p=4$")
    assert serious.pin_matches(7, PIN, hashed)
    assert not serious.pin_needs_rehash(hashed)


def test_a_hash_of_another_cost_is_renewed():
    """
    When the cost is raised, an old hash still matches and asks to be made anew.
    """
    before = Vault(bytes(32), 1, cost=CHEAP)
    after = Vault(bytes(32), 1, cost=Cost(passes=2, memory_kib=8, lanes=1))

    hashed = before.hash_pin(7, PIN)

    assert after.pin_matches(7, PIN, hashed)
    assert not before.pin_needs_rehash(hashed)
    assert after.pin_needs_rehash(hashed)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "g1",
        "g1$",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "x1$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g-1$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g²$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ",
        "g1$argon2id$v=19$m=x,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2id$v=19$m=8,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "g1$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$é",
        "g1$argon2id$v=19$m=8,t=1,p=1$$",
        "g1$argon2id$" + "9" * 5000,
    ],
)
def test_a_stored_pin_that_is_none_is_damaged(vault, hashed):
    """
    A mangled hash is damage, told at once: not a wrong PIN, not a traceback, not an hour of Argon2.
    """
    with pytest.raises(errors.Damaged):
        vault.pin_matches(7, PIN, hashed)


def test_a_pin_of_an_unknown_generation_is_damaged(vault):
    """
    A hash that says a generation whose pepper nobody brought cannot be checked, and says so.
    """
    hashed = vault.hash_pin(7, PIN).replace("g1$", "g2$")

    with pytest.raises(errors.Damaged):
        vault.pin_matches(7, PIN, hashed)


# --- personal data -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["张三", "", "x" * 100_000, "王\0五", "🧧"])
def test_what_is_sealed_opens_again(vault, text):
    """
    Any text comes back as it was.
    """
    sealed = vault.seal(7, "profile/7/real_name", text)

    assert text == vault.unseal(7, "profile/7/real_name", sealed)


def test_a_sealed_text_is_not_legible_and_never_twice_the_same(vault):
    """
    Nonce in front, 16 bytes of tag behind, no plain text in between, and a fresh nonce each time.
    """
    sealed = vault.seal(7, "place", "zhangsan")
    again = vault.seal(7, "place", "zhangsan")

    assert 12 + len("zhangsan") + 16 == len(sealed)
    assert b"zhangsan" not in sealed
    assert sealed[:12] != again[:12]
    assert sealed[12:] != again[12:]


@pytest.mark.parametrize(
    ("profile", "place"),
    [
        (8, "profile/7/real_name"),
        (7, "profile/8/real_name"),
        (7, "profile/7/id_number"),
        (7, "profile/7/real_nam"),
        (77, "profile/7/real_name"),
        (7, ""),
    ],
)
def test_a_sealed_text_moved_elsewhere_does_not_open(vault, profile, place):
    """
    Copied to another profile, row or column, it is damaged there.
    """
    sealed = vault.seal(7, "profile/7/real_name", "张三")

    with pytest.raises(errors.Damaged) as caught:
        vault.unseal(profile, place, sealed)

    assert place == caught.value.facts["path"]


def test_a_place_is_part_of_the_seal_even_under_one_key(vault):
    """
    Two places of one profile share a key; only the associated data tells them apart.
    """
    sealed = vault.seal(7, "card/1", "6222020000000000000")

    with pytest.raises(errors.Damaged):
        vault.unseal(7, "card/2", sealed)


def test_a_sealed_text_opens_under_no_other_vault(vault, other):
    """
    Another home's keys, or the same master key under another generation's number, do not open it.
    """
    sealed = vault.seal(7, "place", "张三")
    renumbered = Vault(bytes(range(32)), 2, cost=CHEAP)

    for stranger in (other, renumbered):
        with pytest.raises(errors.Damaged):
            stranger.unseal(7, "place", sealed)


def test_a_sealed_text_with_any_bit_flipped_or_cut_off_is_damaged(vault):
    """
    Nonce, ciphertext, tag: every byte counts, and so does the length.
    """
    sealed = vault.seal(7, "place", "张三")
    flipped = [
        sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
        for at in range(len(sealed))
        for bit in (1, 128)
    ]
    cut = [sealed[:length] for length in range(len(sealed))]

    for wrong in [*flipped, *cut, sealed + b"\0"]:
        with pytest.raises(errors.Damaged):
            vault.unseal(7, "place", wrong)


def test_damage_does_not_tell_what_was_sealed(vault):
    """
    The error says where, and nothing of the keys or the text, in no chained exception either.
    """
    sealed = vault.seal(7, "place", "张三")

    with pytest.raises(errors.Damaged) as caught:
        vault.unseal(7, "place", sealed[:-1])

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "张三" not in f"{caught.value.as_dict()}"


def test_a_blind_mark_is_equal_for_equal_numbers_only(vault):
    """
    The same number gives the same mark in every profile; another number, or the same digits as
    another kind of number, gives another.
    """
    mark = vault.blind("id_number", "110101199003070011")

    assert mark == vault.blind("id_number", "110101199003070011")
    assert mark != vault.blind("id_number", "110101199003070012")
    assert mark != vault.blind("card_number", "110101199003070011")
    assert vault.blind("ab", "c") != vault.blind("a", "bc")


# --- signatures ----------------------------------------------------------------------------------

MESSAGE = b"what the bank says of Monday"


def test_a_signature_fits_its_message_and_its_purpose_only(vault, other):
    """
    Not another message, not another purpose's, and not another home's.
    """
    signature = vault.sign("bank/icbc", MESSAGE)

    assert vault.verify("bank/icbc", MESSAGE, signature)
    assert not vault.verify("bank/icbc", MESSAGE + b" ", signature)
    assert not vault.verify("bank/icbc", b"", signature)
    assert not vault.verify("bank/cmb", MESSAGE, signature)
    assert not vault.verify("bank/icb", b"c" + MESSAGE, signature)
    assert not vault.verify("", MESSAGE, signature)
    assert not other.verify("bank/icbc", MESSAGE, signature)


def test_every_purpose_has_a_key_pair_of_its_own(vault, other):
    """
    Each bank, each profile and each home signs with another.
    """
    purposes = ["bank/icbc", "bank/cmb", "profile/1", "profile/11", "profile/3", ""]

    keys = [home.public_key(purpose) for home in (vault, other) for purpose in purposes]

    assert 2 * len(purposes) == len(set(keys))
    assert {32} == {len(key) for key in keys}


def test_whoever_has_the_public_key_can_check_without_us(vault):
    """
    A plain Ed25519 signature over the message itself, by any other tool's lights.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(vault.public_key("bank/icbc"))
    signature = vault.sign("bank/icbc", MESSAGE)

    key.verify(signature, MESSAGE)
    with pytest.raises(InvalidSignature):
        key.verify(signature, MESSAGE[:-1])


def test_a_signature_with_any_bit_flipped_or_cut_off_does_not_fit(vault):
    """
    Every bit counts, and so does the length.
    """
    signature = vault.sign("profile/3", MESSAGE)
    flipped = [
        signature[:at] + bytes([signature[at] ^ 1 << bit]) + signature[at + 1 :]
        for at in range(64)
        for bit in range(8)
    ]
    cut = [signature[:length] for length in range(64)]

    for wrong in [*flipped, *cut, signature + b"\0", signature + signature]:
        assert not vault.verify("profile/3", MESSAGE, wrong)


def test_signing_twice_gives_the_same_signature(vault):
    """
    Ed25519 draws no chance, so a file issued twice is the same file.
    """
    assert vault.sign("bank/icbc", MESSAGE) == vault.sign("bank/icbc", MESSAGE)


# --- generations ---------------------------------------------------------------------------------


@pytest.fixture
def third(vault):
    """A vault two rekeys after *vault*, with the blob that each rekey left."""
    second = Vault(os.urandom(32), 2, cost=CHEAP)
    second.adopt_retired(second.seal_retired(vault))
    third = Vault(os.urandom(32), 3, cost=CHEAP)
    third.adopt_retired(third.seal_retired(second))
    return third


def test_old_entries_are_checked_with_their_own_generations_key(vault, third):
    """
    Entries are never rewritten, so two rekeys later the first generation's MACs are still known.
    """
    mac = vault.chain_mac(b"previous", b"entry")

    assert mac == third.chain_mac(b"previous", b"entry", generation=1)
    assert mac != third.chain_mac(b"previous", b"entry", generation=2)
    assert mac != third.chain_mac(b"previous", b"entry")


def test_old_pin_hashes_match_until_they_are_renewed(vault, third):
    """
    A PIN set two rekeys ago still works, and asks to be hashed under today's pepper.
    """
    hashed = vault.hash_pin(7, PIN)

    assert third.pin_matches(7, PIN, hashed)
    assert not third.pin_matches(7, Pin("135791"), hashed)
    assert third.pin_needs_rehash(hashed)
    assert not third.pin_needs_rehash(third.hash_pin(7, PIN))


def test_retired_secrets_open_for_their_successor_only(vault, other):
    """
    The blob in the ledger opens for the vault that it was sealed for: not for the one before,
    not for another home's, and not altered.
    """
    second = Vault(os.urandom(32), 2, cost=CHEAP)
    sealed = second.seal_retired(vault)

    for stranger in (vault, other, Vault(os.urandom(32), 2)):
        with pytest.raises(errors.Damaged):
            stranger.adopt_retired(sealed)
    with pytest.raises(errors.Damaged):
        second.adopt_retired(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_retired_secrets_do_not_open_the_pages_or_the_personal_data_of_old(vault, third):
    """
    Only chain key, pepper, signing key and blind index's key live on: nobody keeps the old page or
    personal keys.
    """
    sealed = vault.seal(7, "place", "张三")

    with pytest.raises(errors.Damaged):
        third.unseal(7, "place", sealed)

    assert vault.page_key not in {
        secret for kept in third.legacy_secrets().values() for secret in kept
    }


def test_marks_made_before_a_rekey_can_be_made_again(vault, third):
    """
    What a request asked two rekeys ago is compared under the key of its time; the ledger's own
    indexes are of this generation.
    """
    mark = vault.blind("id_number", "11010119900307001X")

    assert [3, 2, 1] == third.blind_generations()
    assert mark == third.blind("id_number", "11010119900307001X", generation=1)
    assert mark != third.blind("id_number", "11010119900307001X")
    assert third.blind("x", "y") == third.blind("x", "y", generation=3)


def test_no_mark_is_made_with_a_key_that_was_not_kept(vault):
    """
    Homes that were rekeyed before marks were compared across generations kept no key for them.
    """
    second = Vault(os.urandom(32), 2, cost=CHEAP)
    second._retired[1] = vault.legacy_secrets()[1]._replace(blind=b"")

    assert [2] == second.blind_generations()
    with pytest.raises(errors.Damaged) as caught:
        second.blind("id_number", "11010119900307001X", generation=1)
    assert {"path": "keys/generation/1"} == caught.value.facts
    assert "_Retired(••••)" == repr(second._retired[1])
    with pytest.raises(AssertionError):  # the vault before it, and no other, is retired
        second.seal_retired(Vault(bytes(32), 2))


def test_an_entry_of_an_unknown_generation_is_damaged(vault):
    """
    A generation whose key nobody brought is told as damage, not as a wrong MAC.
    """
    with pytest.raises(errors.Damaged):
        vault.chain_mac(b"", b"", generation=2)


def test_signatures_made_before_a_rekey_still_fit(vault, third):
    """
    What was printed or sent two rekeys ago is as good as it was, for its own purpose and message.
    """
    signature = vault.sign("bank/icbc", MESSAGE)

    assert third.verify("bank/icbc", MESSAGE, signature)
    assert not third.verify("bank/cmb", MESSAGE, signature)
    assert not third.verify("bank/icbc", MESSAGE[:-1], signature)


def test_after_a_rekey_the_new_key_signs(vault, third):
    """
    The old keys only verify: a new signature means nothing to whoever kept an old key.
    """
    signature = third.sign("bank/icbc", MESSAGE)

    assert third.public_key("bank/icbc") != vault.public_key("bank/icbc")
    assert third.verify("bank/icbc", MESSAGE, signature)
    assert not vault.verify("bank/icbc", MESSAGE, signature)


def test_a_home_rekeyed_before_anything_was_signed_goes_on(vault):
    """
    What an earlier version kept of a generation has no signing key. Its entries and PINs stay
    good, nothing it never signed is believed, and the next rekey carries it along as it is.
    """
    second = Vault(os.urandom(32), 2, cost=CHEAP)
    chain, pepper, *_ = vault.legacy_secrets()[1]
    plain = json.dumps([[1, chain.hex(), pepper.hex()]]).encode()
    nonce = bytes(12)
    second.adopt_retired(
        nonce + encrypt(second._key(b"retired"), nonce, plain, second._about_retired())
    )
    third = Vault(os.urandom(32), 3, cost=CHEAP)
    third.adopt_retired(third.seal_retired(second))

    for later in (second, third):
        assert later.chain_mac(b"", b"entry", generation=1) == vault.chain_mac(b"", b"entry")
        assert later.pin_matches(7, PIN, vault.hash_pin(7, PIN))
        assert not later.verify("bank/icbc", MESSAGE, vault.sign("bank/icbc", MESSAGE))
        assert later.verify("bank/icbc", MESSAGE, second.sign("bank/icbc", MESSAGE))


def test_no_signing_key_of_nothing_is_believed(vault):
    """
    Where a generation kept no key, a key made of nothing, which anyone can make, is not tried.
    """
    second = Vault(os.urandom(32), 2, cost=CHEAP)
    second._retired[1] = vault.legacy_secrets()[1]._replace(signing=b"")
    forged = sign(second._seed("bank/icbc", b""), MESSAGE)

    assert not second.verify("bank/icbc", MESSAGE, forged)
