"""
Claims judged in bulk: what `judge.decide` gives for them, from habits kept ready to be measured.

`decide` goes through a person's latest acts for each act. Here the acts are also kept in
running sums, so that what happened in a window is the difference of two of them. It is for claims
alone, of which half of the indicators say nothing. The values, the score and the decision are the
same to the last bit; a test compares both on any acts.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from operator import add, itemgetter
from typing import NamedTuple

from hongbao.domain.risk import measures
from hongbao.domain.risk.acts import IN, JUDGED, OUT, Asked, Seen, What
from hongbao.domain.risk.forest import Forest
from hongbao.domain.risk.habit import (
    DORMANT_S,
    LETTERS,
    RECENT,
    Habit,
    china_day_number,
    china_hour,
)
from hongbao.domain.risk.indicators import SCORE, Key
from hongbao.domain.risk.judge import keys_of
from hongbao.domain.risk.magnitude import magnitude
from hongbao.domain.risk.measures import ACTS_MIN, NEVER, QUICK_MS, Look, Night
from hongbao.domain.risk.pack import Pack

_CLAIM = LETTERS[What.CLAIM]

NOTHING = frozenset({"times_usual", "pass_through"})
"""Indicators of payments, which say 0 of every claim."""

_KEPT = 3 * RECENT
"""How many acts the running sums hold before those that are out of sight are dropped."""

_COLUMNS = (
    *("acts", "claims", "gives", "sends", "packets"),
    *("quick_claims", "new_devices", "failed_challenges", "in_fen", "out_fen"),
)
"""What is summed up of each act; behind them, which amounts are just below of what is compared."""

_ACTS, _CLAIMS, _GIVES, _PACKETS = map(_COLUMNS.index, ("acts", "claims", "gives", "packets"))


class ClaimHabit:
    """
    A habit with running sums over its latest acts, for the indicators of one `ClaimJudge`.

    There is one row of sums more than there are acts: after none, after one, after two, ….
    """

    __slots__ = (
        *("at", "others", "recent", "claim_at", "claim_others", "give_others", "sums"),
        *("steps", "steps_all", "steps_from", "steps_to_claim", "hours", "hours_all"),
        *("acts", "outs", "outs_magnitude", "cities", "day", "day_in_fen", "day_out_fen"),
        *("first_at", "woke_at", "gap_s", "pin_at", "pin_place", "of_fen", "below", "below_all"),
    )

    def __init__(self, habit: Habit, of_fen: tuple[int, ...]) -> None:
        self.of_fen = of_fen
        self.below = [(least_below(of), of) for of in of_fen]
        self.below_all = min([least for least, _of in self.below], default=0)
        self.acts, self.outs, self.outs_magnitude = habit.acts, habit.outs, habit.outs_magnitude
        self.hours, self.hours_all = list(habit.hours), sum(habit.hours)
        self.cities, self.steps = dict(habit.cities), dict(habit.steps)
        self.steps_all = self.steps_to_claim = 0
        self.steps_from: dict[str, int] = {}
        for step, count in self.steps.items():
            self._count_step(step, count)
        self.day = habit.day
        self.day_in_fen, self.day_out_fen = habit.day_in_fen, habit.day_out_fen
        self.first_at, self.woke_at, self.gap_s = habit.first_at, habit.woke_at, habit.gap_s
        self._remember(habit.recent)

    def _remember(self, recent: tuple[Seen, ...]) -> None:
        self.recent: list[Seen] = []
        self.at: list[int] = []
        self.others: list[int] = []
        self.claim_at: list[int] = []
        self.claim_others: list[int] = []
        self.give_others: list[int] = []
        self.sums: list[tuple[int, ...]] = [(0,) * (len(_COLUMNS) + len(self.of_fen))]
        self.pin_at, self.pin_place = 0, -1
        for seen in recent:
            self._add(seen)

    def _add(self, seen: Seen) -> None:
        """Bring the running sums up to *seen*."""
        what = seen.what
        if what is What.PIN_CHANGE:
            self.pin_at, self.pin_place = seen.at, len(self.at)
        self.recent.append(seen)
        self.at.append(seen.at)
        self.others.append(seen.other)
        if what is What.CLAIM:
            self.claim_at.append(seen.at)
            self.claim_others.append(seen.other)
        elif what is What.GIVE:
            self.give_others.append(seen.other)
        self.sums.append(self.after(seen))

    def after(self, seen: Seen) -> tuple[int, ...]:
        """Return the sums as they are once *seen* has happened."""
        if seen.what is not What.CLAIM:
            return tuple(map(add, self.sums[-1], _row(seen, self.of_fen)))
        # What `_row` gives for a claim, of which there are the most by far.
        _at, _what, amount_fen, _other, reaction_ms, _city = seen
        acts, claims, gives, sends, packets, quick, added, failed, in_fen, out_fen, *just = (
            self.sums[-1]
        )
        if amount_fen >= self.below_all:
            just = [
                met + (least <= amount_fen < of)
                for met, (least, of) in zip(just, self.below, strict=True)
            ]
        return (
            *(acts + 1, claims + 1, gives, sends, packets),
            quick + (0 <= reaction_ms <= QUICK_MS),
            *(added, failed, in_fen + amount_fen, out_fen, *just),
        )

    def _count_step(self, step: str, count: int) -> None:
        self.steps_all += count
        self.steps_from[step[0]] = self.steps_from.get(step[0], 0) + count
        if step[1] == _CLAIM:
            self.steps_to_claim += count

    def add(self, seen: Seen) -> None:
        """Remember *seen*, as `habit.after` does."""
        at, what, amount_fen, _other, _reaction, city = seen
        if self.recent:
            last = self.recent[-1]
            assert at >= last.at

            if at - last.at >= DORMANT_S:
                self.woke_at, self.gap_s = at, at - last.at
            step = LETTERS[last.what] + LETTERS[what]
            self.steps[step] = self.steps.get(step, 0) + 1
            self._count_step(step, 1)
        else:
            self.first_at = at
        if what in JUDGED:
            self.hours[china_hour(at)] += 1
            self.hours_all += 1
        if city:
            self.cities[city] = self.cities.get(city, 0) + 1
        day = china_day_number(at)
        if day != self.day:
            self.day, self.day_in_fen, self.day_out_fen = day, 0, 0
        if what in IN:
            self.day_in_fen += amount_fen
        if what in OUT:
            self.day_out_fen += amount_fen
            self.outs += 1
            self.outs_magnitude += magnitude(amount_fen)
        self.acts += 1
        if len(self.at) >= _KEPT:
            self._remember(tuple(self.recent[-RECENT:]))
        self._add(seen)

    def habit(self) -> Habit:
        """Return the habit itself."""
        return Habit(
            recent=tuple(self.recent[-RECENT:]),
            acts=self.acts,
            outs=self.outs,
            outs_magnitude=self.outs_magnitude,
            hours=tuple(self.hours),
            cities=dict(self.cities),
            steps=dict(self.steps),
            day=self.day,
            day_in_fen=self.day_in_fen,
            day_out_fen=self.day_out_fen,
            first_at=self.first_at,
            woke_at=self.woke_at,
            gap_s=self.gap_s,
        )


_Taken = Callable[[ClaimHabit, Seen, int, tuple[int, ...], tuple[int, ...]], int]
"""
Measures one indicator in a window.

