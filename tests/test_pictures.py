"""The pictures of the docs are what the program shows, and pages have them for both themes."""

import re
from pathlib import Path

from tests import pictures

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_picture_is_what_the_program_shows():
    """`python -m tests.pictures` draws them anew."""
    drawn = dict(pictures.pictures())

    assert set(drawn) == {*pictures.FOLDER.iterdir()}
    for path, picture in drawn.items():
        assert (path.name, path.read_text("utf-8")) == (path.name, picture)


def test_a_page_shows_a_picture_in_both_themes_and_says_what_is_seen():
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
