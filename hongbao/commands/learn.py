"""``hongbao learn``."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands.declared import (
    Argument,
    Context,
    Kind,
    Option,
)
from hongbao.commands.demo import ending_tidily
from hongbao.commands.options import Command, caller, lesson_names, new_app
from hongbao.commands.placeholders import LESSON_NAME
from hongbao.env import lessons_folder
from hongbao.errors import ConflictingOptions, LessonFails, NotALessonsFolder
from hongbao.paths import absolute_path, typed_path
from hongbao.words import N_, language, say, shell_word

if TYPE_CHECKING:
    from hongbao.answers import LessonEvent, LessonRun, LessonsListed
    from hongbao.commands.caller import Caller
    from hongbao.lessons.runner import Event, Runner
    from hongbao.lessons.script import Lesson

At = Annotated[
    str | None,
    Option("--at", metavar="FOLDER", help=N_("the folder of your lessons and progress")),
]

Name = Annotated[
    str,
    Argument(
        metavar=LESSON_NAME,
        autocompletion=lesson_names,
        help=N_("a lesson's name, or its file"),
    ),
]

LINES = 24
"""How high a terminal the commands of a lesson are shown."""

_MARK = "lessons"
"""The file that says that a folder is one of lessons."""


def _named(words: list[str], commands: Mapping[str, Any]) -> list[str]:
    """Return *words* with the command that a lesson's name alone means: to run it."""
    return words if words[0] in commands else ["run", *words]


app = new_app(cls=Kind(implied=_named, offered=lesson_names))


@app.callback(
    invoke_without_command=True,
    short_help=N_("Learn how money moves, step by step, in a wallet of the lesson's own."),
    help=N_(
        "Alone it lists the lessons, and how far you are. A lesson's name runs it, from where you "
        "left. Your own wallet is not touched."
    ),
    epilog="hongbao learn\nhongbao learn packet\nhongbao learn packet --shell",
)
def learn(ctx: Context, at: At = None) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from hongbao.ui.lessons import show_lessons

    call = caller(ctx)
    call.answer(_listed(call, at), lambda listed: show_lessons(listed["lessons"]))
    call.hint(N_("begin one with `hongbao learn NAME`"))


def _folder(call: "Caller", at: str | None) -> Path:
    """Return the folder of lessons; one that holds something else is refused."""
    folder = lessons_folder(call.env.variables) if at is None else absolute_path(at)
    try:
        is_other = any(folder.iterdir()) and not (folder / _MARK).exists()
    except FileNotFoundError:
        return folder
    except NotADirectoryError:
        is_other = True
    if is_other:
        raise NotALessonsFolder(path=str(folder))
    return folder


def _listed(call: "Caller", at: str | None) -> "LessonsListed":
    from hongbao import lessons
    from hongbao.lessons.progress import Progress

    records = Progress(_folder(call, at)).all()
    listed: LessonsListed = {"lessons": []}
    for name in lessons.names():
        lesson, record = lessons.lesson(name), records.get(name)
        passed = set() if record is None else record.passed.keys()
        listed["lessons"].append(
            {
                "name": name,
                "title": lesson.title.said_in(language()),
                "about": lesson.about.said_in(language()),
                "minutes": lesson.minutes,
                "steps": len(lesson.steps),
                "passed": sum(step.name in passed for step in lesson.steps),
                "finished": 0 if record is None else record.finished,
                "at": None if record is None or record.place is None else record.place.step,
            }
        )
    return listed


# --- a lesson ------------------------------------------------------------------------------------


@app.command(
    cls=Command,
    short_help=N_("Run a lesson, from where you left it."),
    help=N_(
        "At its prompt you type commands of hongbao, answers, and words of the lesson: `?` shows "
        "them. Without a terminal, lines are read from standard input, or taken from --type."
    ),
    epilog="hongbao learn packet\nhongbao learn packet --type 'send 20 --count 2' --json",
)
def run(
    ctx: Context,
    name: Name,
    typed: Annotated[
        list[str] | None,
        Option(
            "--type",
            metavar="TEXT",
            show_default=False,
            help=N_("type this line; may be given several times"),
        ),
    ] = None,
    look: Annotated[
        bool, Option("--look", help=N_("only look at the books, and say where you are"))
    ] = False,
    shell: Annotated[
        bool, Option("--shell", help=N_("open your shell in the lesson, and no prompt"))
    ] = False,
    at: At = None,
) -> None:
    call = caller(ctx)
    if look + shell + bool(typed) > 1:
        options = [name for name, given in (("--look", look), ("--shell", shell)) if given]
        raise ConflictingOptions(
            options[0], "--type" if typed else options[1], command=ctx.command_path
        )
    from hongbao import lessons
    from hongbao.lessons.progress import Progress
    from hongbao.lessons.runner import Runner

    lesson, folder = lessons.lesson(name), _folder(call, at)
    runner = Runner(lesson, _world(call, lesson, folder), Progress(folder))
    with ending_tidily():
        if look:
            _give(call, runner, runner.look())
        elif shell:
            _in_shell(call, runner, name, at)
        elif typed or call.as_json:
            _give(call, runner, _typed(runner, typed or []))
        else:
            _at_prompt(call, runner)


