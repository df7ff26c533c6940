"""The key folder: where a home's master key is wrapped, and how the wrapping is changed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from hongbao import errors
from hongbao.rows import Row
from hongbao.vault import files, keychain, primitives
from hongbao.vault.head import HeadNote, parse_line, written_line
from hongbao.vault.primitives import KEY_BYTES, NONCE_BYTES, RFC_9106_LOW_MEMORY, SALT_BYTES, Cost
from hongbao.vault.vault import Vault

FORMAT = 1
"""The form of ``master.json``; a file of a later form is refused rather than guessed at."""

_DEVICE, _PASSPHRASE, _KEYRING = "device", "passphrase", "keyring"
_DEVICE_FILE = r"device-([0-9a-f]{16})\.key"

Ask = Callable[[], str]
"""A way to ask for the passphrase, called only where one is needed."""


class _Wrapped(Row):
    """
    One master key as it lies in ``master.json``: encrypted, with what is needed to find its key.

    *holder* names the device key (a file's or a keyring entry's); *salt* and *cost* make the key
    from a passphrase. *fingerprint* tells which master key is inside without telling the key.
    """

    method: str
    generation: int
    fingerprint: str
    nonce: bytes
    ciphertext: bytes
    holder: str | None = None
    salt: bytes = b""
    cost: Cost | None = None


class _Wrapping(Row):
    """A wrapping's key, and how a record says where that key comes from."""

    key: bytes
    method: str
    holder: str | None = None
    salt: bytes = b""
    cost: Cost | None = None

    def __repr__(self) -> str:
        return f"_Wrapping({self.method})"


class _Records(Row):
    current: _Wrapped
    next: _Wrapped | None


class _KeyGone(Exception):
    """
    The device key that a record names is not there, or is just being overwritten.

    Another process may have changed the wrapping since the record was read; where it has not,
    *error* is what is wrong.
    """

    def __init__(self, error: errors.HongbaoError) -> None:
        super().__init__()
        self.error = error


