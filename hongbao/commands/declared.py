"""
What a command declares: its options and arguments, its sentences, and the function behind it.

Nothing here knows the command-line library, which costs more to import than most commands take to
answer. `hongbao.commands.reading` reads a well-formed line by these declarations alone.
`hongbao.commands.library` makes the library's commands of them: for help, for completion, and for
lines that are wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from hongbao.commands.placeholders import placeholder
from hongbao.words import _

if TYPE_CHECKING:
    from hongbao.errors import BadCommandLine

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

ASKING_HELP = ("--help", "-h")


class Finished(Exception):
    """The command has answered in another way than by its function: nothing more is done."""


def wrong_usage(
    problem: str,
    *,
    command: str,
    placeholders: Mapping[str, str] = MappingProxyType({}),
    **facts: Any,
) -> "BadCommandLine":
    """
    Return the refusal of a line whose *problem* is said as the library says it.

    >>> wrong_usage("Missing argument 'FILE'.", command="hongbao import").message
    "'FILE' is missing"
    >>> wrong_usage(
    ...     "Missing argument 'FILE'.", command="hongbao import", placeholders={"FILE": "FILE"}
    ... ).message
    'FILE is missing'
    """
    from hongbao.errors import BadCommandLine
    from hongbao.parser_words import in_our_words

    return BadCommandLine(in_our_words(problem, placeholders), command=command, **facts)


# --- values --------------------------------------------------------------------------------------


class Value:
    """An option or an argument, as a command declares it."""

    __slots__ = (
        *("autocompletion", "default", "help", "is_flag", "is_kept", "is_list", "kind"),
        *("between", "metavar", "name", "names", "param_type_name", "parser", "show_default"),
    )

    def __init__(
        self,
        param_type_name: str,
        names: tuple[str, ...],
        *,
        help: str,
        metavar: str | None = None,
        parser: Callable[[str], Any] | None = None,
        autocompletion: Callable[..., Any] | None = None,
        show_default: bool = True,
        between: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self.param_type_name = param_type_name
        self.names = names
        self.help = help
        self.metavar = metavar
        self.parser = parser
        self.autocompletion = autocompletion
        self.show_default = show_default
        self.between = between
        self.name = ""
        self.kind: Any = str
        self.default: Any = None
        self.is_flag = self.is_list = self.is_kept = False

    def of(self, name: str, declared: Any, default: Any) -> "Value":
        """Return this value as the parameter *name* of a function, of the type *declared*."""
        value = Value.__new__(Value)
        for slot in Value.__slots__:
            setattr(value, slot, getattr(self, slot))
        kinds = [kind for kind in getattr(declared, "__args__", ()) if kind is not type(None)]
        if getattr(declared, "__origin__", None) is list:
            kinds = [declared]
        value.name, value.default = name, default
        value.kind = kind = kinds[0] if len(kinds) == 1 else declared
        value.is_flag = kind is bool
        value.is_list = getattr(kind, "__origin__", None) is list
        return value

    @property
    def is_offered_everywhere(self) -> bool:
        """Whether what a shell offers for it is the same in every home: no context is asked for."""
        offered: Any = getattr(self.autocompletion, "__func__", self.autocompletion)
        count: int = offered.__code__.co_argcount
        return count - hasattr(self.autocompletion, "__self__") == 1

    def get_error_hint(self, _ctx: object) -> str:
        """Return what an error calls this value, as the library does."""
        if self.param_type_name == "option":
            return " / ".join(f"'{name}'" for name in self.names)
        return f"'{_(placeholder(self.metavar)) if self.metavar else self.name.upper()}'"


REQUIRED: Any = object()
"""The default of a value that must be given."""


def Option(*names: str, help: str, **settings: Any) -> Value:  # noqa: N802 - as typer's is called
    """Return an option called *names*."""
    return Value("option", names, help=help, **settings)


def Argument(*, help: str, **settings: Any) -> Value:  # noqa: N802 - as typer's is called
    """Return a value that is known by its place."""
    return Value("argument", (), help=help, **settings)


def kept_option(
    *declared: str,
    help: str,
    is_flag: bool = False,
    metavar: str | None = None,
    autocompletion: Callable[..., Any] | None = None,
) -> Value:
    """Return an option that the caller keeps, not the command."""
    names = tuple(name for name in declared if name.startswith("-"))
    option = Option(*names, help=help, metavar=metavar, autocompletion=autocompletion)
    long = next(name for name in names if name.startswith("--"))
    option.name = next(
        (name for name in declared if not name.startswith("-")), long[2:].replace("-", "_")
    )
    option.is_flag, option.is_kept = is_flag, True
    return option


# --- commands ------------------------------------------------------------------------------------


class Kind:
    """
    What commands of a kind have in common.

    *listed* says where the list that it answers with is declared, *listed_by* where others are, by
    the option that asks for each. What it shows can be saved if it is *pictured*, what it does can
    be explained if it *moves_money*. A group may complete its *implied* command: a bank's code
    alone means to show the bank; then it has *offered* to a shell what may stand there.
    """

    __slots__ = ("implied", "listed", "listed_by", "moves_money", "offered", "pictured")

    def __init__(
        self,
        listed: str = "",
        listed_by: Mapping[str, str] = MappingProxyType({}),
        *,
        pictured: bool = False,
        moves_money: bool = False,
        implied: Callable[[list[str], Mapping[str, Any]], list[str]] | None = None,
        offered: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        self.listed = listed
        self.listed_by = listed_by
        self.pictured = pictured
        self.moves_money = moves_money
        self.implied = implied
        self.offered = offered

    def list_of(self, params: Mapping[str, Any]) -> str:
        """Return where the list is declared that it answers with, by the options in *params*."""
        asked = (where for option, where in self.listed_by.items() if params.get(option))
        return next(asked, self.listed)


Command = Kind()
"""A command."""

MoneyCommand = Kind(moves_money=True)
"""A command that moves money, and with ``--explain`` shows how."""

Group = Kind()
"""Commands that stand together under one name."""


def listing(
    where: str, *, pictured: bool = False, moves_money: bool = False, **by_option: str
) -> Kind:
    """
    Return the kind of a command that answers with the list declared at *where*.

    That is a module of `hongbao.ui` and a name in it, such as ``people:CARDS``. The command takes
    the options of lists. An option of the command may ask for another list: see *by_option*.
    What it shows can be saved if it is *pictured*; what it does can be explained if it *moves
    money*.
    """
    return Kind(where, by_option, pictured=pictured, moves_money=moves_money)


def listing_group(where: str) -> Kind:
    """Return the kind of a group that, without a command, answers with a list (see `listing`)."""
    return Kind(where)


class Declared:
    """A command: its sentences, and the *function* whose parameters are its options."""

    __slots__ = ("epilog", "function", "help", "kind", "settings", "short_help")

    def __init__(
        self,
        function: Callable[..., Any],
        kind: Kind,
        *,
        short_help: str,
        help: str | None = None,
        epilog: str | None = None,
        **settings: Any,
    ) -> None:
        self.function = function
        self.kind = kind
        self.short_help = short_help
        self.help = help
        self.epilog = epilog
        self.settings = settings

    @property
    def params(self) -> list[Value]:
        """Its values, in the order of the function's parameters."""
        function: Any = self.function
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        given = function.__defaults__ or ()
        defaults = dict(zip(names[len(names) - len(given) :], given, strict=True))
        return [
            annotation.__metadata__[0].of(name, annotation.__origin__, defaults.get(name, REQUIRED))
            for name, annotation in function.__annotations__.items()
            if hasattr(annotation, "__metadata__")
        ]

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders, by what the reader's language calls them."""
        words = [placeholder(value.metavar) for value in self.params if value.metavar]
        return {_(word): word for word in words}


