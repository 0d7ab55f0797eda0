"""What is measured at each place: one function for each sort of figure, one row for each."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from capacity import watching
from capacity.places import Engines, Place, fresh
from peers.running import share_mib

Row = dict[str, Any]
SLOTS = "32"
_PYTHON_STEPS = str(Path(__file__).with_name("python_steps.py"))


class Bench:
    """The programs, and the database servers."""

    def __init__(self, programs: Path, engines: Engines) -> None:
        self.sizing = str(programs / "sizing")
        self.engines = engines

    def rust(self, place: Place, *words: object) -> Row:
        """Runs a step of the Rust program."""
        return self._step([self.sizing, *map(str, words)], place)

    def python(self, place: Place, *words: object) -> Row:
        """Runs a step of the Python program."""
        return self._step([sys.executable, _PYTHON_STEPS, *map(str, words)], place)

    def _step(self, words: list[str], place: Place) -> Row:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(words, env=place.environment(), capture_output=True, text=True, check=False)
        if said.returncode:
            raise RuntimeError(f"{' '.join(words[-3:])}: {said.stderr.strip()[-400:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        answer: Row = json.loads(said.stdout.strip().splitlines()[-1])
        return answer | {"cpu": cpu}

    @contextlib.contextmanager
    def working(self, place: Place, language: str, count: int) -> Iterator[list[int]]:
        """So many worker processes, which wait for jobs meanwhile; their ids."""
        words = [self.sizing, "work", SLOTS]
        ready = "ready"
        if language == "python":
            words, ready = [sys.executable, "-m", "upnext", "run", _PYTHON_STEPS], "Running"
        with contextlib.ExitStack() as stack:
            processes = [stack.enter_context(_started(words, place)) for _ in range(count)]
            for process in processes:
                assert process.stdout is not None
                said = ""
                while ready not in (line := process.stdout.readline()):
                    said += line
                    if not line:
                        raise RuntimeError(f"a worker ended before it was ready: {said.strip()[-400:]}")
                # Nobody may fill the pipe.
                threading.Thread(target=process.stdout.read, daemon=True).start()
            yield [process.pid for process in processes]


@contextlib.contextmanager
def _started(words: list[str], place: Place) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        words,
        env=place.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


class _Sampler(threading.Thread):
    """Looks every now and then how many connections a process has."""

    def __init__(self, pid: int, port: int | None) -> None:
        super().__init__(daemon=True)
        self._pid, self._port, self._over = pid, port, threading.Event()
        self.idle = self.most = 0 if port is None else watching.connections(pid, port)
        self.start()

    def run(self) -> None:
        while self._port is not None and not self._over.wait(0.05):
            self.most = max(self.most, watching.connections(self._pid, self._port))

    def finish(self) -> None:
        self._over.set()
        self.join()


def throughput(bench: Bench, name: str, language: str, workers: int, jobs: int) -> Row:
    """No-op jobs from the first submit to the last end, with workers that wait for them, and what that costs."""
    with fresh(name, bench.engines) as place, bench.working(place, language, workers) as pids:
        bench.rust(place, "burst", 200)
        time.sleep(0.5)
        sampler = _Sampler(pids[0], place.port)
        log_before, calls_before = place.logged()
        before = watching.cpu_seconds(pids), place.engine_cpu(), place.before_cpu()
        burst = bench.rust(place, "burst", jobs)
        after = watching.cpu_seconds(pids), place.engine_cpu(), place.before_cpu()
        log, calls = place.logged()
        sampler.finish()
        worker, engine, server = (1e6 * (late - early) / jobs for late, early in zip(after, before, strict=True))
        return {
            "rate": jobs / burst["seconds"],
            "submitted": jobs / burst["filled"],
            "worker_us": worker,
            "engine_us": engine,
            "server_us": server,
            "submitter_us": 1e6 * burst["cpu"] / jobs,
            "log_bytes": (log - log_before) / jobs,
            "calls": (calls - calls_before) / jobs,
            "connections_idle": sampler.idle,
            "connections": sampler.most,
            "worker_mib": share_mib(pids[0]),
        }


def submitting(bench: Bench, name: str) -> Row:
    """How fast one Python process submits, with nobody working."""
    with fresh(name, bench.engines) as place:
        single, bulk = 1000, 50_000
        return {
            "single": single / bench.python(place, "single", single)["seconds"],
            "bulk": bulk / bench.python(place, "bulk", bulk)["seconds"],
        }


def idle(bench: Bench, name: str, language: str) -> Row:
    """From submitting a job to its result, on an idle system."""
    with fresh(name, bench.engines) as place, bench.working(place, language, 1):
        step: Callable[..., Row] = bench.python if language == "python" else bench.rust
        step(place, "ping", 20)
        answer = step(place, "ping", 500)
        return {"p50_ms": answer["p50_ms"], "p99_ms": answer["p99_ms"]}


def queued(bench: Bench, name: str, jobs: int) -> Row:
    """What a queued job takes, and a claim of 32 with a few and with very many of them there."""
    with fresh(name, bench.engines) as place:
        bench.rust(place, "fill", 20_000)
        few = bench.rust(place, "claims", 300)
        before = place.size()
        filled = bench.rust(place, "fill", jobs)
        size = place.size()
        many = bench.rust(place, "claims", 300)
        return {
            "bytes": (size - before) / jobs,
            "submitted": jobs / filled["seconds"],
            "few_p50_ms": few["p50_ms"],
            "few_p99_ms": few["p99_ms"],
            "p50_ms": many["p50_ms"],
            "p99_ms": many["p99_ms"],
        }


def finished(bench: Bench, name: str, jobs: int) -> Row:
    """What a finished job takes, once what it took while it waited is used again by others."""
    with fresh(name, bench.engines) as place:
        bench.rust(place, "fill", 1000)
        with bench.working(place, "rust", 1):
            bench.rust(place, "drained")
            before = place.size()
            bench.rust(place, "burst", jobs)
        return {"bytes": (place.size() - before) / jobs}


def artifacts(bench: Bench, name: str, language: str, together: int) -> Row:
    """Artifacts of 200 bytes of JSON that one job makes."""
    count = 2000 if together == 1 else 20_000
    with fresh(name, bench.engines) as place:
        with bench.working(place, language, 1):
            step: Callable[..., Row] = bench.python if language == "python" else bench.rust
            step(place, "artifacts", 100, together)
            before, engine, log = place.size(), place.engine_cpu(), place.logged()
            answer = step(place, "artifacts", count, together)
            engine, log_bytes = place.engine_cpu() - engine, place.logged()[0] - log[0]
        return {
            "rate": count / answer["seconds"],
            "engine_us": 1e6 * engine / count,
            "log_bytes": log_bytes / count,
            "bytes": (place.size() - before) / count,
        }


def noted(measure: Callable[[], Row]) -> Row:
    """A row, with how busy the machine was."""
    load = os.getloadavg()[0]
    return measure() | {"load": [round(load, 1), round(os.getloadavg()[0], 1)]}
