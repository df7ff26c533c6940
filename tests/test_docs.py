"""The docs say what the code does: pages, options, examples, refusals and shapes."""

import functools
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from hongbao import cli, words
from hongbao.auditing import PROBLEMS
from hongbao.commands import topics
from hongbao.commands.declared import Command
from hongbao.commands.house import root_command
from hongbao.commands.options import kept_options
from hongbao.commands.table import NAMES
from hongbao.documents import FORMAT
from hongbao.domain.ledger import LEGAL, SIDES
from hongbao.errors import ExitCode, kinds
from tests import consumers, gallery, shapes
from tests.cli import transcripts
from tests.every import every

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "reference" / "commands"
READMES = [path for path in (ROOT / "README.md", ROOT / "README.zh.md") if path.exists()]
COMMANDS = sorted(NAMES)
EXIT_CODES = ROOT / "docs" / "reference" / "exit-codes.md"
OPTIONS = ROOT / "docs" / "reference" / "options-and-variables.md"
HEADINGS = ("Synopsis", "Example", "What happens to the money", "Refusals and exit codes")
SHARED = {
    "--json",
    "--profile",
    "-p",
    "--yes",
    "-y",
    "--no-input",
    "--pin-file",
    "--totp-file",
    "--help",
    "-h",
}
LISTS = {"--header", "--columns", "--csv", "--no-pager"}
"""What every list takes: explained where the shared options are."""


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text("utf-8")


def section(name: str, heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def parsers(name: str) -> Iterator[Any]:
    """Yield the parser of the command *name*, and those of the commands below it."""
    house: Any = root_command()
    with house.make_context("hongbao", [], resilient_parsing=True) as context:
        command = house.get_command(context, name)
    yield command
    yield from getattr(command, "commands", {}).values()


def options(name: str) -> set[str]:
    """Return the options of its own that the command *name* takes."""
    taken = {
        option for command in parsers(name) for param in command.params for option in param.opts
    }
    return {option for option in taken if option.startswith("-")} - SHARED - LISTS


# --- pages ---------------------------------------------------------------------------------------


def test_every_command_has_a_page_and_every_page_a_command():
    """
    A command nobody can read about is not there yet.
    """
    assert sorted(COMMANDS) == sorted({path.stem for path in PAGES.glob("*.md")} - {"README"})


@every("name", COMMANDS)
def test_pages_have_one_shape(name: str):
    """
    Synopsis, example, what happens to the money, refusals and exit codes; then what is special.
    """
    text = without_blocks(PAGES / f"{name}.md")  # a story may have headings, too
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)

    assert page(name).startswith(f"# hongbao {name}\n")
    assert list(HEADINGS) == headings[:4]


@every("name", COMMANDS)
def test_a_synopsis_has_the_options_that_the_command_takes(name: str):
    """
    No option is missing, and none is invented.
    """
    synopsis = section(name, "Synopsis")
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z])(?![\w-])", synopsis))

    assert set() == {option for option in options(name) if option.startswith("--")} - named
    assert set() == named - options(name) - SHARED


@every("name", COMMANDS)
def test_a_synopsis_names_every_subcommand(name: str):
    """
    `card add` is on the page of `card`.
    """
    for command in [*parsers(name)][1:]:
        assert re.search(rf"^    hongbao {name} \[?{command.name}\b", page(name), re.MULTILINE)


def test_every_command_is_in_the_index():
    """
    Whoever begins there finds all of them.
    """
    text = (PAGES / "README.md").read_text("utf-8")

    assert [] == [name for name in COMMANDS if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)]


def test_shared_options_are_explained_once():
    """
    One page explains what every command takes, and what every list takes.
    """
    *_others, shared = kept_options(Command, lambda _ctx: "")
    taken = {name for option in shared for name in option.names} | LISTS

    text = OPTIONS.read_text("utf-8")

    assert [] == [option for option in taken if f"`{option}" not in text]


# --- refusals ------------------------------------------------------------------------------------


def test_the_gallery_shows_every_refusal():
    """
    Each code, once.
    """
    shown = re.findall("^### `(.*)`$", gallery.GALLERY.read_text("utf-8"), re.MULTILINE)

    assert sorted({kind.code for kind in kinds()}) == sorted(shown)


