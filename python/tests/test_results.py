"""What tasks return: JSON in the job, the annotated type for whoever waits with the task."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import peek
import process_results
import pydantic
import pytest
from harness import DEADLINE, running

import upnext


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    sku: str
    price: Decimal


@dataclasses.dataclass
class Order:
    id: UUID
    lines: list[Line]
    due: date | None = None


class Point(NamedTuple):
    x: int
    y: float


class Row(TypedDict):
    at: datetime


class Model(pydantic.BaseModel):
    when: datetime
    tags: set[str] = set()


Sku = NewType("Sku", str)

ID = UUID("0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10")
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)

#: Annotation, what is returned, and the JSON that the job keeps.
CASES: list[tuple[Any, Any, Any]] = [
    (date, date(2026, 3, 1), "2026-03-01"),
    (datetime, NOON, "2026-03-01T12:00:00+00:00"),
    (time, time(3, 30), "03:30:00"),
    (timedelta, timedelta(minutes=1.5), 90.0),
    (UUID, ID, str(ID)),
    (Decimal, Decimal("1.10"), "1.10"),
    (Path, Path("a/b"), "a/b"),
    (Color, Color.RED, "red"),
    (Literal[Color.RED], Color.RED, "red"),
    (Sku, Sku("x"), "x"),
    (set[int], {3}, [3]),
    (frozenset[str], frozenset("a"), ["a"]),
    (tuple[int, date], (1, date(2026, 3, 1)), [1, "2026-03-01"]),
    (list[Color], [Color.RED], ["red"]),
    (dict[date, Decimal], {date(2026, 3, 1): Decimal(1)}, {"2026-03-01": "1"}),
    (Point, Point(1, 2.5), {"x": 1, "y": 2.5}),
    (Row, {"at": NOON}, {"at": "2026-03-01T12:00:00+00:00"}),
    (
        Order,
        Order(ID, [Line("a", Decimal("0.50"))], date(2026, 3, 1)),
        {"id": str(ID), "lines": [{"sku": "a", "price": "0.50"}], "due": "2026-03-01"},
    ),
    (Order | None, None, None),
    (Model, Model(when=NOON, tags={"a"}), {"when": "2026-03-01T12:00:00Z", "tags": ["a"]}),
    (list[Model], [Model(when=NOON)], [{"when": "2026-03-01T12:00:00Z", "tags": []}]),
    (float, 2, 2.0),
    (int | str, "7", "7"),
    (dict, {"a": [1]}, {"a": [1]}),
]


def returning(annotation: Any, value: Any, is_async: bool) -> Callable[[], Any]:
    async def in_async() -> Any:
        return value

    def in_sync() -> Any:
        return value

    function = in_async if is_async else in_sync
    function.__annotations__["return"] = annotation
    return function


@pytest.mark.parametrize("is_async", [True, False])
def test_a_value_comes_back_as_what_it_was(worker: upnext.Worker, is_async: bool) -> None:
    handles = [
        worker.task(name=f"t{number}")(returning(annotation, value, is_async))
        for number, (annotation, value, _) in enumerate(CASES)
    ]

    async def main() -> None:
        async with running(worker):
            for handle, (annotation, value, carried) in zip(handles, CASES, strict=True):
                future = await handle.submit()
                got = await future.value(DEADLINE)
                assert (got, type(got)) == (value, type(value)) or annotation is float, annotation
                assert (await future.result(DEADLINE)).value == value
                assert (await handle.wait(wait_timeout=DEADLINE)).value == value
                # Who knows no task gets the JSON.
                assert await upnext.Future[Any](future.job_id).value(DEADLINE) == carried, annotation
                assert peek.job(future.job_id)["result"] == carried

    asyncio.run(main())


def test_it_does_so_everywhere(worker: upnext.Worker) -> None:
    @worker.task
    async def day(n: int = 1) -> date:
        return date(2026, 3, n)

    @worker.event("month.ended").on
    def closed(n: int) -> date:
        return date(2026, 3, n)

    async def main() -> None:
        async with running(worker, process_results.worker):
            assert await upnext.map_tasks(day, [{"n": 1}, {"n": 2}]) == [date(2026, 3, 1), date(2026, 3, 2)]
            assert await upnext.gather(await upnext.submit_many(day, [{"n": 3}])) == [date(2026, 3, 3)]
            assert await upnext.first_completed(await day.submit_idempotent("k", 4)) == date(2026, 3, 4)
            [job] = await worker.event("month.ended").send(n=5)
            assert await job.value(DEADLINE) == date(2026, 3, 5)
            [job] = await closed.send(6)
            assert await job.value(DEADLINE) == date(2026, 3, 6)
            result = await process_results.invoice.wait(7, wait_timeout=DEADLINE)
            assert result.value == process_results.Invoice(7, date(2026, 3, 1))

    asyncio.run(main())

    def without_a_loop() -> None:
        assert day.submit_sync(1).job_id
        assert day.wait_sync(2, wait_timeout=DEADLINE).value == date(2026, 3, 2)

    async def sync() -> None:
        async with running(worker):
            await asyncio.to_thread(without_a_loop)

    asyncio.run(sync())


def test_a_value_that_does_not_fit_its_annotation_is_kept_if_it_can_be(
    worker: upnext.Worker, caplog: pytest.LogCaptureFixture
) -> None:
    @worker.task
    async def count() -> dict[str, int]:
        return {"a": "many"}  # type: ignore[dict-item]

    @worker.task(retries=3)
    async def bad() -> list[date]:
        return [date(2026, 3, 1), {1}]  # type: ignore[list-item]

    @worker.task
    async def maybe() -> str:
        return None  # type: ignore[return-value]

    @worker.task
    async def nothing() -> None:
        return 5  # type: ignore[return-value]

    @worker.task(retries=3)
    async def unsaid():  # type: ignore[no-untyped-def]
        return date(2026, 3, 1)

    async def main() -> None:
        async with running(worker):
            with caplog.at_level(logging.WARNING, "upnext.worker"):
                for _ in range(2):
                    with pytest.raises(upnext.ResultError) as caught:
                        await count.wait(wait_timeout=DEADLINE)
            result = caught.value.task_result
            assert result is not None
            assert (result.ok, result.value) == (True, {"a": "many"})
            assert str(caught.value) == (
                f"job {result.job_id} completed, and its result does not fit the annotation of task 'count': "
                "the result.a must be int, not 'many' (str)"
            )
            warnings = [message for message in caplog.messages if "does not fit its annotation" in message]
            assert warnings == [
                "task 'count': what it returned does not fit its annotation, and is kept as it is: "
                "the result.a must be int, not 'many' (str)"
            ]
            with pytest.raises(upnext.TaskExecutionError) as failed:
                await bad.wait(wait_timeout=DEADLINE)
            assert failed.value.error == (
                "TypeError: task 'bad' returned a value that cannot be kept: "
                "the result[1] must be date (ISO 8601 text), not {1} (set)"
            )
            assert failed.value.task_result.attempts == 1
            assert (await maybe.wait(wait_timeout=DEADLINE)).value is None
            assert (await nothing.wait(wait_timeout=DEADLINE)).value == 5  # type: ignore[comparison-overlap]
            with pytest.raises(upnext.TaskExecutionError) as failed:
                await unsaid.wait(wait_timeout=DEADLINE)
            assert failed.value.error == (
                "TypeError: task 'unsaid' returned a value that cannot be kept: the result is a datetime.date, which "
                "JSON cannot carry: annotate what the task returns, if JSON can stand for it"
            )

    asyncio.run(main())


def test_results_of_another_version_are_told_with_task_and_job(worker: upnext.Worker) -> None:
    old = upnext.Worker("old")

    @old.task(name="order")
    async def before() -> dict[str, str]:
        return {"number": "7"}

    @worker.task(name="order")
    async def now() -> Order: ...  # type: ignore[empty-body]

    async def main() -> None:
        async with running(old):
            future = await now.submit()
            with pytest.raises(
                upnext.ResultError, match=f"job {future.job_id} completed.* of task 'order': the result"
            ):
                await future.value(DEADLINE)

    asyncio.run(main())


def test_an_annotation_that_cannot_be_looked_up(worker: upnext.Worker, caplog: pytest.LogCaptureFixture) -> None:
    @worker.task
    async def odd() -> Missing:  # type: ignore[name-defined] # noqa: F821
        return {"a": 1}

    async def main() -> None:
        async with running(worker):
            assert (await odd.wait(wait_timeout=DEADLINE)).value == {"a": 1}

    asyncio.run(main())
    assert "task 'odd': the annotation of what it returns cannot be looked up, so it is not checked" in caplog.text
