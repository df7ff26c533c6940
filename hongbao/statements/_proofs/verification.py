"""
Verification of a statement or receipt: is it as signed, by whose key, and what differs.

What is known without a ledger is a key and a digest: genuine or not. With the ledger at hand the
statement is written again and compared, so that the answer says what was changed, and whether the
ledger itself is still the one that was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hongbao import errors
from hongbao.errors import HongbaoError, NotGenuine, NotSigned, SignatureMissing
from hongbao.statements import (
    FORMATS,
    Style,
    endings,
    format_of,
    signature_file,
    signature_place,
    write_again,
)
from hongbao.statements._proofs import differences, seals, slip
from hongbao.statements._proofs.differences import Difference
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import FileVerified
    from hongbao.wallet import Wallet

_HOW = {
    "content": N_("the content is not what was signed"),
    "line_ends": N_("its line endings differ, as if another program had saved it"),
    "saved_anew": N_("every cell is unchanged, but another program has saved it"),
    "behind": N_("something was added after the signed part"),
    "signature": N_("its signature does not match it"),
}
"""How a file was edited, in words."""

_REFUSALS: Mapping[str, type[NotGenuine]] = {
    kind.code: kind
    for kind in (
        errors.FileEdited,
        errors.RowsMissing,
        errors.CutShort,
        errors.UnknownSigner,
        errors.NewerThanLedger,
        errors.OtherHistory,
    )
}
_ZIP_END, _PDF_END = b"PK\x05\x06", b"%%EOF"
_ZIP_END_BYTES = 22
_END_MAX = 1024


class Judge:
    """
    Verifies files with the keys that are known, and with the ledger, if there is one.

    *keys* were given by hand. A key in the file itself proves nothing.
    """

    def __init__(self, wallet: Wallet | None, keys: frozenset[bytes] = frozenset()) -> None:
        self._wallet = wallet
        self._keys = keys
        self._signers = {} if wallet is None else wallet.signers()

    def judge(self, path: Path, signature: Path | None = None) -> FileVerified:
        """
        Return the verdict on the statement or the receipt in the file *path*.

        *signature* is the file of its signature, if that is neither inside nor next to it. Raises
        FileNotReadable, InvalidSignature, SignatureMissing or NotSigned.
        """
        with seals.opened(path) as file:
            receipt = None if signature is not None else slip.found_in(file)
            if receipt is not None:
                return self._judge_receipt(path, receipt)
            sealed = self._found(path, file, signature)
            if isinstance(sealed, seals.Torn):
                return _judged(path, "statement", "cut_short", format=format_of(path.name))
            if isinstance(sealed, seals.Garbled):
                edited = Difference("edited", how="signature")
                return _with(
                    _judged(path, "statement", "file_edited", format=format_of(path.name)), edited
                )
            return self._judge_statement(path, file, sealed)

    def _found(
        self, path: Path, file: BinaryIO, signature: Path | None
    ) -> seals.Sealed | seals.Torn | seals.Garbled:
        if signature is not None:
            return seals.beside(seals.read_signature(signature), file)
        found = seals.inside(file, format_of(path.name))
        if not isinstance(found, seals.Unsigned):
            return found
        near = signature_file(path)
        if near.exists():
            return seals.beside(seals.read_signature(near), file)
        if found.format_name is not None and signature_place(found.format_name) is None:
            raise SignatureMissing(path=str(path), signature_file=near.name)
        raise NotSigned(path=str(path))

    # --- statements ------------------------------------------------------------------------------

    def _judge_statement(self, path: Path, file: BinaryIO, sealed: seals.Sealed) -> FileVerified:
        facts = sealed.block.facts
        outcome = _judged(
            path,
            "statement",
            "genuine",
            format=facts["format"],
            profile=facts["profile"],
            public_key=facts["public_key"],
            entry=facts["head"]["entry"],
            signed=facts,
        )
        whose = self._known(sealed.block.public_key, outcome)
        if outcome["known_by"] is None:
            return {**outcome, "verdict": "unknown_signer"}
        if not sealed.block.fits:
            return _with({**outcome, "signed": None}, Difference("edited", how="signature"))
        difference = self._difference(file, sealed, whose)
        if difference is not None:
            return _with(outcome, difference)
        if whose is None or self._wallet is None:
            return outcome
        return self._against_ledger(
            outcome,
            facts["head"]["mac"],
            facts.get("checkpoint"),
            lambda wallet: wallet.moved_since(
                whose, _instant(facts["from"]), _instant(facts["to"]), facts["head"]["entry"]
            ),
            lambda: self._is_same_again(facts, whose),
        )

    def _known(self, public_key: bytes, outcome: FileVerified) -> str | None:
        """Return which profile of this home signed, and write down who knew the key."""
        if public_key in self._signers:
            outcome["known_by"] = "home"
            return self._signers[public_key]
        if public_key in self._keys:
            outcome["known_by"] = "key"
        return None

    def _against_ledger(
        self,
        outcome: FileVerified,
        mac: str,
        checkpoint: str | None,
        count_more: Any,
        is_same_again: Callable[[], bool] = lambda: False,
    ) -> FileVerified:
        """
        Compare what was signed at *mac*, and at *checkpoint*, with the ledger of today.

        A ledger that was on a cluster, and came back from a backup since, has other seals and
        another log: there only its content can be compared, by what is the *same again*.
        """
        wallet, entry = self._wallet, outcome["entry"]
        assert wallet is not None
        assert entry is not None
        outcome = {**outcome, "with_ledger": True, "last_entry": wallet.last_entry()}
        if entry > wallet.last_entry():
            return {**outcome, "verdict": "newer_than_ledger"}
        is_kept = checkpoint is None or wallet.has_checkpoint(checkpoint)
        if not (is_kept and wallet.has_entry(entry, mac)):
            restored = None if checkpoint is None else wallet.restored_behind(entry)
            if restored is None:
                return {**outcome, "verdict": "other_history"}
            outcome["restored_entry"] = restored
            if not is_same_again():
                return {**outcome, "verdict": "other_history"}
        more = count_more(wallet)
        return {**outcome, "more": more, "verdict": "older" if more else "genuine"}

    def _difference(
        self, file: BinaryIO, sealed: seals.Sealed, whose: str | None
    ) -> Difference | None:
        """Return the difference between the file and what was signed; None if there is none."""
        facts = sealed.block.facts
        if seals.digest(file, facts["bytes"]) == facts["sha256"]:
            if sealed.is_whole:
                return None
            if sealed.is_torn:
                return Difference("cut_short")
            size = seals.size_of(file)
            is_longer = size > facts["bytes"]
            return Difference("edited", how="behind" if is_longer else "signature")
        if whose is not None:
            found = self._compared(file, sealed, whose)
            if found is not None:
                return found
        is_shorter = seals.size_of(file) < facts["bytes"]
        is_torn = is_shorter and not sealed.is_inside and not _has_end(file)
        return Difference("cut_short" if is_torn else "edited")

    def _compared(self, file: BinaryIO, sealed: seals.Sealed, whose: str) -> Difference | None:
        """
        Return where the file differs from the statement that was signed, which is written again.

        None if that cannot be had any more: one that said its holder in full, one of an entry
        that this ledger does not have, or one that a newer hongbao writes otherwise.
        """
        facts, wallet = sealed.block.facts, self._wallet
        assert wallet is not None
        if facts["format"] not in FORMATS or not wallet.has_entry(**facts["head"]):
            return None
        known_endings = endings(facts["format"])
        is_workbook, is_pdf = ".xlsx" in known_endings, ".pdf" in known_endings
        compared = differences.Lines(differences.lines(file, sealed.content))
        out: Any = differences.Bounded() if is_workbook or is_pdf else compared
        if not self._is_same_again(facts, whose, out):
            return None
        if is_workbook:
            return differences.workbooks(file, out.getvalue())
        if is_pdf:
            return differences.wholes(file, out.getvalue())
        return compared.difference(has_end=sealed.is_inside)

    def _is_same_again(
        self, facts: Mapping[str, Any], whose: str, out: BinaryIO | None = None
    ) -> bool:
        """
        Write the statement of *facts* again, to *out* if need be; return whether it is the same.

        It names the head that was signed, even if that entry has another seal now.
        """
        assert self._wallet is not None
        if facts["full"] or facts["format"] not in FORMATS:
            return False
        try:
            with self._wallet.restated(
                whose,
                since=_instant(facts["from"]),
                until=_instant(facts["to"]),
                upto=facts["head"]["entry"],
                masked=facts["masked"],
            ) as statement:
                as_signed = replace(statement, head=facts["head"])
                style = Style(facts["language"], facts["root"])
                written = cast("BinaryIO", differences.Unread()) if out is None else out
                sha256 = write_again(as_signed, facts["format"], written, style)
        except (HongbaoError, differences.TooLargeError):  # what writes it is not there, say
            return False
        except AssertionError:  # the ledger's own movements do not add up: it was altered
            return False
        return bool(sha256 == facts["sha256"])

    # --- receipts --------------------------------------------------------------------------------

    def _judge_receipt(self, path: Path, found: slip.Found) -> FileVerified:
        outcome = _judged(path, "receipt", "genuine", format=found.format_name)
        if found.sealed is None:
            if found.is_torn:
                return {**outcome, "verdict": "cut_short"}
            return _with(outcome, Difference("edited", how="signature"))
        shown = found.sealed.shown()
        outcome = {
            **outcome,
            "public_key": shown["public_key"],
            "entry": shown["entry"],
            "signed": dict(shown),
        }
        whose = outcome["profile"] = self._known(bytes.fromhex(shown["public_key"]), outcome)
        if outcome["known_by"] is None:
            return {**outcome, "verdict": "unknown_signer"}
        if not found.sealed.fits:
            return _with({**outcome, "signed": None}, Difference("edited", how="signature"))
        difference = found.difference()
        if difference is not None:
            return _with(outcome, difference)
        if whose is None or self._wallet is None:
            return outcome

        def changed(wallet: Wallet) -> int:
            again = wallet.receipt_again(whose, shown["id"], masked=shown["masked"])
            return int(again.status != shown["status"])

        checkpoint = found.sealed.facts.get("checkpoint")
        return self._against_ledger(outcome, shown["mac"], checkpoint, changed)


def refusal(outcome: FileVerified, *, key_named: bool = False) -> NotGenuine | None:
    """
    Return the error that says what is wrong with a file, or None if nothing is.

    *key_named* is whether a trusted key was named.
    """
    kind = _REFUSALS.get(outcome["verdict"])
    if kind is errors.UnknownSigner and key_named:
        kind = errors.OtherSigner
    return None if kind is None else kind(**outcome)


def _judged(path: Path, what: str, verdict: str, **facts: Any) -> FileVerified:
    outcome: FileVerified = {
        "file": str(path),
        "what": what,
        "verdict": verdict,
        "format": None,
        "profile": None,
        "known_by": None,
        "public_key": None,
        "with_ledger": False,
        "more": 0,
        "entry": None,
        "last_entry": None,
        "signed": None,
    }
    outcome.update(facts)  # type: ignore[typeddict-item]  # names of the same shape
    return outcome


def _with(outcome: FileVerified, difference: Difference) -> FileVerified:
    """Return *outcome* with what was found to be different."""
    verdict = "file_edited" if difference.kind == "edited" else difference.kind
    found: FileVerified = {**outcome, "verdict": verdict}
    if difference.kind == "edited":
        found["how"], found["reason"] = difference.how, _HOW[difference.how]
    if difference.line is not None:
        found["line"] = difference.line
        found["line_signed"], found["line_found"] = difference.was, difference.found
    if difference.missing_count:
        found["missing"] = [*difference.missing]
        found["missing_count"] = difference.missing_count
    return found


def _has_end(file: BinaryIO) -> bool:
    """Return whether *file* ends as a whole one does: an archive, a PDF, or a line."""
    file.seek(max(seals.size_of(file) - _END_MAX, 0))
    end = file.read(_END_MAX)
    file.seek(0)
    beginning = file.read(4)
    if beginning.startswith(b"PK"):
        return end[-_ZIP_END_BYTES:].startswith(_ZIP_END)
    if beginning == b"%PDF":
        return end.rstrip().endswith(_PDF_END)
    return end.endswith(b"\n")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
