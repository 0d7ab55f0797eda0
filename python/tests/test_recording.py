"""`capture_logs` and `capture_output`: what a job prints and logs is kept in its log."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import threading
from typing import Any

import peek
import pytest
from harness import eventually, running

import upnext
from upnext import _recording, _recording_sources

log = logging.getLogger("shop.orders")


@pytest.fixture(autouse=True)
def levels() -> Any:
    log.setLevel(logging.DEBUG)
    yield
    log.setLevel(logging.NOTSET)


def lines(job_id: str) -> list[tuple[str, str, Any]]:
    return peek.logs(job_id)


async def wait(task: Any, *args: Any) -> str:
    return str((await task.wait(*args, wait_timeout=20)).job_id)


@pytest.mark.every_backend
@pytest.mark.parametrize("sync", [False, True])
def test_output_is_kept_and_still_printed(
    worker: upnext.Worker, sync: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def chat() -> None:
        print("one\ntwo")
        print("half", end="")
        print("oops", file=sys.stderr)
        print(" and half")
        sys.stdout.write("no end")
        sys.stdout.flush()
        assert sys.stdout.encoding

    async def chat_async() -> None:
        chat()

    function: Any = chat if sync else chat_async
    task = worker.task(capture_output=True)(function)
    quiet = worker.task(name="quiet")(lambda: print("nobody keeps this"))
    real = sys.stdout

    async def main() -> None:
        async with running(worker):
            job, other = await wait(task), await wait(quiet)
            out, err = {"stream": "stdout"}, {"stream": "stderr"}
            assert lines(job) == [
                ("info", "one", out),
                ("info", "two", out),
                ("error", "oops", err),
                ("info", "half and half", out),
                ("info", "no end", out),
            ]
            assert lines(other) == []

    asyncio.run(main())
    assert sys.stdout is real
    printed = capsys.readouterr()
    assert printed.out == "one\ntwo\nhalf and half\nno endnobody keeps this\n"
    assert printed.err == "oops\n"


@pytest.mark.every_backend
@pytest.mark.parametrize("sync", [False, True])
def test_log_records_are_kept(worker: upnext.Worker, sync: bool, caplog: pytest.LogCaptureFixture) -> None:
    def chat() -> None:
        log.info("order %d of %s", 7, "Ann", extra={"total": 1.5, "odd": {1, 2}})
        log.debug("quiet")
        try:
            raise ValueError("no stock")
        except ValueError:
            log.exception("it failed")
        log.warning("bad %d", "x")

    async def chat_async() -> None:
        chat()

    function: Any = chat if sync else chat_async
    task = worker.task(capture_logs=True)(function)

    async def main() -> None:
        async with running(worker):
            first, second, third, fourth = lines(await wait(task))
            assert first == ("info", "order 7 of Ann", {"total": 1.5, "odd": "{1, 2}", "logger": "shop.orders"})
            assert second == ("debug", "quiet", {"logger": "shop.orders"})
            assert third[:2] == ("error", third[1])
            assert third[1].startswith("it failed\nTraceback (most recent call last):\n")
            assert third[1].endswith("ValueError: no stock")
            assert fourth[1] == "bad %d"

    raising, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        asyncio.run(main())
    finally:
        logging.raiseExceptions = raising
    assert "order 7 of Ann" in [
        record.msg % record.args for record in caplog.records if record.args and "order" in record.msg
    ]


def test_a_record_that_a_handler_prints_is_kept_once(worker: upnext.Worker) -> None:
    class Printing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print("handled:", record.getMessage())

    handler = Printing()
    log.addHandler(handler)

    @worker.task(capture_logs=True, capture_output=True)
    async def both() -> None:
        log.info("logged")
        print("printed")

    @worker.task(capture_output=True)
    async def output() -> None:
        log.info("logged")

    async def main() -> None:
        async with running(worker):
            assert [line[1] for line in lines(await wait(both))] == ["logged", "printed"]
            assert [line[1] for line in lines(await wait(output))] == ["handled: logged"]

    try:
        asyncio.run(main())
    finally:
        log.removeHandler(handler)


def test_jobs_that_run_together_do_not_mix(worker: upnext.Worker) -> None:
    together = threading.Barrier(3)

    @worker.task(capture_output=True, capture_logs=True)
    def in_thread(name: str) -> None:
        for turn in range(20):
            together.wait(10)
            print(name, turn)
            log.info("%s logs %d", name, turn)

    @worker.task(capture_output=True, capture_logs=True)
    async def on_loop(name: str) -> None:
        for turn in range(20):
            print(name, turn)
            await asyncio.to_thread(print, name, turn, "in a thread")
            await asyncio.sleep(0)
            log.info("%s logs %d", name, turn)

    async def main() -> None:
        worker.concurrency = 6
        async with running(worker):
            names = ["a", "b", "c"]
            jobs = await asyncio.gather(
                *(wait(in_thread, name) for name in names), *(wait(on_loop, name) for name in names)
            )
            for name, job in zip(names * 2, jobs, strict=True):
                kept = [line[1] for line in lines(job)]
                assert len(kept) in (40, 60)
                assert {text.split()[0] for text in kept} == {name}

    asyncio.run(main())


@pytest.mark.every_backend
def test_a_million_lines_are_bounded_and_counted(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recording, "FIRST_LINES", 90)
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    @worker.task(capture_output=True)
    async def chatter(lines: int) -> None:
        for number in range(lines):
            print(number)

    async def main() -> None:
        async with running(worker):
            kept = lines(await wait(chatter, 5_000))
            texts = [text for _, text, _ in kept]
            assert texts[:90] == [str(number) for number in range(90)]
            assert texts[91:] == [str(number) for number in range(4_000, 5_000)]
            assert kept[90] == (
                "warning",
                "3910 lines are left out here: of what an attempt prints and logs, the first 90 and the last 1000 "
                "lines are kept",
                None,
            )
            assert len(lines(await wait(chatter, 1_090))) == 1_090

    asyncio.run(main())


@pytest.mark.every_backend
def test_long_lines(worker: upnext.Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not to pytest, which cannot report lone surrogates; a logger that does not propagate is recorded all the same.
    monkeypatch.setattr(log, "propagate", False)

    @worker.task(capture_output=True, capture_logs=True)
    async def wide() -> None:
        print("x" * 20_000, end="")
        log.info("y" * 10_000)
        print("\ud800 lone surrogates", file=io.StringIO())
        log.info("a lone \ud800 surrogate")

    async def main() -> None:
        async with running(worker):
            texts = [text for _, text, _ in lines(await wait(wide))]
            assert [len(text) for text in texts[:2]] == [8192, 8192]
            assert texts[2] == f"{'y' * 8192}... (1808 characters more)"
            assert texts[3] == "a lone \\ud800 surrogate"
            assert texts[4] == "x" * (20_000 - 2 * 8192)

    asyncio.run(main())


@pytest.mark.every_backend
def test_a_failing_job_keeps_what_it_said(worker: upnext.Worker) -> None:
    @worker.task(capture_output=True, on_failure=lambda: print("hook"))
    async def fail() -> None:
        print("before")
        raise ValueError("no")

    @worker.task(capture_output=True)
    async def stopped() -> None:
        print("before")
        await asyncio.sleep(60)

    real = sys.stdout

    async def main() -> None:
        async with running(worker):
            future = await fail.submit()
            with pytest.raises(upnext.TaskExecutionError):
                await future.result(20)
            assert [line[1] for line in lines(future.job_id)] == ["before", "hook"]
            cancelled = await stopped.submit()
            await eventually(lambda: lines(cancelled.job_id), "the job says something")
            await cancelled.cancel()
            with pytest.raises(upnext.TaskExecutionError):
                await cancelled.result(20)
            assert sys.stdout is real

    asyncio.run(main())


def test_the_streams_are_given_back_when_the_loop_ends(worker: upnext.Worker) -> None:
    begun: list[str] = []

    @worker.task(capture_output=True)
    async def lasting() -> None:
        begun.append("begun")
        await asyncio.sleep(60)

    async def main() -> None:
        await worker.start()
        await lasting.submit()
        await eventually(lambda: begun, "the job begins")
        assert isinstance(sys.stdout, _recording_sources._Stream)

    real = sys.stdout
    asyncio.run(main())
    assert sys.stdout is real


def test_bad_options(worker: upnext.Worker) -> None:
    for option in ("capture_logs", "capture_output"):
        with pytest.raises(TypeError, match=f"task 'f': {option} is True or False, not 'yes'"):
            worker.task(name="f", **{option: "yes"})(lambda: None)  # type: ignore[call-overload]
