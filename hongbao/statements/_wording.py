"""
Descriptions of legs for accounting programs: the counterparty, and what happened.

They are in Chinese in a statement of either language, as in a WeChat bill: people
sort and match by them, and a payee that changes with the reader's language would match nothing.
"""

from typing import TYPE_CHECKING, NamedTuple

from hongbao.words import BANK_NAMES

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.statements._legs import Leg

PLATFORM = "hongbao"
"""Whom a fee is paid to."""

PACKET = "红包"
"""What stands where no name is known."""

_PACKETS = {"lucky": "拼手气红包", "equal": "普通红包", "exclusive": "专属红包"}
_JOINERS = "\u200c\u200d"
_DEMO = "（演示）"

_OF_A_HOLD = {
    "released": "（冻结期满解冻）",
    "approved": "（审核通过）",
    "returned": "（冻结期满退回）",
    "rejected": "（审核未通过）",
}
"""What is added where money had been held: how the hold ended."""


TRANSIT = "在途资金"
"""Where money is that has left and has not arrived."""

_UNFINISHED = {"on_its_way": "（处理中）", "held": "（审核中）", "came_back": "（未成功）"}
"""What is added where a payment had not come to its card by the end of the period."""


class Words(NamedTuple):
    """The counterparty, and what happened. Both on one line, never empty."""

    payee: str
    narration: str


def words_of(line: "MovementLine", leg: "Leg") -> Words:
    """
    Return the description of *leg*, which is one of *line*'s.

    A name is the one that the line has, masked if that is. Which group of people a packet was for
    is not known here, so its payee is the packet itself. Nothing in the words is longer than a
    name. They are *plain*, but may hold what a format gives a meaning: quotes, ``<``, ``;``.
    """
    what = _PACKETS.get(line["packet_kind"] or "", PACKET)
    other = plain(line["counterparty"] or "") or PACKET
    how = _OF_A_HOLD.get(line["act"], "")
    stands = _UNFINISHED.get(line["status"], "")
    bank = TRANSIT if stands else bank_of(line)
    match leg.kind:
        case "topup":
            return Words(bank_of(line), "零钱充值")
        case "withdraw":
            return Words(bank, f"零钱提现{stands}")
        case "fee":
            return Words(PLATFORM, f"提现服务费{stands}")
        case "paid_out":
            return Words(bank, "提现已到账")
        case "refund_arrived":
            return Words(bank, "红包退款已到账")
        case "withdraw_returned":
            return Words(TRANSIT, f"提现退回{how}")
        case "fee_returned":
            return Words(PLATFORM, f"提现服务费退回{how}")
        case "refund_to_balance":
            return Words(TRANSIT, "红包退款未能退回银行卡，转入零钱")
        case "send" if line["packet_kind"] == "exclusive":
            return Words(other, what)
        case "send":
            return Words(other, f"{what} {line['shares'] or 1}个")
        case "claim":
            return Words(other, f"领取红包{how}")
        case "refund":
            return Words(other, f"红包退回{how}{stands}" if how else f"红包过期退回{stands}")
        case kind:
            raise AssertionError(f"no words are known for {kind!r}")


def bank_of(line: "MovementLine") -> str:
    """
    Return the card of *line* as Chinese bills write it: ``招商银行(3334)``.

    That the bank is a demo's is left out, because importers know cards by this form.
    """
    name = BANK_NAMES.get(line["bank"] or "", ("", "银行卡"))[1].removesuffix(_DEMO)
    tail = line["card_tail"]
    return name if tail is None else f"{name}({tail})"


def plain(text: str) -> str:
    """
    Return *text* on one line, without what a screen or a parser would obey rather than show.

    Line ends of any kind and other blanks become spaces; controls, direction marks and what is no
    character at all go. The joiners stay: emoji and some scripts are written with them.

    >>> plain('恭喜"\\n\\u2028plugin\\x1b[2J'), plain("👩\\u200d👧")
    ('恭喜"  plugin[2J', '👩\\u200d👧')
    """
    if text.isprintable():  # nearly always, and tens of times faster
        return text.strip()
    shown = (" " if c.isspace() else c for c in text)
    return "".join(c for c in shown if c.isprintable() or c in _JOINERS).strip()
