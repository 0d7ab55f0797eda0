"""MLflow's tracking server, for artifacts: it knows no jobs, so the process that measures logs them itself."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow

from peers.base import Arguments, Peer, UnsupportedError, command


class MLflow(Peer):
    """MLflow with a server on SQLite that takes artifacts in itself."""

    settings = "mlflow server, SQLite, --serve-artifacts, 1 worker; artifacts logged from threads"
    served = True
    has_worker = False

    def worker_command(self, processes: int) -> list[str]:
        raise UnsupportedError("it runs no jobs")

    def server_command(self, port: int) -> tuple[list[str], str]:
        kept = [
            "--backend-store-uri",
            f"sqlite:///{self.home}/mlflow.db",
            "--artifacts-destination",
            f"{self.home}/artifacts",
        ]
        where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--serve-artifacts"]
        return [command("mlflow"), "server", *kept, *where], "/health"

    async def open(self) -> None:
        if self.server is None:
            return
        mlflow.set_tracking_uri(f"http://127.0.0.1:{os.environ['BENCH_PORT']}")
        self._run = mlflow.start_run().info.run_id
        self._client = mlflow.MlflowClient()

    async def submit_many(self, task: str, arguments: Sequence[Arguments]) -> None:
        raise UnsupportedError("it runs no jobs")

    async def drained(self) -> bool:
        return True

    async def artifacts(self, count: int, size: int, together: int) -> Sequence[float]:
        def one(number: int) -> float:
            begun = time.perf_counter()
            value = {"number": number, "text": "x" * (size - 30)}
            self._client.log_dict(self._run, value, f"artifact-{number}.json")
            return time.perf_counter() - begun

        begun = time.perf_counter()
        with ThreadPoolExecutor(together) as pool:
            each = list(pool.map(one, range(count)))
        return [*each, time.perf_counter() - begun]

    async def keep_file(self, path: Path) -> float:
        begun = time.perf_counter()
        self._client.log_artifact(self._run, str(path))
        return time.perf_counter() - begun

    async def fetch_file(self, path: Path) -> float:
        begun = time.perf_counter()
        folder = self.home / "fetched"
        folder.mkdir()
        Path(self._client.download_artifacts(self._run, "source", str(folder))).rename(path)
        return time.perf_counter() - begun


PEER = MLflow
