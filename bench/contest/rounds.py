"""Rounds: one contender runs one workload once, on an empty store, and leaves a row."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from contest import environments, processes
from contest.contenders import Contender
from contest.parts import Part
from contest.places import BENCH, REPOSITORY
from contest.stores import Opened, Store

Row = dict[str, Any]
#: Peers whose rounds have a fifth of the jobs in all sizes but full, since they need five times as long.
SLOW = frozenset({"original", "flexiq", "saq", "celery", "taskiq", "arq", "dramatiq", "huey", "procrastinate", "awa"})


@dataclass(frozen=True)
class Machinery:
    """What rounds need."""

    python: str
    programs: Path


def measure(
    part: Part,
    contender: Contender,
    opened: Opened,
    size: str,
    capacity: float | None,
    patience: float,
    tools: Machinery,
) -> Row:
    """Runs one round, for no longer than `patience` seconds. What went wrong is part of the row."""
    parameters = dict(part.parameters(size) or {})
    if size != "full" and contender.peer in SLOW and "jobs" in parameters:
        parameters["jobs"] //= 5
    if part.workload == "sustained":
        parameters["rate"] = 0.5 * (capacity or 0)
    row: Row = {"part": part.name, "size": size, "contender": contender.key, "parameters": parameters}
    row["at"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    row["load"] = [os.getloadavg()[0]]
    begun = time.monotonic()
    limit = min(part.limit, patience)
    try:
        if "arguments" in parameters:
            row |= _program(tools.programs / part.workload, parameters["arguments"], limit)
        else:
            row |= _driven(part, contender, opened, parameters, limit, tools)
    except Exception as error:
        row["failed"] = f"{type(error).__name__}: {error}"[-400:]
    row["seconds"] = round(time.monotonic() - begun, 1)
    row["load"].append(os.getloadavg()[0])
    return row


def _driven(
    part: Part, contender: Contender, opened: Opened, parameters: dict[str, Any], limit: float, tools: Machinery
) -> Row:
    """Lets the peer's own environment measure."""
    try:
        python = environments.ensure(contender.peer, tools.python)
    except environments.NotInstalledError as error:
        return {"unsupported": str(error)}
    store = opened.emptied(contender.store)
    folder = Path(tempfile.mkdtemp(prefix="upnext-bench-"))
    try:
        for name in ("home", "tally", "data"):
            (folder / name).mkdir()
        words = [str(python), "-m", "peers.drive", contender.peer, part.workload, json.dumps(parameters)]
        output, complaint, code = _run(words, limit, _environment(contender, store, folder), folder)
        if code is None:
            return {"failed": f"it was not done after {limit:.0f} s{_last_words(folder)}"}
        line = output.strip().splitlines()[-1] if output.strip() else ""
        if code or not line.startswith("{"):
            return _refusal(complaint)
        answer = json.loads(line)
        if "unsupported" in answer:
            return {"unsupported": answer["unsupported"]}
        return {"settings": answer.pop("settings"), "figures": answer}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_words(folder: Path) -> str:
    """What its worker and its server wrote last, for whoever looks why it hung."""
    said = ""
    for log in sorted((folder / "home").glob("*.log")):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            said += f"; {log.stem}: {lines[-1][-160:]}"
    return said


def _refusal(complaint: str) -> Row:
    """Why a driver ended without figures: the last line that it wrote."""
    lines = [line for line in complaint.strip().splitlines() if line.strip()]
    reason = lines[-1][-400:] if lines else "it said nothing"
    missing = "is not part of this build" in reason
    return {"unsupported" if missing else "failed": reason}


def _environment(contender: Contender, store: Store, folder: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UPNEXT_", "PYTHON", "MLFLOW", "PREFECT"))
    }
    port = processes.free_port()
    path = [str(BENCH)]
    own: dict[str, str] = {}
    if contender.peer == environments.OURS:
        path.append(str(REPOSITORY / "python"))
        own = {"UPNEXT_HOME": str(folder / "data"), "UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES": str(4 << 30)}
        if store.name != "sqlite":
            own["UPNEXT_DATABASE_URL" if store.name == "postgres" else "UPNEXT_REDIS_URL"] = store.url
    elif contender.peer == "original":
        own = {
            "HOME": str(folder / "data"),
            "UPNEXT_REDIS_URL": store.url,
            "UPNEXT_BACKEND": "sqlite",
            "UPNEXT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'data' / 'server.db'}",
            "UPNEXT_ARTIFACT_STORAGE_LOCAL_ROOT": str(folder / "data" / "artifacts"),
            "UPNEXT_URL": f"http://127.0.0.1:{port}",
        }
    own |= {
        "BENCH_URL": store.url,
        "BENCH_HOME": str(folder / "home"),
        "BENCH_TALLY": str(folder / "tally"),
        "BENCH_PORT": str(port),
    }
    return {**kept, **own, "PYTHONPATH": os.pathsep.join(path)}


def _run(words: list[str], limit: float, environment: dict[str, str], folder: Path) -> tuple[str, str, int | None]:
    """What a process wrote to standard output and error, and its exit code: none if it took too long."""
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        process = processes.start(words, env=environment, cwd=folder, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            processes.end(process)
        return (folder / "out").read_text(errors="replace"), (folder / "err").read_text(errors="replace"), code


_MILLISECONDS = {"µs": 1e-3, "us": 1e-3, "ms": 1.0, "s": 1e3, "ns": 1e-6}


def _program(path: Path, arguments: list[str], limit: float) -> Row:
    """Runs one of the Rust programs and reads the figures that it prints."""
    if not path.exists():
        return {"unsupported": f"{path.name} is not built: cargo build --release -p upnext-bench"}
    folder = Path(tempfile.mkdtemp(prefix="upnext-bench-"))
    try:
        output, complaint, code = _run([str(path), *arguments], limit, dict(os.environ), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if code != 0:
        return {"failed": complaint.strip()[-400:] or f"it was not done after {limit:g} s"}
    return {"settings": f"{path.name} {' '.join(arguments)}", "figures": printed_figures(output)}


def printed_figures(output: str) -> dict[str, float]:
    """The figures in what `rust_jobs` and `queue_length` print."""
    figures: dict[str, float] = {}
    for line in output.splitlines():
        if rate := re.match(r"(.*?\S)\s+(\d+)(?: jobs/s|/s)", line):
            name = re.sub(r"^(enqueue|drain)\s+\d+$", r"\1", rate[1])
            figures.setdefault(re.sub(r",\s+", ", ", name), float(rate[2]))
        elif ratio := re.match(r"ratio\s+p50 ([\d.]+)\s+p99 ([\d.]+)", line):
            figures |= {"ratio p50": float(ratio[1]), "ratio p99": float(ratio[2])}
        elif cycle := re.match(r"ratio of whole cycles\s+p50 ([\d.]+)", line):
            figures["cycle p50"] = float(cycle[1])
        elif wait := re.match(r"submit to result\s+p50 ([\d.]+)(\D+?)\s+p99 ([\d.]+)(\D+)", line):
            figures["p50_ms"] = float(wait[1]) * _MILLISECONDS[wait[2]]
            figures["p99_ms"] = float(wait[3]) * _MILLISECONDS[wait[4].strip()]
    return figures
