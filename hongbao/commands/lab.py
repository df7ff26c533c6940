"""``hongbao lab``."""

from collections.abc import Mapping
from contextlib import closing
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands.declared import (
    Argument,
    Context,
    Kind,
    Option,
)
from hongbao.commands.options import (
    Command,
    caller,
    listing,
    new_app,
    one_of,
    whole,
)
from hongbao.commands.orders import FAULTS, add_to
from hongbao.commands.rules import read_policy
from hongbao.domain.money import parse_yuan
from hongbao.errors import PlayFailed
from hongbao.paths import typed_path
from hongbao.words import N_, language, use_language

if TYPE_CHECKING:
    from collections.abc import Callable

    from hongbao.answers import FairnessLine, FairnessMeasured
    from hongbao.commands.caller import Caller
    from hongbao.story import Story

RUN = "run"


def _named(words: list[str], commands: Mapping[str, Any]) -> list[str]:
    """Return *words* with the command that a fault's name alone means: to run its experiment."""
    is_fault = words[0] not in commands and not words[0].startswith("-")
    return [RUN, *words] if is_fault else words


app = new_app(cls=Kind("lab:FAULTS", implied=_named, offered=one_of(*FAULTS)))
add_to(app)


@app.callback(
    invoke_without_command=True,
    short_help=N_("See famous faults lose money, next to hongbao."),
    help=N_(
        "Without a command, it lists the faults; `hongbao lab FAULT` runs one. A small broken "
        "engine and hongbao play the same story, on throw-away ledgers. Your wallet is not touched."
    ),
    epilog="hongbao lab\nhongbao lab oversell",
)
def lab(ctx: Context) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from hongbao.lab.experiments import all_described
    from hongbao.ui import lab as screen

    call = _speaking(ctx)
    call.answer_list({"faults": all_described()}, screen.FAULTS)


@app.command(
    RUN,
    cls=Command,
    short_help=N_("Run an experiment; `hongbao lab FAULT` is short for it."),
    help=N_(
        "It shows what both engines do and lose, what a detector finds in their ledgers, a public "
        "example, and the rule that prevents the fault."
    ),
    epilog="hongbao lab run oversell\nhongbao lab oversell --json",
)
def run(
    ctx: Context,
    name: Annotated[
        str,
        Argument(
            metavar="FAULT", autocompletion=one_of(*FAULTS), help=N_("a fault that `lab` lists")
        ),
    ],
) -> None:
    from hongbao.commands.demo import ending_tidily
    from hongbao.lab.experiments import experiment
    from hongbao.lab.watching import watched
    from hongbao.ui import lab as screen

    call = _speaking(ctx)
    with ending_tidily():  # or the folder of a throw-away wallet would be left
        shown = experiment(name, call.env, watch=watched(call.play))
    if (seconds := screen.seconds(shown)) > 0:
        call.play(lambda gone, width: screen.frame(shown, gone, width), seconds)
    call.answer(shown, screen.show_experiment)


class Rule(StrEnum):
    """The rules of dealing that can be measured; the last one is broken."""

    DOUBLE_MEAN = "double-mean"
    SHUFFLED = "shuffled"
    EQUAL = "equal"
    BIASED = "biased-deal"


