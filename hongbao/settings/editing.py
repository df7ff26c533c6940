"""Changes to the file of settings, which keep its comments, its order and its look."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hongbao import settings
from hongbao.errors import InvalidSetting, SettingNotFound, StorageRefused
from hongbao.words import N_, _

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def check(key: str, value: str = "") -> tuple[str, ...]:
    """
    Return the path of *key*, as ``("columns", "history")``, if *value* can be written there.

    Raises InvalidSetting.
    """
    path = path_of(key)
    if path in {(table,) for table in settings.TABLES}:
        raise InvalidSetting(problem="needs_name", key=key)
    if found := settings.problem_of(path, value):
        problem, facts = found
        raise InvalidSetting(problem=problem, **facts)
    return path


def path_of(key: str) -> tuple[str, ...]:
    """Return the keys that lead to *key*: a table's name, and the rest as one name."""
    table, _dot, name = key.partition(".")
    return (table, name) if table in settings.TABLES and name else (key,)


def write(path: Path, key: str, value: str) -> None:
    """
    Write *value* under *key* in the file at *path*, which is made where it is not there.

    Raises InvalidSetting, InvalidSettings (of a file that is not TOML) and StorageRefused.
    """
    keys = check(key, value)
    document = _document(path)
    if len(keys) == 1:
        document[key] = value
    else:
        import tomlkit

        table, name = keys
        if table not in document:
            document[table] = tomlkit.table()
        inside: Any = document[table]
        inside[name] = value
    _save(path, document)


def remove(path: Path, key: str) -> None:
    """
    Remove *key* from the file at *path*: also one that is no setting, so that it can be corrected.

    Raises SettingNotFound, InvalidSettings (of a file that is not TOML) and StorageRefused.
    """
    document = _document(path)
    keys = path_of(key)
    inside: Any = document
    for table in keys[:-1]:
        inside = inside.get(table)
    if not isinstance(inside, dict) or keys[-1] not in inside:
        raise SettingNotFound(key=key, path=str(path))
    del inside[keys[-1]]
    if inside is not document and not inside:
        del document[keys[0]]
    _save(path, document)


def template() -> str:
    """Return a file that has every setting as a comment, with what it is for."""
    top = N_("Every setting of hongbao. Remove the # in front of one to set it.")
    lines = [f"# {_(top)}"]
    for key, setting in settings.SETTINGS.items():
        example = setting.default or (setting.choices[0] if setting.choices else "")
        lines += ["", f"# {_(setting.help)}", f'#{key} = "{example}"']
    for key, setting in settings.TABLES.items():
        lines += ["", f"# {_(setting.help)}", f"#[{key}]", f"#{setting.default}"]
    return "\n".join(lines) + "\n"


def save(path: Path, text: str) -> None:
    """Write *text* as the file at *path*, whole or not at all. Raises StorageRefused."""
    from hongbao.outputs import save_as

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageRefused(path=str(path), reason=reason) from error
    save_as(path, lambda out: out.write(text.encode()), replace=True)


def _document(path: Path) -> "TOMLDocument":
    import tomlkit

    text = settings.read(path) or ""
    settings.document_of(text, str(path)).content()  # refused with its line
    return tomlkit.parse(text)


def _save(path: Path, document: "TOMLDocument") -> None:
    save(path, document.as_string())
