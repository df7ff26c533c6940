"""A class on the terminal: what was made, a task to do, a mark with its reasons, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hongbao.ui.listing import Field, Layout, Listing
from hongbao.ui.screen import Cell, Column, console, is_terminal, line, pipe, safe
from hongbao.ui.script import wrapped
from hongbao.ui.status import short
from hongbao.words import C_, N_, _, counted, say, shell_word

if TYPE_CHECKING:
    from hongbao.answers import (
        ClassMade,
        ClassReport,
        GoalMarked,
        HandedIn,
        MarkLine,
        TaskMade,
        TasksChecked,
        TaskStarted,
    )

TASKS = Listing(
    rows="tasks",
    fields=(
        Field(
            "task",
            Column(N_("task")),
            lambda row: Cell(row["task"], "bold"),
            says=N_("the task's name"),
        ),
        Field("points", Column(N_("points"), right=True), says=N_("what it is worth")),
        Field("facts", Column(N_("facts"), right=True), says=N_("how many parts it has")),
        Field(
            "capacity",
            Column(N_("students"), right=True, extra=True),
            says=N_("how many students can have different numbers"),
        ),
        Field("title", Column(N_("title"), gives=True), says=N_("what it is about")),
    ),
)


_STATES = {"missing": N_("missing"), "unreadable": N_("unreadable")}


def _points(row: Any) -> Cell:
    if row.get("state") in _STATES:
        return Cell(_(_STATES[row["state"]]), "dim")
    is_full = row["points"] == row["of"]
    return Cell(f"{row['points']}/{row['of']}", "green" if is_full else "")


REPORT = Listing(
    rows="marks",
    fields=(
        Field("student", Column(N_("student")), says=N_("the student's ID in the roster")),
        Field("name", Column(C_("student", "name"), gives=True), says=N_("the student's name")),
        Field("task", Column(N_("task"), below=True), says=N_("the task's name")),
        Field("state", Column(""), says=N_("marked, missing or unreadable")),
        Field("points", Column(N_("points"), right=True), _points, says=N_("the mark")),
        Field("of", Column(""), says=N_("what the task is worth")),
        Field(
            "notes",
            Column(N_("reasons"), below=True),
            lambda row: Cell("; ".join(reasons_of(row)), "dim"),
            lambda row: "; ".join(reasons_of(row)),
            says=N_("what was against the other points, and what else there is to say"),
        ),
    ),
    more=(
        Field("file", Column(N_("file"), below=True), says=N_("the file that counts")),
        Field("claimed", says=N_("the mark that the student was shown")),
        Field("numbers_of", says=N_("whose numbers are in it, if they are another's")),
        Field("same_as", says=N_("who else has handed in the same commands")),
        Field("digest", says=N_("the digest of its books")),
    ),
    screen=("student", "name", "task", "points"),
)


def reasons_of(row: MarkLine) -> list[str]:
    """Return what stands behind a mark, in one line."""
    lost = [
        say(
            N_("{number}: {points}/{of} {reasons}"),
            number=number,
            points=goal["points"],
            of=goal["of"],
            reasons=_(", ").join(_against(goal)),
        )
        for number, goal in enumerate(row["goals"], 1)
        if goal["points"] < goal["of"]
    ]
    return [*lost, *row["notes"]]


def _against(goal: GoalMarked) -> list[str]:
    return [*goal["reasons"], *goal.get("expected", [])]


# --- making a class -------------------------------------------------------------------------------


def show_made(made: ClassMade) -> None:
    """Print where everything is, and what to do with it."""
    if not is_terminal():
        pipe(
            ("folder", made["folder"]),
            ("hand_out", made["hand_out"]),
            ("handed_in", made["handed_in"]),
            *(("task", task["task"], task["points"], task["title"]) for task in made["tasks"]),
        )
        _pipe_students(made)
        return
    students = counted("{count} student", "{count} students", len(made["students"]))
    folder = short(made["folder"])
    line(say(N_("class made in {path} · {students}"), path=folder, students=students))
    for task in made["tasks"]:
        points = counted("{count} point", "{count} points", task["points"])
        line(f"{task['task']} · {task['title']} · {points}", bold=task["task"])
    print()
    line(_("Each student gets one file of each task, with different numbers:"))
    _command(short(made["hand_out"]))
    line(_("What they hand in goes here:"))
    _command(short(made["handed_in"]))
    line(_("Then mark it:"))
    _command(f"hongbao class report {shell_word(folder)}")


def show_added(made: ClassMade) -> None:
    """Print who is new in a class, and where their files are."""
    if not is_terminal():
        _pipe_students(made)
        return
    count = len(made["students"])
    students = counted("{count} student", "{count} students", count)
    line(say(N_("added to the class: {students}"), students=students))
    if count:
        names = " · ".join(f"{each['student']} {safe(each['name'])}" for each in made["students"])
        line(names)
        line(_("Their files are here:"))
        _command(short(made["hand_out"]))


def _pipe_students(made: ClassMade) -> None:
    pipe(
        *(
            ("student", each["student"], each["name"], task, *_spelt(numbers))
            for each in made["students"]
            for task, numbers in each["numbers"].items()
        )
    )


def _spelt(numbers: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in numbers.items()]


def _command(text: str) -> None:
    print(f"  {text}")


# --- doing a task ---------------------------------------------------------------------------------


def show_task(started: TaskStarted) -> None:
    """Print a task, with its student's numbers in it."""
    if not is_terminal():
        pipe(
            ("task", started["task"], started["points"], started["title"]),
            ("student", started["student"], started["name"]),
            ("folder", started["folder"]),
            ("home", started["home"]),
            ("recording", started["recording"]),
        )
        print(started["text"])
        pipe(*(("fact", goal["points"], goal["text"]) for goal in started["goals"]))
        return
    title, student = started["title"], started["student"]
    heading = say(
        N_("{title} · {name} ({student})"),
        title=title,
        name=safe(started["name"]),
        student=student,
    )
    line(heading, bold=title)
    print()
    for paragraph in started["text"].split("\n"):
        for text in wrapped(paragraph, console().width) or [""]:
            print(text)
    print()
    for number, goal in enumerate(started["goals"], 1):
        points = counted("{count} point", "{count} points", goal["points"])
        line(f"{number}. {goal['text']} · {points}")
    print()
    line(_("Open a shell that does it; exit leaves it:"))
    folder = shell_word(short(started["folder"]))
    _command(f"hongbao class shell {folder}")
    line(_("When you are done:"))
    _command(f"hongbao class hand-in {folder}")


