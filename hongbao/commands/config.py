"""``hongbao config``."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

from hongbao import settings
from hongbao.answers import SettingChanged, SettingLine, SettingsFile
from hongbao.commands import lists
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import Command, Group, caller, listing, new_app
from hongbao.commands.placeholders import SETTING
from hongbao.commands.table import NAMES, app_of
from hongbao.errors import (
    EditorFailed,
    InvalidSetting,
    NoPlaceForSettings,
    UnknownColumn,
    shortened,
)
from hongbao.words import N_

app = new_app(cls=Group)


def _keys(incomplete: str) -> list[str]:
    return [key for key in settings.SETTINGS if key.startswith(incomplete)]


def _values(ctx: Context, incomplete: str) -> list[str]:
    setting = settings.SETTINGS.get(ctx.params.get("key", ""))
    return [value for value in (setting.choices if setting else ()) if value.startswith(incomplete)]


Key = Annotated[
    str,
    Argument(metavar=SETTING, autocompletion=_keys, help=N_("as `config list` names it")),
]
Origin = Annotated[bool, Option("--origin", help=N_("also show where each setting comes from"))]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show and change your settings, such as the language."),
    help=N_(
        "Without a command, it lists them. Settings are in a file of yours; the environment beats "
        "the file, and options beat both."
    ),
    epilog="hongbao config set language zh\nhongbao config list --origin",
)
def config(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx, origin=False)


@app.command(
    "list",
    cls=listing("settings:SETTINGS"),
    short_help=N_("List every setting and its value."),
    epilog="hongbao config list --origin",
)
def list_settings(ctx: Context, origin: Origin = False) -> None:
    _list(ctx, origin=origin)


@app.command(
    "get",
    cls=Command,
    short_help=N_("Print the value of one setting."),
    epilog="hongbao config get language",
)
def get(ctx: Context, key: Key) -> None:
    from hongbao.settings import editing
    from hongbao.ui import settings as shown

    found = [line for line in _listed(ctx) if line["key"] == key]
    if not found:
        editing.check(key, "-" if editing.path_of(key)[0] in settings.TABLES else "")
        found = [SettingLine(key=key, value="", origin="default")]
    caller(ctx).answer(found[0], shown.show_value)


@app.command(
    "set",
    cls=Command,
    short_help=N_("Change one setting, in your file of settings."),
    help=N_("Comments in the file are kept. `columns.COMMAND` are the columns of a list."),
    epilog="hongbao config set motion off",
)
def set_value(
    ctx: Context,
    key: Key,
    value: Annotated[
        str, Argument(metavar="TEXT", autocompletion=_values, help=N_("its new value"))
    ],
) -> None:
    from hongbao.settings import aliases, editing
    from hongbao.ui import settings as shown

    call = caller(ctx)
    table, _dot, name = key.partition(".")
    if table == "columns" and name:
        _check_command(name)
        _check_columns(name, value)
    if table == "aliases" and name:
        aliases.check(name, value, NAMES)
    path = settings_file()
    editing.write(path, key, value)
    changed = SettingChanged(key=key, value=value, path=str(path))
    call.answer(changed, shown.show_changed)
    _mention_variable(ctx, key)


@app.command(
    "unset",
    cls=Command,
    short_help=N_("Remove one setting from your file of settings."),
    epilog="hongbao config unset motion",
)
def unset(ctx: Context, key: Key) -> None:
    from hongbao.settings import editing
    from hongbao.ui import settings as shown

    path = settings_file()
    editing.remove(path, key)
    changed = SettingChanged(key=key, value=None, path=str(path))
    caller(ctx).answer(changed, shown.show_changed)
    _mention_variable(ctx, key)


@app.command(
    "edit",
    cls=Command,
    short_help=N_("Open your file of settings in your editor."),
    help=N_("VISUAL or EDITOR names the editor. A new file has every setting as a comment."),
    epilog="hongbao config edit",
)
def edit(ctx: Context) -> None:
    from hongbao.settings import editing
    from hongbao.ui import settings as shown

    path = settings_file()
    if not path.exists():
        editing.save(path, editing.template())
    _open_in_editor(path)
    settings.in_file(path)  # what is wrong in it is refused at once
    caller(ctx).answer(_location(path), shown.show_path)


@app.command(
    "path",
    cls=Command,
    short_help=N_("Print where your file of settings is."),
    help=N_("HONGBAO_CONFIG names another file."),
    epilog="hongbao config path",
)
def path(ctx: Context) -> None:
    from hongbao.ui import settings as shown

    caller(ctx).answer(_location(settings_file()), shown.show_path)


def _list(ctx: Context, *, origin: bool) -> None:
    from hongbao.ui import settings as shown

    caller(ctx).answer_list({"settings": _listed(ctx)}, shown.settings_listed(origin=origin))


def _listed(ctx: Context) -> list[SettingLine]:
    from hongbao.settings import origins

    return origins.listed(os.environ, caller(ctx).profile)


def settings_file() -> Path:
    """Return the path of the file of settings. Raises NoPlaceForSettings."""
    path = settings.place(os.environ)
    if path is None:
        raise NoPlaceForSettings
    return path


def _location(path: Path) -> SettingsFile:
    return {"path": str(path), "exists": path.exists()}


def _check_command(name: str) -> None:
    """Raise InvalidSetting unless *name* begins with a command."""
    if name.partition(" ")[0] not in NAMES:
        raise InvalidSetting(problem="not_a_command", text=shortened(name))


def _check_columns(name: str, columns: str) -> None:
    """Raise InvalidSetting for columns that the list of the command *name* does not have."""
    first, _blank, second = name.partition(" ")
    app = app_of(first)
    assert app is not None
    declared = app.alone or app.commands.get(second)
    listed = app.kind.listed if declared is None else declared.kind.listed
    if listed:
        try:
            lists.listing_at(listed).picked(columns, ())
        except UnknownColumn as error:
            column = str(error.facts["column"])
            raise InvalidSetting(problem="not_a_column", text=column, other=name) from None


def _mention_variable(ctx: Context, key: str) -> None:
    """Mention a variable that beats the file, so that what was changed has no effect here."""
    setting = settings.SETTINGS.get(key)
    if setting and setting.variable and setting.variable in os.environ:
        caller(ctx).remark(
            N_("note: {variable} is set in this shell, and beats the file"),
            variable=setting.variable,
        )


def _open_in_editor(path: Path) -> None:
    """Have the person's editor open *path*, and wait for it. Raises EditorFailed."""
    default = "notepad" if sys.platform == "win32" else "vi"
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or default
    import subprocess

    try:
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - theirs
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EditorFailed(editor=editor, reason=reason) from None
    if ended.returncode:
        raise EditorFailed(editor=editor, reason=f"exit {ended.returncode}")
