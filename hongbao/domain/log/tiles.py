"""
Tiles: the hashes of a tree in pieces of 256, as C2SP's tlog-tiles lays them out (height 8).

Level 0 has the hashes of the leaves, and each level above the root of each full tile below. A full
tile never changes, so it can be kept anywhere; the last one of a level may be partial, and is the
beginning of the full one that it will become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.log.merkle import HASH_BYTES, Node, node_hash
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HEIGHT = 8
WIDTH = 1 << HEIGHT


class Tile(Row):
    """Which tile: its level, its number there, and how many hashes of it are asked for."""

    level: int
    number: int
    width: int

    @property
    def first(self) -> int:
        """The place of its first hash in the level."""
        return self.number * WIDTH

    @property
    def path(self) -> str:
        """
        Its path below the log's own, as any client of a tiled log asks for it.

        >>> Tile(0, 1234067, 256).path, Tile(1, 0, 17).path
        ('tile/0/x001/x234/067', 'tile/1/000.p/17')
        """
        return f"tile/{self.level}/{self._place}"

    @property
    def entries_path(self) -> str:
        """
        The path of the leaves that it has the hashes of, if it is of level 0.

        >>> Tile(0, 3, 2).entries_path
        'tile/entries/003.p/2'
        """
        return f"tile/entries/{self._place}"

    @property
    def _place(self) -> str:
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[place : place + 3] for place in range(0, len(digits), 3)]
        folders = "".join(f"x{part}/" for part in parts[:-1])
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"{folders}{parts[-1]}{partial}"


def tiles_of(size: int) -> Iterator[Tile]:
    """
    Yield the tiles of a tree of *size* leaves, level by level.

    >>> [tile.path for tile in tiles_of(258)]
    ['tile/0/000', 'tile/0/001.p/2', 'tile/1/000.p/1']
    """
    level = 0
    while count := size >> HEIGHT * level:
        for number in range(-(-count // WIDTH)):
            yield Tile(level, number, min(WIDTH, count - number * WIDTH))
        level += 1


def bundle(leaves: Iterable[bytes]) -> bytes:
    """
    Return *leaves* as the file that a client of a tiled log reads them from.

    >>> bundle([b"ab", b""])
    b'\\x00\\x02ab\\x00\\x00'
    """
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


class TileTorn(Exception):
    """A tile that a tree of this size has is not there, or not whole."""

    def __init__(self, tile: Tile) -> None:
        super().__init__(tile.path)
        self.tile = tile


class Tiles:
    """
    The nodes of a tree of *size* leaves, from the tiles that *read* returns.

    Each tile is read once, whole as far as the tree has it, and kept for as long as this is.
    """

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self._size = size
        self._read = read
        self._kept: dict[Tile, bytes] = {}

    def __call__(self, level: int, place: int) -> bytes:
        """Return the hash of a perfect subtree. Raises TileTorn."""
        tile_level, height = divmod(level, HEIGHT)
        first = place << height
        tile = self._tile(tile_level, first // WIDTH)
        content = self._content(tile)
        start = (first - tile.first) * HASH_BYTES
        hashes = _split(content[start : start + (HASH_BYTES << height)])
        while len(hashes) > 1:
            hashes = [
                node_hash(left, right)
                for left, right in zip(hashes[::2], hashes[1::2], strict=True)
            ]
        return hashes[0]

    def _tile(self, level: int, number: int) -> Tile:
        complete = self._size >> HEIGHT * level
        return Tile(level, number, min(WIDTH, complete - number * WIDTH))

    def _content(self, tile: Tile) -> bytes:
        content = self._kept.get(tile)
        if content is None:
            content = self._kept[tile] = self._read(tile)
            if len(content) != HASH_BYTES * tile.width:
                raise TileTorn(tile)
        return content


def tiled(nodes: Iterable[Node]) -> list[Node]:
    """
    Return those of *nodes* that tiles have, with the levels of tiles for those of the tree.

    The others are made of these again whenever they are needed.
    """
    return [
        Node(node.level // HEIGHT, node.place, node.hash)
        for node in nodes
        if node.level % HEIGHT == 0
    ]


def _split(content: bytes) -> list[bytes]:
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
