import os
from pathlib import Path

import pytest

from hongbao.vault import Cost, KeyFolder, Vault

if os.name != "posix":  # they fork, race and kill
    collect_ignore = ["test_crashes.py", "test_devices.py", "test_folder.py", "test_head.py"]
    collect_ignore += ["test_witness.py"]

CHEAP = Cost(passes=1, memory_kib=8, lanes=1)
"""For tests in which strength is not the point."""


@pytest.fixture
def vault():
    return Vault(bytes(range(32)), 1, cost=CHEAP)


@pytest.fixture
def other():
    """Another home's vault."""
    return Vault(bytes(range(1, 33)), 1, cost=CHEAP)


@pytest.fixture
def folder(tmp_path: Path):
    """Key folders of one home, as many as are asked for: each call is a new process's view."""
    return lambda: KeyFolder(tmp_path / "home" / "keys", cost=CHEAP)
