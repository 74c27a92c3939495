"""`python3 -m labkit` sets the lab up and opens it; `python3 -m labkit test` checks it. Only stdlib here."""

import sys

OLDEST = (3, 11)


def main() -> int:
    """Refuse an old Python in words it can read itself, then hand over to `labkit.cli`."""
    if sys.version_info < OLDEST:
        from labkit.cli.oldpython import refuse

        return refuse(OLDEST)
    from labkit.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
