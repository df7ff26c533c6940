"""
Receipts: one payment on one line, signed, and that line as a slip, a document or a QR code.

The line is the receipt, and every other form is made from it. So whoever has a slip can read the
line at its foot, check the signature of that, and make the slip once more: a slip that says
anything else was edited. Its words are Chinese and English at once, so that one payment has one
slip in whatever language it is asked for.
"""

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from hongbao.answers import ReceiptShown
from hongbao.domain.ids import parse_movement_id
from hongbao.statements._differing import Difference, Lines
from hongbao.statements.json import on_one_line
from hongbao.units import clock, yuan
from hongbao.words import BANK_NAMES

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.wallet.receipting import Receipt
    from hongbao.wallet.stating import Signer

SCHEMA = "hongbao/receipt@1"
MARK = "HBR1"
"""What the line begins with; its number grows when a reader would have to change."""

FORMATS = ("text", "json", "svg", "qr")

FIELDS = (
    *("id", "act", "status", "at", "amount_fen", "fee_fen", "payer", "payee", "shares"),
    *("out_of", "into", "packet", "payment", "request_id", "masked", "mac", "public_key"),
)
"""What stands between the bars, in this order; behind it stands the signature."""

WIDTH = 40
"""How many columns a slip has: those of a till's roll."""

SIZE_MAX = 1 << 16
"""How many bytes a receipt has at most, in any form."""

_WHOLE = frozenset({"amount_fen", "fee_fen", "shares"})
_BYTES = {"mac": 32, "public_key": 32}
_SIGNATURE_BYTES = 64
_QUOTED = re.compile(r"[%|\s]")
_UNQUOTED = re.compile(rb"%([0-9A-F]{2})")

_ACTS = {
    "topup": "充值 top-up",
    "withdraw": "提现 withdrawal",
    "withdraw_returned": "提现退回 withdrawal returned",
    "send": "发红包 red packet sent",
    "claim": "领取红包 red packet claimed",
    "refund": "红包退回 red packet returned",
    "refund_to_balance": "退款转入零钱 refund to balance",
    "released": "暂扣期满放行 hold released",
    "returned": "暂扣期满退还 hold returned",
    "approved": "审核通过 hold approved",
    "rejected": "审核未通过 hold rejected",
}
_STATUSES = {
    "done": "已完成 done",
    "held": "暂扣中 held",
    "on_its_way": "处理中 on its way",
    "came_back": "已退回 came back",
}
_PLACES = {"balance": "零钱 balance", "packet": "红包 red packet"}
_ANYONE = "先到先得 whoever is first"
_RULE = "─" * WIDTH


class Sealed(NamedTuple):
    """A receipt's *line*, what it says, and its signature."""

    line: str
    facts: dict[str, Any]
    signature: bytes

    @property
    def fits(self) -> bool:
        """Whether the key that it names, whosever that is, has signed it."""
        from hongbao.vault import verify

        said = self.line.rpartition("|")[0].encode()
        return verify(self.facts["public_key"], said, self.signature)

    def shown(self) -> ReceiptShown:
        """Return the receipt for programs."""
        facts = {
            name: fact.hex() if isinstance(fact, bytes) else fact
            for name, fact in self.facts.items()
        }
        numbered = parse_movement_id(facts["id"])
        assert numbered is not None
        mac, public_key = facts.pop("mac"), facts.pop("public_key")
        shown: Any = {
            "schema": SCHEMA,
            **facts,
            "entry": numbered[1],
            "mac": mac,
            "public_key": public_key,
            "signature": self.signature.hex(),
            "receipt": self.line,
        }
        return shown  # type: ignore[no-any-return]


def sealed(receipt: "Receipt", signer: "Signer") -> Sealed:
    """Return *receipt* on its line, signed."""
    facts = {**receipt._asdict(), "public_key": signer.public_key}
    said = "|".join([MARK, *(_written(name, facts[name]) for name in FIELDS)])
    signature = signer.sign(said.encode())
    return Sealed(f"{said}|{_base64(signature)}", facts, signature)


