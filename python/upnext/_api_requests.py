"""What an API answers, told to the backend: an ASGI application around another that looks at each request's method,
route, status and duration, and at nothing else of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from upnext import _bridge
from upnext._client import connection_async
from upnext._routes import route_of
from upnext._work import done_for_good

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TrackedApplication:
    """An application whose requests are told to the backend, from the start of its lifespan to the end of it."""

    def __init__(self, application: Application, name: str, url: str | None) -> None:
        self._application = application
        self._name = name
        self._url = url
        self._connection: _bridge.Connection | None = None
        self._reporter: _bridge.ApiReporter | None = None
        #: What ended the application's lifespan, if something did.
        self.failure: BaseException | None = None

    async def connect(self) -> None:
        """Opens the backend, which takes a moment the first time."""
        self._connection = await connection_async(self._url)

    def listens_on(self, host: str, port: int) -> None:
        """Says where the application listens; from here on it is listed."""
        if self._connection is not None and self._reporter is None:
            self._reporter = _bridge.report_api(self._connection, self._name, host, port)

    async def disconnect(self) -> None:
        """Tells what is left and says goodbye."""
        reporter, self._reporter, self._connection = self._reporter, None, None
        if reporter is not None:
            await done_for_good(reporter.stop())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._reporter is None:
            # Somebody else's server, which has not said before where it listens.
            host, port = scope.get("server") or ("", 0)
            self.listens_on(host, port or 0)
        root, status, error = scope.get("root_path", ""), 0, None
        begun = time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, observed)
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            if self._reporter is not None:
                seconds = time.perf_counter() - begun
                self._reporter.record(scope["method"], route_of(scope, root), status or 500, seconds, error)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup" and self._connection is None:
                await self.connect()
            return message

        async def observed(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self.disconnect()
            await send(message)

        try:
            await self._application(scope, heard, observed)
        except BaseException as raised:
            self.failure = raised
            raise
