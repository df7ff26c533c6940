"""
The glossary is kept: its words are used, and the ones that it rules out are fewer each time.

``python -m tests.test_glossary`` writes the allowances below as they are today; a reviewer looks at
which of them rose.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools import catalogue

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "concepts" / "glossary.md"
CHINESE = catalogue.read(catalogue.po_path("zh_CN").read_text(encoding="utf-8"))

ALLOWED: dict[tuple[str, str], int] = {
    ("anew, once more", "code"): 1,
    ("anew, once more", "docs"): 1,
    ("asked for, is asked about", "docs"): 67,
    ("asleep, woke", "docs"): 1,
    ("beside", "code"): 14,
    ("beside", "docs"): 2,
    ("bring in, brought in, bring back", "code"): 3,
    ("by itself, by themselves", "code"): 4,
    ("by itself, by themselves", "docs"): 12,
    ("dice, scripted chance", "docs"): 4,
    ("goes on, go on, went on", "code"): 7,
    ("goes on, go on, went on", "docs"): 2,
    ("home", "screens"): 19,
    ("in force", "code"): 2,
    ("is told, are told, was told", "code"): 3,
    ("is told, are told, was told", "docs"): 3,
    ("let in, lets in, let it in", "code"): 3,
    ("meanwhile", "code"): 2,
    ("meanwhile", "docs"): 1,
    ("mend, mends, mended", "code"): 1,
    ("mend, mends, mended", "docs"): 1,
    ("of its own, of their own", "code"): 9,
    ("of its own, of their own", "docs"): 15,
    ("somebody, anybody, nobody", "code"): 6,
    ("somebody, anybody, nobody", "docs"): 15,
    ("somebody, anybody, nobody", "screens"): 1,
    ("stands in, stand in, stands for", "code"): 5,
    ("stands in, stand in, stands for", "docs"): 2,
    ("tells of, told of", "code"): 1,
    ("told", "code"): 22,
    ("vouch, vouches", "docs"): 1,
    ("whoever, whomever, whatever, whichever", "code"): 12,
    ("whoever, whomever, whatever, whichever", "docs"): 54,
}
"""How often a word still stands where the glossary rules it out: it may fall, and never rise."""

CHINESE_PAGES = (
    "README.zh.md",
    "hongbao/stories/*.txt",
    "tests/stories/*.txt",
    "hongbao/packs/*.toml",
    "hongbao/policies/*.toml",
    "docs/**/*.md",
)


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the table under *heading*."""
    section = GLOSSARY.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    lines = re.findall(r"^\| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    return [line.split(" | ") for line in lines[1:]]


def read(*patterns: str) -> str:
    """Return the text of every page that *patterns* name, but for the glossary itself."""
    paths = {path for pattern in patterns for path in ROOT.glob(pattern)} - {GLOSSARY}
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


def prose(source: str) -> Iterator[str]:
    """Yield the docstrings and comments of *source*, and the names that it gives, as words."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield _as_words(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield _as_words(name)
    yield from re.findall(r"(?m)(?:^|\s)# .*$", source)


@cache
def _as_words(name: str) -> str:
    return re.sub(r"_+|(?<=[a-z])(?=[A-Z])", " ", name)


@cache
def text_of(place: str) -> str:
    """Return all of the English at *place*: on the screens, in the docs or in the code."""
    if place == "screens":
        return "\n".join(catalogue.english(msgid) for msgid in CHINESE)
    if place == "docs":
        return read("docs/**/*.md", "README.md")
    files = sorted((ROOT / "hongbao").rglob("*.py"))
    names = [path.stem.replace("_", " ") for path in files]
    return "\n".join([*names, *(part for path in files for part in prose(path.read_text("utf-8")))])


@cache
def words_of(place: str) -> Counter[str]:
    """Return how often each single word stands at *place*."""
    return Counter(re.findall(r"[\w-]+", text_of(place).lower()))


def count(words: str, place: str) -> int:
    """Return how often one of *words*, separated by commas, stands at *place*."""
    known = words_of(place)
    asked = [re.findall(r"[\w-]+", word) for word in words.lower().split(", ")]
    if not any(known.keys() >= set(parts) for parts in asked):
        return 0  # without looking through megabytes for it
    one_of = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words.split(", "))
    return len(re.findall(rf"(?<![\w-])(?:{one_of})(?![\w-])", text_of(place), re.IGNORECASE))


def counted() -> dict[tuple[str, str], int]:
    """Return how often each ruled-out word stands where it should not, if it does at all."""
    found = {
        (words, place): count(words, place)
        for words, _instead, places in rows("Words that are not used 不用的词（英文）")
        for place in places.split(", ")
    }
    return {key: n for key, n in found.items() if n}


def test_words_that_are_ruled_out_only_become_fewer():
    """
    More of one is a step back; fewer lower the allowance, so that what was won is kept.
    """
    today = counted()

    strangers = {
        f"{words} ({place}): {today.get(key, 0)}, and {ALLOWED.get(key, 0)} are allowed"
        for key in {*today, *ALLOWED}
        for words, place in [key]
        if today.get(key, 0) != ALLOWED.get(key, 0)
    }

    assert set() == strangers


def test_no_chinese_sentence_has_a_word_that_is_ruled_out():
    """
    Neither on the screens nor on the pages.
    """
    said = {str(msgid): message.msgstr for msgid, message in CHINESE.items()}
    said |= {pattern: read(pattern) for pattern in CHINESE_PAGES}

    strangers = {
        f"{word}: {place}"
        for word, _instead in rows("不用的词（中文）")
        for place, text in said.items()
        if word in text
    }

    assert set() == strangers


OTHERWISE: dict[str, int] = {
    "account": 3,
    "authenticator": 2,
    "backup": 1,
    "bill": 1,
    "book": 13,
    "case": 1,
    "channel": 3,
    "claim": 6,
    "device": 3,
    "entry": 1,
    "guard": 6,
    "head": 2,
    "limit": 2,
    "operator": 2,
    "packet": 4,
    "passphrase": 1,
    "payment": 3,
    "pending": 2,
    "policy": 1,
    "profile": 1,
    "refund": 2,
    "return": 3,
    "settlement": 1,
    "share": 10,
    "shortage": 1,
    "statement": 1,
    "surplus": 1,
    "wallet": 5,
}
"""How many sentences have a term and not its Chinese word: the grammar drops it, or it is another
thing, as a packet that *holds* at most an amount. It may fall, and never rise."""


def otherwise() -> dict[str, list[str]]:
    """Return for each term the sentences that have it, and none of its words in Chinese."""
    found = {}
    for term, chinese, *_meaning in rows("Words that are used 用词"):
        has = re.compile(rf"(?<![-\w{{/]){re.escape(term)}s?(?![-\w}}=])")
        found[term] = [
            catalogue.english(msgid)
            for msgid, message in CHINESE.items()
            if has.search(re.sub(r"`[^`]*`", "", catalogue.english(msgid)))
            and not any(word in message.msgstr for word in chinese.split("、"))
        ]
    return found


def _counts() -> dict[str, int]:
    return {term: len(sentences) for term, sentences in otherwise().items() if sentences}


def test_a_term_is_one_word_in_chinese():
    """
    A sentence that has the term has its word in Chinese, but for those where grammar drops it.
    """
    assert _counts() == OTHERWISE


def test_every_term_is_used():
    """
    A term that nothing says is not the glossary's business.
    """
    everything = text_of("screens") + text_of("docs")

    assert [] == [
        term
        for term, *_rest in rows("Words that are used 用词")
        if not re.search(rf"(?<!\w){re.escape(term)}s?(?!\w)", everything, re.IGNORECASE)
    ]


def test_the_tables_have_no_word_twice():
    """
    One word for one thing, and none that is used and ruled out.
    """
    terms = [row[0] for row in rows("Words that are used 用词")]
    ruled_out = [
        word
        for row in rows("Words that are not used 不用的词（英文）")
        for word in row[0].split(", ")
    ]

    assert len(terms) > 40
    assert len(ruled_out) > 40
    assert sorted({*terms, *ruled_out}) == sorted([*terms, *ruled_out])


def main() -> None:
    """Write the allowances as they are today into this file."""
    here = Path(__file__)
    text = here.read_text(encoding="utf-8")
    for name, value in (("ALLOWED", counted()), ("OTHERWISE", _counts())):
        lines = "".join(
            f"    {key!r}: {n},\n".replace("'", '"') for key, n in sorted(value.items())
        )
        text = re.sub(rf'(?ms)^({name}: .*? = )\{{.*?\}}(?=\n""")', rf"\g<1>{{\n{lines}}}", text)
    here.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
