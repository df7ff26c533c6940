"""Stories: syntax errors, and expectations that failed."""

from hongbao.errors.base import (
    LEFT_OUT,
    ExitCode,
    HongbaoError,
    Unusable,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_, say

STORY_PROBLEMS = {
    "no_arrow": N_("a command ends in => and its exit code, like `balance => 0`"),
    "no_exit_code": N_("after => comes an exit code from 0 to 255"),
    "open_quote": N_("a quotation mark is not closed"),
    "no_command": N_("an indented line is what a command answers, but no command is above it"),
    "no_error_code": N_("no error has the code {name}"),
    "other_exit_code": N_("with its exit code, this error is {name}"),
    "bad_fact": N_("this is no fact: {name}"),
    "no_command_word": N_("there is no command before =>"),
    "bad_expectation": N_("an indented line begins with `>`, `2>`, `{{` or `fact:`"),
    "bad_json": N_("this is not JSON"),
    "unknown_name": N_("no earlier line fills {name}"),
    "not_yours": N_("a story cannot set {name}"),
    "file_taken": N_("a file of a story cannot be called {name}"),
    "other_form": N_("it is in form {name}, which this hongbao does not know"),
    "nested_use": N_("a story that another one uses cannot use one itself"),
    "no_end": N_("the line `end` that belongs to this one is missing"),
    "empty_block": N_("there is no command in this {name}"),
    "not_in_block": N_("only commands can stand between {name} and its `end`"),
    "bad_times": N_("after `race` comes how many processes do each command"),
    "too_many": N_("at most {name} are in a race"),
    "late_order": N_("`order:` stands once, above all commands of its block"),
    "bad_order": N_("`order:` has to name every command of its block, as 1 to {name}"),
    "not_order_free": N_("in a race, a command alone can only be expected to end with a code"),
    "bad_total": N_(
        "below a race stand lines like `3 => 0`, `sum amount_fen = 3` and `values amount_fen = 1 2`"
    ),
}


class InvalidStory(UsageError):
    """
    A story holds what cannot be played; *line* says where.

    *problem* is one of `STORY_PROBLEMS`; which other facts there are depends on it.
    """

    source: str = example("lesson.txt")
    line: int = example(7)
    problem: str = example("no_exit_code", words=STORY_PROBLEMS)
    name: str = example("{packet}", default=LEFT_OUT)

    sentence = N_("story {source}, line {line}: {problem}")

    def problem_in_words(self) -> str:
        """Return what is wrong with the line, in the reader's language, and not where it is."""
        return say(STORY_PROBLEMS[self.problem], **self.facts)


class StoryFailed(HongbaoError):
    """
    A command in a story did not do what the story says.

    *problem* is one of the keys of the sentences below.
    """

    source: str = example("demo.txt")
    line: int = example(9)
    problem: str = example(
        "exit_code",
        words={
            "exit_code": N_("`{command}` ended with {got}, not with {expected}"),
            "error_code": N_("`{command}` ended with {got}, not with {expected}"),
            "text": N_("`{command}` did not print: {expected}"),
            "silence": N_("`{command}` printed something, but should be silent"),
            "fact": N_("`{command}` answered {got}, not {expected}"),
            "hangs": N_("`{command}` did not end within {expected}"),
            "books": N_("after `{command}` the books have {got}, not {expected}"),
            "total": N_("`{command}` came to {got}, not {expected}"),
        },
    )
    command: str = example("balance")
    expected: str = example("0")
    got: str = example("10")

    sentence = N_("story {source}, line {line}: {problem}")


class StoryStopped(Unusable):
    """A command in a story was refused by the system, as by a full disk: no fault of the story."""

    source: str = example("demo.txt")
    line: int = example(9)
    command: str = example("hongbao init 张三")
    got: str = example("21")

    sentence = N_("story {source}, line {line}: `{command}` ended with {got}")
    advice = N_(
        "free some space or fix the permissions where temporary folders are, then try again"
    )


FACT_PROBLEMS = {
    "not_compared": N_("it compares two sides with one of = != < <= > >="),
    "no_fact": N_("its left side begins with a fact"),
    "unknown": N_("there is no fact called {value}"),
    "takes": N_("it is written {value}"),
    "no_account": N_("there is no kind of account called {value}"),
    "no_value": N_("{value} is not a value of this fact"),
    "other_kinds": N_("its sides cannot be compared"),
    "open_quote": N_("a quotation mark is not closed"),
}


class InvalidFact(UsageError):
    """An expectation about the books that cannot be read; *problem* says why."""

    text: str = example("balance 张三 10.00", kw_only=False, shape=shortened)
    problem: str = example(
        "not_compared",
        also=("unknown",),
        words=FACT_PROBLEMS,
    )
    value: str = example("balances", default=LEFT_OUT)

    sentence = N_("cannot read the fact {text}: {problem}")


class InvalidGiven(UsageError):
    """`hongbao play --set` with what no story can be given."""

    text: str = example("amount", kw_only=False, shape=shortened)
    problem: str = example(
        "no_value",
        also=("unknown",),
        words={
            "no_value": N_("it is not NAME=TEXT"),
            "unknown": N_("no story has a `given` line with this name"),
            "in_table": N_("the table has a column of this name"),
        },
    )

    sentence = N_("cannot set {text}: {problem}")


class InvalidTable(UsageError):
    """`hongbao play --table` with a file that is no table of names and rows."""

    path: str = example("rows.csv")
    line: int = example(3)
    problem: str = example(
        "fields",
        also=("empty",),
        words={
            "fields": N_("its number of fields is {count}, and that of the first row {wanted}"),
            "twice": N_("two columns are called {name}"),
            "not_csv": N_("this is not CSV"),
            "empty": N_("there is no row below the names"),
            "too_many": N_("there are too many rows; the most is {count}"),
        },
    )
    count: int = example(1, default=LEFT_OUT)
    wanted: int = example(2, default=LEFT_OUT)
    name: str = example("amount", default=LEFT_OUT)

    sentence = N_("table {path}, line {line}: {problem}")


class HomeTaken(UsageError):
    """`hongbao play --home` makes a new home, in a folder that is not there yet."""

    path: str = example("lessons/lesson")

    sentence = N_("{path} already exists; a story makes a new wallet")
    advice = N_("name a folder that does not exist yet")


class PlayFailed(HongbaoError):
    """
    Commands did not do what the stories say; the *failures* say where and what came instead.

    What was *skipped* are chapters that need a name which one of them would have filled.
    """

    failed: int = example(1)
    skipped: int = example(0)
    failures: list[dict[str, object]] = example([])

    exit_code = ExitCode.EXPECTATION
    sentence = N_("failed expectations: {failed}")


class PlayStuck(Unusable):
    """A story could not be played to its end: a command did not end."""

    failed: int = example(1)
    skipped: int = example(0)
    failures: list[dict[str, object]] = example([])

    sentence = N_("commands that did not end: {failed}")
