"""
ledger: a complete journal, which ``ledger --strict --pedantic`` adds up again.

It is hledger's but for the note, which is in a comment: ledger takes all of the first line for
the payee.
"""

from typing import BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._journal import COMMENT, write_journal

ENDINGS = (".ledger",)
SIGNATURE = (f"{COMMENT}hongbao-signature: ".encode(), b"\n")


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a ledger journal."""
    write_journal(sheet, out, "  ; ")
