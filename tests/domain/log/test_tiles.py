"""Tiles: where each hash is, which of them a proof needs, and what a missing one means."""

import pytest

from hongbao.domain.log.merkle import consistency_proof, is_consistent, root
from hongbao.domain.log.tiles import Tile, Tiles, TileTorn, bundle, tiles_of
from tests.domain.log.trees import Tree, leaves
from tests.every import every

COUNT = 600
LARGE = Tree(leaves(COUNT))


@every(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 999, 255), "tile/0/999.p/255"),
        (Tile(3, 1000, 256), "tile/3/x001/000"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(63, 123456789, 7), "tile/63/x123/x456/789.p/7"),
    ],
)
def test_a_tile_has_the_path_that_clients_ask_for(tile, path):
    """
    Three digits a folder, and the width only where it is not full.
    """
    assert path == tile.path


def test_a_tree_is_its_tiles():
    """
    70,000 leaves, C2SP's own example: 273 full tiles and one of 112, one and one of 17, one of 1.
    """
    reads: list[Tile] = []

    def read(tile: Tile) -> bytes:
        reads.append(tile)
        return bytes(32) * tile.width

    root(70_000, nodes := Tiles(70_000, read))
    for place in range(70_000 >> 8):
        nodes(8, place)
        nodes(0, place << 8)
    nodes(0, 69_999)

    assert [
        *(Tile(0, number, 256) for number in range(273)),
        *(Tile(0, 273, 112), Tile(1, 0, 256), Tile(1, 1, 17), Tile(2, 0, 1)),
    ] == sorted(reads)
    assert sorted(reads) == [*tiles_of(70_000)]


def test_leaves_are_bundled_with_their_lengths():
    """
    Two bytes for each length, the larger one first.
    """
    assert b"" == bundle([])
    assert b"\x00\x02ab\x00\x00\x01\x2c" + b"x" * 300 == bundle([b"ab", b"", b"x" * 300])


def test_a_full_tree_of_one_tile_has_one_above_it():
    """
    256 leaves are a full tile of level 0 and a tile of level 1 with one hash.
    """
    tree = Tree(leaves(256))

    assert tree.roots[256] == tree.nodes(256)(8, 0)
    assert [Tile(1, 0, 1)] == tree.reads


def test_a_partial_tile_begins_the_full_one():
    """
    So the rows of tiles are appended to, and never changed.
    """
    full, partial = LARGE.read(Tile(0, 1, 256)), LARGE.read(Tile(0, 1, 44))

    assert full.startswith(partial)
    assert 44 * 32 == len(partial)
    assert Tree(leaves(300)).rows.items() <= LARGE.rows.items()


def test_only_hashes_of_tiles_are_kept():
    """
    One hash a leaf, and one for each full tile.
    """
    assert COUNT + COUNT // 256 == len(LARGE.rows)
    assert {0, 1} == {level for level, _place in LARGE.rows}
    assert "[(0, 0), (0, 1)]" == str([*Tree(leaves(2)).rows])  # whole numbers


def test_a_proof_reads_few_tiles():
    """
    Those at the two right edges, each once; and across the borders of tiles it holds.
    """
    for old in (1, 255, 256, 257, 300, 512, 513):
        LARGE.reads.clear()

        proof = consistency_proof(old, COUNT, LARGE.nodes(COUNT))

        assert is_consistent(old, LARGE.roots[old], COUNT, LARGE.roots[COUNT], proof)
        assert len(LARGE.reads) == len(set(LARGE.reads)) <= 4


@pytest.mark.parametrize("gone", [(0, 511), (1, 1)])
def test_a_tile_without_all_its_hashes_is_torn(gone):
    """
    What a database has lost is named, and no proof is made of what is left.
    """
    tree = Tree(leaves(513))
    del tree.rows[gone]

    with pytest.raises(TileTorn) as torn:
        consistency_proof(257, 513, tree.nodes(513))

    assert gone[0] == torn.value.tile.level
    assert torn.value.tile.path in str(torn.value)
