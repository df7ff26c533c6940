"""Signatures that are verified in threads: each of them once, and every wrong one told."""

import sys
import threading

import pytest

from hongbao.vault.verifying import BATCH, SWITCH_SECONDS, Signed, Verifying, cores
from tests.every import every


def signed(entry):
    return Signed(entry, b"key", b"%d" % entry, b"signature")


@every(("threads", "batches"), [(0, 2), (1, 2), (2, 0), (2, 1), (2, 7), (3, 9)])
def test_every_wrong_signature_is_told_once(threads, batches):
    """
    In threads or without, in whole batches and in what is left over.
    """
    wrong = {0, 5, BATCH - 1, BATCH, 3 * BATCH + 7, batches * BATCH + 1}
    asked = []

    def fits(key, said, signature):
        asked.append(int(said))
        return (key, signature) == (b"key", b"signature") and int(said) not in wrong

    verifying = Verifying(fits, threads)
    count = batches * BATCH + 3
    told = [entry for number in range(count) for entry in verifying.add(signed(number))]
    told += verifying.end()

    assert sorted(entry for entry in wrong if entry < count) == sorted(told)
    assert list(range(count)) == sorted(asked)
    assert [] == list(verifying.end())  # which has nothing more to say
    assert not list(verifying.add(signed(5)))


def test_nothing_is_verified_before_a_batch_is_full():
    """
    And no thread is begun: a small ledger is verified where it is read.
    """
    asked = []

    def fits(*what):
        asked.append(what)
        return False

    verifying = Verifying(fits, 2)
    threads, interval = threading.active_count(), sys.getswitchinterval()

    for number in range(BATCH - 1):
        assert () == verifying.add(signed(number))

    assert ([], threads, interval) == (asked, threading.active_count(), sys.getswitchinterval())
    assert list(range(BATCH - 1)) == verifying.end()
    assert threads == threading.active_count()


def test_one_thread_is_none():
    """
    A batch is then verified by whoever brought the last of it, who is told at once.
    """
    where = set()

    def fits(*_):
        where.add(threading.current_thread())
        return False

    verifying = Verifying(fits, 1)
    told = [verifying.add(signed(number)) for number in range(BATCH)]

    assert list(range(BATCH)) == told[-1]
    assert {threading.current_thread()} == where


def test_threads_take_turns_more_often_while_they_verify():
    """
    And not longer: what was set before holds again, whether it came to its end or was stopped.
    """
    before, where = sys.getswitchinterval(), set()

    def fits(*_):
        where.add(threading.current_thread())
        return True

    for end in (Verifying.end, Verifying.stop):
        verifying = Verifying(fits, 2)
        for number in range(BATCH):
            verifying.add(signed(number))
        assert pytest.approx(SWITCH_SECONDS, rel=0.01) == sys.getswitchinterval()
        end(verifying)
        assert before == sys.getswitchinterval()

    assert threading.current_thread() not in where
    assert not where & set(threading.enumerate())


def test_only_so_many_wait_at_a_time():
    """
    Four batches for two threads; who brings a fifth waits for the first.
    """
    go = threading.Event()

    def fits(*_):
        assert go.wait(10)
        return False

    verifying = Verifying(fits, 2)
    for number in range(4 * BATCH):
        assert () == verifying.add(signed(number))
    for number in range(4 * BATCH, 5 * BATCH - 1):
        assert () == verifying.add(signed(number))

    go.set()

    assert list(range(BATCH)) == verifying.add(signed(5 * BATCH - 1))
    assert list(range(BATCH, 5 * BATCH)) == verifying.end()


def test_what_was_stopped_says_nothing_more():
    """
    What has begun is waited for, what has not is dropped.
    """
    verifying = Verifying(lambda *_: False, 2)
    for number in range(3 * BATCH + 1):
        verifying.add(signed(number))

    verifying.stop()
    verifying.stop()

    assert [] == list(verifying.end())


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    """
    Not those that the machine has, where the system can say; one where nobody knows.
    """
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3, 5} if pid == 0 else {1})
    assert 2 == cores()
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert 7 == cores()
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert 1 == cores()
