"""A second opinion: Go's packages for transparency logs verify a log of ours, byte for byte."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hongbao.domain.log.checkpoint import Checkpoint, Key, Origin, signed
from hongbao.domain.log.merkle import consistency_proof, inclusion_proof
from hongbao.domain.log.tiles import HEIGHT, WIDTH, Tile
from hongbao.vault.primitives import SigningKey
from tests.domain.log.trees import Tree, leaves

SECOND = Path(__file__).parent / "second"
LOG = SigningKey(bytes(range(32)))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def verifier(tmp_path_factory) -> Path:
    """The second verifier, built; skipped where there is no Go, or its packages cannot be had."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here")
    folder: Path = tmp_path_factory.mktemp("second")
    shutil.copytree(SECOND, folder, dirs_exist_ok=True)
    had = subprocess.run([go, "mod", "download"], cwd=folder, check=False, capture_output=True)
    if had.returncode:
        pytest.skip("Go's packages cannot be had here")
    subprocess.run([go, "build", "-o", "verifier"], cwd=folder, check=True, capture_output=True)
    return folder / "verifier"


def tiles(size: int) -> list[Tile]:
    """All tiles of a tree of this size."""
    found = []
    level = 0
    while complete := size >> HEIGHT * level:
        count = -(-complete // WIDTH)
        found += [Tile(level, n, min(WIDTH, complete - n * WIDTH)) for n in range(count)]
        level += 1
    return found


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def publish(folder: Path, tree: Tree, pairs: list[tuple[int, int]]) -> Checkpoint:
    """Write the log as a tiled one, with proofs for each of *pairs*: an index and a size."""
    head = Checkpoint(Origin("0123456789abcdef", 1), tree.size, tree.roots[-1])
    for tile in tiles(tree.size):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tree.read(tile))
    key = Key(str(head.origin), LOG.public)
    (folder / "checkpoint").write_bytes(signed(head.text, key, LOG.sign))
    nodes = tree.nodes(tree.size)
    proofs = {
        "Inclusion": [
            {
                "Index": index,
                "Size": size,
                "Root": text(tree.roots[size]),
                "Leaf": text(leaves(index + 1)[index]),
                "Proof": [text(part) for part in inclusion_proof(index, size, nodes)],
            }
            for index, size in pairs
        ],
        "Consistency": [
            {
                "Old": index + 1,
                "Size": size,
                "OldRoot": text(tree.roots[index + 1]),
                "Root": text(tree.roots[size]),
                "Proof": [text(part) for part in consistency_proof(index + 1, size, nodes)],
            }
            for index, size in pairs
        ],
    }
    (folder / "proofs.json").write_text(json.dumps(proofs))
    return head


def run(verifier: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(verifier), str(folder), text(LOG.public)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_go_verifies_every_proof_of_a_small_log(verifier, tmp_path):
    """
    Each leaf and each prefix of each size.
    """
    pairs = [(index, size) for size in range(1, 41) for index in range(size)]
    publish(tmp_path, Tree(leaves(40)), pairs)

    done = run(verifier, tmp_path)

    assert f"40 {len(pairs)} {len(pairs)}\n" == done.stdout, done.stderr


@pytest.mark.parametrize("size", [255, 256, 257, 70_000])
def test_go_verifies_a_log_across_its_tiles(verifier, tmp_path, size):
    """
    At the borders of tiles, and of levels.
    """
    marks = [0, 1, 254, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, size - 1]
    pairs = [(index, size) for index in marks if index < size]
    publish(tmp_path, Tree(leaves(size)), pairs)

    done = run(verifier, tmp_path)

    assert f"{size} {len(pairs)} {len(pairs)}\n" == done.stdout, done.stderr


@pytest.mark.parametrize("name", ["checkpoint", "proofs.json", "tile/0/000", "tile/1/000.p/1"])
def test_go_refuses_a_log_that_was_altered(verifier, tmp_path, name):
    """
    In its checkpoint, a proof or a tile: it does look at what it is given.
    """
    publish(tmp_path, Tree(leaves(300)), [(5, 300)])
    path = tmp_path / name
    content = path.read_bytes()
    at = content.index(b"Proof") + 20 if name == "proofs.json" else 50
    other = b"A" if content[at : at + 1] != b"A" else b"B"
    path.write_bytes(content[:at] + other + content[at + 1 :])

    done = run(verifier, tmp_path)

    assert 0 != done.returncode
    assert "" == done.stdout
