"""The simulation against what is known of queues by formula, and by hand."""

import os
import sys
from collections.abc import Iterator
from math import factorial, sqrt

import pytest

from hongbao.env import chance_from
from hongbao.load.simulation import (
    Conflicts,
    Kill,
    Limits,
    Load,
    Patience,
    Played,
    Service,
    Uniform,
    Work,
    exponential,
    play,
)
from tests.every import every

SEEDS = 8
T99 = 3.499
"""Student's t for eight runs: 0.995 of it, 7 degrees of freedom."""

RUNS = int(os.environ.get("HONGBAO_QUEUE_RUNS", "40"))


def forgetful(uniform: Uniform) -> Service:
    return lambda _size: Work(0.0, exponential(1.0, uniform))


def steady(_uniform: Uniform) -> Service:
    return lambda _size: Work(0.0, 1.0)


def erlang_c(servers: int, load: float) -> float:
    """Return the chance that all *servers* are busy (Erlang's second formula)."""
    last = load**servers / factorial(servers) * servers / (servers - load)
    return last / (sum(load**n / factorial(n) for n in range(servers)) + last)


# Mean times from arrival to the end of service, where one takes 1 on average.
def mm1(load: float) -> float:
    return 1 / (1 - load)


def mmc(load: float, servers: int) -> float:
    return 1 + erlang_c(servers, load * servers) / (servers * (1 - load))


def md1(load: float) -> float:
    """Return Pollaczek's and Khinchine's mean for a service that always takes as long."""
    return 1 + load / (2 * (1 - load))


QUEUES = {
    "M/M/1": (forgetful, 1, mm1),
    "M/M/3": (forgetful, 3, lambda load: mmc(load, 3)),
    "M/D/1": (steady, 1, md1),
}


def queue(name: str, load: float, seed: int, seconds: float) -> Played:
    service, threads, _mean = QUEUES[name]
    uniform = chance_from(f"{name} {seed}")
    return play(
        Load(load * threads, seconds=seconds, warm_up=seconds / 20),
        service(uniform),
        uniform,
        Limits(group=1, wait=0.0, queue=None, threads=threads),
        look_every=seconds / 150,
    )


def mean_and_half(values: list[float], student: float) -> tuple[float, float]:
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, student * sqrt(variance / len(values))


@every("name", QUEUES)
def test_a_queue_takes_as_long_as_its_formula_says(name: str):
    """
    And Little's law holds: as many are there as come in the time that one stays.
    """
    runs = [queue(name, 0.5, seed, 400) for seed in range(SEEDS)]
    mean, half = mean_and_half([sum(run.late) / len(run.late) for run in runs], T99)
    assert abs(mean - QUEUES[name][2](0.5)) < half
    assert half < 0.4
    missing, half = mean_and_half(
        [run.present - sum(run.late) / 400 for run in runs],  # L - λW
        T99,
    )
    assert abs(missing) < half < 0.5


def test_a_formula_of_another_queue_is_not_met():
    """
    A service that always takes as long is not one that forgets: the interval tells them apart.
    """
    runs = [queue("M/D/1", 0.5, seed, 400) for seed in range(SEEDS)]
    mean, half = mean_and_half([sum(run.late) / len(run.late) for run in runs], T99)
    assert abs(mean - mm1(0.5)) > half


@pytest.mark.slow
@pytest.mark.parametrize("name", QUEUES)
def test_the_interval_has_the_true_mean_as_often_as_it_says(name: str):
    """
    Of 95% intervals, as many have the formula's mean as chance allows, also at a load of 0.8.
    """
    hits = 0
    for first in range(RUNS):
        runs = [queue(name, 0.8, 1000 + 20 * first + n, 2000) for n in range(20)]
        mean, half = mean_and_half([sum(run.late) / len(run.late) for run in runs], 2.093)
        hits += abs(mean - QUEUES[name][2](0.8)) < half
    sys.stdout.write(f"{name}: {hits} of {RUNS} intervals have the mean of the formula\n")
    # A true 95% would have fewer than this once in a thousand times.
    assert hits >= 0.95 * RUNS - 3.1 * sqrt(RUNS * 0.95 * 0.05)


# --- by hand --------------------------------------------------------------------------------------


def at(*moments: float) -> Iterator[float]:
    return iter(moments)


