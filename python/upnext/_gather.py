"""Many jobs at once: submit them together, run them a few at a time, wait for all of them or for the first."""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Literal, TypeVar, overload

from upnext._future import Future
from upnext._task import TaskHandle

R = TypeVar("R")

_log = logging.getLogger("upnext")


@overload
async def gather(*futures: Future[R], return_exceptions: Literal[False] = False) -> list[R]: ...


@overload
async def gather(futures: Iterable[Future[R]], /, *, return_exceptions: Literal[False] = False) -> list[R]: ...


@overload
async def gather(*waits: Awaitable[R], return_exceptions: Literal[False] = False) -> list[R]: ...


@overload
async def gather(waits: Iterable[Awaitable[R]], /, *, return_exceptions: Literal[False] = False) -> list[R]: ...


@overload
async def gather(*awaitables: Any, return_exceptions: bool = False) -> list[Any]: ...


async def gather(*awaitables: Any, return_exceptions: bool = False) -> list[Any]:
    """Waits for all of these, or for all of one iterable: a `Future` gives its value, a `.wait()` its `TaskResult`.

    The first that fails is raised, and the others go on; with `return_exceptions=True` a failure stands in the list.

    >>> futures = [await double.submit(1), await double.submit(2)]
    >>> await upnext.gather(*futures)
    [2, 4]
    """
    waits = [item.value() if isinstance(item, Future) else item for item in _all_of(awaitables)]
    return list(await asyncio.gather(*waits, return_exceptions=return_exceptions))


@overload
async def first_completed(*futures: Future[R], timeout: float | None = None) -> R: ...


@overload
async def first_completed(futures: Iterable[Future[R]], /, *, timeout: float | None = None) -> R: ...


@overload
async def first_completed(*waits: Awaitable[R], timeout: float | None = None) -> R: ...


@overload
async def first_completed(waits: Iterable[Awaitable[R]], /, *, timeout: float | None = None) -> R: ...


@overload
async def first_completed(*awaitables: Any, timeout: float | None = None) -> Any: ...


async def first_completed(*awaitables: Any, timeout: float | None = None) -> Any:
    """What the first of these gives that ends well, and cancels the rest: of a `Future` its job too.

    They may be given as one iterable. A `Future` gives its value, a `.wait()` its `TaskResult`; of a `.wait()` only the
    waiting is cancelled, its job goes on. When all fail, an `ExceptionGroup` of all failures is raised (the last
    failure alone on Python 3.10, or where there is but one). When none has ended well within `timeout` seconds, a
    `TimeoutError` names what was waited for. However this ends, nothing of the rest goes on.

    >>> await upnext.first_completed(await double.submit(1), timeout=20)
    2
    """
    given = _all_of(awaitables)
    if not given:
        raise ValueError("first_completed() needs at least one Future or awaitable to wait for")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout is 0 seconds or more, or None, not {timeout!r}")
    waits: dict[asyncio.Future[Any], Any] = {
        asyncio.ensure_future(item.value() if isinstance(item, Future) else item): item for item in given
    }
    try:
        return await _first(waits, timeout)
    finally:
        await _cancel(waits)


async def map_tasks(task: TaskHandle[..., R], inputs: Iterable[dict[str, Any]], concurrency: int = 10) -> list[R]:
    """Runs a job of `task` for each set of named arguments, at most `concurrency` at once, and gives their values in
    the order of the inputs.

    All inputs are checked before the first job is submitted. The first failure is raised; no more jobs are submitted
    then, and those that run go on.

    >>> await upnext.map_tasks(double, [{"n": 1}, {"n": 2}, {"n": 3}], concurrency=2)
    [2, 4, 6]
    """
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise ValueError(f"concurrency is a whole number of at least 1, not {concurrency!r}")
    payloads = _handle(task, "map_tasks").pack_all(inputs)
    values: list[Any] = [None] * len(payloads)
    rest = iter(enumerate(payloads))

    async def lane() -> None:
        for place, payload in rest:
            values[place] = await (await task.submit_packed(payload)).value()

    lanes = [asyncio.ensure_future(lane()) for _ in range(min(concurrency, len(payloads)))]
    try:
        await asyncio.gather(*lanes)
    finally:
        for waiting in lanes:
            waiting.cancel()
    return values


