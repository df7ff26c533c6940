"""
The topics of `hongbao help`: what is true of every command, each fact from where it is decided.

A topic is written with the verbs of `hongbao.commands.page.Page`, which a man page has as well.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hongbao import settings
from hongbao.errors import ExitCode
from hongbao.words import C_, N_, _

EXIT_CODES: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.OK: N_("done"),
        ExitCode.UNEXPECTED: N_("a bug of ours"),
        ExitCode.USAGE: N_("wrong usage"),
        ExitCode.NOT_FOUND: N_("not found"),
        ExitCode.NOT_CLAIMABLE: N_(
            "not claimable: finished, expired, already claimed, not for you"
        ),
        ExitCode.INSUFFICIENT: N_("not enough money"),
        ExitCode.LIMIT: N_("over a limit"),
        ExitCode.PIN: C_("exit code", "PIN"),
        ExitCode.BUSY: N_("busy; try again"),
        ExitCode.HELD: N_("stopped by risk control (an act whose money is held ends with 0)"),
        ExitCode.PENDING: N_("pending: the outcome is not known yet"),
        ExitCode.CONFLICT: N_("request id reused with other inputs"),
        ExitCode.DAMAGED: N_("damaged or tampered with"),
        ExitCode.LOCKED: N_("the wallet is locked"),
        ExitCode.UNUSABLE: N_(
            "the wallet cannot be used as it is: disk full, read-only, or written by a newer "
            "version"
        ),
        ExitCode.DECLINED: N_("declined: the bank said no, or cannot be reached"),
        ExitCode.DIFFERENCES: N_("two institutions' books do not agree"),
        ExitCode.EXPECTATION: N_("a story's command did not do what the story says"),
        ExitCode.UNDELIVERED: N_("an event was not delivered, and is not tried again"),
        ExitCode.INTERRUPTED: N_("interrupted"),
    }
)
"""What each exit code says to a script."""

SCRIPTS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.OK: N_("continues"),
        ExitCode.UNEXPECTED: N_(
            "stops, and reports it: the request may have been carried out, in whole or in part"
        ),
        ExitCode.USAGE: N_("stops: the command line, a file or an answer has to be corrected"),
        ExitCode.NOT_FOUND: N_("stops: no such wallet, profile, packet, card, case or file"),
        ExitCode.NOT_CLAIMABLE: N_("moves on: trying again changes nothing"),
        ExitCode.INSUFFICIENT: N_("tops up, or sends less"),
        ExitCode.LIMIT: N_("waits until the moment in the error, or sends less"),
        ExitCode.PIN: N_("stops: another wrong try may lock the PIN"),
        ExitCode.BUSY: N_("tries again, with the same request ID"),
        ExitCode.HELD: N_("reads `code`: answer a challenge, pay less, wait, or log in again"),
        ExitCode.PENDING: N_(
            "does not pay again; repeats the request with the same request ID, or runs "
            "`hongbao settle`"
        ),
        ExitCode.CONFLICT: N_("stops: its own bookkeeping of request IDs is wrong"),
        ExitCode.DAMAGED: N_("stops, and tells a person; a backup may help"),
        ExitCode.LOCKED: N_("stops, or reads the passphrase from `HONGBAO_PASSPHRASE_FILE`"),
        ExitCode.UNUSABLE: N_("stops, and tells a person"),
        ExitCode.DECLINED: N_("uses another card, or tries later with a new request ID"),
        ExitCode.DIFFERENCES: N_("tells a person, who corrects the books"),
        ExitCode.EXPECTATION: N_(
            "tells a person: `hongbao play` names the file and the line, what was expected and "
            "what came"
        ),
        ExitCode.UNDELIVERED: N_(
            "tells a person: `hongbao events deliveries` says where and why, `events resend` "
            "sends it again"
        ),
        ExitCode.INTERRUPTED: N_(
            "stops: the request may have been carried out, in whole or in part"
        ),
    }
)
"""What a script does about each exit code; docs/reference/exit-codes.md has the same."""

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "HONGBAO_HOME": N_("the wallet's folder; default: the platform's folder for data"),
        "HONGBAO_CONFIG": N_("the file of settings; see `hongbao config path`"),
        "HONGBAO_LANG": N_("en or zh; default: LC_ALL, LC_MESSAGES and LANG decide"),
        "HONGBAO_PROFILE": N_("who acts, where -p does not say"),
        "HONGBAO_PIN_FILE": N_("the file with the payment PIN, where --pin-file does not say"),
        "HONGBAO_TOTP_FILE": N_(
            "the file with the authenticator's code or secret, where --totp-file does not say"
        ),
        "HONGBAO_PASSPHRASE_FILE": N_("the file with the passphrase of a locked wallet"),
        "HONGBAO_LEDGER_PASSWORD_FILE": N_(
            "the file with the database user's password, for a ledger on a cluster"
        ),
        "HONGBAO_MOTION": N_("auto or off: whether anything on the screen moves"),
        "HONGBAO_PROMPTS": N_("auto, plain (numbers instead of arrow keys) or off"),
        "HONGBAO_PAGER": N_("the program for long lists; empty for none; default: PAGER, or less"),
        "HONGBAO_FONT": N_("the font for PDF; default: the one that hongbao[pdf] installs"),
        "HONGBAO_RECORDING": N_("the log that commands are recorded in; see `hongbao record`"),
        "HONGBAO_ERROR_FILE": N_("a file for the code of the error that a command ends with"),
        "NO_COLOR": N_("any value turns colour off"),
        "REDUCED_MOTION": N_("nothing moves on the screen, with any value"),
        "ACCESSIBLE": N_("for screen readers: nothing moves, with any value"),
        "CI": N_("no person is watching: nothing moves, with any value"),
        "COLUMNS": N_("how wide the terminal is"),
        "VISUAL": N_("the editor of `hongbao config edit`; then EDITOR, then vi"),
        "HONGBAO_GATE": N_("a place at a gate, where stories give turns; never set it yourself"),
        "HONGBAO_DEBUG": N_("show a bug's traceback"),
    }
)
"""Every variable that hongbao reads; docs/reference/options-and-variables.md has the same."""


class Topic(NamedTuple):
    """A topic: its *title* in one line, its section among man pages, and what it says."""

    title: str
    section: int
    write: Callable[[Any], None]


def _options(page: Any) -> None:
    page.write_text(
        _(
            "Every command takes these, before or after its own name. A PIN or a passphrase is "
            "never an argument: shells remember arguments, and every user of the machine can see "
            "them."
        )
    )
    from hongbao.commands.library import shared_options

    with page.section(_("Options")):
        page.write_dl(shared_options())


def _environment(page: Any) -> None:
    page.write_text(
        _(
            "A variable beats the file of settings, and an option beats both. A variable that is "
            "empty is not set, unless it says so here."
        )
    )
    with page.section(_("Variables")):
        page.write_dl(list(VARIABLES.items()))


def _exit_codes(page: Any) -> None:
    page.write_text(
        _(
            "Scripts can depend on these numbers: new ones are added, none is changed. What is "
            "refused changes nothing. When several refusals apply, the first of these is said: "
            "usage, lock, PIN, device and signature, the packet's state, limits, risk, funds."
        )
    )
    with page.section(_("Exit codes")):
        page.write_dl([(str(int(code)), said) for code, said in EXIT_CODES.items()])


def _formatting(page: Any) -> None:
    page.write_text(
        _(
            "On a terminal, answers are for people: tables as wide as the terminal, in your "
            "language; they may look different in the next version. For programs there are three "
            "forms, the same in every language, and they only grow."
        )
    )
    with page.section(_("For programs")):
        page.write_dl(
            [
                ("--json", N_("one JSON document; amounts in whole fen, times with their offset")),
                (
                    _("a pipe"),
                    N_(
                        "a line a row, fields separated by tabs, no heading; the fields and their "
                        "order never change; yuan with two decimals"
                    ),
                ),
                ("--header", N_("the same, with a first line that names the fields")),
                ("--csv", N_("CSV with a header row; --csv=excel for Excel in Chinese")),
                (
                    "--columns",
                    N_("choose columns: a,b, or +c to add one; --columns help lists them"),
                ),
            ]
        )
    page.write_paragraph()
    page.write_text(
        _(
            "Columns have the names of the JSON keys, in every language. An amount has two: "
            "amount_yuan is 66.66, amount_fen is 6666. Names and keys are only ever added. With "
            "--header or --columns, a tab, a line break or a backslash in a text is written \\t, "
            "\\n or \\\\."
        )
    )
    with page.section(_("As a picture")):
        page.write_dl(
            [
                ("--svg FILE", N_("save the screen as an SVG picture")),
                ("--html FILE", N_("save the screen as a page of HTML")),
                ("--names", N_("in the file, show other people's names, IDs and exact times")),
                ("--no-amounts", N_("in the file, hide the amounts")),
            ]
        )
    page.write_paragraph()
    page.write_text(
        _(
            "On a terminal, a list longer than the screen goes through a pager: HONGBAO_PAGER, the "
            "setting pager, PAGER, or less; --no-pager prints it at once."
        )
    )
    page.write_paragraph()
    page.write_text(
        _(
            "Data goes to standard output; hints, warnings and errors go to standard error; "
            "questions go to the terminal. Colour is for terminals only, and NO_COLOR turns it off."
        )
    )


def _config(page: Any) -> None:
    page.write_text(
        _(
            "Settings are in a TOML file, one text in quotes each; `hongbao config path` says "
            "where. A variable beats the file, and an option beats both; `hongbao config list "
            "--origin` shows which it was. PINs, --yes, operators and wallets are never settings."
        )
    )
    with page.section(_("Settings")):
        page.write_dl([(key, setting.help) for key, setting in settings.SETTINGS.items()])
    with page.section(_("Tables")):
        page.write_dl([(f"[{key}]", setting.help) for key, setting in settings.TABLES.items()])
    page.write_paragraph()
    page.write_examples(["hongbao config set language zh", "hongbao config edit"])


def _money(page: Any) -> None:
    page.write_text(
        _(
            "Every amount is a whole number of fen (分), a hundredth of a yuan; you type yuan with "
            "at most two decimals. Nothing is rounded away: what a packet does not pay out goes "
            "back to its sender."
        )
    )
    with page.section(_("Where your money is")):
        page.write_dl(
            [
                (_("available"), N_("your balance (零钱): you can send or withdraw it")),
                (_("in packets"), N_("sent and not claimed yet; returned after 24 hours")),
                (_("on hold"), N_("kept apart by risk control until a case is decided")),
                (_("in transit"), N_("on its way from or to a bank, through a clearing channel")),
            ]
        )
    page.write_paragraph()
    page.write_text(
        _(
            "The ledger has two sides for every movement, and `hongbao check` adds all of them "
            "again. `hongbao trace PACKET` shows each step of one payment, and `hongbao books` "
            "the books of everyone who takes part."
        )
    )


def _accessibility(page: Any) -> None:
    page.write_text(
        _(
            "Meaning is never in a colour alone, every answer is text, and each can be had "
            "without motion, colour or arrow keys."
        )
    )
    with page.section(_("Settings")):
        page.write_dl(
            [
                ("prompts plain", N_("choose by number or by name, instead of arrow keys")),
                ("motion off", N_("nothing on the screen moves; you see the result at once")),
                ("pager ''", N_("long lists are printed in one piece")),
                ("NO_COLOR=1", N_("no colour")),
                ("ACCESSIBLE=1", N_("what a screen reader needs: nothing moves")),
                ("--json", N_("everything as data, for other programs")),
            ]
        )
    page.write_paragraph()
    page.write_examples(["hongbao config set prompts plain", "hongbao config set motion off"])


TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "options": Topic(N_("The options that every command takes."), 7, _options),
        "environment": Topic(
            N_("The variables of the environment that hongbao reads."), 7, _environment
        ),
        "exit-codes": Topic(
            N_("The exit codes by which scripts know how a command ended."), 7, _exit_codes
        ),
        "formatting": Topic(
            N_("The forms of answers, for people and for programs."), 7, _formatting
        ),
        "config": Topic(N_("Your settings, and the file they are in."), 5, _config),
        "money": Topic(N_("Amounts, and where your money is."), 7, _money),
        "accessibility": Topic(
            N_("How to work without colour, motion or arrow keys."), 7, _accessibility
        ),
    }
)
"""Every topic, in the order in which the root help names them."""