def test_the_gallery_is_what_the_errors_say():
    """
    `python -m tests.gallery` writes it anew.
    """
    assert gallery.page() == gallery.GALLERY.read_text("utf-8")
    assert gallery.index() == gallery.INDEX.read_text("utf-8")


@every("name", [*COMMANDS, "README"])
def test_a_page_names_refusals_that_exist_with_their_exit_codes(name: str):
    """
    A row of the table is an exit code and the codes that have it.
    """
    exit_codes = {kind.code: int(kind.exit_code) for kind in kinds()}

    for row in re.findall(r"^\| (\d+) \| (.*?) \|", page(name), re.MULTILINE):
        for code in re.findall(r"`(\w+)`", row[1]):
            assert (code, int(row[0])) == (code, exit_codes.get(code))


def test_the_exit_codes_are_in_one_table_and_no_other():
    """
    Scripts depend on these numbers: the page has every one, in both languages, and a copy of the
    table would drift away from it.
    """
    row = re.compile(
        r"^\| (\d+) \| [^|`]+ \| [^|`]*[\u4e00-\u9fff][^|`]* \| [^|]+ \|$", re.MULTILINE
    )
    numbers = [str(int(code)) for code in ExitCode]
    copies = [
        path.name
        for path in (*READMES, *(ROOT / "docs").rglob("*.md"))
        if path != EXIT_CODES
        and {*numbers} <= {*re.findall(r"^\| (\d+) \|", path.read_text("utf-8"), re.MULTILINE)}
    ]

    assert numbers == row.findall(EXIT_CODES.read_text("utf-8"))
    assert [] == copies


def test_help_has_the_exit_codes_of_the_page_for_programs():
    """
    One table, word by word and in both languages, for those who read and for those who ask.
    """
    listed = re.findall(
        r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|", EXIT_CODES.read_text("utf-8"), re.MULTILINE
    )
    chinese = words.spoken("zh_CN")

    assert listed == [
        (str(int(code)), said, re.sub(r"(\d+)", r" \1 ", chinese(said)))
        for code, said in topics.EXIT_CODES.items()
    ]


def test_help_has_the_variables_of_the_page():
    """
    The same names in the same order: all that the code reads, and each of them.
    """
    listed = re.findall(r"^\| `([A-Z_]+)` \|", OPTIONS.read_text("utf-8"), re.MULTILINE)
    house = Path(cli.__file__).parent
    source = "\n".join(path.read_text("utf-8") for path in house.rglob("*.py"))

    named = set(re.findall(r"\bHONGBAO_[A-Z_]+[A-Z]\b", source)) - {"HONGBAO_COMPLETE"}

    assert [*topics.VARIABLES] == listed
    assert named <= {*topics.VARIABLES}
    assert {"PAGER", "VISUAL", "EDITOR"} <= set(re.findall(r"\b[A-Z]+\b", source))


def test_every_topic_is_on_the_page_of_help():
    """
    In the order in which the list of commands ends with them.
    """
    listed = re.findall(r"^\| `([a-z-]+)` \|", page("help"), re.MULTILINE)

    assert [*topics.TOPICS] == listed


# --- what programs get ---------------------------------------------------------------------------


def test_the_shapes_are_those_in_the_code():
    """
    `python -m tests.shapes` writes them anew.
    """
    assert shapes.page() == shapes.PAGE.read_text("utf-8")


# --- the ledger ----------------------------------------------------------------------------------


