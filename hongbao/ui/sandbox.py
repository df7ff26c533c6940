"""A new sandbox on the terminal: where it is, who is in it, and what to try first."""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from hongbao.domain.pin import OF_SANDBOXES
from hongbao.ui import wording
from hongbao.ui.screen import console, is_terminal, line, pipe, safe
from hongbao.ui.status import short
from hongbao.units import yuan
from hongbao.words import N_, SANDBOX, _, say

if TYPE_CHECKING:
    from hongbao.answers import SandboxMade


def show_sandbox(made: SandboxMade, *, shell: str, usual: bool) -> None:
    """
    Print what was made and how to use it.

    *shell* is the name of the reader's shell; the folder may be the *usual* one.
    """
    if not is_terminal():
        pipe(
            ("home", made["home"]),
            *(("person", one["profile"], yuan(one["available_fen"])) for one in made["people"]),
            ("pin_file", made["pin_file"]),
            *([("packet", made["packet"])] if made["packet"] else []),
            ("at", made["at"]),
        )
        return
    line(
        say(N_("{mark} made in {path}"), mark=SANDBOX, path=short(made["home"])),
        bold_yellow=SANDBOX,
    )
    people = [f"{safe(one['profile'])} {yuan(one['available_fen'])}" for one in made["people"]]
    line(" · ".join(people), bold=safe(made["people"][0]["profile"]))
    line(
        say(
            N_("it is {at} · PIN {pin}, which the sandbox types for you"),
            at=wording.when_short(made["at"]),
            pin=OF_SANDBOXES,
        )
    )
    print()
    line(_("To use it in this shell, copy this line:"))
    _command(_export(made["home"], shell))
    line(_("Or open a separate shell; exit leaves it:"))
    _command("hongbao sandbox shell" + ("" if usual else f" --at {typable(made['home'])}"))
    print()
    line(_("Then try:"))
    for command in _first_steps(made["packet"]):
        _command(command)


def _first_steps(packet: str | None) -> tuple[str, ...]:
    if packet is None:
        return ("hongbao status", "hongbao send 66.66 --count 3")
    return (
        f"hongbao claim {packet}",
        f"hongbao show {packet}",
        "hongbao history",
        "hongbao status",
    )


def _export(home: str, shell: str) -> str:
    """Return the line by which *shell* sets HONGBAO_HOME."""
    path = typable(home)
    return f"set -x HONGBAO_HOME {path}" if shell == "fish" else f"export HONGBAO_HOME={path}"


def typable(home: str) -> str:
    """Return *home* as it is typed in a shell: from ``~`` on, where that needs no quotes."""
    shorter = short(home)
    return shorter if re.fullmatch(r"~/[\w./-]+", shorter, re.ASCII) else quote(home)


def _command(command: str) -> None:
    console().print(f"  {command}", style="bold", soft_wrap=True)
