"""HTTP APIs: declared, served, stopped; beside workers, in `upnext run`, and without the packages they need."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from harness import Programs, eventually, running

import upnext


@contextlib.asynccontextmanager
async def served(*apis: upnext.Api, timeout: float = 1.5) -> AsyncIterator[httpx.AsyncClient]:
    """Serves these meanwhile, and gives a client of the first."""
    for api in apis:
        await api.start()
    try:
        async with httpx.AsyncClient(base_url=apis[0].address, trust_env=False, timeout=20) as client:
            yield client
    finally:
        for api in apis:
            await api.stop(timeout)


def run(main: Any) -> None:
    asyncio.run(main())


def test_every_method_and_groups() -> None:
    api = upnext.Api("shop", port=0)
    seen: list[str] = []

    def guard() -> None:
        seen.append("guard")

    orders = api.group("/orders/", tags=["orders"], dependencies=[Depends(guard)])
    lines = orders.group("/{order_id}/lines", tags=["lines"])

    @api.get("/")
    def get() -> str:
        return "get"

    @api.post("/", status_code=201)
    async def post() -> str:
        return "post"

    @api.put("/")
    async def put() -> str:
        return "put"

    @orders.patch("/{order_id}")
    async def patch(order_id: int) -> int:
        return order_id

    @lines.delete("/{line}", tags=["removal"])
    async def delete(order_id: int, line: str) -> list[Any]:
        return [order_id, line]

    async def main() -> None:
        async with served(api) as client:
            assert (await client.get("/")).json() == "get"
            assert (await client.post("/")).status_code == 201
            assert (await client.put("/")).json() == "put"
            assert seen == []
            assert (await client.patch("/orders/7")).json() == 7
            assert (await client.delete("/orders/7/lines/a")).json() == [7, "a"]
            assert (await client.patch("/orders/x")).status_code == 422
        assert seen.count("guard") >= 2

    run(main)
    described = api.app.openapi()
    assert described["info"]["title"] == "shop"
    assert described["paths"]["/orders/{order_id}/lines/{line}"]["delete"]["tags"] == ["orders", "lines", "removal"]
    assert get() == "get", "a declared function is still itself"


def test_an_application_that_is_there_already(tmp_path: Path) -> None:
    app = FastAPI(title="old")
    router = APIRouter(prefix="/v1")

    @router.get("/hello")
    def hello() -> str:
        return "hello"

    class Marking:
        def __init__(self, app: Any, mark: str) -> None:
            self.app, self.mark = app, mark

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def marked(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-mark", self.mark.encode())]
                await send(message)

            await self.app(scope, receive, marked)

    (tmp_path / "index.html").write_text("<p>start</p>")
    (tmp_path / "a.txt").write_text("text")
    api = upnext.Api.from_fastapi(app, "old", port=0)
    assert api.app is app
    api.include_router(router, tags=["v1"])
    api.add_middleware(Marking, mark="here")
    api.static("/files", tmp_path)
    api.static("/app", tmp_path, single_page=True)

    async def main() -> None:
        async with served(api) as client:
            answer = await client.get("/v1/hello")
            assert (answer.json(), answer.headers["x-mark"]) == ("hello", "here")
            assert (await client.get("/files/a.txt")).text == "text"
            assert (await client.get("/files/")).status_code == 404
            assert (await client.get("/files/../test_apis.py")).status_code == 404
            for address in ("/app/", "/app/orders/7"):
                assert (await client.get(address)).text == "<p>start</p>", address
            assert (await client.get("/app/missing.js")).status_code == 404, "a missing script is no page"

    run(main)
    with pytest.raises(TypeError, match=r"API 'x': app is a fastapi.FastAPI, not a int"):
        upnext.Api.from_fastapi(7, "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not a folder"):
        api.static("/none", tmp_path / "none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": " "}, "an API's name is a text"),
        ({"name": "x", "port": 65536}, "API 'x': port is a whole number"),
        ({"name": "x", "port": True}, "port is a whole number from 0 to 65535, not True"),
        ({"name": "events"}, "'events' is a word of its own in the addresses of the REST API"),
    ],
)
def test_bad_apis(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        upnext.Api(**arguments)
    with pytest.raises(ValueError, match="begins with '/'"):
        upnext.Api("x").group("orders")


def test_tasks_are_submitted_from_requests(worker: upnext.Worker) -> None:
    api = upnext.Api("shop", port=0)

    @worker.task
    async def double(n: int) -> int:
        return 2 * n

    @api.get("/async/{n}")
    async def in_async(n: int) -> int:
        return (await double.wait(n, wait_timeout=20)).value

    @api.get("/sync/{n}")
    def in_sync(n: int) -> int:
        return double.wait_sync(n, wait_timeout=20).value

    @api.post("/{n}")
    async def submit(n: int) -> str:
        return (await double.submit(n)).job_id

    async def main() -> None:
        async with running(worker), served(api) as client:
            answers = await asyncio.gather(
                *(client.get(f"/{kind}/{n}") for n in range(10) for kind in ("async", "sync"))
            )
            assert [answer.json() for answer in answers] == [2 * n for n in range(10) for _ in range(2)]
            assert len((await client.post("/3")).json()) == 36

    run(main)


def test_stopping_waits_for_requests_but_not_for_ever() -> None:
    api = upnext.Api("slow", port=0)
    began, go_on = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    @api.get("/short")
    async def short() -> str:
        began.set()
        await go_on.wait()
        return "answered"

    @api.get("/long")
    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("long")

    async def main() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            await api.start()
            address = api.address
            answer = asyncio.create_task(client.get(f"{address}/short"))
            await began.wait()
            stopping = asyncio.create_task(api.stop(20))
            await eventually(lambda: refuses(address), "refusing connections")
            go_on.set()
            assert (await answer).text == '"answered"', "a request that was begun is answered"
            await asyncio.wait_for(stopping, 10)

            began.clear()
            await api.start()
            hanging = asyncio.create_task(client.get(f"{api.address}/long"))
            await began.wait()
            patient = asyncio.create_task(api.stop(1000))
            await asyncio.sleep(0)
            await asyncio.wait_for(api.stop(0.0), 10)
            await asyncio.wait_for(patient, 10)
            assert ended == ["long"], "a second stop, with less patience, ends the first"
            with contextlib.suppress(httpx.HTTPError):
                assert (await hanging).status_code == 500

    run(main)


def refuses(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_lifespans_begin_and_end() -> None:
    lived: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        lived.append("begun")
        yield
        lived.append("ended")

    @contextlib.asynccontextmanager
    async def broken(_: FastAPI) -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    async def main() -> None:
        async with served(upnext.Api("shop", port=0, lifespan=lifespan)):
            assert lived == ["begun"]
        assert lived == ["begun", "ended"]
        api = upnext.Api("broken", port=0, lifespan=broken)
        with pytest.raises(
            RuntimeError, match=r"'broken' did not start: its lifespan failed \(LookupError: no database\)"
        ):
            await api.start()

    run(main)


def test_an_address_that_is_taken() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(RuntimeError, match=f"API 'shop' cannot listen on 127.0.0.1 port {port}"):
                await upnext.Api("shop", port=port).start()
        api = upnext.Api("shop", port=0)
        assert api.address == "http://127.0.0.1:0"
        async with served(api):
            assert not api.address.endswith(":0")
            with pytest.raises(RuntimeError, match="is running already"):
                await api.start()
        await api.stop()

    run(main)


def test_other_servers_can_run_it() -> None:
    """As an ASGI application, here without any server."""
    api = upnext.Api("shop")

    @api.get("/")
    def hello() -> str:
        return "hello"

    async def main() -> None:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            assert (await client.get("/")).json() == "hello"

    run(main)


SHOP = """
    import os, signal
    import upnext

    worker = upnext.Worker("kitchen")
    api = upnext.Api("shop", port=0)

    @worker.task
    async def double(n: int) -> int:
        return 2 * n

    @api.get("/double/{n}")
    async def doubled(n: int) -> int:
        return (await double.wait(n, wait_timeout=20)).value
