"""Open seekdb in the folder that is named, and keep it open until a signal says that it is over."""

import signal
import sys

import pylibseekdb


def main() -> None:
    """Be the process on which the server depends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    instance = pylibseekdb.open(db_dir=sys.argv[1])
    try:
        while True:
            signal.pause()
    finally:
        instance.close()


if __name__ == "__main__":
    main()
