"""Paths that people type, in a command or in a variable of the environment."""

import os
from pathlib import Path

from hongbao import errors
from hongbao.words import N_


def typed_path(text: str) -> Path:
    """
    Return the path that *text* means, ``~`` and ``~name`` being people's own folders.

    Whether anything is there is for the system to say. Refused is what would lead somewhere other
    than the text says, or could not be repeated: in JSON, on a screen, in the ledger.

    Raises InvalidPath.
    """
    if not text:
        raise errors.InvalidPath(text, reason=N_("it is empty"))
    if "\0" in text:
        raise errors.InvalidPath(text, reason=N_("it contains a NUL character"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8 reach Python as lone surrogates
        raise errors.InvalidPath(
            text, reason=N_("its name is not UTF-8; rename it first")
        ) from None
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise errors.InvalidPath(text, reason=N_("there is no user of that name")) from None


def absolute_path(text: str) -> Path:
    """Return where `typed_path` leads, from any folder it will be looked at later."""
    path = typed_path(text)
    try:
        return path.absolute()
    except OSError:
        reason = N_("the folder it starts from does not exist any more")
        raise errors.InvalidPath(text, reason=reason) from None


def lies_in(path: Path, folder: Path) -> bool:
    """
    Return whether *path*, followed through every link, is *folder* or lies in it.

    Folders are compared as the system tells them apart, by number: a disk may not mind case, and
    one folder may be mounted twice.
    """
    real = Path(os.path.realpath(path))
    try:
        sought = folder.stat()
    except OSError:
        return False
    for place in (real, *real.parents):
        try:
            if os.path.samestat(place.stat(), sought):
                return True
        except OSError:  # the last part need not be there yet
            continue
    return False
