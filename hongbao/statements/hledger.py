"""
hledger: a complete journal, which ``hledger check --strict`` adds up again.

It declares its accounts, payees and tags, carries each movement's id as the entry's code and as its
``hbid`` tag, and asserts the balance after each posting to it.
"""

from typing import BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._journal import COMMENT, write_journal

ENDINGS = (".journal", ".hledger")
SIGNATURE = (f"{COMMENT}hongbao-signature: ".encode(), b"\n")


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as an hledger journal."""
    write_journal(sheet, out, " | ", "decimal-mark .\n")