def parse(line: str) -> Sealed | None:
    """Return what the *line* of a receipt says; None where it is no such line, or not all of it."""
    mark, *fields = line.split("|")
    if mark != MARK or len(fields) != len(FIELDS) + 1:
        return None
    try:
        facts = {name: _read(name, text) for name, text in zip(FIELDS, fields[:-1], strict=True)}
        signature = _bytes(fields[-1], _SIGNATURE_BYTES)
        again = "|".join([MARK, *(_written(name, facts[name]) for name in FIELDS)])
        is_ours = (
            f"{again}|{_base64(signature)}" == line  # there is one way to write it
            and parse_movement_id(facts["id"]) is not None
            and clock(_instant(facts["at"])) is not None
            and all(facts[name] in known for name, known in _KNOWN.items())
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return Sealed(line, facts, signature) if is_ours else None


_KNOWN: dict[str, Any] = {"act": _ACTS, "status": _STATUSES}


# --- its forms -----------------------------------------------------------------------------------


def write(receipt: Sealed, format_name: str, out: BinaryIO) -> None:
    """Write *receipt* to *out* in the form called *format_name*, one of `FORMATS`."""
    forms: dict[str, Callable[[Sealed], str]] = {
        "text": text,
        "json": document,
        "svg": svg,
        "qr": lambda sealed: "".join(f"{row}\n" for row in blocks(sealed)),
    }
    out.write(forms[format_name](receipt).encode())


def text(receipt: Sealed) -> str:
    """Return *receipt* as a slip of forty columns, with its line at the foot."""
    facts = receipt.facts
    rows = [
        _RULE,
        _centred("红包 hongbao"),
        _centred("收据 receipt"),
        _RULE,
        *_row(_ACTS[facts["act"]], _STATUSES[facts["status"]]),
        *_row("金额 amount", f"¥ {yuan(facts['amount_fen'])}"),
        *([] if not facts["fee_fen"] else _row("服务费 fee", f"¥ {yuan(facts['fee_fen'])}")),
        _RULE,
        *_row("时间 time", f"{clock(_instant(facts['at']))} +08:00"),
        *_row("付款方 paid by", facts["payer"]),
        *_row("付款自 out of", _place(facts["out_of"])),
        *_row("收款方 paid to", facts["payee"] or _ANYONE),
        *_row("收款至 into", _place(facts["into"])),
        *([] if facts["shares"] is None else _row("份数 shares", str(facts["shares"]))),
        _RULE,
        *([] if facts["packet"] is None else _row("红包号 packet", facts["packet"])),
        *([] if facts["payment"] is None else _row("支付单号 payment", facts["payment"])),
        *_row("请求号 request", facts["request_id"]),
        *_row("流水号 movement", facts["id"]),
        *_row("账目印 seal", facts["mac"].hex()),
        *_row("公钥 public key", facts["public_key"].hex()),
        _RULE,
        *_folded(receipt.line, WIDTH),
        _RULE,
        "核验 check: hongbao verify-statement",
    ]
    return "".join(f"{row}\n" for row in rows)


def document(receipt: Sealed) -> str:
    """Return *receipt* as a JSON document."""
    rows = (f"  {json.dumps(name)}: {on_one_line(fact)}" for name, fact in receipt.shown().items())
    return "{\n" + ",\n".join(rows) + "\n}\n"


def svg(receipt: Sealed) -> str:
    """Return *receipt* as a picture of its QR code, with its line as the description."""
    from hongbao.statements._qr import QUIET, matrix

    modules = matrix(receipt.line)
    size = len(modules) + 2 * QUIET
    dark = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y, row in enumerate(modules)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}mm"'
        f' height="{size}mm" shape-rendering="crispEdges">\n'
        f"<title>hongbao {receipt.facts['id']}</title>\n"
        f"<desc>{_escaped(receipt.line)}</desc>\n"
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>\n'
        f'<path d="{dark}"/>\n'
        "</svg>\n"
    )


