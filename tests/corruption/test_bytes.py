"""Every byte of a home flipped in turn: all is as it was, or a refusal in words."""

import os
from functools import partial
from pathlib import Path

import pytest

from hongbao.errors import Damaged
from hongbao.queries import check
from tests.corruption.trying import (
    PAGE_BYTES,
    Tally,
    Truth,
    copied,
    flip,
    tried,
    unauthentic_pages,
)
from tests.wallet.world import World

EACH = int(os.environ.get("HONGBAO_FLIP_EACH", "1"))
"""The slow tests flip each so many bytes; 1 is every byte."""

LEDGER = Path("data", "ledger.db")


def _sampled(daily: int) -> list[object]:
    return [
        pytest.param(daily, id="some"),
        pytest.param(EACH, id="every", marks=pytest.mark.slow),
    ]


def _masks(offset: int) -> tuple[int, ...]:
    """Return what to flip at *offset*: one bit, another one in each byte, and all eight."""
    return 1 << offset % 8, 0xFF


@pytest.mark.parametrize("stride", _sampled(1361))
def test_every_byte_of_every_page_is_authenticated(stride: int, truth: Truth, tmp_path: Path):
    """
    A page is authentic or it is not. The byte at each place of a page is flipped in all pages at
    once, and the engine names every one of them.
    """
    victim = copied(truth, tmp_path / "victim")
    ledger = victim / LEDGER
    whole = ledger.read_bytes()
    pages = len(whole) // PAGE_BYTES
    world, page_key = World(victim, truth.world.at), truth.page_key
    tally = Tally()

    def trial(offset: int, mask: int) -> str:
        content = bytearray(whole)
        for page in range(1, pages):
            content[page * PAGE_BYTES + offset] ^= mask
        ledger.write_bytes(content)
        found = unauthentic_pages(ledger, page_key)
        assert found == list(range(2, pages + 1)), f"{len(found)} of {pages - 1} pages"
        ledger.write_bytes(whole)
        flip(ledger, offset, mask)
        with pytest.raises(Damaged):
            world.open()
        return f"{pages} pages are not authentic"

    for offset in range(0, PAGE_BYTES, stride):
        for mask in _masks(offset):
            tally.add(f"{offset}^{mask:#x}", partial(trial, offset, mask))
    tally.end(pages)


@pytest.mark.parametrize("stride", _sampled(397))
def test_every_byte_of_every_other_file(stride: int, truth: Truth, tmp_path: Path):
    """
    Keys, devices' keys, the noted head, tries at PINs: no flipped byte changes an answer.
    """
    tally = Tally()
    places = [
        (path, offset)
        for path in truth.files
        if path != LEDGER
        for offset in range((truth.folder / path).stat().st_size)
    ]
    for path, offset in places[::stride]:
        for mask in _masks(offset) if stride == EACH else _masks(offset)[:1]:

            def trial(path: Path = path, offset: int = offset, mask: int = mask) -> str:
                victim = copied(truth, tmp_path / "victim")
                flip(victim / path, offset, mask)
                return f"{_named(path)} · {tried(truth, victim)}"

            tally.add(f"{path}@{offset}^{mask:#x}", trial)
    tally.end()


@pytest.mark.parametrize("stride", _sampled(211))
def test_every_byte_of_the_checkpoint(
    stride: int, truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    A home this small has none, so here it may: a byte of it that is wrong means the whole check.
    """
    monkeypatch.setattr(check, "WHOLE_UPTO", 0)
    victim = copied(truth, tmp_path / "victim")
    world = World(victim, truth.world.at)
    with world.zhang as desk:
        assert check.check(desk.home)["ok"]
    kept = victim / "keys" / "checkpoint"
    whole = kept.read_bytes()
    tally = Tally()

    def trial(offset: int, mask: int) -> str:
        content = bytearray(whole)
        content[offset] ^= mask
        kept.write_bytes(content)
        with world.zhang as desk:
            checked = check.check(desk.home, scope=check.Scope.USUAL)
        assert checked["ok"]
        assert checked["proven"] == checked["entries"], "a wrong checkpoint was believed"
        return f"everything is proven again: {checked['whole_because']}"

    for offset in range(0, len(whole), stride):
        for mask in _masks(offset):
            tally.add(f"{offset}^{mask:#x}", partial(trial, offset, mask))
    tally.end()


def _named(path: Path) -> str:
    """Return *path* with what differs from home to home left out."""
    stem = path.stem.rstrip("0123456789abcdef").rstrip("-")
    return str(path.with_name(stem or "*")) if path.suffix == ".key" else str(path)
