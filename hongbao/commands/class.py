"""``hongbao class``."""
# ruff: noqa: N999 - the command is called so, and only `import_module` opens its file

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.demo import ending_tidily
from hongbao.commands.options import Command, Group, caller, listing, new_app, task_names
from hongbao.errors import (
    CannotHandIn,
    ClassDiffers,
    NoMarksFile,
    TaskFails,
)
from hongbao.paths import absolute_path, typed_path
from hongbao.words import N_, language, say, use_language

if TYPE_CHECKING:
    from hongbao.answers import (
        ClassMade,
        ClassReport,
        ClassTask,
        HandedIn,
        TaskMade,
        TasksChecked,
        TaskStarted,
    )
    from hongbao.classroom.folder import Classroom
    from hongbao.classroom.roster import Roster, Student
    from hongbao.classroom.task import Task
    from hongbao.classroom.work import Work
    from hongbao.commands.caller import Caller

app = new_app(cls=Group)

COUNTED_FROM = 10
"""Fewer marks than these are made before anyone could read how far they are."""

USUAL = "class"
"""The folder of a class, unless another is named."""

At = Annotated[
    str | None,
    Option("--at", metavar="FOLDER", help=N_("make this new folder")),
]

Class = Annotated[
    str | None,
    Argument(
        metavar="FOLDER",
        show_default=False,
        help=N_("the folder of the class (default: this one, or class)"),
    ),
]

Place = Annotated[
    str | None,
    Argument(metavar="FOLDER", show_default=False, help=N_("where the task was started")),
]


@app.callback(
    short_help=N_("Give a class a task, each student with own numbers, and mark it."),
    help=N_(
        "A student hands in a recording of commands. The teacher's computer plays it in a new "
        "wallet, whose books are marked."
    ),
    epilog=("hongbao class new roster.csv --task refund\nhongbao class report"),
)
def classes(_ctx: Context) -> None:
    pass


# --- what a teacher does --------------------------------------------------------------------------


@app.command(
    cls=Command,
    short_help=N_("Make a class from a roster: a file of each task for each student."),
    help=N_(
        "FILE is a CSV file whose first line names its columns: id (学号) and name (姓名) are "
        "read. The same ID always means the same student. No two students get the same numbers, "
        "as long as a task has enough of them."
    ),
    epilog=(
        "hongbao class new roster.csv\nhongbao class new roster.csv --task refund --at class-7b"
    ),
)
def new(
    ctx: Context,
    roster: Annotated[str, Argument(metavar="FILE", help=N_("the students, as CSV"))],
    task: Annotated[
        list[str] | None,
        Option(
            "--task",
            metavar="TASK",
            autocompletion=task_names,
            show_default=False,
            help=N_("a task's name or file (default: every one that ships)"),
        ),
    ] = None,
    seed: Annotated[
        str | None,
        Option(
            "--seed",
            metavar="SEED",
            help=N_("draw the numbers from SEED: for demos, as who knows it knows all numbers"),
        ),
    ] = None,
    at: At = None,
) -> None:
    from hongbao import classroom
    from hongbao.classroom import folder
    from hongbao.classroom import roster as rosters
    from hongbao.ui.classroom import show_made

    call = caller(ctx)
    _speak_for_programs(call)
    tasks = [classroom.task(name) for name in task or classroom.names()]
    read = rosters.read(typed_path(roster))
    place = absolute_path(at or USUAL)
    key = call.env.chance(folder.KEY_BYTES) if seed is None else folder.key_of(seed)
    made = folder.make(place, read.students, _once(tasks), key)
    _tell_encoding(call, roster, read)
    call.answer(_made(made, made.students, read), show_made)


def _made(made: "Classroom", students: "Sequence[Student]", read: "Roster") -> "ClassMade":
    """Return where everything of the class is, and which numbers *students* have."""
    from hongbao.classroom import folder

    return {
        "folder": str(made.folder),
        "hand_out": str(made.folder / folder.OUT),
        "handed_in": str(made.folder / folder.IN),
        "tasks": [_task_line(each) for each in made.tasks],
        "students": [
            {
                "student": student.id,
                "name": student.name,
                "numbers": {name: dict(given[student.id]) for name, given in made.numbers.items()},
            }
            for student in students
        ],
        "encoding": "gb18030" if read.is_gb_18030 else "utf-8",
    }


def _tell_encoding(call: "Caller", typed: str, read: "Roster") -> None:
    if read.is_gb_18030:
        call.remark(
            N_("{file} was read as GB 18030: the first student is {name}"),
            file=typed_path(typed).name,
            name=read.students[0].name,
        )


