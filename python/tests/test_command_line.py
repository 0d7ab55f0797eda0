"""`upnext` and `python -m upnext`: run, dev, and the commands that Rust does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import peek
import pytest
from harness import DEADLINE, Programs, eventually_sync

import upnext

TASKS = """
    import upnext
    import helper

    first = upnext.Worker("first")
    second = upnext.Worker("second", concurrency=7)

    @first.task
    async def double(x: int) -> int:
        return helper.twice(x)

    @first.task
    def fail() -> None:
        raise ValueError("not today")

    @second.task
    def triple(x: int) -> int:
        return 3 * x
"""

HELPER = """
    def twice(x):
        return 2 * x
"""


@pytest.fixture
def tasks(programs: Programs) -> str:
    (programs.folder / "app").mkdir()
    programs.write("app/tasks.py", TASKS)
    programs.write("app/helper.py", HELPER)
    return "app/tasks.py"


def test_version_and_help(programs: Programs) -> None:
    assert programs.run("-m", "upnext", "--version") == (0, f"upnext {upnext.__version__}\n")
    code, output = programs.run("-m", "upnext", "--help")
    assert code == 0
    assert "Usage: upnext" in output
    code, output = programs.run("-m", "upnext", "rnu")
    assert code == 2
    assert "unrecognized subcommand 'rnu'" in output
    script = Path(sys.executable).with_name("upnext")
    assert subprocess.run([script, "--version"], capture_output=True, text=True).stdout.startswith("upnext ")


def test_run_call_and_stop(programs: Programs, tasks: str, home: Path) -> None:
    process = programs.start("-m", "upnext", "run", tasks)
    programs.wait_for(process, "Running")
    output = programs.output(process)
    assert "worker first (2 at once): double, fail" in output
    assert "worker second (7 at once): triple" in output
    assert f"jobs in {home / 'upnext.db'}" in output
    assert programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 21}') == (0, "42\n")
    code, output = programs.run("-m", "upnext", "call", "fail")
    assert code == 1
    assert "ValueError: not today" in output
    code, output = programs.run("-m", "upnext", "list", "--json")
    assert code == 0
    assert "triple" in output
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    output = programs.output(process)
    assert output.count("ValueError: not today") == 1
    assert "Traceback" not in output
    assert "completed" not in output


def test_run_says_more_when_asked(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "run", "-v", tasks)
    programs.wait_for(process, "Running")
    programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 1}')
    programs.wait_for(process, "(double) started")
    programs.wait_for(process, "(double) completed")


def test_log_lines_can_be_json(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "run", "-v", tasks, env={"UPNEXT_LOG_FORMAT": "json"})
    programs.wait_for(process, "Running")
    programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 1}')
    programs.wait_for(process, "(double) completed")
    lines = programs.output(process).partition("Ctrl-C stops.\n")[2].splitlines()
    parsed = [json.loads(line) for line in lines]
    assert any("(double) started" in line.get("message", "") for line in parsed)
    assert all({"timestamp", "level", "target"} <= line.keys() for line in parsed)


@pytest.mark.parametrize(
    ("only", "runs", "leaves"),
    [("second", "worker second", "worker first"), ("double", "worker first (2 at once): double\n", "triple")],
)
def test_only(programs: Programs, tasks: str, only: str, runs: str, leaves: str) -> None:
    process = programs.start("-m", "upnext", "run", tasks, "--only", only)
    programs.wait_for(process, "Running")
    assert runs in programs.output(process)
    assert leaves not in programs.output(process)


def test_a_url_on_the_command_line_goes_first(programs: Programs, tasks: str) -> None:
    url = f"sqlite:///{programs.folder}/other.db"
    process = programs.start("-m", "upnext", "run", tasks, "--database-url", url)
    programs.wait_for(process, "Running")
    assert url in programs.output(process)
    arguments = ["call", "triple", "--kwargs", '{"x": 2}', "--database-url", url]
    assert programs.run("-m", "upnext", *arguments) == (0, "6\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.py"], 2, "error: missing.py is not there: name a Python file or a module\n"),
        (["app"], 2, "error: app is a folder: name a Python file or a module\n"),
        (["no_such_module"], 2, "error: no_such_module is neither a file nor a module\n"),
        (
            ["app/helper.py"],
            2,
            "error: app/helper.py defines no worker: write `worker = upnext.Worker()` in it\n",
        ),
        (["empty.py"], 2, "error: worker 'lonely' has no task: decorate a function with @worker.task\n"),
        (
            ["app/tasks.py", "--only", "frist"],
            2,
            "error: there is no worker or task 'frist'; there are first, second, double, fail, triple\n",
        ),
    ],
)
def test_what_cannot_be_run(programs: Programs, tasks: str, arguments: list[str], code: int, message: str) -> None:
    programs.write("empty.py", 'import upnext\nworker = upnext.Worker("lonely")\n')
    assert programs.run("-m", "upnext", "run", *arguments) == (code, message)


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("import json\ndef inner():\n    return 1 / 0\ninner()\n", "ZeroDivisionError: division by zero\n"),
        ("import nothing_like_it\n", "ModuleNotFoundError: No module named 'nothing_like_it'\n"),
        ("def broken(:\n    pass\n", "SyntaxError: invalid syntax\n"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3\n"),
    ],
)
def test_an_import_that_fails_shows_its_own_traceback(programs: Programs, source: str, ending: str) -> None:
    programs.write("broken.py", source)
    code, output = programs.run("-m", "upnext", "run", "broken.py")
    assert code == 1
    assert output.endswith(ending)
    assert "broken.py" in output
    assert "_loader.py" not in output
    assert "importlib" not in output


def test_a_file_in_a_package_and_a_module(programs: Programs, tasks: str) -> None:
    programs.write("app/__init__.py", "")
    programs.write(
        "app/relative.py",
        "from . import helper\nimport upnext\nw = upnext.Worker('r')\nw.task(helper.twice)\n",
    )
    for name in ("app/relative.py", "app.relative"):
        process = programs.start("-m", "upnext", "run", name)
        programs.wait_for(process, "Running")
        assert "worker r (2 at once): twice" in programs.output(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0


def test_bad_settings_end_the_command(programs: Programs, tasks: str) -> None:
    code, output = programs.run("-m", "upnext", "run", tasks, env={"UPNEXT_PORT": "http"})
    assert (code, output) == (2, "error: UPNEXT_PORT=http: must be a number between 0 and 65535\n")
    code, output = programs.run("-m", "upnext", "list", env={"UPNEXT_PROT": "1"})
    assert code == 0
    assert "did you mean UPNEXT_PORT?" in output


def _url(programs: Programs, process: subprocess.Popen[str], pattern: str) -> str:
    found = eventually_sync(lambda: re.search(pattern, programs.output(process)))
    return str(found[1])


def _get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=DEADLINE) as response:
        return response.status, response.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_starts_and_stops(programs: Programs, number: int) -> None:
    process = programs.start("-m", "upnext", "server", "start", "--port", "0")
    url = _url(programs, process, r"listening on (http://\S+)")
    status, body = _get(f"{url}/health")
    assert status == 200
    assert json.loads(body)["version"] == upnext.__version__
    process.send_signal(number)
    assert process.wait(DEADLINE) == 0
    assert "Traceback" not in programs.output(process)


def test_dev_runs_everything_and_reloads(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "dev", tasks, "--port", "0")
    url = _url(programs, process, r"Dashboard: (http://\S+)")
    programs.wait_for(process, "Running")
    assert _get(f"{url}/health")[0] == 200
    assert programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 21}') == (0, "42\n")

    programs.write("app/helper.py", "def twice(x):\n    return 1 / 0 if x is None else -2 * x\n")
    programs.wait_for(process, "Reloading: helper.py changed")
    eventually_sync(lambda: programs.output(process).count("Running") == 2)
    assert programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 21}') == (0, "-42\n")

    programs.write("app/helper.py", "def twice(x:\n")
    programs.wait_for(process, "The workers ended; they start again when a file changes.")
    programs.write("app/helper.py", HELPER)
    eventually_sync(lambda: programs.output(process).count("Running") == 3)

    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    assert children
    assert not any(os.path.exists(f"/proc/{child}") for child in children)  # noqa: PTH110
    assert all(row["stopped_at"] is not None for row in peek.workers())


def test_the_workers_of_a_killed_dev_end(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "dev", tasks, "--port", "0")
    programs.wait_for(process, "Running")
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait(DEADLINE)
    eventually_sync(
        lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()
    )
