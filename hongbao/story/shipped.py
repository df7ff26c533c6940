"""The stories that come with hongbao, by name: ``hongbao play midnight``."""

from pathlib import Path
from typing import NamedTuple

from hongbao.story.script import Narration, Story, read

FOLDER = Path(__file__).parents[1] / "stories"
SUFFIX = ".txt"


class Shipped(NamedTuple):
    """A story that comes with hongbao; its first paragraph says what it is *about*."""

    name: str
    path: Path
    story: Story

    def about(self, language: str) -> str:
        first = next(scene for scene in self.story.scenes if type(scene) is Narration)
        return first.told_in(language)


def path_of(name: str) -> Path | None:
    """Return the file of the story called *name*, with or without its ending."""
    path = FOLDER / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    return path if path.parent == FOLDER and path.is_file() else None


def all_of_them() -> list[Shipped]:
    """Return every story that comes with hongbao, by name."""
    return [Shipped(path.stem, path, read(path)) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))]