def table_of_ledger(heading: str) -> list[list[str]]:
    """Return the rows of the first table under *heading* in the page of the ledger."""
    text = (ROOT / "docs" / "reference" / "ledger.md").read_text("utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `.*$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]


def test_the_legal_moves_are_those_of_the_code():
    """
    Every move is in the table, and the table allows nothing that the code refuses.
    """
    rows = table_of_ledger("Legal moves")

    moves = [
        (debit.strip("`"), credit.strip("`"), reason)
        for debit, credit, reasons, _when in rows
        for reason in re.findall(r"`(\w+)`", reasons)
    ]

    assert sorted((str(debit), str(credit), str(why)) for debit, credit, why in LEGAL) == sorted(
        moves
    )


def test_every_kind_of_account_is_on_the_page_with_its_side():
    """
    Which side an account may not fall below zero on is what it means.
    """
    rows = table_of_ledger("Accounts")

    told = {(re.findall(r"`(\w+)`", row[0])[0], row[2]) for row in rows}

    assert {(str(kind), side) for kind, side in SIDES.items()} == told


def test_every_check_is_on_the_page():
    """
    In the order in which they are made.
    """
    assert list(PROBLEMS) == [
        row[0].strip("`") for row in table_of_ledger("What `hongbao check` re-adds")
    ]


# --- examples ------------------------------------------------------------------------------------


FOLDERS = sorted({page.path.parent for page in transcripts.pages()})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_is_what_its_commands_say(folder: Path):
    """
    Typed again on a real terminal; `python -m tests.cli.transcripts` writes down what has changed.
    """
    chosen = [page for page in transcripts.pages() if page.path.parent == folder]

    for path, replayed in transcripts.played(
        [page for page in chosen if not page.programs]
    ).items():
        assert (path.name, path.read_text("utf-8")) == (path.name, replayed)


SLOWLY = {"write-a-story.md", "record-a-demo.md", "record.md", "test-your-payment-code.md"}
"""Pages that start a process for each of many commands."""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=page.path.name,
            marks=[pytest.mark.slow] if page.path.name in SLOWLY else [],
        )
        for page in transcripts.pages()
        if page.programs
    ],
)
def test_a_shell_says_what_the_page_shows(page: transcripts.Page):
    """
    Pages whose lines are for a shell: with the programs that they name, where these are installed.
    """
    for name in sorted(page.programs):
        consumers.program(name)

    assert {page.path: page.path.read_text("utf-8")} == transcripts.played([page])


@functools.cache
def examples() -> list[transcripts.Block]:
    """Return every block of every page but the gallery's, which is made, block by block."""
    return [
        block
        for path in (*READMES, *sorted((ROOT / "docs").rglob("*.md")))
        if path not in (gallery.GALLERY, shapes.PAGE)
        for block in transcripts.blocks(path)
    ]


def test_every_example_is_played_or_says_why_not():
    """
    An example that nothing plays drifts away from what the commands say.
    """
    assert [] == [
        block.place
        for block in examples()
        if (block.is_played, bool(block.checked_by), bool(block.not_played)).count(True) != 1
    ]


def test_an_example_that_another_test_checks_is_known_to_it():
    """
    The test that is named reads that page.
    """
    for block in examples():
        if block.checked_by:
            test = (ROOT / block.checked_by).read_text("utf-8")
            page = block.place.partition(".md")[0]
            assert (block.place, True) == (block.place, page in test)


def test_documents_only_grow():
    """
    Within a version of the documents, what a script may look for stays, and of the same type: a key
    that is missed here is another version, with a list of its own (docs/reference/json.md).
    """
    listed = (ROOT / "tests" / f"json-{FORMAT}.txt").read_text("utf-8").splitlines()

    assert listed
    assert set() == set(listed) - set(shapes.keys())


def test_an_example_that_is_not_played_shows_no_answer_of_ours():
    """
    What hongbao answers on a terminal stands only where it is compared with what it does answer.
    """
    for block in examples():
        if block.not_played and block.language == "console":
            shown = re.findall(r"^\$ hongbao [^|\n]*\n(?!\$ )(.+)", block.text, re.MULTILINE)
            assert (block.place, []) == (block.place, shown)


def without_blocks(path: Path) -> str:
    """Return the page at *path* without its fenced blocks."""
    return re.sub(r"(?ms)^```.*?^```$", "", path.read_text("utf-8"))


