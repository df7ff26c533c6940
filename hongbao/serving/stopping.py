"""Sleep that a signal ends."""

import select
import socket


class Sleeper:
    """
    Sleeps between two looks, and wakes as soon as someone stops it, be it from a signal's handler.

    A handler may run in the middle of anything, so it only writes a byte: no lock is taken.
    """

    def __init__(self) -> None:
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self.is_stopped = False

    def stop(self) -> None:
        """End the sleep of now, and every later one."""
        self.is_stopped = True
        try:
            self._wakes.send(b".")
        except BlockingIOError:  # it was stopped very often: there is plenty to wake from
            return

    def sleep(self, seconds: float) -> None:
        """Sleep for *seconds*, unless it is stopped."""
        if not self.is_stopped:
            select.select([self._woken], [], [], seconds)

    def close(self) -> None:
        """Give the system its sockets back."""
        self._woken.close()
        self._wakes.close()
