"""A node that is lost while it is only read: the next one is read, or it is told as what it is."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pymysql
import pytest

from hongbao.engines.mysql import driver
from hongbao.engines.mysql import engine as engine_module
from hongbao.errors import ExitCode, LedgerUnreachable
from hongbao.store import NodeLost
from hongbao.wallet import Wallet
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import worlds_on
from tests.wallet import channels
from tests.wallet.world import ZHANG

pytestmark = pytest.mark.cluster


@pytest.fixture
def desk(one_node: Cluster, tmp_path: Path) -> Iterator[Wallet]:
    world = channels.demo(tmp_path / "home", worlds_on(one_node))
    with world.open(ZHANG) as opened:
        yield opened


class Losing:
    """Connections that are closed before the *at*-th statement from now on; *more* are refused."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._ran, self._connect = engine_module._ran, driver.connect
        self.at, self.met, self.more = 0, 0, False
        patch.setattr(engine_module, "_ran", self._run)
        patch.setattr(engine_module, "connect", self._connected)

    def lose(self, at: int, *, more: bool = False) -> None:
        self.at, self.met, self.more = at, 0, more

    def _run(self, connection: Any, *asked: Any) -> Any:
        self.met += 1
        if self.met == self.at:
            connection._force_close()
        return self._ran(connection, *asked)

    def _connected(self, *asked: Any, **seconds: Any) -> Any:
        if self.more and self.met >= self.at:
            raise pymysql.err.OperationalError(2003, "Can't connect")
        return self._connect(*asked, **seconds)


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Losing:
    return Losing(monkeypatch)


QUERIES: dict[str, Callable[[Wallet], Any]] = {
    "balance": lambda desk: desk.balance(),
    "history": lambda desk: list(desk.history()),
    "cards": lambda desk: desk.cards(),
    "limits": lambda desk: desk.limits(),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_looks_again_on_the_next_node(name: str, desk: Wallet, losing: Losing):
    """Wherever in it the node is lost; and the answer is the same."""
    ask = QUERIES[name]
    expected = ask(desk)
    for at in count(1):
        losing.lose(at)
        assert expected == ask(desk)
        if losing.met < at:
            break
    assert at > 3


def test_where_no_other_node_answers_that_is_what_is_told(desk: Wallet, losing: Losing):
    for at in range(1, 5):
        losing.lose(at, more=True)
        with pytest.raises(LedgerUnreachable) as told:
            desk.balance()
        assert type(told.value) is LedgerUnreachable
        assert ExitCode.UNUSABLE == told.value.exit_code
    losing.lose(0)
    desk.balance()


def test_a_moment_that_is_lost_is_not_continued_on_another_node(desk: Wallet, losing: Losing):
    """Two queries of one moment: another node has another one. No one is told to be busy."""
    with desk.looking():
        desk.balance()
        losing.lose(1)
        for _ in range(2):
            with pytest.raises(NodeLost):
                desk.balance()
    desk.balance()
    assert ("ledger_unreachable", ExitCode.UNUSABLE) == (NodeLost.code, NodeLost.exit_code)