def show_handed_in(handed: HandedIn) -> None:
    """Print the mark that the teacher's report will have, and which file to hand in."""
    if not is_terminal():
        pipe(("points", handed["points"], handed["of"]))
        _pipe_goals(handed["goals"])
        pipe(*(("note", note) for note in handed["notes"]))
        pipe(("file", handed["file"]))
        return
    points = f"{handed['points']}/{handed['of']}"
    line(say(N_("your mark: {points}"), points=points), bold=points)
    _show_goals(handed["goals"])
    for note in handed["notes"]:
        line(note)
    print()
    line(_("Hand in this file; your teacher's computer plays it and comes to the same:"))
    _command(short(handed["file"]))


def _pipe_goals(goals: Sequence[GoalMarked], *before: str) -> None:
    pipe(
        *(
            (*before, "fact", goal["points"], goal["of"], goal["text"], "; ".join(_against(goal)))
            for goal in goals
        )
    )


def _show_goals(goals: Sequence[GoalMarked]) -> None:
    for number, goal in enumerate(goals, 1):
        points = f"{goal['points']}/{goal['of']}"
        line(f"{number}. {points} · {goal['text']}", **{_colour(goal): points})
        for reason in _against(goal):
            line(f"   {reason}", dim=reason)


def _colour(goal: GoalMarked) -> str:
    return "green" if goal["points"] == goal["of"] else "red"


# --- the report -----------------------------------------------------------------------------------


def show_report(report: ClassReport) -> None:
    """Print the marks on a terminal, then the reasons, then whether the money adds up."""
    REPORT.draw(report["marks"])
    for row in report["marks"]:
        if row["state"] != "missing" and (lost := reasons_of(row)):
            print()
            line(f"{row['student']} {safe(row['name'])} · {row['task']}", bold=row["student"])
            for reason in lost:
                line(f"  {reason}")
    if report["files"]:
        print()
        line(_("files that are no one's hand-in:"))
        for file in report["files"]:
            name, problem = safe(file["file"]), file["problem"]
            line("  " + say(N_("{file}: {problem}"), file=name, problem=problem))
    print()
    line(money_line(report))


SHEET = (
    N_("marks"),
    *(N_("student"), C_("student", "name"), N_("task")),
    *(N_("points"), N_("of"), N_("reasons"), N_("file")),
)
"""What a file of marks is called, and the heads of its columns."""


def sheet_rows(report: ClassReport) -> list[tuple[str | int, ...]]:
    """Return the rows of a file of marks, under the heads of `SHEET`."""
    return [
        (
            *(row["student"], row["name"], row["task"], row["points"], row["of"]),
            "; ".join(reasons_of(row)),
            row["file"] or "",
        )
        for row in report["marks"]
    ]


def money_line(report: ClassReport) -> str:
    """Return what is proved of the class's money."""
    wallets = counted("{count} wallet", "{count} wallets", report["wallets"])
    sentence = N_("{wallets}: {issued_fen} issued, {kept_fen} in the books")
    facts = {"issued_fen": report["issued_fen"], "kept_fen": report["kept_fen"]}
    return say(sentence, wallets=wallets, **facts)


# --- tasks ----------------------------------------------------------------------------------------


def show_checked(checked: TasksChecked) -> None:
    """Print the tasks that do what they say."""
    if not is_terminal():
        TASKS.print_rows(checked["tasks"], Layout())
        return
    for task in checked["tasks"]:
        line(say(N_("{task} does what it says"), task=task["task"]), bold=task["task"])


def show_task_made(made: TaskMade) -> None:
    """Print which file was written, and what to do next."""
    if not is_terminal():
        pipe(("file", made["file"]))
        return
    file = short(made["file"])
    line(say(N_("wrote {file}"), file=file), bold=file)
    line(_("Edit it, and prove that it does what it says:"))
    _command(f"hongbao class task-check {shell_word(file)}")
