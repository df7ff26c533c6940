"""The pictures of the docs are what the program shows, and pages have them for both themes."""

import re
from pathlib import Path

from hongbao.recordings import verifying
from tests import pictures

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]

BYTES_MAX = 200_000
"""How large a picture may be: a page is opened over a telephone, too."""


def test_every_picture_is_what_the_program_shows():
    """`python -m tests.pictures` draws them anew."""
    drawn = dict(pictures.pictures())

    assert set(drawn) == {*pictures.FOLDER.glob("*.svg")}
    for path, picture in drawn.items():
        assert (path.name, path.read_text("utf-8")) == (path.name, picture)


def test_every_recording_is_true_and_small():
    """
    As `hongbao play --verify` says it: what is on the terminal, as text, and the books.
    """
    films = pictures.films()

    assert len(films) >= 2
    for name, film in films.items():
        for theme in pictures.THEMES:
            path = pictures.FOLDER / f"{name}-{theme}.svg"
            verifying.check(verifying.read(path, path.name), film, path.name)
    for path in pictures.FOLDER.glob("*.svg"):
        assert (path.name, True) == (path.name, path.stat().st_size <= BYTES_MAX)


def test_a_page_shows_a_picture_in_both_themes_and_says_what_is_seen():
    """A reader with a dark page sees the dark one, and one who sees none reads what is on it."""
    shown = 0
    for page in PAGES:
        text = page.read_text("utf-8")
        for name in re.findall(r"[\w./-]*pictures/[\w-]+(?=-light\.svg)", text):
            whole = re.search(rf"<picture>[^~]*?{re.escape(name)}-light[^~]*?</picture>", text)
            assert whole, (page.name, name)
            assert f'(prefers-color-scheme: dark)" srcset="{name}-dark.svg"' in whole[0]
            assert re.search(r'alt="[^"]{20,}"', whole[0])
            assert (page.parent / f"{name}-dark.svg").is_file()
            shown += 1
    assert shown >= 2
