"""
The rules that ship with hongbao, parsed beforehand.

Nearly every home lives by rules that hongbao came with. Importing a parser of TOML, and parsing
them with it, would be a tenth of a `claim`; JSON is read in a fiftieth of that. Each text has a
file in this folder, named after its digest, with what `tomllib` reads in it;
``python tools/parsed.py`` writes them, and a test compares them.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def file_of(text: str) -> Path:
    """Return where the content of *text* lies, if it is one that ships."""
    return FOLDER / f"{sha256(text.encode()).hexdigest()}.json"


def loads(text: str) -> dict[str, Any]:
    """Return what ``tomllib.loads`` does, of any *text*."""
    try:
        parsed: dict[str, Any] = json.loads(file_of(text).read_bytes())
    except FileNotFoundError:
        import tomllib

        return tomllib.loads(text)
    return parsed