@app.command(
    cls=Command,
    short_help=N_("Add a roster's new students; no one else's numbers change."),
    epilog="hongbao class add roster.csv\nhongbao class add late.csv class-7b",
)
def add(
    ctx: Context,
    roster: Annotated[str, Argument(metavar="FILE", help=N_("the students, as CSV"))],
    folder: Class = None,
) -> None:
    from hongbao.classroom import folder as folders
    from hongbao.classroom import roster as rosters
    from hongbao.ui.classroom import show_added

    call = caller(ctx)
    _speak_for_programs(call)
    classroom = folders.opened(_class_folder(folder))
    read = rosters.read(typed_path(roster))
    larger, students = folders.add(classroom, read.students)
    _tell_encoding(call, roster, read)
    call.answer(_made(larger, students, read), show_added)


def _once(tasks: "Sequence[Task]") -> "list[Task]":
    """Return *tasks*, each once."""
    return list({task.name: task for task in tasks}.values())


@app.command(
    cls=listing("classroom:REPORT"),
    short_help=N_("Mark everything that was handed in, by playing it."),
    help=N_(
        "Each recording is played in a new wallet, made from the class's copy of the task and that "
        "student's numbers. Then the class's money is added up."
    ),
    epilog=("hongbao class report\nhongbao class report class-7b -o marks.xlsx"),
)
def report(
    ctx: Context,
    folder: Class = None,
    handed_in: Annotated[
        str | None,
        Option(
            "--handed-in",
            metavar="FOLDER",
            help=N_("what was handed in (default: handed-in/ there)"),
        ),
    ] = None,
    reveal: Annotated[bool, Option("--reveal", help=N_("say what was expected, too"))] = False,
    output: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            help=N_("also write the marks to a .csv or .xlsx file"),
        ),
    ] = None,
) -> None:
    from hongbao.classroom import folder as folders
    from hongbao.classroom.report import report as made
    from hongbao.ui.classroom import REPORT, money_line, show_report
    from hongbao.ui.screen import is_terminal

    call = caller(ctx)
    _speak_for_programs(call)
    file = None if output is None else _writer(call, output)
    classroom = folders.opened(_class_folder(folder))
    place = classroom.folder / folders.IN if handed_in is None else absolute_path(handed_in)
    with ending_tidily(), _counting(call) as progress:
        answer = made(classroom, place, call.env, call.run, reveal=reveal, progress=progress)
    if file is not None:
        file(answer, classroom)
    call.answer_list(answer, REPORT, show_report)
    if not is_terminal():
        call.remark(N_("money: {said}"), said=money_line(answer))
    if not answer["adds_up"]:
        raise ClassDiffers(
            failed=sum(not row["adds_up"] for row in answer["marks"]),
            issued_fen=answer["issued_fen"],
            kept_fen=answer["kept_fen"],
        )


@contextmanager
def _counting(call: "Caller") -> "Iterator[Callable[[int, int], None]]":
    """
    Show how many rows are marked, on one line of a terminal that may move.

    Without a thread, as a bar would have: commands are forks of this process.
    """
    from hongbao.ui.script import columns

    shown = ""

    def count(done: int, of: int) -> None:
        nonlocal shown
        if shown or (of >= COUNTED_FROM and sys.stderr.isatty() and call.may_move()):
            text = say(N_("marking {done}/{of}"), done=done, of=of)
            sys.stderr.write(f"\r{text}")
            sys.stderr.flush()
            shown = text

    try:
        yield count
    finally:
        if shown:
            sys.stderr.write(f"\r{' ' * columns(shown)}\r")
            sys.stderr.flush()


def _writer(call: "Caller", typed: str) -> "Callable[[ClassReport, Classroom], None]":
    """Return what writes a report to the file *typed*, whose ending says how."""
    from hongbao.outputs import check_free, save_as
    from hongbao.statements import _table

    writers = {".csv": _table.write_csv, ".xlsx": _table.write_xlsx}
    path = call.output(typed)
    write = writers.get(path.suffix.casefold())
    if write is None:
        raise NoMarksFile(path=path.name)
    check_free(path, call.yes)

    def written(report: "ClassReport", classroom: "Classroom") -> None:
        from hongbao.ui.classroom import SHEET, sheet_rows

        table = _table.Table(say(SHEET[0]), [say(head) for head in SHEET[1:]], sheet_rows(report))
        at = max(task.begins for task in classroom.tasks)
        save_as(path, lambda out: write(table, out, at), replace=call.yes)

    return written


