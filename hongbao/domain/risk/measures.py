"""Measurement: each indicator computed from the habits and the requested act."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from itertools import islice

from hongbao.domain.risk.acts import IN, OUT, Asked, Seen, What
from hongbao.domain.risk.habit import DORMANT_S, LETTERS, Habit, china_day_number, china_hour
from hongbao.domain.risk.magnitude import amount_of, magnitude, ratio_tenths
from hongbao.domain.risk.places import distance_km

NEVER = 10**9
"""What a length of time is where it never began: larger than any that rules ask for."""

_EVER_S = 10**12
"""A window that holds all that is remembered."""

QUICK_MS = 1500
"""A claim within so many milliseconds of the packet was hardly made by hand."""

ACTS_MIN = 30
"""A person who has done less than this has no habits to compare an act with."""

OUTS_MIN = 10
"""A person who has paid out less often than this has no usual amount."""

Night = tuple[int, int]
"""From which hour to which of China's clock it is night. The first belongs to it."""


class Window:
    """The acts in a time window, with the act asked as the last of them."""

    __slots__ = ("acts", "counts", "fen")

    def __init__(self, acts: tuple[Seen, ...]) -> None:
        self.acts = acts
        counts, fen = _NONE.copy(), _NONE.copy()
        for _at, what, amount_fen, _other, _ms, _city in acts:
            counts[what] += 1
            fen[what] += amount_fen
        self.counts: Mapping[What, int] = counts
        """How many acts of each kind there are."""
        self.fen: Mapping[What, int] = fen
        """The sums of their amounts."""


class Look:
    """
    Everything that a measure may look at: the act *asked*, and the *habit* from before it.

    Several measures look back over the same window, and most windows hold the same acts: what is
    in each of them is counted once.
    """

    __slots__ = ("_by_first", "_by_length", "asked", "habit", "night", "seen")

    def __init__(self, habit: Habit, asked: Asked, night: Night) -> None:
        self.habit = habit
        self.asked = asked
        self.night = night
        self.seen = asked.seen
        """The act as it would be remembered."""
        self._by_length: dict[int, Window] = {}
        self._by_first: dict[int, Window] = {}

    def window(self, window_s: int) -> Window:
        """Return what was done in the last *window_s* seconds, of the acts that are remembered."""
        window = self._by_length.get(window_s)
        if window is None:
            recent, since = self.habit.recent, self.seen.at - window_s
            if not recent or recent[-1].at <= since:
                first = len(recent)
            elif recent[0].at > since:
                first = 0
            else:
                first = bisect_left(recent, since + 1, key=_at)
            window = self._by_first.get(first)
            if window is None:
                window = self._by_first[first] = Window((*recent[first:], self.seen))
            self._by_length[window_s] = window
        return window


Plain = Callable[[Look], int]
"""Looks at the act asked, or at the whole habit."""

Windowed = Callable[[Look, int], int]
"""Looks back over a window of so many seconds."""

Comparing = Callable[[Look, int, int], int]
"""Looks back over a window of so many seconds, for what compares with an amount in fen."""

_NONE = dict.fromkeys(What, 0)


def _at(seen: Seen) -> int:
    return seen.at


def count(whats: Collection[What]) -> Windowed:
    """Count such acts."""
    kinds = tuple(whats)

    def measure(look: Look, window_s: int) -> int:
        counts = look.window(window_s).counts
        return sum([counts[what] for what in kinds])

    return measure


def total_fen(whats: Collection[What]) -> Windowed:
    """Add up the amounts of such acts."""
    kinds = tuple(whats)

    def measure(look: Look, window_s: int) -> int:
        fen = look.window(window_s).fen
        return sum([fen[what] for what in kinds])

    return measure


def others(what: What) -> Windowed:
    """Count the different people at the other end of such acts."""

    def measure(look: Look, window_s: int) -> int:
        window = look.window(window_s)
        if not window.counts[what]:
            return 0
        return len({seen.other for seen in window.acts if seen.what is what} - {0})

    return measure


# --- behaviour 行为 -------------------------------------------------------------------------------


def acts(look: Look, window_s: int) -> int:
    """Count acts of any kind."""
    return len(look.window(window_s).acts)


def quick_claims(look: Look, window_s: int) -> int:
    """Count claims that were hardly made by hand."""
    window = look.window(window_s)
    return len([seen for seen in window.acts if 0 <= seen.reaction_ms <= QUICK_MS])


def reaction_ms(look: Look) -> int:
    """Return the time from the sending of the packet to this claim."""
    reaction_ms = look.seen.reaction_ms
    return NEVER if reaction_ms < 0 else reaction_ms


def steady(look: Look, window_s: int) -> int:
    """
    Count the latest acts of this kind that follow each other like the ticks of a clock.

    Their gaps are a second at least, because what happens at once is counted by other indicators,
    and the longest is at most a tenth more than the shortest.
    """
    what, later = look.seen.what, look.seen.at
    shortest = longest = 0
    run = 1
    for seen in islice(reversed(look.window(window_s).acts), 1, None):  # the act asked is the last
        if seen.what is not what:
            continue
        gap = later - seen.at
        shortest, longest = min(shortest or gap, gap), max(longest, gap)
        if gap < 1 or 10 * longest > 11 * shortest:
            break
        later = seen.at
        run += 1
    return run


