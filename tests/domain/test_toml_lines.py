import tomllib

from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.toml_lines import line_of

TEXT = '''\
# a comment with [brackets] and "quotes
"quoted.key" = 1
dotted.key = { inline = { deep = [1, { leaf = 2 }] } }
text = """
[not.a.table]
escaped \\""" still = "inside" """""
literal = \'\'\'
[[nor.this]]\'\'\'
list = [ # a comment with ] in it
    "a ] b",
    'c # d',
    { in = 1 },
]  # the end

[ table . "sub.table" ] # trailing
key = 1
[[many]]
[[many.inner]]
key = 1
[[many.inner]]
key = 2
[many.inner.last]
key = 3
[[many]]
[[many.inner]]
key = 4
[table]
late = 5
  [indented]
  part.one = 6
  part.two = [
  7]
  part.three = 8'''

LINES = {
    ("quoted.key",): 2,
    ("dotted",): 3,
    ("dotted", "key", "inline", "deep", 1, "leaf"): 3,
    ("text",): 4,
    ("literal",): 7,
    ("list",): 9,
    ("list", 2, "in"): 9,
    ("table", "sub.table"): 15,
    ("table", "sub.table", "key"): 16,
    ("many",): 17,
    ("many", 0): 17,
    ("many", 0, "inner", 0): 18,
    ("many", 0, "inner", 0, "key"): 19,
    ("many", 0, "inner", 1): 20,
    ("many", 0, "inner", 1, "key"): 21,
    ("many", 0, "inner", 1, "last"): 22,
    ("many", 0, "inner", 1, "last", "key"): 23,
    ("many", 1): 24,
    ("many", 1, "inner", 0, "key"): 26,
    ("table",): 27,
    ("table", "late"): 28,
    ("indented",): 29,
    ("indented", "part"): 30,
    ("indented", "part", "one"): 30,
    ("indented", "part", "two", 0): 31,
    ("indented", "part", "three"): 33,
}

keys = st.text("ab.\"'#[] \\", min_size=1, max_size=4)
values = st.one_of(
    st.integers(0, 9).map(str),
    st.sampled_from(['""', "''", '""""""', '"a\\"]"', "'\\'", '"""\n""\\""""', "'''\n]'''''"]),
    st.sampled_from(['"""x]""""', "'''x]''''"]),
    st.sampled_from(["[]", "[\n1, # ]\n[2],\n]", "{}", '{a = "}", b = [{c = 1}]}']),
)


def test_every_way_of_writing_a_key_is_found():
    """
    Headers, dotted and quoted keys, inline tables, arrays of tables, and what only looks like one.
    """
    tomllib.loads(TEXT)  # or the expectations mean nothing

    assert {path: line_of(TEXT, path) for path in LINES} == LINES


def test_what_is_not_written_is_where_it_belongs():
    """
    A missing key is at its table's header; one missing from the top is on line 1.
    """
    assert 20 == line_of(TEXT, ("many", 0, "inner", 1, "missing"))
    assert 27 == line_of(TEXT, ("table", "missing", "deeper"))
    assert 1 == line_of(TEXT, ("missing",))
    assert 1 == line_of("", ("missing",))


@given(st.lists(st.tuples(keys, values, st.integers(0, 2)), unique_by=lambda item: item[0]))
def test_any_key_is_on_the_line_where_it_was_put(items):
    """
    Whatever hides in keys and values before it.
    """
    text, lines = "", {}
    for key, value, blanks in items:
        text += "# [\n" * blanks
        lines[key] = text.count("\n") + 1
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        text += f'"{quoted}" = {value}\n'
    assert set(lines) == set(tomllib.loads(text))

    assert {key: line_of(text, (key,)) for key in lines} == lines
