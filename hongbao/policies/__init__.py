"""The policies that ship with hongbao, as TOML text."""

from pathlib import Path

from hongbao.errors import PolicyNotFound

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """
    Return the names of the packs.

    >>> names()
    ('pboc-2015', 'standard')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def text_of(name: str) -> str:
    """Return the text of the pack called *name*; `PolicyNotFound` where there is none."""
    if name not in names():  # so that a name is never a way out of this folder
        raise PolicyNotFound(name)
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
