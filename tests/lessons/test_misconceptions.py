"""A wrong prediction is recognised by the broken engine that comes to just that."""

from pathlib import Path

from hongbao.env import system_env
from hongbao.lessons import lesson
from hongbao.lessons.misconceptions import fault_that_yields
from hongbao.lessons.progress import Progress
from hongbao.lessons.runner import Judged, Runner
from hongbao.lessons.script import read
from hongbao.lessons.world import World
from hongbao.queries.facts import parse_fact
from hongbao.recordings.recorder import Recorded
from tests.every import every
from tests.lessons import within
from tests.lessons.test_lessons import filled

LESSON = read(filled(), "mine", "mine.toml")
PACKET = "hb_0SMA8NSX"


def typed(*lines: str) -> list[Recorded]:
    """Return *lines* as they are recorded; what names the packet is answered with its id."""
    return [
        Recorded(
            tuple(line.split()),
            0,
            None,
            {"packet": PACKET} if "last" in line or "send" in line else {},
            (),
            (),
            0,
            None,
            None,
        )
        for line in lines
    ]


@every(
    "lines, answer, found, predicted, fault",
    [
        (["topup 4.35"], "balance 小明", 104_35, 104_34, "float"),
        (
            ["send --each 3.33 --count 3 --greeting x", "claim last -p Alice", "topup 1"],
            "reserve",
            101_00,
            101_00,
            None,
        ),
        (
            ["send 10 --to Alice", "clock advance 24h", "refund last"],
            "balance 小明",
            100_00,
            110_00,
            "double-refund",
        ),
        (
            ["send 10 --to Alice", "clock advance 24h", "claim last -p Alice"],
            "balance Alice",
            0,
            10_00,
            "expiry",
        ),
        (
            ["topup 5 --request-id a", "topup 7 --request-id a"],
            "balance 小明",
            105_00,
            105_00,
            None,
        ),
        (["send 10 --count 3", "claim last -p Alice"], "packet 小明 claimed", 1, 3_34, None),
        (["topup 4.35", "settle", "books"], "balance 小明", 104_35, 99, None),
        (["send 10 --from icbc-0001"], "balance 小明", 100_00, 90_00, None),
    ],
)
def test_a_prediction_that_is_an_engines(
    lines: list[str], answer: str, found: int, predicted: int, fault: str | None
):
    """
    And nothing is said where none comes to it, or where the laboratory cannot be compared.
    """
    assert fault == fault_that_yields(LESSON, typed(*lines), parse_fact(answer), predicted, found)


def test_a_learner_who_predicts_what_a_broken_engine_pays(tmp_path: Path):
    """
    In the last step of the first lesson: a share that is claimed as late as its refund.
    """
    world = World(tmp_path / "packet", system_env(), within.run, language="en")
    runner = Runner(lesson("packet"), world, Progress(tmp_path))
    events = [*runner.begin()]
    for line in ("go 7", "8.88", "send 8.88 --to Ben", "clock advance 24h"):
        events += runner.type(line)
    [sent] = [
        each for each in world.typed() if each.facts.get("packet") and each.words[0] == "send"
    ][-1:]
    events += runner.type(f"claim {sent.facts['packet']} -p Ben")

    [judged] = [each for each in events if isinstance(each, Judged)]
    assert ("8.88", "0.00", "expiry") == (judged.given, judged.found, judged.lab)
