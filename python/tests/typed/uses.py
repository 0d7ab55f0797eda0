"""The public interface as strict type checkers see it. Nothing here runs: `test_typing` checks it with pyright."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import upnext

packages = upnext.PackageManager()
packages.add("shop.tasks")
worker = upnext.Worker(
    "shop",
    concurrency=8,
    sync_executor=upnext.SyncExecutor.THREAD,
    queue_config=upnext.WorkerQueueConfig(batch_size=10, inbox_size=0),
    autodiscover_packages=["shop.tasks"],
)


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Invoice:
    due: date
    lines: list[Line]


class Database:
    async def fetch(self, sku: str) -> float:
        return float(len(sku))


@worker.lifespan
async def resources() -> AsyncIterator[dict[str, Database]]:
    yield {"database": Database()}


second = upnext.Worker("second")


@second.lifespan
@asynccontextmanager
async def managed(worker: upnext.Worker) -> AsyncGenerator[Database]:
    logging.info("%s starts", worker.name)
    yield Database()


@worker.task
def bill(order_id: int) -> Invoice:
    return Invoice(date(2026, 3, order_id), [])


@worker.task(retries=3, retry_on=(ConnectionError, TimeoutError), give_up_on=PermissionError, capture_logs=True)
async def process(order_id: int, lines: list[Line] | None = None, database: Database = upnext.resource()) -> float:
    context = upnext.get_current_context()
    context.set_progress(0.5, "half way")
    context.log.info("order %d", order_id)
    return sum([await database.fetch(line.sku) for line in lines or []])


@worker.task
def label(text: str, *, width: int = 10) -> str:
    return text.ljust(width)


@worker.task(artifact_ttl=timedelta(days=1), capture_output=True)
async def nothing() -> None:
    artifact = await upnext.create_artifact("a.json", {"a": 1}, upnext.ArtifactType.JSON)
    assert_type(artifact, upnext.Artifact)


async def use() -> None:
    assert_type(await process(1, []), float)
    assert_type(label("a"), str)
    future = await process.submit(order_id=1)
    assert_type(future, upnext.Future[float])
    assert_type(await future.result(), upnext.TaskResult[float])
    assert_type((await future.result(timeout=1)).value, float)
    assert_type(await future.value(), float)
    assert_type(await future.cancel(), bool)
    assert_type(await process.submit_idempotent("key", 1, [Line("a")]), upnext.Future[float])
    assert_type(await process.wait(1, wait_timeout=5), upnext.TaskResult[float])
    assert_type((await bill.wait(1)).value.due, date)
    assert_type(label.submit_sync("a", width=3), upnext.Future[str])
    assert_type(label.wait_sync("a", wait_timeout=1).value, str)
    assert_type((await nothing.wait()).value, None)
    connection: object = Database()
    inside = process.options(priority=5).in_transaction(connection)
    assert_type(await inside.submit(1, [Line("a")]), upnext.Future[float])
    assert_type(await inside.submit_idempotent("key", order_id=1), upnext.Future[float])
    assert_type(label.in_transaction(connection).submit_sync("a", width=3), upnext.Future[str])
    assert_type(await worker.event("a").in_transaction(connection).send(n=1), list[upnext.Future[Any]])
    later = process.options(delay=timedelta(hours=1), priority=5)
    assert_type(await later.submit(1), upnext.Future[float])


async def together() -> None:
    futures = await upnext.submit_many(label, [{"text": "a"}])
    assert_type(futures, list[upnext.Future[str]])
    assert_type(await upnext.gather(*futures), list[str])
    assert_type(await upnext.gather(futures), list[str])
    assert_type(await upnext.gather(label.wait("a"), label.wait("b")), list[upnext.TaskResult[str]])
    assert_type(await upnext.map_tasks(process, [{"order_id": 1}], concurrency=2), list[float])
    assert_type(await upnext.first_completed(*futures, timeout=1), str)
    assert_type(await upnext.first_completed(label.wait("a"), label.wait("b")), upnext.TaskResult[str])


async def artifacts() -> None:
    artifact = await upnext.get_artifact(function=process, name="a.json")
    assert_type(await artifact.bytes(), bytes)
    assert_type(await artifact.text(), str)
    filters: upnext.ArtifactFilters = {"tags": ["best"], "min_size": 1}
    assert_type(await upnext.list_artifacts(**filters), list[upnext.Artifact])
    async for one in upnext.iter_artifacts(job="id"):
        assert_type(one, upnext.Artifact)
    await upnext.create_artifact("chart.png", Path("chart.png"), tags=["a"])
    async with upnext.open_artifact("a.log") as log, artifact.open() as reader:
        await log.write("line\n")
        assert_type(await reader.read(5), bytes)
    with upnext.open_artifact_sync("a.csv", mode="w") as table:
        assert_type(table, upnext.ArtifactTextFile)


async def failures() -> None:
    try:
        await process.wait(1)
    except upnext.TaskTimeoutError as error:
        assert_type(error.job_id, str)
    except upnext.TaskExecutionError as error:
        assert_type(error.status, upnext.JobStatus)
        assert_type(error.task_result.failure_reason, upnext.FailureReason | None)
    except upnext.ArgumentError:
        pass


api = upnext.Api("shop", host="::1", port=0, track=False, title="The shop", uvicorn_options={"root_path": "/shop"})
orders = api.group("/orders", tags=["orders"])
assert_type(orders, upnext.ApiGroup)


@api.get("/", include_in_schema=False)
def start_page() -> str:
    return "welcome"


@orders.post("/{order_id}", status_code=202)
async def place_order(order_id: int) -> str:
    return (await process.submit(order_id)).job_id


async def serve() -> None:
    assert_type(start_page(), str)
    assert_type(await place_order(7), str)
    other = upnext.Api.from_fastapi(api.app, "other", port=8001)
    assert_type(other, upnext.Api)
    other.static("/files", Path("files"), html=True)
    await other.start()
    assert_type(other.address, str)
    await other.stop(timeout=0.5)


if __name__ == "__main__":
    assert_type(worker.autodiscover("shop.tasks"), list[str])
    asyncio.run(use())
    upnext.run(worker, second, api, worker_timeout=5, api_timeout=1)
