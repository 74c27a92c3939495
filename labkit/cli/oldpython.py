"""The sentence for a Python that is too old. Written in syntax that any Python 3.6 or newer reads."""

import shutil
import subprocess
import sys


def refuse(oldest: "tuple[int, int]") -> int:
    """Say which Python this is, which is needed, and which fitting one is here; return the exit code."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    needed = f"{oldest[0]}.{oldest[1]}"
    found = [name for name in (f"python3.{minor}" for minor in range(13, oldest[1] - 1, -1)) if _works(name)]
    print(f"This is Python {here}; the lab needs Python {needed} or newer.", file=sys.stderr)
    if found:
        print(f"What to do: this machine has {found[0]}. Run: {found[0]} -m labkit", file=sys.stderr)
    else:
        print(
            f"What to do: install Python {needed} or newer (python.org, or your system's packages), "
            "then run the same command with it.",
            file=sys.stderr,
        )
    return 1


def _works(name: str) -> bool:
    """Whether a Python of that name starts: some version managers keep names of what they do not have."""
    path = shutil.which(name)
    if path is None:
        return False

    return subprocess.call([path, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