def unlike_self(look: Look) -> int:
    """
    Return how unusual this act is for this person after the last one.

    A kind of act that was seldom the last one says little about what follows it, so what this
    person does at any time counts along, as if it had been seen ten times more.
    """
    if look.habit.acts < ACTS_MIN:
        return 0
    now, last = LETTERS[look.seen.what], LETTERS[look.habit.recent[-1].what]
    here = anywhere = this = total = 0
    for step, count in look.habit.steps.items():
        total += count
        if step[1] == now:
            anywhere += count
        if step[0] == last:
            here += count
            if step[1] == now:
                this = count
    return 1000 - 1000 * (this * total + 10 * anywhere) // ((here + 10) * total)


# --- transaction 交易 -----------------------------------------------------------------------------


def times_usual(look: Look) -> int:
    """Return this amount as tenths of what this person usually pays out at once."""
    if look.habit.outs < OUTS_MIN or look.seen.what not in OUT:
        return 0
    usual = look.habit.outs_magnitude // look.habit.outs
    return ratio_tenths(magnitude(look.seen.amount_fen) - usual)


def usual_fen(habit: Habit) -> int | None:
    """
    Return the usual amount of this person: the geometric mean of all payments.

    None for a person who has paid out less than `OUTS_MIN` times.
    """
    return amount_of(habit.outs_magnitude // habit.outs) if habit.outs >= OUTS_MIN else None


def day_in_fen(look: Look) -> int:
    """Return the sum received on this day in China, exactly."""
    before_fen = look.habit.day_in_fen if _is_same_day(look) else 0
    return before_fen + (look.seen.amount_fen if look.seen.what in IN else 0)


def day_out_fen(look: Look) -> int:
    """Return the sum paid out on this day in China, exactly."""
    before_fen = look.habit.day_out_fen if _is_same_day(look) else 0
    return before_fen + (look.seen.amount_fen if look.seen.what in OUT else 0)


def _is_same_day(look: Look) -> bool:
    return look.habit.day == china_day_number(look.seen.at)


def is_night(look: Look) -> int:
    """Return 1 at night, else 0. A night may go over midnight; from 0 to 0 there is none."""
    first, end = look.night
    return int((china_hour(look.seen.at) - first) % 24 < (end - first) % 24)


def hour_rare(look: Look) -> int:
    """Return how rarely this person acts within an hour of this time of day."""
    hours, hour = look.habit.hours, china_hour(look.seen.at)
    total = sum(hours)
    if total < ACTS_MIN:
        return 0
    around = hours[hour - 1] + hours[hour] + hours[(hour + 1) % 24]
    return 1000 - 1000 * around // total


def just_below(look: Look, window_s: int, of_fen: int) -> int:
    """Count the amounts in this act's direction that stay within a tenth under *of_fen*."""
    direction = OUT if look.seen.what in OUT else IN
    least_fen = -(-9 * of_fen // 10)
    return len(
        [
            seen
            for seen in look.window(window_s).acts
            if least_fen <= seen.amount_fen < of_fen and seen.what in direction
        ]
    )


def same_pair(look: Look, window_s: int) -> int:
    """Count the acts with the counterparty of this one."""
    other = look.seen.other
    if not other:
        return 0
    return len([seen for seen in look.window(window_s).acts if seen.other == other])


def pass_through(look: Look, window_s: int) -> int:
    """Return the ratio of money paid out to money received."""
    if look.seen.what not in OUT:
        return 0
    in_fen = _in_fen(look, window_s)
    return 1000 * _out_fen(look, window_s) // in_fen if in_fen else 0


_in_fen, _out_fen = total_fen(IN), total_fen(OUT)


def rounds(look: Look, window_s: int) -> int:
    """Count the pairs of a packet sent and a packet claimed."""
    counts = look.window(window_s).counts
    return min(counts[What.SEND], counts[What.CLAIM])


def speed_kmh(look: Look) -> int:
    """Return the device's speed since its last place; over a minute at least."""
    city = look.seen.city
    if city:
        for seen in reversed(look.habit.recent):
            if seen.city:
                return distance_km(seen.city, city) * 3600 // max(look.seen.at - seen.at, 60)
    return 0


def away_km(look: Look) -> int:
    """Return the distance from this person's usual city; of two such cities, the first."""
    cities, city = look.habit.cities, look.seen.city
    return distance_km(max(cities, key=cities.__getitem__), city) if cities and city else 0


# --- account 账户, device 设备, data 数据 ---------------------------------------------------------


def dormant_days(look: Look, window_s: int) -> int:
    """Return the days of inactivity before the act in the time window that ended it."""
    at = look.seen.at
    gap_s = at - look.habit.recent[-1].at if look.habit.recent else 0
    if gap_s < DORMANT_S:
        gap_s = look.habit.gap_s if look.habit.woke_at > at - window_s else 0
    return gap_s // 86_400


def since_pin_change_min(look: Look) -> int:
    """Return the minutes since the PIN was changed, if that is still remembered."""
    if not look.window(_EVER_S).counts[What.PIN_CHANGE]:
        return NEVER
    for seen in reversed(look.habit.recent):
        if seen.what is What.PIN_CHANGE:
            return (look.seen.at - seen.at) // 60
    return NEVER
