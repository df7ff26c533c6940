"""``python -m hongbao``, and where the ``hongbao`` command comes in."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from hongbao import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
