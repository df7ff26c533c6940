"""
Destroy a cluster as soon as whoever has started it is gone, however that came about.

Tests that are killed clean nothing up. This process holds the other end of a pipe of theirs.
"""

import subprocess
import sys
from pathlib import Path

from tools.nodes.cluster import Cluster


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Start a guard over the cluster in *folder*; it acts when its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.nodes.guard", str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )


def main(folder: Path) -> None:
    """Wait until nobody holds the pipe any more."""
    sys.stdin.read()
    if (folder / "cluster.json").exists():
        Cluster.read(folder).destroy()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
