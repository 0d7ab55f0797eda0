"""`upnext dev`: the server in this process, the workers in a child that is replaced whenever their files change."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from upnext import _bridge
from upnext._cli import PARENT, Answer

#: How often the files are looked at, in seconds.
_LOOK = 0.5
#: How long workers may take to stop, in seconds: longer than they wait for their jobs.
_PATIENCE = 10.0
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def dev(files: list[str], only: list[str], verbose: bool, host: str, port: int) -> Answer:
    """Runs until SIGINT or SIGTERM."""
    stop = threading.Event()
    with _listening(stop):
        try:
            server = _bridge.start_server(host, port)
        except (ValueError, RuntimeError) as error:
            return 1, str(error)
        _say(f"Dashboard: {server.url}")
        command = [sys.executable, "-m", "upnext", "run", *(["-v"] if verbose else [])]
        command += [argument for name in only for argument in ("--only", name)]
        workers = _Workers([*command, "--", *files])
        try:
            _supervise(workers, files, stop)
        finally:
            workers.stop()
            problem = server.stop()
    return (0, None) if problem is None else (1, problem)


def _supervise(workers: _Workers, files: list[str], stop: threading.Event) -> None:
    folders = sorted({Path(file).resolve().parent if Path(file).exists() else Path.cwd() for file in files})
    seen = _stamps(folders)
    workers.start()
    while not stop.wait(_LOOK):
        now = _stamps(folders)
        changed = sorted(path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path))
        if changed:
            seen = now
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            _say(f"Reloading: {Path(changed[0]).name}{more} changed")
            workers.stop()
            workers.start()
        elif workers.ended():
            _say("The workers ended; they start again when a file changes.")


class _Workers:
    """The child process that runs the workers."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # In a session of its own: Ctrl-C reaches this process alone, which then stops its child in good order.
        self._process = subprocess.Popen(  # noqa: S603
            self._command, env={**os.environ, PARENT: str(os.getpid())}, start_new_session=True
        )

    def ended(self) -> bool:
        """True once after it ended by itself."""
        if self._process is None or self._process.poll() is None:
            return False
        self._process = None
        return True

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stamps(folders: list[Path]) -> dict[str, int]:
    """When each Python file under these folders was changed."""
    stamps: dict[str, int] = {}
    for folder in folders:
        for here, below, names in os.walk(folder):
            below[:] = [
                name
                for name in below
                if not name.startswith(".") and name not in _SKIPPED and not Path(here, name, "pyvenv.cfg").exists()
            ]
            for name in names:
                if name.endswith(".py"):
                    path = Path(here, name)
                    with contextlib.suppress(OSError):
                        stamps[str(path)] = path.stat().st_mtime_ns
    return stamps


@contextlib.contextmanager
def _listening(stop: threading.Event) -> Iterator[None]:
    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