class App:
    """One command's file: a command, or a group of them with what it does alone."""

    def __init__(self, *, cls: Kind = Group, **settings: Any) -> None:
        self.kind = cls
        self.settings = settings
        self.own: Declared | None = None
        self.commands: dict[str, Declared] = {}

    def command(self, name: str | None = None, *, cls: Kind, **said: Any) -> Callable[[F], F]:
        """Declare the function below as a command called *name*, or else like the function."""

        def declare(function: F) -> F:
            called = name or function.__name__.replace("_", "-")
            self.commands[called] = Declared(function, cls, **said)
            return function

        return declare

    def callback(self, **said: Any) -> Callable[[F], F]:
        """Declare the function below as what the group itself does, before a command of it."""

        def declare(function: F) -> F:
            self.own = Declared(function, self.kind, **said)
            return function

        return declare

    @property
    def alone(self) -> Declared | None:
        """The command, where there is no group."""
        return next(iter(self.commands.values())) if self.own is None else None


def new_app(**settings: Any) -> App:
    """Return an empty app for one command, or for a group of them."""
    return App(**settings)


class Context:
    """
    A command that is being run: what was typed for it, and what it stands below.

    The library's own context takes its place where the library reads the line.
    """

    __slots__ = ("command", "command_path", "invoked_subcommand", "obj", "params", "parent")

    def __init__(
        self, command: Any, command_path: str, obj: object, parent: "Context | None" = None
    ) -> None:
        self.command = command
        self.command_path = command_path
        self.obj = obj
        self.parent = parent
        self.params: dict[str, Any] = {}
        self.invoked_subcommand: str | None = None

    def find_object(self, kind: type[T]) -> T | None:
        """Return what the whole line has of *kind*."""
        return self.obj if isinstance(self.obj, kind) else None

    def find_root(self) -> "Context":
        return self if self.parent is None else self.parent.find_root()
