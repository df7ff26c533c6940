"""The system's keyring, reached through the optional `keyring` package."""

import importlib
from contextlib import suppress

from hongbao import errors
from hongbao.words import N_

HAS_NONE = N_("it has no key for this wallet")

_SERVICE = "hongbao"


def get(holder: str) -> str | None:
    """Return the key kept under *holder*, or None if the keyring has none."""
    found = _asked("get_password", holder)
    return found if isinstance(found, str) else None


def put(holder: str, key: str) -> None:
    """Keep *key* under *holder*, and make sure that it is kept."""
    _asked("set_password", holder, key)
    if get(holder) != key:
        # The null keyring takes everything and keeps nothing.
        raise errors.KeyringUnavailable(reason=N_("it does not return what was stored"))


def forget(holder: str) -> None:
    """Remove what is kept under *holder*, if the keyring lets us; it opens nothing any more."""
    with suppress(errors.KeyringUnavailable):
        _asked("delete_password", holder)


def _asked(verb: str, *arguments: str) -> object:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise errors.KeyringUnavailable(reason=N_("its Python package is missing")) from None
    try:
        found: object = getattr(keyring, verb)(_SERVICE, *arguments)
    except Exception as error:  # noqa: BLE001 (backends let their own libraries' errors through)
        said = errors.shortened(str(error).partition("\n")[0], 80)
        raise errors.KeyringUnavailable(reason=said) from None
    return found
