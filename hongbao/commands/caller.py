"""The caller: who asks, how they want to be answered, and how they can be asked back."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hongbao import errors, settings
from hongbao.commands.notes import Notes
from hongbao.commands.streams import answering, put
from hongbao.documents import to_json
from hongbao.env import Env, NoTerminal, system_env
from hongbao.errors import HongbaoError, NotIntact, Unusable, shortened
from hongbao.paths import typed_path
from hongbao.settings import Settings
from hongbao.words import N_, SANDBOX, Filled, _, harmless, say, shell_word

if TYPE_CHECKING:
    from hongbao.answers import ActExplained, ChallengePassed
    from hongbao.domain.pin import Pin
    from hongbao.home.clusters import Access, Address
    from hongbao.queries.privacy import Known
    from hongbao.story import Run
    from hongbao.story.running import Start
    from hongbao.ui.listing import Layout, Listing
    from hongbao.ui.motion import Frames
    from hongbao.ui.picker import Choice
    from hongbao.wallet import Wallet

A = TypeVar("A", bound=Mapping[str, Any])
T = TypeVar("T")

YES = ("y", "yes", "是", "好")

TRIES = 3
"""How often an answer is typed before a mistake in it is an error; a PIN's count is its own."""

_SECRET = frozenset(
    {
        *("--pin-file", "--new-pin-file", "--totp-file", "--secret-file"),
        *("--passphrase-file", "HONGBAO_PASSPHRASE_FILE", "--ledger-password-file"),
    }
)
"""The options and the variable whose answers are never noted down."""