def _world(call: "Caller", lesson: "Lesson", folder: Path) -> Any:
    from hongbao.lessons.world import World
    from hongbao.story import Screen
    from hongbao.ui.lessons import MARGIN
    from hongbao.ui.screen import is_terminal
    from hongbao.ui.script import terminal_columns
    from hongbao.vault.files import make_folder, storage

    make_folder(folder)
    with storage(folder / _MARK):
        (folder / _MARK).touch()
    is_shown = is_terminal() and not call.as_json
    width = max(terminal_columns() - MARGIN, 1)
    return World(
        folder / lesson.name,
        call.env,
        call.run,
        language="en" if call.as_json else language(),
        screen=Screen(width, LINES) if is_shown else None,
    )


def _typed(runner: "Runner", lines: Sequence[str]) -> "Iterator[Event]":
    """Yield what happens as the lesson begins, or continues, and as each of *lines* is typed."""
    yield from runner.begin(is_known=bool(lines))
    for text in lines:
        if runner.is_over:
            return
        yield from runner.type(text)


def _give(call: "Caller", runner: "Runner", events: "Iterator[Event]") -> None:
    """Show *events* as they happen, or answer with all of them as a document."""
    from hongbao.lessons import telling

    if not call.as_json:
        for event in events:
            telling.show(event, runner.lesson)
        return
    happened: list[LessonEvent] = [telling.document(event) for event in events]
    answer: LessonRun = {**telling.place(runner), "events": happened}
    call.answer(answer, lambda _answer: None)


def _at_prompt(call: "Caller", runner: "Runner") -> None:
    """Run the lesson with lines that a person types, or that come from a pipe."""
    from hongbao.lessons import telling

    for event in runner.begin():
        telling.show(event, runner.lesson)
    if call.can_be_asked:
        call.hint(N_("type commands here; `?` shows what else, and `hint` helps"))
    is_asked = sys.stdin is not None and sys.stdin.isatty()
    for text in _lines(call, runner):
        try:
            for event in runner.type(text):
                telling.show(event, runner.lesson)
        except KeyboardInterrupt:
            if not is_asked:
                raise
            runner.world.snapshots.settle()
            call.remark(N_("interrupted; `where` shows where you are"))
        if runner.is_over:
            return
    if not runner.is_over:
        for event in runner.type("leave"):
            telling.show(event, runner.lesson)


def _lines(call: "Caller", runner: "Runner") -> Iterator[str]:
    """Yield the lines that are typed: at a prompt with completion, a plain one, or from a pipe."""
    from hongbao.env import NoTerminal
    from hongbao.terminal import has_raw_mode

    if sys.stdin is None or not sys.stdin.isatty() or not call.may_ask:
        yield from (sys.stdin or ())
        return

    def prompt() -> str:
        return f"{runner.lesson.name} {runner.number + 1}> "

    if call.asks_plainly or not has_raw_mode():
        while True:
            try:
                yield call.env.ask(prompt())
            except (EOFError, NoTerminal):
                return
            except KeyboardInterrupt:
                continue
    from hongbao.ui.prompt import lines

    yield from lines(prompt, lambda begun: _completions(runner, begun))


def _completions(runner: "Runner", begun: str) -> Sequence[str]:
    """Return what the last word of *begun* may be: as a shell would offer it, in this lesson."""
    from hongbao.lessons.runner import WORDS

    words = begun.split(" ")
    words = words[1:] if words[0] == "hongbao" else words
    variables = {
        **runner.world.variables,
        "_HONGBAO_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["hongbao", *words]),
        "COMP_CWORD": str(len(words)),
    }
    ran = runner.world.player.run([], runner.world.here, variables, None)
    own = [*WORDS] if len(words) == 1 else []
    return [*ran.out.decode(errors="replace").split("\n"), *own]