"""


def address_in(output: str) -> str:
    return next(line.split(": ", 1)[1] for line in output.splitlines() if line.startswith("  API shop: "))


def test_upnext_run_serves_apis_beside_workers(programs: Programs) -> None:
    programs.write("shop.py", SHOP)
    process = programs.start("-m", "upnext", "run", "shop.py")
    programs.wait_for(process, "Ctrl-C stops")
    output = programs.output(process)
    assert "  worker kitchen (2 at once): double\n" in output
    answer = httpx.get(f"{address_in(output)}/double/21", trust_env=False, timeout=20)
    assert answer.json() == 42
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, programs.output(process)
    assert refuses(address_in(output))

    alone = programs.start("-m", "upnext", "run", "shop.py", "--only", "shop")
    programs.wait_for(alone, "Ctrl-C stops")
    assert "worker kitchen" not in programs.output(alone)
    alone.send_signal(signal.SIGINT)
    assert alone.wait(20) == 0, programs.output(alone)
    code, output = programs.run("-m", "upnext", "run", "shop.py", "--only", "bar")
    assert (code, "no worker, API or task 'bar'; there are kitchen, shop, double" in output) == (2, True), output


def test_run_stops_apis_before_workers(programs: Programs) -> None:
    """A request that waits for a job is answered when the signal comes in between."""
    programs.write(
        "program.py",
        SHOP
        + """
    @worker.task
    async def stop_first() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return await (await second.submit()).value(20)

    @worker.task
    async def second() -> str:
        return "done in good order"

    @api.get("/stop")
    async def stop() -> str:
        return (await stop_first.wait(wait_timeout=20)).value

    async def ask() -> None:
        import httpx
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            print((await client.get(f"{api.address}/stop")).text, flush=True)

    @worker.lifespan
    async def asking():
        import asyncio
        async def later():
            while api._server is None:
                await asyncio.sleep(0.01)
            await ask()
        task = asyncio.create_task(later())
        yield
        await task

    if __name__ == "__main__":
        upnext.run(worker, api, api_timeout=15)
""",
    )
    code, output = programs.run("program.py")
    assert (code, "done in good order" in output) == (0, True), output


def test_without_the_packages_there_is_one_clear_sentence(programs: Programs) -> None:
    """And nothing of them is imported before an API is made."""
    programs.write(
        "program.py",
        """
        import sys
        import upnext
        assert not {"fastapi", "uvicorn", "starlette"} & set(sys.modules), "importing upnext is not light"
        sys.modules["fastapi"] = None
        try:
            upnext.Api("shop")
        except ImportError as error:
            print(error)
        """,
    )
    code, output = programs.run("program.py")
    sentence = 'upnext.Api needs FastAPI and uvicorn, and fastapi is not installed: pip install "upnext[api]"'
    assert (code, output.strip()) == (0, sentence)


def test_the_extra_names_what_an_api_needs() -> None:
    import importlib.metadata

    requirements = importlib.metadata.requires("upnext") or []
    named = {requirement.split(">")[0] for requirement in requirements if "extra == 'api'" in requirement}
    assert named == {"fastapi", "uvicorn"}
