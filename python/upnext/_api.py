"""HTTP APIs beside workers: FastAPI applications that `upnext.run` and `upnext run` serve and the dashboard shows.

FastAPI and uvicorn are optional, and take a moment to import: nothing of them is before an `Api` is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from upnext import _origin
from upnext._api_requests import Receive, Scope, Send, TrackedApplication

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from upnext._api_server import ApiServer

F = TypeVar("F", bound=Callable[..., Any])

#: What stands in the place of a name in `/api/v1/apis/...`.
_TAKEN_NAMES = ("events", "stream", "trends")


class _Routes:
    """What declares paths: an `Api`, or a group of its paths. The options of each are FastAPI's."""

    def get(self, path: str, **options: Any) -> Callable[[F], F]:
        """Declares a path that answers GET.

        >>> api = upnext.Api("shop")
        >>> @api.get("/orders/{order_id}")
        ... async def order(order_id: int) -> dict[str, int]:
        ...     return {"id": order_id}
        """
        return self._declare("get", path, options)

    def post(self, path: str, **options: Any) -> Callable[[F], F]:
        """Declares a path that answers POST.

        >>> api = upnext.Api("shop")
        >>> @api.post("/orders", status_code=202)
        ... async def order(amount: int) -> dict[str, str]:
        ...     return {"job_id": (await double.submit(amount)).job_id}
        """
        return self._declare("post", path, options)

    def put(self, path: str, **options: Any) -> Callable[[F], F]:
        """Declares a path that answers PUT.

        >>> api = upnext.Api("shop")
        >>> @api.put("/orders/{order_id}")
        ... async def order(order_id: int) -> dict[str, int]:
        ...     return {"id": order_id}
        """
        return self._declare("put", path, options)

    def patch(self, path: str, **options: Any) -> Callable[[F], F]:
        """Declares a path that answers PATCH.

        >>> api = upnext.Api("shop")
        >>> @api.patch("/orders/{order_id}")
        ... async def order(order_id: int) -> dict[str, int]:
        ...     return {"id": order_id}
        """
        return self._declare("patch", path, options)

    def delete(self, path: str, **options: Any) -> Callable[[F], F]:
        """Declares a path that answers DELETE.

        >>> api = upnext.Api("shop")
        >>> @api.delete("/orders/{order_id}")
        ... async def order(order_id: int) -> dict[str, int]:
        ...     return {"id": order_id}
        """
        return self._declare("delete", path, options)

    def group(self, prefix: str, tags: Sequence[str] = (), **options: Any) -> ApiGroup:
        """Paths under a common prefix, with common tags in the API's documentation. Each is there as soon as it is
        declared. Further options (`dependencies`, `responses`, ...) hold for each path; its own go before them.

        >>> orders = upnext.Api("shop").group("/orders", tags=["orders"])
        """
        return ApiGroup(self, prefix, tags, options)

    def _declare(self, method: str, path: str, options: dict[str, Any]) -> Callable[[F], F]:
        raise NotImplementedError


