"""What pyright, in strict mode, says about code that uses the package: nothing when it is right, and the very line when
it is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from rust_programs import ROOT

MISUSE = """
    import upnext

    worker = upnext.Worker("demo")

    @worker.task
    async def process(order_id: int, note: str = "") -> float:
        return float(order_id)

    @worker.task
    def label(text: str, database: int = upnext.resource()) -> str:
        return text

    async def use() -> None:
        await process.submit("one")  # error: reportArgumentType
        await process.submit(order_id="one")  # error: reportArgumentType
        await process.submit(1, note=2)  # error: reportArgumentType
        await process.submit(1, notes="a")  # error: reportCallIssue
        await process.submit()  # error: reportCallIssue
        await process.submit_idempotent(7, 1)  # error: reportArgumentType
        label.submit_sync(5)  # error: reportArgumentType
        await process.in_transaction(object()).submit("one")  # error: reportArgumentType
        process.in_transaction()  # error: reportCallIssue
        future: upnext.Future[str] = await process.submit(1)  # error: reportAssignmentType
        text: str = await (await process.submit(1)).value()  # error: reportAssignmentType
        whole: int = (await process.wait(1)).value  # error: reportAssignmentType
        inline: int = label("a")  # error: reportAssignmentType
        values: list[str] = await upnext.map_tasks(process, [{"order_id": 1}])  # error: reportAssignmentType
        await upnext.map_tasks(process, [1])  # error: reportArgumentType
        await upnext.list_artifacts(tag="x")  # error: reportCallIssue
        print(future, text, whole, inline, values)

    worker.task(retry=3)  # error: reportCallIssue
    worker.task(retry_on="ValueError")  # error: reportArgumentType
    worker.task(capture_logs="yes")  # error: reportArgumentType
    worker.task(on_failure="notify")  # error: reportArgumentType
    worker.lifespan(7)  # error: reportArgumentType
    upnext.WorkerQueueConfig(batch=1)  # error: reportCallIssue
    upnext.Worker(queue_config={"batch_size": 1})  # error: reportArgumentType
"""


def pyright(folder: Path, *arguments: str) -> list[tuple[str, int, str, str]]:
    """File, line, rule and message of each error."""
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    return [
        (
            Path(found["file"]).name,
            found["range"]["start"]["line"] + 1,
            found.get("rule", "syntax"),
            found["message"],
        )
        for found in json.loads(done.stdout)["generalDiagnostics"]
    ]


def test_right_uses_have_no_errors() -> None:
    assert pyright(ROOT) == []


def test_wrong_uses_have_theirs(tmp_path: Path) -> None:
    source = textwrap.dedent(MISUSE)
    (tmp_path / "misuse.py").write_text(source)
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"typeCheckingMode": "strict", "extraPaths": [str(ROOT / "python")], "reportUnusedCoroutine": False})
    )
    expected = [
        (number, line.split("# error: ")[1])
        for number, line in enumerate(source.splitlines(), 1)
        if "# error: " in line
    ]
    found = pyright(tmp_path)
    # An overloaded call reports once for the call, whatever argument is wrong.
    assert [(line, rule) for _, line, rule, _ in found] == expected, "\n".join(map(str, found))


def test_every_public_type_is_written_down() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pyright",
            "--pythonpath",
            sys.executable,
            "--verifytypes",
            "upnext",
            "--ignoreexternal",
            "--outputjson",
        ],
        cwd=ROOT,
        # --verifytypes does not look at what pyproject.toml says about paths.
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)["typeCompleteness"]
    unknown = [symbol["name"] for symbol in report["symbols"] if not symbol["isTypeKnown"] and symbol["isExported"]]
    assert (report["completenessScore"], unknown) == (1, [])
