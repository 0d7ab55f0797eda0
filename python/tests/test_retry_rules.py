"""`retry_on` and `give_up_on`: which failures are worth another attempt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from harness import running

import upnext


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(
    ("options", "raised", "attempts"),
    [
        ({}, ValueError, 3),
        ({"retry_on": ConnectionError}, ConnectionResetError, 3),
        ({"retry_on": (KeyError, ConnectionError)}, ValueError, 1),
        ({"give_up_on": ValueError}, UnicodeError, 1),
        ({"give_up_on": (ValueError, TypeError)}, KeyError, 3),
        ({"retry_on": OSError, "give_up_on": FileNotFoundError}, FileNotFoundError, 1),
        ({"retry_on": OSError, "give_up_on": FileNotFoundError}, PermissionError, 3),
    ],
)
def test_rules(
    worker: upnext.Worker, options: dict[str, Any], raised: type[Exception], attempts: int, sync: bool
) -> None:
    ended: list[str] = []
    hooks: dict[str, Any] = {
        "on_retry": lambda: ended.append("retry"),
        "on_failure": lambda: ended.append("failure"),
    }

    def fail() -> None:
        raise raised("on purpose")

    async def fail_async() -> None:
        raise raised("on purpose")

    function: Any = fail if sync else fail_async
    task = worker.task(retries=2, retry_delay=0.0, **hooks, **options)(function)

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskExecutionError) as caught:
                await task.wait(wait_timeout=20)
        assert caught.value.task_result.attempts == attempts
        assert "on purpose" in (caught.value.task_result.traceback or "")

    asyncio.run(main())
    assert ended == ["retry"] * (attempts - 1) + ["failure"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retry_on": "ValueError"}, "task 'f': retry_on is an exception type or a tuple of them"),
        ({"retry_on": [ValueError]}, r"not \[<class 'ValueError'>\]"),
        ({"give_up_on": (ValueError, int)}, "task 'f': give_up_on is an exception type .* not <class 'int'>"),
        ({"give_up_on": ValueError("x")}, "give_up_on is an exception type"),
        ({"retry_on": ()}, "task 'f': retry_on is an empty tuple"),
        ({"retry_on": ValueError, "give_up_on": ValueError}, "ValueError is in retry_on and in give_up_on"),
    ],
)
def test_bad_rules(worker: upnext.Worker, options: dict[str, Any], message: str) -> None:
    def f() -> None: ...

    with pytest.raises((TypeError, ValueError), match=message):
        worker.task(**options)(f)
    assert not worker.tasks
