"""Workers: what registers tasks and runs their jobs."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import fields
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from upnext import _bridge, _lifespan, _origin
from upnext._artifact_labels import seconds_of
from upnext._client import connection_async, opened
from upnext._events import EventHandle
from upnext._hooks import Hook, Hooks
from upnext._mailbox import mailbox_of
from upnext._packages import PackageManager
from upnext._queue_config import WorkerQueueConfig
from upnext._recording import Capture
from upnext._resources import NOTHING
from upnext._resources import check as check_resources
from upnext._retry_rules import ExceptionTypes, retry_rules
from upnext._rules import Rules
from upnext._runner import Runner
from upnext._running import Running
from upnext._task import AsyncTaskHandle, SyncTaskHandle, TaskHandle
from upnext._types import MissedRunPolicy, SyncExecutor

if TYPE_CHECKING:
    from upnext._bridge import Connection, RunningWorker
    from upnext._child_process import Setting

P = ParamSpec("P")
R = TypeVar("R")
L = TypeVar("L", bound=Callable[..., Any])


class Worker:
    """Registers tasks with `@worker.task` and runs their jobs, `concurrency` at once.

    >>> worker = upnext.Worker("reports", concurrency=4, sync_executor=upnext.SyncExecutor.PROCESS)

    `url` names the job database (`sqlite:///...`; `redis_url` is the same); without it the environment does, and
    without that it is SQLite in `$UPNEXT_HOME`.

    >>> worker = upnext.Worker("shop", concurrency=8)
    >>> @worker.task(retries=3, timeout=60)
    ... async def greet(name: str) -> str:
    ...     return f"Hello {name}"
    >>> await worker.start()
    >>> (await greet.wait("Ann")).value
    'Hello Ann'
    >>> await worker.stop()

    Async tasks run on the event loop. `sync_executor` is for plain functions: `THREAD` (the default) or `PROCESS`,
    which runs them in up to `concurrency` child processes. These have a Python lock and memory of their own, and can be
    killed when a job is cancelled or out of time. They import the modules of the tasks again, so tasks are defined at
    the top level of a file and scripts start their worker under `if __name__ == "__main__":`. `max_tasks_per_child`
    replaces each child after so many attempts (by default never), for libraries that leak memory.
    """

    def __init__(
        self,
        name: str | None = None,
        concurrency: int = 2,
        sync_executor: SyncExecutor | str = SyncExecutor.THREAD,
        *,
        url: str | None = None,
        redis_url: str | None = None,
        queue_config: WorkerQueueConfig | None = None,
        handle_signals: bool = True,
        autodiscover_packages: Iterable[str] = (),
        max_tasks_per_child: int | None = None,
    ) -> None:
        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise ValueError(f"a worker's name is a text that is not empty, not {name!r}")
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise ValueError(f"concurrency is a whole number of at least 1, not {concurrency!r}")
        if url is not None and redis_url is not None and url != redis_url:
            raise ValueError("url and redis_url name the same thing: give one of them")
        try:
            self.sync_executor: SyncExecutor = SyncExecutor(sync_executor)
        except ValueError:
            known = " or ".join(f"SyncExecutor.{each.name}" for each in SyncExecutor)
            raise ValueError(f"sync_executor is {known}, not {sync_executor!r}") from None
        limit = max_tasks_per_child
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise ValueError(f"max_tasks_per_child is a whole number of at least 1, not {limit!r}")
        if limit is not None and self.sync_executor is not SyncExecutor.PROCESS:
            raise ValueError("max_tasks_per_child is for workers with sync_executor=SyncExecutor.PROCESS")
        if queue_config is not None and not isinstance(queue_config, WorkerQueueConfig):
            raise TypeError(f"queue_config is a WorkerQueueConfig, not a {type(queue_config).__qualname__}")
        if isinstance(autodiscover_packages, str):
            raise TypeError("autodiscover_packages is a list of names: write autodiscover_packages=['shop.tasks']")
        self.name: str = name or f"worker-{os.urandom(4).hex()}"
        self.concurrency = concurrency
        self.handle_signals = handle_signals
        self.max_tasks_per_child = max_tasks_per_child
        self.tasks: dict[str, TaskHandle[Any, Any]] = {}
        self.queue_config = queue_config
        self._url = url or redis_url
        self._running: Running | None = None
        self._lifespan: Callable[..., Any] | None = None
        self._packages = PackageManager()
        for package in autodiscover_packages:
            self._packages.add(package)

    def autodiscover(self, *packages: str | ModuleType) -> list[str]:
        """Imports these packages with all of their modules, so that the tasks in them register, and answers the names
        of the modules. The packages that `autodiscover_packages` names are imported when the worker starts, or with the
        first call of this. Raises `ImportError` naming the module that cannot be imported.

        >>> worker.autodiscover("json")[0]
        'json'
        """
        for package in packages:
            self._packages.add(package)
        return self._packages.discover()

    def lifespan(self, function: L) -> L:
        """Registers what runs before the worker's first job and after its last: a generator, async or not, or a
        function that gives a context manager. It takes nothing, or the worker.

        What it yields, a dict or any object, are the resources of the tasks: they get them through parameters whose
        default is `upnext.resource()`, or all of them as `get_current_context().resources`. When the start-up fails,
        the worker does not start. The shut-down runs when no job is running any more; what goes wrong in it is logged.

        With `SyncExecutor.PROCESS` it runs in each child process as well, if a plain task has such a parameter: before
        the child's first task and after its last. If then neither async tasks nor hooks are left for the worker's own
        process, it does not run there.

        >>> @worker.lifespan
        ... async def resources():
        ...     yield {"turns": asyncio.Semaphore(3)}
        >>> @worker.task
        ... async def fetch(url: str, turns: asyncio.Semaphore = upnext.resource()) -> str:
        ...     async with turns:
        ...         return f"read {url}"
        >>> (await fetch.wait("/a")).value
        'read /a'
        """
        _lifespan.checked(self.name, function)
        before = self._lifespan
        if before is not None and _place(before) != _place(function):
            raise ValueError(
                f"worker '{self.name}' has a lifespan already ({_place(before)}): let one function do all of it"
            )
        self._lifespan = function
        return function

    def offer_only(self, tasks: set[str]) -> None:
        """Leaves out every other task: they can be submitted to, but are not run here."""
        self.tasks = {name: handle for name, handle in self.tasks.items() if name in tasks}

    @property
    def url(self) -> str | None:
        """The URL it was given."""
        return self._url

    # A coroutine is also just some R, so the overloads overlap; checkers take the first that fits.
    @overload
    def task(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncTaskHandle[P, R]: ...

    @overload
    def task(self, function: Callable[P, R], /) -> SyncTaskHandle[P, R]: ...

    @overload
    def task(
        self,
        /,
        *,
        name: str | None = None,
        retries: int = 0,
        retry_delay: float = 1.0,
        retry_backoff: float = 2.0,
        retry_max_delay: float = 3600.0,
        retry_jitter: float = 0.0,
        timeout: float = 1800.0,
        artifact_ttl: float | timedelta | None = None,
        retry_on: ExceptionTypes | None = None,
        give_up_on: ExceptionTypes | None = None,
        capture_logs: bool = False,
        capture_output: bool = False,
        rate_limit: str | None = None,
        max_concurrency: int | None = None,
        routing_group: str | None = None,
        group_max_concurrency: int | None = None,
        concurrency_key: str | None = None,
        key_max_concurrency: int | None = None,
        cache_key: str | None = None,
        cache_ttl: float | timedelta | None = None,
        tags: Iterable[str] | None = None,
        on_start: Hook | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        on_retry: Hook | None = None,
        on_complete: Hook | None = None,
    ) -> _Decorator: ...

    def task(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        retries: int = 0,
        retry_delay: float = 1.0,
        retry_backoff: float = 2.0,
        retry_max_delay: float = 3600.0,
        retry_jitter: float = 0.0,
        timeout: float = 1800.0,
        artifact_ttl: float | timedelta | None = None,
        retry_on: ExceptionTypes | None = None,
        give_up_on: ExceptionTypes | None = None,
        capture_logs: bool = False,
        capture_output: bool = False,
        rate_limit: str | None = None,
        max_concurrency: int | None = None,
        routing_group: str | None = None,
        group_max_concurrency: int | None = None,
        concurrency_key: str | None = None,
        key_max_concurrency: int | None = None,
        cache_key: str | None = None,
        cache_ttl: float | timedelta | None = None,
        tags: Iterable[str] | None = None,
        on_start: Hook | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        on_retry: Hook | None = None,
        on_complete: Hook | None = None,
    ) -> Any:
        """Registers a function, async or not, as a task: `@worker.task`, or with options `@worker.task(retries=3)`.

        Retry n waits `retry_delay * retry_backoff ** (n - 1)` seconds, at most `retry_max_delay`, of which the part
        `retry_jitter` (0 to 1) is drawn at random. `timeout` is for one attempt, in seconds. The hooks take nothing or
        the context; what goes wrong in them is logged and changes nothing. `artifact_ttl` is the `expires_in` of the
        artifacts that the task makes, in seconds or as a timedelta, where they do not say it themselves.

        `retry_on` and `give_up_on` are exception types, one or a tuple: with `retry_on` only those are retried, and one
        of `give_up_on` never is. An attempt that ran out of time is retried either way. `capture_logs` keeps what a job
        logs through `logging` in the job's log, `capture_output` what it prints to stdout and stderr; both also go to
        where they went before. Of one attempt the first 9,000 and the last 1,000 lines are kept.

        These hold over all workers: `rate_limit` is how many jobs begin in a time (`"100/m"`, `"5/10s"`),
        `max_concurrency` how many run at once, `group_max_concurrency` how many of all tasks with the same
        `routing_group`. Jobs whose arguments give the same `concurrency_key` (a template such as `"{customer_id}"`) run
        `key_max_concurrency` at once, by default one after the other. A job whose arguments give a `cache_key` that
        completed within the last `cache_ttl` seconds (without it: ever) takes that result and is not run.

        `tags` are words that its jobs can be found by, beside those that `options` adds: each has 1 to 64 characters
        and no comma, and a job has at most 32.
        """
        options = {name: value for name, value in locals().items() if name not in ("self", "function")}

        def register(function: Callable[..., Any]) -> TaskHandle[Any, Any]:
            return self.register(function, **options)

        return register if function is None else register(function)

    def cron(
        self,
        schedule: str,
        *,
        name: str | None = None,
        timeout: float = 1800.0,
        timezone: str | None = None,
        missed_run_policy: MissedRunPolicy | str = MissedRunPolicy.LATEST_ONLY,
        max_catch_up_seconds: float | None = None,
        **options: Any,
    ) -> _Decorator:
        """Registers a function that runs by itself: `@worker.cron("0 3 * * *")`, once for each tick however many
        workers there are. The schedule has five fields, or six with the seconds first, in the time zone `timezone` (an
        IANA name such as `"Europe/Berlin"`; default UTC). `missed_run_policy` says what becomes of ticks at which no
        worker ran, `max_catch_up_seconds` how far back `MissedRunPolicy.CATCH_UP` reaches (default: without end).
        Further options are those of `task`. The function takes no arguments.

        >>> @worker.cron("0 3 * * *", timezone="Europe/Berlin")
        ... async def clean_up() -> str:
        ...     return "clean"
        >>> (await clean_up.wait()).value
        'clean'
        """

        def register(function: Callable[..., Any]) -> TaskHandle[Any, Any]:
            return self.register(
                function,
                name=name,
                timeout=timeout,
                schedule=schedule,
                timezone=timezone,
                missed_run_policy=missed_run_policy,
                max_catch_up_seconds=max_catch_up_seconds,
                **options,
            )

        return cast("_Decorator", register)

    def event(self, name: str) -> EventHandle:
        """An event by its name, to be sent and handled; or a pattern such as `"order.*"`, to be handled.

        >>> @worker.event("order.*").on(retries=3)
        ... def audit(order_id: int) -> str:
        ...     return f"noted {order_id}"
        >>> [job] = await worker.event("order.placed").send(order_id=7)
        >>> await job.value()
        'noted 7'
        """
        return EventHandle(name, self)

    @property
    def handlers(self) -> list[TaskHandle[Any, Any]]:
        """Its tasks that handle events."""
        return [handle for handle in self.tasks.values() if handle.rules is not None and handle.rules.pattern]

    def register(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        retries: int = 0,
        retry_delay: float = 1.0,
        retry_backoff: float = 2.0,
        retry_max_delay: float = 3600.0,
        retry_jitter: float = 0.0,
        timeout: float = 1800.0,
        artifact_ttl: float | timedelta | None = None,
        retry_on: ExceptionTypes | None = None,
        give_up_on: ExceptionTypes | None = None,
        capture_logs: bool = False,
        capture_output: bool = False,
        on_start: Hook | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        on_retry: Hook | None = None,
        on_complete: Hook | None = None,
        **rules: Any,
    ) -> TaskHandle[Any, Any]:
        """What `task`, `cron` and the handlers of events have in common: use those."""
        key = _key_of(function, name)
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries < 2**32 - 1:
            raise ValueError(f"task '{key}': retries is a whole number of at least 0, not {retries!r}")
        ttl = None if artifact_ttl is None else seconds_of(artifact_ttl, f"task '{key}': artifact_ttl")
        handle_type = AsyncTaskHandle if inspect.iscoroutinefunction(function) else SyncTaskHandle
        handle: TaskHandle[Any, Any] = handle_type(
            function,
            key=key,
            url=self._url,
            timeout=timeout,
            retry=(retries, retry_delay, retry_backoff, retry_max_delay, retry_jitter),
            hooks=Hooks(on_start, on_success, on_failure, on_retry, on_complete),
            artifact_ttl=ttl,
            retry_rules=retry_rules(key, retry_on, give_up_on),
            capture=_capture(key, capture_logs, capture_output),
            rules=_rules(key, rules),
            worker=self,
        )
        self._add(handle, function)
        return handle

    def _add(self, handle: TaskHandle[Any, Any], function: Callable[..., Any]) -> None:
        before = self.tasks.get(handle.key)
        # The same function again is a module that was loaded again; another one under the same name is a mistake.
        if before is not None and _place(before.function) != _place(function):
            raise ValueError(
                f"worker '{self.name}' has a task '{handle.key}' already ({_place(before.function)}): "
                "give one of them another name with @worker.task(name=...)"
            )
        self.tasks[handle.key] = handle

    async def start(self) -> None:
        """Starts to run jobs on this event loop, in the background."""
        if self._running is not None:
            raise RuntimeError(f"worker '{self.name}' is running already")
        self._packages.discover()
        if not self.tasks:
            raise RuntimeError(f"worker '{self.name}' has no task: decorate a function with @worker.task")
        if _origin.in_child:
            raise RuntimeError(
                f"worker '{self.name}' cannot start in a child process of a worker, which imports its module again: "
                'put what starts it under `if __name__ == "__main__":`'
            )
        setting = self._setting_of_children()
        if self.queue_config is not None:
            self.queue_config.warn(self.name)
        connection = opened(self._url) or await connection_async(self._url)
        here = self._tasks_with_own_resources(setting)
        lifespan = None
        if self._lifespan is not None and here:
            lifespan = _lifespan.Lifespan(self.name, self._lifespan, self)
        resources = NOTHING if lifespan is None else await lifespan.enter()
        try:
            for task in here:
                check_resources(task.key, resources, task.arguments.resources)
            self._running = await self._start(connection, resources, lifespan, setting)
        except BaseException:
            if lifespan is not None:
                await lifespan.leave()
            raise

    async def _start(
        self,
        connection: Connection,
        resources: Any,
        lifespan: _lifespan.Lifespan | None,
        setting: Setting | None,
    ) -> Running:
        loop = asyncio.get_running_loop()
        mailbox = mailbox_of(loop)
        runner = Runner(self.name, loop, resources)
        answer: asyncio.Future[RunningWorker] = loop.create_future()
        if setting is not None:
            runner.open_processes(self.concurrency, setting, self.max_tasks_per_child)
        tasks = list(self.tasks.values())
        number: int | None = None
        try:
            if setting is not None and setting.lifespan is not None:
                failed = await runner.first_process()
                if failed is not None:
                    raise RuntimeError(f"worker '{self.name}' does not start: {failed.error}")
            number = _bridge.start_worker(
                connection,
                mailbox,
                answer,
                self.name,
                self.concurrency,
                tasks,
                runner.start,
                runner.stop,
                self.queue_config,
            )
            engine = await answer
        except BaseException:
            if number is not None:
                mailbox.forget(number)
            await runner.close()
            raise
        return Running(engine, runner, mailbox, number, lifespan)

    def _setting_of_children(self) -> Setting | None:
        """What the child processes begin with; None if there will be none."""
        tasks = [task for task in self.tasks.values() if not task.is_async]
        if self.sync_executor is not SyncExecutor.PROCESS or not tasks:
            return None
        if os.name != "posix":
            raise RuntimeError(
                f"worker '{self.name}': SyncExecutor.PROCESS needs Linux, macOS or another POSIX system; use "
                "SyncExecutor.THREAD here"
            )
        from upnext._child_lifespan import Shared
        from upnext._child_process import Setting

        origins = list(_origin.origins_of(self, tasks).values())
        wanting = tuple(task.key for task in tasks if task.arguments.resources)
        shared: Shared | None = None
        if wanting and self._lifespan is not None:
            modules = _origin.modules_of(self._lifespan, self)
            if not modules:
                raise RuntimeError(
                    f"the lifespan of worker '{self.name}' is defined where a child process cannot import it: put it "
                    "into a file, or use sync_executor=SyncExecutor.THREAD"
                )
            shared = Shared(self.name, modules, wanting)
        return Setting(self._url, dict(os.environ), os.getcwd(), origins, shared)  # noqa: PTH109

    def _tasks_with_own_resources(self, setting: Setting | None) -> list[TaskHandle[Any, Any]]:
        """The tasks that may need the lifespan in the worker's own process: for themselves, or for their hooks."""
        tasks = list(self.tasks.values())
        if setting is None or setting.lifespan is None:
            return tasks
        return [task for task in tasks if task.is_async or task.hooks is not None]

    async def stop(self, timeout: float = 3.0) -> None:
        """Stops: takes no more jobs, waits up to `timeout` seconds for the running ones, gives the rest back to the
        queue. A second call with a shorter timeout shortens the wait."""
        running = self._running
        if running is not None:
            await running.stop(timeout)
            self._running = None

    def run(self, worker_timeout: float = 3.0) -> None:
        """Runs until SIGINT or SIGTERM. The same as `upnext.run(worker)`."""
        from upnext._run import run

        run(self, worker_timeout=worker_timeout)

    def __repr__(self) -> str:
        return f"<upnext.Worker {self.name}: {', '.join(self.tasks) or 'no tasks'}>"


