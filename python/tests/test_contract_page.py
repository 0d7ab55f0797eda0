"""The page that started it: the example of the contract, word for word."""

from __future__ import annotations

import ast
import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from harness import running

import upnext

pytestmark = pytest.mark.every_backend

PAGE = """
import upnext

@worker.task
async def generate_report(report_type: str) -> dict:
    data = {"type": report_type, "rows": 42}
    await upnext.create_artifact(name="report.json", data=data, artifact_type=upnext.ArtifactType.JSON)
    return data

await upnext.create_artifact(name="output.json", data={"key": "value"})            # JSON is the default type
upnext.create_artifact_sync(name="output.json", data={"key": "value"})             # inside sync tasks
await upnext.create_artifact(name="log.txt", data="Processing completed successfully.\\n3 warnings.",
                             artifact_type=upnext.ArtifactType.TEXT)
encoded = base64.b64encode(open("chart.png", "rb").read()).decode("ascii")
await upnext.create_artifact(name="chart.png", data=encoded, artifact_type=upnext.ArtifactType.PNG)
"""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def _function(name: str, body: list[ast.stmt], kind: type[ast.FunctionDef | ast.AsyncFunctionDef]) -> ast.stmt:
    """`body` as a task that returns its local variables."""
    header = "async def" if kind is ast.AsyncFunctionDef else "def"
    function = ast.parse(f"@worker.task\n{header} {name}():\n    return None").body[0]
    assert isinstance(function, kind)
    function.body = [*body, *function.body]
    return function


@pytest.mark.filterwarnings("ignore:unclosed file")
def test_the_page_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chart.png").write_bytes(PNG)
    made: list[upnext.Artifact] = []

    # The page's bare statements run inside jobs: the sync call in a sync task, as its comment says, all others in an
    # async one. Not one character of the page is changed; it shows its imports only in part, so `base64` is given.
    page = compile(PAGE, "page", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(page, ast.Module)
    top = [node for node in page.body if isinstance(node, ast.Import | ast.AsyncFunctionDef)]
    bare = [node for node in page.body if node not in top]
    sync = [node for node in bare if "create_artifact_sync" in ast.unparse(node)]
    rest = [node for node in bare if node not in sync]
    assert (len(top), len(sync), len(rest)) == (2, 1, 4)
    page.body = [
        *top,
        _function("in_async_task", rest, ast.AsyncFunctionDef),
        _function("in_sync_task", sync, ast.FunctionDef),
    ]
    names: dict[str, Any] = {"worker": upnext.Worker("demo"), "base64": base64}
    exec(compile(ast.fix_missing_locations(page), "page", "exec"), names)

    create = upnext._artifacts.artifact_of
    monkeypatch.setattr("upnext._artifacts.artifact_of", lambda record: made.append(create(record)) or made[-1])

    async def main() -> None:
        async with running(names["worker"]):
            report = await names["generate_report"].wait("weekly")
            assert report.ok
            assert report.value == {"type": "weekly", "rows": 42}
            assert (await names["in_async_task"].wait()).ok
            assert (await names["in_sync_task"].wait()).ok

    asyncio.run(main())
    assert [(artifact.name, artifact.type.value, artifact.content_type) for artifact in made] == [
        ("report.json", "json", "application/json"),
        ("output.json", "json", "application/json"),
        ("log.txt", "text", "text/plain; charset=utf-8"),
        ("chart.png", "image/png", "image/png"),
        ("output.json", "json", "application/json"),
    ]
    assert made[3].size_bytes == len(PNG)
