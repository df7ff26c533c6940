"""
Receipt formats: a receipt's line as a text slip, a JSON document, a QR code or a PDF.

Each is made from the line and from nothing else. So its holder can read the line in it, check
its signature, and make the form again: one that differs was edited. Words are
Chinese and English at once, so that a payment has one slip, in either language.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from hongbao.documents import to_json
from hongbao.statements._proofs.differences import Difference, Lines
from hongbao.statements._proofs.receipt import (
    SCHEMA,
    Sealed,
    from_base64,
    is_torn,
    parse,
    to_base64,
)
from hongbao.units import clock, yuan
from hongbao.words import BANK_NAMES

if TYPE_CHECKING:
    from hongbao.queries.statement import Signer

FORMATS = ("text", "json", "svg", "qr", "pdf")

WIDTH = 40
"""How many columns a slip has: those of a till's roll."""

SIZE_MAX = 1 << 18
"""How many bytes a receipt has at most, in any form."""

_ACTS = {
    "topup": "充值 top-up",
    "withdraw": "提现 withdrawal",
    "withdraw_returned": "提现退回 withdrawal returned",
    "send": "发红包 red packet sent",
    "claim": "领取红包 red packet claimed",
    "refund": "红包退回 red packet returned",
    "refund_to_balance": "退款转入零钱 refund to balance",
    "released": "冻结期满解冻 hold released",
    "returned": "冻结期满退回 hold returned",
    "approved": "审核通过 hold approved",
    "rejected": "审核未通过 hold rejected",
}
_STATUSES = {
    "done": "已完成 done",
    "held": "冻结中 held",
    "on_its_way": "处理中 on its way",
    "came_back": "已退回 came back",
}
_PLACES = {"balance": "零钱 balance", "packet": "红包 red packet"}
_ANYONE = "先到先得 whoever is first"
_RULE = "─" * WIDTH


_SEAL = re.compile(
    rb"\n% (HBR[12]\|[^\n]*)\n% HBR1-PDF\|([0-9]{1,9})\|([0-9a-f]{64})\|([\w-]{86})\n\Z", re.ASCII
)
"""What stands behind the end of a PDF, as comments: the receipt, and a signature of all before."""

_LINE = r"HBR[12]\|"
"""How the line of a receipt begins."""

_MODULE = 3
_LEFT, _RIGHT, _TOP, _PITCH, _SIZE = 60, 340, 60, 15, 9


def write(
    receipt: Sealed, format_name: str, out: BinaryIO, signer: "Signer", font: str | None = None
) -> None:
    """
    Write *receipt* to *out* in the form called *format_name*, one of `FORMATS`.

    A PDF as such is signed too: its bytes differ with the *font*, the one named or one found.
    """
    match format_name:
        case "text":
            out.write(text(receipt).encode())
        case "json":
            out.write(document(receipt).encode())
        case "svg":
            out.write(svg(receipt).encode())
        case "qr":
            out.write("".join(f"{row}\n" for row in blocks(receipt)).encode())
        case "pdf":
            out.write(pdf(receipt, signer, font))
        case _:
            raise ValueError(f"no form of a receipt is called {format_name!r}")


def text(receipt: Sealed) -> str:
    """Return *receipt* as a slip of forty columns, with its line at the foot."""
    rows = [_RULE, _centred("红包 hongbao"), _centred("收据 receipt")]
    for part in _parts(receipt):
        rows += [_RULE, *(row for fact in part for row in _row(*fact))]
    rows += [_RULE, *_folded(receipt.line, WIDTH), _RULE, "核验 check: hongbao verify-statement"]
    return "".join(f"{row}\n" for row in rows)


def document(receipt: Sealed) -> str:
    """Return *receipt* as a JSON document."""
    rows = (f"  {to_json(name)}: {to_json(fact)}" for name, fact in receipt.shown().items())
    return "{\n" + ",\n".join(rows) + "\n}\n"


def svg(receipt: Sealed) -> str:
    """Return *receipt* as a picture of its QR code, with its line as the description."""
    from hongbao.statements._proofs.qr import QUIET, matrix

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


