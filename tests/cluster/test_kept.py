"""What a worker on a cluster keeps from one group to the next: while it is true, and no longer."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from hongbao.engines.mysql.engine import Ledger
from hongbao.errors import HongbaoError, StateAltered
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.sessions import DeviceSession, open_session
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import OnCluster, worlds_on
from tests.wallet.guards import no_more_than
from tests.wallet.world import CARD, LI, WANG, YUAN, ZHANG, right

pytestmark = pytest.mark.cluster


class Kept:
    """A worker, which keeps what it has read, and others who act on other connections."""

    def __init__(self, world: OnCluster) -> None:
        self.world = world
        zhang = world.found(ZHANG)
        zhang.add_card(CARD, pin=right)
        zhang.topup(1000 * YUAN, pin=right)
        for name in (LI, WANG):
            world.found(name)
        self.packets = [zhang.send(10 * YUAN, count=2, pin=right)["packet"] for _ in range(6)]
        self.sessions = {name: self.session(name) for name in (LI, WANG)}
        self.worker = world.open()
        self.claims = BulkClaims(self.worker.home)
        self.statements = 0
        store = self.worker.store
        assert isinstance(store, Ledger)
        run = store._run

        def counted(text: str, values: Any) -> Any:
            self.statements += 1
            return run(text, values)

        store._run = counted  # type: ignore[method-assign]

    def session(self, name: str) -> DeviceSession:
        with Wallet.open(self.world.env, profile=name) as wallet:
            return open_session(wallet.home)

    def claim(self, *asked: tuple[str, int]) -> list[Any]:
        """Have the worker do the claims of one group; return the answers, or codes of refusals."""
        requests = [
            self.sessions[name].claim(self.packets[packet], f"{name}-{packet}")
            for name, packet in asked
        ]
        return [
            answer.code if isinstance(answer, HongbaoError) else answer
            for answer in self.claims.claim(requests)
        ]

    def balance_fen(self, name: str) -> int:
        with Wallet.open(self.world.env, profile=name) as wallet:
            return int(wallet.balance()["available_fen"])


@pytest.fixture
def kept(one_node: Cluster, tmp_path: Path) -> Kept:
    return Kept(worlds_on(one_node)(tmp_path / "home"))


def test_nothing_is_read_again_that_has_not_moved(kept: Kept):
    kept.claim((LI, 0), (WANG, 0))
    kept.statements = 0
    kept.claim((LI, 1), (WANG, 1))
    second, kept.statements = kept.statements, 0
    assert kept.claim((LI, 2), (WANG, 2))[0]["balance_fen"] == kept.balance_fen(LI)
    assert kept.statements == second
    kept.session(LI)  # Li's lane has moved
    kept.statements = 0
    kept.claim((LI, 3), (WANG, 3))
    assert kept.statements > second
    assert {} == kept.world.findings()


def test_what_others_have_changed_is_read_again(kept: Kept):
    """
    A balance, a packet that was emptied, and rules that apply to all.
    """
    kept.claim((LI, 0), (WANG, 0), (LI, 1))
    with Wallet.open(kept.world.env, profile=LI) as li:
        li.claim(kept.packets[2])
        before = li.balance()["available_fen"]
    with Wallet.open(kept.world.env, profile=WANG) as wang:
        wang.claim(kept.packets[1])
        wang.claim(kept.packets[2])
    kept.sessions[LI] = kept.session(LI)  # whose counter the claim alone has moved on
    kept.sessions[WANG] = kept.session(WANG)
    last, emptied = kept.claim((LI, 3), (WANG, 2))
    assert before + last["amount_fen"] == last["balance_fen"] == kept.balance_fen(LI)
    assert "already_claimed" == emptied
    assert {} == kept.world.findings()

    with Wallet.open(kept.world.env, profile=None) as wallet:
        wallet.use_risk_pack(no_more_than(1, "claims", '"claim"'))
    assert ["refused_by_risk"] == kept.claim((LI, 4))


def test_without_the_versions_of_lanes_a_worker_is_wrong_and_it_is_found(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
):
    """
    The negative control: what is kept is then taken for true whatever has happened.
    """
    kept.claim((LI, 0))
    read: Callable[..., Mapping[str, int]] = Ledger.lane_versions
    known = dict(kept.claims._versions or {})

    def frozen(store: Ledger, names: Collection[str]) -> Mapping[str, int]:
        return {name: known.get(name, version) for name, version in read(store, names).items()}

    with Wallet.open(kept.world.env, profile=LI) as li:
        li.claim(kept.packets[1])
    kept.sessions[LI] = kept.session(LI)
    monkeypatch.setattr(Ledger, "lane_versions", frozen)
    kept.claim((LI, 2))
    with pytest.raises(StateAltered):
        kept.balance_fen(LI)
    assert kept.world.findings()
