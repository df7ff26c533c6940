"""Errors are declarations: what they declare is complete, and what is made of them keeps to it."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path

import pytest

from hongbao import errors, words
from hongbao.errors import (
    TOPICS,
    Fact,
    HongbaoError,
    InsufficientBalance,
    InvalidNumber,
    InvalidPath,
    InvalidRiskPack,
    InvalidStory,
    OtherSigner,
    PacketExpired,
    ShareAboveCap,
    Unanswered,
    declarations,
    kinds,
    recall,
)
from hongbao.why import declared_example, placeholders
from hongbao.words import Filled
from tests.every import every
from tests.gallery import examples_of

NOON = datetime.fromisoformat("2026-02-17T12:00:00+08:00")

KINDS = tuple(kinds())
FOLDER = Path(errors.__file__).parent


def defined_in(topic: str) -> list[str]:
    """Return the names of the errors that the module of *topic* defines, in their order."""
    module = import_module(f"hongbao.errors.{topic}")
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]


def templates(kind: type[HongbaoError]) -> Iterator[str]:
    """Yield all that an error of *kind* may say: every text that it or its family holds."""
    for each in kind.__mro__[: kind.__mro__.index(HongbaoError)]:
        for name, value in vars(each).items():
            if isinstance(value, str) and name not in ("__doc__", "__module__", "code"):
                yield value
            if isinstance(value, Fact) and value.words is not None:
                yield from value.words.values()


def every_error() -> Iterator[HongbaoError]:
    """Yield each error of the gallery, and each with every value that has words of its own."""
    for kind in KINDS:
        yield from examples_of(kind)
        for name, fact in declarations(kind).items():
            if isinstance(fact, Fact):
                for value in fact.words or ():
                    yield declared_example(kind, **{name: value})


# --- the table ------------------------------------------------------------------------------------


def test_the_table_has_every_error_under_its_topic():
    """
    The name of an error leads to the one module that has to be loaded for it.
    """
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "base"}

    assert modules == set(TOPICS)
    assert {topic: defined_in(topic) for topic in TOPICS} == {
        topic: names.split() for topic, names in TOPICS.items()
    }


def test_a_type_checker_sees_every_topic():
    """
    It does not run the function that loads them late, so it is told.
    """
    text = (FOLDER / "__init__.py").read_text(encoding="utf-8")

    assert [] == [topic for topic in TOPICS if f"from hongbao.errors.{topic} import *" not in text]


def test_only_the_topics_that_are_named_are_loaded():
    """
    A command that can go wrong in a few ways does not wait for the rest.
    """
    program = (
        "import sys; from hongbao.errors import Busy, PacketExpired;"
        "print(*sorted(name for name in sys.modules if name.startswith('hongbao.errors')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert [
        "hongbao.errors",
        "hongbao.errors.base",
        "hongbao.errors.homes",
        "hongbao.errors.packets",
    ] == done.stdout.split()


def test_a_name_that_is_no_error_cannot_be_imported():
    """
    Loading late does not mean finding out late.
    """
    with pytest.raises(ImportError, match="NoSuchError"):
        exec("from hongbao.errors import NoSuchError")
    with pytest.raises(AttributeError, match="NoSuchError"):
        getattr(errors, "NoSuchError")  # noqa: B009 - a type checker would see it


# --- what is declared -----------------------------------------------------------------------------


def test_every_fact_that_a_sentence_names_is_declared():
    """
    In the sentence, in the advice and in the words of a fact; so none of them fails to be filled.
    """
    undeclared = [
        f"{kind.__name__}: {name} in {text!r}"
        for kind in KINDS
        for text in templates(kind)
        for name in placeholders(text) - set(declarations(kind))
    ]

    assert [] == undeclared


def test_every_annotation_is_a_fact_with_an_example():
    """
    A bare annotation would be an argument to the type checker, and nothing when it is called.
    """
    bare = [
        f"{kind.__name__}: {name}"
        for kind in KINDS
        for each in kind.__mro__[: kind.__mro__.index(HongbaoError)]
        for name, annotation in vars(each).get("__annotations__", {}).items()
        if "ClassVar" not in str(annotation) and not isinstance(vars(each).get(name), Fact)
    ]

    assert [] == bare


def test_no_fact_is_called_like_what_every_error_has():
    """
    `error.message` is its sentence, whatever the facts are.
    """
    taken = {"facts", "code", "message", "hint"} | set(dir(HongbaoError))

    assert [] == [
        f"{kind.__name__}: {n}" for kind in KINDS for n in declarations(kind) if n in taken
    ]


def test_codes_follow_from_names_and_no_two_errors_share_one():
    """
    Programs know errors by them. One was chosen apart from its name, and one is its family's.
    """
    codes = Counter(kind.code for kind in KINDS)

    assert ["unknown_signer"] == [code for code, count in codes.items() if count > 1]
    assert "insufficient_balance" == InsufficientBalance.code
    assert {"BadCommandLine", "OtherSigner"} == {
        kind.__name__ for kind in KINDS if "code" in vars(kind)
    }


def test_every_error_says_something_in_both_languages():
    """
    Each of the gallery's, and each problem that has words of its own.
    """
    for error in every_error():
        words.use_language("zh_CN")
        chinese = error.message, error.hint
        words.use_language("en")
        assert str(error) == error.message
        assert error.hint == error.as_dict()["hint"]
        assert error.message != chinese[0] or error.sentence == "{why}", error.code
        assert (error.hint is None) is (chinese[1] is None)


# --- what is made of it ---------------------------------------------------------------------------


def test_facts_are_attributes_and_stand_in_the_order_of_their_declaration():
    """
    What is found from the others is a fact like them, for programs too.
    """
    error = ShareAboveCap(share_max_fen=20_000, total_fen=100_001)

    assert (100_001, 20_000, 6) == (error.total_fen, error.share_max_fen, error.count_least)
    assert {
        "code": "share_above_cap",
        "message": "a share is at most 200.00; 1000.01 needs at least 6 shares",
        "hint": None,
        "total_fen": 100_001,
        "share_max_fen": 20_000,
        "count_least": 6,
    } == error.as_dict()
    assert ["total_fen", "share_max_fen", "count_least"] == list(error.facts)


def test_a_familys_facts_come_first_and_can_be_declared_anew():
    """
    A risk pack breaks the rules of a policy, and some of its own.
    """
    error = InvalidRiskPack(
        source="mine.toml", line=27, problem="needs", key="window", indicator="claims"
    )

    assert ["packet", "expires_at"] == list(declarations(PacketExpired))
    assert ["source", "line", "problem"] == list(declarations(InvalidRiskPack))[:3]
    assert "risk pack mine.toml, line 27: claims needs window" == str(error)


def test_a_fact_is_shaped_before_it_is_kept():
    """
    What was typed is quoted and shortened in one place, not by each who refuses it.
    """
    assert "'a\\x1b[31m'" == InvalidNumber("a\x1b[31m", option="--count", least=0).facts["text"]
    assert "''" == InvalidPath("", reason="it is empty").facts["path"]


def test_a_fact_that_only_some_have_is_left_out_of_the_others():
    """
    Programs are told what there is, and no null for what there is not.
    """
    error = InvalidStory(source="lesson.txt", line=7, problem="no_exit_code")

    assert {"source": "lesson.txt", "line": 7, "problem": "no_exit_code"} == error.facts
    with pytest.raises(AttributeError, match="InvalidStory says nothing of name"):
        _ = error.name


@every("kind", KINDS)
def test_what_a_sentence_quotes_is_quoted_once(kind: type[HongbaoError]):
    """
    By the fact that is shown, or by the sentence, and never by both.
    """
    for language in ("en", "zh_CN"):
        words.use_language(language)
        for error in examples_of(kind):
            assert not re.search("''|““|””", f"{error.message} {error.hint}")


def test_a_sentence_inside_another_is_said_in_the_same_language():
    """
    A question, with the names in it, is asked again by the error that nobody answered it.
    """
    question = Filled("{packet} is for someone else", {"packet": "hb_7Q2M4K9X"})
    error = Unanswered(question=question, flag="--yes")
    told = error.as_dict()

    words.use_language("zh_CN")

    assert "hb_7Q2M4K9X is for someone else" == told["question"]
    assert words.say("{packet} is for someone else", packet="hb_7Q2M4K9X") in error.message
    assert "someone" not in error.message
    assert told == error.as_dict()


def test_a_call_with_other_facts_than_the_declared_ones_is_refused():
    """
    Here when it runs; that the type checker refuses it too is what the ignores say.
    """
    with pytest.raises(TypeError, match="was not given share_max_fen"):
        ShareAboveCap(total_fen=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no fact count_least"):
        ShareAboveCap(total_fen=2, share_max_fen=1, count_least=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes 1 facts by place, not 2"):
        PacketExpired("hb_7Q2M4K9X", NOON)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="was given packet twice"):
        PacketExpired("hb_7Q2M4K9X", packet="hb_7Q2M4K9X", expires_at=NOON)  # type: ignore[misc]
    with pytest.raises(TypeError, match="was not given expires_at"):
        PacketExpired("hb_7Q2M4K9X")  # type: ignore[call-arg]
    assert PacketExpired(packet="hb_7Q2M4K9X", expires_at=NOON).final


def test_every_error_can_be_written_down_and_recalled():
    """
    A replayed request is refused in the words, and with the facts, of the first time.
    """
    for error in every_error():
        if isinstance(error, OtherSigner):
            continue  # its code is its family's, and no act ends with it
        told = json.loads(json.dumps(error.as_dict(), ensure_ascii=False))

        again = recall(told)

        assert type(error) is type(again)
        assert (str(error), told) == (str(again), json.loads(json.dumps(again.as_dict())))
        assert error.message == again.message
