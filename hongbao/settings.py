"""
The settings: what a person wants of every command, read from the environment and from one file.

The environment beats the file, and an option beats both. Nothing that lets money out is a setting.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from hongbao.errors import InvalidSettings, InvalidVariable, shortened
from hongbao.paths import absolute_path
from hongbao.words import N_

FILE_NAME = "config.toml"
LENGTH_MAX = 65_536
TEXT_LENGTH_MAX = 1000
"""How long the file may be, and one setting in it."""


class Setting(NamedTuple):
    """
    One setting: what it is for, its values, and the variable that beats the file.

    Without *choices* any text is a value; *default* is the value where none was chosen,
    empty if that is for the command to find out.
    """

    help: str
    choices: tuple[str, ...] = ()
    default: str = ""
    variable: str | None = None
    may_be_empty: bool = False


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "language": Setting(
            N_("the language of every answer: en or zh"), ("en", "zh"), variable="HONGBAO_LANG"
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
            variable="HONGBAO_PAGER",
            may_be_empty=True,
        ),
        "export_folder": Setting(N_("where `export` and `receipt` write their files")),
        "default_profile": Setting(
            N_("who acts, instead of the one chosen with `hongbao use`"),
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
        "columns": Setting(N_("the columns of a command's list, as in `--columns`")),
        "aliases": Setting(N_("commands of your own, as `hongbao alias` makes them")),
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


class Settings(NamedTuple):
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


def from_environment(variables: Mapping[str, str]) -> Settings:
    """Return the settings of the environment alone, as far as they can be understood."""
    language = SETTINGS["language"]
    return Settings(path=place(variables), language=in_variable(language, variables))


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
    if setting.variable == "HONGBAO_LANG":  # locales are languages too: zh_CN.UTF-8
        return "zh" if value.lower().startswith("zh") else "en"
    if setting.choices and value not in setting.choices:
        raise InvalidVariable(
            variable=setting.variable, text=shortened(value), known=", ".join(setting.choices)
        )
    return value


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

    >>> parse('motion = "off"\\n[columns]\\nhistory = "at,+kind"\\n', source="config.toml")
    {'motion': 'off', 'columns': {'history': 'at,+kind'}}
    """
    from hongbao.domain.toml_table import Document

    document = Document(text, source, InvalidSettings)
    content = document.content()
    for key, value in content.items():
        if key in TABLES:
            if not isinstance(value, dict):
                raise document.refuse((key,), "not_table", key=key)
            for name, each in value.items():
                _check(document, (key, name), each, TABLES[key])
        elif key in SETTINGS:
            _check(document, (key,), value, SETTINGS[key])
        else:
            raise _unknown(document, key)
    return content


def _check(document: Any, path: tuple[str, ...], value: object, setting: Setting) -> None:
    key = ".".join(path)
    if not isinstance(value, str):
        raise document.refuse(path, "not_text", key=key)
    if setting.choices and value not in setting.choices:
        known = ", ".join(setting.choices)
        raise document.refuse(path, "not_one_of", key=key, known=known, text=shortened(value))
    is_text = value.isprintable() and len(value) <= TEXT_LENGTH_MAX
    if not is_text or not (value.strip() or setting.may_be_empty):
        raise document.refuse(path, "bad_text", key=key, length_max=TEXT_LENGTH_MAX)


def _unknown(document: Any, key: str) -> InvalidSettings:
    problem, facts = why_unknown(key)
    refused = document.refuse((key,), problem, **facts)
    assert isinstance(refused, InvalidSettings)
    return refused


def why_unknown(key: str) -> tuple[str, dict[str, str]]:
    """Return the problem of a *key* that is no setting, with the facts that its sentence needs."""
    from difflib import get_close_matches

    plain = key.replace("-", "_").lower()
    if plain in GIVEN_EACH_TIME:
        return "not_in_file", {"text": shortened(key)}
    known = (*SETTINGS, *TABLES)
    if close := get_close_matches(plain, known, n=1):
        return "mistyped_key", {"text": shortened(key), "other": close[0]}
    return "unknown_key", {"text": shortened(key), "known": ", ".join(known)}
