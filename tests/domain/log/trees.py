"""Trees for tests: leaves in memory, their tiles, and the roots by the definition alone."""

from hashlib import sha256

from hypothesis import strategies as st

from hongbao.domain.log.checkpoint import Checkpoint, Origin
from hongbao.domain.log.merkle import EMPTY, Edge
from hongbao.domain.log.tiles import Tile, Tiles, tiled

checkpoints = st.builds(
    Checkpoint,
    st.builds(Origin, st.binary(min_size=8, max_size=8).map(bytes.hex), st.integers(1, 10**9 - 1)),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)


def leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def defined_root(leaves: list[bytes]) -> bytes:
    """The definition in RFC 9162 §2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = defined_root(leaves[:k]), defined_root(leaves[k:])
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A log that keeps what an engine would: the nodes of tiles, one a row."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.reads: list[Tile] = []
        self.size = 0
        self.roots = [EMPTY]
        edge = Edge()
        for leaf in leaves:
            for level, place, found in tiled(edge.append(leaf)):
                self.rows[level, place] = found
            self.roots.append(edge.root())
        self.size = len(leaves)

    def read(self, tile: Tile) -> bytes:
        self.reads.append(tile)
        places = range(tile.first, tile.first + tile.width)
        return b"".join(self.rows.get((tile.level, place), b"") for place in places)

    def nodes(self, size: int) -> Tiles:
        return Tiles(size, self.read)
