"""What the player of a story reads in its home directly, between two commands."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hongbao.env import system_env
from hongbao.errors import HongbaoError
from hongbao.home.opened import Home
from hongbao.queries.receipts import signers
from hongbao.units import iso

_HEX = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{16,64}(?![0-9a-zA-Z])")
_SIGNATURE = re.compile(r"(?<![\w/+-])[A-Za-z0-9_/+-]{86}(?:==)?(?![\w/+=-])")


def opened(folder: Path) -> Home:
    """Open the home in *folder*, to be closed before the next command. Raises HongbaoError."""
    return Home.open(system_env()._replace(home=folder), trusting=True)


def last_entry(folder: Path) -> int:
    """Return the number of the last entry of the home in *folder*; 0 if there is none to read."""
    try:
        with opened(folder) as home:
            return home.store.head().entry
    except HongbaoError:
        return 0


def virtual_span(folder: Path) -> tuple[str, str] | None:
    """Return when the home in *folder* was made and what its clock shows, if that is virtual."""
    try:
        with opened(folder) as home:
            row = home.row
            return None if row.virtual_at is None else (iso(row.made_at), iso(home.now()))
    except HongbaoError:
        return None


def differing_facts(
    folder: Path, texts: Sequence[str], since: int, ended: Mapping[int, int]
) -> dict[int, str]:
    """
    Return what is true of the books in *folder* instead of *texts*, by their places.

    The texts are expectations as `hongbao.queries.facts` reads them; what looks back begins after
    the entry *since*, and *ended* says how many commands had each exit code. Where the books cannot
    be read, that is what came instead of each.
    """
    if not texts:
        return {}
    from hongbao.queries import facts  # few stories look at the books

    try:
        expected = [facts.parse(text) for text in texts]
        with opened(folder) as home:
            differences = facts.differences(home, expected, facts.Scope(since, ended))
    except HongbaoError as error:
        return dict.fromkeys(range(len(texts)), error.message)
    found = {}
    for each in differences:
        left, _, right = each.of.text.partition(f" {each.of.compared} ")
        came = f"{left.strip()} = {each.got}"
        if any(isinstance(term.what, facts.Fact) for term in each.of.right):
            came += f"; {right.strip()} = {facts.value_text(each.right, each.of.kind)}"
        found[expected.index(each.of)] = came
    return found


class Keys:
    """
    The words that come from a home's random keys, and so are other ones in each play of a story.

    These are the public keys of people, the MACs of the chain's heads, and signatures.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._words: dict[str, str] = {}
        self._others: set[str] = set()

    def hidden(self, text: str) -> str:
        """Return *text* with ``[key]``, ``[head]`` and ``[signature]`` in their places."""
        found = set(_HEX.findall(text)) - self._others
        if found and not all(map(self._kind, found)):
            self._read()
            self._others |= {word for word in found if self._kind(word) is None}
        text = _HEX.sub(lambda match: self._kind(match[0]) or match[0], text)
        return _SIGNATURE.sub("[signature]", text)

    def _kind(self, word: str) -> str | None:
        # A terminal shows the beginning of a word, or breaks it.
        return next((kind for known, kind in self._words.items() if word in known), None)

    def _read(self) -> None:
        try:
            with opened(self._folder) as home, home.store.snapshot():
                heads = (home.store.head(entry) for entry in range(home.store.head().entry + 1))
                self._words |= {head.mac.hex(): "[head]" for head in heads if head is not None}
                self._words |= {key.hex(): "[key]" for key in signers(home)}
        except HongbaoError:  # none there, or locked: then no command has shown its keys
            return
