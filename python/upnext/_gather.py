"""Many jobs at once: submit them together, wait for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

from upnext._future import Future
from upnext._task import TaskHandle

R = TypeVar("R")


async def gather(*awaitables: Any, return_exceptions: bool = False) -> list[Any]:
    """Waits for all of these, or for all of one iterable: a `Future` gives its value, a `.wait()` its `TaskResult`."""
    if len(awaitables) == 1 and not isinstance(awaitables[0], Future | Awaitable):
        given: Iterable[Any] = awaitables[0]
        awaitables = tuple(given)
    waits = [item.value() if isinstance(item, Future) else item for item in awaitables]
    return list(await asyncio.gather(*waits, return_exceptions=return_exceptions))


async def submit_many(task: TaskHandle[Any, R], inputs: list[dict[str, Any]]) -> list[Future[R]]:
    """Submits a job of `task` for each set of named arguments, in one step: all of them or none."""
    return await task.submit_all(inputs)
