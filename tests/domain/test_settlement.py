"""Settlement: nothing is lost by netting, and the reserve stays above water on the way."""

from itertools import accumulate, permutations

from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.settlement import Gross, Net, Totals, in_order, net, totals

BANKS = ("icbc", "cmb", "ccb", "abc", "boc")

amounts_fen = st.integers(0, 10**13)
grosses = st.lists(
    st.builds(
        Gross,
        bank=st.sampled_from(BANKS),
        in_count=st.integers(0, 9),
        in_fen=amounts_fen,
        out_count=st.integers(0, 9),
        out_fen=amounts_fen,
    ),
    max_size=5,
    unique_by=lambda gross: gross.bank,
)


def effect_fen(line: Net) -> int:
    """What *line* does to the platform's reserve."""
    return line.to_platform_fen - line.to_bank_fen


def reserves_fen(opening_fen: int, nets: list[Net]) -> list[int]:
    """The platform's reserve before the first transfer and after each."""
    return [*accumulate(map(effect_fen, nets), initial=opening_fen)]


@given(grosses)
def test_netting_loses_nothing(lines):
    """
    For each bank what was set off and what is left add up to what there was, in both ways, and
    at most one of the two pays.
    """
    for gross in lines:
        bank, netted_fen, to_platform_fen, to_bank_fen = net(gross)

        assert gross.bank == bank
        assert gross.in_fen == netted_fen + to_platform_fen
        assert gross.out_fen == netted_fen + to_bank_fen
        assert gross.in_fen - gross.out_fen == to_platform_fen - to_bank_fen
        assert 0 == min(to_platform_fen, to_bank_fen)
        assert min(netted_fen, to_platform_fen, to_bank_fen) >= 0


@given(grosses)
def test_the_totals_are_the_lines_added_up(lines):
    """
    Gross is every message; net is what moves; what netting saved is both halves of what was set
    off, which is never negative.
    """
    batch = totals(iter(lines))

    nets = [net(gross) for gross in lines]
    assert sum(gross.in_count + gross.out_count for gross in lines) == batch.message_count
    assert sum(gross.in_fen + gross.out_fen for gross in lines) == batch.gross_fen
    assert sum(abs(effect_fen(line)) for line in nets) == batch.net_fen
    assert sum(2 * line.netted_fen for line in nets) == batch.saved_fen >= 0
    assert len([line for line in nets if effect_fen(line)]) == batch.transfer_count


def test_a_batch_with_nothing_in_it_moves_nothing():
    """
    No banks, a bank without messages, and a bank whose two ways cancel: no transfer.
    """
    assert (0, 0, 0, 0, 0) == totals([])
    assert (0, 0, 0, 0, 0) == totals([Gross("icbc", 0, 0, 0, 0)])
    assert (2, 0, 1400, 0, 1400) == totals([Gross("icbc", 1, 700, 1, 700)])


@given(grosses, st.integers(0, 10**13), st.booleans())
def test_the_reserve_never_dips_below_zero_on_the_way(lines, spare_fen, tight):
    """
    Whatever the opening reserve is, if it is enough in the end it is enough after every transfer.
    """
    nets = [net(gross) for gross in lines]
    least_fen = max(0, -sum(map(effect_fen, nets)))
    opening_fen = least_fen if tight else least_fen + spare_fen

    ordered = in_order(nets)

    assert sorted(nets) == sorted(ordered)
    assert min(reserves_fen(opening_fen, ordered)) >= 0


@given(grosses, st.integers(0, 10**13))
def test_where_any_order_can_be_settled_this_one_can(lines, opening_fen):
    """
    No permutation of the banks succeeds where ours fails.
    """
    nets = [net(gross) for gross in lines]

    possible = any(min(reserves_fen(opening_fen, [*way])) >= 0 for way in permutations(nets))

    assert possible == (min(reserves_fen(opening_fen, in_order(nets))) >= 0)


def test_banks_that_pay_come_first():
    """
    By name among those that pay, and by name among those that are paid: the same every time.
    """
    lines = [
        Net("boc", 0, 5, 0),
        Net("cmb", 0, 0, 7),
        Net("abc", 3, 0, 9),
        Net("ccb", 4, 0, 0),
        Net("icbc", 0, 1, 0),
    ]

    names = [line.bank for line in in_order(reversed(lines))]

    assert ["boc", "ccb", "icbc", "abc", "cmb"] == names


def test_a_single_fen_is_a_transfer_and_has_its_place():
    """
    Whoever pays one comes before whoever is paid one.
    """
    lines = [Gross("abc", 2, 1, 1, 2), Gross("cmb", 1, 3, 1, 2), Gross("ccb", 1, 7, 1, 7)]

    assert Totals(7, 2, 22, 2, 20) == totals(lines)
    assert ["ccb", "cmb", "abc"] == [line.bank for line in in_order(map(net, lines))]
    assert [Net("abc", 1, 0, 1), Net("cmb", 2, 1, 0), Net("ccb", 7, 0, 0)] == [*map(net, lines)]
