"""Values out of TOML: what each kind of key takes to the last character, and all a refusal says."""

from datetime import time

import pytest

from hongbao.domain.toml_table import TEXT_LENGTH_MAX, Document, Table
from hongbao.errors import InvalidPolicy, InvalidRiskPack
from tests.every import every


def table(value: str) -> Table:
    """Return the table ``[pay]`` whose only key, on line 4, is ``it = value``."""
    document = Document(f"# pay\n\n[pay]\nit = {value}\n", "mine.toml")
    top = Table(document, (), document.content(), needed=("pay",))
    return top.table("pay", needed=("it",))


def refused(act, *args, **options):
    with pytest.raises(InvalidPolicy) as caught:
        act(*args, **options)
    return dict(caught.value.facts)


HERE = {"source": "mine.toml", "line": 4, "key": "it"}

NAME = "a23456789012345678901234567890-2"

READ = [
    ("text", '"8 letter"', (8,), "8 letter"),
    ("text", '" x"', (2,), " x"),
    ("name", '"a"', (), "a"),
    ("name", '"0"', (), "0"),
    ("name", f'"{NAME}"', (), NAME),
    ("one_of", '"b"', (("a", "b"),), "b"),
    ("whole", "1", (1, 3), 1),
    ("whole", "3", (1, 3), 3),
    ("flag", "true", (), True),
    ("flag", "false", (), False),
    ("amount", '"0.01"', (), 1),
    ("percentage_ppm", '"100%"', (), 1_000_000),
    ("percentage_ppm", '"0%"', (), 0),
    ("percentage_ppm", '"12.3456%"', (), 123_456),
    ("time_of_day", '"00:00"', (), time(0, 0)),
    ("time_of_day", '"19:59"', (), time(19, 59)),
    ("time_of_day", '"23:08"', (), time(23, 8)),
    ("some_of", '["b", "a"]', (("a", "b"),), ("b", "a")),
]

REFUSED = [
    ("text", "1", (8,), "not_text", {}),
    ("text", '"9 letters"', (8,), "bad_text", {"length_max": 8}),
    ("text", '" "', (8,), "bad_text", {"length_max": 8}),
    ("text", '"\\t."', (8,), "bad_text", {"length_max": 8}),
    ("name", "1", (), "bad_name", {"text": "'1'"}),
    ("name", f'"{NAME}3"', (), "bad_name", {"text": f"'{NAME}3'"}),
    ("name", '"-a"', (), "bad_name", {"text": "'-a'"}),
    ("name", '"A"', (), "bad_name", {"text": "'A'"}),
    ("one_of", '"c"', (("a", "b"),), "not_one_of", {"text": "'c'", "known": "a, b"}),
    ("whole", "0", (1, 3), "not_whole", {"least": 1, "most": 3}),
    ("whole", "4", (1, 3), "not_whole", {"least": 1, "most": 3}),
    ("whole", "true", (1, 3), "not_whole", {"least": 1, "most": 3}),
    ("flag", "1", (), "not_flag", {}),
    ("amount", "1", (), "bad_amount", {"text": "'1'"}),
    ("amount", '"0.00"', (), "bad_amount", {"text": "'0.00'"}),
    ("amount", "1" + "0" * 40, (), "bad_amount", {"text": "'1" + "0" * 38 + "…'"}),
    ("amount", "1" + "0" * 39 + "1", (), "bad_amount", {"text": "…"}),
    ("amount", "-1" + "0" * 39 + "1", (), "bad_amount", {"text": "…"}),
    ("percentage_ppm", "1", (), "bad_percentage", {"text": "'1'"}),
    ("percentage_ppm", '"100.0001%"', (), "bad_percentage", {"text": "'100.0001%'"}),
    ("percentage_ppm", '"0.12345%"', (), "bad_percentage", {"text": "'0.12345%'"}),
    ("time_of_day", '"24:00"', (), "bad_time", {"text": "'24:00'"}),
    ("time_of_day", "1", (), "bad_time", {"text": "'1'"}),
    ("some_of", "[]", (("a", "b"),), "not_list", {"known": "a, b"}),
    ("some_of", '"a"', (("a", "b"),), "not_list", {"known": "a, b"}),
    ("some_of", '["a", 7]', (("a", "b"),), "not_one_of", {"text": "'7'", "known": "a, b"}),
    (
        *("some_of", '["c"]', (("a", "b"), "unknown_flow"), "unknown_flow"),
        {"text": "'c'", "known": "a, b"},
    ),
    ("some_of", '["a", "b", "a"]', (("a", "b"),), "used_twice", {"text": "'a'"}),
    ("table", "1", ((),), "not_table", {}),
    ("tables", "[]", ((),), "not_tables", {}),
    ("tables", "{}", ((),), "not_tables", {}),
    ("tables", "[{}, 1]", ((),), "not_tables", {}),
]


