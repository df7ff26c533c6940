"""The rules that ship are parsed beforehand: what is read instead of them says the same."""

import tomllib

import pytest

from hongbao import packs, parsed, policies
from hongbao.domain.policy import parse_policy
from hongbao.domain.risk.pack import parse_pack
from tools import parsed as tool

SHIPPED = [
    *(("policies", name, policies.text_of(name)) for name in policies.names()),
    *(("packs", name, packs.text_of(name)) for name in packs.names()),
]


def test_the_files_are_what_the_tool_writes():
    """
    After a change of a policy or a pack: ``python tools/parsed.py``.
    """
    kept = {path: path.read_text("utf-8") for path in parsed.FOLDER.glob("*.json")}

    assert tool.files() == kept


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped[1])
def test_what_is_read_is_what_a_parser_reads(shipped, monkeypatch):
    """
    The same values of the same types in the same order, and no parser is asked.
    """
    room, name, text = shipped
    expected = tomllib.loads(text)
    parse = parse_policy if room == "policies" else parse_pack
    whole = parse(text, name)
    monkeypatch.setattr(tomllib, "loads", None)

    assert repr(expected) == repr(parsed.loads(text))
    assert tuple(whole) == tuple(parse(text, name, parsed.loads))


def test_a_text_of_ones_own_is_parsed():
    """
    A text that differs by a character from one that ships is another text.
    """
    text = policies.text_of("standard") + "x = 1\n"

    assert tomllib.loads(text) == parsed.loads(text) != parsed.loads(text[:-6])
    with pytest.raises(tomllib.TOMLDecodeError):
        parsed.loads("x = ")
