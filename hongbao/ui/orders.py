"""Orders of turns on the terminal: the tree of all of them, and the shortest that loses money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from hongbao.ui.lab import BROKEN, RIGHT
from hongbao.ui.screen import console, is_terminal, line, pipe, safe, styled
from hongbao.ui.script import columns
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import LabDone, LabOrder, LabOrders, LabTurn

_LEAVES_MAX = 24
"""Of more orders than that, those that begin alike and end alike are one line."""


def show_orders(shown: LabOrders, *, all_of_them: bool, command: str) -> None:
    """Print how many orders lose money, and the shortest; *command* would write it to a file."""
    if not is_terminal():
        _pipe(shown, all_of_them=all_of_them)
        return
    total = len(shown["orders"])
    counts = say(
        N_("orders that lose money: {losing} of {total}; on hongbao: {right_losing}"),
        losing=shown["losing"],
        total=total,
        right_losing=shown["right_losing"],
    )
    line(f"{shown['engine']} · {counts}", bold_red=shown["engine"])
    for number, typed in enumerate(shown["commands"], start=1):
        line(f"  {number}  {safe(typed)}", bold=str(number))
    if all_of_them:
        print()
        line(_("whose turn it is at the ledger, and what is lost"))
        out = console()
        for branch in tree(shown["orders"]):
            text = branch.text(out.width)
            out.print(styled(text, bold_red=branch.end if branch.lost_fen else ""), no_wrap=True)
    if shown["order"] is None:
        return
    print()
    written = f"order: {_spaced(shown['order'])}"
    lost = say(N_("{lost_fen} lost"), lost_fen=shown["lost_fen"])
    line(f"{written} · {lost}", bold=written, bold_red=lost)
    _show_steps(_("broken"), shown["steps"], "bold_red")
    print()
    nothing = say(N_("{lost_fen} lost"), lost_fen=0)
    ours = _("the same order on hongbao")
    line(f"{ours} · {nothing}", bold_green=nothing)
    _show_steps(RIGHT, shown["right_steps"], "bold")
    print()
    line(say(N_("as a story: {command}"), command=f"`{command}`"))


def _show_steps(engine: str, steps: Sequence[LabTurn], style: str) -> None:
    """Print *steps*, each line under the mark of its *engine*."""
    for step in steps:
        said = safe(step["said"])
        if step["refused"] is not None:
            said = say(N_("refused: {reason}"), reason=said)
        mark = f"{engine} {step['number']}"
        line(f"{mark}  {said}", **{style: mark})


def _spaced(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


# --- the tree ------------------------------------------------------------------------------------


class Branch(NamedTuple):
    """A line of the tree: what is drawn of it, its end, and what is lost there in *lost_fen*."""

    drawn: str
    end: str
    lost_fen: int
    room: int

    def text(self, width: int) -> str:
        """Return the line, with its end at the right place for a terminal *width* columns wide."""
        gap = min(self.room, width - columns(self.end) - 1) - columns(self.drawn)
        return f"{self.drawn}{' ' * max(gap, 1)} {self.end}"


def tree(orders: Sequence[LabOrder]) -> list[Branch]:
    """
    Return the tree of *orders*, which are sorted by their turns, line by line.

    Each line is an order; what it begins with like the one above it is left out.
    """
    lines = list(_branches(orders, 0, "", merges=len(orders) > _LEAVES_MAX))
    room = max(columns(drawn) for drawn, _end, _lost in lines) + 2
    return [Branch(drawn, end, lost_fen, room) for drawn, end, lost_fen in lines]


def _branches(
    orders: Sequence[LabOrder], depth: int, margin: str, *, merges: bool
) -> Iterator[tuple[str, str, int]]:
    """Draw *orders*, which are alike up to *depth*, below one another at a *margin*."""
    starts: dict[int, list[LabOrder]] = {}
    for order in orders:
        starts.setdefault(order["turns"][depth], []).append(order)
    for place, (number, others) in enumerate(starts.items()):
        is_last = place == len(starts) - 1
        if not depth:
            before = ""
        elif place:
            before = f"{margin}{'└' if is_last else '├'} "
        else:
            before = "─ "
        rest = margin + ("  " if is_last or not depth else "│ ") + "  " * bool(depth)
        yield from _branch(number, others, depth, before, rest, merges=merges)


def _branch(
    number: int, orders: list[LabOrder], depth: int, before: str, rest: str, *, merges: bool
) -> Iterator[tuple[str, str, int]]:
    losses = {order["lost_fen"] for order in orders}
    if len(orders) == 1 and len(orders[0]["turns"]) == depth + 1:
        lost_fen = orders[0]["lost_fen"]
        yield f"{before}{number}", _end(lost_fen), lost_fen
    elif merges and len(orders) > 1 and len(losses) == 1 and depth:
        (lost_fen,) = losses
        yield f"{before}{number} ─ … ×{len(orders)}", _end(lost_fen), lost_fen
    else:
        below = _branches(orders, depth + 1, rest, merges=merges)
        drawn, end, lost_fen = next(below)
        yield f"{before}{number} {drawn}", end, lost_fen
        yield from below


def _end(lost_fen: int) -> str:
    return say(N_("{lost_fen} lost"), lost_fen=lost_fen) if lost_fen else "0.00"


# --- one command ---------------------------------------------------------------------------------


def show_done(done: LabDone) -> None:
    """Print what a broken engine did, each line under its mark: nobody takes it for a wallet's."""
    answer = cast("dict[str, object]", done)
    found = [*done["turns"]]
    if "total_fen" in answer:
        found.append(str(answer["packet"]))
    if isinstance(balance_fen := answer.get("available_fen"), int):
        found.append(yuan(balance_fen))
    if isinstance(lost_fen := answer.get("lost_fen"), int):
        found.append(say(N_("{lost_fen} lost"), lost_fen=lost_fen))
    for text in found:
        print(f"{BROKEN} {done['engine']} │ {safe(text)}")


# --- in a pipe -----------------------------------------------------------------------------------


def _pipe(shown: LabOrders, *, all_of_them: bool) -> None:
    """Print it for programs: a word, then what it is."""
    pipe(
        ("engine", shown["engine"]),
        *(("command", number, typed) for number, typed in enumerate(shown["commands"], start=1)),
        *(
            (
                "order",
                _spaced(order["turns"]),
                yuan(order["lost_fen"]),
                yuan(order["right_lost_fen"]),
            )
            for order in shown["orders"]
            if all_of_them
        ),
        ("orders", len(shown["orders"]), shown["losing"], shown["right_losing"]),
        *(
            [("shortest", _spaced(shown["order"]), yuan(shown["lost_fen"]))]
            if shown["order"] is not None
            else []
        ),
    )