# --- what a student does --------------------------------------------------------------------------


@app.command(
    cls=Command,
    short_help=N_("Start a task: make its wallet, and show what to do."),
    help=N_(
        "FILE is the one that your teacher gave you. A task's name starts it for practice. The "
        "wallet is a sandbox in a new folder, and yours is not touched."
    ),
    epilog="hongbao class start s01.toml\nhongbao class start refund",
)
def start(
    ctx: Context,
    file: Annotated[str, Argument(metavar="FILE", help=N_("a task's file, or its name"))],
    at: At = None,
) -> None:
    from hongbao import classroom
    from hongbao.classroom import work

    call = caller(ctx)
    _speak_for_programs(call)
    task = classroom.task(file)
    place = absolute_path(at or work.name_of(task))
    with ending_tidily():
        started = work.start(task, place, call.env, call.run)
    _answer_task(call, started)


@app.command(
    cls=Command,
    short_help=N_("Show a task that was started."),
    epilog="hongbao class show double-entry-s01",
)
def show(ctx: Context, folder: Place = None) -> None:
    call = caller(ctx)
    _speak_for_programs(call)
    _answer_task(call, _work(folder))


@app.command(
    cls=Command,
    short_help=N_("Open a shell that does the task; `exit` leaves it."),
    help=N_(
        "Every hongbao that is typed there uses the task's wallet, and is recorded. PINs are "
        "not: everyone's is 888888, which a sandbox types for you."
    ),
    epilog=(
        "hongbao class shell double-entry-s01\nhongbao class shell double-entry-s01 -- sh mine.sh"
    ),
)
def shell(
    ctx: Context,
    folder: Place = None,
    command: Annotated[
        list[str] | None,
        Argument(metavar="COMMAND", show_default=False, help=N_("run this instead of a shell")),
    ] = None,
) -> None:
    from hongbao.commands.shells import typed_in

    call = caller(ctx)
    work = _work(folder)
    if not command:
        call.remark(N_("a shell that does the task in {path}; `exit` leaves it"), path=work.folder)
    mark = work.folder.name
    with typed_in(call.env.variables, work.variables, mark, command or []) as (argv, variables):
        subprocess.run(argv, env=variables, check=False)  # noqa: S603 - what the user asked for


@app.command(
    "hand-in",
    cls=Command,
    short_help=N_("See your mark, and write the file to hand in."),
    help=N_(
        "It plays what was recorded as your teacher's computer will, and shows the mark. You may "
        "continue and hand in again."
    ),
    epilog="hongbao class hand-in double-entry-s01\nhongbao class hand-in -o mine.txt",
)
def hand_in(
    ctx: Context,
    folder: Place = None,
    output: Annotated[
        str | None,
        Option(
            "--output", "-o", metavar="FILE", help=N_("write to FILE (default: TASK-ID.txt here)")
        ),
    ] = None,
) -> None:
    from hongbao.classroom import work as works
    from hongbao.classroom.report import goal_of, notes_of
    from hongbao.classroom.submission import ENDING, PROBLEMS, UnreadableError
    from hongbao.outputs import save_as
    from hongbao.ui.classroom import show_handed_in

    call = caller(ctx)
    _speak_for_programs(call)
    work = _work(folder)
    path = call.output(output or f"{works.name_of(work.task)}{ENDING}").absolute()
    text = works.recording(work)
    try:
        with ending_tidily():
            submission, mark = works.marked(work, text, call.env, call.run)
    except UnreadableError as error:
        reason = say(PROBLEMS[error.problem], line=error.line, text=error.text)
        raise CannotHandIn(reason=reason) from None
    content = works.with_mark(text, mark.points).encode()
    replaces = call.yes or works.is_ours(path, work)
    save_as(path, lambda out: out.write(content), replace=replaces)
    answer: HandedIn = {
        "task": work.hand_out.task,
        "student": work.hand_out.student,
        "points": mark.points,
        "of": work.task.points,
        "goals": [goal_of(each) for each in mark.reached],
        "notes": [*notes_of(mark)],
        "commands": len(submission.commands),
        "file": str(path),
    }
    call.answer(answer, show_handed_in)


