"""
Films as one page of HTML: a slider that moves the terminal, and the books next to it.

The page loads nothing. Everything that it shows is in it, drawn already; its script hides and shows
and moves, so without a script it is a picture of the end. The slider, the buttons and the chapters
are the browser's own, and work with a keyboard.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hongbao.recordings.film import Film
from hongbao.recordings.timing import IDLE_MAX
from hongbao.ui import picture, wording
from hongbao.ui.picture import CELL, FONTS, MARGIN, PALETTES, ROW, SIZE, lang, num, xml
from hongbao.units import yuan
from hongbao.words import N_, _


def page(film: Film) -> str:
    """Return *film* as a page of HTML in the language in use."""
    states, places = _states(film)
    pieces = [_table(books, before) for before, books in states]
    tables = (
        f"<div{'' if number == len(states) - 1 else ' hidden'}>{piece}</div>"
        for number, piece in enumerate(pieces)
    )
    buttons = "".join(
        f'<li><button type="button" data-moment="{number}">{xml(moment.label)}</button></li>'
        for number, moment in enumerate(film.moments)
        if moment.kind == "began"
    )
    end = len(film.moments) - 1
    back, following, start = (xml(_(word)) for word in (N_("back"), N_("next"), N_("play")))
    place, title, as_text = (
        xml(_(word)) for word in (N_("moment"), N_("the books"), N_("as text"))
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src '{_hash(_SCRIPT)}'"
    return f"""<!doctype html>
<html lang="{lang()}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{xml(film.title)}</title>
<style>
{_style()}</style>
</head>
<body>
<h1>{xml(film.title)}</h1>
<div id="controls" hidden>
<button type="button" id="back" aria-label="{back}">‹</button>
<button type="button" id="play" aria-pressed="false">{start}</button>
<button type="button" id="next" aria-label="{following}">›</button>
<input type="range" id="moment" min="0" max="{end}" value="{end}" aria-label="{place}">
<output id="label" for="moment"></output>
<ol id="chapters">{buttons}</ol>
</div>
<main>
{_terminal(film)}
<section id="books" aria-label="{title}">
{"".join(tables)}
</section>
</main>
<details>
<summary>{as_text}</summary>
<pre>
{xml(chr(10).join(film.carried.lines))}
</pre>
</details>
<script type="application/json" id="hongbao">{_json(film.carried.document())}</script>
<script type="application/json" id="moments">{_json(_moments(film, places))}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _json(document: object) -> str:
    """Return *document* as JSON that ends no script and begins no comment."""
    return json.dumps(document, ensure_ascii=True).replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _moments(film: Film, places: Sequence[int]) -> dict[str, object]:
    moments = [
        {
            "lines": moment.lines,
            "wait": min(max(following.at - moment.at, 0), IDLE_MAX),
            "label": moment.label,
            "books": place,
        }
        for moment, following, place in zip(
            film.moments, (*film.moments[1:], film.moments[-1]), places, strict=True
        )
    ]
    return {
        "moments": moments,
        "rows": film.rows,
        "row": ROW,
        "play": _("play"),
        "pause": _("pause"),
    }


# --- the terminal ---------------------------------------------------------------------------------


def _terminal(film: Film) -> str:
    """Return the terminal: every line in a group, the end of them in the window."""
    palette = PALETTES["light"]
    width, height = film.columns * CELL + 2 * MARGIN, film.rows * ROW
    whole = height + 2 * MARGIN
    end = max(len(film.lines) - film.rows, 0) * ROW
    inside = f'x="0.5" y="0.5" width="{num(width - 1)}" height="{num(whole - 1)}" rx="8"'
    shapes = (
        f"<g>{''.join(picture.drawn(line.runs, number * ROW, palette))}</g>"
        for number, line in enumerate(film.lines)
    )
    return "\n".join(
        (
            f'<svg id="terminal" viewBox="0 0 {num(width)} {num(whole)}" role="img"',
            f'font-family="{FONTS}" font-size="{SIZE}">',
            f"<title>{xml(film.title)}</title>",
            picture.dark_style(),
            f'<rect class="paper" {inside} fill="{palette.paper}" stroke="{palette.edge}"/>',
            f'<svg y="{MARGIN}" width="{num(width)}" height="{height}"',
            f'viewBox="0 0 {num(width)} {height}">',
            f'<g id="lines" transform="translate(0 -{end})">',
            *shapes,
            "</g></svg></svg>",
        )
    )


# --- the books ------------------------------------------------------------------------------------

Books = Sequence[Mapping[str, Any]]


def _states(film: Film) -> tuple[list[tuple[Books, Books]], list[int]]:
    """Return each state of the books after the one before it, and the state at each moment."""
    states: list[tuple[Books, Books]] = []
    places = []
    for moment in film.moments:
        if not states or states[-1][1] != moment.books:
            states.append((states[-1][1] if states else (), moment.books))
        places.append(len(states) - 1)
    return states, places


def _table(books: Books, before: Books) -> str:
    """Return *books* as T-accounts; what they had otherwise *before* is marked."""
    if not books:
        nothing = _("There are no books yet.")
        return f"<p>{xml(nothing)}</p>"
    held = {
        (book["book"], account["kind"], account["owner"]): account["held_fen"]
        for book in before
        for account in book["accounts"]
    }
    return "".join(_t(book, held) for book in books)


