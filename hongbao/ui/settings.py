"""Settings on the terminal: what holds, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.settings.origins import DEFAULT
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import (
        AliasChanged,
        AliasLine,
        SettingChanged,
        SettingLine,
        SettingsFile,
    )


def show_settings(settings: Sequence[SettingLine], *, origin: bool) -> None:
    """Print what holds, a setting a line; with *origin* where each comes from."""
    if not is_terminal():
        pipe(*((row["key"], row["value"], row["origin"])[: 3 if origin else 2] for row in settings))
        return
    table(
        [Column(_("setting")), Column(_("value"), gives=True), Column(_("from"), below=True)],
        [
            [
                row["key"],
                Cell(safe(row["value"]), "" if row["origin"] == DEFAULT else "bold"),
                Cell(_origin(row["origin"]) if origin else "", "dim"),
            ]
            for row in settings
        ],
    )


def show_value(setting: SettingLine) -> None:
    """Print one value, and nothing else."""
    print(safe(setting["value"]))


def show_changed(changed: SettingChanged) -> None:
    """Print what holds from now on."""
    key = safe(changed["key"])
    if changed["value"] is None:
        line(say(N_("removed {key} from your settings"), key=key), bold=key)
    else:
        value = f"'{safe(changed['value'])}'"
        line(say(N_("set {key} to {value}"), key=key, value=value), bold=key)


def show_path(file: SettingsFile) -> None:
    """Print where the settings are, and nothing else."""
    print(safe(file["path"]))


def show_aliases(aliases: Sequence[AliasLine]) -> None:
    """Print every alias and what it stands for."""
    if not is_terminal():
        pipe(*((row["alias"], row["command"]) for row in aliases))
    elif aliases:
        table(
            [Column(_("alias")), Column(_("command"), gives=True)],
            [[Cell(safe(row["alias"]), "bold"), safe(row["command"])] for row in aliases],
        )
    else:
        line(_("no aliases yet"))


def show_alias(alias: AliasLine) -> None:
    """Print what one alias stands for, and nothing else."""
    print(safe(alias["command"]))


def show_alias_changed(changed: AliasChanged) -> None:
    """Print what the alias stands for from now on."""
    name = safe(changed["alias"])
    if changed["command"] is None:
        line(say(N_("removed the alias {alias}"), alias=name), bold=name)
    else:
        command = f"`hongbao {safe(changed['command'])}`"
        line(say(N_("{alias} now stands for {command}"), alias=name, command=command), bold=name)


def _origin(origin: str) -> str:
    return _(N_("default")) if origin == DEFAULT else safe(origin)
