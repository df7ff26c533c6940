"""Parse the rules that ship with hongbao into hongbao/parsed, so that no command has to."""

import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hongbao.parsed import FOLDER, file_of  # noqa: E402

TEXTS = ("policies", "packs")
"""The rooms whose TOML files are parsed."""


def files() -> dict[Path, str]:
    """Return what each file of the folder has to say."""
    texts = [
        path.read_text("utf-8") for room in TEXTS for path in FOLDER.parent.glob(f"{room}/*.toml")
    ]
    return {file_of(text): _as_json(tomllib.loads(text)) for text in texts}


def _as_json(content: dict[str, object]) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if repr(json.loads(text)) != repr(content):
        raise ValueError("JSON cannot say all of it")
    return text


def main() -> None:
    """Write the files, and remove those of texts that ship no more."""
    wanted = files()
    for path in {*FOLDER.glob("*.json")} - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