def _t(book: Mapping[str, Any], held: Mapping[tuple[str, str, str | None], int]) -> str:
    """Return one book as a T: what it owns on the left, what it owes on the right."""
    sides = []
    for side, title in (("debit", N_("debit")), ("credit", N_("credit"))):
        lines = "".join(_account(book, account, held) for account in _on(book, side))
        total = yuan(sum(account["held_fen"] for account in _on(book, side)))
        sides.append(
            f"<table><caption>{xml(_(title))}</caption><tbody>{lines}</tbody>"
            f"<tfoot><tr><th></th><td>{total}</td></tr></tfoot></table>"
        )
    title = xml(wording.book(book["book"]))
    return f'<section class="book"><h2>{title}</h2><div class="t">{"".join(sides)}</div></section>'


def _on(book: Mapping[str, Any], side: str) -> Iterator[Mapping[str, Any]]:
    return (account for account in book["accounts"] if account["side"] == side)


def _account(
    book: Mapping[str, Any],
    account: Mapping[str, Any],
    held: Mapping[tuple[str, str, str | None], int],
) -> str:
    place = book["book"], account["kind"], account["owner"]
    is_new = held.get(place, 0) != account["held_fen"]
    owner = "" if account["owner"] is None else f" {account['owner']}"
    label = xml(wording.account(account["kind"], summed=account["count"] > 1) + owner)
    mark = ' class="new"' if is_new else ""
    return f"<tr{mark}><th>{label}</th><td>{yuan(account['held_fen'])}</td></tr>"


# --- the page's own style and script --------------------------------------------------------------


def _style() -> str:
    light, dark = PALETTES["light"], PALETTES["dark"]
    return f"""\
body {{ margin: 1rem auto; max-width: 84rem; padding: 0 1rem; font-family: system-ui, sans-serif;
  color: {light.text}; background: {light.paper}; }}
h1 {{ font-size: 1.2rem; }}
h2 {{ font-size: 1rem; margin: 0 0 .25rem; text-align: center; }}
main {{ display: grid; grid-template-columns: minmax(0, 3fr) minmax(16rem, 2fr); gap: 1rem; }}
@media (max-width: 60rem) {{ main {{ grid-template-columns: minmax(0, 1fr); }} }}
#terminal {{ width: 100%; height: auto; }}
#controls {{ display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 1rem; }}
#controls[hidden], #books > [hidden] {{ display: none; }}
#moment {{ flex: 1 1 16rem; }}
#label {{ flex: 1 1 100%; min-height: 1.4em; font-family: {FONTS}; }}
#chapters {{ display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 0; list-style: none; }}
button {{ font: inherit; }}
button[aria-current] {{ font-weight: bold; }}
.book {{ margin: 0 0 1rem; }}
.t {{ display: grid; grid-template-columns: 1fr 1fr; border-top: 2px solid; }}
.t table:first-child {{ border-right: 2px solid; }}
table {{ width: 100%; height: 100%; border-collapse: collapse; font-size: .85rem; }}
caption {{ font-size: .75rem; opacity: .8; }}
th {{ text-align: left; font-weight: normal; }}
td {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
th, td {{ padding: .1rem .4rem; }}
tfoot td {{ border-top: 1px solid; }}
.new td, .new th {{ font-weight: bold; background: rgba(240, 197, 74, .3); }}
pre {{ overflow-x: auto; font-family: {FONTS}; }}
@media (prefers-color-scheme: dark) {{ body {{ color: {dark.text}; background: {dark.paper}; }} }}
"""


_SCRIPT = """
"use strict";
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("moments").textContent);
const lines = [...document.querySelectorAll("#lines > g")];
const books = [...document.querySelectorAll("#books > div")];
const chapters = [...document.querySelectorAll("#chapters button")];
const slider = find("moment");
let waiting = null;
function show(number) {
  const moment = data.moments[number];
  lines.forEach((line, place) => { line.style.visibility = place < moment.lines ? "" : "hidden"; });
  const hidden = Math.max(moment.lines - data.rows, 0) * data.row;
  find("lines").setAttribute("transform", "translate(0 " + -hidden + ")");
  books.forEach((book, place) => { book.hidden = place !== moment.books; });
  slider.value = number;
  slider.setAttribute("aria-valuetext", moment.label || String(number + 1));
  find("label").textContent = moment.label;
  const now = chapters.filter((each) => Number(each.dataset.moment) <= number).pop();
  chapters.forEach((each) => {
    if (each === now) each.setAttribute("aria-current", "step");
    else each.removeAttribute("aria-current");
  });
}
function stop() {
  clearTimeout(waiting);
  waiting = null;
  find("play").textContent = data.play;
  find("play").setAttribute("aria-pressed", "false");
}
function go(number) { stop(); show(Math.min(Math.max(number, 0), data.moments.length - 1)); }
function step() {
  const number = Number(slider.value);
  if (number + 1 >= data.moments.length) { stop(); return; }
  waiting = setTimeout(() => { show(number + 1); step(); }, data.moments[number].wait);
}
slider.addEventListener("input", () => go(Number(slider.value)));
find("back").addEventListener("click", () => go(Number(slider.value) - 1));
find("next").addEventListener("click", () => go(Number(slider.value) + 1));
find("play").addEventListener("click", () => {
  if (waiting !== null) { stop(); return; }
  if (Number(slider.value) + 1 >= data.moments.length) show(0);
  find("play").textContent = data.pause;
  find("play").setAttribute("aria-pressed", "true");
  step();
});
chapters.forEach((each) => each.addEventListener("click", () => go(Number(each.dataset.moment))));
find("controls").hidden = false;
show(0);
"""
