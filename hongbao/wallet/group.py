"""A group of acts: done one after the other, sealed together, each with its own answer."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from hongbao.errors import Busy, HongbaoError, NotIntact, OutcomeUnknown, Unusable
from hongbao.home.opened import Home
from hongbao.wallet.again import repeat
from hongbao.wallet.signing import keys_with_their_devices, only_keys_of_done_acts
from hongbao.wallet.unit_of_work import note_head

if TYPE_CHECKING:
    from hongbao.home.kept import KeptAct

A = TypeVar("A")


def together(home: Home, acts: Iterable[Callable[[], A]]) -> list[A | HongbaoError]:
    """
    Do *acts* one after the other under one seal; return what each is answered, or refused with.

    Each is a function that does an act, such as ``lambda: send(home, …)``, and is the act that it
    would be alone: with its own entry, request and answer, and on what those before it have left.
    One that is refused leaves nothing but the memory of its request, and the others continue.

    All of them stand, or none does: what is wrong with the ledger rather than with an act is
    raised, and undoes the group. No one else writes in between, so all that has to be typed is
    better asked for before.

    Raises Busy, NotIntact or Unusable.
    """
    assert home.group is None
    begun: list[Callable[[], A]] = []
    coming = iter(acts)

    def again() -> Iterator[Callable[[], A]]:
        """Yield those that were begun before, then the next ones as they come."""
        yield from tuple(begun)
        for act in coming:
            begun.append(act)
            yield act

    return repeat(home, lambda: _together(home, again()))


def _together(home: Home, acts: Iterable[Callable[[], A]]) -> list[A | HongbaoError]:
    answers: list[A | HongbaoError] = []
    with (
        home.keys.sharing(),  # until the head is noted, no restore replaces the ledger
        keeping_answers(home),
    ):
        with keys_with_their_devices(home, dry_run=False), home.changing(), grouped(home) as group:
            for act in acts:
                try:
                    with home.watch.apart(), only_keys_of_done_acts(home):
                        answers.append(act())
                except (Busy, NotIntact, Unusable):
                    raise
                except HongbaoError as refused:
                    answers.append(refused)
            mac = home.store.append([], home.vault.chain_mac)
        if group:
            note_head(home, group[-1], mac)
    return answers


@contextmanager
def keeping_answers(home: Home) -> Iterator[None]:
    """Keep what devices are answered by the acts of a group, once it is done (see `Kept`)."""
    if home.store.log is None:
        yield
        return
    from hongbao.home.kept import Kept

    answered: list[tuple[int, KeptAct]] = []
    home.answered = answered
    try:
        yield
    except OutcomeUnknown:
        Kept(home).add(answered, answered=False)
        raise
    finally:
        home.answered = None
    Kept(home).add(answered)


@contextmanager
def grouped(home: Home) -> Iterator[list[int]]:
    """Let the acts within be a group, whose entries what is given gathers."""
    group: list[int] = []
    home.group = group
    try:
        yield group
    finally:
        home.group = None


@contextmanager
def acting_as(home: Home, profile: str) -> Iterator[None]:
    """Let what is done within be done by *profile*: each act of a group has its own."""
    before = home.profile_name, home.device_name
    home.profile_name, home.device_name = profile, None
    try:
        yield
    finally:
        home.profile_name, home.device_name = before
