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


def test_use_says_where_the_default_profile_goes_before_it(shell: Shell, config: Path):
    """
    Or the choice would seem to have had no effect.
    """
    config.write_text('default_profile = "小红"\n')

    said = shell.does("use", "小刚", HONGBAO_CONFIG=str(config))

    assert "note: your setting default_profile is 小红, and goes before this choice\n" == said.err
    config.unlink()
    assert "" == shell.does("use", "小刚").err


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


# --- config --------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path) -> Shell:
    """A shell without a wallet, whose settings are of this test alone."""
    return Shell(tmp_path / "home", "246813")


def file_of(shell: Shell) -> Path:
    return shell.home.parent / "config.toml"


def test_what_is_set_holds_until_it_is_removed(mine: Shell):
    """
    Comments, order and other settings stay as a person has written them.
    """
    file_of(mine).write_text('# quiet, please\nbare = "help"  # for now\n', encoding="utf-8")

    mine.does("config", "set", "motion", "off")
    mine.does("config", "set", "columns.history", "at,status")
    after = file_of(mine).read_text("utf-8")
    assert "off\n" == mine.does("config", "get", "motion").out
    mine.does("config", "unset", "motion")
    mine.does("config", "unset", "columns.history")

    assert after == (
        '# quiet, please\nbare = "help"  # for now\nmotion = "off"\n\n'
        '[columns]\nhistory = "at,status"\n'
    )
    assert (
        file_of(mine).read_text("utf-8").startswith('# quiet, please\nbare = "help"  # for now\n')
    )
    assert {"bare": "help"} == settings.in_file(file_of(mine))
    assert "auto\n" == mine.does("config", "get", "motion").out


