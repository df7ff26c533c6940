from hongbao import packs
from hongbao.domain.risk.pack import Report, Rule, parse_pack

STANDARD = parse_pack(packs.text_of("standard"), "standard")
STRICT = parse_pack(packs.text_of("strict"), "strict")


def plain(rule: Rule | Report) -> tuple[object, ...]:
    """Return all of *rule* but its thresholds and what it says."""
    keys = tuple(condition.key for condition in rule.when)
    if isinstance(rule, Report):
        return (rule.id, rule.kind, rule.acts, keys)
    ends = (rule.hold_hours, rule.ends, rule.delay_days)
    return (rule.id, rule.guard, rule.acts, keys, rule.answer, ends)


def test_the_lessons_pack_has_the_rules_of_the_standard_pack():
    """
    In the same order: ids, guards, acts, what is measured, answers, and how long each lasts.
    """
    assert [*map(plain, STANDARD.rules)] == [*map(plain, STRICT.rules)]
    assert [*map(plain, STANDARD.reports)] == [*map(plain, STRICT.reports)]
    assert STANDARD.keys == STRICT.keys
    assert (STANDARD.night, STANDARD.challenge_minutes, STANDARD.challenge_tries) == (
        STRICT.night,
        STRICT.challenge_minutes,
        STRICT.challenge_tries,
    )
    assert STANDARD.keep_years == STRICT.keep_years
    assert STANDARD.four_eyes_fen >= STRICT.four_eyes_fen


def test_the_lessons_pack_is_nowhere_more_lenient():
    """
    Whatever the standard pack stops or reports, the lessons' pack stops or reports as well.
    """
    pairs: list[tuple[Rule | Report, Rule | Report]] = [
        *zip(STANDARD.rules, STRICT.rules, strict=True),
        *zip(STANDARD.reports, STRICT.reports, strict=True),
    ]
    for usual, strict in pairs:
        for theirs, ours in zip(usual.when, strict.when, strict=True):
            assert (ours.at_least or 0) <= (theirs.at_least or 0), strict.id
            assert ours.at_most is None or (
                theirs.at_most is not None and ours.at_most >= theirs.at_most
            ), strict.id
        if isinstance(strict, Rule) and strict.day_fen is not None:
            assert isinstance(usual, Rule)
            assert usual.day_fen is not None
            assert strict.day_fen <= usual.day_fen, strict.id


def test_both_packs_say_the_same_of_each_rule():
    """
    But for the numbers in a sentence, which are each pack's own.
    """
    for usual, strict in zip(STANDARD.rules, STRICT.rules, strict=True):
        assert usual.says == strict.says
