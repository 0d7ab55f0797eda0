"""uvicorn on a loop that is not its own: it sets up no signals and no logging, and never ends the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from upnext._api_requests import TrackedApplication

#: How long a server may take to end after it has given up its requests, in seconds: the application's own shut-down.
_LAST_GRACE = 5.0


class _StartupFailedError(Exception):
    """The application's lifespan failed."""


class _Quiet(uvicorn.Server):
    """Says when it listens, and raises what would end the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise _StartupFailedError from None
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ApiServer:
    """One application that is served."""

    def __init__(self, name: str, application: Any, listener: socket.socket, options: Mapping[str, Any]) -> None:
        self._name = name
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        given = {"log_config": None, "access_log": False, "server_header": False, **options}
        self._uvicorn = _Quiet(uvicorn.Config(application, **given))
        self._serving: asyncio.Task[None] | None = None

    async def start(self, tracked: TrackedApplication | None) -> None:
        """Returns when it listens; raises `RuntimeError` when the application does not start."""
        self._serving = asyncio.create_task(self._uvicorn.serve([self._listener]), name=f"upnext-api-{self._name}")
        listening = asyncio.create_task(self._uvicorn.listening.wait())
        try:
            await asyncio.wait([self._serving, listening], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
        if self._uvicorn.listening.is_set():
            return
        self._listener.close()
        try:
            await self._serving
        except _StartupFailedError:
            cause = None if tracked is None else tracked.failure
            what = "its lifespan failed" if cause is None else f"its lifespan failed ({type(cause).__name__}: {cause})"
            raise RuntimeError(f"API '{self._name}' did not start: {what}") from cause

    async def stop(self, timeout: float) -> None:
        """Takes no more requests, waits up to `timeout` seconds for those that are being answered, cancels the rest and
        lets the application shut down. A second call with a shorter timeout shortens the wait."""
        serving = self._serving
        if serving is None:
            return
        self._uvicorn.should_exit = True
        await asyncio.wait([serving], timeout=max(timeout, 0.0))
        for request in list(self._uvicorn.server_state.tasks):
            request.cancel()
        await asyncio.wait([serving], timeout=_LAST_GRACE)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def listen(name: str, host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `RuntimeError` when that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot(name, host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise _cannot(name, host, port, error) from None
    return listener


def _cannot(name: str, host: str, port: int, error: OSError) -> RuntimeError:
    return RuntimeError(
        f"API '{name}' cannot listen on {host} port {port} ({error.strerror or error}): stop what uses it, or choose "
        "another address with host= and port="
    )
