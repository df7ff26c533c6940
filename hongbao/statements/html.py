"""
HTML: a page to read, to print, or to hand in, that needs nothing but itself.

Its style is in it, it loads nothing and runs nothing, and says so to the browser. It is well-formed
XML as well, so that any parser reads it. Printed, each page repeats the table's head, and browsers
that know how number the pages.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._printed import COLUMNS, RIGHT, Facts, Printed, Row
from hongbao.statements._spool import put_behind

ENDINGS = (".html", ".htm")
SIGNATURE = (b"<!-- hongbao-signature: ", b" -->\n</body></html>\n")
FULL = True
SPOKEN = True

_META = """\
<meta charset="utf-8" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'" />
<meta name="viewport" content="width=device-width" />
<meta name="generator" content="hongbao" />"""

_STYLE = """\
body{font:14px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;\
color:#222;max-width:64em;margin:2em auto;padding:0 1em}
h1{font-size:1.9em;font-weight:600;margin:0;display:flex;align-items:center;gap:.4em}
h1 i{width:.68em;height:.9em;border-radius:.1em;background:radial-gradient(circle at 50% 36%,\
#f6c65b .14em,transparent .16em),linear-gradient(#a81b21 36%,#c8252c 36%)}
.period{color:#666;margin:.1em 0 1.4em}
dl{margin:0}dt{color:#666}dd{margin:0;overflow-wrap:anywhere}
.who div,.proof div{display:flex;gap:1em}.who dt,.proof dt{flex:0 0 10em}
.sums{display:flex;flex-wrap:wrap;gap:.5em 2em;justify-content:space-between;margin:1.4em 0;\
padding:.7em 0;border:solid #c8252c;border-width:2px 0 1px}
.sums dd{font-size:1.25em}
.sums dd,td{font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;font-size:.86em}
th{font-weight:400;color:#666;text-align:left;border-bottom:1px solid #999}
td{border-bottom:1px solid #e4e4e4}
th,td{padding:.3em .5em;vertical-align:top;overflow-wrap:anywhere}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
.r{text-align:right}.r,td:nth-child(2),td:nth-child(5){white-space:nowrap}
footer{margin-top:2em;font-size:.8em}footer p{color:#666;margin:.8em 0 0}
@page{size:A4;margin:16mm 14mm 18mm;@bottom-right{content:counter(page) " / " counter(pages);\
font:9px sans-serif;color:#666}}
@media print{body{margin:0;padding:0;max-width:none;font-size:11px;\
print-color-adjust:exact;-webkit-print-color-adjust:exact}
thead{display:table-header-group}tr,.who,.sums,footer{break-inside:avoid}}
"""


def _class(column: str) -> str:
    return ' class="r"' if column in RIGHT else ""


_CELLS = "".join(f"<td{_class(column)}>{{{column}}}</td>" for column in COLUMNS)


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a page, up to where its signature follows."""
    printed = Printed(sheet)
    put_behind(out, lambda: _lines(_above(printed)), _rows(printed))
    out.write(_lines(_below(printed)).encode())


def _above(printed: Printed) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html xmlns="http://www.w3.org/1999/xhtml" lang="{printed.language}">'
    yield f"<head>{_META}\n<title>{escape(printed.name)}</title>\n<style>\n{_STYLE}</style></head>"
    yield f"<body>\n<h1><i></i>{escape(printed.title)}</h1>"
    yield f'<p class="period">{escape(printed.period)}</p>'
    yield _facts("who", printed.who)
    yield _facts("sums", printed.sums)
    yield f"<table>\n<thead><tr>{_heads(printed.headings)}</tr></thead>\n<tbody>"


def _rows(printed: Printed) -> Iterator[str]:
    for row in printed.rows():
        cells = {column: escape(text) for column, text in row.items()}
        yield f"<tr>{_CELLS.format_map(cells)}</tr>\n"


def _below(printed: Printed) -> Iterator[str]:
    if not printed.count:
        yield f'<tr><td colspan="{len(COLUMNS)}">{escape(printed.nothing)}</td></tr>'
    yield "</tbody></table>\n<footer>"
    yield _facts("proof", printed.proof)
    for note in printed.notes:
        yield f"<p>{escape(note)}</p>"
    yield "</footer>"


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _facts(name: str, facts: Facts) -> str:
    rows = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(fact)}</dd></div>" for what, fact in facts
    )
    return f'<dl class="{name}">{rows}</dl>'


def _heads(headings: Row) -> str:
    return "".join(
        f'<th scope="col"{_class(name)}>{escape(heading)}</th>'
        for name, heading in headings.items()
    )
