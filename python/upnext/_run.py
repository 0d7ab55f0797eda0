"""Running workers in the foreground: signals, draining, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from asyncio import _unregister_task
from collections.abc import Callable, Iterator
from typing import Any

from upnext import _bridge, _origin
from upnext._left_behind import left_coroutine
from upnext._threads import ImpatientPool
from upnext._worker import Worker

_log = logging.getLogger("upnext.worker")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: How long coroutines may take to end once no worker runs any more.
_LAST_GRACE = 1.0


def run(*workers: Worker, worker_timeout: float = 3.0) -> None:
    """Runs these workers until SIGINT or SIGTERM, then waits up to `worker_timeout` seconds for running jobs and gives
    the rest back to the queue. A second signal stops at once.

    >>> @worker.task
    ... def stop_here() -> None:
    ...     os.kill(os.getpid(), signal.SIGTERM)
    >>> future = stop_here.submit_sync()
    >>> upnext.run(worker)
    """
    if not workers:
        raise ValueError("run() needs at least one Worker")
    for worker in workers:
        if not isinstance(worker, Worker):
            raise TypeError(f"run() runs Worker objects, not {type(worker).__qualname__}")
    if _origin.in_child:
        # A script without `if __name__ == "__main__":`, imported again for its tasks. They are defined by now.
        raise _origin.ModuleLoadedError
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("run() would block the running event loop: use `await worker.start()` here")
    run_in_foreground(workers, worker_timeout)


def run_in_foreground(
    workers: tuple[Worker, ...],
    timeout: float = 3.0,
    on_started: Callable[[], None] | None = None,
    on_stopping: Callable[[], None] | None = None,
) -> None:
    """`run` for workers that were checked; calls `on_started` when all of them run and signals are heard, and
    `on_stopping` after the first signal."""
    _bridge.log_to_stderr()
    forced = asyncio.run(_run(workers, timeout, on_started, on_stopping))
    if forced is not None:
        raise SystemExit(128 + forced)


async def _run(
    workers: tuple[Worker, ...],
    timeout: float,
    on_started: Callable[[], None] | None,
    on_stopping: Callable[[], None] | None,
) -> int | None:
    """The signal that ended the wait for running jobs, if one did."""
    patience = _Patience()
    asyncio.get_running_loop().set_default_executor(ImpatientPool())
    try:
        with patience.listening(any(worker.handle_signals for worker in workers)):
            started: list[Worker] = []
            try:
                for worker in workers:
                    await worker.start()
                    started.append(worker)
                if on_started is not None:
                    on_started()
                await patience.first.wait()
                if on_stopping is not None:
                    on_stopping()
            finally:
                await _stop(started, timeout, patience)
    finally:
        await _leave_the_deaf()
    return patience.forced


async def _leave_the_deaf() -> None:
    """Ends the coroutines that are left. One that swallows its cancellation would have `asyncio.run` wait for ever; the
    engine has given it up, so it is left behind."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if not rest:
        return
    _, deaf = await asyncio.wait(rest, timeout=_LAST_GRACE)
    for task in deaf:
        _log.warning("%s", left_coroutine(task))
        _unregister_task(task)
        # Said above, with its reason.
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001


async def _stop(workers: list[Worker], timeout: float, patience: _Patience) -> None:
    stopping = asyncio.ensure_future(asyncio.gather(*(worker.stop(timeout) for worker in workers)))
    second = asyncio.ensure_future(patience.second.wait())
    both: list[asyncio.Future[Any]] = [stopping, second]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        await asyncio.gather(*(worker.stop(0.0) for worker in workers))
    second.cancel()
    await stopping


class _Patience:
    """What the signals so far mean."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self.forced: int | None = None

    @contextlib.contextmanager
    def listening(self, wanted: bool) -> Iterator[None]:
        """Takes over the signals meanwhile, if that is wanted and possible here."""
        if not wanted or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            try:
                loop.add_signal_handler(number, self._hear, number)
            except NotImplementedError:
                # Windows: the handler runs between two steps of the main thread, so wake the loop.
                signal.signal(number, lambda number, _: loop.call_soon_threadsafe(self._hear, number) and None)
        try:
            yield
        finally:
            for number, handler in before.items():
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def _hear(self, number: int) -> None:
        if self.first.is_set():
            self.forced = number
            self.second.set()
        self.first.set()