The last arguments are when the window begins, the sums before its first act, and the sums with the
claim itself.
"""


class Judged(NamedTuple):
    """How a claim was judged: *is_plain* if no rule and no report has anything to say of it."""

    values: tuple[int, ...]
    score: int | None
    is_plain: bool


class _Window(NamedTuple):
    """What is measured in one window."""

    length_s: int
    summed: tuple[int, ...]  # the columns of the sums
    taken: tuple[_Taken, ...]


def _picking(places: Sequence[int]) -> Callable[[Sequence[int]], tuple[int, ...]]:
    """Return what gives the values at *places*."""
    if len(places) < 2:
        return lambda values: tuple(values[place] for place in places)
    return itemgetter(*places)


class ClaimJudge:
    """Judges claims by *pack* and *forest*, as `decide` does."""

    def __init__(self, pack: Pack, forest: Forest | None) -> None:
        keys = keys_of(pack, forest)
        places = {key: place for place, key in enumerate(keys)}
        self.of_fen = tuple(dict.fromkeys(key.of_fen for key in keys if key.of_fen))
        self._night = pack.night
        # Where `judge` has each value, in the order in which it measures: a 0 comes first.
        measured = {name: at for at, name in enumerate((*Asked._fields, *AT_ONCE))}
        lies_at = [measured.get(key.indicator, 0) for key in keys]
        behind = len(measured)
        windows = []
        for length_s in dict.fromkeys(key.window_s for key in keys if key.window_s):
            inside = [key for key in keys if key.window_s == length_s]
            summed = [key for key in inside if key.of_fen or key.indicator in _COLUMNS]
            taken = [key for key in inside if not key.of_fen and key.indicator in TAKEN]
            for key in (*summed, *taken):
                lies_at[places[key]], behind = behind, behind + 1
            windows.append(
                _Window(
                    length_s,
                    tuple(map(self._column_of, summed)),
                    tuple(TAKEN[key.indicator] for key in taken),
                )
            )
        self._windows = tuple(windows)
        self._in_order = _picking(lies_at)
        self._model = (
            None if forest is None else (forest, _picking([places[key] for key in forest.keys]))
        )
        of_claims = [
            *(rule.when for rule in pack.rules if What.CLAIM in rule.acts),
            *(report.when for report in pack.reports if What.CLAIM in report.acts),
        ]
        places[Key(SCORE)] = -1
        self._conditions = tuple(
            tuple((places[each.key], each.at_least, each.at_most) for each in when)
            for when in of_claims
        )

    def _column_of(self, key: Key) -> int:
        """Return which of the sums is of *key*."""
        if key.of_fen:
            return len(_COLUMNS) + self.of_fen.index(key.of_fen)
        return _COLUMNS.index(key.indicator)

    def habit(self, habit: Habit) -> ClaimHabit:
        """Return *habit* ready to be measured."""
        return ClaimHabit(habit, self.of_fen)

    def judge(self, habit: ClaimHabit, asked: Asked) -> Judged:
        """Judge the claim *asked*, upon what *habit* remembers from before it."""
        seen, times = asked.seen, habit.at
        at, oldest = seen.at, max(0, len(times) - RECENT)
        measured = [0, *asked[1:], *_at_once(habit, asked, oldest, self._night)]
        more, now = measured.append, habit.after(seen)
        for length_s, summed, taken in self._windows:
            since = at - length_s
            before = habit.sums[bisect_right(times, since, oldest)]
            for column in summed:
                more(now[column] - before[column])
            for take in taken:
                more(take(habit, seen, since, before, now))
        values = self._in_order(measured)
        score = None
        if self._model is not None:
            forest, picked = self._model
            score = forest.score(picked(values))
        is_plain = True
        for when in self._conditions:
            for place, at_least, at_most in when:
                value = score if place < 0 else values[place]
                if value is None:
                    break
                if at_least is not None and value < at_least:
                    break
                if at_most is not None and value > at_most:
                    break
            else:
                is_plain = False
        return Judged(values, score, is_plain)


# --- the indicators, of a claim -------------------------------------------------------------------

_Sums = tuple[int, ...]


def _row(seen: Seen, of_fen: tuple[int, ...]) -> _Sums:
    """Return what *seen* adds to each of the running sums."""
    _at, what, amount_fen, _other, reaction_ms, _city = seen
    is_in, is_send, is_give = what in IN, what is What.SEND, what is What.GIVE
    return (
        1,
        what is What.CLAIM,
        is_give,
        is_send or is_give,
        is_send,
        0 <= reaction_ms <= QUICK_MS,
        what is What.DEVICE_ADD,
        what is What.CHALLENGE_FAILED,
        amount_fen if is_in else 0,
        amount_fen if what in OUT else 0,
        *[is_in and least_below(of) <= amount_fen < of for of in of_fen],
    )


def least_below(of_fen: int) -> int:
    """Return the least amount that is just below *of_fen*: nine tenths of it."""
    return -(-9 * of_fen // 10)


AT_ONCE = (
    *("amount_fen", "reaction_ms", "day_in_fen", "day_out_fen", "night", "hour_rare"),
    *("unlike_self", "since_pin_change_min", "speed_kmh", "away_km"),
)
"""Indicators without a window, in the order in which `_at_once` measures them."""


def _at_once(habit: ClaimHabit, asked: Asked, oldest: int, night: Night) -> tuple[int, ...]:
    """Measure what has no window; what is looked at begins with the act at the place *oldest*."""
    at, _what, amount_fen, _other, reaction_ms, city = asked.seen
    is_today, hour = habit.day == china_day_number(at), china_hour(at)
    begins, ends = night
    rare = unlike = 0
    if habit.hours_all >= ACTS_MIN:
        hours = habit.hours
        around = hours[hour - 1] + hours[hour] + hours[(hour + 1) % 24]
        rare = 1000 - 1000 * around // habit.hours_all
    if habit.acts >= ACTS_MIN:
        last = LETTERS[habit.recent[-1].what]
        this, total = habit.steps.get(last + _CLAIM, 0), habit.steps_all
        here = habit.steps_from.get(last, 0)
        unlike = 1000 - 1000 * (this * total + 10 * habit.steps_to_claim) // ((here + 10) * total)
    speed_kmh = away_km = 0
    if city:  # only a device with a known city has moved
        look = Look(habit.habit(), asked, (0, 0))
        speed_kmh, away_km = measures.speed_kmh(look), measures.away_km(look)
    return (
        amount_fen,
        NEVER if reaction_ms < 0 else reaction_ms,
        habit.day_in_fen + amount_fen if is_today else amount_fen,
        habit.day_out_fen if is_today else 0,
        int((hour - begins) % 24 < (ends - begins) % 24),
        rare,
        unlike,
        NEVER if habit.pin_place < oldest else (at - habit.pin_at) // 60,
        speed_kmh,
        away_km,
    )


def _steady(habit: ClaimHabit, seen: Seen, _since: int, before: _Sums, _now: _Sums) -> int:
    later, shortest, longest, run = seen.at, 0, 0, 1
    for place in range(len(habit.claim_at) - 1, before[_CLAIMS] - 1, -1):
        at = habit.claim_at[place]
        gap = later - at
        shortest, longest = min(shortest or gap, gap), max(longest, gap)
        if gap < 1 or 10 * longest > 11 * shortest:
            break
        later = at
        run += 1
    return run


def _same_pair(habit: ClaimHabit, seen: Seen, _since: int, before: _Sums, _now: _Sums) -> int:
    other = seen.other
    return habit.others[before[_ACTS] :].count(other) + 1 if other else 0


def _senders(habit: ClaimHabit, seen: Seen, _since: int, before: _Sums, _now: _Sums) -> int:
    return len({*habit.claim_others[before[_CLAIMS] :], seen.other} - {0})


def _recipients(habit: ClaimHabit, _seen: Seen, _since: int, before: _Sums, _now: _Sums) -> int:
    return len({*habit.give_others[before[_GIVES] :]} - {0})


def _rounds(_habit: ClaimHabit, _seen: Seen, _since: int, before: _Sums, now: _Sums) -> int:
    return min(now[_PACKETS] - before[_PACKETS], now[_CLAIMS] - before[_CLAIMS])


def _dormant_days(habit: ClaimHabit, seen: Seen, since: int, _before: _Sums, _now: _Sums) -> int:
    gap_s = seen.at - habit.recent[-1].at if habit.recent else 0
    if gap_s < DORMANT_S:
        gap_s = habit.gap_s if habit.woke_at > since else 0
    return gap_s // 86_400


SUMMED = frozenset({*_COLUMNS, "just_below"} - {"gives", "packets"})
"""Indicators that are differences of running sums in a window."""

TAKEN: Mapping[str, _Taken] = {
    "steady": _steady,
    "same_pair": _same_pair,
    "senders": _senders,
    "recipients": _recipients,
    "rounds": _rounds,
    "dormant_days": _dormant_days,
}
"""How others are taken in a window, but for what is `Asked` as it is, and `NOTHING`."""
