"""The opened vault: the operations of one master key."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NoReturn

from hongbao import errors
from hongbao.rows import Row
from hongbao.vault import primitives
from hongbao.vault.primitives import (
    CHEAPEST,
    KEY_BYTES,
    NONCE_BYTES,
    RFC_9106_LOW_MEMORY,
    SALT_BYTES,
    Cost,
)

if TYPE_CHECKING:
    from hongbao.domain.pin import Pin


class _Retired(Row):
    """
    The secrets of an older generation for its entries, PIN hashes and signatures.

    Homes that were rekeyed before anything was signed kept no *signing* key, and need none; those
    rekeyed before requests were compared across generations kept no *blind* key.
    """

    chain: bytes
    pepper: bytes
    signing: bytes = b""
    blind: bytes = b""

    def __repr__(self) -> str:
        return "_Retired(••••)"


class Vault:
    """
    One generation of a home's master key, opened.

    The master key itself encrypts nothing: each purpose has its own subkey by HKDF-SHA256,
    so that what one of them betrays says nothing about the others. The page key is made at
    once, because every command needs it; the rest when first asked for.

    *random* makes nonces and salts, and must be the system's own source: a demo's scripted dice
    would repeat a nonce, and AES-GCM gives up its authentication key if one is seen twice.

    Accepted: Python cannot wipe memory, so a reader of this process's memory reads the keys.
    """

    __slots__ = (
        "_chains",
        "_cost",
        "_keys",
        "_master",
        "_retired",
        "generation",
        "page_key",
        "random",
    )

    generation: Final[int]
    page_key: Final[bytes]
    random: Final[Callable[[int], bytes]]

    def __init__(
        self,
        master: bytes,
        generation: int,
        *,
        random: Callable[[int], bytes] = os.urandom,
        cost: Cost = RFC_9106_LOW_MEMORY,
    ) -> None:
        assert len(master) == KEY_BYTES
        assert generation >= 1
        self._master = master
        self.random = random
        self._cost = cost
        self._keys: dict[tuple[bytes, ...], bytes] = {}
        self._retired: dict[int, _Retired] = {}
        self.generation = generation
        self.page_key = self._key(b"page")
        self._chains: dict[int, primitives.KeyedHash] = {}

    def __repr__(self) -> str:
        return f"Vault(generation={self.generation})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is not copied, pickled or sent anywhere")

    # --- the ledger's chain ----------------------------------------------------------------------

    def chain_mac(self, previous: bytes, entry: bytes, *, generation: int | None = None) -> bytes:
        """
        Return the HMAC-SHA256 that binds *entry*'s canonical bytes to the *previous* entry's MAC.

        An entry keeps the generation that it was written under; for one that has been retired,
        `adopt_retired` has to have brought its key. Both parts stand behind their lengths, so
        that bytes cannot wander from one to the other.
        """
        chain = self._chain(self.generation if generation is None else generation)
        head = len(previous).to_bytes(8, "big") + previous
        return chain.digest(head + len(entry).to_bytes(8, "big") + entry)

    def row_mac(self, state: bytes, *, generation: int | None = None) -> bytes:
        """Return the HMAC-SHA256 that seals the canonical bytes of a row of *state*."""
        chain = self._chain(self.generation if generation is None else generation)
        return chain.digest(b"row of state:" + state)  # no length of eight bytes begins so

    def _chain(self, generation: int) -> primitives.KeyedHash:
        chain = self._chains.get(generation)
        if chain is None:
            own = generation == self.generation
            key = self._key(b"chain") if own else self._old(generation).chain
            chain = self._chains[generation] = primitives.KeyedHash(key)
        return chain

    # --- PINs ------------------------------------------------------------------------------------

    def hash_cheaply(self) -> None:
        """Hash PINs at no cost from now on: those of a sandbox, which are no secret."""
        self._cost = CHEAPEST

    def hash_pin(self, profile: int, pin: Pin) -> str:
        """
        Return the text to store for *profile*'s *pin*: the generation, then an Argon2id hash.

        What is hashed is the PIN keyed with the pepper, so that an attacker with the ledger but not
        the keys has nothing to try the million PINs against. The profile is part of it: a hash
        moved to another profile matches nothing.

        Accepted: with ledger and keys both, a million tries at one Argon2id each find the PIN.
        """
        keyed = self._keyed(self.generation, profile, pin)
        encoded = primitives.hash_encoded(keyed, self.random(SALT_BYTES), self._cost)
        return f"g{self.generation}{encoded}"

    def pin_matches(self, profile: int, pin: Pin, hashed: str) -> bool:
        """Return whether *pin* is the one that `hash_pin` was given, under any generation."""
        place = f"profile/{profile}/pin"
        generation, encoded = _parted(place, hashed)
        try:
            return primitives.hash_matches(encoded, self._keyed(generation, profile, pin))
        except primitives.NotAHash:
            raise errors.Damaged(path=place) from None

    def pin_needs_rehash(self, hashed: str) -> bool:
        """Return whether *hashed* is of an older generation or cost: renew it after a success."""
        generation, encoded = _parted("profile/pin", hashed)
        try:
            current = primitives.hash_is_current(encoded, self._cost)
        except primitives.NotAHash:
            raise errors.Damaged(path="profile/pin") from None
        return generation != self.generation or not current

    def _keyed(self, generation: int, profile: int, pin: Pin) -> bytes:
        pepper = self._pepper(generation)
        return primitives.mac(pepper, b"%d" % profile, pin.reveal().encode("utf-8"))

    def _pepper(self, generation: int) -> bytes:
        if generation == self.generation:
            return self._key(b"pin pepper")
        return self._old(generation).pepper

    # --- personal data ---------------------------------------------------------------------------

    def seal(self, profile: int, place: str, text: str) -> bytes:
        """
        Return *text* sealed for *profile* and *place*: nonce, ciphertext, tag.

        Only the same vault opens it, and only for the same profile and place: moved to another
        row or column it is as unreadable as with another key. Each profile's key is its own.
        """
        nonce = self.random(NONCE_BYTES)
        about = self._about(profile, place)
        return nonce + primitives.encrypt(
            self._key(b"personal data", b"%d" % profile), nonce, text.encode("utf-8"), about
        )

    def unseal(self, profile: int, place: str, sealed: bytes) -> str:
        """Return the plaintext of a sealed value, or raise `Damaged`: altered, moved or foreign."""
        try:
            plain = primitives.decrypt(
                self._key(b"personal data", b"%d" % profile),
                sealed[:NONCE_BYTES],
                sealed[NONCE_BYTES:],
                self._about(profile, place),
            )
        except primitives.NotAuthentic:
            raise errors.Damaged(path=place) from None
        return plain.decode("utf-8")

    # --- checkpoints -----------------------------------------------------------------------------

    def seal_checkpoint(self, content: bytes) -> bytes:
        """Return *content* sealed for `open_checkpoint`: nonce, ciphertext, tag."""
        nonce = self.random(NONCE_BYTES)
        key, about = self._key(b"checkpoint"), self._about_checkpoint()
        return nonce + primitives.encrypt(key, nonce, content, about)

    def open_checkpoint(self, sealed: bytes) -> bytes:
        """Return what was sealed, or raise `Damaged`: altered, or under other keys."""
        try:
            return primitives.decrypt(
                self._key(b"checkpoint"),
                sealed[:NONCE_BYTES],
                sealed[NONCE_BYTES:],
                self._about_checkpoint(),
            )
        except primitives.NotAuthentic:
            raise errors.Damaged(path="keys/checkpoint") from None

    def _about_checkpoint(self) -> bytes:
        return primitives.joined(b"hongbao checkpoint", b"1", b"%d" % self.generation)

    def blind(self, kind: str, text: str, *, generation: int | None = None) -> bytes:
        """
        Return a mark that is equal for equal *text* of one *kind*, and says nothing more.

        It answers "is this ID number known already?" without storing the number. Without the key
        it cannot be computed, which matters because ID and card numbers are few enough to try.

        The ledger's indexes are made again by a rekey; what a request asked is sealed under the
        *generation* of its time, which has to be one of `blind_generations`.
        """
        number = self.generation if generation is None else generation
        own = number == self.generation
        key = self._key(b"blind index") if own else self._old(number).blind
        if not key:  # rekeyed before it was kept
            raise errors.Damaged(path=f"keys/generation/{number}")
        return primitives.mac(key, kind.encode(), text.encode("utf-8"))

    def blind_generations(self) -> list[int]:
        """Return the generations that `blind` can still mark as, the newest first."""
        kept = self.legacy_secrets().items()
        return sorted((number for number, secrets in kept if secrets.blind), reverse=True)

    def _about(self, profile: int, place: str) -> bytes:
        return primitives.joined(
            b"hongbao sealed", b"1", b"%d" % self.generation, b"%d" % profile, place.encode("utf-8")
        )

    # --- signatures ------------------------------------------------------------------------------

    def sign(self, purpose: str, message: bytes) -> bytes:
        """
        Return the Ed25519 signature of *message* by the key for *purpose*, like ``bank/icbc``.

        Each purpose has its own key pair, so a signature made for one means nothing to
        another. What is signed is *message* and nothing around it: anyone with `public_key` can
        check it with any tool. The same message is always signed alike, which Ed25519 allows.
        """
        return primitives.sign(self._seed(purpose, self._key(b"signing")), message)

    def verify(self, purpose: str, message: bytes, signature: bytes) -> bool:
        """
        Return whether *signature* is one that this home made of *message* for *purpose*.

        A signature outlives a rekey, as what it stands under may have been printed or sent: the
        keys of earlier generations are tried as well. That is why their signing keys are carried
        along, and not only their public halves: any purpose may be asked for.

        Accepted: who had the keys before a rekey can still make such a signature. A rekey does
        not call back what a stolen key may say; compare what is signed with the ledger.
        """
        return any(
            primitives.signature_fits(public, message, signature)
            for public in self.public_keys(purpose)
        )

    def public_key(self, purpose: str) -> bytes:
        """Return the key, 32 bytes, that what is signed for *purpose* from now on is checked by."""
        return next(self.public_keys(purpose))

    def public_keys(self, purpose: str) -> Iterator[bytes]:
        """Yield this generation's public key for *purpose*, then those before it, newest first."""
        for _, secrets in sorted(self.legacy_secrets().items(), reverse=True):
            if secrets.signing:
                yield primitives.public_key(self._seed(purpose, secrets.signing))

    # --- sessions --------------------------------------------------------------------------------

    def session_key(self, profile: int, request_id: str, *, generation: int | None = None) -> bytes:
        """
        Return the 32-byte key of the session that *profile*'s request *request_id* opens.

        It is made of the signing secret, which outlives a rekey, so `hongbao check` can verify
        what was authenticated with it while there is this ledger. This home and the device
        that opened the session both have it: it proves nothing against this home.
        """
        number = self.generation if generation is None else generation
        name = (b"session", b"%d" % number)
        key = self._keys.get(name)
        if key is None:
            own = number == self.generation
            signing = self._key(b"signing") if own else self._old(number).signing
            key = self._keys[name] = primitives.subkey(signing, b"session")
        return primitives.mac(key, b"%d" % profile, request_id.encode())

    def _seed(self, purpose: str, signing: bytes) -> bytes:
        return primitives.subkey(signing, b"ed25519", purpose.encode("utf-8"))

    # --- generations before this one -------------------------------------------------------------

    def seal_retired(self, old: Vault) -> bytes:
        """
        Return the secrets of *old* that this vault must keep, sealed for this vault alone.

        Entries of the ledger are never rewritten, so their chain keys live on, and the keys of the
        marks in what they were asked for; so do the peppers of hashes that wait for their holder's
        next success, and the keys of signatures that are out in the world. What *old* itself
        carried goes along.
        """
        import json

        assert old.generation < self.generation
        kept = [
            [generation, *(secret.hex() for secret in secrets)]
            for generation, secrets in old.legacy_secrets().items()
        ]
        plain = json.dumps(kept).encode()
        nonce = self.random(NONCE_BYTES)
        key, about = self._key(b"retired"), self._about_retired()
        return nonce + primitives.encrypt(key, nonce, plain, about)

    def adopt_retired(self, sealed: bytes) -> None:
        """Take over the older generations' secrets that `seal_retired` sealed for this vault."""
        import json

        try:
            plain = primitives.decrypt(
                self._key(b"retired"),
                sealed[:NONCE_BYTES],
                sealed[NONCE_BYTES:],
                self._about_retired(),
            )
        except primitives.NotAuthentic:
            raise errors.Damaged(path="keys/retired") from None
        for generation, *secrets in json.loads(plain):
            self._retired[generation] = _Retired(*map(bytes.fromhex, secrets))

    def legacy_secrets(self) -> dict[int, _Retired]:
        """
        Return, in clear, what outlives this generation and those before it.

        That is chain key, pepper, signing key and blind index's key.
        """
        own = _Retired(
            self._key(b"chain"),
            self._key(b"pin pepper"),
            self._key(b"signing"),
            self._key(b"blind index"),
        )
        return {**self._retired, self.generation: own}

    def _old(self, generation: int) -> _Retired:
        try:
            return self._retired[generation]
        except KeyError:
            raise errors.Damaged(path=f"keys/generation/{generation}") from None

    def _about_retired(self) -> bytes:
        return primitives.joined(b"hongbao retired", b"1", b"%d" % self.generation)

    # --- for the key folder ----------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """The master key's name, which says nothing about the key: two vaults can be compared."""
        return self._key(b"fingerprint").hex()[:16]

    def wrapped(self, key: bytes, nonce: bytes, about: bytes) -> bytes:
        """Return the master key under *key*, the only form in which it leaves."""
        return primitives.encrypt(key, nonce, self._master, about)

    def _key(self, *purpose: bytes) -> bytes:
        key = self._keys.get(purpose)
        if key is None:
            key = self._keys[purpose] = primitives.subkey(self._master, *purpose)
        return key


def _parted(place: str, hashed: str) -> tuple[int, str]:
    """Part what `Vault.hash_pin` made into its generation and the Argon2id hash."""
    label, dollar, encoded = hashed.partition("$")
    number = label[1:]
    if not (label[:1] == "g" and dollar and number.isascii() and number.isdigit()):
        raise errors.Damaged(path=place)
    return int(number[:9]), "$" + encoded
