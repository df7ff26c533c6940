"""Publishing on the terminal: what a relay says, and how far each target is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hongbao.errors import recall
from hongbao.ui import wording
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, line, safe
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import PublishingLine


def show_published(done: PublishingLine) -> None:
    """Print how many events were sent."""
    target = safe(done["target"])
    if not done["events"]:
        line(say(N_("nothing new to publish · {target}"), target=target))
        return
    line(say(N_("published events: {count} · {target}"), count=done["events"], target=target))


def show_said(said: PublishingLine) -> None:
    """Print what a relay says that follows, if it is no trouble."""
    at, target = wording.when(said["at"]), safe(said["target"])
    match said["event"]:
        case "ready":
            text = say(
                N_("{at} · publishing to {target} · {count} so far"),
                at=at,
                target=target,
                count=said["published"],
            )
            line(f"{text} · {_('Ctrl-C ends it')}", dim=at)
        case "epoch":
            text = N_("{at} · a new epoch has begun: {epoch}")
            line(say(text, at=at, epoch=said["epoch"]), dim=at)
        case "stopped":
            text = N_("{at} · stopped · published events: {count}")
            line(say(text, at=at, count=said["events"]), dim=at)


def trouble(said: PublishingLine) -> str:
    """Return a sentence on what is waited for, or that it is there again."""
    target = safe(said["target"])
    if said["event"] == "again":
        return say(N_("publishing to {target} again"), target=target)
    if said["error"] is None:
        text = say(N_("no broker of {target} answers; waiting for one"), target=target)
        return f"{text} · {safe(said['trouble'] or '')}"
    return say(N_("waiting: {why}"), why=recall(said["error"]).message)


def _behind(row: Any) -> Cell | str:
    return Cell(str(row["behind"]), "bold") if row["behind"] else "0"


PUBLICATIONS = Listing(
    rows="publications",
    fields=(
        Field("target", Column(N_("target")), says=N_("the brokers and the topic")),
        Field(
            "published",
            Column(N_("published"), right=True, below=True, named=True),
            says=N_("how many events"),
        ),
        Field(
            "behind",
            Column(N_("behind"), right=True, below=True, named=True),
            _behind,
            says=N_("how many wait"),
        ),
        Field(
            "since",
            Column(N_("since"), below=True, named=True),
            lambda row: "" if row["since"] is None else wording.when_short(row["since"]),
            says=N_("when the first that waits happened"),
        ),
        Field(
            "holder",
            Column(N_("publishing"), gives=True, below=True, named=True),
            says=N_("who publishes now"),
        ),
    ),
    more=(
        Field("at", says=N_("when the last was acknowledged")),
        Field("epoch", says=N_("which epoch they are sent in")),
        Field("fence", says=N_("how often the target was taken")),
    ),
    empty=N_("nothing was published yet"),
)
