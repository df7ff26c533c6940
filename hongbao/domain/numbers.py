"""
Numbers of acts that need no counter: an act's is made from its moment.

The number after the highest one is a counter, which every two acts would meet on. These are the
microseconds since the ledger was made, and three random bits; so the order of the numbers is that
of the moments. They stay below 2**53 for 35 years.
"""

IN_A_MICROSECOND = 8
"""How many numbers a microsecond has; those of the first one are greater than 1."""


def number_of(micros: int, chance: int) -> int:
    """
    Return a number of an act so many *micros* after the ledger was made.

    >>> number_of(0, 9), number_of(1, 0)
    (9, 16)
    """
    return (micros + 1) * IN_A_MICROSECOND + chance % IN_A_MICROSECOND


def micros_of(number: int) -> int:
    """
    Return how long after the ledger was made the act with this *number* was.

    >>> micros_of(9), micros_of(16)
    (0, 1)
    """
    return number // IN_A_MICROSECOND - 1
