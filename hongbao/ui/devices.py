"""Devices and authenticators on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.risk.places import place_called
from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import CURRENT, Field, Listing, dated, mark, named_current
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe
from hongbao.words import N_, _, language, say

if TYPE_CHECKING:
    from hongbao.answers import (
        DeviceChanged,
        DeviceFaultSet,
        DeviceLine,
        DeviceMoved,
        DeviceRemoved,
        LoggedIn,
        TotpChanged,
        TotpCode,
        TotpShown,
    )

_STATES = {
    "pending": N_("waiting"),
    "approved": N_("authorised"),
    "certified": N_("certified"),
}

_CHANGED = {
    "pending": N_("{device} is waiting for approval by {profile}"),
    "approved": N_("authorised {device} for {profile}"),
    "certified": N_("{device} is certified for {profile}: its signature counts as a second factor"),
}


def _standing(row: DeviceLine) -> Cell:
    if row["cut_at"] is not None:
        return Cell(_("logged out"), "red")
    if not row["here"]:
        return Cell(_("not here"), "dim")
    styles = {"pending": "yellow", "certified": "green"}
    return Cell(_(_STATES[row["state"]]), styles.get(row["state"], ""))


def city(code: str) -> str:
    """Return the name of the city *code*."""
    place = place_called(code)
    if place is None:
        return _("unknown place")
    return place.name_zh if language().startswith("zh") else place.name_en


DEVICES = Listing(
    rows="devices",
    fields=(
        CURRENT,
        Field("device", Column(N_("device"), gives=True), named_current("device")),
        Field("state", Column(N_("state"), below=True), _standing),
        Field("here", text=mark("here", "here", "elsewhere")),
        Field(
            "city",
            Column(N_("city"), below=True),
            lambda row: "" if row["city"] == "unknown" else city(row["city"]),
        ),
        Field("session", Column(N_("session"), below=True, named=True)),
        Field("cut_at"),
        Field("since", Column(N_("since"), below=True, extra=True), dated("since")),
        Field(
            "shared_with",
            Column(N_("shared with"), gives=True, below=True, named=True),
            lambda row: safe(_(", ").join(row["shared_with"])),
        ),
        Field("fault"),
    ),
    screen=("current", "device", "state", "city", "session", "shared_with", "since"),
    empty=N_("no devices yet"),
)


def show_changed(changed: DeviceChanged) -> None:
    """Print how the profile stands to the device now."""
    device = safe(changed["device"])
    line(
        deed(changed, _CHANGED[changed["state"]], device=device, profile=safe(changed["profile"])),
        bold=device,
    )


def show_removed(removed: DeviceRemoved) -> None:
    """Print which device was removed, and whether its key was destroyed."""
    sentence = (
        N_("{device} is no longer authorised for {profile}; its key is destroyed")
        if removed["key_destroyed"]
        else N_("{device} is no longer authorised for {profile}")
    )
    device = safe(removed["device"])
    line(deed(removed, sentence, device=device, profile=safe(removed["profile"])), bold=device)


def show_logged_in(begun: LoggedIn) -> None:
    """Print which session has begun where."""
    device = safe(begun["device"])
    line(say(N_("logged in {device} · session {number}"), number=begun["session"], device=device))


def show_moved(moved: DeviceMoved) -> None:
    """Print where the device is now."""
    place = city(moved["city"])
    line(
        deed(moved, N_("{device} is now in {city}"), device=safe(moved["device"]), city=place),
        bold=place,
    )


def show_fault_set(fault: DeviceFaultSet) -> None:
    """Print what the device does wrong next."""
    sentence = {
        "replay": N_("the next request of {device} repeats a used nonce"),
        "forge": N_("the next request of {device} has a forged signature"),
        None: N_("{device} works normally"),
    }[fault["device_fault"]]
    line(deed(fault, sentence, device=safe(fault["device"])))


# --- authenticators ------------------------------------------------------------------------------


def show_totp(shown: TotpShown) -> None:
    """Print whether there is an authenticator, and what authenticates a payment."""
    if not is_terminal():
        pipe(("on" if shown["authenticator"] else "off", *shown["factors"]))
        return
    sentence = (
        N_("{profile} has an authenticator · a payment takes {factors}")
        if shown["authenticator"]
        else N_("{profile} has no authenticator · a payment takes {factors}")
    )
    line(say(sentence, profile=safe(shown["profile"]), factors=wording.factors(shown["factors"])))


def show_totp_changed(changed: TotpChanged) -> None:
    """Print whether a code is asked for from now on."""
    sentence = (
        N_("{profile} now has an authenticator: each PIN needs its code too")
        if changed["authenticator"]
        else N_("{profile} has no authenticator any more")
    )
    line(say(sentence, profile=safe(changed["profile"])))


def show_code(shown: TotpCode) -> None:
    """Print the code, and how long it is shown."""
    if not is_terminal():
        pipe((shown["code"],))
        return
    left = wording.time_left(shown["at"], shown["next_at"])
    line(say(N_("{code} · valid for {left}"), code=shown["code"], left=left), bold=shown["code"])
