"""
Many commands in one process, as a program that runs them one after another would see them.

``stage.py apart`` reads its acts from standard input and answers each command's exit code, output
and errors as JSON; ``stage.py FILE`` plays the acts on the terminal it stands on. An act has its
*lines*, the *home* and *folder* where they are typed, and a *now*, the moment that the world's
clock stands at. ``{1}`` in a line is the first packet that was met, ``{2}`` the second, ``{rc1}``
the first case and ``{ch1}`` the first challenge; settings such as ``COLUMNS=40`` may stand before a
command; ``PYTHONIOENCODING`` is the encoding of what it writes to. A line on the terminal whose
first word is ``!`` is one for bash, in the folder, with this very hongbao on its path; behind ``?``
the exit code is shown as well.
"""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

from hongbao import cli
from hongbao.commands import caller
from hongbao.env import Env, system_env

CHEAP = (1, 8, 1)
"""What a try at a PIN costs here: hundreds of them are typed."""


def main() -> int:
    """Play the acts."""
    if sys.argv[1] == "apart":
        sys.stdout.write(json.dumps([_apart(act) for act in json.loads(sys.stdin.read())]))
        return 0
    vars(caller)["Caller"].play = _no_motion  # a screen here is what is left of it
    for act in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        _enter(act)
        for line in act["lines"]:
            sys.stdout.write("\x1e")
            sys.stdout.flush()
            with _settings(line) as typed:
                if typed[0] == "!":
                    _in_shell(typed[1])
                elif typed[0] == "?":
                    sys.stdout.write(f"exit code {int(cli.main(typed[1:]))}\n")
                else:
                    cli.main(typed)
    return 0


def _in_shell(line: str) -> None:
    sys.path.append(str(Path(__file__).parents[2]))
    from tests import warm

    sys.stdout.flush()
    warm.bash(line)


def _no_motion(_call: object, _frames: object, _seconds: float) -> None:
    """Draw nothing over anything else."""


def _enter(act: dict[str, Any]) -> None:
    os.chdir(act["folder"])
    os.environ["HONGBAO_HOME"] = act["home"]
    os.environ["HONGBAO_CONFIG"] = str(Path(act["home"]).parent / "config.toml")
    os.environ["HONGBAO_PIN_FILE"] = act["pin"]
    vars(caller)["system_env"] = _world(act["now"])


def _world(now: str) -> Callable[[], Env]:
    def world() -> Env:
        plain = system_env()._replace(hash_cost=CHEAP)
        moment = os.environ.get("NOW") or now
        return plain._replace(now=lambda: datetime.fromisoformat(moment)) if moment else plain

    return world


def _apart(act: dict[str, Any]) -> list[tuple[int, str, str]]:
    _enter(act)
    said: list[tuple[int, str, str]] = []
    met: dict[str, list[str]] = {"hb": [], "rc": [], "ch": []}
    for line in act["lines"]:
        meant = [_meant(word, met) for word in line]
        with _settings(meant) as typed:
            encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
            out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
            with redirect_stdout(out), redirect_stderr(err):
                code = cli.main(typed)
        said.append((int(code), _read(out), _read(err)))
        for kind, ids in met.items():
            told = said[-1][1] + (said[-1][2] if kind == "ch" else "")
            ids += [new for new in re.findall(f"{kind}_[0-9A-Z]{{8}}", told) if new not in ids]
    return said


def _meant(word: str, met: dict[str, list[str]]) -> str:
    return re.sub(r"\{(hb|rc|ch)?(\d)\}", lambda told: met[told[1] or "hb"][int(told[2]) - 1], word)


@contextmanager
def _settings(line: list[str]) -> Iterator[list[str]]:
    before, typed = dict(os.environ), list(line)
    while typed and re.match(r"[A-Z_]+=", typed[0]):
        name, _, value = typed.pop(0).partition("=")
        os.environ[name] = value
    try:
        yield typed
    finally:
        os.environ.clear()
        os.environ.update(before)


def _read(stream: io.TextIOWrapper, errors: str = "strict") -> str:
    stream.flush()
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode(stream.encoding, errors)


if __name__ == "__main__":
    sys.exit(main())
