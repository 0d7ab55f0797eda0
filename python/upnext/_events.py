"""Events: named things that happen, and the handlers that get a job for each."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from upnext import _json
from upnext._client import connection, connection_async, opened
from upnext._context import current
from upnext._future import Future
from upnext._mailbox import mailbox_of
from upnext._task import TaskHandle, checked_key, refuse_in_loop
from upnext._transactions import Transaction
from upnext._work import done

if TYPE_CHECKING:
    from typing_extensions import Self

    from upnext._bridge import TaskSpec
    from upnext._returns import Returns
    from upnext._worker import Worker

P = ParamSpec("P")
R = TypeVar("R")


class EventHandle:
    """An event by its name, or many by a pattern: made by `worker.event("order.placed")`.

    In a pattern `*` stands for any characters but the dot, `**` for any characters. Each handler whose pattern fits
    gets a job of its own, with what was sent as its arguments; handlers in other processes too, once their worker was
    started.

    >>> placed = worker.event("order.placed")
    >>> @placed.on
    ... async def reserve(order_id: int) -> str:
    ...     return f"reserved {order_id}"
    >>> @worker.event("order.*").on(retries=3)
    ... def audit(order_id: int) -> str:
    ...     return f"noted {order_id}"
    >>> jobs = await placed.send(order_id=7)
    >>> sorted(await upnext.gather(*jobs))
    ['noted 7', 'reserved 7']
    """

    def __init__(self, name: str, worker: Worker) -> None:
        if not isinstance(name, str):
            raise TypeError(f"an event's name is a text, not a {type(name).__qualname__}")
        self.name = name
        self._worker = worker
        self._transaction: Transaction | None = None

    @overload
    def on(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> TypedEvent[P, R]: ...

    @overload
    def on(self, function: Callable[P, R], /) -> TypedEvent[P, R]: ...

    @overload
    def on(self, /, **options: Any) -> _HandlerDecorator: ...

    def on(self, function: Any = None, /, **options: Any) -> Any:
        """Registers a handler, `@event.on` or `@event.on(retries=3)` with the options of `@worker.task`."""

        def register(function: Callable[..., Any]) -> TypedEvent[Any, Any]:
            handle = self._worker.register(function, pattern=self.name, **options)
            return TypedEvent(self, handle)

        return register if function is None else register(function)

    def in_transaction(self, connection: object) -> Self:
        """The same event; what is sent through it belongs to the transaction that is open on `connection`: its jobs
        exist exactly if that transaction commits. See `TaskHandle.in_transaction`.

        >>> paid = worker.event("order.paid")
        >>> async def pay(connection: asyncpg.Connection, n: int) -> None:
        ...     async with connection.transaction():
        ...         await connection.execute("UPDATE orders SET paid = true WHERE id = $1", n)
        ...         await paid.in_transaction(connection).send(order_id=n)
        """
        handle = copy.copy(self)
        handle._transaction = Transaction(connection)  # noqa: SLF001
        return handle

    async def send(self, **data: Any) -> list[Future[Any]]:
        """Sends the event: a job for each handler, all of them or none. Answers their futures."""
        return await self.send_packed(_json.encode_arguments(data, f"event '{self.name}'"), None)

    async def send_idempotent(self, key: str, /, **data: Any) -> list[Future[Any]]:
        """The same, but a handler with an unfinished job of this key gets no second one.

        >>> paid = worker.event("order.paid")
        >>> @paid.on
        ... async def thank(order_id: int) -> str:
        ...     return f"thanks for {order_id}"
        >>> [job] = await paid.send_idempotent("order-7", order_id=7)
        >>> await job.value()
        'thanks for 7'
        """
        return await self.send_packed(_json.encode_arguments(data, f"event '{self.name}'"), checked_key(key))

    def send_sync(self, **data: Any) -> list[Future[Any]]:
        """`send` for code without an event loop."""
        refuse_in_loop("send_sync", "send")
        return self.send_packed_sync(_json.encode_arguments(data, f"event '{self.name}'"), None)

    def send_idempotent_sync(self, key: str, /, **data: Any) -> list[Future[Any]]:
        """`send_idempotent` for code without an event loop."""
        refuse_in_loop("send_idempotent_sync", "send_idempotent")
        return self.send_packed_sync(_json.encode_arguments(data, f"event '{self.name}'"), checked_key(key))

    def _declared(self) -> list[TaskSpec]:
        """Handlers of this process, which need no started worker to be sent to."""
        return [handle.spec for handle in self._worker.handlers]

    async def send_packed(self, data: str, key: str | None) -> list[Future[Any]]:
        """Sends the event with arguments that are JSON already."""
        url = self._worker.url
        connected = opened(url) or await connection_async(url)
        if self._transaction is not None:
            work = connected.event_statement(self.name, data, self._declared(), key, current.get())
            return [
                Future(job_id, url, self._returns_of) for job_id in await self._transaction.submit(await done(work))
            ]
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()
        connected.send_event(mailbox_of(loop), answer, self.name, data, self._declared(), key, current.get())
        return [Future(job_id, url, self._returns_of) for job_id in await answer]

    def send_packed_sync(self, data: str, key: str | None) -> list[Future[Any]]:
        """The same, blocking."""
        url = self._worker.url
        if self._transaction is not None:
            self._transaction.check_blocking("send_sync", "send")
            work = connection(url).event_statement(self.name, data, self._declared(), key, current.get())
            return [Future(job_id, url, self._returns_of) for job_id in self._transaction.submit_sync(work.wait())]
        ids = connection(url).send_event_sync(self.name, data, self._declared(), key, current.get())
        return [Future(job_id, url, self._returns_of) for job_id in ids]

    def _returns_of(self, function: str) -> Returns | None:
        """What a handler of this process returns."""
        handler = self._worker.tasks.get(function)
        return None if handler is None else handler.returns

    def __repr__(self) -> str:
        return f"<upnext.EventHandle {self.name}>"


class TypedEvent(Generic[P, R]):
    """A handler of an event, through which the event is sent with the handler's own arguments.

    >>> @worker.event("user.signed_up").on
    ... async def welcome(name: str) -> str:
    ...     return f"Welcome {name}"
    >>> [job] = await welcome.send(name="Ann")
    >>> await job.value()
    'Welcome Ann'
    """

    def __init__(self, event: EventHandle, handler: TaskHandle[P, R]) -> None:
        self.event = event
        self.handler = handler

    @property
    def key(self) -> str:
        """The name under which the handler is registered."""
        return self.handler.key

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Runs the handler inline, as if it were not decorated."""
        return self.handler(*args, **kwargs)

    def in_transaction(self, connection: object) -> TypedEvent[P, R]:
        """The same event; what is sent through it belongs to the transaction that is open on `connection`: its jobs
        exist exactly if that transaction commits. See `TaskHandle.in_transaction`.

        >>> @worker.event("order.paid").on
        ... async def thank(order_id: int) -> str:
        ...     return f"thanks for {order_id}"
        >>> async def pay(connection: asyncpg.Connection, n: int) -> None:
        ...     async with connection.transaction():
        ...         await connection.execute("UPDATE orders SET paid = true WHERE id = $1", n)
        ...         await thank.in_transaction(connection).send(n)
        """
        return TypedEvent(self.event.in_transaction(connection), self.handler)

    async def send(self, *args: P.args, **kwargs: P.kwargs) -> list[Future[Any]]:
        """Sends the event to every handler whose pattern fits, this one among them."""
        return await self.event.send_packed(self.handler.arguments.pack(args, kwargs), None)

    async def send_idempotent(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> list[Future[Any]]:
        """The same, but a handler with an unfinished job of this key gets no second one.

        >>> @worker.event("order.paid").on
        ... async def thank(order_id: int) -> str:
        ...     return f"thanks for {order_id}"
        >>> [job] = await thank.send_idempotent("order-7", 7)
        >>> await job.value()
        'thanks for 7'
        """
        return await self.event.send_packed(self.handler.arguments.pack(args, kwargs), checked_key(key))

    def send_sync(self, *args: P.args, **kwargs: P.kwargs) -> list[Future[Any]]:
        """`send` for code without an event loop."""
        refuse_in_loop("send_sync", "send")
        return self.event.send_packed_sync(self.handler.arguments.pack(args, kwargs), None)

    def send_idempotent_sync(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> list[Future[Any]]:
        """`send_idempotent` for code without an event loop."""
        refuse_in_loop("send_idempotent_sync", "send_idempotent")
        return self.event.send_packed_sync(self.handler.arguments.pack(args, kwargs), checked_key(key))

    def __repr__(self) -> str:
        return f"<upnext.TypedEvent {self.event.name}: {self.key}>"


class _HandlerDecorator:
    """The type of `@event.on(...)`: exists for type checkers only."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> TypedEvent[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> TypedEvent[P, R]: ...

    def __call__(self, function: Callable[..., Any], /) -> Any:
        raise NotImplementedError
