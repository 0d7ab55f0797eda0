"""Submitting: arguments, payloads, idempotency, lineage, and waiting for results."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from pathlib import Path
from typing import Any

import peek
import pytest
from harness import running

import upnext


@pytest.mark.every_backend
def test_submitting_needs_no_worker_and_a_worker_picks_the_job_up(worker: upnext.Worker) -> None:
    @worker.task
    async def add(a: int, b: int = 2) -> int:
        return a + b

    future = add.submit_sync(1)
    assert peek.job(future.job_id)["status"] == "queued"

    async def main() -> upnext.TaskResult[int]:
        async with running(worker):
            return await future.result(10)

    result = asyncio.run(main())
    assert result.ok
    assert result.value == 3
    assert (result.job_id, result.root_id, result.parent_id) == (future.job_id, future.job_id, None)
    assert (result.function, result.function_name, result.attempts) == ("add", "add", 1)
    assert result.status is upnext.JobStatus.COMPLETE
    assert result.error is result.failure_reason is result.traceback is None
    assert result.started_at is not None
    assert result.completed_at is not None
    assert result.completed_at >= result.started_at
    assert result.started_at.tzinfo is dt.timezone.utc


def test_calling_a_handle_runs_the_function_inline(worker: upnext.Worker) -> None:
    @worker.task
    async def double(x: int) -> int:
        """Twice x."""
        return 2 * x

    @worker.task(name="tripler")
    def triple(x: int) -> int:
        return 3 * x

    assert asyncio.run(double(4)) == 8
    assert triple(4) == 12
    assert (double.__name__, double.__doc__, double.name) == ("double", "Twice x.", "double")
    assert triple.name == "tripler"


@pytest.mark.every_backend
def test_values_survive_the_journey(worker: upnext.Worker) -> None:
    value = {
        "text": "größe 図 \x00 \u2028",
        "n": 2**80,
        "f": 0.1,
        "none": None,
        "list": [True, [], {}],
        "": "empty key",
    }

    @worker.task
    async def echo(value: Any, /, other: Any = None, *, third: Any, **more: Any) -> Any:
        return [value, other, third, more]

    async def main() -> Any:
        async with running(worker):
            return (await echo.wait(value, third=(1, 2), extra="x")).value

    assert asyncio.run(main()) == [value, None, [1, 2], {"extra": "x"}]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "task 'report' needs the argument 'kind': it takes kind, rows (optional)"),
        (("a",), {"rwos": 1}, "task 'report' has no argument 'rwos': it takes kind, rows (optional)"),
        (("a",), {"kind": "b"}, "task 'report' got two values for the argument 'kind'"),
        (("a", 1, 2), {}, "task 'report' takes 2 positional arguments, not 3"),
    ],
)
def test_arguments_are_bound_when_submitting(
    worker: upnext.Worker, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    @worker.task
    async def report(kind: str, rows: int = 0) -> None: ...

    with pytest.raises(TypeError) as caught:
        report.submit_sync(*args, **kwargs)
    assert message in str(caught.value)


def test_star_args_cannot_be_carried(worker: upnext.Worker) -> None:
    @worker.task
    async def total(*numbers: int) -> int:
        return sum(numbers)

    with pytest.raises(TypeError, match=r"task 'total'.*\*args cannot be carried"):
        total.submit_sync(1, 2)


class Odd:
    pass


cycle: list[Any] = []
cycle.append(cycle)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [1, 2, 3, {"when": dt.date(2026, 1, 1)}],
            "the argument rows[3].when is a datetime.date, which JSON",
        ),
        ({"a b": {1, 2}}, "rows['a b'] is a set, which JSON"),
        (b"bytes", "the argument rows is a bytes, which JSON"),
        ([math.nan], "rows[0] is nan, and JSON has no such number"),
        ({"x": -math.inf}, "rows.x is -inf, and JSON has no such number"),
        ({(1, 2): 3}, "rows has a key of type tuple"),
        (["\ud800"], "rows[0] holds a lone surrogate"),
        ({"\udfff": 1}, "rows has a key with a lone surrogate"),
        (cycle, "rows[0] contains itself"),
        ([Odd()], "test_submit.Odd, which JSON cannot carry"),
    ],
)
def test_what_json_cannot_carry_is_named(worker: upnext.Worker, rows: Any, message: str) -> None:
    @worker.task
    async def report(rows: Any) -> None: ...

    with pytest.raises(TypeError) as caught:
        report.submit_sync(rows)
    assert str(caught.value).startswith("task 'report': ")
    assert message in str(caught.value)


@pytest.mark.every_backend
def test_arguments_too_large_for_a_job_say_what_to_do(worker: upnext.Worker) -> None:
    @worker.task
    async def keep(text: str) -> int:
        return len(text)

    with pytest.raises(ValueError, match="the arguments of 'keep' are 104857") as refused:
        keep.submit_sync("x" * 10 * 1024 * 1024)
    message = str(refused.value)
    assert "a job carries at most 4194304: put the data where the task can fetch it and pass a reference" in message
    # One sentence, not the data.
    assert len(message) < 300
    assert "\n" not in message
    assert keep.submit_sync("x" * 1024 * 1024).job_id


@pytest.mark.every_backend
def test_idempotent_submissions_share_an_unfinished_job(worker: upnext.Worker) -> None:
    @worker.task
    async def sync_account(account: int) -> int:
        return account

    async def main() -> None:
        first = await sync_account.submit_idempotent("account-7", 7)
        same = await sync_account.submit_idempotent("  account-7 ", 7)
        other = await sync_account.submit_idempotent("account-8", 8)
        assert first.job_id == same.job_id != other.job_id
        async with running(worker):
            assert await first.value(10) == 7
            result = await sync_account.wait_idempotent("account-7", 7, wait_timeout=10)
            # The first has ended: its key is free again.
            assert result.job_id != first.job_id

    asyncio.run(main())


def test_bad_idempotency_keys(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> None: ...

    with pytest.raises(ValueError, match="1 to 256 characters after trimming"):
        noop.submit_idempotent_sync("  ")
    with pytest.raises(ValueError, match="this one has 257"):
        noop.submit_idempotent_sync("k" * 257)
    with pytest.raises(TypeError, match="idempotency key is a str, not int"):
        noop.submit_idempotent_sync(7)  # type: ignore[arg-type]


@pytest.mark.every_backend
def test_jobs_submitted_inside_jobs_know_their_tree(worker: upnext.Worker) -> None:
    @worker.task
    async def leaf() -> list[str | None]:
        context = upnext.get_current_context()
        return [context.job_id, context.parent_id, context.root_id]

    @worker.task
    def branch() -> Any:
        context = upnext.get_current_context()
        return [context.job_id, leaf.wait_sync(wait_timeout=10).value, context.parent_id, context.root_id]

    @worker.task
    async def root() -> Any:
        return [upnext.get_current_context().job_id, (await branch.wait(wait_timeout=10)).value]

    async def main() -> Any:
        async with running(worker):
            return await root.wait(wait_timeout=20)

    result = asyncio.run(main())
    root_id, (branch_id, (leaf_id, leaf_parent, leaf_root), branch_parent, branch_root) = result.value
    assert root_id == result.job_id == result.root_id
    assert (branch_parent, branch_root) == (root_id, root_id)
    assert (leaf_parent, leaf_root) == (branch_id, root_id)
    assert len({root_id, branch_id, leaf_id}) == 3


def test_sync_twins_refuse_to_block_a_loop(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        for name, args in [
            ("submit_sync", ()),
            ("wait_sync", ()),
            ("submit_idempotent_sync", ("k",)),
            ("wait_idempotent_sync", ("k",)),
        ]:
            with pytest.raises(RuntimeError, match=rf"await handle\.{name.removesuffix('_sync')}\("):
                getattr(noop, name)(*args)

    asyncio.run(main())


@pytest.mark.every_backend
def test_waiting_too_long_raises_timeout_error_and_the_job_goes_on(worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> int:
        return 1

    with pytest.raises(TimeoutError, match="it goes on"):
        noop.wait_sync(wait_timeout=0.05)

    async def main() -> None:
        future = await noop.submit()
        with pytest.raises(TimeoutError):
            await future.result(timeout=0.05)
        with pytest.raises(ValueError, match="0 seconds or more"):
            await future.result(timeout=-1)
        async with running(worker):
            assert await future.value(timeout=10) == 1

    asyncio.run(main())


@pytest.mark.every_backend
def test_unknown_jobs(worker: upnext.Worker) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="'nope' is not the id of a job"):
            await upnext.Future("nope").result()
        with pytest.raises(LookupError, match="there is no job 0190b2f5"):
            await upnext.Future("0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10").result()
        assert not await upnext.Future("0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10").cancel()

    asyncio.run(main())


@pytest.mark.every_backend
def test_many_jobs_in_one_step(worker: upnext.Worker) -> None:
    @worker.task
    async def square(x: int) -> int:
        return x * x

    async def main() -> None:
        async with running(worker):
            futures = await upnext.submit_many(square, [{"x": x} for x in range(50)])
            assert await upnext.gather(futures) == [x * x for x in range(50)]
            value, result = await upnext.gather(futures[2], square.wait(3))
            assert (value, result.value) == (4, 9)
            with pytest.raises(TypeError, match="needs the argument 'x'"):
                await upnext.submit_many(square, [{"x": 1}, {}])
            assert await upnext.submit_many(square, []) == []

    asyncio.run(main())
    assert len(peek.jobs("square")) == 51


@pytest.mark.every_backend
def test_gather_can_give_back_exceptions(worker: upnext.Worker) -> None:
    @worker.task
    async def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        async with running(worker):
            [error] = await upnext.gather(await fail.submit(), return_exceptions=True)
            assert isinstance(error, upnext.TaskExecutionError)

    asyncio.run(main())


def test_two_urls_are_two_databases(tmp_path: Path) -> None:
    here = upnext.Worker("a", url=f"sqlite:///{tmp_path}/a.db")
    there = upnext.Worker("b", redis_url=f"sqlite:///{tmp_path}/b.db")

    @here.task(name="where")
    async def where_a() -> str:
        return "a"

    @there.task(name="where")
    async def where_b() -> str:
        return "b"

    async def main() -> None:
        async with running(here, there):
            assert (await where_a.wait()).value == "a"
            assert (await where_b.wait()).value == "b"

    asyncio.run(main())
    assert (tmp_path / "a.db").exists()
    assert (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "not with 'mysql:'"),
        ("redis+ring://localhost", "in the Redis URL means nothing"),
        ("sqlite://", "names no file"),
    ],
)
def test_urls_that_cannot_be_used(url: str, message: str) -> None:
    worker = upnext.Worker("a", url=url)

    @worker.task
    async def noop() -> None: ...

    with pytest.raises(upnext.ConfigurationError, match=message):
        noop.submit_sync()


def test_bad_settings_are_named(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    @worker.task
    async def noop() -> None: ...

    monkeypatch.setenv("UPNEXT_DURABILITY", "maybe")
    with pytest.raises(upnext.ConfigurationError, match="UPNEXT_DURABILITY=maybe: must be one of full, relaxed"):
        noop.submit_sync()


def test_unknown_settings_are_warned_of(
    worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @worker.task
    async def noop() -> None: ...

    monkeypatch.setenv("UPNEXT_DURABILTY", "full")
    noop.submit_sync()
    assert "did you mean UPNEXT_DURABILITY?" in caplog.text


def test_a_home_that_is_a_file(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @worker.task
    async def noop() -> None: ...

    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("UPNEXT_HOME", str(tmp_path / "file"))
    with pytest.raises(upnext.BackendError, match="file"):
        noop.submit_sync()
