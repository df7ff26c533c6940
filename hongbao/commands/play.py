"""``hongbao play``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.demo import ending_tidily
from hongbao.commands.films import Films, make
from hongbao.commands.films import verify as verify_pictures
from hongbao.commands.options import STANDARD_OUTPUT, Command, caller, new_app, one_of
from hongbao.commands.orders import FAULTS
from hongbao.errors import (
    ConflictingOptions,
    FileNotReadable,
    HomeTaken,
    InvalidGiven,
    InvalidNumber,
    PlayFailed,
    PlayStuck,
    TerminalNeeded,
)
from hongbao.paths import absolute_path, typed_path
from hongbao.words import N_, language, use_language

if TYPE_CHECKING:
    from hongbao.answers import StoriesPlayed, StoriesShipped
    from hongbao.commands.caller import Caller
    from hongbao.story import Story
    from hongbao.story.reports import Took
    from hongbao.story.tables import Row

app = new_app()

PART = "_"
"""What the name of a file begins with that other stories use, and that a folder does not play."""


_NEITHER = N_("no such file, and no story of this name comes with hongbao")
_NEEDS_CHECK = N_("it is a folder; --check plays the stories in one")


def _cast_version(text: str) -> int:
    """Read the version of an asciicast."""
    if str(text) not in ("2", "3"):
        raise InvalidNumber(str(text), option="--cast-version", least=2)
    return int(text)


_NOT_WITH = {
    "--verify": {
        *("--check", "--accept", "--keep", "--home", "--junit", "--table", "--step", "--pace"),
        *("--engine", "--tap", "--github", "--set", "--cast", "--svg", "--html", "--poster"),
    },
    "--accept": {
        *("--tap", "--github", "--junit", "--json", "--keep", "--home", "--table"),
        *("--step", "--pace", "--engine"),
    },
    "--step": {
        *("--pace", "--check", "--tap", "--github", "--junit", "--json", "--home", "--table"),
        "FILE FILE",
    },
    "--pace": {"--check", "--tap", "--github", "--junit", "--json", "--table"},
    "--home": {"--check", "--tap", "--github", "--junit -", "--table", "FILE FILE"},
    "--tap": {"--github", "--junit -", "--json"},
    "--github": {"--junit -", "--json"},
    "--junit -": {"--json"},
}
"""What cannot be given with each option, as it is said; ``--junit -`` is standard output."""


@app.command(
    cls=Command,
    short_help=N_("Play stories: real commands, and what each should answer."),
    help=N_(
        "Each plays in a throw-away wallet; yours is not touched. Exits with 24 if an answer is "
        "not the expected one, and says where. Without FILE, it lists the stories that come with "
        "hongbao; FILE may be the name of one."
    ),
    epilog=(
        "hongbao play midnight\n"
        "hongbao play lesson.txt --set amount=8.88\n"
        "hongbao play --check lessons/ --junit report.xml\n"
        "hongbao play packet --svg packet.svg --html packet.html\n"
        "hongbao play --verify packet.svg packet.html"
    ),
)
def play(
    ctx: Context,
    files: Annotated[
        list[str] | None,
        Argument(metavar="FILE", show_default=False, help=N_("stories, in this order")),
    ] = None,
    check: Annotated[
        bool,
        Option(
            "--check",
            help=N_("show only failures, and continue; FILE may be a folder"),
        ),
    ] = False,
    fail_fast: Annotated[
        bool, Option("--fail-fast", help=N_("stop --check at the first failure"))
    ] = False,
    given: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="TEXT",
            show_default=False,
            help=N_("NAME=TEXT: the text of a given name"),
        ),
    ] = None,
    table: Annotated[
        str | None,
        Option(
            "--table",
            metavar="FILE",
            help=N_("play once for each row of a CSV file, whose columns are given names"),
        ),
    ] = None,
    home: Annotated[
        str | None,
        Option("--home", metavar="FOLDER", help=N_("make the wallet in this new folder")),
    ] = None,
    junit: Annotated[
        str | None,
        Option("--junit", metavar="FILE", help=N_("write a report in JUnit's XML to FILE")),
    ] = None,
    tap: Annotated[bool, Option("--tap", help=N_("as --check, in the form of TAP"))] = False,
    github: Annotated[
        bool, Option("--github", help=N_("as --check, with annotations for GitHub Actions"))
    ] = False,
    accept: Annotated[
        bool,
        Option("--accept", help=N_("rewrite exact lines that came otherwise, after showing them")),
    ] = False,
    step: Annotated[
        bool,
        Option(
            "--step", help=N_("wait for a key before each command; forward and back, on a terminal")
        ),
    ] = False,
    notes: Annotated[
        str | None,
        Option(
            "--notes", metavar="FILE", help=N_("as --step, with the notes in FILE or on a terminal")
        ),
    ] = None,
    pace: Annotated[
        bool, Option("--pace", help=N_("type and pause as people read, on a terminal"))
    ] = False,
    keep: Annotated[
        bool, Option("--keep", help=N_("keep the folder of the throw-away wallet"))
    ] = False,
    cast_file: Annotated[
        str | None,
        Option("--cast", metavar="FILE", help=N_("write a recording for asciinema")),
    ] = None,
    svg: Annotated[
        str | None,
        Option("--svg", metavar="FILE", help=N_("write a moving picture, as an SVG")),
    ] = None,
    html: Annotated[
        str | None,
        Option("--html", metavar="FILE", help=N_("write a page with a slider and the books")),
    ] = None,
    poster: Annotated[
        str | None,
        Option("--poster", metavar="FILE", help=N_("write a still SVG with a play mark")),
    ] = None,
    size: Annotated[
        str | None,
        Option("--size", metavar="TEXT", help=N_("the terminal in them: 80x24 by default")),
    ] = None,
    cast_version: Annotated[
        int | None,
        Option(
            "--cast-version", metavar="COUNT", parser=_cast_version, help=N_("2, or 3 by default")
        ),
    ] = None,
    loop: Annotated[
        bool, Option("--loop", help=N_("let the moving picture begin again at its end"))
    ] = False,
    verify: Annotated[
        bool,
        Option("--verify", help=N_("say whether recordings still show what hongbao does")),
    ] = False,
    engine: Annotated[
        str | None,
        Option(
            "--engine",
            metavar="FAULT",
            autocompletion=one_of(*FAULTS),
            help=N_("play on a broken engine of the laboratory (see `hongbao lab`)"),
        ),
    ] = None,
) -> None:
    call = caller(ctx)
    films = Films(cast_file, svg, html, poster, size, cast_version, loop)
    if call.as_json and not films.files:
        use_language("en")  # programs get the same in every language
    to_output = junit == STANDARD_OUTPUT
    step = step or notes is not None
    typed = {
        "--check": check,
        "--tap": tap,
        "--github": github,
        "--json": call.as_json,
        "--junit": junit,
        "--junit -": to_output,
        "--table": table,
        "--set": given,
        "--home": home,
        "--keep": keep,
        "--accept": accept,
        "--verify": verify,
        "--engine": engine,
        "--step": step,
        "--pace": pace,
        "FILE FILE": len(files or []) > 1,
        **films.files,
    }
    options = [option for option, value in typed.items() if value]
    _check_together(options, ctx)
    films.check(
        [option for option in options if option not in (*films.files, "--set", "--json")],
        command=ctx.command_path,
    )
    if verify:
        if not files:
            raise wrong_usage(
                "Missing argument 'FILE'.",
                command=ctx.command_path,
                placeholders=ctx.command.placeholders,
            )
        verify_pictures(call, files)
        return
    if not files:
        _list(call)
        return
    if step:
        _check_terminal()
    check = check or tap or github or to_output
    named = _found(files, in_folders=check)
    if films.files:
        (source, path), *_more = named
        make(call, source, path, _givens(given or [], [_read(path, source)]), films)
        return
    report = None if junit is None else call.output(junit, streams=True)
    if report is not None:
        from hongbao.outputs import check_writable

        check_writable(report)
    stories = [_read(path, source) for source, path in named]
    if accept:
        _accept(call, named, stories, _givens(given or [], stories))
        check = True
        stories = [_read(path, source) for source, path in named]
    names = _givens(given or [], stories)
    rows = [None] if table is None else _rows(table, names, stories)
    from hongbao.commands.playing import Wanted, play_all

    wanted = Wanted(
        home=None if home is None else _new_folder(home),
        given=names,
        checks=check,
        fail_fast=fail_fast or not (check or step),
        reports_only=tap or to_output,
        github=github,
        keep=keep,
        paces=pace,
        steps=step,
        notes=None if notes is None else typed_path(notes),
        engine=None if engine is None else _engine(engine),
    )
    with ending_tidily():
        played, took = play_all(call, [(story, row) for story in stories for row in rows], wanted)
    _report(played, took, report, tap=tap)
    _answer(call, played)


def _check_together(options: Sequence[str], ctx: Context) -> None:
    """Raise ConflictingOptions for the first two of *options* that cannot be given together."""
    for option, others in _NOT_WITH.items():
        if option in options and (other := next(filter(others.__contains__, options), None)):
            raise ConflictingOptions(option, other, command=ctx.command_path)


def _check_terminal() -> None:
    from hongbao.terminal import has_raw_mode
    from hongbao.ui.screen import is_terminal

    if not (has_raw_mode() and is_terminal()):
        raise TerminalNeeded("--step")


def _accept(
    call: "Caller",
    named: Sequence[tuple[str, Path]],
    stories: "Sequence[Story]",
    given: Mapping[str, str],
) -> None:
    """Rewrite what came otherwise in *stories*, if it is to be."""
    from hongbao.commands import accepting
    from hongbao.recordings import verifying
    from hongbao.ui.stories import show_difference

    for source, path in named:
        if verifying.is_picture(path):
            raise ConflictingOptions("--accept", source, command="hongbao play")

    with ending_tidily():
        rewritten = [
            accepting.rewritten(call, source, path, story, given)
            for (source, path), story in zip(named, stories, strict=True)
        ]
    accepting.accept(call, rewritten, show_difference)


def _read(path: Path, source: str) -> "Story":
    """Read the story in *path*, or the one that a picture carries."""
    from hongbao.recordings import verifying
    from hongbao.story import read

    if verifying.is_picture(path):
        return verifying.read(path, source).carried.as_story(source)
    return read(path, source)


def _engine(name: str) -> str:
    """Return the *name* of a broken engine. Raises ExperimentNotFound."""
    from hongbao.lab.faults import fault

    fault(name)
    return name


def _list(call: "Caller") -> None:
    """List the stories that come with hongbao."""
    from hongbao.story import shipped
    from hongbao.ui.stories import show_shipped

    answer: StoriesShipped = {
        "stories": [
            {"name": each.name, "about": each.about(language())} for each in shipped.all_of_them()
        ]
    }
    call.answer(answer, show_shipped)


def _report(
    played: "StoriesPlayed", took: "Sequence[Took]", file: Path | None, *, tap: bool
) -> None:
    """Write JUnit's report to *file*, if there is one, and TAP to standard output."""
    from hongbao.outputs import save_as
    from hongbao.story import reports

    if tap:
        print(reports.tap(played["stories"]), end="")
    if file is None:
        return
    text = reports.junit(played["stories"], took)
    if str(file) == STANDARD_OUTPUT:
        print(text, end="")
    else:
        save_as(file, lambda out: out.write(text.encode()), replace=True)


