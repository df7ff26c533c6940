"""Settings: the environment over a file, each wrong one refused by its name and its line."""

import os
import sys
from pathlib import Path

import pytest

from hongbao import settings
from hongbao.errors import InvalidSettings, InvalidVariable
from tests.cli.shell import Shell
from tests.every import every


def loaded(tmp_path: Path, text: str, **variables: str) -> settings.Settings:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return settings.load({"HONGBAO_CONFIG": str(file), **variables})


def test_without_a_file_there_are_defaults_for_one_look(monkeypatch: pytest.MonkeyPatch):
    """
    Who has no settings pays for no parser: the file is looked for once, and nothing is opened.
    """
    looks: list[str] = []
    stat = os.stat

    def looked(path: Path, **how: bool) -> os.stat_result:
        looks.append(str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", looked)

    found = settings.load({"XDG_CONFIG_HOME": "/nowhere"})

    assert ["/nowhere/hongbao/config.toml"] == looks
    assert settings.Settings(path=Path("/nowhere/hongbao/config.toml")) == found
    assert ("auto", "auto", "status", None) == (
        *(found.motion, found.prompts, found.bare),
        found.language,
    )


def test_the_environment_beats_the_file(tmp_path: Path):
    """
    What is set for one terminal, or one command, is closer than what is written down.
    """
    text = 'language = "zh"\nmotion = "off"\nprompts = "plain"\npager = "less"\n'

    as_written = loaded(tmp_path, text)
    as_set = loaded(
        tmp_path,
        text,
        HONGBAO_LANG="en_GB.UTF-8",
        HONGBAO_MOTION="auto",
        HONGBAO_PROMPTS="off",
        HONGBAO_PAGER="",
    )

    assert ("zh", "off", "plain", "less") == as_written[1:5]
    assert ("en", "auto", "off", "") == as_set[1:5]


def test_every_setting_is_read(tmp_path: Path):
    """
    The names in the file are the fields.
    """
    text = "".join(
        f'{key} = "{each.choices[-1] if each.choices else "x"}"\n'
        for key, each in settings.SETTINGS.items()
    )
    text += "".join(f'[{key}]\nsend = "x"\n' for key in settings.TABLES)

    found = loaded(tmp_path, text)

    assert {*settings.SETTINGS, *settings.TABLES, "path"} == set(settings.Settings._fields)
    assert all(found)


@every(
    ("text", "line", "problem"),
    [
        ('motion = "off"\nmotoin = "off"', 2, "unknown setting 'motoin'; did you mean motion?"),
        ('bubble = "x"', 1, "unknown setting 'bubble'; known settings: language, motion, prompts,"),
        ('pin = "246813"', 1, "'pin' is never a setting"),
        ("yes = true", 1, "'yes' is never a setting"),
        ('operator = "x"', 1, "'operator' is never a setting"),
        ("motion = true", 1, "motion must be text in quotes"),
        ('\n\nmotion = "sometimes"', 3, "motion must be one of auto, off, not 'sometimes'"),
        ('bare = ""', 1, "bare must be one of"),
        ('export_folder = " "', 1, "export_folder must be 1 to 1000 printable characters"),
        ('export_folder = "a\\u001b[31m"', 1, "export_folder must be 1 to 1000 printable"),
        ('columns = "at"', 1, "columns must be a table, [columns]"),
        ('[columns]\nhistory = ["at"]', 2, "columns.history must be text in quotes"),
        ('[aliases]\nrp = ""', 2, "aliases.rp must be 1 to 1000 printable characters"),
        ('motion = "off"\nmotion = "off"', 2, "this is defined twice"),
        ("motion = off", 1, "this is not TOML from column 10 on"),
        ("x" * 70_000, 1, "settings have at most 65536 characters"),
    ],
)
def test_what_is_no_setting_is_refused_by_name_and_line(
    tmp_path: Path, text: str, line: int, problem: str
):
    """
    With the file and the line, so that an editor finds it.
    """
    with pytest.raises(InvalidSettings) as refused:
        loaded(tmp_path, text)

    assert str(refused.value).startswith(f"{tmp_path}/config.toml:{line}: {problem}")
    assert 2 == refused.value.exit_code


def test_a_variable_with_no_such_value_is_refused_by_name(tmp_path: Path):
    """
    A mistyped value is no silent default.
    """
    with pytest.raises(InvalidVariable) as refused:
        loaded(tmp_path, "", HONGBAO_MOTION="never")

    assert "HONGBAO_MOTION must be one of auto, off, not 'never'" == str(refused.value)


@every(
    ("system", "variables", "path"),
    [
        ("linux", {"HONGBAO_CONFIG": "/a/mine.toml", "XDG_CONFIG_HOME": "/b"}, "/a/mine.toml"),
        ("linux", {"XDG_CONFIG_HOME": "/b", "HOME": "/h"}, "/b/hongbao/config.toml"),
        ("linux", {"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/hongbao/config.toml"),
        ("linux", {"HOME": "/h"}, "/h/.config/hongbao/config.toml"),
        ("darwin", {"XDG_CONFIG_HOME": "/b", "HOME": "/h"}, "/b/hongbao/config.toml"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/hongbao/config.toml"),
        ("win32", {"LOCALAPPDATA": "/l", "HOME": "/h"}, "/l/hongbao/config.toml"),
    ],
)
def test_the_file_is_where_the_system_has_such_files(
    monkeypatch: pytest.MonkeyPatch, system: str, variables: dict[str, str], path: str
):
    """
    Or where a person says; never in the folder that a lesson was copied to.
    """
    monkeypatch.setattr(sys, "platform", system)

    assert Path(path) == settings.place(variables)


def test_on_a_mac_a_file_in_dot_config_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Who keeps all of them there finds ours where the others are.
    """
    monkeypatch.setattr(sys, "platform", "darwin")
    file = tmp_path / ".config" / "hongbao" / "config.toml"
    file.parent.mkdir(parents=True)
    file.touch()

    assert file == settings.place({"HOME": str(tmp_path)})


# --- as commands have them -----------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_the_language_of_the_file_is_spoken(new_year: Shell, config: Path):
    """
    Unless the environment has ours; a locale is everybody's, so the file beats it.
    """
    config.write_text('language = "zh"\n')

    for language, title in (("", "用法"), ("en", "Usage")):
        settings = {"HONGBAO_CONFIG": str(config), "HONGBAO_LANG": language, "LC_ALL": "C.UTF-8"}
        assert new_year.does("balance", "--help", **settings).out.startswith(title)


def test_the_default_profile_acts_where_none_is_named(new_year: Shell, config: Path):
    """
    After `-p` and the environment, before the one that `use` chose.
    """
    config.write_text('default_profile = "小红"\n')
    settings = {"HONGBAO_CONFIG": str(config)}

    assert "小红" == new_year.answers("balance", **settings)["profile"]
    assert "小刚" == new_year.answers("balance", "-p", "小刚", **settings)["profile"]
    assert "小刚" == new_year.answers("balance", HONGBAO_PROFILE="小刚", **settings)["profile"]


def test_a_default_profile_that_is_not_there_is_refused_with_the_file(
    new_year: Shell, config: Path
):
    """
    A name in a file that is long forgotten must not look like a wallet without people.
    """
    config.write_text('default_profile = "小白"\n')

    code, error = new_year.refuses("balance", HONGBAO_CONFIG=str(config))

    assert (10, "default_profile_not_found") == (code, error["code"])
    assert (
        f"there is no profile '小白' here, which {config} has as default_profile"
        == (error["message"])
    )
    assert (
        "小红" == new_year.answers("balance", "-p", "小红", HONGBAO_CONFIG=str(config))["profile"]
    )


def test_a_command_does_not_start_without_its_settings(new_year: Shell, config: Path):
    """
    Refused before anything is opened; help still works, and so does asking for the version.
    """
    config.write_text('motoin = "off"\n')
    settings = {"HONGBAO_CONFIG": str(config)}

    code, error = new_year.refuses("balance", **settings)

    assert (2, "invalid_settings", 1) == (code, error["code"], error["line"])
    assert 0 == new_year("balance", "--help", **settings).code
    assert 0 == new_year("--help", **settings).code
    assert new_year("--version").out == new_year("--version", **settings).out
