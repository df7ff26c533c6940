"""Settings on the terminal: what holds, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.settings.origins import DEFAULT
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import SettingChanged, SettingLine, SettingsFile


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


def _origin(origin: str) -> str:
    return _(N_("default")) if origin == DEFAULT else safe(origin)
