"""Runs a command several times beside one another, for workers that know no option for processes.

Usage: `python -m peers.twice TIMES COMMAND...`.
"""

from __future__ import annotations

import subprocess
import sys


def several(times: int, words: list[str]) -> list[str]:
    """The command that runs these words several times, or once as they are."""
    return words if times == 1 else [sys.executable, "-m", "peers.twice", str(times), *words]


if __name__ == "__main__":
    running = [subprocess.Popen(sys.argv[2:]) for _ in range(int(sys.argv[1]))]
    sys.exit(max(process.wait() for process in running))
