"""What is told about the requests of an API, and what is not: as the REST API of a server shows it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from harness import eventually
from starlette.routing import Mount, Route
from test_apis import run, served

import upnext
from upnext import _bridge
from upnext._routes import route_of


@contextlib.asynccontextmanager
async def dashboard() -> AsyncIterator[httpx.AsyncClient]:
    """A server over the same database."""
    server = await asyncio.to_thread(_bridge.start_server, "127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(base_url=f"{server.url.rstrip('/')}/api/v1", trust_env=False) as client:
            yield client
    finally:
        assert await asyncio.to_thread(server.stop) is None


async def told(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    """The requests that were told, once there are as many, the first first."""
    for _ in range(2000):
        events: list[dict[str, Any]] = (await client.get("/apis/events")).json()["events"]
        if len(events) >= count:
            return events[::-1]
        await asyncio.sleep(0.01)
    pytest.fail(f"not {count} requests were told: {events}")


def test_requests_are_told_by_their_routes_and_nothing_secret_is(home: Path) -> None:
    api = upnext.Api("shop", port=0)

    @api.get("/orders/{order_id}")
    async def read(order_id: str) -> str:
        return order_id

    @api.post("/orders")
    async def place(order: dict[str, Any]) -> None:
        raise LookupError("no such article: hunter2-in-error")

    async def main() -> None:
        async with dashboard() as rest:
            async with served(api) as client:
                await client.get(
                    "/orders/hunter2-in-path?token=hunter2-in-query", headers={"x-key": "hunter2-in-header"}
                )
                await client.post("/orders", json={"card": "hunter2-in-body"})
                await client.put("/orders/7")
                await client.get("/hunter2-nowhere")
                shop = await eventually_listed(rest)
                assert (shop["active"], shop["instances"][0]["host"]) == (True, "127.0.0.1")
                assert api.address.endswith(f":{shop['instances'][0]['port']}")
            # What is left is told at the end.
            shown = [(e["method"], e["route"], e["status"], e["error"]) for e in await told(rest, 4)]
            assert shown == [
                ("GET", "/orders/{order_id}", 200, None),
                ("POST", "/orders", 500, "LookupError"),
                ("PUT", "/orders/{order_id}", 405, None),
                ("GET", "(no route)", 404, None),
            ]
            shop = (await rest.get("/apis/shop")).json()
            assert (shop["active"], shop["requests"], shop["server_errors"]) == (False, 4, 1)
            assert shop["instances"][0]["stopped_at"] is not None

    run(main)
    for file in home.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), f"{file} holds what is nobody's business"


async def eventually_listed(rest: httpx.AsyncClient) -> dict[str, Any]:
    for _ in range(2000):
        apis: list[dict[str, Any]] = (await rest.get("/apis")).json()["apis"]
        if apis:
            return apis[0]
        await asyncio.sleep(0.01)
    pytest.fail("the API is not listed")


def test_durations_are_those_of_whole_answers() -> None:
    api = upnext.Api("shop", port=0)

    @api.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            await asyncio.sleep(0.2)
            yield b"two"

        return StreamingResponse(pieces())

    async def main() -> None:
        async with dashboard() as rest:
            async with served(api) as client:
                assert (await client.get("/stream")).text == "onetwo"
            assert (await told(rest, 1))[0]["duration_ms"] >= 200

    run(main)


def test_untracked_apis_tell_nothing() -> None:
    api = upnext.Api("quiet", port=0, track=False)

    @api.get("/")
    def hello() -> str:
        return "hello"

    async def main() -> None:
        async with dashboard() as rest:
            async with served(api) as client:
                assert (await client.get("/")).json() == "hello"
            assert (await rest.get("/apis")).json()["total"] == 0

    run(main)


def test_other_servers_are_told_from_their_lifespan_on() -> None:
    api = upnext.Api("shop")

    @api.get("/")
    def hello() -> str:
        return "hello"

    async def main() -> None:
        import uvicorn

        server = uvicorn.Server(uvicorn.Config(api, port=0, log_config=None))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        async with dashboard() as rest:
            serving = asyncio.create_task(server.serve())
            await eventually(lambda: server.started, "the start of the server")
            port = server.servers[0].sockets[0].getsockname()[1]
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"http://127.0.0.1:{port}/")).json() == "hello"
            server.should_exit = True
            await serving
            assert (await told(rest, 1))[0]["route"] == "/"
            instance = (await rest.get("/apis/shop")).json()["instances"][0]
            assert (instance["port"], instance["alive"]) == (port, False)

    run(main)


def application() -> FastAPI:
    """Every way in which routes are put together."""

    async def answer(tenant: str = "", item: str = "", rest: str = "") -> str:
        return "yes"

    def plain(request: Any) -> Any:
        from starlette.responses import PlainTextResponse

        return PlainTextResponse("yes")

    app, inner, deep, shop = FastAPI(), FastAPI(), APIRouter(), APIRouter(prefix="/shop")
    app.get("/")(answer)
    app.get("/items/{item}")(answer)
    app.get("/files/{rest:path}")(answer)
    app.get("/of/{tenant}/{item:int}")(answer)
    deep.get("/{item}")(answer)
    deep.get("")(answer)
    shop.include_router(deep, prefix="/deep")
    app.include_router(shop, prefix="/v1/{tenant}")
    inner.get("/x/{item}")(answer)
    app.mount("/inner", inner)
    app.router.routes.append(Mount("/raw/{tenant}", routes=[Route("/y", plain)]))
    app.add_route("/plain/{item}", plain)
    return app


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/items/7", "/items/{item}"),
        ("/items/items", "/items/{item}"),
        ("/files/a/b/c.txt", "/files/{rest}"),
        ("/of/acme/007", "/of/{tenant}/{item}"),
        ("/v1/acme/shop/deep/7", "/v1/{tenant}/shop/deep/{item}"),
        ("/v1/acme/shop/deep", "/v1/{tenant}/shop/deep"),
        ("/inner/x/7", "/inner/x/{item}"),
        ("/inner/missing/7", "/inner/{path}"),
        ("/raw/acme/y", "/raw/{tenant}/y"),
        ("/plain/7", "/plain/{item}"),
        ("/openapi.json", "/openapi.json"),
        ("/missing/7", None),
        ("/items/7/", None),
    ],
)
@pytest.mark.parametrize("root", ["", "/proxy"])
def test_routes_are_told_as_they_are_written(path: str, route: str | None, root: str) -> None:
    app, seen = application(), []

    async def watching(scope: Any, receive: Any, send: Any) -> None:
        before = scope.get("root_path", "")
        await app(scope, receive, send)
        seen.append(route_of(scope, before))

    async def main() -> None:
        transport = httpx.ASGITransport(app=watching, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            await client.get(f"{root}{path}")

    run(main)
    assert seen == [route]
