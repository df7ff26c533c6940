"""Commands within this process: what a fork would do, at a fraction of its cost."""

import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hongbao import cli
from hongbao.story.running import Ran, Screen


def run(
    words: list[str], folder: Path, variables: Mapping[str, str], _screen: Screen | None
) -> Ran:
    """Run hongbao with *words* here and now (see `hongbao.story.running.Run`)."""
    before, place, streams = dict(os.environ), Path.cwd(), (sys.stdout, sys.stderr)
    outputs = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.stdout, sys.stderr = outputs
    try:
        code = int(cli.main(words))
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)
    for output in outputs:
        output.flush()
    out, err = (output.buffer.getvalue() for output in outputs)
    return Ran(code, out, err)