class Api(_Routes):
    """An HTTP API: a FastAPI application with a name and an address, which runs beside workers.

    Needs `pip install "upnext[api]"`. `upnext.run(worker, api)` or `upnext run FILE` serve it; the dashboard's page
    APIs shows what is asked of it. `host` is 127.0.0.1 by default: reachable from this machine alone; `port` 0 takes a
    free one, and `address` tells which. Tasks are submitted from its functions as from anywhere.

    >>> api = upnext.Api("shop", port=0)
    >>> @api.post("/orders", status_code=202)
    ... async def place_order(amount: int) -> dict[str, str]:
    ...     future = await double.submit(amount)
    ...     return {"job_id": future.job_id}
    >>> await api.start()
    >>> import httpx
    >>> async with httpx.AsyncClient(base_url=api.address) as client:
    ...     (await client.post("/orders?amount=3")).status_code
    202
    >>> await api.stop()

    `url` names the database that requests are told to, as that of a `Worker`; with `track=False` nothing is told. Of a
    request are kept: its method, the route as it is written here (`/orders/{order_id}`), status, time and duration, and
    the type of the error that ended it. `uvicorn_options` go to `uvicorn.Config`, all others to `fastapi.FastAPI`. An
    `Api` is an ASGI application itself, so other servers can run it, too: `uvicorn shop:api`.
    """

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        url: str | None = None,
        track: bool = True,
        handle_signals: bool = True,
        uvicorn_options: Mapping[str, Any] | None = None,
        **fastapi_options: Any,
    ) -> None:
        fastapi = _fastapi()
        fastapi_options.setdefault("title", name)
        self._serve(fastapi.FastAPI(**fastapi_options), name, host, port, url, track, handle_signals, uvicorn_options)

    def _serve(
        self,
        app: FastAPI,
        name: str,
        host: str,
        port: int,
        url: str | None,
        track: bool,
        handle_signals: bool,
        uvicorn_options: Mapping[str, Any] | None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"an API's name is a text that is not empty, not {name!r}")
        if name in _TAKEN_NAMES:
            raise ValueError(
                f"'{name}' is a word of its own in the addresses of the REST API: give the API another name"
            )
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
            raise ValueError(f"API '{name}': port is a whole number from 0 to 65535, not {port!r}")
        self.name: str = name
        self.host: str = host
        self.port: int = port
        self.handle_signals = handle_signals
        self._url = url
        self._app = app
        self._uvicorn_options = dict(uvicorn_options or {})
        self._tracked = TrackedApplication(app, name, url) if track else None
        self._server: ApiServer | None = None

    @classmethod
    def from_fastapi(
        cls,
        app: FastAPI,
        name: str,
        port: int = 8000,
        host: str = "127.0.0.1",
        *,
        url: str | None = None,
        track: bool = True,
        handle_signals: bool = True,
        uvicorn_options: Mapping[str, Any] | None = None,
    ) -> Api:
        """An API of an application that is there already.

        >>> import fastapi
        >>> upnext.Api.from_fastapi(fastapi.FastAPI(), "shop", port=8000).address
        'http://127.0.0.1:8000'
        """
        if not isinstance(app, _fastapi().FastAPI):
            raise TypeError(f"API '{name}': app is a fastapi.FastAPI, not a {type(app).__qualname__}")
        api = cls.__new__(cls)
        api._serve(app, name, host, port, url, track, handle_signals, uvicorn_options)  # noqa: SLF001
        return api

    @property
    def app(self) -> FastAPI:
        """The FastAPI application."""
        return self._app

    @property
    def url(self) -> str | None:
        """The URL it was given."""
        return self._url

    @property
    def address(self) -> str:
        """Where it is served; with port 0 the port is known once it runs."""
        port = self.port if self._server is None else self._server.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "https" if "ssl_certfile" in self._uvicorn_options else "http"
        return f"{scheme}://{host}:{port}"

    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Adds the paths of a FastAPI router. The options are FastAPI's.

        >>> import fastapi
        >>> router = fastapi.APIRouter()
        >>> upnext.Api("shop").include_router(router, prefix="/orders")
        """
        self._app.include_router(router, **options)

    def add_middleware(self, middleware: Any, *args: Any, **options: Any) -> None:
        """Adds a middleware: an ASGI class, and what it is made with.

        >>> from fastapi.middleware.gzip import GZipMiddleware
        >>> upnext.Api("shop").add_middleware(GZipMiddleware, minimum_size=1000)
        """
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
        """Serves the files of a folder under a path. Declare it after the paths that it would cover.

        `html` serves `index.html` for a folder. With `single_page`, an address that is no file and does not look like
        one gets it, too, as applications with addresses of their own need it.

        >>> upnext.Api("shop").static("/", os.getcwd(), single_page=True)
        """
        from starlette.staticfiles import StaticFiles

        from upnext._api_files import SinglePage

        folder = Path(directory)
        if not folder.is_dir():
            raise ValueError(f"API '{self.name}': {directory} is not a folder, so nothing can be served from it")
        kind = SinglePage if single_page else StaticFiles
        self._app.mount(path, kind(directory=folder, html=html or single_page), name=name)

    async def start(self) -> None:
        """Serves on this event loop, in the background. Raises `RuntimeError` when the address is taken or the
        application's lifespan fails."""
        from upnext._api_server import ApiServer, listen

        if self._server is not None:
            raise RuntimeError(f"API '{self.name}' is running already")
        if _origin.in_child:
            raise RuntimeError(
                f"API '{self.name}' cannot start in a child process of a worker, which imports its module again: "
                'put what starts it under `if __name__ == "__main__":`'
            )
        if self._tracked is not None:
            await self._tracked.connect()
        listener = listen(self.name, self.host, self.port)
        server = ApiServer(self.name, self._tracked or self._app, listener, self._uvicorn_options)
        await server.start(self._tracked)
        if self._tracked is not None:
            self._tracked.listens_on(self.host, server.port)
        self._server = server

    async def stop(self, timeout: float = 1.5) -> None:
        """Takes no more requests and waits up to `timeout` seconds for those that are being answered. A second call
        with a shorter timeout shortens the wait."""
        server = self._server
        if server is not None:
            await server.stop(timeout)
            self._server = None
            if self._tracked is not None:
                # For applications without a lifespan.
                await self._tracked.disconnect()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as an ASGI application, for other servers and for tests."""
        await (self._tracked or self._app)(scope, receive, send)

    def _declare(self, method: str, path: str, options: dict[str, Any]) -> Callable[[F], F]:
        decorator: Callable[[F], F] = getattr(self._app, method)(path, **options)
        return decorator

    def __repr__(self) -> str:
        return f"<upnext.Api {self.name}: {self.address}>"


class ApiGroup(_Routes):
    """Paths of an `Api` under a common prefix. `api.group` makes it.

    >>> api = upnext.Api("shop")
    >>> orders = api.group("/orders", tags=["orders"])
    >>> @orders.get("/{order_id}")
    ... async def read_order(order_id: int) -> dict[str, int]:
    ...     return {"id": order_id}
    >>> sorted(api.app.openapi()["paths"])
    ['/orders/{order_id}']
    """

    def __init__(self, parent: _Routes, prefix: str, tags: Sequence[str], options: dict[str, Any]) -> None:
        if not prefix.startswith("/"):
            raise ValueError(f"a prefix of paths begins with '/', unlike {prefix!r}")
        self.prefix: str = prefix.rstrip("/")
        self._parent = parent
        self._tags = [tags] if isinstance(tags, str) else list(tags)
        self._options = options

    def _declare(self, method: str, path: str, options: dict[str, Any]) -> Callable[[F], F]:
        given = {**self._options, **options}
        given["tags"] = [*self._tags, *(options.get("tags") or ())]
        given["dependencies"] = [*self._options.get("dependencies", ()), *(options.get("dependencies") or ())]
        return self._parent._declare(method, self.prefix + path, given)  # noqa: SLF001


def _fastapi() -> Any:
    try:
        import fastapi
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'upnext.Api needs FastAPI and uvicorn, and {error.name} is not installed: pip install "upnext[api]"',
            name=error.name,
        ) from None
    return fastapi