@every(
    ("typed", "code", "problem"),
    [
        (("set", "motoin", "off"), "invalid_setting", "unknown setting 'motoin'; did you mean"),
        (("set", "motion", "never"), "invalid_setting", "motion must be one of auto, off, not"),
        (("set", "pin", "246813"), "invalid_setting", "'pin' is never a setting"),
        (("set", "no-input", "x"), "invalid_setting", "'no-input' is never a setting"),
        (("set", "columns", "at"), "invalid_setting", "columns needs a name, as in columns.NAME"),
        (("set", "columns.histroy", "at"), "invalid_setting", "'histroy' is not a command"),
        (("set", "export_folder", ""), "invalid_setting", "export_folder must be 1 to 1000"),
        (("get", "motoin"), "invalid_setting", "unknown setting 'motoin'"),
        (("get", "columns"), "invalid_setting", "columns needs a name"),
        (("unset", "motion"), "setting_not_found", "does not set motion"),
        (("unset", "columns.history"), "setting_not_found", "does not set columns.history"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_written(
    empty: Shell, typed: tuple[str, ...], code: str, problem: str
):
    """
    Before there is a file, and in the words of the file's own refusals.
    """
    ended, error = empty.refuses("config", *typed)

    assert (code, True) == (error["code"], problem in str(error["message"]))
    assert ended == (10 if code == "setting_not_found" else 2)
    assert not file_of(empty).exists()


def test_the_list_says_where_each_setting_comes_from(mine: Shell):
    """
    An option beats a variable, a variable the file, and the file a default.
    """
    file = file_of(mine)
    file.write_text('\nprompts = "plain"\n\n[aliases]\nrp = "send --count 5"\n', encoding="utf-8")

    said = mine.does(
        *("config", "list", "--origin", "-p", "小红"), HONGBAO_MOTION="off", PAGER="more"
    )

    assert {
        "language\ten\tHONGBAO_LANG",
        "motion\toff\tHONGBAO_MOTION",
        f"prompts\tplain\t{file}:2",
        "pager\tmore\tPAGER",
        "export_folder\t\tdefault",
        "default_profile\t小红\t--profile",
        "bare\tstatus\tdefault",
        f"aliases.rp\tsend --count 5\t{file}:5",
    } == set(said.lines)
    assert said.lines[0].rpartition("\t")[0] == mine.does("config").lines[0]


def test_the_page_shows_a_file_that_is_one():
    """
    docs/reference/commands/config.md.
    """
    page = (Path(__file__).parents[2] / "docs" / "reference" / "commands" / "config.md").read_text(
        "utf-8"
    )

    example = page.partition("```toml\n")[2].partition("```")[0]

    assert {"motion", "language", "columns"} == set(settings.parse(example, source="config.md"))


def test_a_file_that_cannot_be_read_is_repaired_by_config(mine: Shell):
    """
    `unset` removes what is no setting, `edit` opens the rest; both while every command refuses.
    """
    file_of(mine).write_text('motoin = "off"\nbare = "help"\n', encoding="utf-8")

    assert 2 == mine("demo").code
    assert 2 == mine("config", "list").code
    assert f"{file_of(mine)}\n" == mine.does("config", "path").out
    mine.does("config", "set", "motion", "off")
    mine.does("config", "unset", "motoin")

    assert {"bare": "help", "motion": "off"} == settings.in_file(file_of(mine))


def test_a_file_that_is_not_toml_is_refused_with_its_line_and_stays(mine: Shell):
    """
    What cannot be understood is not written over.
    """
    file_of(mine).write_text('bare = "help"\nmotion = off\n', encoding="utf-8")

    for typed in (("set", "motion", "off"), ("unset", "bare"), ("edit",)):
        code, error = mine.refuses("config", *typed)
        assert (2, "invalid_settings", 2) == (code, error["code"], error["line"])

    assert 'bare = "help"\nmotion = off\n' == file_of(mine).read_text("utf-8")


def test_the_editor_opens_the_file_which_is_checked_after_it(mine: Shell, tmp_path: Path):
    """
    A new file has every setting as a comment: with the marks removed it sets them all.
    """
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\necho \'motoin = "off"\' >> "$2"\n', encoding="utf-8")
    editor.chmod(0o755)

    made = mine.answers("config", "edit")
    template = file_of(mine).read_text("utf-8")
    code, error = mine.refuses("config", "edit", VISUAL=f"'{editor}' --wait")

    assert {"path": str(file_of(mine)), "exists": True} == made
    assert {} == settings.parse(template, source="config.toml")
    every_line = "".join(
        line[1:] if line[1:2] not in (" ", "") else line for line in template.splitlines(True)
    )
    written = every_line.replace('""', '"x"')
    found = settings.parse(written, source="config.toml")
    assert {*settings.SETTINGS, *settings.TABLES} == set(found)
    assert (2, "invalid_settings") == (code, error["code"])
    assert "did you mean motion?" in str(error["message"])


@every(
    ("editor", "reason"),
    [
        ("/nowhere/vi", "No such file or directory"),
        ("sh -c 'exit 1'", "exit 1"),
        ("'vi", "No closing quotation"),
    ],
)
def test_an_editor_that_fails_is_named(mine: Shell, editor: str, reason: str):
    """
    Not found, ended with an error, or typed so that no shell would take it.
    """
    code, error = mine.refuses("config", "edit", EDITOR=editor)

    assert (2, "editor_failed", reason) == (code, error["code"], error["reason"])


def test_a_link_to_the_file_stays_a_link(mine: Shell, tmp_path: Path):
    """
    Who keeps settings among other dotfiles keeps them there.
    """
    real = tmp_path / "dotfiles" / "hongbao.toml"
    real.parent.mkdir()
    real.touch()
    file_of(mine).symlink_to(real)

    mine.does("config", "set", "motion", "off")

    assert file_of(mine).is_symlink()
    assert 'motion = "off"\n' == real.read_text("utf-8")


def test_a_variable_that_beats_what_was_set_is_mentioned(mine: Shell):
    """
    Else the change would seem to have had no effect.
    """
    said = mine.does("config", "set", "motion", "off", HONGBAO_MOTION="auto")

    assert "note: HONGBAO_MOTION is set in this shell, and beats the file\n" == said.err


def test_columns_of_what_is_no_command_are_refused_by_their_line(new_year: Shell, config: Path):
    """
    A mistyped command would be ignored for ever.
    """
    config.write_text('[columns]\nhistory = "at"\nhistroy = "at"\n')

    code, error = new_year.refuses("balance", HONGBAO_CONFIG=str(config))

    assert (2, 3, "'histroy' is not a command") == (
        *(code, error["line"]),
        str(error["message"]).rpartition(": ")[2],
    )


def test_a_statement_goes_into_its_folder_on_a_terminal_only(shell: Shell, config: Path):
    """
    A pipe gets the data as ever.
    """
    folder = config.parent / "statements"
    folder.mkdir()
    config.write_text(f'export_folder = "{folder}"\n')

    piped = shell.does("export", "--format", "csv", HONGBAO_CONFIG=str(config))
    assert [] == [*folder.iterdir()]
    shown = shell.at_terminal("export", "--format", "csv", HONGBAO_CONFIG=str(config)).out

    assert piped.out
    assert [".csv"] == [file.suffix for file in folder.iterdir() if file.suffix != ".sig"]
    assert "csv" in shown
