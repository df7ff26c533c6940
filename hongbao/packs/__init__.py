"""The risk packs and the model that ship with hongbao, as text."""

from pathlib import Path

from hongbao.errors import RiskPackNotFound

STANDARD = "standard"
"""The pack that a new home begins with."""

MODEL = "model.json"
"""The model that is used with it: see `docs/concepts/risk-model.md`."""

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """
    Return the names of the packs.

    >>> names()
    ('standard', 'strict')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def text_of(name: str) -> str:
    """Return the text of the pack called *name*; `RiskPackNotFound` where there is none."""
    if name not in names():  # so that a name is never a way out of this folder
        raise RiskPackNotFound(name)
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def model_text() -> str:
    """Return the text of the shipped model."""
    return (_FOLDER / MODEL).read_text(encoding="utf-8")