async def submit_many(task: TaskHandle[..., R], inputs: Iterable[dict[str, Any]]) -> list[Future[R]]:
    """Submits a job of `task` for each set of named arguments, in one step: all of them or none.

    >>> await upnext.gather(await upnext.submit_many(double, [{"n": 1}, {"n": 2}]))
    [2, 4]
    """
    return await _handle(task, "submit_many").submit_all(inputs)


def _handle(task: TaskHandle[..., R], call: str) -> TaskHandle[..., R]:
    if not isinstance(task, TaskHandle):
        raise TypeError(f"{call}() takes a task, the function decorated with @worker.task, not {_said(task)}")
    return task


def _all_of(given: tuple[Any, ...]) -> list[Any]:
    """What is to be waited for: these, or what the one iterable among them holds."""
    if len(given) == 1 and not isinstance(given[0], Future | Awaitable):
        if not isinstance(given[0], Iterable):
            raise TypeError(f"a Future, an awaitable or an iterable of them can be waited for, not {_said(given[0])}")
        given = tuple(given[0])
    for item in given:
        if not isinstance(item, Future | Awaitable):
            for other in given:
                if isinstance(other, Coroutine):
                    other.close()
            raise TypeError(f"a Future or an awaitable can be waited for, not {_said(item)}")
    return list(given)


async def _first(waits: dict[asyncio.Future[Any], Any], timeout: float | None) -> Any:
    loop = asyncio.get_running_loop()
    end = None if timeout is None else loop.time() + timeout
    waiting = set(waits)
    failures: list[BaseException] = []
    while waiting:
        left = None if end is None else max(end - loop.time(), 0.0)
        done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            names = ", ".join(_name(waits[wait]) for wait in waits if wait in waiting)
            raise TimeoutError(f"none of these had ended well after {timeout:g} s: {names}")
        # In the order in which they were given, where several ended together.
        for wait in waits:
            if wait not in done:
                continue
            failure = asyncio.CancelledError() if wait.cancelled() else wait.exception()
            if failure is None:
                return wait.result()
            failures.append(failure)
    raise _all_failed(failures)


def _all_failed(failures: list[BaseException]) -> BaseException:
    # Python 3.10 has none.
    group: Any = getattr(builtins, "BaseExceptionGroup", None)
    if group is None or len(failures) == 1:
        return failures[-1]
    together: BaseException = group(f"all {len(failures)} that were waited for have failed", failures)
    return together


async def _cancel(waits: dict[asyncio.Future[Any], Any]) -> None:
    """Ends what still goes on, jobs included."""
    rest = [(wait, item) for wait, item in waits.items() if not wait.done()]
    for wait, _ in rest:
        wait.cancel()
    jobs = [item for _, item in rest if isinstance(item, Future)]
    ends = await asyncio.gather(*(job.cancel() for job in jobs), return_exceptions=True)
    for job, end in zip(jobs, ends, strict=True):
        if isinstance(end, Exception):
            _log.warning("job %s could not be cancelled: %s", job.job_id, end)
    # What was waited for is over when this returns, and no failure in it is reported as never looked at.
    await asyncio.gather(*waits, return_exceptions=True)


def _name(item: Any) -> str:
    if isinstance(item, Future):
        return f"job {item.job_id}"
    if isinstance(item, asyncio.Task):
        return item.get_name()
    name = getattr(item, "__qualname__", None)
    return str(name) if name else repr(item)


def _said(value: object) -> str:
    return f"a {type(value).__qualname__}"