class KeyFolder:
    """
    The ``keys/`` of one home: a wrapped master key, the key that opens it, and the noted head.

    Every change of the wrapping is made in one order: the new way in is written and on the disk
    before the old one goes. Killed anywhere, the next `open` finds one of the two and sweeps up
    what the other left.

    One gate keeps those who use the home and those who change it apart. Acts and looks pass it
    together, each for as long as its transaction lasts (`sharing`); one that changes the keys or
    replaces the ledger's pages (locking, unlocking, rekeying, restoring, finishing what a killed
    one left) passes it alone (`alone`). It is never held during a prompt. Locks are taken in
    this order, and never the other way round: the guard of one holder's PIN, the gate, the ledger's
    write lock, the guard of the devices' keys, the lock of the head.

    *random* must be the system's own source (see `Vault`). *cost* is what a new passphrase or PIN
    costs to try; tests may lower it, and what is stored says what it was made with.
    """

    def __init__(
        self,
        path: Path,
        *,
        random: Callable[[int], bytes] = os.urandom,
        cost: Cost = RFC_9106_LOW_MEMORY,
    ) -> None:
        self.path = path
        self._random = random
        self._cost = cost
        self._master_file = path / "master.json"
        self._restoring = path / "restoring"
        self._restored = path / "restored"
        self._gate = files.Gate(path)
        self._rekeys = False
        self._head = HeadNote(path / "head")
        self._opened: _Wrapping | None = None  # so that a rekey need not ask again
        self._known_restore: object = None
        self.begun = False
        """Whether a change of the wrapping, or a restore, was begun here and may stand."""

    def __repr__(self) -> str:
        return f"KeyFolder({str(self.path)!r})"

    def close(self) -> None:
        """Close every file; what is unfinished is left for the next process to finish."""
        self._rekeys = False
        self._gate.leave_all()
        self._head.close()

    # --- who is inside ---------------------------------------------------------------------------

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """
        Keep keys and pages as they are for a while, together with others who use them.

        Raises Busy if another process changes them for a minute.
        """
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the home's lock exclusively. Raises Busy if others hold it for a minute."""
        self._gate.enter(alone=True)
        try:
            yield
        finally:
            self._gate.leave()

    @property
    def is_alone(self) -> bool:
        """Whether this process holds it exclusively (see `alone`)."""
        return self._gate.alone

    def is_current(self, vault: Vault) -> bool:
        """Return whether *vault* has the home's keys, and nothing is left unfinished."""
        records = self._read()
        return (
            records.next is None
            and records.current.fingerprint == vault.fingerprint
            and not self.restoring
        )

    def has_keys_of(self, vault: Vault) -> bool:
        """Return whether *vault* has the home's keys, even if something is unfinished."""
        return self._read().current.fingerprint == vault.fingerprint

    # --- opening ---------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Return whether this home has a master key."""
        try:
            self._master_file.lstat()  # a link to nowhere is there, and will be refused
            return True
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise errors.StorageUnreadable(
                path=str(self._master_file), reason=error.strerror or "?"
            ) from error

    def wrapping(self) -> str:
        """Say what the master key is wrapped by: ``device``, ``passphrase`` or ``keyring``."""
        return self._read().current.method

    def create(self) -> Vault:
        """
        Make the master key on first use and return it opened, wrapped by a new device key.

        Two who create at once end with the same key: the second finds what the first has made.
        """
        files.make_folder(self.path)
        with self.alone():
            if not self.exists():
                vault = self._vault(self._random(KEY_BYTES), generation=1)
                self._begin_with(vault)
                return vault
        return self.open(None)

    def open(self, passphrase: Ask | None) -> Vault:
        """
        Return the home's vault.

        With a device key or the keyring there is no prompt. With a passphrase, *passphrase* is
        called for it, and where it is None the home stays locked (`HomeLocked`).
        """
        records = self._read()
        while True:
            try:
                vault, self._opened = self._unwrap(records.current, passphrase)
            except _KeyGone as gone:
                before, records = records, self._read()
                if records == before:
                    raise gone.error from None
            else:
                self._tidy(records)
                return vault

    def peek(self, passphrase: Ask | None) -> list[Vault]:
        """
        Return the home's vault and that of a rekey under way, and change nothing in the folder.

        Raises what `open` raises.
        """
        try:
            return [self._unwrap(each, passphrase)[0] for each in self._read() if each is not None]
        except _KeyGone as gone:
            raise gone.error from None

    # --- other machines --------------------------------------------------------------------------

    def invitation(
        self, vault: Vault, passphrase: str, names: Iterable[str] = ()
    ) -> dict[str, object]:
        """
        Return *vault*'s master key wrapped by *passphrase*, for another machine to `adopt`.

        Raises WeakPassphrase, as `lock` does.
        """
        wrapping = self._by_passphrase(passphrase, names)
        return _written(self._wrap(vault, wrapping))

    def invited(self, record: object, passphrase: str) -> Vault:
        """
        Return the vault of the home whose `invitation` this *record* is.

        Raises ValueError or KeyError for anything else, WrongPassphrase, or Damaged.
        """
        wrapped = _parsed(record)
        if wrapped.method != _PASSPHRASE:
            raise ValueError
        return self._unwrap(wrapped, lambda: passphrase)[0]

    def adopt(self, vault: Vault) -> None:
        """Keep *vault*'s master key here, wrapped by a new device key, if there is none yet."""
        files.make_folder(self.path)
        with self.alone():
            if not self.exists():
                self._begin_with(vault)

    def forget(self, vault: Vault) -> None:
        """Destroy *vault*'s master key, by which nothing was sealed that is still wanted."""
        with self.alone():
            if not self.is_current(vault):
                return
            files.discard(self._master_file)
            self._sweep(keep=())
            files.discard(self.path / "head")
        with suppress(OSError):
            for guard in (".busy", ".turn"):
                (self.path / guard).unlink(missing_ok=True)
            self.path.rmdir()

    def _begin_with(self, vault: Vault) -> None:
        self._sweep(keep=())
        self._head.prepare()
        wrapping = self._new_device_key()
        self._write(_Records(self._wrap(vault, wrapping), next=None))
        self._opened = wrapping

    # --- changing the wrapping -------------------------------------------------------------------

    def lock(self, vault: Vault, passphrase: str, names: Iterable[str] = ()) -> None:
        """
        Wrap the master key by *passphrase* from now on, and destroy the device key.

        On a home that is locked already this changes the passphrase. *names* are words that whoever
        knows the home would try. Raises WeakPassphrase (see `check_passphrase`).
        """
        wrapping = self._by_passphrase(passphrase, names)
        self._rewrap(vault, lambda: wrapping)

    def _by_passphrase(self, passphrase: str, names: Iterable[str]) -> _Wrapping:
        """Return the wrapping by a new *passphrase*. Raises WeakPassphrase."""
        from hongbao.domain.passphrase import check_passphrase  # which only a new one needs

        normal = _normal(passphrase)
        check_passphrase(normal, names)
        salt = self._random(SALT_BYTES)
        key = _stretched(normal, salt, self._cost)
        return _Wrapping(key, _PASSPHRASE, salt=salt, cost=self._cost)

    def unlock(self, vault: Vault) -> None:
        """Wrap the master key by a fresh device key from now on: without a prompt."""
        self._rewrap(vault, self._new_device_key)

    def use_keyring(self, vault: Vault) -> None:
        """Wrap the master key by a fresh key that the system's keyring keeps, not a file."""
        self._rewrap(vault, self._new_keyring_key)

    def _rewrap(self, vault: Vault, new_wrapping: Callable[[], _Wrapping]) -> None:
        with self.alone():
            before = self._checked(vault)
            wrapping = new_wrapping()
            # Nothing is taken back where this fails: the file may name the new key already. What
            # it does not name, the next opening sweeps up.
            self.begun = True
            self._write(before._replace(current=self._wrap(vault, wrapping)))
            self._opened = wrapping
            self._forget(before.current, keep=(wrapping.holder,))

    # --- a new master key ------------------------------------------------------------------------

    def begin_rekey(self, vault: Vault) -> Vault:
        """
        Make the next generation's master key, keep it next to the current one, return it opened.

        This process stays alone in the home until `finish_rekey` or `abandon_rekey`: others wait,
        and do not repair what is under way. The order for the ledger's side:

        1. ``new = keys.begin_rekey(old)``
        2. in one transaction, still under the old page key: store ``new.seal_retired(old)``, and
           unseal with *old*, seal and blind with *new* all that is sealed or blinded;
        3. encrypt the pages with ``new.page_key``;
        4. ``keys.finish_rekey()``.

        Killed before 2 is committed, the rekey is abandoned; after, 3 and 4 are done again: the
        blob that only the next vault adopts tells which (see `pending_rekey`).
        """
        assert not self._rekeys
        self._enter_rekey()
        try:
            records = self._checked(vault)
            new = self._vault(self._random(KEY_BYTES), generation=vault.generation + 1)
            new.adopt_retired(new.seal_retired(vault))
            wrapping = self._next_wrapping(records.current)
            self._write(records._replace(next=self._wrap(new, wrapping)))
        except BaseException:
            self.leave_rekey()
            raise
        return new

    def _enter_rekey(self) -> None:
        self._gate.enter(alone=True)
        self._rekeys = True

    def leave_rekey(self) -> None:
        """Release the lock during a rekey; the next process finishes or undoes it."""
        if self._rekeys:
            self._rekeys = False
            self._gate.leave()

    @property
    def rekeying(self) -> bool:
        """Whether a rekey that was begun here is under way: then no other process has one."""
        return self._rekeys

    def pending_rekey(self, passphrase: Ask | None) -> Vault | None:
        """
        Return the next generation's vault if a rekey was interrupted, and None if none was.

        None may also mean that another process has just finished one: where the page key does
        not fit, `open` again. From here on this process is alone in the home until `finish_rekey`
        or `abandon_rekey`. While the rekey is alive in another one, this waits for it a while and
        then raises `Busy`.
        """
        if self._read().next is None:
            return None
        if not self._rekeys:
            self._enter_rekey()
        vault = None
        try:
            pending = self._read().next
            if pending is not None:
                vault, _ = self._unwrap(pending, passphrase)
        except _KeyGone as gone:
            raise gone.error from None
        finally:
            if vault is None:
                self.leave_rekey()
        return vault

    def finish_rekey(self) -> None:
        """Make the next master key the current one, and forget the old one and its device key."""
        self._resolve_rekey(finish=True)

    def abandon_rekey(self) -> None:
        """Forget the next master key: the current one stays."""
        self._resolve_rekey(finish=False)

    def _resolve_rekey(self, *, finish: bool) -> None:
        try:
            with self.alone():
                records = self._read()
                current, pending = records.current, records.next
                if pending is None:
                    return
                kept, dropped = (pending, current) if finish else (current, pending)
                self._write(records._replace(current=kept, next=None))
                if self._opened is not None and self._opened.holder != kept.holder:
                    self._opened = None
                self._forget(dropped, keep=(kept.holder,))
        finally:
            self.leave_rekey()

    # --- another ledger --------------------------------------------------------------------------

    def begin_restore(self, entry: int, mac: bytes) -> None:
        """
        Mark durably that a ledger ending with *entry* is about to take the present one's place.

        From here on the restore happens, even after a kill: while the mark is there no act runs,
        and the next opening finishes it. The order for the ledger's side:

        1. the incoming ledger is whole on the disk, next to the present one;
        2. ``keys.begin_restore(entry, mac)``
        3. replace the ledger;
        4. ``keys.finish_restore()``.
        """
        assert self._gate.alone
        self.begun = True
        files.replace(self._restoring, written_line(entry, mac))

    def pending_restore(self) -> tuple[int, bytes] | None:
        """Return the last entry and its MAC of the ledger that is about to come, if one is."""
        try:
            content = files.read(self._restoring)
        except FileNotFoundError:
            return None
        mark = parse_line(content)
        if mark is None:
            raise errors.Damaged(path=str(self._restoring))
        return mark

    def finish_restore(self) -> None:
        """Accept what came as the head, and take the mark away: the restore has happened."""
        assert self._gate.alone
        mark = self.pending_restore()
        if mark is None:
            return
        self._head.reset(*mark)
        files.rename(self._restoring, self._restored)

    def abandon_restore(self) -> None:
        """Take the mark away: the ledger is the one that it was."""
        assert self._gate.alone
        files.remove(self._restoring)

    def announce_move(self) -> None:
        """Let others who use the home know that its ledger is about to be somewhere else."""
        assert self._gate.alone
        self.begun = True
        files.replace(self._restored, b"")

    @property
    def restoring(self) -> bool:
        """Whether a restore was begun and is not finished: until it is, no act runs."""
        try:
            return self._restoring.exists()
        except OSError as error:
            raise errors.StorageUnreadable(
                path=str(self._restoring), reason=error.strerror or "?"
            ) from error

    def know_restore(self) -> None:
        """Remember which restore was the last one, for `was_restored`."""
        self._known_restore = self._last_restore()

    def was_restored(self) -> bool:
        """Return whether another ledger has come since `know_restore`."""
        return self._last_restore() != self._known_restore

    def _last_restore(self) -> object:
        try:
            last = self._restored.stat()
        except OSError:
            return None
        return last.st_ino, last.st_mtime_ns

    # --- PINs ------------------------------------------------------------------------------------

    def one_try_at_a_time(self, holder: str) -> AbstractContextManager[None]:
        """
        Keep other processes from trying *holder*'s PIN for as long as this one does.

        A try is counted before it is looked at, so without this a handful of right PINs at once
        would look like a handful of guesses, and lock. A process that is killed lets go, and its
        try stays counted. Raises Busy if one other tries for ten seconds, and StorageRefused.
        """
        return files.Guard(self.path / f".pin-{holder}")()

    # --- the head --------------------------------------------------------------------------------

    def note_head(self, entry: int, mac: bytes) -> None:
        """
        Note that the ledger has reached *entry*, which ended with *mac*, if that is news.

        Call it after the commit: it does not wait for the disk, and it never fails, because the
        act is already done and must not be reported as if it were not. A note that could not be
        written costs detection only: an older note stands until the next.
        """
        self._head.write(entry, mac)

    def head(self) -> tuple[int, bytes] | None:
        """
        Return the newest noted entry and its MAC; None when none was ever noted.

        A note torn by a power cut is passed over for the one before. Where neither can be read,
        that is `Damaged`: someone has had their hands on it, and `reset_head` is how to accept.
        """
        return self._head.read()

    def noted_since(self) -> int | None:
        """
        Return the first entry that was noted, where the ledger had come further by then.

        The noted head was emptied or removed. `reset_head` is how to accept it.
        """
        return self._head.began_late()

    def reset_head(self, entry: int, mac: bytes) -> None:
        """Note *entry* even if it goes backwards, durably: after a restore that was accepted."""
        self._head.reset(entry, mac)

    # --- wrapping and unwrapping -----------------------------------------------------------------

    def _wrap(self, vault: Vault, wrapping: _Wrapping) -> _Wrapped:
        nonce = self._random(NONCE_BYTES)
        about = _about(wrapping.method, vault.generation)
        return _Wrapped(
            method=wrapping.method,
            generation=vault.generation,
            fingerprint=vault.fingerprint,
            nonce=nonce,
            ciphertext=vault.wrapped(wrapping.key, nonce, about),
            holder=wrapping.holder,
            salt=wrapping.salt,
            cost=wrapping.cost,
        )

    def _unwrap(self, wrapped: _Wrapped, passphrase: Ask | None) -> tuple[Vault, _Wrapping]:
        wrapping = self._found(wrapped, passphrase)
        about = _about(wrapped.method, wrapped.generation)
        try:
            master = primitives.decrypt(wrapping.key, wrapped.nonce, wrapped.ciphertext, about)
        except primitives.NotAuthentic:
            if wrapped.method == _PASSPHRASE:
                raise errors.WrongPassphrase from None
            raise self._damaged() from None
        if len(master) != KEY_BYTES:
            raise self._damaged()
        vault = self._vault(master, wrapped.generation)
        if vault.fingerprint != wrapped.fingerprint:  # who compares them would wait for ever
            raise self._damaged()
        return vault, wrapping

    def _found(self, wrapped: _Wrapped, passphrase: Ask | None) -> _Wrapping:
        """Return the key that *wrapped* is under, asking only where there is no other way."""
        method, holder, salt, cost = wrapped.method, wrapped.holder, wrapped.salt, wrapped.cost
        if method == _PASSPHRASE:
            assert cost is not None
            if self._opened is not None and self._opened.salt == salt:
                return self._opened
            if passphrase is None:
                raise errors.HomeLocked
            key = _stretched(_normal(passphrase()), salt, cost)
            return _Wrapping(key, method, salt=salt, cost=cost)
        assert holder is not None
        if method == _KEYRING:
            missing: errors.HongbaoError = errors.KeyringUnavailable(reason=keychain.HAS_NONE)
            hexed = keychain.get(holder) or ""
        else:
            file = self._device_file(holder)
            missing = errors.Damaged(path=str(file))
            try:
                hexed = files.read(file).decode("ascii", "replace").strip()
            except FileNotFoundError:
                hexed = ""
        if not re.fullmatch(r"[0-9a-f]{64}", hexed):
            raise _KeyGone(missing)
        return _Wrapping(bytes.fromhex(hexed), method, holder=holder)

    def _next_wrapping(self, current: _Wrapped) -> _Wrapping:
        if current.method == _DEVICE:
            return self._new_device_key()
        if current.method == _KEYRING:
            return self._new_keyring_key()
        # The same passphrase, and the same salt: the passphrase itself is not kept, its key is.
        if self._opened is None or self._opened.salt != current.salt:
            raise errors.HomeLocked
        return self._opened

    def _new_device_key(self) -> _Wrapping:
        key, holder = self._random(KEY_BYTES), self._random(8).hex()
        files.write_new(self._device_file(holder), key.hex().encode() + b"\n")
        return _Wrapping(key, _DEVICE, holder=holder)

    def _new_keyring_key(self) -> _Wrapping:
        key, holder = self._random(KEY_BYTES), self._random(8).hex()
        keychain.put(holder, key.hex())
        return _Wrapping(key, _KEYRING, holder=holder)

    def _vault(self, master: bytes, generation: int) -> Vault:
        return Vault(master, generation, random=self._random, cost=self._cost)

    def _checked(self, vault: Vault) -> _Records:
        """Return the content of the file, if that is *vault* and no rekey is under way."""
        if not self.is_current(vault):
            raise errors.Busy  # another process has rekeyed, or was killed in the middle of it
        return self._read()

    # --- files -----------------------------------------------------------------------------------

    def _device_file(self, holder: str) -> Path:
        return self.path / f"device-{holder}.key"

    def _forget(self, dropped: _Wrapped, keep: tuple[str | None, ...]) -> None:
        if dropped.method == _KEYRING and dropped.holder is not None:
            keychain.forget(dropped.holder)
        self._sweep(keep)

    def _tidy(self, records: _Records) -> None:
        """Sweep up after a change that was interrupted, if that is possible at all."""
        with suppress(OSError):
            files.close_to_others(self.path)
        needed = _holders(records)
        if self._gate.entered or all(holder in needed for holder in self._device_keys()):
            return
        # A change may be under way, or the folder be read-only: then a later opening sweeps.
        with suppress(errors.Busy, errors.StorageRefused):
            self._gate.enter(alone=True, wait=False)
            try:
                self._sweep(keep=_holders(self._read()))
            finally:
                self._gate.leave()

    def _sweep(self, keep: Any) -> None:
        for holder in self._device_keys():
            if holder not in keep:
                files.destroy(self._device_file(holder))

    def _device_keys(self) -> list[str]:
        with files.storage(self.path):
            found = [re.fullmatch(_DEVICE_FILE, file.name) for file in self.path.iterdir()]
        return [match[1] for match in found if match]

    def _write(self, records: _Records) -> None:
        document: dict[str, object] = {"format": FORMAT, "current": _written(records.current)}
        if records.next is not None:
            document["next"] = _written(records.next)
        files.replace(self._master_file, json.dumps(document, indent=1).encode() + b"\n")

    def _read(self) -> _Records:
        try:
            content = files.read(self._master_file)
        except FileNotFoundError:
            raise self._damaged() from None
        try:
            document = json.loads(content)
            if not isinstance(document, dict):
                raise ValueError
            form = _number(document["format"])
            if form > FORMAT:
                raise errors.NewerHome(form=form, known=FORMAT)
            current = _parsed(document["current"])
            pending = _parsed(document["next"]) if "next" in document else None
            if pending is not None and pending.generation != current.generation + 1:
                raise ValueError
        except (ValueError, KeyError, RecursionError):
            raise self._damaged() from None
        return _Records(current, pending)

    def _damaged(self) -> errors.Damaged:
        return errors.Damaged(path=str(self._master_file))


