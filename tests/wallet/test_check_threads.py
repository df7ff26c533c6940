"""Signatures are verified in threads, and every one of them is."""

import sys
import threading
from collections.abc import Iterator

import pytest

from hongbao.vault.verifying import BATCH, Signed, Verifying

BAD = b"bad"


class Verifier:
    """Says that a signature fits unless it is `BAD`, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.threads: set[int] = set()

    def __call__(self, public: bytes, message: bytes, signature: bytes) -> bool:
        self.asked.append(message)
        self.threads.add(threading.get_ident())
        return signature != BAD


def signed(count: int, bad: set[int]) -> Iterator[Signed]:
    for entry in range(1, count + 1):
        yield Signed(entry, b"key", b"%d" % entry, BAD if entry in bad else b"good")


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_signature_is_verified_once(threads: int):
    """
    Whole batches, what is left behind the last one, and more than may wait at a time.
    """
    count = BATCH * 30 + 7
    bad = {1, BATCH, BATCH + 1, BATCH * 17, count}
    fits = Verifier()
    verifying = Verifying(fits, threads)
    interval = sys.getswitchinterval()

    failed = [entry for one in signed(count, bad) for entry in verifying.add(one)]
    failed += verifying.end()

    assert sorted(bad) == sorted(failed)
    assert sorted(b"%d" % entry for entry in range(1, count + 1)) == sorted(fits.asked)
    assert (fits.threads == {threading.get_ident()}) == (threads == 1)
    assert sys.getswitchinterval() == interval


def test_a_few_signatures_begin_no_thread():
    """
    Less than a batch is verified by the one who asks.
    """
    fits = Verifier()
    verifying = Verifying(fits, 4)

    failed = [entry for one in signed(BATCH - 1, {3}) for entry in verifying.add(one)]
    failed += verifying.end()

    assert [3] == failed
    assert {threading.get_ident()} == fits.threads


def test_an_error_in_a_thread_reaches_the_one_who_asked_and_no_thread_stays():
    """
    What fails there fails the check; stopping waits for what has begun and takes nothing on.
    """

    def fails(public: bytes, message: bytes, signature: bytes) -> bool:
        raise MemoryError

    before = threading.active_count()
    verifying = Verifying(fails, 2)
    with pytest.raises(MemoryError):
        [verifying.add(one) for one in signed(BATCH * 12, set())]
    verifying.stop()

    assert threading.active_count() == before
