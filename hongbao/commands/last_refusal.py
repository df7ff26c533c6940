"""
The last refusal that a person saw, so that `hongbao why` can explain it.

Only its code is kept, in a file of the wallet, with a mark of who acted: no amount, no name, no
sentence. It is kept where a person is watching, so that scripts cost nothing and never meet.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress

from hongbao.commands.caller import Caller
from hongbao.documents import of_json
from hongbao.errors import HongbaoError

NAME = "last-refusal"


def keep(call: Caller, error: HongbaoError) -> None:
    """Remember *error*, if a person sees it and there is a wallet to remember it in."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    with suppress(OSError, HongbaoError):  # a wallet that cannot be written refuses for itself
        path = call.env.data / NAME
        if path.parent.is_dir():
            document = json.dumps({"code": error.code, "by": _mark(call)})
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(document)


def of(call: Caller) -> str | None:
    """Return the code of the last refusal of who acts; None if it is not known."""
    from hongbao import why

    try:
        document = of_json((call.env.data / NAME).read_text(encoding="utf-8"))
        code, by = document["code"], document["by"]
    except (OSError, ValueError, KeyError, TypeError, HongbaoError):
        return None
    return code if by == _mark(call) and code in why.codes() else None


def forget(call: Caller) -> None:
    """Forget the last refusal: someone else acts from now on."""
    with suppress(OSError, HongbaoError):  # there may be none, and it is no one's loss
        (call.env.data / NAME).unlink()


def _mark(call: Caller) -> str:
    return hashlib.sha256((call.acting_as or "").encode()).hexdigest()[:16]
