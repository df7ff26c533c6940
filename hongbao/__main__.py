"""The entry point of ``python -m hongbao`` and of the ``hongbao`` command."""

import gc
import os
import sys
import warnings


def main() -> int:
    """
    Run the command line and return its exit code.

    A command is over before it has made garbage worth looking for. Looking for it while the rooms
    wake, and again over everything while Python leaves, would cost a tenth of a short one.
    """
    gc.set_threshold(50_000)
    if not os.environ.get("HONGBAO_DEBUG"):
        # What a library says to its programmers is no answer: before a document it would spoil it.
        warnings.simplefilter("ignore")
    try:
        from hongbao import cli

        return cli.main()
    except KeyboardInterrupt:  # before anything could be printed
        return 130
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
