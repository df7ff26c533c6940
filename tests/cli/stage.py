"""
Many commands in one process, as a program that runs them one after another would see them.

``stage.py apart`` reads its script from standard input and answers each command's exit code, output
and errors as JSON; ``stage.py FILE`` plays the script on the terminal it stands on. A script's
*now* is a moment that the world's clock stands at. ``{1}`` in a command is the first packet that
was met, ``{2}`` the second.
"""

import io
import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

from hongbao import cli
from hongbao.commands import caller
from hongbao.env import system_env

CHEAP = (1, 8, 1)
"""What a try at a PIN costs here: hundreds of them are typed."""


def main() -> int:
    """Play the script."""
    if pins := os.environ.get("PINS"):
        os.environ["HONGBAO_PIN_FILE"] = pins
    apart = sys.argv[1] == "apart"
    script = json.loads(sys.stdin.read() if apart else Path(sys.argv[1]).read_text())
    world = system_env()._replace(hash_cost=CHEAP)
    if script["now"]:
        at = datetime.fromisoformat(script["now"])
        world = world._replace(now=lambda: at)
    vars(caller)["system_env"] = lambda: world
    said: list[Any] = []
    packets: list[str] = []
    for line in script["lines"]:
        if not apart:
            sys.stdout.write("\x1e")
            sys.stdout.flush()
            cli.main(line)
            continue
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.main(
                [re.sub(r"\{(\d)\}", lambda n: packets[int(n[1]) - 1], w) for w in line]
            )
        told = [_read(text) for text in (out, err)]
        for packet in re.findall("hb_[0-9A-Z]{8}", told[0]):
            if packet not in packets:
                packets.append(packet)
        said.append((int(code), *told))
    if apart:
        sys.stdout.write(json.dumps(said))
    return 0


def _read(stream: io.TextIOWrapper) -> str:
    stream.flush()
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode()


if __name__ == "__main__":
    sys.exit(main())
