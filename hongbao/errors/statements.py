"""Statements and receipts: export, signature and verification."""

from typing import ClassVar

from hongbao.errors.base import (
    LEFT_OUT,
    NotFound,
    NotIntact,
    Unusable,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_


class UnknownEnding(UsageError):
    """A file's name ends as that of no format does; *known* are the endings that do."""

    ending: str = example(".ods")
    known: str = example(".csv, .html, .json, .xlsx")

    sentence = N_("no format has the extension {ending}")
    advice = N_("choose one of {known}, or name a format with `--format FORMAT`")


class StatementTooLong(UsageError):
    """
    The format has an end: a sheet has so many rows, and a PDF is made whole in memory.

    It is said before anything is written.
    """

    form: str = example("pdf", kw_only=False)
    count: int = example(12_000)
    count_max: int = example(10_000)

    sentence = N_("{form} has room for {count_max} movements, and this period has {count}")
    advice = N_("choose a shorter period with --from and --to, or another format: csv, html")


class FontUnusable(UsageError):
    """The font that HONGBAO_FONT names cannot write a statement."""

    _reasons: ClassVar[tuple[str, ...]] = (
        N_("it has no Chinese characters"),
        N_("it is not a font for a PDF"),
        N_("it has no face with that number"),
    )

    path: str = example("DejaVuSans.ttf")
    reason: str = example("it has no Chinese characters")

    sentence = N_("the font {path}, which HONGBAO_FONT names, cannot be used: {reason}")
    advice = N_("name another font, or none to let hongbao find one")


class NotSigned(UsageError):
    """A file holds no signature of hongbao's, and is nothing that would have one."""

    path: str = example("november.pdf")

    sentence = N_("{path} is not a statement or receipt: it has no signature")
    advice = N_("if its signature is a separate file, name that with `--sig FILE`")


class InvalidSignature(UsageError):
    """A file that was named as a signature is none."""

    path: str = example("november.csv.sig")

    sentence = N_("{path} is not a signature as `hongbao export` writes it")


class InvalidPublicKey(UsageError):
    """The text or file is not a public key."""

    text: str = example("5d0c", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a public key: 64 hexadecimal digits, or a file that has them")
    advice = N_("the signer shows the public key with `hongbao key`")


class SignatureMissing(NotFound):
    """A statement's separate signature file is missing."""

    path: str = example("november.csv")
    signature_file: str = example("november.csv.sig")

    sentence = N_("the signature of {path} is missing: there is no {signature_file}")
    advice = N_("keep both side by side, or name it with `--sig FILE`")


class NotGenuine(NotIntact):
    """
    `hongbao verify-statement` found a statement or a receipt that is not what was signed.

    Its facts are those of a `hongbao.answers.FileVerified`.
    """

    file: str = example("november.csv")
    what: str = example("statement")
    verdict: str = example("file_edited")
    format: str | None = example("csv")
    profile: str | None = example("小明")
    known_by: str | None = example("home")
    public_key: str | None = example("5d" * 32)
    with_ledger: bool = example(True)
    more: int = example(0)
    entry: int | None = example(33)
    last_entry: int | None = example(21)
    signed: dict[str, object] | None = example(None)
    restored_entry: int = example(40, default=LEFT_OUT)
    how: str = example("content", default=LEFT_OUT)
    reason: str = example("the content is not what was signed", default=LEFT_OUT)
    line: int = example(7, default=LEFT_OUT)
    line_signed: str | None = example(None, default=LEFT_OUT)
    line_found: str | None = example(None, default=LEFT_OUT)
    missing: list[str] = example([], default=LEFT_OUT)
    missing_count: int = example(2, default=LEFT_OUT)


class FileEdited(NotGenuine):
    """Something in a statement or a receipt is not as it was signed."""

    sentence = N_("{file} was edited after it was signed: {reason}")


class RowsMissing(NotGenuine):
    """A statement or a receipt was signed, but lines of it are missing."""

    sentence = N_("{file} is not complete: lines that were signed and are missing: {missing_count}")


class CutShort(NotGenuine):
    """A statement or a receipt has lost its end."""

    sentence = N_("{file} was cut short: its end is missing")
    advice = N_("ask for the file again, or export it again")


class UnknownSigner(NotGenuine):
    """A statement or a receipt is signed, but by an unknown key."""

    sentence = N_(
        "{file} is from someone else: it is signed by {public_key}, which is unknown here"
    )
    advice = N_("a key in a file proves nothing; give the key that you received with `--key KEY`")


class OtherSigner(UnknownSigner):
    """The file is signed by another key than the one that was named as trusted."""

    code = "unknown_signer"
    sentence = N_(
        "{file} is someone else's: it is signed by {public_key}, which is neither "
        "a key of this wallet nor the one you named"
    )
    advice = N_("ask the sender of the file for the public key; `hongbao key` shows it to them")


class NewerThanLedger(NotGenuine):
    """A statement or a receipt has entries that the ledger does not have."""

    sentence = N_(
        "{file} is genuine, but the ledger is not: it ends at entry {last_entry}, "
        "and entry {entry} was signed"
    )
    advice = N_(
        "this is an older or shortened copy; restore the newest backup with `hongbao restore FILE`"
    )


class OtherHistory(NotGenuine):
    """A statement or a receipt is genuine, but the ledger has another entry at its head."""

    sentence = N_(
        "{file} is genuine, but the ledger is not: its entry {entry} is not the one that was signed"
    )
    advice = N_("the history was replaced; see what else is wrong with `hongbao check`")
    _sentence_restored = N_(
        "{file} is genuine, but the ledger cannot prove it: it was restored from a backup since, "
        "at entry {restored_entry}, and has other seals"
    )
    _advice_restored = N_("compare it with a new one from `hongbao export`")

    def chosen_sentence(self) -> str:
        return self._sentence_restored if "restored_entry" in self.facts else self.sentence

    def chosen_advice(self) -> str:
        return self._advice_restored if "restored_entry" in self.facts else self.advice


class PdfMissing(Unusable):
    """The library that writes PDF is not installed."""

    sentence = N_("writing a PDF needs fpdf2, which is not installed")
    advice = N_("`pip install 'hongbao[pdf]'`, or use `--format html`")


class FontMissing(Unusable):
    """A PDF brings its font along, and none for Chinese names is installed."""

    sentence = N_("no font that can write Chinese was found")
    advice = N_("`pip install 'hongbao[pdf]'` brings one, or name one in HONGBAO_FONT")