def _holders(records: _Records) -> set[str | None]:
    """Return the device keys that *records* name."""
    return {wrapped.holder for wrapped in records if wrapped is not None}


def _about(method: str, generation: int) -> bytes:
    return primitives.joined(b"hongbao master", b"%d" % FORMAT, method.encode(), b"%d" % generation)


def _normal(passphrase: str) -> str:
    """Return *passphrase* in one form: keyboards differ in how they compose é or が."""
    import unicodedata

    return unicodedata.normalize("NFC", passphrase)


def _stretched(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    return primitives.stretch(passphrase.encode("utf-8", "surrogatepass"), salt, cost)


def _written(wrapped: _Wrapped) -> dict[str, object]:
    """Return *wrapped* for ``master.json``, with a checksum that tells damage from a wrong key."""
    record: dict[str, object] = {
        "generation": wrapped.generation,
        "fingerprint": wrapped.fingerprint,
        "method": wrapped.method,
    }
    if wrapped.holder is not None:
        record["holder"] = wrapped.holder
    if wrapped.cost is not None:
        record["kdf"] = {"name": "argon2id", **wrapped.cost._asdict(), "salt": wrapped.salt.hex()}
    record |= {"nonce": wrapped.nonce.hex(), "ciphertext": wrapped.ciphertext.hex()}
    return {**record, "checksum": _checksum(record)}


def _parsed(record: object) -> _Wrapped:
    """
    Parse what `_written` wrote; raise ValueError or KeyError for anything else.

    The checksum is against accidents alone: editing a record can make one that fits. So each
    value has to be of the kind and in the range that we write, before anything is done with it.
    """
    if not isinstance(record, dict):
        raise ValueError
    body = {name: value for name, value in record.items() if name != "checksum"}
    if record["checksum"] != _checksum(body):
        raise ValueError
    method = record["method"]
    if method not in (_DEVICE, _KEYRING, _PASSPHRASE):
        raise ValueError
    holder, cost, salt = None, None, b""
    if method == _PASSPHRASE:
        cost, salt = _parsed_kdf(record["kdf"])
    else:
        holder = _hexed(record["holder"], 8).hex()
    return _Wrapped(
        method=method,
        generation=_number(record["generation"]),
        fingerprint=_hexed(record["fingerprint"], 8).hex(),
        nonce=_hexed(record["nonce"], NONCE_BYTES),
        ciphertext=_hexed(record["ciphertext"], KEY_BYTES + primitives.TAG_BYTES),
        holder=holder,
        salt=salt,
        cost=cost,
    )


def _parsed_kdf(kdf: object) -> tuple[Cost, bytes]:
    if not isinstance(kdf, dict) or kdf["name"] != "argon2id":
        raise ValueError
    cost = Cost(*(_number(kdf[name]) for name in Cost._fields))
    if not primitives.acceptable(cost):
        raise ValueError
    return cost, _hexed(kdf["salt"], SALT_BYTES)


def _number(value: object) -> int:
    if type(value) is not int or not 1 <= value < 1 << 31:  # neither true nor 3.0
        raise ValueError
    return value


def _hexed(value: object, length: int) -> bytes:
    """Return the *length* bytes that *value* spells as `bytes.hex` does."""
    if (
        not isinstance(value, str)
        or len(value) != 2 * length
        or not re.fullmatch(r"[0-9a-f]*", value)
    ):
        raise ValueError
    return bytes.fromhex(value)


def _checksum(body: dict[str, Any]) -> str:
    return primitives.checksum(json.dumps(body, sort_keys=True).encode())