def blocks(receipt: Sealed) -> list[str]:
    """
    Return the QR code of *receipt* for a terminal, two of its rows a line.

    What is light in the code is drawn, because a terminal is dark.
    """
    from hongbao.statements._qr import QUIET, matrix

    modules = matrix(receipt.line)
    blank = [False] * (len(modules) + 2 * QUIET)
    edge = [False] * QUIET
    rows = [
        *[blank] * QUIET,
        *([*edge, *row, *edge] for row in modules),
        *[blank] * (QUIET + (len(modules) + 2 * QUIET) % 2),
    ]
    drawn = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    return [
        "".join(drawn[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


# --- reading them --------------------------------------------------------------------------------


class Found(NamedTuple):
    """
    A receipt in a file: its form, and what of it was *found*.

    *sealed* is None where its line cannot be read, which may be *torn* off.
    """

    format_name: str
    sealed: Sealed | None
    is_torn: bool
    content: str

    def difference(self) -> Difference | None:
        """Return where the file says something other than its line; None where it does not."""
        assert self.sealed is not None
        if self.format_name == "line":
            return None
        if self.format_name == "json":
            is_same = json.loads(self.content) == dict(self.sealed.shown())
            return None if is_same else self._compared(document(self.sealed))
        ours = text(self.sealed) if self.format_name == "text" else svg(self.sealed)
        return None if ours == self.content else self._compared(ours)

    def _compared(self, ours: str) -> Difference:
        compared = Lines(iter(self.content.encode("utf-8", "replace").splitlines(keepends=True)))
        compared.write(ours.encode())
        found = compared.difference(has_end=True)
        return found or Difference("edited")


def found_in(file: BinaryIO) -> Found | None:
    """Return the receipt that is all of *file*, in whatever form; None where there is none."""
    file.seek(0)
    raw = file.read(SIZE_MAX + 1)
    if len(raw) > SIZE_MAX or MARK.encode() not in raw:
        return None
    content = raw.decode("utf-8", errors="replace")
    stripped = content.strip().removeprefix("\ufeff")
    if stripped.startswith(f"{MARK}|"):
        return _found("line", "".join(stripped.split()), content)
    if stripped.startswith("{"):
        return _found_in_document(content)
    if stripped.startswith("<"):
        described = re.search(rf"<desc>({MARK}\|[^<]*)(</desc>)?", content)
        return described and _found("svg", _unescaped(described[1]), content)
    foot = re.search(rf"^({MARK}\|.*?)(?:^─|\Z)", content, re.MULTILINE | re.DOTALL)
    return foot and _found("text", "".join(foot[1].split()), content)


def _found_in_document(content: str) -> Found | None:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        is_ours = SCHEMA in content
        return Found("json", None, is_torn=True, content=content) if is_ours else None
    line = read.get("receipt") if isinstance(read, dict) else None
    if not isinstance(line, str) or not line.startswith(f"{MARK}|"):
        return None
    return _found("json", line, content)


def _found(format_name: str, line: str, content: str) -> Found:
    sealed = parse(line)
    given = line.split("|")
    is_torn = sealed is None and (
        len(given) < len(FIELDS) + 2 or len(given[-1]) < len(_base64(bytes(_SIGNATURE_BYTES)))
    )
    return Found(format_name, sealed, is_torn, content)


# --- the line ------------------------------------------------------------------------------------


def _written(name: str, fact: Any) -> str:
    if name == "masked":
        return "masked" if fact else ""
    if fact is None:
        return ""
    if name in _BYTES:
        return _base64(fact)
    return _QUOTED.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), str(fact))


def _read(name: str, text: str) -> Any:
    if name == "masked":
        return text == "masked"
    if name in _BYTES:
        return _bytes(text, _BYTES[name])
    if not text:
        return None
    if name in _WHOLE:
        if re.fullmatch(r"[0-9]{1,18}", text) is None:
            raise ValueError("no whole number")
        return int(text)
    return _UNQUOTED.sub(lambda found: bytes([int(found[1], 16)]), text.encode()).decode()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str, length: int) -> bytes:
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(content) != length:
        raise ValueError("too short or too long")
    return content


def _instant(text: str) -> "datetime":
    from datetime import datetime

    return datetime.fromisoformat(text)


# --- the slip ------------------------------------------------------------------------------------


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _centred(text: str) -> str:
    return " " * ((WIDTH - _columns(text)) // 2) + text


def _row(name: str, fact: str) -> Iterator[str]:
    """Yield *name* and *fact* at both ends of a line; a long one on lines of its own below."""
    between = WIDTH - _columns(name) - _columns(fact)
    if between > 0:
        yield name + " " * between + fact
        return
    yield name
    for line in _folded(fact, WIDTH - 2):
        yield " " * (WIDTH - _columns(line)) + line


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield *text* in lines of at most *width* columns, broken anywhere."""
    line = ""
    for character in text:
        if _columns(line + character) > width:
            yield line
            line = ""
        line += character
    yield line


def _place(place: str) -> str:
    """Return how people call where money is: the balance, a packet, or a card with its bank."""
    bank = BANK_NAMES.get(place.partition("-")[0])
    if bank is None:
        return _PLACES.get(place, place)
    return f"{bank[1]} {place}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
