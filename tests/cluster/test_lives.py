"""
The wallet's state machines, with the ledger on a real server: it does what the model does.

HONGBAO_LIVES is how many lives each machine has in the long run.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from hongbao import errors
from hongbao.wallet.restoring import restore
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import worlds_on
from tests.wallet import channels
from tests.wallet.guards import BY_AMOUNT
from tests.wallet.test_channel_machine import Channel
from tests.wallet.test_guards_machine import Guarded
from tests.wallet.test_machine import NAMES, Desk

pytestmark = pytest.mark.cluster

LIVES = int(os.environ.get("HONGBAO_LIVES", "6"))

Run = Callable[[type[RuleBasedStateMachine]], None]


@pytest.fixture(params=["a life", pytest.param("many", marks=pytest.mark.slow)])
def live(request: pytest.FixtureRequest) -> Run:
    """Play one short life of a machine, or many of which each is another one each time."""
    is_short = request.param == "a life"

    def play(machine: type[RuleBasedStateMachine]) -> None:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=1 if is_short else LIVES,
                stateful_step_count=20 if is_short else 40,
                derandomize=is_short,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),
                report_multiple_bugs=False,
            ),
        )

    return play


class DeskOnCluster(Desk):
    """
    The home of `Desk`, whose ledger gets neither new keys nor a copy.

    Its clock is virtual: where a real one stands still, each act is a microsecond later than the
    one before, which the model does not know.
    """

    @initialize(count=st.integers(1, 3))
    def begin(self, count: int) -> None:
        super().begin(count, virtual=True)

    @rule(seldom=st.integers(0, 3))
    def rekey(self, seldom: int) -> None:
        if seldom:
            return
        with pytest.raises(errors.NotOnCluster):
            self._desk(NAMES[0]).rekey()
        self._expect_unchanged()

    @rule(seldom=st.integers(0, 3))
    def restore(self, seldom: int) -> None:
        if seldom or not self.copies:
            return
        with pytest.raises(errors.DatabaseNotEmpty):
            restore(self.world.env, self.copies[-1][0], accept_older=lambda *_: True)
        self._expect_unchanged()


class GuardedOnCluster(Guarded):
    """The demo's home of `Guarded`, whose ledger gets no new keys."""

    @rule()
    def rekey(self) -> None:
        with pytest.raises(errors.NotOnCluster):
            self.desk.rekey()


def test_all_acts_in_any_order_do_what_the_model_does(one_node: Cluster, live: Run):
    class Here(DeskOnCluster):
        made = worlds_on(one_node)

    live(Here)


def test_whatever_goes_wrong_in_any_order_the_books_are_sound(
    one_node: Cluster, live: Run, tmp_path: Path
):
    kept = channels.demo(tmp_path / "kept", worlds_on(one_node))

    class Here(Channel):
        template: Any = staticmethod(lambda: kept)

    live(Here)


def test_what_guards_answer_is_what_the_model_answers(one_node: Cluster, live: Run, tmp_path: Path):
    world = channels.demo(tmp_path / "kept", worlds_on(one_node))
    world.zhang.use_risk_pack(BY_AMOUNT)
    world.close()

    class Here(GuardedOnCluster):
        kept = world

    live(Here)
