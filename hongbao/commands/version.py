"""``hongbao version``."""

from hongbao.commands.caller import Caller
from hongbao.commands.declared import Context
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Show the version of hongbao."),
    help=N_("With --json, also the version of the documents that --json prints."),
    epilog="hongbao version",
)
def version(ctx: Context) -> None:
    answer_version(caller(ctx))


def answer_version(call: Caller) -> None:
    """Answer with the version, as `hongbao version` and ``hongbao --version`` do."""
    from importlib.metadata import version as version_of

    from hongbao.documents import FORMAT

    number = version_of("hongbao")
    call.answer({"version": number, "json_version": FORMAT}, lambda _: print("hongbao", number))
