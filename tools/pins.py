"""
The pins: every package that hongbao stands on, in one version, with the hashes of its files.

`make pins` runs this after a dependency or a bound was changed, or to take newer releases. uv finds
versions that go together on every supported Python and system at once, so there is one file for all
of them; pip and uv read it. tests/test_pins.py refuses pins that pyproject.toml does not admit.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "requirements"

FILES: dict[str, tuple[str, ...]] = {
    "hongbao.txt": (),
    "all.txt": ("cluster", "kafka", "keyring", "pdf", "simulate", "train"),
}
"""Each file, and the extras whose packages are in it too."""


def head(extras: tuple[str, ...]) -> str:
    """Return the comment above the pins of hongbao with *extras*."""
    name = f"hongbao[{','.join(extras)}]" if extras else "hongbao"
    return (
        f"# What {name} stands on, on every supported Python and system.\n"
        "# Made by `make pins`; no line is written by hand.\n"
    )


def main() -> None:
    """Write every file anew, with the newest releases that pyproject.toml admits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    FOLDER.mkdir(exist_ok=True)
    for name, extras in FILES.items():
        found = subprocess.run(  # noqa: S603 - all of it is ours
            [
                *(Path(sys.executable).with_name("uv"), "pip", "compile", "pyproject.toml"),
                *("--universal", "--python-version", oldest, "--generate-hashes"),
                *(f"--extra={extra}" for extra in extras),
                *("--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        (FOLDER / name).write_text(head(extras) + found)
        count = sum(line[0].isalnum() for line in found.splitlines())
        print(f"requirements/{name}: {count} packages")


if __name__ == "__main__":
    main()