@app.command(
    "fairness",
    cls=listing("fairness:LINES", pictured=True),
    short_help=N_("Measure what each dealing rule gives to each position."),
    help=N_(
        "It deals a packet many times, by hongbao's own functions and by a broken rule: mean, "
        "spread and the chance of being luckiest, by the order of claims."
    ),
    epilog=(
        "hongbao lab fairness\n"
        "hongbao lab fairness 100 --count 10 --rule shuffled\n"
        "hongbao lab fairness --svg fairness.svg"
    ),
)
def fairness(
    ctx: Context,
    amount: Annotated[
        int | None,
        Argument(
            metavar="AMOUNT",
            parser=parse_yuan,
            help=N_("the total of the packet, in yuan (default: 10)"),
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int,
        Option(
            "--count",
            "-c",
            metavar="COUNT",
            parser=whole("--count", 1),
            help=N_("number of shares"),
        ),
    ] = 5,
    deals: Annotated[
        int,
        Option("--deals", metavar="COUNT", parser=whole("--deals", 1), help=N_("how many packets")),
    ] = 100_000,
    rule: Annotated[
        Rule | None,
        Option(
            "--rule",
            metavar="RULE",
            help=N_("only double-mean, shuffled, equal or biased-deal"),
        ),
    ] = None,
    seed: Annotated[
        str, Option("--seed", metavar="TEXT", help=N_("the seed of the randomness"))
    ] = "lab",
) -> None:
    from hongbao.domain.policy import check_packet
    from hongbao.lab.fairness import chosen_rules, measured
    from hongbao.queries.privacy import Known
    from hongbao.ui import fairness as screen
    from hongbao.ui.progress import counting

    call = _speaking(ctx)
    total_fen = 1_000 if amount is None else amount
    rules = read_policy("standard").packet
    check_packet(rules, total_fen, count)
    call.known, call.with_names = Known(), True  # there is no one in it
    lines: list[FairnessLine] = []
    chosen = chosen_rules(rule, total_fen, count)
    with counting(N_("dealing"), call.may_move) as tell:
        for number, each in enumerate(chosen):
            lines += measured(
                each,
                total_fen=total_fen,
                count=count,
                cap_fen=rules.share_max_fen,
                deals=deals,
                seed=seed,
                tell=partial(_tell, tell, deals * number, deals * len(chosen)),
            )
    answer: FairnessMeasured = {
        "total_fen": total_fen,
        "count": count,
        "deals": deals,
        "chance_seed": seed,
        "lines": lines,
    }
    call.answer_list(answer, screen.LINES, screen.show_fairness)


def _tell(tell: "Callable[[int, int], None]", before: int, total: int, dealt: int) -> None:
    """Show that *dealt* packets more than those *before* have been dealt, of a *total*."""
    tell(before + dealt, total)


@app.command(
    "catch",
    cls=listing("lab:CAUGHT"),
    short_help=N_("See how many broken engines your expectations catch."),
    help=N_(
        "FILE is a story. It has to pass on hongbao; then it is played on each of the broken "
        "engines. One that breaks an expectation is caught, and the others got away."
    ),
    epilog="hongbao lab catch mine.txt",
)
def catch(
    ctx: Context,
    file: Annotated[str, Argument(metavar="FILE", show_default=False, help=N_("your story"))],
) -> None:
    from hongbao.commands.demo import ending_tidily
    from hongbao.lab.catching import caught
    from hongbao.story import read
    from hongbao.ui import lab as screen

    call = _speaking(ctx)
    story = read(typed_path(file), file)
    with ending_tidily():
        answer = caught(story)  # first: it refuses what no engine understands, before it is played
        _hold(call, story)
    call.answer_list(answer, screen.CAUGHT, screen.show_caught)


def _hold(call: "Caller", story: "Story") -> None:
    """Play *story* on hongbao. Raises PlayFailed where it does not hold."""
    from hongbao.story import Failed, perform
    from hongbao.story.folders import lent_folder
    from hongbao.ui.stories import failure_lines, show_event

    with lent_folder("story") as lent:
        events = perform(
            story,
            lent,
            language="en" if call.as_json else language(),
            variables=call.env.variables,
            run=call.run,
        )
        with closing(events):
            failed = [event for event in events if isinstance(event, Failed)]
    if not failed:
        return
    if not call.as_json:
        for event in failed:
            show_event(event)
    raise PlayFailed(
        failed=len(failed),
        skipped=0,
        failures=[event._asdict() | {"text": "\n".join(failure_lines(event))} for event in failed],
    )


def _speaking(ctx: Context) -> "Caller":
    """Return the caller; programs get the same in every language."""
    call = caller(ctx)
    if call.as_json:
        use_language("en")
    return call
