"""A program that does nothing, on the command-line library that hongbao stands on."""

import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def nothing() -> None:
    """Do nothing."""


def main() -> None:
    """Run the one command there is."""
    app()
