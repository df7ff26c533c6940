"""
Run `hongbao drill` on nodes of this machine, which are made for it: ``make drill``.

Options of the command may follow: ``make drill OPTIONS='--seconds 5'``.
"""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.nodes import guard  # noqa: E402
from tools.nodes.cluster import OWNER, Cluster  # noqa: E402
from tools.nodes.programs import ClusterError, NotInstalled  # noqa: E402

FAILED, NOT_INSTALLED = 1, 3


def words_for(cluster: Cluster, database: str) -> list[str]:
    """Return the words of a drill on *database*: its nodes, and what is done to them."""
    tool = shlex.join(
        [sys.executable, str(ROOT / "tools/cluster"), "--folder", str(cluster.folder)]
    )
    return [
        "drill",
        cluster.addresses(user=OWNER, database=database),
        *("--ledger-password-file", str(cluster.password_file(OWNER))),
        *("--sites", ",".join(node.site for node in cluster)),
        *("--nodes", tool),
    ]


def main(words: Sequence[str]) -> int:
    """Make nodes, run the drill, and remove them; return how it ended."""
    place = Path(tempfile.mkdtemp(prefix="hongbao-nodes-", dir="/var/tmp"))
    place.chmod(0o711)  # servers are not root, even where this is
    try:
        cluster = Cluster.make(place / "c", kind="galera")
    except ClusterError as error:
        place.rmdir()
        print(f"drill: {error}", file=sys.stderr)
        return NOT_INSTALLED if isinstance(error, NotInstalled) else FAILED
    with guard.start(cluster.folder):  # it sees to the nodes if this process is killed
        try:
            print("drill: starting three nodes …", file=sys.stderr, flush=True)
            cluster.up()
            database = cluster.create_database("hongbao_drill")
            command = [sys.executable, "-m", "hongbao", *words_for(cluster, database), *words]
            return subprocess.run(command, check=False, cwd=ROOT).returncode  # noqa: S603
        except KeyboardInterrupt:
            return 130
        finally:
            cluster.destroy()
            place.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
