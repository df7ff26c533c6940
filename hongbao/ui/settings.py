"""Settings on the terminal: what holds, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.settings.origins import DEFAULT
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, line, safe
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import (
        AliasChanged,
        AliasLine,
        SettingChanged,
        SettingLine,
        SettingsFile,
    )


def _value(row: SettingLine) -> Cell:
    return Cell(safe(row["value"]), "" if row["origin"] == DEFAULT else "bold")


def _from(row: SettingLine) -> Cell:
    return Cell(_origin(row["origin"]), "dim")


SETTINGS = Listing(
    rows="settings",
    fields=(
        Field("key", Column(N_("setting")), says=N_("the setting's key")),
        Field("value", Column(N_("value"), gives=True), _value, says=N_("the value that counts")),
    ),
    more=(
        Field(
            "origin",
            Column(N_("from"), below=True),
            _from,
            says=N_("where the value comes from"),
        ),
    ),
    screen=("key", "value"),
)


def settings_listed(*, origin: bool) -> Listing:
    """Return the list of settings; with *origin* where each comes from is one of its columns."""
    if not origin:
        return SETTINGS
    fields = (*SETTINGS.fields, *SETTINGS.more)
    return SETTINGS._replace(fields=fields, more=(), screen=("key", "value", "origin"))


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


ALIASES = Listing(
    rows="aliases",
    fields=(
        Field(
            "alias",
            Column(N_("alias")),
            lambda row: Cell(safe(row["alias"]), "bold"),
            says=N_("the alias"),
        ),
        Field(
            "command",
            Column(N_("command"), gives=True),
            lambda row: safe(row["command"]),
            says=N_("what it is short for, in quotes"),
        ),
    ),
    screen=("alias", "command"),
    empty=N_("no aliases yet"),
)


def show_alias(alias: AliasLine) -> None:
    """Print what one alias is short for, and nothing else."""
    print(safe(alias["command"]))


def show_alias_changed(changed: AliasChanged) -> None:
    """Print what the alias is short for from now on."""
    name = safe(changed["alias"])
    if changed["command"] is None:
        line(say(N_("removed the alias {alias}"), alias=name), bold=name)
    else:
        command = f"`hongbao {safe(changed['command'])}`"
        line(say(N_("{alias} is now short for {command}"), alias=name, command=command), bold=name)


def _origin(origin: str) -> str:
    return _(N_("default")) if origin == DEFAULT else safe(origin)
