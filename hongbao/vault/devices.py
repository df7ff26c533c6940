"""The keys of devices: each signs for one machine, and is sealed in its own file."""

from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from hongbao import errors
from hongbao.vault import files, primitives
from hongbao.vault.primitives import KEY_BYTES, NONCE_BYTES, SigningKey
from hongbao.vault.vault import Vault

PUBLIC_KEY_BYTES = 32

_TAG_BYTES = 16
_FILE_BYTES = NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_NAME_DIGITS = 16  # of the public key, in hexadecimal
_UNFINISHED = ".key.new"


class DeviceKeys:
    """
    The Ed25519 private keys (RFC 8032) of the devices that are this machine, in ``keys/devices/``.

    They are next to the ledger's keys and not in it: a copy of the ledger can be read here, but
    signs nothing elsewhere. A file holds the 32-byte seed under AES-256-GCM, bound to its public
    key, so that a file which was renamed, or comes from another home, opens as little as an altered
    one. The key that opens it comes from the vault's signing secret, which outlives a rekey:
    locking, unlocking and rekeying a home leave these files as they are.

    Accepted: who had the master key before a rekey, and has these files, can sign as their
    devices, as they can with every other signature of that time (see `Vault.verify`). A device
    whose key may be known is removed and another one added.

    *folder* is the home's ``keys/``. Keys that were opened are remembered: make another one for
    another vault.
    """

    __slots__ = ("_folder", "_keys", "_vault")

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder / "devices"
        self._vault = vault
        self._keys: dict[bytes, SigningKey] = {}

    def __repr__(self) -> str:
        return f"DeviceKeys({str(self._folder)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("device keys are not copied, pickled or sent anywhere")

    def create(self) -> bytes:
        """
        Make a key pair and return its public key, once the private one is on the disk.

        Killed before, nothing is left but perhaps an unfinished file, which the next creation
        sweeps up. Raises StorageRefused, or Busy if others are making keys for ten seconds.
        """
        seed = self._vault.random(KEY_BYTES)
        key = SigningKey(seed)
        public = key.public
        files.make_folder(self._folder)
        with files.Guard(self._folder / ".busy")():
            self._sweep()
            try:
                files.replace(self._file(public), self._sealed(public, seed))
            except errors.HongbaoError:  # its name may not last, and no device will have it
                with suppress(errors.HongbaoError):
                    files.discard(self._file(public))
                raise
        self._keys[public] = key
        return public

    def holds(self, public: bytes) -> bool:
        """Return whether this machine has a file for *public*; it may still be damaged."""
        if public in self._keys:
            return True
        try:
            self._file(public).lstat()  # a link to nowhere is there, and will be refused
            return True
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise errors.StorageUnreadable(
                path=str(self._file(public)), reason=error.strerror or "?"
            ) from error

    def check(self, public: bytes) -> None:
        """Open the key of *public* in its file. Raises what `sign` raises."""
        self._opened(public)

    def sign(self, public: bytes, message: bytes) -> bytes:
        """
        Return the 64-byte signature of *message* by the private key that belongs to *public*.

        Raises DeviceKeyMissing, which can only name the key, DeviceKeyDamaged, or
        StorageUnreadable.
        """
        return self._key(public).sign(message)

    def remove(self, public: bytes) -> None:
        """Destroy the private key of *public*, if it is here: what it signed stays valid."""
        self._keys.pop(public, None)
        if self._folder.exists():
            files.destroy(self._file(public))

    # --- files -----------------------------------------------------------------------------------

    def _file(self, public: bytes) -> Path:
        return self._folder / f"{public.hex()[:_NAME_DIGITS]}.key"

    def _sweep(self) -> None:
        """Destroy what a creation left that was killed; the guard keeps the living out."""
        with files.storage(self._folder):
            left = [file for file in self._folder.iterdir() if file.name.endswith(_UNFINISHED)]
        for file in left:
            files.destroy(file)

    def _key(self, public: bytes) -> SigningKey:
        key = self._keys.get(public)
        if key is None:
            key = self._keys[public] = self._opened(public)
        return key

    def _sealed(self, public: bytes, seed: bytes) -> bytes:
        nonce = self._vault.random(NONCE_BYTES)
        key = self._wrapping_keys()[0]
        return nonce + primitives.encrypt(key, nonce, seed, _about(public))

    def _opened(self, public: bytes) -> SigningKey:
        file = self._file(public)
        try:
            sealed = files.read(file)
        except FileNotFoundError:
            raise errors.DeviceKeyMissing(device=public.hex()[:_NAME_DIGITS]) from None
        if len(sealed) == _FILE_BYTES:
            for wrapping_key in self._wrapping_keys():
                try:
                    seed = primitives.decrypt(
                        wrapping_key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _about(public)
                    )
                except primitives.NotAuthentic:
                    continue
                key = SigningKey(seed)
                if key.public == public:
                    return key
        raise errors.DeviceKeyDamaged(path=str(file))

    def _wrapping_keys(self) -> list[bytes]:
        """Return the keys that files may be sealed under, this generation's first."""
        return [
            primitives.subkey(secrets.signing, b"device keys")
            for _, secrets in sorted(self._vault.legacy_secrets().items(), reverse=True)
            if secrets.signing
        ]


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether *signature* is one of *message* by the device whose key is *public*."""
    if len(public) != PUBLIC_KEY_BYTES:
        return False
    return primitives.signature_fits(public, message, signature)


def _about(public: bytes) -> bytes:
    return primitives.joined(b"hongbao device", b"1", public)