@every(("kind", "written", "args", "value"), READ)
def test_a_value_is_read_up_to_its_bounds(kind, written, args, value):
    """
    The longest text and name, the least and the most number, 0 % and 100 %, midnight.
    """
    assert value == getattr(table(written), kind)("it", *args)


@every(("kind", "written", "args", "problem", "facts"), REFUSED)
def test_a_refusal_says_what_and_where(kind, written, args, problem, facts):
    """
    The file, the line, the key, the problem, what was written, and what could be.
    """
    assert {**HERE, "problem": problem, **facts} == refused(
        getattr(table(written), kind), "it", *args
    )


def test_an_amount_of_nothing_is_one_only_where_it_may_be():
    """
    Where zero is allowed, what is no amount is still refused in the same words.
    """
    assert 0 == table('"0.00"').amount("it", zero=True)
    assert {**HERE, "problem": "bad_amount", "text": "'-1'"} == refused(
        table('"-1"').amount, "it", zero=True
    )


@every(
    ("content", "key", "problem", "facts"),
    [
        ("a = 1\nb = 2\nx = 3\n", (3, "x"), "unknown_key", {"text": "'x'", "known": "a, b, c"}),
        ("x = 1\n", (1, "x"), "unknown_key", {"text": "'x'", "known": "a, b, c"}),
        ("b = 1\n", (1, "a"), "missing_key", {}),
    ],
)
def test_a_table_has_its_keys_and_no_others(content, key, problem, facts):
    """
    A mistyped key is told before the missing one that it was meant for.
    """
    line, name = key
    document = Document(content, "mine.toml")

    assert {
        "source": "mine.toml",
        "line": line,
        "key": name,
        "problem": problem,
        **facts,
    } == refused(Table, document, (), document.content(), ("a",), ("b", "c"))


def test_tables_within_tables_know_where_they_are():
    """
    Each of several tables takes the optional keys, and is told at its own line.
    """
    document = Document("[[t]]\na = 1\n[[t]]\na = 2\nb = 3\n", "mine.toml")
    top = Table(document, (), document.content(), needed=("t",))

    first, second = top.tables("t", ("a",), ("b",))

    assert [("t", 0), ("t", 1)] == [first.path, second.path]
    assert [{"a": 1}, {"a": 2, "b": 3}] == [first.content, second.content]
    assert {"source": "mine.toml", "line": 5, "key": "b", "problem": "not_flag"} == refused(
        second.flag, "b"
    )
    assert 1 == refused(top.tables, "t", ("a", "b"))["line"]
    assert 5 == refused(top.tables, "t", ("a",))["line"]


# --- confidences ----------------------------------------------------------------------------------


def test_a_table_notes_how_sure_its_own_numbers_are():
    """
    By whole names: of values and not of tables or lists, each A, B or C.
    """
    text = '[a.b]\nn = 1\nm = 2\nl = [1]\nconfidence = { n = "C", m = "A" }\n'
    document = Document(text, "mine.toml")
    inner = Table(
        document, ("a", "b"), document.content()["a"]["b"], ("n",), ("m", "l", "confidence")
    )

    inner.note_confidence()

    assert {"a.b.n": "C", "a.b.m": "A"} == document.confidence


