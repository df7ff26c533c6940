"""
Merkle trees over an append-only list of leaves, by RFC 9162 §2.1 (RFC 6962's trees), with SHA-256.

The root of a tree covers all its leaves, in their order. An inclusion proof shows that a leaf is
one of them; a consistency proof shows that a tree begins with all the leaves of an earlier one.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32

EMPTY = sha256().digest()
"""The root of the tree without leaves."""

Nodes = Callable[[int, int], bytes]
"""
What proofs are made from: the hash of a perfect subtree, by its level and its place in the level.

A leaf is of level 0; one of level *n* has 2**n leaves, of which the first is number place * 2**n.
"""


class Node(NamedTuple):
    """The hash of a perfect subtree that the tree will always have."""

    level: int
    place: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of one *leaf*, which no inner node can have."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above *left* and *right*."""
    return sha256(b"\x01" + left + right).digest()


def root(size: int, nodes: Nodes) -> bytes:
    """Return the root of the tree of the first *size* leaves."""
    return _subtree(0, size, nodes) if size else EMPTY


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that leaf number *index* is in the tree of *size* leaves."""
    assert 0 <= index < size
    proof = []
    first, end = 0, size
    while end - first > 1:
        middle = _middle(first, end)
        if index < middle:
            proof.append(_subtree(middle, end, nodes))
            end = middle
        else:
            proof.append(_subtree(first, middle, nodes))
            first = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the tree of *size* leaves begins with the *old* leaves of another."""
    assert 0 < old <= size
    proof = []
    first, end = 0, size
    while end != old:
        middle = _middle(first, end)
        if old <= middle:
            proof.append(_subtree(middle, end, nodes))
            end = middle
        else:
            proof.append(_subtree(first, middle, nodes))
            first = middle
    if first:
        proof.append(_subtree(first, end, nodes))
    proof.reverse()
    return proof


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """
    Return whether *proof* shows that *leaf* is number *index* in the tree of *size* and *root*.

    This is the algorithm of RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    found = leaf_hash(leaf)
    for part in proof:
        if not last:
            return False
        if place & 1 or place == last:
            found = node_hash(part, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, part)
        place, last = place >> 1, last >> 1
    return not last and found == root


def is_consistent(
    old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """
    Return whether *proof* shows that the tree of *size* and *root* continues the *old* one.

    This is the algorithm of RFC 9162 §2.1.4.2. Two trees of one size need no proof, and nor does
    what continues the empty tree.
    """
    if not 0 <= old <= size:
        return False
    if old in (0, size):
        return not proof and old_root == (root if old == size else EMPTY)
    is_perfect = not old & (old - 1)
    hashes = [old_root, *proof] if is_perfect else list(proof)
    if not hashes:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for part in hashes[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, part)
        place, last = place >> 1, last >> 1
    return not last and before == old_root and after == root


class Edge:
    """
    The right edge of a tree of *size* leaves: all that appending to it needs of what is there.

    It keeps one hash for each bit of the size that is set, those of the perfect subtrees that the
    tree consists of, the largest first: a compact range.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    @classmethod
    def of(cls, size: int, nodes: Nodes) -> "Edge":
        """Return the right edge of the tree of the first *size* leaves."""
        levels = [level for level in range(size.bit_length()) if size >> level & 1]
        return cls(size, [nodes(level, (size >> level) - 1) for level in reversed(levels)])

    def append(self, leaf: bytes) -> list[Node]:
        """Append *leaf*, and return the nodes that are now complete: the leaf's, and upwards."""
        node = Node(0, self.size, leaf_hash(leaf))
        complete = [node]
        while node.place & 1:
            above = node_hash(self._hashes.pop(), node.hash)
            node = Node(node.level + 1, node.place >> 1, above)
            complete.append(node)
        self._hashes.append(node.hash)
        self.size += 1
        return complete

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        if not self._hashes:
            return EMPTY
        *others, found = self._hashes
        for left in reversed(others):
            found = node_hash(left, found)
        return found


def _middle(first: int, end: int) -> int:
    """Return where a tree of at least two leaves, *first* up to *end*, divides."""
    return first + (1 << (end - first - 1).bit_length() - 1)


def _subtree(first: int, end: int, nodes: Nodes) -> bytes:
    count = end - first
    if count & (count - 1) == 0:
        return nodes(count.bit_length() - 1, first // count)
    middle = _middle(first, end)
    return node_hash(_subtree(first, middle, nodes), _subtree(middle, end, nodes))
