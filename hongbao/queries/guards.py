"""The active risk rules and model, parsed once, and a person's habits."""

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hongbao.errors import Damaged, InvalidModel, InvalidRiskPack
from hongbao.home.opened import Home
from hongbao.store import HomeRow

if TYPE_CHECKING:
    from hongbao.domain.risk.forest import Forest
    from hongbao.domain.risk.habit import Habit
    from hongbao.domain.risk.pack import Pack


class Guards(NamedTuple):
    """The active rules, and the model that is used with them."""

    pack: "Pack"
    forest: "Forest | None"


def guards_in_force(home: Home, home_row: HomeRow) -> Guards:
    """
    Return the active pack and model.

    Until the first act is judged, and keeps them, they are the shipped ones.
    """
    refs = (home_row.risk_pack, home_row.risk_model)
    if home.known_guards is None or home.known_guards[0] != refs:
        home.known_guards = (refs, _read_guards(home, home_row))
    found: Guards = home.known_guards[1]
    return found


def _read_guards(home: Home, home_row: HomeRow) -> Guards:
    from hongbao.packs import MODEL, STANDARD, model_text, text_of

    if home_row.risk_pack is None:
        return read_guards(text_of(STANDARD), STANDARD, model_text(), MODEL)
    return guards_named(home, home_row.risk_pack, home_row.risk_model)


def guards_named(home: Home, pack: str, model: str | None) -> Guards:
    """Return the rules and the model that a record names: this home keeps every one."""
    home.check_state(("risk_pack", pack), *([] if model is None else [("risk_model", model)]))
    text = home.store.rules("risk_pack", pack)
    if text is None:
        raise Damaged(path=home.store.where)
    learned = None if model is None else home.store.rules("risk_model", model)
    try:
        return read_guards(text, pack, learned, str(model))
    except (InvalidRiskPack, InvalidModel):  # both were read before they were kept
        raise Damaged(path=home.store.where) from None


KNOWN_HABITS_MAX = 256
"""How many people's habits an opened home keeps at hand, those that acted last: 10 KB each."""


class KnownHabit(NamedTuple):
    """
    A habit that was derived before, of the records up to entry *upto*.

    The one that the ledger keeps goes to entry *kept_upto*, and *entries* are those with records
    behind it.
    """

    habit: "Habit"
    upto: int
    kept_upto: int
    entries: tuple[int, ...]


class Remembered(NamedTuple):
    """A habit, of the records up to entry *upto*: *since_kept* of them are behind the kept row."""

    habit: "Habit"
    upto: int
    since_kept: int


def remembered(home: Home, profile: int) -> Remembered:
    """
    Derive the habit of *profile*: from the row that was last kept, and the records behind it.

    It is not written with each act, so reading it is bounded only by storing it again in time
    (`hongbao.wallet.risk_control.KEPT_EVERY`).
    """
    from hongbao.domain.risk.habit import after
    from hongbao.domain.risk.record import seen_in

    habit, upto, kept_upto, entries, records = _last_known(home, profile)
    if records:
        try:
            acts = [seen for _entry, risk in records if (seen := seen_in(risk)) is not None]
            habit = after(habit, *acts)
        except (AssertionError, KeyError, TypeError, ValueError):  # as no act has been
            raise Damaged(path=home.store.where) from None
        upto = records[-1][0]
    entries = (*entries, *[entry for entry, _risk in records if entry > kept_upto])
    home.known_habits.pop(profile, None)
    home.known_habits[profile] = KnownHabit(habit, upto, kept_upto, entries)
    home.met_habits.add(profile)
    if len(home.known_habits) > KNOWN_HABITS_MAX:
        del home.known_habits[next(iter(home.known_habits))]
    return Remembered(habit, upto, len(entries))


def _last_known(
    home: Home, profile: int
) -> tuple["Habit", int, int, tuple[int, ...], list[tuple[int, str]]]:
    """
    Return the habit last known of *profile*, up to which entry, and the records behind it.

    Also how far the habit goes that the ledger keeps, and the known entries behind that. What this
    process has derived before is as good as the row: entries do not change. `Home` forgets it where
    a transaction is undone, of whose entries it may have seen some, and with another ledger.
    """
    known: KnownHabit | None = home.known_habits.get(profile)
    if known is not None:
        kept, records = home.store.habit(profile, known.upto)
        kept_upto = 0 if kept is None else kept.upto
        if kept_upto >= known.kept_upto:
            entries = tuple([entry for entry in known.entries if entry > kept_upto])
            return known.habit, known.upto, kept_upto, entries, records
    from hongbao.domain.risk.habit import NEW, decode

    kept, records = home.store.habit(profile)
    if kept is None:
        return NEW, 0, 0, (), records
    return home.read_back(decode, kept.text), kept.upto, kept.upto, (), records


@lru_cache(maxsize=8)
def read_guards(pack: str, named: str, model: str | None, called: str) -> Guards:
    """
    Read a *pack*'s text and a *model*'s, which are *named* and *called* so where they are refused.

    Reading takes milliseconds, and what was read never changes: a process does it once.
    """
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.domain.risk.pack import parse_pack
    from hongbao.parsed import loads

    learned = None if model is None else parse_forest(model, called)
    return Guards(parse_pack(pack, named, loads), learned)
