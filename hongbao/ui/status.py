"""Today at a glance on the terminal; and the welcome, where there is no wallet yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.screen import Cell, Column, console, is_terminal, line, pipe, safe, styled, table
from hongbao.ui.script import columns, terminal_columns
from hongbao.units import yuan
from hongbao.words import N_, SANDBOX, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Status, Today, TodayPacket

WAYS = (
    ("hongbao demo", N_("watch the whole life of a red packet, in a minute")),
    (N_("hongbao init NAME"), N_("create your own wallet")),
)
"""The ways to begin, besides a sandbox."""

SANDBOXES = {
    "hongbao sandbox": N_("play: a ready wallet, with people, money and a packet to open"),
    "hongbao sandbox shell": N_("play on in the sandbox that you have made"),
}
"""The first way: to make a sandbox, or to use the one that is there."""

COUNTED_MAX = 100
"""From here on, the counts of an answer say only that there are as many at least."""

_COLUMNS_WIDE = 60
"""From here on, a greeting is cut to keep the rows in a table."""


def show_status(status: Status, as_typed: Callable[[str], str]) -> None:
    """
    Print what there is today, or how to begin.

    *as_typed* makes a command one for the profile that is shown.
    """
    if not is_terminal():
        pipe(*_piped(status))
        return
    today = status["wallet"]
    if today is not None:
        _show_today(today, status["home"], as_typed)
    elif status["locked"]:
        line(say(N_("the wallet in {path} is locked by a passphrase"), path=short(status["home"])))
    else:
        _welcome(status["next"])
        return
    print()
    _say_next(status["next"])


def _say_next(command: str) -> None:
    text = say(N_("next: {command}"), command=command)
    if columns(text) <= terminal_columns():
        console().print(styled(text, bold=command), soft_wrap=True)
    else:  # below, and whole, so that it can be copied
        line(text.removesuffix(command).rstrip())
        console().print(command, style="bold", soft_wrap=True)


# --- a welcome -----------------------------------------------------------------------------------


def _welcome(sandbox: str) -> None:
    line(_("Red packets (红包) in your terminal, on a real double-entry ledger."))
    print()
    line(_("There is no wallet here yet. To begin:"))
    print()
    for command, use in ((sandbox, SANDBOXES[sandbox]), *WAYS):
        shown = _(command)  # with what is to be typed in it called by the reader's language
        line(f"  {shown}", bold=shown)
        line(f"      {_(use)}")
    print()
    line(_("No money is real here: every bank is simulated."))
    line(_("All commands: hongbao --help · 中文：HONGBAO_LANG=zh_CN hongbao"))


# --- today ---------------------------------------------------------------------------------------


def _show_today(today: Today, home: str, as_typed: Callable[[str], str]) -> None:
    name = safe(today["profile"])
    line(" · ".join([name, *_about(today), short(home)]), bold=name, bold_yellow=SANDBOX)
    line(" · ".join(_money(today)), bold=yuan(today["available_fen"]))
    rows = [*_rows(today, as_typed)]
    for row, before in zip(rows[:0:-1], rows[-2::-1], strict=True):
        if row[0] == before[0]:  # of several in a row, the first has the label
            row[0] = ""
    if rows:
        is_wide = terminal_columns() >= _COLUMNS_WIDE
        table(
            [Column(""), Column(""), Column("", gives=is_wide, below=True), Column("", below=True)],
            rows,
            titled=False,
        )


def _about(today: Today) -> Iterator[str]:
    if today["sandbox"]:
        yield SANDBOX
    if today["clock"] == "virtual":
        yield say(N_("virtual clock {at}"), at=wording.when_short(today["at"]))


def _money(today: Today) -> Iterator[str]:
    yield say(N_("available {amount_fen}"), amount_fen=today["available_fen"])
    for sentence, fen in (
        (N_("in packets {amount_fen}"), today["frozen_fen"]),
        (N_("due back {amount_fen}"), today["due_back_fen"]),
        (N_("held {amount_fen}"), today["held_fen"]),
        (N_("on its way {amount_fen}"), today["on_its_way_fen"]),
    ):
        if fen:
            yield say(sentence, amount_fen=fen)
    if today["total_fen"] != today["available_fen"]:
        yield say(N_("in all {amount_fen}"), amount_fen=today["total_fen"])


def _rows(today: Today, as_typed: Callable[[str], str]) -> Iterator[list[Cell | str]]:
    for packet in today["claimable"]:
        what = " · ".join(filter(None, (_from(packet), safe(packet["greeting"]))))
        yield _packet_row(_("you can open"), packet, what, today["at"])
    yield from _more(today, "claimable", as_typed("hongbao packets --claimable"))
    for packet in today["open"]:
        share = say(
            N_("{claimed} of {count} claimed"),
            claimed=packet["claimed_count"],
            count=packet["count"],
        )
        yield _packet_row(_("yours, open"), packet, share, today["at"])
    yield from _more(today, "open", as_typed("hongbao packets --sent"))
    for payment in today["payments"]:
        what = f"{wording.reason(payment['reason'])} · {wording.message_state(payment['state'])}"
        yield [
            Cell(_("payment"), "dim"),
            Cell(payment["payment"], "yellow"),
            what,
            yuan(payment["amount_fen"]),
        ]
    yield from _more(today, "payments", as_typed("hongbao history"))
    for packet in today["due"]:
        yield [
            Cell(_("due back"), "dim"),
            Cell(packet["packet"], "yellow"),
            "",
            yuan(packet["remaining_fen"]),
        ]
    yield from _more(today, "due", as_typed("hongbao packets --sent"))
    for case in today["cases"]:
        yield [
            Cell(_("on hold"), "dim"),
            Cell(case["case"], "yellow"),
            "",
            yuan(case["amount_fen"]),
        ]
    yield from _more(today, "cases", as_typed("hongbao review"))


def _packet_row(label: str, packet: TodayPacket, what: str, now: str) -> list[Cell | str]:
    left = say(N_("{time} left"), time=wording.time_left(now, packet["expires_at"]))
    return [Cell(label, "dim"), Cell(packet["packet"], "bold red"), what, Cell(left, "dim")]


def _from(packet: TodayPacket) -> str:
    return say(N_("from {sender}"), sender=safe(packet["sender"]))


def _more(today: Today, kind: str, command: str) -> Iterator[list[Cell | str]]:
    """Yield how many of a *kind* are not listed, and the *command* that lists them."""
    count, listed = _count(today, kind)
    if count == listed:
        return
    if count < COUNTED_MAX:
        more = counted("+{count} more", "+{count} more", count - listed)
    else:
        more = say(N_("+{count} or more"), count=count - listed)
    yield ["", Cell(more, "dim"), Cell(command, "dim"), ""]


def _count(today: Today, kind: str) -> tuple[int, int]:
    """Return how many of a *kind* there are, and how many of them are listed."""
    listed = today[kind]  # type: ignore[literal-required]
    return today[f"{kind}_count"], len(listed)  # type: ignore[literal-required]


def short(home: str) -> str:
    """Return the path of *home* as people write it: from ``~`` on, where it is in their folder."""
    try:
        return safe(f"~/{Path(home).relative_to(Path.home())}")
    except (RuntimeError, ValueError):  # no folder of theirs is known, or it is elsewhere
        return safe(home)


# --- in a pipe -----------------------------------------------------------------------------------


def _piped(status: Status) -> Iterator[tuple[object, ...]]:
    today = status["wallet"]
    if today is None and not status["locked"]:
        yield "none", status["home"], status["next"], *(command for command, _use in WAYS)
        return
    if today is None:
        yield "locked", status["home"]
    else:
        clock = "sandbox" if today["sandbox"] else today["clock"]
        yield "wallet", today["profile"], status["home"], clock, today["at"]
        yield from _piped_today(today)
    yield "next", status["next"]


def _piped_today(today: Today) -> Iterator[tuple[object, ...]]:
    yield (
        "balance",
        *(yuan(today[name]) for name in ("available_fen", "frozen_fen", "due_back_fen")),
        *(yuan(today[name]) for name in ("total_fen", "on_its_way_fen", "held_fen")),
    )
    for packet in today["claimable"]:
        yield "claimable", *_piped_packet(packet), packet["sender"], packet["greeting"]
    for packet in today["open"]:
        yield "open", *_piped_packet(packet), packet["recipient"], packet["greeting"]
    for payment in today["payments"]:
        amount = yuan(payment["amount_fen"])
        yield "payment", payment["payment"], payment["reason"], payment["state"], amount
    for packet in today["due"]:
        yield "due", packet["packet"], yuan(packet["remaining_fen"])
    for case in today["cases"]:
        yield "case", case["case"], yuan(case["amount_fen"])
    for kind in ("claimable", "open", "payments", "due", "cases"):
        count, listed = _count(today, kind)
        if count > listed:
            yield "more", kind, count - listed


def _piped_packet(packet: TodayPacket) -> tuple[object, ...]:
    return packet["packet"], packet["claimed_count"], packet["count"], packet["expires_at"]