def _capture(task: str, logs: bool, output: bool) -> Capture | None:
    for option, value in (("capture_logs", logs), ("capture_output", output)):
        if not isinstance(value, bool):
            raise TypeError(f"task '{task}': {option} is True or False, not {value!r}")
    return Capture(logs, output) if logs or output else None


class _Decorator:
    """The type of `@worker.task(...)`: exists for type checkers only."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> AsyncTaskHandle[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> SyncTaskHandle[P, R]: ...

    def __call__(self, function: Callable[..., Any], /) -> Any:
        raise NotImplementedError


def _rules(task: str, rules: dict[str, Any]) -> Rules:
    try:
        return Rules(**rules)
    except TypeError:
        known = {field.name for field in fields(Rules)}
        unknown = next(name for name in rules if name not in known)
        raise TypeError(f"task '{task}': there is no option {unknown}") from None


def _key_of(function: Callable[..., Any], name: str | None) -> str:
    if not callable(function):
        raise TypeError(f"@worker.task decorates functions, not {type(function).__qualname__}")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"a task returns a value: {function.__qualname__} is a generator")
    key = name if name is not None else getattr(function, "__name__", "")
    if not isinstance(key, str) or not key or key == "<lambda>":
        raise ValueError("a task needs a name: give it one with @worker.task(name=...)")
    if len(key) > 255 or not key.isprintable():
        raise ValueError(f"{key!r} cannot be a task's name: it has 1 to 255 printable characters")
    return key


def _place(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
