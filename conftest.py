"""Which files are looked through for examples: those that have one."""

from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> object:
    """
    Collect no examples from a file without a prompt in it.

    pytest imports each module, and asks all that is in it for its docstring, in each of its
    workers: that took three of their nine seconds.
    """
    collected = yield
    if file_path.suffix == ".py" and b">>>" not in file_path.read_bytes():
        return [found for found in collected if not isinstance(found, DoctestModule)]
    return collected
