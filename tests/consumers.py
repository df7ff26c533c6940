"""The programs that read our files, or run our scripts: hledger, ledger, jq and others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

LIBRARIES = Path(sys.executable).parent
"""Where the programs lie that come with Python's packages."""

_ALL = os.environ.get("HONGBAO_CONSUMERS") == "all"  # before a test takes our settings away


def program(name: str) -> str:
    """
    Return the path of the program called *name*; where it is not installed, skip the test.

    With ``HONGBAO_CONSUMERS=all`` the test fails instead, so that where all of them should be
    installed no proof is left out unnoticed.
    """
    found = shutil.which(name, path=f"{LIBRARIES}{os.pathsep}{os.environ.get('PATH', '')}")
    return missing(name) if found is None else found


def missing(what: str) -> NoReturn:
    """Skip the test because *what* it stands on is not installed, or fail it (see `program`)."""
    if _ALL:
        pytest.fail(f"{what} is not installed, and HONGBAO_CONSUMERS=all asks for it")
    pytest.skip(f"{what} is not installed")


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program called *name* in a UTF-8 locale and return how it ended and what it said."""
    return subprocess.run(
        [program(name), *arguments],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
        timeout=120,
        check=False,
    )
