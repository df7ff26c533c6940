"""Where each setting comes from: an option, the environment, the file, or its default."""

from collections.abc import Mapping

from hongbao import settings
from hongbao.answers import SettingLine

DEFAULT = "default"
OPTION = "--profile"


def listed(variables: Mapping[str, str], profile: str | None = None) -> list[SettingLine]:
    """
    Return every setting as it holds, with where it comes from; *profile* is what ``-p`` says.

    Raises what `hongbao.settings.load` does.
    """
    path = settings.place(variables)
    text = (None if path is None else settings.read(path)) or ""
    content = settings.parse(text, source=str(path))

    def from_file(*keys: str) -> str:
        return f"{path}:{settings.line_of(text, keys)}"

    lines = []
    for key, setting in settings.SETTINGS.items():
        if key == "default_profile" and profile is not None:
            value, origin = profile, OPTION
        elif (said := settings.in_variable(setting, variables)) is not None:
            value, origin = said, str(setting.variable)
        elif key in content:
            value, origin = content[key], from_file(key)
        elif other := next((name for name in setting.others if variables.get(name)), None):
            value, origin = variables[other], other
            if key == "language":
                value = settings.language_of(value)
        else:
            value, origin = setting.default, DEFAULT
        lines.append(SettingLine(key=key, value=value, origin=origin))
    for table in settings.TABLES:
        for name, value in content.get(table, {}).items():
            key = f"{table}.{name}"
            lines.append(SettingLine(key=key, value=value, origin=from_file(table, name)))
    return lines
