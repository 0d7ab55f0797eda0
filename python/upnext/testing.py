"""Tests of tasks: a deployment in memory that belongs to the test alone, with a clock that the test moves.

>>> import upnext.testing
>>> @worker.task
... async def report(kind: str) -> int:
...     await upnext.create_artifact("report.json", {"kind": kind})
...     return 42
>>> run = await upnext.testing.run(report, "monthly")
>>> run.value, run.contents["report.json"]
(42, b'{"kind":"monthly"}')

With a clock of its own:

>>> from datetime import timedelta
>>> async with upnext.testing.deployment(worker) as test:
...     job = await report.options(delay=timedelta(days=30)).submit("yearly")
...     test.clock.advance(days=30)
...     await test.settle()
...     await job.value()
42
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from upnext import _bridge, _client
from upnext._artifact import Artifact
from upnext._artifact_search import list_artifacts
from upnext._future import TaskResult, moment
from upnext._mailbox import mailbox_of
from upnext._task import TaskHandle
from upnext._worker import Worker

if TYPE_CHECKING:
    from upnext._bridge import Connection, TestClock

R = TypeVar("R")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

__all__ = ["Clock", "Deployment", "Run", "deployment", "run", "run_sync"]


class Clock:
    """The clock of a deployment. It stands still until the test moves it; timeouts of running attempts go by the real
    one."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The moment it shows, in UTC."""
        return moment(self._clock.now())

    def advance(self, delta: timedelta | None = None, **parts: float) -> None:
        """Moves it on by a timedelta, or by its parts: `advance(hours=1, minutes=30)`."""
        delta = (delta or timedelta()) + timedelta(**parts)
        if delta < timedelta():
            raise ValueError(f"a clock is advanced by a positive time, not by {delta}; `set` can put it back")
        self.set(self.now + delta)

    def set(self, now: datetime) -> None:
        """Puts it to a moment with a time zone, which may be earlier: clocks step."""
        if now.tzinfo is None:
            raise ValueError(f"{now.isoformat()} has no time zone: write datetime(..., tzinfo=timezone.utc)")
        self._clock.set((now - _EPOCH) // timedelta(microseconds=1))


class Deployment:
    """A deployment of one test, and the workers that run in it."""

    def __init__(self, clock: TestClock) -> None:
        self.clock: Clock = Clock(clock)
        self._clock = clock

    async def settle(self, timeout: float = 10.0) -> None:
        """Waits until no job is due or running and no schedule is due. Raises `TimeoutError` after `timeout`
        seconds."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._clock.settle(mailbox_of(loop), answer)
        try:
            await asyncio.wait_for(answer, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(
                f"after {timeout:g} s jobs are still due or running: does a worker of this test offer their tasks?"
            ) from None


@dataclass(frozen=True)
class Run(Generic[R]):
    """How a task ran: its result and what it kept."""

    result: TaskResult[R]
    #: The newest version of each artifact, by name.
    artifacts: dict[str, Artifact]
    #: Their bytes: the deployment is gone, so they cannot be read any more.
    contents: dict[str, bytes]

    @property
    def value(self) -> R:
        """What the task returned."""
        return self.result.value


@asynccontextmanager
async def deployment(*workers: Worker, now: datetime | None = None) -> AsyncIterator[Deployment]:
    """Runs these workers in a deployment of their own, which is empty at first and gone afterwards. Its clock begins at
    `now`, by default at the real time, and stands still. Meanwhile everything in this process that submits, waits or
    reads artifacts goes there."""
    start = now or datetime.now(timezone.utc)
    if start.tzinfo is None:
        raise ValueError(f"now={start.isoformat()} has no time zone: write datetime(..., tzinfo=timezone.utc)")
    micros = (start - _EPOCH) // timedelta(microseconds=1)
    connection, clock = await asyncio.to_thread(_bridge.open_for_tests, micros)
    with _in_place_of_others(connection, [worker.url for worker in workers]):
        started: list[Worker] = []
        try:
            for worker in workers:
                await worker.start()
                started.append(worker)
            yield Deployment(clock)
        finally:
            for worker in started:
                await worker.stop()


@contextmanager
def _in_place_of_others(connection: Connection, urls: list[str | None]) -> Iterator[None]:
    before = dict(_client.opened_connections)
    _client.opened_connections.update(dict.fromkeys([None, *urls], connection))
    try:
        yield
    finally:
        _client.opened_connections.clear()
        _client.opened_connections.update(before)


async def run(task: TaskHandle[Any, R], *args: Any, **kwargs: Any) -> Run[R]:
    """Runs a task as a job of a deployment of its own, with everything that belongs to it: retries, context, artifacts,
    jobs that it submits to other tasks of its worker. Raises what waiting for the job would raise."""
    async with deployment(task.worker):
        result = await task.wait(*args, **kwargs)
        found = await list_artifacts(job=result.job_id, limit=None)
        contents = {artifact.name: await artifact.bytes() for artifact in found}
        return Run(result, {artifact.name: artifact for artifact in found}, contents)


def run_sync(task: TaskHandle[Any, R], *args: Any, **kwargs: Any) -> Run[R]:
    """`run` for tests without an event loop."""
    return asyncio.run(run(task, *args, **kwargs))
