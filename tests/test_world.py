"""What every test stands on is the same, whoever runs it."""

import os
import subprocess
import sys
from pathlib import Path


def test_commands_that_tests_start_keep_what_python_compiles():
    """
    PYTHONDONTWRITEBYTECODE would have each compile all of hongbao, which takes as long again.
    """
    asked = "import tests.conftest, os, subprocess, sys; "
    asked += "inner = 'import sys; print(sys.dont_write_bytecode)'; "
    asked += "print(subprocess.check_output([sys.executable, '-c', inner], text=True))"

    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "False" == told.stdout.strip()