class Caller:
    """
    One call at the counter: the world it comes from, and the options every command takes.

    Data goes to standard output, talk to standard error, secrets to the terminal.
    """

    def __init__(
        self,
        env: Env | None = None,
        *,
        main: Callable[[], int] | None = None,
        carry_out: Callable[[list[str], Caller], None] | None = None,
    ) -> None:
        self._env = env
        self.main = main
        """Runs the command of this process's arguments (see `run`)."""
        self.carry_out = carry_out
        """Carries out another command line for a caller, in this process; raises its refusal."""
        self._settings: Settings | None = None
        self.notes = Notes()
        self.typed: list[str] | None = None
        """The command line, without the program's name and with aliases replaced."""
        self.as_json = False
        self.asks_help = False
        self.profile: str | None = None
        self.yes = False
        self.no_input = False
        self.pin_file: str | None = None
        self.totp_file: str | None = None
        self.header = False
        self.csv: str | None = None
        self.columns: str | None = None
        self.no_pager = False
        self.svg: str | None = None
        self.html: str | None = None
        self.with_names = False
        self.no_amounts = False
        self.explain = False
        self.explained: ActExplained | None = None
        """The explanation of the act, if it was wanted."""
        self.known: Known | None = None
        """What pictures hide, once a home is open and a picture is asked for."""
        self.command = "hongbao"
        self.usual_columns: str | None = None
        """The columns that a terminal gets by the settings."""
        self._is_rehearsed = False
        self.passphrase_file: str | None = None
        self.passphrase_option: str | None = None
        """The command's option for a passphrase of something else than this home."""
        self._known_passphrase: str | None = None
        self._has_typed_pin = False
        self._same_pin: Pin | None = None
        self._problem: HongbaoError | None = None
        self._known_pin: Callable[[], Pin | None] = lambda: None

    @property
    def env(self) -> Env:
        """The world, looked for when it is first asked for: help needs none."""
        if self._env is None:
            self._env = system_env()
        return self._env

    @property
    def run(self) -> Run:
        """How to run other commands: as forks of this one, where that can be done."""
        from hongbao.story import running

        if self.main is None:
            return running.process
        return running.forks(self.main, may_fork=_has_no_ledger_open)

    @property
    def start(self) -> Start:
        """How to start other commands, several of which are to run at once (see `run`)."""
        from hongbao.story import running

        if self.main is None:
            return running.start
        return running.fork_starts(self.main, _has_no_ledger_open)

    @property
    def settings(self) -> Settings:
        """
        The settings, read when they are first asked for.

        Raises InvalidSettings, InvalidVariable and FileNotReadable.
        """
        if self._settings is None:
            self._settings = settings.load(self._variables)
        return self._settings

    def check_settings(self, commands: Collection[str]) -> None:
        """Refuse settings that cannot be read, or are of what is none of *commands*."""
        settings.check_columns(self.settings, commands)

    @property
    def _variables(self) -> Mapping[str, str]:
        """The environment's variables; the rest of the world may not be there to look at."""
        return os.environ if self._env is None else self._env.variables

    @property
    def list_options(self) -> list[str]:
        """The options for lists that were typed."""
        typed = {
            "--csv": self.csv is not None,
            "--header": self.header,
            "--columns": self.columns is not None,
            "--no-pager": self.no_pager,
        }
        return [name for name, is_typed in typed.items() if is_typed]

    @property
    def layout(self) -> Layout:
        """How a list was asked for."""
        from hongbao.ui.listing import Layout

        return Layout(self.header, self.csv, self.columns)

    # --- asking back -----------------------------------------------------------------------------

    def ask(self, question: str, *, flag: str, read: Callable[[str], T] = str) -> T:  # type: ignore[assignment]
        """
        Ask an open *question* on the terminal; *flag* would have answered it.

        An answer that *read* refuses is asked for again, under its sentence, up to `TRIES` times.

        Raises Unanswered if there is no terminal to prompt on.
        """
        return self._ask_until(self.env.ask, question, flag, read)

    def ask_below(self, shown: str, question: str, *, flag: str) -> str:
        """
        Ask a *question* below what is *shown*: both on the terminal itself (see `ask`).

        A secret that is shown so reaches no file and no pipe.
        """
        return self._ask(self.env.ask, f"{shown}\n{_prompt(_(question))}", question, flag)

    def ask_secret(self, question: str, *, flag: str, read: Callable[[str], T] = str) -> T:  # type: ignore[assignment]
        """Ask a *question* whose answer stays off the screen (see `ask`)."""
        return self._ask_until(self.env.ask_secret, question, flag, read)

    def _ask_until(
        self, ask: Callable[[str], str], question: str, flag: str, read: Callable[[str], T]
    ) -> T:
        for tries_left in reversed(range(TRIES)):
            typed = self._ask(ask, self._under_problem(_prompt(_(question))), question, flag)
            try:
                answer = read(typed)
            except HongbaoError as error:
                if not tries_left:
                    raise
                self._problem = error
            else:
                if flag not in _SECRET:
                    self.notes.replies.append((flag, typed))
                return answer
        raise AssertionError("unreachable")

    def asks_again(self, problem: HongbaoError) -> bool:
        """
        Return whether what was wrong, as *problem* says, is asked for again: it was typed here.

        The next question stands under it.
        """
        self._same_pin = None
        if self._has_typed_pin:
            self._problem = problem
            self.notes.wrong_tries += 1
        return self._has_typed_pin

    def _under_problem(self, question: str) -> str:
        """Return *question* under what was wrong with the answer before, if anything was."""
        problem, self._problem = self._problem, None
        if problem is None:
            return question
        from hongbao.ui.script import folded, terminal_columns

        said = [problem.message]
        if problem.hint is not None:
            said.append(say(N_("hint: {hint}"), hint=problem.hint))
        lines = [part for each in said for part in folded(each, terminal_columns())]
        return "\n".join([*lines, question])

    def choose(self, question: str, choices: Sequence[Choice], *, flag: str) -> str:
        """
        Let a person choose one of *choices* on the terminal, and return its value.

        Raises Declined, NotAnswered or Interrupted if the list is left.
        """
        from hongbao.ui import picker

        try:
            if self.asks_plainly:
                chosen = picker.pick_by_number(_(question), choices, self.env.ask)
            else:
                chosen = picker.pick(_(question), choices)
        except picker.Left:
            raise errors.Declined from None
        except EOFError:
            raise errors.NotAnswered(question=Filled(question, {}), flag=flag) from None
        except KeyboardInterrupt:
            raise errors.Interrupted from None
        talk(picker.chosen_line(_(question), chosen))
        self.notes.replies.append((flag, chosen.value))
        return chosen.value

    @property
    def can_be_asked(self) -> bool:
        """
        Whether a value that was left out can be asked for: a person sits at a terminal.

        What programs start, for themselves (``--json``) or in CI, has to be whole.
        """
        return (
            self.may_ask
            and not self.as_json
            and not self._variables.get("CI")
            and all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
        )

    @property
    def asks_plainly(self) -> bool:
        """Whether a list is asked for by number, line by line."""
        from hongbao.terminal import has_raw_mode

        return (
            self.settings.prompts == "plain"
            or bool(self._variables.get("ACCESSIBLE"))
            or self._variables.get("TERM", "dumb") == "dumb"
            or not has_raw_mode()
        )

    def confirm(self, question: str, **facts: object) -> None:
        """
        Ask for a yes before something large or final; ``--yes`` is the answer beforehand.

        Raises Declined on a no, and Unanswered if there is no terminal to prompt on.
        """
        if self.yes:
            return
        text = say(question, **facts)
        answer = self._ask(self.env.ask, f"{text} [y/N] ", question, "--yes", facts)
        if answer.strip().casefold() not in YES:
            raise errors.Declined
        self.notes.replies.append(("--yes", ""))

    def _ask(
        self,
        ask: Callable[[str], str],
        text: str,
        question: str,
        flag: str,
        facts: Mapping[str, object] | None = None,
    ) -> str:
        try:
            if not self.may_ask:
                raise NoTerminal
            return ask(text)
        except NoTerminal:
            raise errors.Unanswered(question=Filled(question, facts or {}), flag=flag) from None
        except EOFError:
            raise errors.NotAnswered(question=Filled(question, facts or {}), flag=flag) from None
        except UnicodeDecodeError:
            raise errors.NotUtf8(N_("the input")) from None
        except KeyboardInterrupt:
            raise errors.Interrupted from None

    def pin(self) -> Pin:
        """
        Return the payment PIN: from ``--pin-file``, HONGBAO_PIN_FILE or the terminal.

        In a sandbox everyone's is known, and HONGBAO_PIN_FILE is that of another wallet.
        """
        if self.pin_file is None and (known := self._known_pin()) is not None:
            self._has_typed_pin = False
            return known
        self.notes.secrets.append("pin")
        return self._pin_from(self._pin_file(), N_("payment PIN"))

    def operator_pin(self) -> Pin:
        """Return an operator's PIN: from ``--pin-file`` or the terminal, never a user's default."""
        self.notes.secrets.append("operator_pin")
        return self._pin_from(self.pin_file, N_("the operator's PIN"))

    def _pin_from(self, file: str | None, question: str) -> Pin:
        from hongbao.domain.pin import Pin

        self._has_typed_pin = not file
        if file:
            return Pin(self.secret_line(file))
        return self.ask_secret(question, flag="--pin-file", read=Pin)

    def same_pin(self) -> Pin:
        """Return the payment PIN as `pin` does, once for several acts, unless it was wrong."""
        if self._same_pin is None:
            self._same_pin = self.pin()
        return self._same_pin

    @property
    def asks_pin(self) -> bool:
        """Whether the payment PIN is asked for on the terminal, if there is one."""
        return self.may_ask and not self._pin_file()

    @property
    def asks_operator_pin(self) -> bool:
        """Whether an operator's PIN is asked for on the terminal, if there is one."""
        return self.may_ask and not self.pin_file

    def first_pin(self) -> Pin:
        """Return the PIN of a new profile: from where `pin` has it, or typed twice."""
        return self.new_pin(self._pin_file(), flag="--pin-file", kept_as="first_pin")

    def new_operator_pin(self, file: str | None) -> Pin:
        """Return the PIN of a new operator, from *file* or typed twice (see `new_pin`)."""
        question = N_("new PIN of the operator, six digits")
        return self.new_pin(file, question=question, kept_as="new_operator_pin")

    def new_pin(
        self,
        file: str | None,
        *,
        flag: str = "--new-pin-file",
        question: str = N_("new payment PIN, six digits"),
        check: Callable[[Pin], None] | None = None,
        kept_as: str = "new_pin",
    ) -> Pin:
        """
        Return a PIN to be set, from *file* or typed twice on the terminal.

        One that is typed is judged at once, by *check* or as any user's: a weak one is not typed
        twice for nothing. Raises PinMismatch if the second one differs, `TRIES` times. The notes
        name it as it is *kept_as*.
        """
        from hongbao.domain.pin import Pin, check_strength

        self.notes.secrets.append(kept_as)
        if file:
            return Pin(self.secret_line(file))

        def judged(digits: str) -> Pin:
            chosen = Pin(digits)
            if check is None:
                check_strength(chosen, None)
            else:
                check(chosen)
            return chosen

        def ask() -> Pin:
            chosen = self.ask_secret(question, flag=flag, read=judged)
            if self.ask_secret(N_("the same PIN again"), flag=flag) != chosen.reveal():
                raise errors.PinMismatch
            return chosen

        return self._again(ask, errors.PinMismatch)

    def _again(self, ask: Callable[[], T], mistake: type[HongbaoError]) -> T:
        """Return the result of *ask*; after a *mistake* ask again, up to `TRIES` times."""
        for _number in range(TRIES - 1):
            try:
                return ask()
            except mistake as error:
                self._problem = error
        return ask()

    def _pin_file(self) -> str | None:
        return self.pin_file or self.env.variables.get("HONGBAO_PIN_FILE") or None

    def code(self, now: Callable[[], datetime]) -> str:
        """
        Return an authenticator's code: from ``--totp-file``, HONGBAO_TOTP_FILE or the terminal.

        A file with the authenticator's secret is as good as it: its code is that of *now*.
        """
        self.notes.secrets.append("code")
        file = self.totp_file or self.env.variables.get("HONGBAO_TOTP_FILE") or None
        from hongbao.vault.authenticator import code_at, parse_code, parse_secret

        if file is None:
            return self.ask(N_("code of the authenticator"), flag="--totp-file", read=parse_code)
        line = self.secret_line(file)
        secret = parse_secret(line)
        return line if secret is None else code_at(secret, now())

    def identity(self, file: str) -> tuple[str, str]:
        """
        Return the real name and the ID number in *file*, a line each.

        A file of one line has both on it, with a space between.
        """
        from hongbao.inputs import read_lines

        name, number = read_lines(file, 2, secret=False)
        if not number and (both := re.fullmatch(r"(.*\S)\s+(\S{18})\s*", name)):
            name, number = both.groups()
        self.notes.identity = name, number
        return name, number

    def passphrase(self) -> str:
        """
        Return the passphrase that opens a locked home.

        ``--passphrase-file`` names a file, and else HONGBAO_PASSPHRASE_FILE. Raises HomeLocked
        where neither of them nor a terminal gives one; Unanswered, with the option, where it is
        not this home that is locked (`passphrase_option`).
        """
        self.notes.secrets.append("passphrase")
        if file := self._passphrase_file():
            return self.secret_line(file)
        if self._known_passphrase is not None:
            return self._known_passphrase
        try:
            flag = self.passphrase_option or "HONGBAO_PASSPHRASE_FILE"
            return self.ask_secret(N_("passphrase"), flag=flag)
        except errors.NotAnswered:
            raise
        except errors.Unanswered:
            if self.passphrase_option:
                raise
            raise errors.HomeLocked from None

    def unlocked(self, open_home: Callable[[Callable[[], str]], T]) -> T:
        """
        Return the home that *open_home* opens with a passphrase; a wrong one is asked for again.

        It is asked once for all that a command opens.
        """
        typed: str | None = None

        def passphrase() -> str:
            nonlocal typed
            typed = self.passphrase()
            return typed

        def opened() -> T:
            try:
                home = open_home(passphrase)
            except errors.WrongPassphrase:
                self._known_passphrase = None
                raise
            self._known_passphrase = typed
            return home

        return opened() if self._passphrase_file() else self._again(opened, errors.WrongPassphrase)

    def ledger_access(self, address: str, password_file: str | None) -> Access:
        """
        Return the way to a ledger on a cluster, with the password of the database's user.

        Raises InvalidLedgerAddress, and what `ledger_password` raises.
        """
        from hongbao.home.clusters import Access, parse_address

        parsed = parse_address(address)
        return Access(parsed, self.ledger_password(parsed, password_file))

    def ledger_password(self, address: Address, file: str | None) -> str | None:
        """
        Return the password of the database's user: from *file*, a variable's file or the terminal.

        A socket takes none unless a file gives one: the server knows who connects there.
        """
        file = file or self.env.variables.get("HONGBAO_LEDGER_PASSWORD_FILE") or None
        if file is not None:
            return self.secret_line(file) or None
        if address.socket is not None:
            return None
        question = N_("password of the database's user")
        typed: str = self.ask_secret(question, flag="--ledger-password-file")
        return typed or None

    def _passphrase_file(self) -> str | None:
        return self.passphrase_file or self.env.variables.get("HONGBAO_PASSPHRASE_FILE") or None

    def new_passphrase(self, file: str | None, wallet: Wallet) -> str:
        """
        Return a passphrase to be set, from *file* or typed twice on the terminal.

        A weak one, as the names in *wallet* are, is not typed twice for nothing. Raises
        PassphraseMismatch if the second one differs, `TRIES` times.
        """
        self.notes.secrets.append("new_passphrase")
        if file:
            return self.secret_line(file)
        from hongbao.domain.passphrase import check_passphrase

        names = [line["profile"] for line in wallet.profiles()]

        def judged(text: str) -> str:
            check_passphrase(text, names)
            return text

        def ask() -> str:
            chosen = self.ask_secret(N_("new passphrase"), flag="--passphrase-file", read=judged)
            again: str = self.ask_secret(N_("the same passphrase again"), flag="--passphrase-file")
            if again != chosen:
                raise errors.PassphraseMismatch
            return chosen

        return self._again(ask, errors.PassphraseMismatch)

    def secret_line(self, file: str) -> str:
        """
        Return the first line of *file*; of standard input where it is ``-``, then the next one.

        Raises FileNotReadable.
        """
        from hongbao.inputs import read_lines

        return read_lines(file, 1, secret=True)[0]

    def output(self, typed: str, *, streams: bool = False) -> Path:
        """
        Return the path of the output file that was *typed*.

        ``-`` is kept for a command that *streams* to standard output, and is no file for others.
        Raises InvalidPath, and InsideHome for the folders in which the home keeps its own files.
        """
        from hongbao.outputs import check_outside

        if typed == "-":
            if not streams:
                reason = N_("this does not go to standard output; a file of that name is ./-")
                raise errors.InvalidPath(typed, reason=reason)
            return Path(typed)
        path = typed_path(typed)
        check_outside(path, self.env.data, self.env.keys)
        return path

    # --- the wallet ------------------------------------------------------------------------------

    @contextmanager
    def wallet(
        self, *, trusting: bool = False, asking: bool = True, hushed: bool = False
    ) -> Iterator[Wallet]:
        """
        Open the home for this caller's profile (see `hongbao.home.opened.Home.open`).

        Without *asking*, a passphrase comes from a file or not at all. *hushed*, the terminal
        shows nothing that is typed from now on: a secret will be asked for, and who types
        it ahead must not see it on the screen.
        """
        from hongbao.wallet import Wallet

        if hushed and self.may_ask:
            self.env.hush()
        try:
            self.close_home()
            with self.unlocked(
                lambda passphrase: Wallet.open(
                    self.env,
                    profile=self.acting_as,
                    passphrase=passphrase if asking or self._passphrase_file() else None,
                    trusting=trusting,
                )
            ) as wallet:
                if wallet.home.is_sandbox:
                    self._known_pin = wallet.known_pin
                    self.leave_terminal()
                    if self.named_profile is None:  # the default one is of another wallet
                        wallet.home.profile_name = wallet.home.device_name = None
                if self.pictures:
                    self.known = wallet.known()
                wallet.home.typed = self.typed
                wallet.home.ask_code = lambda: self.code(wallet.now)
                wallet.home.asks_again = self.asks_again
                if not self.as_json and self.may_ask:
                    wallet.home.face = lambda challenge: self.is_there(wallet, challenge)
                try:
                    with self._explaining(wallet):
                        yield wallet
                except errors.ProfileNotFound as error:
                    name = (self.settings.default_profile or "").partition("@")[0]
                    if self.named_profile is None and error.name == shortened(name):
                        raise errors.DefaultProfileNotFound(
                            name, path=str(self.settings.path)
                        ) from None
                    raise
                finally:
                    self._tell_of_caught_up(wallet)
        except errors.HomeNotFound:
            if not self._variables.get("HONGBAO_HOME"):
                raise
            raise errors.HomeNotFound(path=str(self.env.home)) from None
        finally:
            self.leave_terminal()

    @contextmanager
    def _explaining(self, wallet: Wallet) -> Iterator[None]:
        """
        Show what is done within, if ``--explain`` wants it: above the answer, on standard error.

        With ``--json`` it is a part of the document, without durations, so that it repeats.
        """
        if not self.explain:
            yield
            return
        from hongbao.queries import explain

        seen = wallet.home.witness = explain.witness()
        try:
            yield
        except HongbaoError as error:
            if not isinstance(
                error, errors.Busy | NotIntact | Unusable
            ):  # or nothing may be readable
                self._show_explained(explain.explained(wallet.home, seen, error))
            raise
        if seen.has_seen:
            self._show_explained(explain.explained(wallet.home, seen, None))

    def _show_explained(self, explained: ActExplained) -> None:
        if self.as_json:
            for step in explained["steps"]:
                step["took_micros"] = None
            self.explained = explained
            return
        if sys.stderr is None:
            return
        from hongbao.ui.explain import show_explained

        with suppress(OSError), redirect_stdout(sys.stderr):
            show_explained(explained)

    @property
    def may_ask(self) -> bool:
        """Whether prompts are wanted at all: not with ``--no-input`` or the setting *off*."""
        return not (self.no_input or self.settings.prompts == "off")

    def leave_terminal(self) -> None:
        """Let the terminal show again what is typed."""
        if self._env is not None:
            self._env.unhush()

    def _tell_of_caught_up(self, wallet: Wallet) -> None:
        """Print the outcomes of payments that an earlier command left pending."""
        caught_up = [] if self.as_json or not wallet.home.caught_up_messages else wallet.caught_up()
        if caught_up:
            from hongbao.ui import wording

            for row in caught_up:
                talk(say(N_("also: {what}"), what=wording.resolved(row)))

    def say_sandbox(self, wallet: Wallet) -> None:
        """Say that it is a sandbox, where an answer could be taken for a real wallet's."""
        if wallet.home.is_sandbox:
            self.remark(N_("{mark}: nothing in this wallet is anyone's money"), mark=SANDBOX)

    def close_home(self) -> None:
        """Close the home to others who could write to it, and say so: it may have been used."""
        from hongbao.home.opening import close_home

        for folder, closed in close_home(self.env).items():
            if closed:
                text = N_("other users of this machine could write to {path}; this is closed now")
            else:
                text = N_("other users can write to {path}, and the permission cannot be removed")
            self.remark(text, path=folder)

    @property
    def acting_as(self) -> str | None:
        """The profile that acts: the one that was named, or the settings' one; None is `use`'s."""
        named = self.named_profile  # an empty one is a mistake, and not the default
        return self.settings.default_profile if named is None else named

    @property
    def named_profile(self) -> str | None:
        """The profile that was named for this command; what it hints at names the same."""
        if self.profile is not None:
            return self.profile
        return self._variables.get("HONGBAO_PROFILE") or None

    def is_there(self, wallet: Wallet, challenge: str) -> bool:
        """
        Ask *challenge* on the terminal until it is answered; return whether there is a terminal.

        Raises what `answer_challenge` does once no try is left.
        """
        try:
            self.answer_challenge(wallet, challenge)
        except errors.Unanswered:
            return False
        self.notes.was_challenged = True
        return True

    def answer_challenge(self, wallet: Wallet, challenge: str) -> ChallengePassed:
        """Ask *challenge* on the terminal until it is answered (see `is_there`); or Unanswered."""
        from hongbao.ui import challenges

        said = None
        while True:
            asked = wallet.challenge(challenge)
            shown = "\n".join(challenges.to_count(asked, said))
            question, facts = challenges.QUESTION, {"sought": asked["sought"]}
            text = f"{shown}\n{_prompt(say(question, **facts))}"
            typed = self._ask(self.env.ask, text, question, "--answer", facts)
            try:
                passed = wallet.answer_challenge(challenge, typed)
            except (errors.InvalidAnswer, errors.WrongAnswer) as error:
                said = error.message
                self.notes.was_challenged = True
            else:
                self.notes.replies.append(("--answer", typed))
                return passed

    # --- answering -------------------------------------------------------------------------------

    def answer(self, answer: A, show: Callable[[A], None]) -> None:
        """Give *answer* as one JSON document where that is wanted, and by *show* for people."""
        self._is_rehearsed = bool(answer.get("dry_run"))
        self.notes.answer = answer
        with answering():
            if self.as_json:
                put(answer if self.explained is None else {**answer, "explained": self.explained})
            else:
                show(answer)
        if answer.get("replayed"):
            self.remark(N_("this request was answered before; the answer is repeated"))
        if answer.get("dry_run"):
            self.remark(N_("dry run: nothing was changed"))

    def answer_list(
        self, answer: A, listing: Listing, show: Callable[[A], None] | None = None
    ) -> None:
        """
        Give *answer* as `answer` does, its rows laid out as the options for lists say.

        *show* is how people see it where they have not chosen columns; else it is a table.
        """
        from hongbao.ui.listing import Layout
        from hongbao.ui.screen import is_terminal

        layout = self.layout
        if self.pictures:
            self._save_pictures(answer, listing, show)
            if not (self.as_json or layout.is_for_programs):
                return
        if self.as_json and self.columns is not None:
            self.answer(listing.for_json(answer, self.columns), lambda _answer: None)
            return
        if is_terminal() and layout == Layout():
            layout = Layout(columns=self.usual_columns)

        def print_rows(answer: A) -> None:
            if show is not None and layout == Layout() and (is_terminal() or listing.is_part):
                show(answer)
                return
            listing.print_rows(listing.of(answer), layout)
            if layout == Layout() and not is_terminal():
                listing.print_facts(answer)

        is_read = is_terminal() and not layout.is_for_programs and not self.as_json
        if is_read and listing.rows and not (self.no_pager or self.no_input):
            self.answer(answer, lambda answer: self._paged(lambda: print_rows(answer)))
        else:
            self.answer(answer, print_rows)

    def answer_in_lines(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Give *answers* as JSON, a document on each line."""
        with answering():
            for answer in answers:
                print(to_json(answer, encoding=sys.stdout.encoding))

    def answer_drawn(self, answer: A, listing: Listing, draw: Callable[[A], None]) -> None:
        """Give *answer* as something that is drawn, in a pipe as well; and save the drawing."""
        if self.pictures:
            self._save_pictures(answer, listing, draw)
            if not self.as_json:
                return
        self.answer(answer, draw)

    @property
    def pictures(self) -> dict[str, str]:
        """The files that the screen is saved in, by the option that asked for each."""
        files = {"--svg": self.svg, "--html": self.html}
        return {option: file for option, file in files.items() if file is not None}

    def _save_pictures(self, answer: A, listing: Listing, show: Callable[[A], None] | None) -> None:
        """Save what a terminal would show of *answer* (see `hongbao.commands.pictures`)."""
        from hongbao.commands import pictures

        def draw(answer: A) -> None:
            if show is None or self.columns is not None:
                listing.draw(listing.of(answer), self.columns)
            else:
                show(answer)

        pictures.save(self, answer, draw, title=self.command)

    def _paged(self, show: Callable[[], None]) -> None:
        from hongbao.ui import pager

        variables = self._variables
        if command := pager.chosen(self.settings.pager, variables):
            pager.paged(show, command, variables)
        else:
            show()

    @property
    def is_watched(self) -> bool:
        """Whether the answer goes to a person at a terminal."""
        return not self.as_json and sys.stdout.isatty()

    def may_move(self) -> bool:
        """Whether anything may move on this person's screen."""
        from hongbao.ui import motion

        return motion.may_move(self.settings, self._variables)

    def play(self, frames: Frames, seconds: float) -> None:
        """Show *frames* where something may move and can (see `hongbao.ui.motion`)."""
        if not self.is_watched:
            return
        from hongbao.ui import motion

        if motion.is_wanted(self.settings, self._variables) and motion.is_possible():
            motion.play(frames, seconds)

    def remark(self, sentence: str, **facts: object) -> None:
        """Print a remark for people, on standard error; not with ``--json``."""
        if not self.as_json:
            talk(say(sentence, **facts))

    def hint(self, sentence: str, **facts: object) -> None:
        """
        Print a hint, the next step, for people on standard error; not with ``--json``.

        After a dry run there is none: what it would follow was not done.
        """
        if not (self.as_json or self._is_rehearsed):
            hint = addressed(say(sentence, **facts), self.named_profile)
            talk(say(N_("hint: {hint}"), hint=hint))


PERSONAL = frozenset(
    {
        *("balance", "card", "challenge", "claim", "compare", "device", "export", "history"),
        *(
            "identify",
            "import",
            "inbox",
            "key",
            "limits",
            "packets",
            "pin",
            "receipt",
            "refund",
            "risk why",
        ),
        *("send", "show", "topup", "totp", "trace", "watch", "withdraw", "year"),
    }
)
"""Commands whose answer depends on whose it is."""

_TYPED = r"`hongbao (?P<command>[\w-]+)(?P<rest>[^`]*)`"


def addressed(hint: str, acting_as: str | None) -> str:
    """
    Return *hint* with commands that do what it says for a person who named a profile with ``-p``.

    A command that names another one is for someone else, and stays as it is.

    >>> addressed("see `hongbao show hb_7Q2M4K9X`", "小红")
    'see `hongbao show hb_7Q2M4K9X -p 小红`'
    >>> addressed("see `hongbao show --help`, or `hongbao claim hb_7Q2M4K9X -p NAME`", "小红")
    'see `hongbao show --help`, or `hongbao claim hb_7Q2M4K9X -p NAME`'
    """
    if acting_as is None:
        return hint

    name = shell_word(acting_as)

    def addressed_command(typed: re.Match[str]) -> str:
        command, rest = typed["command"], typed["rest"]
        group = " ".join([command, *rest.split()[:1]])
        if PERSONAL.isdisjoint({command, group}) or " -p " in rest or " --help" in rest:
            return typed[0]
        return f"`hongbao {command}{rest} -p {name}`"

    return re.sub(_TYPED, addressed_command, hint)


def talk(text: str, *, wrapped: bool = True) -> None:
    """Print *text* on standard error, *wrapped* on a terminal; a closed stream is no error."""
    if sys.stderr is None:
        return
    # A path that was typed may hold what a terminal would obey.
    text = "\n".join(harmless(line, len(line)) for line in text.split("\n"))
    with suppress(OSError):
        if wrapped and sys.stderr.isatty():
            from hongbao.ui.script import folded, terminal_columns

            text = "\n".join(folded(text, terminal_columns()))
        print(text, file=sys.stderr)


def _prompt(question: str) -> str:
    """Return *question* as a prompt, with the colon of the chosen language."""
    return say(N_("{prompt}: "), prompt=question)


def _has_no_ledger_open() -> bool:
    engines = (sys.modules.get(f"hongbao.engines.{name}.engine") for name in ("sqlcipher", "mysql"))
    return not any(engine.is_any_open() for engine in engines if engine is not None)