@every(
    ("confidence", "problem", "facts"),
    [
        ('{ n = "D" }', "not_one_of", {"key": "n", "text": "'D'", "known": "A, B, C"}),
        ('{ l = "A" }', "unknown_key", {"key": "l", "text": "'l'", "known": "n"}),
        ('"A"', "not_table", {"key": "confidence"}),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, problem, facts):
    """
    Another letter, the name of a list, and a letter for the whole table.
    """
    document = Document(f"n = 1\nl = [1]\nconfidence = {confidence}\n", "mine.toml")
    top = Table(document, (), document.content(), ("n",), ("l", "confidence"))

    assert {"source": "mine.toml", "line": 3, "problem": problem, **facts} == refused(
        top.note_confidence
    )
    assert {} == document.confidence


def test_a_table_that_may_be_missing_has_defaults():
    """
    What it says goes before them, its confidences are noted, and what it cannot say is refused.
    """
    text = '[pay]\nfee = 2\nconfidence = { fee = "B" }\n[bad]\nfoo = 1\n'
    document = Document(text, "mine.toml")
    top = Table(document, (), document.content(), needed=(), optional=("pay", "bad", "none"))
    defaults = {"fee": 1, "days": 3}

    said, unsaid = top.table_or("pay", defaults), top.table_or("none", defaults)

    assert {"fee": 2, "days": 3, "confidence": {"fee": "B"}} == said.content
    assert {"pay.fee": "B"} == document.confidence
    assert (defaults, ("none",)) == (unsaid.content, unsaid.path)
    assert 1 == refused(unsaid.whole, "fee", 5, 6)["line"]
    assert {
        "source": "mine.toml",
        "line": 5,
        "key": "foo",
        "problem": "unknown_key",
        "text": "'foo'",
        "known": "fee, days, confidence",
    } == refused(top.table_or, "bad", defaults)


# --- the whole text -------------------------------------------------------------------------------

DEEP = "[" * 20_000
LONG = "x = " + "9" * 5000


@every(
    ("text", "line", "problem", "facts"),
    [
        ("a = 1\nb = = 2\n", 2, "syntax", {"column": 5}),
        ("a = 1\nb = [\n", 3, "syntax", {"column": 1}),
        ("a = 1\nb = [1", 2, "syntax", {"column": 7}),
        ("a = 1\na = 2\n", 2, "defined_twice", {"column": 6}),
        (f"a = 1\nb = {DEEP}\n\n", 2, "syntax", {"column": 1}),
        (f"b = {DEEP}\na = 1\n", 1, "syntax", {"column": 1}),
        (f"a = 1\nb = 2\nc = 3\nd = 4\n{LONG}\n", 5, "syntax", {"column": 1}),
        (f"{LONG}\na = 1\nb = {DEEP}\n", 1, "syntax", {"column": 1}),
        (f"\n{'#' * TEXT_LENGTH_MAX}\n", 2, "too_long", {"length_max": 65_536}),
        # The line on which the last character that there may be stands.
        ("#" * (TEXT_LENGTH_MAX - 1) + "\n\n", 2, "too_long", {"length_max": 65_536}),
        ("#" * TEXT_LENGTH_MAX + "\n", 1, "too_long", {"length_max": 65_536}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_text_that_cannot_be_read_is_refused_at_its_line(text, line, problem, facts):
    """
    Also where Python itself gives up, without a word on where: brackets too deep, numbers too long.
    """
    document = Document(text, "mine.toml")

    assert {"source": "mine.toml", "line": line, "problem": problem, **facts} == refused(
        document.content
    )


def test_a_text_may_be_of_just_so_many_characters():
    """
    A mark that an editor puts first is none of them.
    """
    text = "\ufeff" + "a = 1\n" + "#" * (TEXT_LENGTH_MAX - 6)

    assert {"a": 1} == Document(text, "mine.toml").content()


def test_a_document_is_refused_as_its_reader_asks():
    """
    A policy, unless it is said what it is.
    """
    assert InvalidPolicy is type(Document("", "mine").error(1, "syntax", column=1))
    assert InvalidRiskPack is type(
        Document("", "mine", InvalidRiskPack).error(1, "syntax", column=1)
    )
