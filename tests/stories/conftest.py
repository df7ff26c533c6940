"""Every story in this folder is a test: pytest plays it as the demo is played."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from hongbao.errors import StoryFailed
from hongbao.story import play, read
from tests import warm

SLOW = {
    "attack_crowded_device",
    "attack_dormant",
    "attack_gambling",
    "attack_robot",
    "attack_ring",
    "attack_same_pair",
    "attack_splitting",
    "attack_takeover",
    "attack_travel",
    "attack_unknown",
    "authenticator_ladder",
    "bank_lost_then_reversed",
    "both_channels_down",
    "challenge_failed",
    "device_let_in",
    "duplicate_answer",
    "hold_ends_by_itself",
    "honest_evening",
    "import_compare",
    "late_answer",
    "limits_day_returns_at_china_midnight",
    "pboc_class_one",
    "provable",
    "reconcile_amount",
    "reconcile_duplicate",
    "reconcile_shortage",
    "reconcile_state",
    "refund_falls_back",
    "refund_to_balance",
    "refund_to_card",
    "refund_to_card_bank_down",
    "review_four_eyes_reject",
    "settlement_nets",
    "shared_id_limits",
    "withdraw_fees",
}
"""Stories that need many commands, or whose like is played already: `make test-all` plays them."""


TRUE = {"lock_unlock"}
"""
Stories whose commands wake by themselves and hash as dearly as a person's do: keys that a
passphrase opens. (A packet's life is what `hongbao demo` plays so, in `tests/cli/test_demo.py`.)
"""


class StoryFile(pytest.File):
    """A story's file."""

    def collect(self) -> Iterator[pytest.Item]:
        item = StoryItem.from_parent(self, name=self.path.stem)
        if item.name in SLOW:
            item.add_marker("slow")
        yield item


class StoryItem(pytest.Item):
    """A story, to be played."""

    def runtest(self) -> None:
        world = nullcontext() if self.name in TRUE else warm.stories()
        with world, closing(play(read(self.path))) as events:
            for _event in events:
                pass

    def repr_failure(  # type: ignore[override]  # pytest's own signature is looser
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        failed = excinfo.value
        if not isinstance(failed, StoryFailed):
            return super().repr_failure(excinfo)
        told = {name: str(failed.facts[name]) for name in ("line", "command", "expected", "got")}
        told["line"] = f"{self.path}:{told['line']}"
        return "\n".join(f"{name}: {text}" for name, text in told.items())

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"story: {self.name}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.suffix == ".txt":
        return StoryFile.from_parent(parent, path=file_path)
    return None