def pdf(receipt: Sealed, signer: "Signer", font: str | None = None) -> bytes:
    """
    Return *receipt* as a page to print, with its QR code, in the *font* that is named or one found.

    Raises PdfMissing, FontMissing and FontUnusable.
    """
    from hongbao.statements._paper import GREY, Paper
    from hongbao.statements._proofs.qr import matrix

    facts = receipt.facts
    title = f"红包 hongbao · 收据 receipt · {facts['id']}"
    with Paper(title=title, language="zh", at=_instant(facts["at"]), font=font) as paper:
        paper.turn()
        y = _TOP
        paper.text(_LEFT, y, "红包 hongbao · 收据 receipt", 16)
        for part in _parts(receipt):
            y += _PITCH
            paper.hairline(_LEFT, y, _RIGHT - _LEFT)
            for name, fact in part:
                shown = paper.wrapped(fact, _SIZE, (_RIGHT - _LEFT) * 2 // 3)
                paper.text(_LEFT, y + _PITCH, name, _SIZE, GREY)
                for line in shown:
                    y += _PITCH
                    paper.text(_RIGHT, y, line, _SIZE, right=True)
        y += 2 * _PITCH
        for row, modules in enumerate(matrix(receipt.line)):
            for start, length in _runs(modules):
                x = _LEFT + start * _MODULE
                paper.box(x, y + row * _MODULE, length * _MODULE, _MODULE, (0, 0, 0))
        y += len(matrix(receipt.line)) * _MODULE + 2 * _PITCH
        for line in paper.wrapped(receipt.line, 7, _RIGHT - _LEFT):
            paper.text(_LEFT, y, line, 7, GREY)
            y += 10
        content = paper.content().rstrip(b"\n") + b"\n"
    content += f"% {receipt.line}\n".encode()
    said = f"HBR1-PDF|{len(content)}|{hashlib.sha256(content).hexdigest()}"
    return content + f"% {said}|{to_base64(signer.sign(said.encode()))}\n".encode()


def _runs(modules: list[bool]) -> Iterator[tuple[int, int]]:
    """Yield where dark modules stand side by side, and how many: between boxes, paper shows."""
    start = None
    for place, is_dark in enumerate([*modules, False]):
        if is_dark and start is None:
            start = place
        elif not is_dark and start is not None:
            yield start, place - start
            start = None


def blocks(receipt: Sealed) -> list[str]:
    """Return the QR code of *receipt* for a terminal."""
    from hongbao.statements._proofs import qr

    return qr.blocks(receipt.line)


# --- reading them --------------------------------------------------------------------------------


class Found(NamedTuple):
    """
    A receipt in a file: its form, and what of it was *found*.

    *sealed* is None if its line cannot be read, which may be *torn* off. A PDF is *whole* where
    the signature behind it fits.
    """

    format_name: str
    sealed: Sealed | None
    is_torn: bool
    content: str
    is_whole: bool = True

    def difference(self) -> Difference | None:
        """Return where the file says something other than its line; None if it does not."""
        assert self.sealed is not None
        if self.format_name in ("line", "pdf"):
            return None if self.is_whole else Difference("edited")
        if self.format_name == "json":
            is_same = _says_the_same(_read_once(self.content), dict(self.sealed.shown()))
            return None if is_same else self._compared(document(self.sealed))
        ours = text(self.sealed) if self.format_name == "text" else svg(self.sealed)
        return None if ours == self.content else self._compared(ours)

    def _compared(self, ours: str) -> Difference:
        compared = Lines(iter(self.content.encode("utf-8", "replace").splitlines(keepends=True)))
        compared.write(ours.encode())
        found = compared.difference(has_end=True)
        return found or Difference("edited")


def found_in(file: BinaryIO) -> Found | None:
    """Return the receipt that is all of *file*, in any form; None if there is none."""
    file.seek(0)
    raw = file.read(SIZE_MAX + 1)
    if len(raw) > SIZE_MAX or b"HBR" not in raw:
        return None
    if raw.startswith(b"%PDF"):
        return _found_in_pdf(raw)
    content = raw.decode("utf-8", errors="replace")
    stripped = content.strip().removeprefix("\ufeff")
    if re.match(_LINE, stripped):
        return _found("line", "".join(stripped.split()), content)
    if stripped.startswith("{"):
        return _found_in_document(content)
    if stripped.startswith("<"):
        described = re.search(rf"<desc>({_LINE}[^<]*)(</desc>)?", content)
        return described and _found("svg", _unescaped(described[1]), content)
    foot = re.search(rf"^({_LINE}.*?)(?:^─|\Z)", content, re.MULTILINE | re.DOTALL)
    return foot and _found("text", "".join(foot[1].split()), content)


def _found_in_document(content: str) -> Found | None:
    try:
        read = _read_once(content)
    except (ValueError, RecursionError):
        is_ours = SCHEMA in content
        return Found("json", None, is_torn=True, content=content) if is_ours else None
    line = read.get("receipt") if isinstance(read, dict) else None
    if not isinstance(line, str) or not re.match(_LINE, line):
        return None
    return _found("json", line, content)


def _found_in_pdf(raw: bytes) -> Found | None:
    """Return the receipt behind the end of a PDF: whole, where the signature there fits."""
    from hongbao.vault import verify

    seal = _SEAL.search(raw)
    if seal is None:
        line = raw[raw.rindex(b"HBR") :].decode("utf-8", "replace").partition("\n")[0]
        return _found("pdf", line, "")._replace(is_whole=False)
    found = _found("pdf", seal[1].decode("utf-8", "replace"), "")
    if found.sealed is None:
        return found
    content = raw[: int(seal[2])]
    said = f"HBR1-PDF|{len(content)}|{hashlib.sha256(content).hexdigest()}"
    is_whole = (
        len(content) == seal.start(1) + len(seal[1]) + 1
        and said.encode() == b"HBR1-PDF|%b|%b" % (seal[2], seal[3])
        and verify(found.sealed.facts["public_key"], said.encode(), _signature(seal[4]))
    )
    return found._replace(is_whole=is_whole)


def _signature(text: bytes) -> bytes:
    try:
        return from_base64(text.decode(), 64)
    except ValueError:
        return b""


def _read_once(content: str) -> Any:
    """Read a JSON document in which no name stands twice: two readers might take either."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) < len(pairs):
            raise ValueError("a name stands twice")
        return read

    return json.loads(content, object_pairs_hook=once, parse_int=_whole)


def _whole(text: str) -> int | str:
    return text if text == "-0" else int(text)  # what no document of ours has stays as it is


def _says_the_same(read: dict[str, Any], signed: dict[str, Any]) -> bool:
    """
    Return whether a document has what was *signed*, in its own type.

    To Python 600, 600.0 and 6e2 are equal, and so are 0 and false: other programs tell them apart.
    """
    return read.keys() == signed.keys() and all(
        type(read[name]) is type(value) and read[name] == value for name, value in signed.items()
    )


def _found(format_name: str, line: str, content: str) -> Found:
    sealed = parse(line)
    return Found(format_name, sealed, sealed is None and is_torn(line), content)


# --- the slip ------------------------------------------------------------------------------------


def _parts(receipt: Sealed) -> list[list[tuple[str, str]]]:
    """Return the parts of a slip: each fact's name, and the fact."""
    facts = receipt.facts
    fee, shares, packet, payment = (
        facts[name] for name in ("fee_fen", "shares", "packet", "payment")
    )
    checkpoint = facts.get("checkpoint")
    return [
        [
            (_ACTS[facts["act"]], _STATUSES[facts["status"]]),
            ("金额 amount", f"¥ {yuan(facts['amount_fen'])}"),
            *([("服务费 fee", f"¥ {yuan(fee)}")] if fee else []),
        ],
        [
            ("时间 time", f"{clock(_instant(facts['at']))} +08:00"),
            ("付款方 paid by", facts["payer"]),
            ("付款自 out of", _place(facts["out_of"])),
            ("收款方 paid to", facts["payee"] or _ANYONE),
            ("收款至 into", _place(facts["into"])),
            *([("份数 shares", str(shares))] if shares is not None else []),
        ],
        [
            *([("红包编号 packet", packet)] if packet is not None else []),
            *([("交易单号 payment", payment)] if payment is not None else []),
            ("请求号 request", facts["request_id"]),
            ("流水号 movement", facts["id"]),
            ("账目校验码 seal", facts["mac"].hex()),
            *([("检查点 checkpoint", " ".join(checkpoint.split()))] if checkpoint else []),
            ("公钥 public key", facts["public_key"].hex()),
        ],
    ]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _centred(text: str) -> str:
    return " " * ((WIDTH - _columns(text)) // 2) + text


def _row(name: str, fact: str) -> Iterator[str]:
    """Yield *name* and *fact* at both ends of a line; a long one on separate lines below."""
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
    """Return the title of a place of money: the balance, a packet, or a card with its bank."""
    bank = BANK_NAMES.get(place.partition("-")[0])
    if bank is None:
        return _PLACES.get(place, place)
    return f"{bank[1]} {place}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
