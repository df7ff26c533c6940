"""A person's aliases, as the command line reads them."""

from collections.abc import Mapping

from hongbao.commands.caller import Caller
from hongbao.commands.table import NAMES
from hongbao.errors import HongbaoError


def of_alias(words: list[str], call: Caller) -> list[str] | None:
    """Return *words* with the alias that they begin with expanded; None if it is none."""
    if words[0] not in call.settings.aliases:
        return None
    from hongbao.settings import aliases

    return aliases.expanded(words, call.settings, NAMES)


def aliases_of(call: Caller | None) -> Mapping[str, str]:
    """Return the aliases that can be used; none where no settings can be read."""
    try:
        found = {} if call is None else call.settings.aliases
    except (HongbaoError, OSError):
        return {}
    return {name: text for name, text in found.items() if name not in NAMES}
