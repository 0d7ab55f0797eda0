"""One virtual environment for each peer, with the versions that `pins.ini` names."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from pathlib import Path

from contest.places import ENVIRONMENTS, PINS

#: Our own package is not installed: its folder is on the path.
OURS = "ours"


class NotInstalledError(Exception):
    """An environment cannot be made. Its text is pip's reason."""


def interpreter(wanted: str | None) -> str:
    """The Python that everything is measured with: 3.12 or newer, which some peers need."""
    candidates = [wanted] if wanted else [sys.executable, *_found()]
    for candidate in candidates:
        if candidate and _version(candidate) >= (3, 12):
            return candidate
    raise SystemExit("The measurements need Python 3.12 or newer: name one with --python.")


def _found() -> list[str]:
    names = [path for name in ("python3.12", "python3.13", "python3") if (path := shutil.which(name))]
    return [*names, *map(str, sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python3")))]


def _version(python: str) -> tuple[int, int]:
    """The version of an interpreter; (0, 0) if it is none."""
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        return int(said[0]), int(said[1])
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
        return 0, 0


def pins() -> dict[str, list[str]]:
    """What each environment consists of."""
    parser = configparser.ConfigParser()
    parser.read(PINS)
    return {name: parser[name]["requirements"].split() for name in parser.sections()}


def ensure(name: str, python: str) -> Path:
    """The interpreter of an environment, which is made if it is not there as `pins.ini` wants it."""
    folder = ENVIRONMENTS / name
    mark = folder / "made-of.json"
    wanted = json.dumps([python, [] if name == OURS else pins()[name]])
    inside = folder / "bin" / "python"
    if mark.exists() and mark.read_text() == wanted and inside.exists():
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    print(f"  installing {name} ...", flush=True)
    subprocess.run([python, "-m", "venv", *(["--without-pip"] if name == OURS else []), str(folder)], check=True)
    if name != OURS:
        words = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins()[name]]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = next(
                (line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), done.stderr
            )
            raise NotInstalledError(f"pip cannot install {' '.join(pins()[name])}: {reason[-300:]}")
    mark.write_text(wanted)
    return inside


def versions(name: str) -> str:
    """The pinned packages of an environment with the versions that are in it."""
    python = ENVIRONMENTS / name / "bin" / "python"
    code = "import sys, importlib.metadata as m\nprint(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    names = [pin.split("==")[0].split("[")[0] for pin in pins()[name]]
    done = subprocess.run([str(python), "-c", code, *names], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not installed"
