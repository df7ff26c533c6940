"""
camt.053: the bank's statement of ISO 20022, for accounting and treasury programs.

Version 08, camt.053.001.08. An entry has exactly one detail, and a fee is a separate entry:
readers drop the id of an entry with more. Its id is in ``NtryRef`` and in ``AcctSvcrRef``, by which
they find what they have already.
"""

from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._bank import CODE, CURRENCY, Entry, entries, first_and_last, text
from hongbao.statements._spool import put_behind
from hongbao.units import iso, yuan

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.queries.statement import Statement

ENDINGS = (".xml",)
SIGNATURE = (b"<!-- hongbao-signature: ", b" -->\n</Document>\n")
FULL = True

NAME_MAX, LINE_MAX = 140, 140
"""How many characters the schema lets a name and a line of remittance information have."""

_CODES = {
    "topup": ("RCDT", "DMCT"),
    "withdraw": ("ICDT", "DMCT"),
    "withdraw_returned": ("ICDT", "RRTN"),
    "fee": ("ICDT", "FEES"),
    "fee_returned": ("ICDT", "RIMB"),
    "send": ("ICDT", "BOOK"),
    "claim": ("RCDT", "BOOK"),
    "refund": ("ICDT", "RRTN"),
    "refund_to_balance": ("ICDT", "RRTN"),
}
"""
The family and sub-family, within payments, that ISO 20022 files each kind of leg under.

Received and issued credit transfers: domestic, by book, their fees, reimbursed, or returned. What
comes back belongs to the family of what had been issued.
"""

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
<BkToCstmrStmt>
<GrpHdr><MsgId>{id}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>
<Stmt>
<Id>{id}</Id>
<CreDtTm>{created}</CreDtTm>
<FrToDt><FrDtTm>{first}</FrDtTm><ToDtTm>{last}</ToDtTm></FrToDt>
<Acct>
<Id><Othr><Id>{account}</Id></Othr></Id>
<Ccy>{currency}</Ccy>
<Nm>{profile}</Nm>
<Ownr>{owner}</Ownr>
<Svcr><FinInstnId><Nm>hongbao</Nm><Othr><Id>{bank}</Id></Othr></FinInstnId></Svcr>
</Acct>
{opening}
{closing}
<TxsSummry>
<TtlNtries><Sum>{sum}</Sum>\
<TtlNetNtry><Amt>{net}</Amt><CdtDbtInd>{way}</CdtDbtInd></TtlNetNtry></TtlNtries>
<TtlCdtNtries><Sum>{credits}</Sum></TtlCdtNtries>
<TtlDbtNtries><Sum>{debits}</Sum></TtlDbtNtries>
</TxsSummry>
"""

_OWNER_ID = (
    "<Id><PrvtId><Othr><Id>{number}</Id><SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId></Id>"
)

_BALANCE = """\
<Bal><Tp><CdOrPrtry><Cd>{type}</Cd></CdOrPrtry></Tp>\
<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>\
<Dt><Dt>{day}</Dt></Dt></Bal>\
"""

_ENTRY = """\
<Ntry>
<NtryRef>{id}</NtryRef>
<Amt Ccy="{currency}">{amount}</Amt>
<CdtDbtInd>{way}</CdtDbtInd>
<Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt>
<ValDt><Dt>{day}</Dt></ValDt>
<AcctSvcrRef>{id}</AcctSvcrRef>
<BkTxCd>\
<Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn>\
<Prtry><Cd>{kind}</Cd><Issr>hongbao</Issr></Prtry>\
</BkTxCd>
<NtryDtls><TxDtls>
{refs}<Amt Ccy="{currency}">{amount}</Amt>
<CdtDbtInd>{way}</CdtDbtInd>
<RltdPties><{party}><Pty><Nm>{name}</Nm></Pty></{party}></RltdPties>
<RmtInf>{lines}</RmtInf>
<RltdDts><TxDtTm>{at}</TxDtTm></RltdDts>
</TxDtls></NtryDtls>
</Ntry>
"""

_PACKET = "<Refs><Prtry><Tp>packet</Tp><Ref>{packet}</Ref></Prtry></Refs>\n"


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as camt.053.001.08, up to where its signature stands."""
    put_behind(out, lambda: _head(sheet.statement), map(_entry, entries(sheet.lines)))
    out.write(b"</Stmt>\n</BkToCstmrStmt>\n")


def statement_id(statement: "Statement") -> str:
    """
    Return the id of *statement*: whose, from when to when, and at which entry it ends.

    The same period, once it is over, has the same id; until then, each new entry makes
    another. The 35 characters that it may have are enough for a hundred million entries.
    """
    first, last = first_and_last(statement)
    entry = statement.head["entry"]
    return f"{statement.account_id}-{first:%y%m%d}-{last:%y%m%d}-{entry}"


def _head(statement: "Statement") -> str:
    first, last = first_and_last(statement)
    change_fen = statement.in_fen - statement.out_fen
    return _HEAD.format(
        id=statement_id(statement),
        created=iso(statement.ends_at),
        first=iso(first),
        last=iso(last),
        account=statement.account_id,
        currency=CURRENCY,
        profile=text(statement.profile, 70),
        owner=_owner(statement),
        bank=CODE,
        opening=_balance("OPBD", statement.opening_fen, first),
        closing=_balance("CLBD", statement.closing_fen, last),
        sum=yuan(statement.in_fen + statement.out_fen),
        net=yuan(abs(change_fen)),
        way=_way(change_fen),
        credits=yuan(statement.in_fen),
        debits=yuan(statement.out_fen),
    )


def _owner(statement: "Statement") -> str:
    name = statement.holder["real_name"] or statement.profile
    number = statement.holder["id_number"]
    said = f"<Nm>{text(name, NAME_MAX)}</Nm>"
    return said if number is None else said + _OWNER_ID.format(number=text(number, 35))


def _balance(kind: str, amount_fen: int, at: "datetime") -> str:
    return _BALANCE.format(
        type=kind,
        currency=CURRENCY,
        amount=yuan(abs(amount_fen)),
        way=_way(amount_fen),
        day=f"{at:%Y-%m-%d}",
    )


def _entry(entry: Entry) -> str:
    amount_fen = entry.leg.balance_fen
    family, sub_family = _CODES[entry.leg.kind]
    lines = (entry.narration, entry.greeting)
    return _ENTRY.format(
        id=entry.leg.id.replace("-fee", "-F"),  # 35 characters, with which the schema ends
        currency=CURRENCY,
        amount=yuan(abs(amount_fen)),
        way=_way(amount_fen),
        day=f"{entry.at:%Y-%m-%d}",
        family=family,
        sub_family=sub_family,
        kind=entry.leg.kind,
        refs=_PACKET.format(packet=entry.packet) if entry.packet else "",
        party="Dbtr" if amount_fen > 0 else "Cdtr",
        name=text(entry.payee, NAME_MAX),
        lines="".join(f"<Ustrd>{text(line, LINE_MAX)}</Ustrd>" for line in lines if line),
        at=iso(entry.at),
    )


def _way(amount_fen: int) -> str:
    return "DBIT" if amount_fen < 0 else "CRDT"
