"""Every rule of risk control is met in a story, said in both languages, and so is every answer."""

import json
import re
from pathlib import Path

from hongbao import packs
from hongbao.domain.risk.acts import Verdict
from hongbao.domain.risk.pack import Report, Rule, parse_pack
from hongbao.story import read
from hongbao.story.script import Command
from tests.every import every

STORIES = sorted((Path(__file__).parent / "stories").glob("*.txt"))
PACK = parse_pack(packs.text_of("standard"), "standard")
STRICT = parse_pack(packs.text_of("strict"), "strict")

EVERYTHING: list[Rule | Report] = [*PACK.rules, *PACK.reports]

NOT_IN_A_STORY = {"clock-turned-back"}
"""It takes a real clock: tests/wallet/test_clock_turned_back.py."""


def commands() -> list[Command]:
    return [scene for path in STORIES for scene in read(path).scenes if isinstance(scene, Command)]


EXPECTED = [(command, expected) for command in commands() for expected in command.expected]
SAID = "\n".join(expected.text for _, expected in EXPECTED)


def facts(document: object) -> list[tuple[str, object]]:
    """Return every key of a JSON *document*, however deep, with its value."""
    found: list[tuple[str, object]] = []
    if isinstance(document, dict):
        for key, value in document.items():
            found += [(key, value), *facts(value)]
    if isinstance(document, list):
        for value in document:
            found += facts(value)
    return found


TOLD = {
    value
    for _, expected in EXPECTED
    if expected.where == "json"
    for key, value in facts(json.loads(expected.text))
    if key == "rule"
}
"""The rules that some answer of a story names as the one that decided."""


@every(
    "rule",
    [one for one in EVERYTHING if one.id not in NOT_IN_A_STORY],
    ids=lambda rule: rule.id,
)
def test_each_rule_is_met_in_a_story(rule: Rule | Report):
    """
    By the installed command: some answer names it as the rule that decided.
    """
    assert rule.id in TOLD


@every(
    "rule",
    [rule for rule in STRICT.rules if rule.id not in NOT_IN_A_STORY],
    ids=lambda rule: rule.id,
)
@every("language", ["en", "zh"])
def test_each_rule_is_said_in_both_languages(rule: Rule, language: str):
    """
    A story shows the sentence as the user reads it, the Chinese one with HONGBAO_LANG=zh.
    """
    said = rule.says[language]

    assert any(
        said in expected.text
        for command, expected in EXPECTED
        if (language == "zh") == command.typed.startswith("HONGBAO_LANG=zh ")
    )


@every("report", STRICT.reports, ids=lambda report: report.id)
def test_each_report_is_said_to_the_reviewer_in_both_languages(report: Report):
    """
    Whoever it is about is not told.
    """
    assert report.says["en"] in SAID
    assert report.says["zh"] in SAID


@every("answer", [*(verdict for verdict in Verdict if verdict is not Verdict.ALLOW)])
def test_each_answer_is_met_in_a_story(answer: Verdict):
    """
    From a delay to a cut.
    """
    assert TOLD & {one.id for one in PACK.rules if one.answer is answer}


@every(
    "path",
    [path for path in STORIES if path.stem.startswith("attack_")],
    ids=lambda path: path.stem,
)
def test_an_attack_is_a_lesson_in_both_languages(path: Path):
    """
    Each paragraph is told in English and in Chinese, and the books are right in the end.
    """
    story = read(path)
    text = path.read_text("utf-8")

    assert len(re.findall(r"(?m)^# en:", text)) == len(re.findall(r"(?m)^# zh:", text)) >= 3
    last = story.scenes[-1]
    assert isinstance(last, Command)
    assert "check" == last.typed