def _answer(call: "Caller", played: "StoriesPlayed") -> None:
    """Answer with what was *played*, or raise PlayFailed or PlayStuck."""
    failures = [failure for story in played["stories"] for failure in story["failures"]]
    if failures:
        stuck = [failure for failure in failures if failure["problem"] == "hangs"]
        kind = PlayStuck if stuck else PlayFailed
        raise kind(
            failed=len(stuck or failures),
            skipped=sum(story["skipped"] for story in played["stories"]),
            failures=cast(list[dict[str, Any]], failures),
        )
    if call.as_json:
        call.answer(played, lambda _played: None)


def _found(files: Sequence[str], *, in_folders: bool) -> list[tuple[str, Path]]:
    """Return the stories that *files* name, each with how it is called."""
    from hongbao.story import shipped

    found: list[tuple[str, Path]] = []
    for name in files:
        path = typed_path(name)
        if not path.exists() and (ours := shipped.path_of(name)) is not None:
            found.append((ours.name, ours))
            continue
        if not path.exists() and not path.suffix and path.name == name:
            raise FileNotReadable(path=name, reason=_NEITHER)
        if not in_folders and path.is_dir():
            raise FileNotReadable(path=name, reason=_NEEDS_CHECK)
        if not path.is_dir():
            found.append((name, path))
            continue
        inside = [
            (str(Path(name, each.name)), each)
            for each in sorted(path.glob("*.txt"))
            if not each.name.startswith(PART)
        ]
        if not inside:
            raise FileNotReadable(path=name, reason=N_("there is no story in it"))
        found += inside
    return found


def _new_folder(typed: str) -> Path:
    path = absolute_path(typed)
    if path.exists() or path.is_symlink():
        raise HomeTaken(path=str(path))
    return path


def _givens(typed: Sequence[str], stories: "Sequence[Story]") -> dict[str, str]:
    """Return the names that were set, each of which one of *stories* is given."""
    given: dict[str, str] = {}
    for text in typed:
        name, is_set, value = text.partition("=")
        if not is_set:
            raise InvalidGiven(text, problem="no_value")
        if all(name not in story.givens for story in stories):
            raise InvalidGiven(name, problem="unknown")
        given[name] = value
    return given


def _rows(file: str, given: Mapping[str, str], stories: "Sequence[Story]") -> "list[Row | None]":
    """Return the rows of the table in *file*, each of whose names one of *stories* is given."""
    from hongbao.story.tables import read_table

    rows = read_table(file)
    for name in rows[0].given:
        if all(name not in story.givens for story in stories):
            raise InvalidGiven(name, problem="unknown")
        if name in given:
            raise InvalidGiven(name, problem="in_table")
    return [*rows]
