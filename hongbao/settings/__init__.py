"""
The settings: what a person wants of every command, read from the environment and from one file.

The environment beats the file, and an option beats both. Nothing that lets money out is a setting.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hongbao import errors
from hongbao.errors import shortened
from hongbao.paths import absolute_path
from hongbao.rows import Row
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.domain.toml_table import Document

FILE_NAME = "config.toml"
LENGTH_MAX = 65_536
TEXT_LENGTH_MAX = 1000
"""How long the file may be, and one setting in it."""


class Setting(Row):
    """
    One setting: what it is for, its values, and the variable that beats the file.

    Without *choices* any text is a value; *default* is the value where none was chosen,
    empty if that is for the command to find out; *others* are variables that it then looks at.
    """

    help: str
    choices: tuple[str, ...] = ()
    default: str = ""
    variable: str | None = None
    others: tuple[str, ...] = ()
    may_be_empty: bool = False


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "language": Setting(
            N_("the language of every answer: en or zh"),
            ("en", "zh"),
            "en",
            variable="HONGBAO_LANG",
            others=("LC_ALL", "LC_MESSAGES", "LANG"),
        ),
        "motion": Setting(
            N_("whether anything on the screen moves: auto or off"),
            ("auto", "off"),
            "auto",
            variable="HONGBAO_MOTION",
        ),
        "prompts": Setting(
            N_("how you are asked: auto, plain (numbers instead of arrow keys) or off"),
            ("auto", "plain", "off"),
            "auto",
            variable="HONGBAO_PROMPTS",
        ),
        "pager": Setting(
            N_("the program that long lists are read in; empty for none"),
            default="less",
            variable="HONGBAO_PAGER",
            others=("PAGER",),
            may_be_empty=True,
        ),
        "export_folder": Setting(
            N_("the folder that `export` writes to on a terminal, without -o")
        ),
        "default_profile": Setting(
            N_("who acts, instead of the one chosen with `hongbao use`; not in a sandbox"),
            variable="HONGBAO_PROFILE",
        ),
        "bare": Setting(
            N_("what `hongbao` alone shows: status or help"), ("status", "help"), "status"
        ),
    }
)
"""The settings that have one value each, by their keys in the file."""

TABLES: Mapping[str, Setting] = MappingProxyType(
    {
        "columns": Setting(
            N_("the columns of a command's list, as in `--columns`"),
            default='history = "at,amount_fen"',
        ),
        "aliases": Setting(
            N_("your own names for commands, as `hongbao alias` makes them"),
            default='rp = "send --count 5"',
        ),
    }
)
"""The settings that have a value for each name: ``[columns]`` and ``[aliases]``."""

GIVEN_EACH_TIME = frozenset(
    {
        *("card", "device", "dry_run", "from", "home", "identity_file", "no_input", "operator"),
        *("passphrase", "passphrase_file", "pin", "pin_file", "profile", "totp", "totp_file"),
        *("yes", "json"),
    }
)
"""What is never a setting: secrets, consent, whose money it is, and the form of an answer."""

VALUED = ("--profile", "-p", "--pin-file", "--totp-file")
"""The options of every command that a value follows, as the next word."""


class Settings(Row):
    """
    Every setting as it holds for one command; *path* is the file, whether or not it is there.

    *language* and *pager* are None where none was chosen. *columns* are by command, *aliases* by
    name; each value is as it was typed.
    """

    path: Path | None = None
    language: str | None = None
    motion: str = "auto"
    prompts: str = "auto"
    pager: str | None = None
    export_folder: str | None = None
    default_profile: str | None = None
    bare: str = "status"
    columns: Mapping[str, str] = MappingProxyType({})
    aliases: Mapping[str, str] = MappingProxyType({})


def load(variables: Mapping[str, str]) -> Settings:
    """
    Return the settings of *variables*, the environment, over those of the file.

    A file that is not there costs one look for it. `Settings.default_profile` is the file's alone:
    what HONGBAO_PROFILE says, a command has from there.

    Raises InvalidSettings, InvalidVariable and FileNotReadable.
    """
    path = place(variables)
    found = {} if path is None else in_file(path)
    for key, setting in SETTINGS.items():
        if key != "default_profile" and (value := in_variable(setting, variables)) is not None:
            found[key] = value
    return Settings(path=path, **found)


def place(variables: Mapping[str, str]) -> Path | None:
    """
    Return the path of the file, which need not be there; None where a person has no folder.

    ``HONGBAO_CONFIG`` names it. Without that it is in the folder that ``XDG_CONFIG_HOME`` names, on
    any system, and else where the system has such files.

    >>> place({"XDG_CONFIG_HOME": "/etc/xdg"})
    PosixPath('/etc/xdg/hongbao/config.toml')
    """
    if named := variables.get("HONGBAO_CONFIG"):
        return absolute_path(named)
    folder = Path(variables.get("XDG_CONFIG_HOME") or "")
    if not folder.is_absolute():  # as the specification of these variables has it
        try:
            folder = _platform_folder(variables)
        except RuntimeError:  # a system account that has no folder
            return None
    return folder / "hongbao" / FILE_NAME


def _platform_folder(variables: Mapping[str, str]) -> Path:
    """Return the platform's folder for settings; platformdirs moved it from release to release."""
    home = variables.get("HOME")
    dotted = (Path(home) if home else Path.home()) / ".config"
    if sys.platform == "win32":
        local = variables.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin" and not (dotted / "hongbao" / FILE_NAME).exists():
        return dotted.parent / "Library" / "Application Support"
    return dotted