def _work(folder: str | None) -> "Work":
    """Return the work in *folder*, of the wallet in use, here, or the only one below."""
    from hongbao.classroom import work

    if folder is not None:
        return work.opened(absolute_path(folder))
    home = os.environ.get("HONGBAO_HOME")
    if home and (absolute_path(home).parent / work.FILE).is_file():
        return work.opened(absolute_path(home).parent)
    here = absolute_path(".")
    if not (here / work.FILE).is_file():
        inside = [*here.glob(f"*/{work.FILE}")]
        if len(inside) == 1:
            return work.opened(inside[0].parent)
    return work.opened(here)


def _answer_task(call: "Caller", work: "Work") -> None:
    from hongbao.ui.classroom import show_task

    task = work.task
    answer: TaskStarted = {
        "task": work.hand_out.task,
        "student": work.hand_out.student,
        "name": work.hand_out.name,
        "title": task.title.said_in(language()),
        "text": task.text.said_in(language()),
        "goals": [
            {"text": goal.text.said_in(language()), "points": goal.points} for goal in task.goals
        ],
        "points": task.points,
        "folder": str(work.folder),
        "home": str(work.home),
        "recording": str(work.log),
    }
    call.answer(answer, show_task)


# --- tasks ----------------------------------------------------------------------------------------


@app.command(
    cls=listing("classroom:TASKS"),
    short_help=N_("List the tasks that ship with hongbao."),
    epilog="hongbao class tasks",
)
def tasks(ctx: Context) -> None:
    from hongbao import classroom
    from hongbao.ui.classroom import TASKS

    call = caller(ctx)
    _speak_for_programs(call)
    found = [_task_line(classroom.task(name)) for name in classroom.names()]
    call.answer_list({"tasks": found}, TASKS)


@app.command(
    "task-new",
    cls=Command,
    short_help=N_("Write a task of your own, to begin from."),
    help=N_("The file is a copy of a task that ships, for you to change. TASK is its new name."),
    epilog="hongbao class task-new rent\nhongbao class task-new rent --from refund",
)
def task_new(
    ctx: Context,
    name: Annotated[str, Argument(metavar="TASK", help=N_("the name of the new task"))],
    source: Annotated[
        str,
        Option("--from", metavar="TASK", autocompletion=task_names, help=N_("the task to copy")),
    ] = "double-entry",
) -> None:
    from hongbao import classroom
    from hongbao.outputs import save_as
    from hongbao.ui.classroom import show_task_made

    call = caller(ctx)
    content = classroom.task(source).content.encode()
    path = call.output(name.removesuffix(classroom.ENDING) + classroom.ENDING).absolute()
    save_as(path, lambda out: out.write(content), replace=False)
    made: TaskMade = {"file": str(path)}
    call.answer(made, show_task_made)


@app.command(
    "task-check",
    cls=Command,
    short_help=N_("Prove that a task does what it says."),
    help=N_(
        "Plays every way in its file with several students' numbers: right ways earn all points, "
        "wrong ways what they say, doing nothing and another student's recording earn nothing."
    ),
    epilog="hongbao class task-check rent.toml",
)
def task_check(
    ctx: Context,
    files: Annotated[
        list[str],
        Argument(
            metavar="TASK",
            autocompletion=task_names,
            show_default=False,
            help=N_("tasks, by name or file"),
        ),
    ],
) -> None:
    from hongbao import classroom
    from hongbao.classroom.proving import findings
    from hongbao.ui.classroom import show_checked

    call = caller(ctx)
    _speak_for_programs(call)
    named = [classroom.task(file) for file in files]
    with ending_tidily():
        found = [each for task in named for each in findings(task, call.env, call.run)]
    if found:
        if not call.as_json:
            for each in found:
                call.remark(N_("{task}: {text}"), task=each["task"], text=each["text"])
        raise TaskFails(failed=len(found), findings=found)
    checked: TasksChecked = {
        "ok": True,
        "tasks": [_task_line(task) for task in named],
        "findings": [],
    }
    call.answer(checked, show_checked)


def _class_folder(typed: str | None) -> Path:
    """Return the folder of the class that was *typed*, or of the one that is here."""
    from hongbao.classroom.folder import FILE

    if typed is None:
        typed = "." if absolute_path(FILE).exists() else USUAL
    return absolute_path(typed)


def _task_line(task: "Task") -> "ClassTask":
    return {
        "task": task.name,
        "title": task.title.said_in(language()),
        "points": task.points,
        "facts": len(task.goals),
        "capacity": task.capacity,
    }


def _speak_for_programs(call: "Caller") -> None:
    if call.as_json:
        use_language("en")  # programs get the same in every language
