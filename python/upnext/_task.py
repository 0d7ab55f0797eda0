"""Tasks: functions that can also be submitted as jobs."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from upnext import _resources
from upnext._bridge import TaskSpec
from upnext._client import connection, connection_async, opened
from upnext._context import current
from upnext._future import Future, JobRecord, TaskResult, read_result
from upnext._hooks import Hooks
from upnext._mailbox import mailbox_of
from upnext._recording import Capture
from upnext._retry_rules import RetryRules
from upnext._returns import Returns
from upnext._rules import Rules
from upnext._signature import Arguments
from upnext._submitting import submitting
from upnext._transactions import Transaction
from upnext._work import done

if TYPE_CHECKING:
    from typing_extensions import Self

    from upnext._bridge import Submitting
    from upnext._worker import Worker

P = ParamSpec("P")
R = TypeVar("R")

#: Every task that is defined from here on, in a child process that has to find them.
registered: list[TaskHandle[Any, Any]] | None = None


class TaskHandle(Generic[P, R]):
    """A registered task. Calling it runs it here and now; `submit` and `wait` have a worker run it.

    >>> @worker.task
    ... def area(width: int, height: int = 1) -> int:
    ...     return width * height
    >>> area(3, 4)
    12
    >>> future = await area.submit(3, height=4)
    >>> await future.value()
    12
    >>> (await area.wait(5)).value
    5
    """

    def __init__(
        self,
        function: Callable[P, Any],
        *,
        key: str,
        url: str | None,
        timeout: float,
        retry: tuple[int, float, float, float, float],
        hooks: Hooks,
        artifact_ttl: float | None = None,
        retry_rules: RetryRules | None = None,
        capture: Capture | None = None,
        rules: Rules | None = None,
        worker: Worker,
    ) -> None:
        functools.update_wrapper(cast("Any", self), function)
        hooks.check(key)
        self._function = function
        self._url = url
        self.key = key
        self.timeout: float = float(timeout)
        self.is_async: bool = inspect.iscoroutinefunction(function)
        self.arguments: Arguments = Arguments(key, function)
        self.returns: Returns = Returns(key, function)
        self.retry_rules = retry_rules
        self.capture = capture
        self.rules = rules
        self.worker = worker
        self.hooks: Hooks | None = hooks if any(hook is not None for hook in hooks) else None
        self.spec: TaskSpec = TaskSpec(
            key=key,
            timeout=self.timeout,
            retry=retry,
            parameters=self.arguments.parameters,
            takes_any=self.arguments.takes_any,
            artifact_ttl=artifact_ttl,
            rules=None if rules is None else rules.checked(key),
        )
        self._options: Submitting | None = None
        self._transaction: Transaction | None = None
        if registered is not None:
            registered.append(self)

    @property
    def function(self) -> Callable[P, Any]:
        """What was decorated."""
        return self._function

    @property
    def name(self) -> str:
        """The name that jobs are addressed to."""
        return self.key

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Runs the function inline, as if it were not decorated."""
        if self.arguments.resources:
            return self._function(*args, **self._with_resources(args, kwargs))
        return self._function(*args, **kwargs)

    def invoke(self, arguments: dict[str, Any]) -> Any:
        """Calls the function with the arguments of a job."""
        function: Callable[..., Any] = self._function
        if self.arguments.resources:
            arguments = {**arguments, **_resources.take(self.key, self.arguments.resources)}
        split = self.arguments.split(arguments)
        return function(**arguments) if split is None else function(*split[0], **split[1])

    def _with_resources(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = _resources.given_inline(self._function, args, kwargs)
        wanted = {name: what for name, what in self.arguments.resources.items() if name not in given}
        return {**kwargs, **_resources.take(self.key, wanted)}

    def options(
        self,
        *,
        delay: float | timedelta | None = None,
        at: datetime | None = None,
        priority: int | None = None,
        tags: Iterable[str] | None = None,
    ) -> Self:
        """The same task, with options for what is submitted through it: `delay` in seconds or as a timedelta, `at` as a
        datetime with a time zone (what is past is due at once; with both, the delay comes on top), `priority`, of which
        the higher runs first (default 0), and `tags`, words that the job can be found by beside those of the task.

        >>> @worker.task
        ... async def remind(who: str) -> str:
        ...     return f"Hello {who}"
        >>> future = await remind.options(delay=0.05, priority=10, tags=["eu"]).submit("Ann")
        >>> await future.value()
        'Hello Ann'
        """
        handle = copy.copy(self)
        handle._options = submitting(self.key, delay, at, priority, tags)  # noqa: SLF001
        return handle

    def in_transaction(self, connection: object) -> Self:
        """The same task; what is submitted through it belongs to the transaction that is open on `connection`. The job
        exists exactly if that transaction commits, and begins then. Only where jobs live in the same PostgreSQL
        database.

        `connection` is one of psycopg, asyncpg or psycopg2, or a connection or session of SQLAlchemy over these. One
        that blocks may be used with `submit`, too, and blocks as it always does. The future is of use after the commit;
        to wait for a job before would be to wait for ever, and is refused.

        Raises `TypeError` for other connections, `RuntimeError` when no transaction is open, and `BackendError` when
        jobs live elsewhere or the user of the connection may not submit.

        >>> async def place(connection: asyncpg.Connection, n: int) -> upnext.Future[int]:
        ...     async with connection.transaction():
        ...         await connection.execute("INSERT INTO orders (id) VALUES ($1)", n)
        ...         return await double.in_transaction(connection).submit(n)
        """
        handle = copy.copy(self)
        handle._transaction = Transaction(connection)  # noqa: SLF001
        return handle

    async def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Submits a job. When this returns it is durable; it waits if no worker runs."""
        return await self._submit(self.arguments.pack(args, kwargs), None)

    async def submit_idempotent(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """The same, unless a job with this key is queued or active: then that one is given. A key has 1 to 256
        characters.

        >>> first = await double.options(delay=60).submit_idempotent("order-7", 7)
        >>> second = await double.submit_idempotent("order-7", 7)
        >>> first.job_id == second.job_id
        True
        """
        return await self._submit(self.arguments.pack(args, kwargs), checked_key(key))

    async def wait(self, *args: Any, wait_timeout: float | None = None, **kwargs: Any) -> TaskResult[R]:
        """Submits a job and waits for its end, at most `wait_timeout` seconds (without it the task's timeout)."""
        return await self._wait(self.arguments.pack(args, kwargs), None, wait_timeout)

    async def wait_idempotent(
        self, key: str, /, *args: Any, wait_timeout: float | None = None, **kwargs: Any
    ) -> TaskResult[R]:
        """The same, unless a job with this key is queued or active: then that one is waited for.

        >>> (await double.wait_idempotent("order-8", 4)).value
        8
        """
        return await self._wait(self.arguments.pack(args, kwargs), checked_key(key), wait_timeout)

    def submit_sync(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """`submit` for code without an event loop.

        >>> double.submit_sync(21)
        <upnext.Future of job ...>
        """
        refuse_in_loop("submit_sync", "submit")
        return self._submit_sync(self.arguments.pack(args, kwargs), None)

    def submit_idempotent_sync(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """`submit_idempotent` for code without an event loop."""
        refuse_in_loop("submit_idempotent_sync", "submit_idempotent")
        return self._submit_sync(self.arguments.pack(args, kwargs), checked_key(key))

    def wait_sync(self, *args: Any, wait_timeout: float | None = None, **kwargs: Any) -> TaskResult[R]:
        """`wait` for code without an event loop.

        >>> double.wait_sync(21).value
        42
        """
        refuse_in_loop("wait_sync", "wait")
        return self._wait_sync(self.arguments.pack(args, kwargs), None, wait_timeout)

    def wait_idempotent_sync(
        self, key: str, /, *args: Any, wait_timeout: float | None = None, **kwargs: Any
    ) -> TaskResult[R]:
        """`wait_idempotent` for code without an event loop."""
        refuse_in_loop("wait_idempotent_sync", "wait_idempotent")
        return self._wait_sync(self.arguments.pack(args, kwargs), checked_key(key), wait_timeout)

    def pack_all(self, inputs: Iterable[dict[str, Any]]) -> list[str]:
        """The payload of a job for each set of named arguments, all of them checked."""
        payloads = []
        for place, kwargs in enumerate(inputs):
            if not isinstance(kwargs, dict):
                raise TypeError(
                    f"task '{self.key}': each input is a dict of named arguments, and number {place} "
                    f"is a {type(kwargs).__qualname__}"
                )
            payloads.append(self.arguments.pack((), kwargs))
        return payloads

    async def submit_packed(self, payload: str) -> Future[R]:
        """Submits a job with what `pack_all` gave, to be waited for."""
        self._refuse_waiting()
        return await self._submit(payload, None)

    async def submit_all(self, inputs: Iterable[dict[str, Any]]) -> list[Future[R]]:
        """Submits a job for each set of named arguments, in one step: all of them or none."""
        payloads = self.pack_all(inputs)
        connected = opened(self._url) or await connection_async(self._url)
        if self._transaction is not None:
            return await self._submit_within(self._transaction, payloads, None)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()
        connected.submit_many(mailbox_of(loop), answer, self.spec, payloads, current.get(), self._options)
        return [Future(job_id, self._url, self._returns_of) for job_id in await answer]

    async def _submit(self, payload: str, key: str | None) -> Future[R]:
        if self._transaction is not None:
            [future] = await self._submit_within(self._transaction, [payload], key)
            return future
        connected = opened(self._url) or await connection_async(self._url)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        connected.submit(mailbox_of(loop), answer, self.spec, payload, key, current.get(), self._options)
        return Future(await answer, self._url, self._returns_of)

    async def _submit_within(self, transaction: Transaction, payloads: list[str], key: str | None) -> list[Future[R]]:
        connected = opened(self._url) or await connection_async(self._url)
        work = connected.statement(self.spec, payloads, key, current.get(), self._options)
        statement = await done(work)
        return [Future(job_id, self._url, self._returns_of) for job_id in await transaction.submit(statement)]

    def _refuse_waiting(self) -> None:
        if self._transaction is not None:
            raise RuntimeError(
                f"task '{self.key}': a job of a transaction begins after the commit, so nobody can wait for it before: "
                "use submit, commit, and wait for the future"
            )

    async def _wait(self, payload: str, key: str | None, timeout: float | None) -> TaskResult[R]:
        self._refuse_waiting()
        connected = opened(self._url) or await connection_async(self._url)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[JobRecord] = loop.create_future()
        limit = self.timeout if timeout is None else timeout
        pending = connected.run(mailbox_of(loop), answer, self.spec, payload, limit, key, current.get(), self._options)
        try:
            return read_result(await answer, self._returns_of)
        except asyncio.CancelledError:
            pending.abort()
            raise

    def _submit_sync(self, payload: str, key: str | None) -> Future[R]:
        connected = connection(self._url)
        if self._transaction is not None:
            self._transaction.check_blocking("submit_sync", "submit")
            work = connected.statement(self.spec, [payload], key, current.get(), self._options)
            [job_id] = self._transaction.submit_sync(work.wait())
        else:
            job_id = connected.submit_sync(self.spec, payload, key, current.get(), self._options)
        return Future(job_id, self._url, self._returns_of)

    def _wait_sync(self, payload: str, key: str | None, timeout: float | None) -> TaskResult[R]:
        self._refuse_waiting()
        connected = connection(self._url)
        limit = self.timeout if timeout is None else timeout
        record = connected.run_sync(self.spec, payload, limit, key, current.get(), self._options)
        return read_result(record, self._returns_of)

    def _returns_of(self, function: str) -> Returns | None:
        return self.returns if function == self.key else None

    def __repr__(self) -> str:
        return f"<upnext.TaskHandle {self.key}>"


class AsyncTaskHandle(TaskHandle[P, R]):
    """The handle of an async function: calling it gives a coroutine."""

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]: ...


class SyncTaskHandle(TaskHandle[P, R]):
    """The handle of a plain function: calling it gives its result."""

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


def checked_key(key: object) -> str:
    """An idempotency key that is a text; its length is checked by the engine."""
    if not isinstance(key, str):
        raise TypeError(f"an idempotency key is a str, not {type(key).__qualname__}")
    return key


def refuse_in_loop(sync_name: str, async_name: str) -> None:
    """Raises when called on a thread whose event loop runs: blocking there would stop everything else."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"{sync_name}() would block the running event loop: use `await handle.{async_name}(...)` here")
