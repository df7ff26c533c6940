"""No content of a file, and nothing typed, makes a parser do anything but read it or refuse it."""

import os

import pytest
from hypothesis import given, settings

from tests.every import every
from tests.fuzz.parsers import PARSERS, contents, kept, try_one


@every("name", PARSERS)
def test_what_was_kept_is_read_or_refused(name: str):
    """
    Each content that once added coverage.
    """
    for _file, content in kept(name):
        try_one(name, content)


@every("name", PARSERS)
def test_anything_is_read_or_refused(name: str):
    """
    A few contents, the same ones every day.
    """
    explore(name, 12)


@pytest.mark.slow
@every("name", PARSERS)
def test_very_many_contents_are_read_or_refused(name: str):
    """
    HONGBAO_FUZZ contents for each parser.
    """
    explore(name, int(os.environ.get("HONGBAO_FUZZ", "2000")))


def explore(name: str, count: int) -> None:
    @settings(max_examples=count, database=None)
    @given(contents(name))
    def is_read_or_refused(content: bytes) -> None:
        try_one(name, content)

    is_read_or_refused()
