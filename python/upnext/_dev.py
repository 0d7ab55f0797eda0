"""`upnext dev`: the server in this process, the workers in a child that is replaced whenever their files change."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from upnext import _bridge
from upnext._cli import DASHBOARD, PARENT, Answer

#: How often the files are looked at, in seconds; folders that take long to look at are looked at less often.
_LOOK = 0.3
_LOOK_SHARE = 20
#: For how long nothing may change before the workers start again, in seconds: editors and checkouts write in bursts.
_QUIET = 0.1
#: How long workers may take to stop, in seconds: longer than they wait for their jobs.
_PATIENCE = 10.0
#: The exit code of a call that was wrong.
_USAGE = 2
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def dev(files: list[str], only: list[str], verbose: bool, host: str, port: int) -> Answer:
    """Runs until SIGINT or SIGTERM. A second one stops the workers without waiting for their jobs."""
    stop = _Stop()
    with stop.listening():
        try:
            server = _bridge.start_server(host, port)
        except (ValueError, RuntimeError) as error:
            return 1, str(error)
        _say(f"Dashboard: {server.url}")
        command = [sys.executable, "-m", "upnext", "run", *(["-v"] if verbose else [])]
        command += [argument for name in only for argument in ("--only", name)]
        workers = _Workers([*command, "--", *files], server.url)
        stop.workers = workers
        code = 0
        try:
            code = _supervise(workers, files, stop.first)
        finally:
            workers.stop()
            problem = server.stop()
    return (stop.forced or code, None) if problem is None else (1, problem)


def _supervise(workers: _Workers, files: list[str], stop: threading.Event) -> int:
    """Answers the exit code: that of the first workers if they found that the call was wrong."""
    watch = _Watch(files)
    workers.start()
    reloaded = False
    while not stop.wait(watch.pause):
        changed = watch.changes(stop)
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            _say(f"Reloading: {Path(changed[0]).name}{more} changed")
            workers.stop()
            if stop.is_set():
                break
            workers.start()
            reloaded = True
            continue
        code = workers.ended()
        if code == _USAGE and not reloaded:
            return code
        if code is not None:
            _say("The workers ended; they start again when a file changes.")
    return 0


class _Workers:
    """The child process that runs the workers."""

    def __init__(self, command: list[str], dashboard: str) -> None:
        self._command = command
        self._environment = {**os.environ, PARENT: str(os.getpid()), DASHBOARD: dashboard}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # In a session of its own: Ctrl-C reaches this process alone, which then stops its child in good order.
        self._process = subprocess.Popen(self._command, env=self._environment, start_new_session=True)  # noqa: S603

    def ended(self) -> int | None:
        """Its exit code, once after it ended by itself."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            self._process = None
        return code

    def stop(self) -> None:
        """Lets it drain, and waits for its end."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def hurry(self) -> None:
        """Tells one that drains to give its jobs back at once."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()


class _Watch:
    """The Python files in the folders of what is run."""

    def __init__(self, files: list[str]) -> None:
        self._folders = sorted({Path(file).resolve().parent if Path(file).exists() else Path.cwd() for file in files})
        #: How long to wait before the next look, in seconds.
        self.pause = _LOOK
        self._seen = self._look()

    def changes(self, stop: threading.Event) -> list[str]:
        """The files that changed since the last call. If there are any, waits until no more do."""
        now = self._look()
        if not self._differing(now):
            return []
        while not stop.wait(_QUIET):
            latest = self._look()
            if latest == now:
                break
            now = latest
        changed = self._differing(now)
        self._seen = now
        return changed

    def _differing(self, now: dict[str, int]) -> list[str]:
        return sorted(path for path in self._seen.keys() | now.keys() if self._seen.get(path) != now.get(path))

    def _look(self) -> dict[str, int]:
        begun = time.monotonic()
        stamps = _stamps(self._folders)
        self.pause = max(_LOOK, _LOOK_SHARE * (time.monotonic() - begun))
        return stamps


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


class _Stop:
    """What the signals so far mean."""

    def __init__(self) -> None:
        self.first = threading.Event()
        self.workers: _Workers | None = None
        #: The exit code after a second signal.
        self.forced: int | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.first.is_set():
            self.forced = 128 + number
            if self.workers is not None:
                self.workers.hurry()
        self.first.set()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
