"""Running workers and APIs in the foreground: signals, draining, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from asyncio import _unregister_task
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from upnext import _bridge, _origin
from upnext._api import Api
from upnext._left_behind import left_coroutine
from upnext._threads import ImpatientPool
from upnext._worker import Worker

_log = logging.getLogger("upnext.worker")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: How long coroutines may take to end once no worker runs any more.
_LAST_GRACE = 1.0


def run(*workers_and_apis: Worker | Api, worker_timeout: float = 3.0, api_timeout: float = 1.5) -> None:
    """Runs these workers and APIs until SIGINT or SIGTERM. Then the APIs take no more requests and have up to
    `api_timeout` seconds to answer those they have; after that the workers have up to `worker_timeout` seconds for
    running jobs, and the rest goes back to the queue. A second signal stops all of it at once.

    >>> @worker.task
    ... def stop_here() -> None:
    ...     os.kill(os.getpid(), signal.SIGTERM)
    >>> future = stop_here.submit_sync()
    >>> upnext.run(worker)
    """
    if not workers_and_apis:
        raise ValueError("run() needs at least one Worker or Api")
    for one in workers_and_apis:
        if not isinstance(one, Worker | Api):
            raise TypeError(f"run() runs Worker and Api objects, not {type(one).__qualname__}")
    if _origin.in_child:
        # A script without `if __name__ == "__main__":`, imported again for its tasks. They are defined by now.
        raise _origin.ModuleLoadedError
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("run() would block the running event loop: use `await worker.start()` here")
    run_in_foreground(workers_and_apis, worker_timeout, api_timeout)


def run_in_foreground(
    workers_and_apis: Sequence[Worker | Api],
    worker_timeout: float = 3.0,
    api_timeout: float = 1.5,
    on_started: Callable[[], None] | None = None,
    on_stopping: Callable[[], None] | None = None,
) -> None:
    """`run` for what was checked; calls `on_started` when all of it runs and signals are heard, and `on_stopping` after
    the first signal."""
    _bridge.log_to_stderr()
    forced = asyncio.run(_run(workers_and_apis, worker_timeout, api_timeout, on_started, on_stopping))
    if forced is not None:
        raise SystemExit(128 + forced)


async def _run(
    workers_and_apis: Sequence[Worker | Api],
    worker_timeout: float,
    api_timeout: float,
    on_started: Callable[[], None] | None,
    on_stopping: Callable[[], None] | None,
) -> int | None:
    """The signal that ended the wait for running jobs, if one did."""
    patience = _Patience()
    asyncio.get_running_loop().set_default_executor(ImpatientPool())
    workers = [one for one in workers_and_apis if isinstance(one, Worker)]
    apis = [one for one in workers_and_apis if isinstance(one, Api)]
    try:
        with patience.listening(any(one.handle_signals for one in workers_and_apis)):
            started: list[Worker | Api] = []
            try:
                # Whoever asks an API may wait for jobs.
                everything: list[Worker | Api] = [*workers, *apis]
                for one in everything:
                    await one.start()
                    started.append(one)
                if on_started is not None:
                    on_started()
                await patience.first.wait()
                if on_stopping is not None:
                    on_stopping()
            finally:
                await _stop([one for one in started if isinstance(one, Api)], api_timeout, patience)
                await _stop([one for one in started if isinstance(one, Worker)], worker_timeout, patience)
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


async def _stop(running: Sequence[Worker | Api], timeout: float, patience: _Patience) -> None:
    stopping = asyncio.ensure_future(asyncio.gather(*(one.stop(timeout) for one in running)))
    second = asyncio.ensure_future(patience.second.wait())
    both: list[asyncio.Future[Any]] = [stopping, second]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        await asyncio.gather(*(one.stop(0.0) for one in running))
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
