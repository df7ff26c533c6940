"""A device's city is a number for good, found by its name in either language."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.risk.places import PLACES, distance_km, place_called
from tests.every import every

cities = st.integers(1, len(PLACES) - 1)


def number(name: str) -> int:
    place = place_called(name)
    assert place is not None
    return place.number


def test_each_place_stands_at_its_own_number():
    """
    A number that is remembered with an act leads back to the place it was remembered for.
    """
    assert list(range(len(PLACES))) == [place.number for place in PLACES]


def test_numbers_that_are_remembered_somewhere_stay_the_same_cities():
    """
    Whoever adds a city adds it at the end: these are in ledgers that people have.
    """
    kept = {1: "beijing", 10: "shanghai", 27: "shenzhen", 33: "chengdu", 44: "taipei"}

    assert kept == {number: PLACES[number].code for number in kept}


@every("place", PLACES[1:], ids=lambda place: place.code)
def test_a_city_is_found_by_its_code_and_by_both_names(place):
    """
    However it is spelled, in small letters or capitals, with spaces around it or none.
    """
    names = (place.code, place.name_en, place.name_zh)
    spellings = [*names, *(name.upper() for name in names), f" {place.name_en}\n"]

    assert [place] * len(spellings) == [place_called(name) for name in spellings]


@every("text", ["", "unknown", "未知", "Atlantis", "shang hai", "上海\0"])
def test_what_is_no_city_is_not_found(text):
    """
    Not even by the name of the place that stands for none.
    """
    assert None is place_called(text)


@every("place", PLACES[1:], ids=lambda place: place.code)
def test_every_city_lies_in_china(place):
    """
    A slip in a coordinate would put a city into the sea, and its people on a rocket.
    """
    assert 1800 <= place.lat <= 5400
    assert 7300 <= place.lon <= 13_600


@every(
    ("here", "there", "km"),
    [
        ("beijing", "shanghai", 1068),
        ("beijing", "tianjin", 109),
        ("guangzhou", "shenzhen", 105),
        ("shenzhen", "hongkong", 27),
        ("shanghai", "urumqi", 3270),
        ("beijing", "guangzhou", 1890),
    ],
)
def test_distances_are_those_of_the_map(here, there, km):
    """
    As the crow flies, to within two percent or three kilometres.
    """
    assert abs(km - distance_km(number(here), number(there))) <= max(km // 50, 3)


def test_no_two_cities_are_the_same_one():
    """
    Between any two there is a way to go.
    """
    assert [] == [
        (here.code, there.code)
        for here, there in combinations(PLACES[1:], 2)
        if distance_km(here.number, there.number) < 20
    ]


@given(cities, cities, cities)
def test_distance_is_a_distance(a, b, c):
    """
    The same there and back, nothing on the spot, and never longer than a detour (but for rounding).
    """
    assert 0 == distance_km(a, a)
    assert distance_km(a, b) == distance_km(b, a)
    assert distance_km(a, c) <= distance_km(a, b) + distance_km(b, c) + 2


@pytest.mark.parametrize("nowhere", [0, -1, len(PLACES), 10**6])
def test_nothing_is_far_from_where_nobody_knows(nowhere):
    """
    A device that does not say where it is, or says what only a later version knows.
    """
    assert 0 == distance_km(nowhere, 1)
    assert 0 == distance_km(1, nowhere)
