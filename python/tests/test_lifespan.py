"""The lifespan of a worker and the resources it gives to tasks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import peek
import pytest
from harness import Programs, eventually, running

import upnext


@dataclasses.dataclass
class Pool:
    size: int


def lifespans(events: list[str]) -> dict[str, Any]:
    """The ways to write one."""

    async def generator() -> AsyncIterator[dict[str, Any]]:
        events.append("up")
        yield {"pool": Pool(3), "greeting": "hello"}
        events.append("down")

    def sync_generator() -> Iterator[dict[str, Any]]:
        events.append("up")
        yield {"pool": Pool(3), "greeting": "hello"}
        events.append("down")

    def with_the_worker(worker: upnext.Worker) -> Any:
        assert worker.name == "demo"
        return contextlib.asynccontextmanager(generator)()

    return {
        "async generator": generator,
        "sync generator": sync_generator,
        "asynccontextmanager": contextlib.asynccontextmanager(generator),
        "contextmanager": contextlib.contextmanager(sync_generator),
        "function of the worker": with_the_worker,
    }


@pytest.mark.parametrize("way", list(lifespans([])))
def test_resources_reach_async_and_thread_tasks(worker: upnext.Worker, way: str) -> None:
    events: list[str] = []
    worker.lifespan(lifespans(events)[way])
    hooked: list[Any] = []

    @worker.task(on_success=lambda context: hooked.append(context.resources["greeting"]))
    async def in_async(n: int, pool: Pool = upnext.resource()) -> int:
        assert upnext.get_current_context().resources["pool"] is pool
        return n * pool.size

    @worker.task
    def in_sync(n: int = 1, *, word: str = upnext.resource("greeting"), pool: Pool = upnext.resource()) -> str:
        assert events == ["up"]
        return word * n + str(upnext.get_current_context().resources["pool"].size)

    async def main() -> None:
        async with running(worker):
            assert (await in_async.wait(4, wait_timeout=20)).value == 12
            assert (await in_sync.wait(2, wait_timeout=20)).value == "hellohello3"
            assert (await in_sync.wait(wait_timeout=20)).value == "hello3"
        assert events == ["up", "down"]
        async with running(worker):
            assert events == ["up", "down", "up"]

    asyncio.run(main())
    assert hooked == ["hello"]


def test_resources_are_no_arguments(worker: upnext.Worker) -> None:
    @worker.lifespan
    async def resources() -> AsyncIterator[Pool]:
        yield Pool(3)

    @worker.task
    async def f(n: int, size: int = upnext.resource()) -> int:
        return n * size

    async def main() -> None:
        for call in (f.submit(1, 2), f.submit(1, size=2)):
            with pytest.raises(upnext.ArgumentError, match=r"takes 1 positional|has no argument 'size': it takes n"):
                await call
        assert await f(2, 5) == await f(2, size=5) == 10
        with pytest.raises(RuntimeError, match="wants the resource 'size', and there are none here"):
            await f(2)
        async with running(worker):
            # An object's attributes are resources too.
            assert (await f.wait(2, wait_timeout=20)).value == 6

    asyncio.run(main())
    assert f.arguments.parameters == [("n", True)]


def test_workers_on_one_loop_keep_their_resources_apart() -> None:
    workers = [upnext.Worker(f"w{number}") for number in range(2)]
    tasks: list[Any] = []
    for worker in workers:

        @worker.lifespan
        async def resources(worker: upnext.Worker) -> AsyncIterator[dict[str, str]]:
            yield {"name": worker.name}

        @worker.task(name=f"of-{worker.name}")
        async def whose(name: str = upnext.resource()) -> str:
            return name

        tasks.append(whose)

    async def main() -> None:
        async with running(*workers):
            for _ in range(3):
                assert [(await task.wait(wait_timeout=20)).value for task in tasks] == ["w0", "w1"]

    asyncio.run(main())


def test_a_failed_start_up_starts_nothing(worker: upnext.Worker) -> None:
    ready = False
    downs: list[str] = []

    @worker.lifespan
    async def resources() -> AsyncIterator[dict[str, int]]:
        if not ready:
            raise ConnectionError("no database")
        yield {"a": 1}
        downs.append("down")

    @worker.task
    async def f() -> None: ...

    async def main() -> None:
        nonlocal ready
        with pytest.raises(RuntimeError, match="worker 'demo' does not start, because its lifespan failed: ") as caught:
            await worker.start()
        assert isinstance(caught.value.__cause__, ConnectionError)
        assert peek.workers() == []
        ready = True

        @worker.task
        async def g(b: int = upnext.resource()) -> None: ...

        with pytest.raises(
            RuntimeError, match=r"task 'g' wants the resource 'b', which .* does not yield: it yields a$"
        ):
            await worker.start()
        assert downs == ["down"]
        del worker.tasks["g"]
        async with running(worker):
            pass
        assert downs == ["down", "down"]

    asyncio.run(main())


def test_a_worker_without_a_lifespan(worker: upnext.Worker) -> None:
    @worker.task
    async def f() -> Any:
        return upnext.get_current_context().resources

    async def main() -> None:
        async with running(worker):
            with pytest.raises(upnext.TaskExecutionError, match="task 'f' asks for resources, and there are none here"):
                await f.wait(wait_timeout=20)

        @worker.task
        async def g(db: int = upnext.resource()) -> None: ...

        with pytest.raises(RuntimeError, match="task 'g' wants the resource 'db', and there are none here"):
            await worker.start()

    asyncio.run(main())


def test_the_shut_down_comes_after_the_last_job(worker: upnext.Worker, caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []

    @worker.lifespan
    async def resources() -> AsyncIterator[None]:
        try:
            yield
        finally:
            events.append("down")
            raise ValueError("cannot close")

    @worker.task
    async def f() -> None:
        events.append("begun")
        await asyncio.sleep(0.05)
        events.append("ended")

    async def main() -> None:
        await worker.start()
        await f.submit()
        await eventually(lambda: events, "the job begins")
        await worker.stop(10)

    asyncio.run(main())
    assert events == ["begun", "ended", "down"]
    assert "worker 'demo': the shut-down of its lifespan failed" in caplog.messages


def test_the_shut_down_runs_when_the_loop_ends_or_the_caller_is_cancelled(worker: upnext.Worker) -> None:
    events: list[str] = []

    @worker.lifespan
    async def resources() -> AsyncIterator[dict[str, int]]:
        yield {"a": 1}
        await asyncio.sleep(0)
        events.append("down")

    @worker.task
    async def f(a: int = upnext.resource()) -> None:
        try:
            events.append("begun")
            await asyncio.sleep(60)
        finally:
            events.append("cancelled")

    async def loop_ends() -> None:
        await worker.start()
        await f.submit()
        await eventually(lambda: events, "the job begins")

    asyncio.run(loop_ends())
    assert events == ["begun", "cancelled", "down"]
    events.clear()

    async def caller_cancelled() -> None:
        async with running(worker, timeout=0.0):
            await eventually(lambda: events, "the job begins")
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(60)

    worker._running = None
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(caller_cancelled())
    assert events == ["begun", "cancelled", "down"]


def test_what_cannot_be_a_lifespan(worker: upnext.Worker) -> None:
    async def coroutine() -> None: ...

    def nothing() -> int:
        return 7

    with pytest.raises(TypeError, match="decorates a function, not int"):
        worker.lifespan(7)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="is a coroutine: write it with a yield"):
        worker.lifespan(coroutine)
    worker.lifespan(nothing)
    worker.lifespan(nothing)
    with pytest.raises(ValueError, match="worker 'demo' has a lifespan already"):
        worker.lifespan(lambda: None)
    worker.task(name="f")(lambda: None)
    with pytest.raises(
        RuntimeError, match=r"a lifespan is a generator with one yield, or gives a context manager; .*int"
    ):
        asyncio.run(worker.start())


def test_parameters_that_cannot_get_a_resource(worker: upnext.Worker) -> None:
    def in_the_middle(a: int = upnext.resource(), b: int = 1) -> None: ...

    def by_place(a: int = upnext.resource(), /) -> None: ...

    with pytest.raises(TypeError, match="'a' gets a resource and is no argument of the job: put it behind 'b'"):
        worker.task(in_the_middle)
    with pytest.raises(TypeError, match="'a' gets a resource, so it cannot be positional-only"):
        worker.task(by_place)
    with pytest.raises(TypeError, match="the name of a resource is a text"):
        upnext.resource("")


def test_the_command_says_why_a_worker_does_not_start(programs: Programs) -> None:
    programs.write(
        "app.py",
        """
        import upnext
        worker = upnext.Worker("shop")

        @worker.lifespan
        async def resources():
            raise ConnectionError("no database at 10.0.0.1")
            yield

        @worker.task
        async def f(): ...
        """,
    )
    code, output = programs.run("-m", "upnext", "run", "app.py")
    assert code == 1
    assert (
        "worker 'shop' does not start, because its lifespan failed: ConnectionError: no database at 10.0.0.1" in output
    )
