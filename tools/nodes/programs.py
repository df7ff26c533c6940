"""What nodes need on this machine, and how to install it where it is missing."""

import importlib.util
import shutil
import socket
from pathlib import Path

PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers live that an ordinary user's path leaves out."""

PACKAGES = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "mariadb": "mariadb-client",
    "galera": "galera-4",
    "rsync": "rsync",
    "ss": "iproute2",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
GALERA_LIBRARIES = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")


class ClusterError(Exception):
    """Something cannot be done, said in a sentence for whoever asked for it."""


class NotInstalled(ClusterError):
    """A program is missing; the sentence says which, and how to install it."""


def program(name: str) -> str:
    """
    Return where the program *name* is.

    Raises NotInstalled.
    """
    found = shutil.which(name) or shutil.which(name, path=":".join(PLACES))
    if found is None:
        raise NotInstalled(_missing([name]))
    return found


def galera() -> str:
    """
    Return where Galera's library is.

    Raises NotInstalled.
    """
    for library in GALERA_LIBRARIES:
        if Path(library).exists():
            return library
    raise NotInstalled(_missing(["galera"]))


def check_installed(kind: str) -> None:
    """
    Check that this machine has all that a cluster of *kind* needs.

    Raises NotInstalled, which names everything that is missing at once.
    """
    if kind == "seekdb":
        if importlib.util.find_spec("pylibseekdb") is None:
            raise NotInstalled(
                "seekdb is not installed; install it with: pip install pylibseekdb"
                " (Linux on x86-64 or ARM64)"
            )
        return
    wanted = ["mariadbd", "mariadb-install-db", "mariadb"]
    if kind == "galera":
        wanted += ["galera", "rsync", "ss"]
    missing = []
    for name in wanted:
        try:
            galera() if name == "galera" else program(name)
        except NotInstalled:
            missing.append(name)
    if missing:
        raise NotInstalled(_missing(missing))
    _check_addresses()


def _missing(names: list[str]) -> str:
    packages = sorted({PACKAGES[name] for name in names})
    return (
        f"not installed: {', '.join(names)}; install with:"
        f" apt install --no-install-recommends {' '.join(packages)}"
    )


def _check_addresses() -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.11", 0))
        except OSError:
            raise NotInstalled(
                "this machine has no address 127.0.0.11; add one for each node, for instance:"
                " ifconfig lo0 alias 127.0.0.11"
            ) from None
