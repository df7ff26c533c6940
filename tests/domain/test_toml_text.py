"""TOML as it is written: exactly these lines, and what a reader gets back from them."""

import tomllib

from hongbao.domain.toml_text import dumped
from tests.every import every


@every(
    ("document", "text"),
    [
        ({}, ""),
        ({"form": 1}, "form = 1\n"),
        ({"name": "红包"}, 'name = "红包"\n'),
        ({"says": 'a "b"\\\n'}, 'says = "a \\"b\\"\\\\\\n"\n'),
        ({"want": ["a", "b"], "none": []}, 'want = ["a", "b"]\nnone = []\n'),
        ({"title": {"en": "One"}}, '[title]\nen = "One"\n'),
        # A value after a table would belong to the table, so it goes before.
        ({"title": {"en": "One"}, "form": 2}, 'form = 2\n\n[title]\nen = "One"\n'),
        ({"fact": [{"n": 1}, {"n": 2}]}, "[[fact]]\nn = 1\n\n[[fact]]\nn = 2\n"),
        (
            {"a": {"b": {"n": 1}, "c": [{"n": 2, "d": {"n": 3}}]}},
            "[a]\n\n[a.b]\nn = 1\n\n[[a.c]]\nn = 2\n\n[a.c.d]\nn = 3\n",
        ),
        ({"empty": {}, "last": {}}, "[empty]\n\n[last]\n"),
        # Blank lines are taken away before the first line, and nothing else that looks like them.
        ({"X": "\nX\n"}, 'X = "\\nX\\n"\n'),
    ],
)
def test_a_document_is_written_value_by_value_and_read_back(document, text):
    """
    Values stand before tables, tables under their whole names, and nothing is escaped needlessly.
    """
    assert text == dumped(document)
    assert document == tomllib.loads(text)