def in_variable(setting: Setting, variables: Mapping[str, str]) -> str | None:
    """Return what the environment says of *setting*; or None. Raises InvalidVariable."""
    if setting.variable is None:
        return None
    value = variables.get(setting.variable)
    if not value:
        return value if setting.may_be_empty else None
    if setting.variable == "HONGBAO_LANG":
        return language_of(value)
    if setting.choices and value not in setting.choices:
        raise errors.InvalidVariable(
            variable=setting.variable, text=shortened(value), known=", ".join(setting.choices)
        )
    return value


def language_of(value: str) -> str:
    """Return the language that *value* asks for, which may be a locale: ``zh_CN.UTF-8``."""
    return "zh" if value.lower().startswith("zh") else "en"


def place_of_command(arguments: Sequence[str]) -> int | None:
    """
    Return the place of the command's name in *arguments*; None where there is none.

    >>> place_of_command(["-p", "小红", "--json", "rp", "5"]), place_of_command(["--help"])
    (3, None)
    """
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if not word.startswith("-"):
            return place
        place += 2 if word in VALUED else 1
    return None


# --- the file ------------------------------------------------------------------------------------


def in_file(path: Path) -> dict[str, Any]:
    """
    Return the settings in the file at *path*, by key; none where it is not there.

    Raises InvalidSettings and FileNotReadable.
    """
    text = read(path)
    return {} if text is None else parse(text, source=str(path))


def read(path: Path) -> str | None:
    """Return the text of the file at *path*; None where it is not there. Raises FileNotReadable."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # reading it says why, and by name
    from hongbao.inputs import read_text

    return read_text(str(path), LENGTH_MAX).removeprefix("\ufeff")


def parse(text: str, *, source: str) -> dict[str, Any]:
    """
    Return the settings in *text*, by key, as they are written. Raises InvalidSettings.

    >>> parse('motion = "off"\\n[columns]\\nhistory = "at,+status"', source="config.toml")
    {'motion': 'off', 'columns': {'history': 'at,+status'}}
    """
    document = document_of(text, source)
    content = document.content()
    for key, value in content.items():
        parts: list[tuple[tuple[str, ...], object]] = [((key,), value)]
        if key in TABLES and isinstance(value, dict):
            parts = [((key, name), inside) for name, inside in value.items()]
        for path, written in parts:
            if found := problem_of(path, written):
                problem, facts = found
                raise document.refuse(path, problem, **facts)
    return content


def check_columns(found: Settings, commands: Collection[str]) -> None:
    """Raise InvalidSettings if *found* has columns of what is none of *commands*."""
    for name in found.columns:
        if name.partition(" ")[0] not in commands and found.path is not None:
            document = document_of(read(found.path) or "", str(found.path))
            raise document.refuse(("columns", name), "not_a_command", text=shortened(name))


def document_of(text: str, source: str) -> Document:
    """Return the reader of *text*, whose refusals name *source* and the line."""
    from hongbao.domain.toml_table import Document

    return Document(text, source, errors.InvalidSettings)


def problem_of(path: tuple[str, ...], value: object) -> tuple[str, dict[str, Any]] | None:
    """Return what is wrong with *value* at *path*, and the facts that its sentence needs."""
    key = ".".join(path)
    setting = (TABLES if len(path) > 1 else SETTINGS).get(path[0])
    if setting is None:
        return _unknown(key) if path[0] not in TABLES else ("not_table", {"key": key})
    if not isinstance(value, str):
        return "not_text", {"key": key}
    if setting.choices and value not in setting.choices:
        known = ", ".join(setting.choices)
        return "not_one_of", {"key": key, "known": known, "text": shortened(value)}
    is_text = value.isprintable() and len(value) <= TEXT_LENGTH_MAX
    if not is_text or not (value.strip() or setting.may_be_empty):
        return "bad_text", {"key": key, "length_max": TEXT_LENGTH_MAX}
    return None


def _unknown(key: str) -> tuple[str, dict[str, Any]]:
    from difflib import get_close_matches

    plain = key.replace("-", "_").lower()
    if plain in GIVEN_EACH_TIME:
        return "not_in_file", {"text": shortened(key)}
    known = (*SETTINGS, *TABLES)
    if close := get_close_matches(plain, known, n=1):
        return "mistyped_key", {"text": shortened(key), "other": close[0]}
    return "unknown_key", {"text": shortened(key), "known": ", ".join(known)}


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line of *text*, which is TOML, on which *path* is written."""
    from hongbao.domain.toml_lines import line_of

    return line_of(text, path)