def rounded(times: object) -> list[float]:
    return [round(float(time), 6) for time in times]  # type: ignore[attr-defined]


def test_a_group_is_taken_when_it_is_old_enough_or_full():
    """
    What comes while one is in hand is read after it, and waits from then on.
    """
    played = play(
        Load(0, seconds=1.0, warm_up=0.0),
        lambda _size: Work(0.004, 0.006),
        chance_from("unused"),
        Limits(group=3, wait=0.005),
        arrivals=[at(0.000, 0.001, 0.006, 0.100, 0.101, 0.102, 0.103)],
    )
    assert [0.015, 0.014, 0.024, 0.012, 0.011, 0.010, 0.024] == rounded(played.late)
    assert (7, 7, 0, 4) == (played.asked, played.answered, played.refused, played.groups)


def test_what_a_queue_has_no_room_for_is_refused_and_asked_again():
    played = play(
        Load(0, seconds=1.0, warm_up=0.0),
        lambda _size: Work(0.0, 0.010),
        lambda: 0.5,
        Limits(group=1, wait=0.0, queue=2),
        patience=Patience(tries=1, pause=0.5),
        arrivals=[at(0.0, 0.001, 0.002, 0.003, 0.004)],
    )
    # The first is in hand while four come; two of them find room, and two ask again at 0.260.
    assert (5, 5, 0, 2) == (played.asked, played.answered, played.refused, played.again)
    assert [0.010, 0.019, 0.028, 0.267, 0.276] == rounded(played.late)


def test_what_a_killed_node_had_in_hand_is_asked_for_again():
    """
    By who waited for an answer, and by who came while it was away; each is answered once.
    """
    played = play(
        Load(0, seconds=1.0, warm_up=0.0),
        lambda _size: Work(0.0, 0.010),
        lambda: 0.5,
        Limits(group=1, wait=0.0),
        patience=Patience(reconnect=0.2),
        kill=Kill(at=0.105, seconds=0.15),
        arrivals=[at(0.0, 0.100, 0.150, 0.400)],
    )
    # The second tries again at 0.205 and 0.305; the third at 0.250 and 0.350.
    assert [0.010, 0.215, 0.210, 0.010] == rounded(played.late)
    assert 4 == played.answered == played.asked


def test_other_nodes_take_the_claims_of_a_killed_one_if_they_share_its_ledger():
    played = play(
        Load(0, nodes=2, played=2, seconds=1.0, warm_up=0.0),
        lambda _size: Work(0.0, 0.010),
        lambda: 0.5,
        Limits(group=1, wait=0.0),
        patience=Patience(reconnect=0.2),
        kill=Kill(at=0.105, seconds=0.8, elsewhere=True),
        arrivals=[at(0.100, 0.150), at(0.000)],
    )
    assert [0.010, 0.115, 0.110] == rounded(played.late)


def test_groups_that_credit_the_same_person_are_in_conflict():
    """
    Of one person always, of very many hardly ever; and then all are answered all the same.
    """

    def conflicts(people: int) -> Played:
        uniform = chance_from("conflicts")
        return play(
            Load(200.0, nodes=4, played=4, seconds=1.0, warm_up=0.0),
            lambda _size: Work(0.001, 0.010),
            uniform,
            conflicts=Conflicts(people),
        )

    few, many = conflicts(20), conflicts(10**9)
    assert few.begun_again > 10
    assert 0 == many.begun_again
    assert sum(few.late) / len(few.late) > sum(many.late) / len(many.late)


def test_groups_of_one_packet_are_smaller():
    def groups(*, one_packet: bool) -> float:
        uniform = chance_from("packets")
        played = play(
            Load(3000.0, seconds=0.3),
            lambda size: Work(0.0002 * size, 0.002),
            uniform,
            Limits(one_packet=one_packet),
        )
        return played.answered / played.groups

    assert groups(one_packet=False) > 1.5 * groups(one_packet=True)


def test_every_claim_is_answered_refused_or_still_there():
    uniform = chance_from("all")
    played = play(
        Load(4000.0, nodes=2, played=2, seconds=0.6, warm_up=0.0),
        lambda size: Work(0.0005 * size, 0.002),
        uniform,
        patience=Patience(tries=1, pause=0.1),
        kill=Kill(0.4, 0.1),
        look_every=1.0,
    )
    assert played.asked > played.answered + played.refused > 1000
    assert played.most <= 500
