"""
OFX: for programs that read a bank's downloads, such as GnuCash and Actual.

Version 1.0.2, SGML with every tag closed, in UTF-8: of all variants the one that most readers
take. An entry's date has no time, because a reader that brings times home to UTC, or forgets the
offset, moves what happened at 00:30 to the day before; the exact moment is in ``DTUSER``. OFX has
no place for an opening balance, and none for a signature.
"""

from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._bank import CODE, CURRENCY, Entry, entries, first_and_last, text
from hongbao.statements._spool import put
from hongbao.units import CHINA, yuan

if TYPE_CHECKING:
    from datetime import datetime

ENDINGS = (".ofx",)

NAME_MAX, MEMO_MAX = (32, 96), (255, 390)
"""
How many characters a payee and a memo may have, and how many bytes.

The characters are the standard's. At the bytes libofx cuts, if need be in the middle of a letter.
"""

_TYPES = {
    "topup": "XFER",
    "withdraw": "XFER",
    "withdraw_returned": "XFER",
    "fee": "SRVCHG",
    "fee_returned": "SRVCHG",
    "send": "DEBIT",
    "claim": "CREDIT",
    "refund": "CREDIT",
    "refund_to_balance": "CREDIT",
}
"""What kind of entry each kind of leg is; which way the money went, its sign says."""

_HEAD = """\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:UTF-8
CHARSET:NONE
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1><SONRS>
<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<DTSERVER>{server}</DTSERVER>
<LANGUAGE>ZHO</LANGUAGE>
<FI><ORG>hongbao</ORG><FID>{bank}</FID></FI>
</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS>
<TRNUID>0</TRNUID>
<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<STMTRS>
<CURDEF>{currency}</CURDEF>
<BANKACCTFROM><BANKID>{bank}</BANKID><ACCTID>{account}</ACCTID>\
<ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>{first:%Y%m%d}</DTSTART>
<DTEND>{last:%Y%m%d}</DTEND>
"""

_ENTRY = """\
<STMTTRN>
<TRNTYPE>{type}</TRNTYPE>
<DTPOSTED>{at:%Y%m%d}</DTPOSTED>
<DTUSER>{moment}</DTUSER>
<TRNAMT>{amount}</TRNAMT>
<FITID>{id}</FITID>
<NAME>{name}</NAME>
<MEMO>{memo}</MEMO>
</STMTTRN>
"""

_END = """\
</BANKTRANLIST>
<LEDGERBAL><BALAMT>{closing}</BALAMT><DTASOF>{last:%Y%m%d}</DTASOF></LEDGERBAL>
</STMTRS>
</STMTTRNRS></BANKMSGSRSV1>
</OFX>
"""


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as OFX 1.0.2, oldest entry first."""
    statement = sheet.statement
    first, last = first_and_last(statement)

    beginning = _HEAD.format(
        server=_moment(statement.ends_at),
        bank=CODE,
        account=statement.account_id,
        currency=CURRENCY,
        first=first,
        last=last,
    )
    end = _END.format(closing=yuan(statement.closing_fen), last=last)
    pieces = chain((beginning,), map(_entry, entries(sheet.lines)), (end,))
    put(out, (piece.replace("\n", "\r\n") for piece in pieces))


def _entry(entry: Entry) -> str:
    memo = " · ".join(filter(None, (entry.narration, entry.packet, entry.greeting)))
    return _ENTRY.format(
        type=_TYPES[entry.leg.kind],
        at=entry.at,
        moment=_moment(entry.at),
        amount=yuan(entry.leg.balance_fen),
        id=entry.leg.id,
        name=text(entry.payee, *NAME_MAX),
        memo=text(memo, *MEMO_MAX),
    )


def _moment(at: "datetime") -> str:
    return f"{at.astimezone(CHINA):%Y%m%d%H%M%S}[+8:CST]"
