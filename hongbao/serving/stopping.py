"""A stop that wakes a waiting service, also from a signal's handler."""

import socket


class Sleeper:
    """
    What a service waits on besides its sockets: it becomes readable when someone stops it.

    A signal's handler may run in the middle of anything: it writes a byte, and takes no lock.
    """

    def __init__(self) -> None:
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self.is_stopped = False

    def stop(self) -> None:
        """End the wait of now, and every later one."""
        self.is_stopped = True
        try:
            self._wakes.send(b".")
        except BlockingIOError:  # it was stopped very often: there is plenty to wake from
            return

    def fileno(self) -> int:
        """Return what becomes readable when it is stopped."""
        return self._woken.fileno()

    def close(self) -> None:
        """Give the system its sockets back."""
        self._woken.close()
        self._wakes.close()