def _in_shell(call: "Caller", runner: "Runner", name: str, at: str | None) -> None:
    """Open the user's shell in the lesson; after each command, the books are looked at."""
    from hongbao.commands.shells import marked_shell
    from hongbao.lessons import telling

    for event in runner.begin():
        telling.show(event, runner.lesson)
    for event in runner.look():
        telling.show(event, runner.lesson)
    again = " ".join(["hongbao learn", shell_word(name), *_at(at)])
    call.remark(
        N_("a shell in the lesson; `exit` leaves it. Words of the lesson: {command}"),
        command=f"lesson hint, lesson undo …, `{again} --type hint`",
    )
    more = {**_variables(runner), "HONGBAO_LANG": language()}
    mark = runner.lesson.name
    with marked_shell(call.env.variables, more, mark, lesson=again) as (command, environment):
        subprocess.run(  # noqa: S603 - your own shell
            command, env=environment, cwd=runner.world.here, check=False
        )
    for event in runner.begin():
        telling.show(event, runner.lesson)


def _at(at: str | None) -> list[str]:
    return [] if at is None else ["--at", shell_word(str(absolute_path(at)))]


def _variables(runner: "Runner") -> dict[str, str]:
    """Return the variables by which any hongbao uses the lesson's wallet and settings."""
    names = ("HONGBAO_HOME", "HONGBAO_CONFIG", "HONGBAO_RECORDING")
    return {name: runner.world.variables[name] for name in names}


@app.command(
    cls=Command,
    short_help=N_("Print the variables by which a shell uses a lesson's wallet."),
    help=N_("For a shell of your own: `eval` takes them."),
    epilog='eval "$(hongbao learn env packet)"',
)
def env(ctx: Context, name: Name, at: At = None) -> None:
    from hongbao import lessons
    from hongbao.commands.shells import for_any_shell
    from hongbao.lessons.progress import Progress
    from hongbao.lessons.runner import Runner

    call = caller(ctx)
    lesson, folder = lessons.lesson(name), _folder(call, at)
    runner = Runner(lesson, _world(call, lesson, folder), Progress(folder))
    for _event in runner.begin():
        pass
    variables = _variables(runner)

    def show(_answer: object) -> None:
        print(*for_any_shell(variables), sep="\n")

    call.answer({"lesson": lesson.name, "variables": variables}, show)


# --- for teachers --------------------------------------------------------------------------------


@app.command(
    cls=Command,
    short_help=N_("Prove that a lesson does what it says."),
    help=N_(
        "Each step fails before it is done, fails each listed wrong way with its own feedback, and "
        "passes each listed right way; hints give nothing away; both languages say the same. "
        "Without a NAME, all lessons are proved."
    ),
    epilog="hongbao learn check\nhongbao learn check mine.toml",
)
def check(
    ctx: Context,
    names: Annotated[
        list[str] | None,
        Argument(
            metavar=LESSON_NAME,
            autocompletion=lesson_names,
            help=N_("a lesson's name, or its file"),
            show_default=False,
        ),
    ] = None,
) -> None:
    from hongbao import lessons
    from hongbao.lessons import proving, telling

    call = caller(ctx)
    found = []
    with ending_tidily():
        for name in names or lessons.names():
            lesson = lessons.lesson(name)
            proved = proving.proved(lesson, call.env, call.run)
            found.append(proved)
            if not call.as_json:
                telling.show_proved(proved)
    findings = [each for proved in found for each in proved["findings"]]
    if findings:
        raise LessonFails(failed=len(findings), findings=[dict(each) for each in findings])
    call.answer({"lessons": found}, lambda _answer: None)


@app.command(
    cls=Command,
    short_help=N_("Begin a lesson of your own: a file to fill in."),
    help=N_("It is complete except for its blanks «…»; `hongbao learn check` proves it then."),
    epilog="hongbao learn new pocket-money\nhongbao learn check pocket-money.toml",
)
def new(
    ctx: Context,
    name: Annotated[str, Argument(metavar=LESSON_NAME, help=N_("the lesson's name"))],
) -> None:
    from hongbao.lessons import scaffold
    from hongbao.outputs import save_as

    call = caller(ctx)
    text = scaffold.text_of(name)
    path = typed_path(f"{name}.toml")
    save_as(path, lambda out: out.write(text.encode()), replace=False)
    call.answer({"file": str(path)}, lambda made: print(say(N_("made {file}"), file=made["file"])))
    call.hint(N_("fill it in, then prove it with `hongbao learn check {file}`"), file=str(path))
