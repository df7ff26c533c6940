"""Merkle trees: roots by the definition, proofs that hold, and every changed bit refused."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.log.merkle import (
    EMPTY,
    Edge,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root,
)
from tests.domain.log.trees import Tree, defined_root, leaves

MANY = 40

KNOWN = [
    # Certificate Transparency's own reference leaves, and the roots after each of them.
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
]


@cache
def tree() -> Tree:
    return Tree(leaves(MANY))


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_known_roots():
    """
    The trees are those that logs of certificates have had since 2013.
    """
    edge = Edge()

    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf, expected in KNOWN:
        edge.append(bytes.fromhex(leaf))
        assert expected == edge.root().hex()


def test_known_proofs():
    """
    The proofs of Certificate Transparency's own reference tree.
    """
    nodes = Tree([bytes.fromhex(leaf) for leaf, _root in KNOWN]).nodes(8)

    assert [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ] == [part.hex() for part in inclusion_proof(5, 8, nodes)]
    assert [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ] == [part.hex() for part in consistency_proof(6, 8, nodes)]


def test_every_root_is_by_the_definition():
    """
    Whether leaves were appended one by one, or the nodes of a larger tree are read.
    """
    for size in range(MANY + 1):
        expected = defined_root(leaves(size))

        assert expected == tree().roots[size]
        assert expected == root(size, tree().nodes(size))


def test_an_edge_goes_on_from_any_size():
    """
    A sealer that begins anew reads the right edge, and appends as the one before would have.
    """
    for size in range(MANY):
        edge = Edge.of(size, tree().nodes(size))

        assert tree().roots[size] == edge.root()
        edge.append(leaves(MANY)[size])
        assert tree().roots[size + 1] == edge.root()
        assert size + 1 == edge.size


def test_appending_names_each_node_once():
    """
    A node is complete once, and then for good.
    """
    edge = Edge()
    nodes = [node for leaf in leaves(MANY) for node in edge.append(leaf)]

    assert len(nodes) == len({(level, place) for level, place, _hash in nodes})
    for level, place, found in nodes:
        first = place << level
        assert found == defined_root(leaves(MANY)[first : first + (1 << level)])


def test_every_leaf_of_every_prefix_is_proven():
    """
    With as many hashes as the tree is deep, and for its own index alone.
    """
    for size in range(1, MANY + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, tree().nodes(size))
            leaf = leaves(MANY)[index]

            assert len(proof) <= (size - 1).bit_length()
            assert is_included(leaf, index, size, tree().roots[size], proof)
            assert not is_included(leaf, index ^ 1, size, tree().roots[size], proof)


def test_every_prefix_of_every_prefix_is_proven():
    """
    The empty tree and the same tree without a proof, the others with one.
    """
    roots = tree().roots
    for size in range(1, MANY + 1):
        assert is_consistent(0, EMPTY, size, roots[size], [])
        assert is_consistent(size, roots[size], size, roots[size], [])
        assert [] == consistency_proof(size, size, tree().nodes(size))
        for old in range(1, size):
            proof = consistency_proof(old, size, tree().nodes(size))

            assert 0 < len(proof) <= (size - 1).bit_length() + 1
            assert is_consistent(old, roots[old], size, roots[size], proof)
            assert not is_consistent(old, roots[old], size, roots[size], [])


def test_nothing_is_proven_of_what_is_not_there():
    """
    Neither the leaf behind the last one, nor that a tree continues the empty one.
    """
    with pytest.raises(AssertionError):
        inclusion_proof(MANY, MANY, tree().nodes(MANY))
    with pytest.raises(AssertionError):
        consistency_proof(0, MANY, tree().nodes(MANY))


sizes = st.integers(1, MANY)


@given(sizes, st.data())
def test_a_changed_bit_of_an_inclusion_is_refused(size, data):
    """
    In the leaf, in the root, and in each hash of the proof; as is a proof of another length.
    """
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, tree().nodes(size))
    leaf, top = leaves(MANY)[index], tree().roots[size]

    assert is_included(leaf, index, size, top, proof)
    bit = data.draw(st.integers(0, 255))
    assert not is_included(leaf, index, size, flipped(top, bit), proof)
    assert not is_included(flipped(leaf, bit % 32), index, size, top, proof)
    for at, part in enumerate(proof):
        assert not is_included(
            leaf, index, size, top, [*proof[:at], flipped(part, bit), *proof[at + 1 :]]
        )
    assert not is_included(leaf, index, size, top, [*proof, top])
    assert not is_included(leaf, index, size, top, [top, *proof])
    assert not is_included(leaf, index, size, top, proof[1:]) or not proof
    assert not is_included(leaf, index, size, top, proof[:-1]) or not proof
    assert not is_included(leaf, size, size, top, proof)
    assert not is_included(leaf, -1, size, top, proof)


@given(sizes, st.data())
def test_a_changed_bit_of_a_consistency_is_refused(size, data):
    """
    In either root, and in each hash of the proof; as is a proof of another length or size.
    """
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(old, size, tree().nodes(size))
    before, after = tree().roots[old], tree().roots[size]

    assert is_consistent(old, before, size, after, proof)
    bit = data.draw(st.integers(0, 255))
    assert not is_consistent(old, flipped(before, bit), size, after, proof)
    assert not is_consistent(old, before, size, flipped(after, bit), proof)
    for at, part in enumerate(proof):
        assert not is_consistent(
            old, before, size, after, [*proof[:at], flipped(part, bit), *proof[at + 1 :]]
        )
    assert not is_consistent(old, before, size, after, [*proof, after])
    assert not is_consistent(old, before, size, after, [after, *proof])
    assert not is_consistent(old, before, size, after, proof[1:]) or not proof
    assert not is_consistent(old, before, size, after, proof[:-1]) or not proof
    assert not is_consistent(size, after, old, before, proof) or old == size
    assert not is_consistent(-old, before, size, after, proof)


def test_nothing_continues_another_empty_tree():
    """
    The empty tree has one root, and takes no proof.
    """
    after = tree().roots[1]

    assert not is_consistent(0, after, 1, after, [])
    assert not is_consistent(0, EMPTY, 1, after, [EMPTY])
    assert is_consistent(0, EMPTY, 0, EMPTY, [])
    assert not is_consistent(0, EMPTY, 0, after, [])


@given(st.lists(st.binary(max_size=3), max_size=40), st.lists(st.binary(max_size=3), max_size=40))
def test_two_lists_of_leaves_have_two_roots(one, other):
    """
    Which leaves there are, how many, and in which order: all of it counts.
    """
    assert (one == other) == (Tree(one).roots[-1] == Tree(other).roots[-1])


@given(st.integers(1, 40), st.integers(0, 39), st.data())
def test_a_fork_is_never_consistent(size, at, data):
    """
    Another leaf anywhere in what was there before, and no proof by the new tree is one.
    """
    old = data.draw(st.integers(min(at, size - 1) + 1, size))
    forked = leaves(size)
    forked[min(at, size - 1)] = b"another leaf"
    other = Tree(forked)
    proof = consistency_proof(old, size, other.nodes(size))

    assert not is_consistent(old, tree().roots[old], size, other.roots[size], proof)


def test_a_leaf_is_no_node():
    """
    The bytes of two hashes, taken for a leaf, have another hash than the node above them.
    """
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("count", [255, 256, 257, 65536, 65537, 70000])
@pytest.mark.slow
def test_large_trees_prove_their_prefixes(count):
    """
    Across the borders of tiles, with proofs from tiles alone.
    """
    large = Tree(leaves(count))
    nodes = large.nodes(count)

    assert large.roots[count] == root(count, nodes)
    for old in {1, 2, 255, 256, 257, 511, 65535, 65536, count - 1, count}:
        if not 0 < old <= count:
            continue
        proof = consistency_proof(old, count, nodes)
        assert is_consistent(old, large.roots[old], count, large.roots[count], proof)
        proof = inclusion_proof(old - 1, count, nodes)
        assert is_included(leaves(count)[old - 1], old - 1, count, large.roots[count], proof)
