"""What devices are answered by groups is kept together, and found as if each was kept alone."""

import pytest

from hongbao.home import kept as kept_module
from hongbao.home.kept import Kept, KeptAct
from hongbao.wallet import Wallet
from tests.wallet.world import World


def acts_of(first: int, *devices: int) -> list[tuple[int, KeptAct]]:
    return [(device, KeptAct(first, 1, f"r{first}-{device}", "claim", first)) for device in devices]


@pytest.mark.parametrize("limit", [1 << 16, 400, 0])
def test_acts_of_groups_are_found_by_their_devices(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: int
):
    """
    Kept together they are one file, and behind a limit each is in the note of its device.
    """
    monkeypatch.setattr(kept_module, "_TOGETHER_BYTES", limit)
    with Wallet.open(world.env) as wallet:
        kept = Kept(wallet.home)
        kept.add(acts_of(1, 7))  # of one alone, and before the others
        for number in (2, 3, 4, 5):
            kept.add(acts_of(number, 7, 8, 9))
        kept.add(acts_of(6, 8))
        assert {7: 5, 8: 6, 9: 5} == kept.counters()
        assert 6 == kept.newest()
        assert [1, 2, 3, 4, 5] == [act.counter for act in kept.gone(7)]
        assert [2, 3, 4, 5, 6] == [act.counter for act in kept.gone(8)]
        assert 14 == len(kept.all_gone())
        parted = kept._notes.path("acts-9").exists()
        assert parted == (limit < 1 << 16)

        kept.forget()
        assert {} == kept.counters()
        assert [] == kept.all_gone()


def test_who_is_killed_while_acts_are_moved_leaves_none_of_them_out(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Then they are in both places, and count once.
    """
    with Wallet.open(world.env) as wallet:
        kept = Kept(wallet.home)
        kept.add(acts_of(1, 7, 8))
        monkeypatch.setattr(kept_module, "_TOGETHER_BYTES", 0)
        with monkeypatch.context() as patched:
            patched.setattr(type(kept._notes), "remove", killed)
            with pytest.raises(KeyboardInterrupt):
                kept.add(acts_of(2, 7, 8))
        assert [1, 2] == [act.counter for act in kept.gone(8)]
        kept.add(acts_of(3, 7, 8))
        assert [1, 2, 3] == [act.counter for act in kept.gone(8)]
        assert {7: 3, 8: 3} == kept.counters()


def killed(_notes: object, _name: str) -> None:
    raise KeyboardInterrupt