def links(path: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield the links of the page at *path*: as they are written, the file, and the anchor."""
    text = re.sub(
        r"^```.*?^```$|`[^`\n]+`", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = unquote(link).partition("#")
            yield link, (path.parent / target).resolve() if target else path, anchor


def test_links_lead_somewhere():
    """
    From page to page, and to the sections that they name; from the READMEs and the changelog, too.
    """
    lost = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in (*READMES, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"))
        for link, there, anchor in links(path)
        if not there.exists() or (anchor and anchor not in _anchors(there))
    ]

    assert [] == lost


@functools.cache
def _anchors(path: Path) -> set[str]:
    """Return what the headings of the page at *path* are called in a link, as GitHub has it."""
    text = without_blocks(path)
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        again = (f"{anchor}-{number}" for number in itertools.count(1))
        anchors.add(next(each for each in itertools.chain([anchor], again) if each not in anchors))
    return anchors


def test_the_map_leads_to_every_page():
    """
    From docs/README.md, over the pages that it names, to each one that there is.
    """
    found: set[Path] = set()
    waiting = [ROOT / "docs" / "README.md"]
    while waiting:
        path = waiting.pop()
        if path not in found and path.suffix == ".md" and path.exists():
            found.add(path)
            waiting += [there for _, there, _ in links(path)]

    assert set() == {*(ROOT / "docs").rglob("*.md")} - found


def test_every_decision_is_in_the_index_with_its_title():
    """
    A line for each page, and each page under its own number.
    """
    folder = next((ROOT / "docs").rglob("0001-fen.md")).parent
    titles = {}
    for path in sorted(folder.glob("0*.md")):
        number, _, title = (
            path.read_text("utf-8").partition("\n")[0].removeprefix("# ").partition(" ")
        )
        assert path.name.startswith(f"{number}-")
        titles[path.name] = (str(int(number)), title)

    index = (folder / "README.md").read_text("utf-8")
    listed = re.findall(r"(?m)^\| \[(\d+)\]\(([^)]+)\) \| ([^|]+) \|", index)

    assert titles == {name: (number, title) for number, name, title in listed}
    assert len(titles) == len(listed)


def test_every_story_is_a_lesson():
    """
    Each is listed once under its topic, and marked if it tells its paragraphs in Chinese as well.
    """
    page = next((ROOT / "docs").rglob("lessons.md"))
    listed = re.findall(
        r"(?m)^\| \[(\w+)\]\([^)]+/(\w+)\.txt\)( 中文)? \|", page.read_text("utf-8")
    )
    stories = [
        *(ROOT / "tests" / "stories").glob("*.txt"),
        *(ROOT / "hongbao" / "stories").glob("*.txt"),
    ]
    chinese = {path.stem: "\n# zh:" in path.read_text("utf-8") for path in stories}

    assert sorted(
        (name, name, " 中文" if said else "") for name, said in chinese.items()
    ) == sorted(listed)


# --- who may do what -----------------------------------------------------------------------------


def leaves() -> dict[str, Any]:
    """Return every command that does something, by what is typed for it."""
    return {
        name if command.name == name else f"{name} {command.name}": command
        for name in COMMANDS
        for command in parsers(name)
        if not getattr(command, "commands", None)
    }


def asks_for_pin(command: Any) -> bool:
    """Tell whether *command*, or a function of its own file that it calls, asks for a PIN."""
    module = inspect.getmodule(command.callback)
    assert module is not None
    source = inspect.getsource(command.callback)
    own = {name: one for name, one in vars(module).items() if inspect.isfunction(one)}
    called = (own[name] for name in re.findall(r"\b(_\w+)\(", source) if name in own)
    everything = source + "".join(inspect.getsource(function) for function in called)
    return bool(
        re.search(r"call\.(operator_|first_|new_|same_)?pin\b|\b(answering|_looker)\(", everything)
    )


def test_what_each_command_asks_for_is_on_the_page():
    """
    Every command is once in the table of docs/concepts/security.md, and those that ask for a PIN
    are the ones of which it says so.
    """
    text = (ROOT / "docs" / "concepts" / "security.md").read_text("utf-8")
    table = text.partition("## What each command asks for")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    asks = {
        name: row[1] for row in rows if len(row) == 3 for name in re.findall(r"`([^`]+)`", row[0])
    }
    listed = [name for row in rows if len(row) == 3 for name in re.findall(r"`([^`]+)`", row[0])]

    assert sorted(leaves()) == sorted(listed)
    assert {name for name, command in leaves().items() if asks_for_pin(command)} == {
        name for name, what in asks.items() if "PIN" in what
    }


def test_the_tour_is_as_short_as_it_says():
    """
    Its stops are files that are there, and together about as long as it promises.
    """
    page = (ROOT / "docs" / "project" / "tour.md").read_text(encoding="utf-8")
    stops = re.findall(r"^\d+\. \[`(hongbao/[^`]+)`\]\((?:\.\./)+([^)]+)\)", page, re.MULTILINE)
    lines = sum(len((ROOT / stop).read_text(encoding="utf-8").splitlines()) for stop, _ in stops)

    assert all(stop == link for stop, link in stops)
    assert (18, True) == (len(stops), abs(lines - 3900) <= 200)
