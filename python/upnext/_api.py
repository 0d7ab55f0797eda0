"""HTTP APIs beside workers: FastAPI applications that `upnext.run` and `upnext run` serve. FastAPI and uvicorn are
optional; nothing of them is imported before an `Api` is made."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

F = TypeVar("F", bound=Callable[..., Any])

#: How a decorator of a path is typed: it gives the function back as it was.
Decorator = Callable[[F], F]


class Api:
    """A FastAPI application with a name and an address: `@api.get("/path")` and so on declare its paths.

    `host` is 127.0.0.1 by default: reachable from this machine alone. `port` 0 takes a free one; `address` says which.
    Further options go to `fastapi.FastAPI`, which `api.app` is. Needs `pip install "upnext[api]"`.

    >>> api = upnext.Api("shop", port=0)
    >>> @api.get("/orders/{order_id}")
    ... async def read_order(order_id: int) -> dict:
    ...     return {"id": order_id}
    >>> api
    <upnext.Api shop: http://127.0.0.1:0>
    """

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        handle_signals: bool = True,
        **fastapi_options: Any,
    ) -> None:
        self._set(name, host, port, handle_signals)
        fastapi_options.setdefault("title", name)
        self._app: FastAPI = _fastapi().FastAPI(**fastapi_options)

    def _set(self, name: str, host: str, port: int, handle_signals: bool) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"an API's name is a text that is not empty, not {name!r}")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
            raise ValueError(f"API '{name}': port is a whole number from 0 to 65535, not {port!r}")
        self.name = name
        self.host = host
        self.port = port
        self.handle_signals = handle_signals
        self._server: _Server | None = None

    @classmethod
    def from_fastapi(
        cls, app: FastAPI, name: str, port: int = 8000, host: str = "127.0.0.1", *, handle_signals: bool = True
    ) -> Api:
        """An API of an application that exists already."""
        if not isinstance(app, _fastapi().FastAPI):
            raise TypeError(f"API '{name}': app is a fastapi.FastAPI, not a {type(app).__qualname__}")
        api = cls.__new__(cls)
        api._set(name, host, port, handle_signals)  # noqa: SLF001
        api._app = app  # noqa: SLF001
        return api

    @property
    def app(self) -> FastAPI:
        """The FastAPI application."""
        return self._app

    @property
    def address(self) -> str:
        """Where it is served; with port 0 the port is known once it is."""
        port = self.port if self._server is None else self._server.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"

    def get(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path that answers GET. The options are FastAPI's."""
        return self._app.get(path, **options)

    def post(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path that answers POST. The options are FastAPI's."""
        return self._app.post(path, **options)

    def put(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path that answers PUT. The options are FastAPI's."""
        return self._app.put(path, **options)

    def patch(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path that answers PATCH. The options are FastAPI's."""
        return self._app.patch(path, **options)

    def delete(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path that answers DELETE. The options are FastAPI's."""
        return self._app.delete(path, **options)

    def group(self, prefix: str, tags: Sequence[str] | None = None, **options: Any) -> ApiGroup:
        """Paths under a common prefix: `orders = api.group("/orders"); @orders.get("/{id}")`."""
        return ApiGroup(self._app, prefix, tags, options)

    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Adds the paths of a FastAPI router."""
        self._app.include_router(router, **options)

    def add_middleware(self, middleware: Any, *args: Any, **options: Any) -> None:
        """Adds a middleware to the application."""
        self._app.add_middleware(middleware, *args, **options)

    def static(
        self,
        path: str,
        directory: str | Path,
        *,
        html: bool = False,
        single_page: bool = False,
        name: str | None = None,
    ) -> None:
        """Serves the files of a folder under a path. `html` serves `index.html` for a folder; with `single_page`, an
        address that is no file gets it, too, as applications with addresses of their own need it."""
        folder = Path(directory)
        if not folder.is_dir():
            raise ValueError(f"API '{self.name}': {directory} is not a folder, so nothing can be served from it")
        self._app.mount(path, _static_files(folder, html or single_page, single_page), name=name)

    async def start(self) -> None:
        """Serves on this event loop, in the background."""
        if self._server is not None:
            raise RuntimeError(f"API '{self.name}' is running already")
        server = _Server(self)
        await server.start()
        self._server = server

    async def stop(self, timeout: float = 1.5) -> None:
        """Takes no more requests and waits up to `timeout` seconds for those that are being answered."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(timeout)

    def __repr__(self) -> str:
        return f"<upnext.Api {self.name}: {self.address}>"


class ApiGroup:
    """Paths of an `Api` under a common prefix. `api.group` makes it; each declared path is there at once."""

    def __init__(self, app: FastAPI, prefix: str, tags: Sequence[str] | None, options: dict[str, Any]) -> None:
        self._app = app
        self.prefix = prefix.rstrip("/")
        self._tags = list(tags or ())
        self._options = options

    def get(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path of the group that answers GET."""
        return self._declare(self._app.get, path, options)

    def post(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path of the group that answers POST."""
        return self._declare(self._app.post, path, options)

    def put(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path of the group that answers PUT."""
        return self._declare(self._app.put, path, options)

    def patch(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path of the group that answers PATCH."""
        return self._declare(self._app.patch, path, options)

    def delete(self, path: str, **options: Any) -> Decorator[Any]:
        """Declares a path of the group that answers DELETE."""
        return self._declare(self._app.delete, path, options)

    def _declare(self, method: Callable[..., Decorator[Any]], path: str, options: dict[str, Any]) -> Decorator[Any]:
        given = {**self._options, **options}
        given["tags"] = [*self._tags, *options.get("tags", ())] or None
        return method(self.prefix + path, **given)


class _Server:
    """uvicorn on this loop, without its hands on the process: no signals, no exit, no logging set up."""

    def __init__(self, api: Api) -> None:
        import uvicorn

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        config = uvicorn.Config(
            api.app, host=api.host, port=api.port, log_config=None, access_log=False, lifespan="auto"
        )
        self._api = api
        self._uvicorn = Server(config)
        self._serving: asyncio.Task[None] | None = None
        self.port = api.port

    async def start(self) -> None:
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(
            self._uvicorn.serve(sockets=[listener]), name=f"upnext-api-{self._api.name}"
        )
        while not self._uvicorn.started:
            if self._serving.done():
                listener.close()
                raise RuntimeError(
                    f"API '{self._api.name}' did not start: its lifespan failed (the log says with what)"
                ) from _cause(self._serving)
            await asyncio.sleep(0.005)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._api.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._api.host, self._api.port))
        except OSError as error:
            listener.close()
            raise RuntimeError(
                f"API '{self._api.name}' cannot listen on {self._api.host} port {self._api.port} "
                f"({error.strerror or error}): stop what uses it, or choose another with port="
            ) from None
        return listener

    async def stop(self, timeout: float) -> None:
        serving = self._serving
        if serving is None:
            return
        self._uvicorn.should_exit = True
        await asyncio.wait([serving], timeout=max(timeout, 0.0))
        if not serving.done():
            self._uvicorn.force_exit = True
            await asyncio.wait([serving], timeout=1.0)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError, SystemExit):
            await serving


def _cause(task: asyncio.Task[None]) -> BaseException | None:
    error = None if task.cancelled() else task.exception()
    return None if isinstance(error, SystemExit) else error


def _fastapi() -> Any:
    try:
        import fastapi
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'upnext.Api needs FastAPI and uvicorn, and {error.name} is not installed: pip install "upnext[api]"'
        ) from None
    return fastapi


def _static_files(folder: Path, html: bool, single_page: bool) -> Any:
    from starlette.exceptions import HTTPException
    from starlette.staticfiles import StaticFiles

    class SinglePage(StaticFiles):
        async def get_response(self, path: str, scope: Any) -> Any:
            try:
                return await super().get_response(path, scope)
            except HTTPException as error:
                if error.status_code != 404:
                    raise
                return await super().get_response("index.html", scope)

    kind = SinglePage if single_page else StaticFiles
    return kind(directory=folder, html=html)
