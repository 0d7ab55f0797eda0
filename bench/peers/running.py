"""The worker of a peer as a process, and what its process tree uses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from peers.base import Peer
from peers.tally import Reader

if TYPE_CHECKING:
    from typing_extensions import Self

_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A worker that runs while this is entered. It is ready when it has run a job.

    `begun` is when its process was started, on the clock of `time.perf_counter`.
    """

    def __init__(self, peer: Peer, *, processes: int = 1, warm: bool = True) -> None:
        self._peer = peer
        self._processes = processes
        self._warm = warm
        self.tally = Reader(Path(os.environ["BENCH_TALLY"]))
        self._before = self.tally.ran()
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        if not self._peer.has_worker:
            return self
        environment = {**os.environ, "BENCH_PROCESSES": str(self._processes)}
        with Path(os.environ["BENCH_HOME"], "worker.log").open("ab") as log:
            self.begun = time.perf_counter()
            self._process = subprocess.Popen(
                self._peer.worker_command(self._processes),
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if self._warm:
            try:
                await self._peer.submit_many("noop" if self._processes == 1 else "crunch", [()])
                await self.finished(1)
            except BaseException:
                self._end()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            end(self._process)

    def ran(self) -> int:
        """How many jobs it has run since the last `finished`."""
        return self.tally.ran() - self._before

    async def finished(self, count: int, patience: float = 300.0) -> float:
        """Waits until `count` more jobs have run and the peer says that nothing is left; gives when that was."""
        end = time.perf_counter() + patience
        while self.ran() < count:
            if time.perf_counter() > end:
                raise TimeoutError(f"{self.ran()} of {count} jobs had run after {patience:g} s")
            if self._process is not None and self._process.poll() is not None:
                log = Path(os.environ["BENCH_HOME"], "worker.log").read_text(errors="replace")
                raise RuntimeError(f"its worker ended with {self._process.returncode}: {log[-600:]}")
            await asyncio.sleep(0.002)
        while not await self._peer.drained():
            if time.perf_counter() > end:
                raise TimeoutError(f"all {count} jobs had run, but it still says that some wait, after {patience:g} s")
            await asyncio.sleep(0.002)
        done = time.perf_counter()
        if self.ran() != count:
            raise RuntimeError(f"{count} jobs ran {self.ran()} times")
        self._before += count
        return done

    def pids(self) -> list[int]:
        """Its processes."""
        return family_of(os.getpid() if self._process is None else self._process.pid)

    def memory_mib(self) -> float:
        """What its processes hold, in MiB: pages that several share are split among them."""
        return sum(share_mib(pid) for pid in self.pids())

    def cpu_seconds(self) -> float:
        """Processor time that its processes have used."""
        return sum(cpu_seconds(pid) for pid in self.pids())


class Server:
    """The server of a peer, which has answered when this is entered, `startup` seconds after it was started."""

    def __init__(self, peer: Peer, port: int) -> None:
        self._words, self._path = peer.server_command(port)
        self._port = port
        self._log = peer.home / "server.log"

    async def __aenter__(self) -> Self:
        begun = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = self._process.pid
        try:
            while not await _answers(self._port, self._path):
                if time.perf_counter() - begun > 120:
                    raise TimeoutError("its server did not answer within 120 s")
                if self._process.poll() is not None:
                    raise RuntimeError("its server ended: " + self._log.read_text(errors="replace")[-600:])
                await asyncio.sleep(0.001)
        except BaseException:
            end(self._process)
            raise
        self.startup = time.perf_counter() - begun
        return self

    async def __aexit__(self, *_: object) -> None:
        end(self._process)


async def _answers(port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with all that descend from it."""
    family = family_of(process.pid)
    for pid in family:
        _signal(pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(2)
    for pid in family:
        _signal(pid, signal.SIGKILL)
    process.wait()


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = Path(entry, "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    family = [pid]
    for each in family:
        family.extend(parents.get(each, []))
    return family


def share_mib(pid: int) -> float:
    """The memory of one process, in MiB; none if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0.0
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["Pss"].split()[0]) / 1024


def peak_mib(pid: int) -> float:
    """The most that one process has held, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Processor time of one process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
