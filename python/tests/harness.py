"""Workers in this process, programs in others, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import upnext

DEADLINE = 20.0


@contextlib.asynccontextmanager
async def running(*workers: upnext.Worker, timeout: float = 3.0) -> AsyncIterator[None]:
    """Runs these workers meanwhile."""
    for worker in workers:
        await worker.start()
    try:
        yield
    finally:
        for worker in workers:
            await worker.stop(timeout)


async def eventually(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Waits until `condition()` is true, and gives what it answered."""
    end = time.monotonic() + DEADLINE
    while not (answer := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE} s"
        await asyncio.sleep(0.01)
    return answer


def eventually_sync(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """The same without a loop."""
    end = time.monotonic() + DEADLINE
    while not (answer := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE} s"
        time.sleep(0.01)
    return answer


class Programs:
    """Python programs in processes of their own, none of which outlives the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def write(self, name: str, source: str) -> Path:
        """A file beside the others."""
        path = self.folder / name
        path.write_text(textwrap.dedent(source))
        return path

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[str]:
        """Starts `python ARGUMENTS` in the folder; what `env` says is None is not set there."""
        merged = {**os.environ, **(env or {})}
        log = (self.folder / f"output-{len(self._running)}.txt").open("w+")
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={name: value for name, value in merged.items() if value is not None},
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        process.log = log  # type: ignore[attr-defined]
        self._running.append(process)
        return process

    def output(self, process: subprocess.Popen[str]) -> str:
        """What it has printed so far."""
        return Path(process.log.name).read_text()  # type: ignore[attr-defined]

    def run(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> tuple[int, str]:
        """Runs `python ARGUMENTS` to its end."""
        process = self.start(*arguments, env=env)
        return process.wait(DEADLINE), self.output(process)

    def wait_for(self, process: subprocess.Popen[str], text: str) -> None:
        """Waits until it has printed `text`."""

        def printed() -> bool:
            output = self.output(process)
            if text in output:
                return True
            assert process.poll() is None, f"ended with {process.returncode} before it said {text!r}:\n{output}"
            return False

        eventually_sync(printed, f"{text!r} in the output of {process.args}")

    def close(self) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)
            process.log.close()  # type: ignore[attr-defined]
