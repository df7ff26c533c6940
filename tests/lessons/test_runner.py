"""A lesson while it runs: feedback, hints, ways back, and what is left when it is cut off."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao import lessons
from hongbao.env import system_env
from hongbao.errors import ProgressUnreadable
from hongbao.lessons import runner as happened
from hongbao.lessons import telling
from hongbao.lessons.progress import FILE, Progress
from hongbao.lessons.runner import Runner, normal
from hongbao.lessons.script import read
from hongbao.lessons.world import World
from hongbao.queries.facts import read as read_facts
from hongbao.queries.facts import value_text
from tests.lessons import within
from tests.lessons.test_lessons import filled

FRESH = """
[chapter.step.fresh]
text.en = "Now 30 yuan for Alice."
text.zh = "现在给Alice发30元。"
want = ["acts send 小明 = 1", "packet 小明 total = 30.00"]
right = ["send 30 --to Alice => 0"]
"""

LESSON = read(filled() + FRESH, "mine", "mine.toml")


class Learner:
    """A learner at a lesson in *folder*; each one made there takes it up where it was left."""

    def __init__(self, folder: Path) -> None:
        world = World(folder / "mine", system_env(), within.run, language="en")
        self.runner = Runner(LESSON, world, Progress(folder))
        self.began = [*self.runner.begin()]

    def __call__(self, *lines: str) -> list[str]:
        """Type *lines*, and return the names of what happened."""
        return [type(event).__name__ for event in self.events(*lines)]

    def events(self, *lines: str) -> list[happened.Event]:
        return [event for line in lines for event in self.runner.type(line)]

    def balance(self) -> str:
        [ran] = [each for each in self.events("balance") if isinstance(each, happened.Ran)]
        return ran.answered.out.split()[0]


@pytest.fixture
def learner(tmp_path: Path) -> Callable[[], Learner]:
    return lambda: Learner(tmp_path)


def test_a_lesson_from_its_beginning_to_its_end(learner: Callable[[], Learner], tmp_path: Path):
    """
    Answers, a prediction, a named mistake, undo; and then it can be played again.
    """
    learn = learner()
    assert ["Ran"] == learn("balance")
    assert ["Judged"] == learn("0")
    assert ["Judged", "Done", "Shown"] == learn("100")
    [noted] = learn.events("100")
    assert happened.Noted("100.00") == noted
    assert ["Ran", "Mistaken"] == learn("send 20")
    assert ["Ran"] == learn("balance"), "what was said is not said again"
    assert "80.00" == learn.balance()
    assert ["Undone", "Shown"] == learn("undo")
    assert ["Refused"] == learn("undo")
    assert "100.00" == learn.balance()
    assert ["Ran", "Mistaken"] == learn("send 150 --to Alice")
    _ran, judged, _done, finished = learn.events("hongbao send 20 --to Alice")
    assert isinstance(judged, happened.Judged)
    assert ("100.00", "80.00", False) == (judged.given, judged.found, judged.is_right)
    assert judged.said == LESSON.steps[1].questions[0].slips[0].said
    assert happened.Finished(LESSON, 0) == finished
    assert learn.runner.is_over

    kept = json.loads((tmp_path / FILE).read_text("utf-8"))["lessons"]["mine"]
    assert (1, None) == (kept["finished"], kept["place"])
    assert 8 == kept["passed"]["send"]["commands"] + kept["passed"]["look"]["commands"] - 1
    assert isinstance(learner().began[0], happened.Shown)


def test_hints_come_one_by_one_and_the_last_way_out_is_shown(learner: Callable[[], Learner]):
    """
    After it was shown, the same is asked with other numbers; solved, it counts as solved.
    """
    learn = learner()
    learn("100")
    levels = [
        event.level for event in learn.events(*["hint"] * 4) if isinstance(event, happened.Hinted)
    ]
    assert [0, 1, 2, None] == levels
    assert ["Wayed", "Ran", "Shown"] == learn("show me")
    assert learn.runner.goal is LESSON.steps[1].fresh
    assert ["Ran", "NotYet"] == learn("send 20 --to Alice"), "what was there does not count"
    assert ["Undone", "Shown"] == learn("again")
    assert ["Ran", "Done", "Finished"] == learn("send 30 --to Alice")
    answered = learn.runner.world.type(["balance"], "balance")
    assert answered.out.startswith("80.00"), "what comes next builds on the step itself"
    record = learn.runner.record.passed["send"]
    assert ("solved", 3) == (record.how, record.hints)


def test_shown_twice_and_skipped_are_kept_as_such(learner: Callable[[], Learner]):
    learn = learner()
    assert ["Judged", "Done", "Shown"] == learn("show me")[-3:]
    learn("show me")
    assert ["Wayed", "Ran", "Done", "Finished"] == learn("show me")
    assert {"look": "shown", "send": "shown"} == {
        name: each.how for name, each in learn.runner.record.passed.items()
    }
    learn = learner()
    [listed] = learn.events("list")
    assert isinstance(listed, happened.Listed)
    assert [("look", "shown", True), ("send", "shown", False)] == [
        (step.name, how, here) for step, how, here in listed.steps
    ]
    assert ["Done", "Shown", "Done", "Finished"] == learn("skip", "skip")


def test_a_lesson_that_was_cut_off_is_taken_up(learner: Callable[[], Learner]):
    """
    After each line, a new process finds the place, what was done, and what can be undone.
    """
    learner()("100")
    learner()("send 20")
    assert "80.00" == learner().balance()
    assert ["Undone", "Shown"] == learner()("undo")
    assert "100.00" == learner().balance()
    assert ["Undone", "Shown"] == learner()("reset", "100", "send 20", "again")[-2:]
    assert "100.00" == learner().balance()
    assert ["Shown"] == learner()("go 1")
    assert ["Refused", "Refused"] == learner()("go 3", "go x")


def test_a_preparation_that_was_cut_off_is_done_again(
    learner: Callable[[], Learner], tmp_path: Path
):
    """
    A step that has not arrived is entered anew, from the lesson's own ways.
    """
    learn = learner()
    learn("100")
    learn.runner.place.arrived = False
    learn.runner.progress.save("mine", learn.runner.record)
    shutil.rmtree(tmp_path / "mine" / "here" / "home")

    again = learner()

    assert "send" == again.runner.place.step
    assert "100.00" == again.balance()


def test_progress_is_portable(learner: Callable[[], Learner], tmp_path: Path):
    """
    The file alone takes a learner to the same step on another machine.
    """
    learner()("100")
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.copy(tmp_path / FILE, other / FILE)

    assert ["Ran", "Done", "Finished"] == Learner(other)("send 20 --to Alice")


@pytest.mark.parametrize("text", ["{", '{"form": 2}', '{"form": 1, "lessons": {"mine": {}}}', "[]"])
def test_progress_that_cannot_be_read_is_refused(tmp_path: Path, text: str):
    (tmp_path / FILE).write_text(text, encoding="utf-8")

    with pytest.raises(ProgressUnreadable):
        Progress(tmp_path).all()


def test_lines_that_are_nothing_here(learner: Callable[[], Learner]):
    learn = learner()
    learn("100", "80")
    assert ["Unreadable"] * 3 == learn("send 'x", "learn packet", "hongbao")
    assert ["Explained", "Shown"] == learn("?", "where")
    learn("show me")
    assert ["NoQuestion"] == learn("80"), "the like of a step asks nothing"
    assert [] == learn("", "# a remark")
    assert ["Left"] == learn("leave")


def test_a_prediction_is_asked_for_once_and_can_be_changed(
    learner: Callable[[], Learner], capsys: pytest.CaptureFixture[str]
):
    """
    Whoever looks again, undoes something or comes back sees what was noted, and no invitation.
    """
    learn = learner()
    learn("100", "70", "send 20")
    _undone, shown = learn.events("undo")
    for event in (shown, *learner().began):
        telling.show(event, LESSON)
        said = capsys.readouterr().out
        assert "noted: 70.00" in said
        assert "type what you expect" not in said
    assert [happened.Noted("80.00")] == learn.events("80")
    _ran, judged, *_ended = learn.events("send 20 --to Alice")
    assert isinstance(judged, happened.Judged)
    assert (True, "80.00") == (judged.is_right, judged.given)


def test_the_laboratory_can_be_visited_from_a_lesson(learner: Callable[[], Learner]):
    """
    Several lessons ask for it; it has ledgers of its own, so nothing here changes by it.
    """
    learn = learner()
    [ran] = learn.events("lab")
    assert isinstance(ran, happened.Ran)
    assert "oversell" in ran.answered.out
    assert ["Refused"] == learn("undo")


def test_answers_are_read_as_people_write_them():
    assert "8.50" == normal("¥8.5", "amount") == normal("8.50元", "amount")
    moves = "balance -> packet 20.00"
    assert moves == normal("零钱→红包 20", "word") == normal("余额 -> packet 20.0", "word")
    assert "finished" == normal(" Finished. ", "word")


def test_looking_begins_nothing(tmp_path: Path):
    """
    Neither a lesson that was never begun, nor one that is finished.
    """
    world = World(tmp_path / "mine", system_env(), within.run, language="en")
    runner = Runner(LESSON, world, Progress(tmp_path))
    assert [] == [*runner.look()]
    assert not world.exists
    finished = Learner(tmp_path)
    finished("skip", "skip")
    assert [] == [*finished.runner.look()]


def test_what_was_typed_elsewhere_is_noticed_and_undone(learner: Callable[[], Learner]):
    """
    As in a shell of one's own: a change, a refusal, and nothing twice.
    """
    learn = learner()
    learn("100")

    def elsewhere(*words: str) -> list[str]:
        learn.runner.world.type([*words], "")
        return [type(event).__name__ for event in learn.runner.look()]

    assert [] == elsewhere("balance")
    assert ["Mistaken"] == elsewhere("send", "20")
    assert [] == elsewhere("balance")
    assert ["Undone", "Shown"] == learn("undo")
    assert "100.00" == learn.balance()
    assert [] == elsewhere("balance")
    assert ["Mistaken"] == elsewhere("send", "150", "--to", "Alice")
    assert ["Refused"] == learn("undo")
    assert ["Done", "Finished"] == elsewhere("send", "20", "--to", "Alice")


@pytest.mark.parametrize(
    "name",
    [
        name if name == "packet" else pytest.param(name, marks=pytest.mark.slow)
        for name in lessons.names()
    ],
)
def test_whoever_is_stuck_gets_to_the_end(name: str, tmp_path: Path):
    """
    By `show me` alone, through every step and the like of it.
    """
    lesson = lessons.lesson(name)
    world = World(tmp_path / name, system_env(), within.run, language="en")
    runner = Runner(lesson, world, Progress(tmp_path))
    [*runner.begin()]
    for _number in range(2 * len(lesson.steps)):
        if not runner.is_over:
            [*runner.type("show me")]

    record = runner.record
    assert (1, {"shown"}) == (record.finished, {each.how for each in record.passed.values()})


@pytest.mark.slow
@pytest.mark.parametrize("name", lessons.names())
def test_each_step_builds_on_any_way_of_the_last(name: str, tmp_path: Path):
    """
    Whoever goes the other way in every step gets to the end as well.
    """
    lesson = lessons.lesson(name)
    world = World(tmp_path / name, system_env(), within.run, language="en")
    runner = Runner(lesson, world, Progress(tmp_path))
    [*runner.begin()]
    for step in lesson.steps:
        assert runner.step is step
        for way in step.goal.right[-1:]:
            world.must_play(way)
        if not step.is_question:
            [*runner.look()]
            continue
        for question in step.questions:
            with world.opened() as home:
                (answer,) = read_facts(home, [question.answer], runner.scope)
            [*runner.type(f"answer {value_text(answer, question.answer.kind)}")]

    assert (1, {"solved"}) == (
        runner.record.finished,
        {each.how for each in runner.record.passed.values()},
    )
