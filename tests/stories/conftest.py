"""Every story in this folder is a test: pytest plays it as the demo is played."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hongbao.errors import StoryFailed
from hongbao.story import play, read, stage
from tests import warm

SLOW = {
    "attack_crowded_device",
    "attack_dormant",
    "attack_gambling",
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
    "late_answer",
    "limits_day_returns_at_china_midnight",
    "pboc_class_one",
    "reconcile_amount",
    "reconcile_duplicate",
    "reconcile_shortage",
    "reconcile_state",
    "refund_falls_back",
    "refund_to_balance",
    "refund_to_card",
    "review_four_eyes_reject",
    "settlement_nets",
    "shared_id_limits",
    "withdraw_fees",
}
"""Stories that need many commands, or whose like is played already: `make test-all` plays them."""


TRUE = {"lock_unlock", "one_packet", "two_languages"}
"""Stories whose commands wake by themselves and hash as dearly as a person's do."""


def _run_warm(
    words: list[str], folder: Path, variables: Mapping[str, str], screen: stage.Screen | None
) -> tuple[int, bytes, bytes]:
    """Run a story's command as `hongbao.story.stage` does, but from a warm parent."""
    with ExitStack() as closing, open(os.devnull, "rb") as nothing:
        ours, theirs = zip(*(stage._output(screen, closing) for _ in range(2)), strict=True)
        command = warm.started(
            "hongbao", words, folder=folder, variables=variables, streams=[nothing, *theirs]
        )
        for output in theirs:
            output.close()
        out, err = stage._heard(ours, ["hongbao", *words])
        return command.wait(stage.SECONDS_MAX), out, err


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
        with pytest.MonkeyPatch.context() as patched, closing(play(read(self.path))) as events:
            if self.name not in TRUE:
                patched.setattr(stage, "_run", _run_warm)
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
