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
    assert f"artifacts in {home / 'artifacts'}" in output
    assert "dashboard: start it with `upnext server start`" in output
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
    assert "job complete" not in output


def test_run_says_more_when_asked(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "run", "-v", tasks)
    programs.wait_for(process, "Running")
    _, output = programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 1}', "--json")
    job = json.loads(output)["id"]
    programs.wait_for(process, f'INFO upnext::jobs: job started job={job} function="double" attempt=1')
    programs.wait_for(process, f'INFO upnext::jobs: job complete job={job} function="double" attempt=1 duration_ms=')
    programs.run("-m", "upnext", "call", "fail")
    programs.wait_for(process, "attempt failed: ValueError: not today")
    assert programs.output(process).count("not today") == 1


def test_log_lines_can_be_json(programs: Programs, tasks: str) -> None:
    process = programs.start("-m", "upnext", "run", "-v", tasks, env={"UPNEXT_LOG_FORMAT": "json"})
    programs.wait_for(process, "Running")
    programs.run("-m", "upnext", "call", "double", "--kwargs", '{"x": 1}')
    programs.wait_for(process, "job complete")
    lines = programs.output(process).partition("Ctrl-C stops.\n")[2].splitlines()
    parsed = [json.loads(line) for line in lines]
    assert all({"timestamp", "level", "target"} <= line.keys() for line in parsed)
    [end] = [line for line in parsed if line["message"] == "job complete"]
    assert (end["function"], end["attempt"]) == ("double", 1)
    assert end["duration_ms"] >= 0
    assert any(line["message"] == "job started" and line["job"] == end["job"] for line in parsed)


HANGING = """
    import asyncio, time
    import upnext

    worker = upnext.Worker("hanging", concurrency=2)

    @worker.task
    async def hang() -> None:
        print("hang begins", flush=True)
        await asyncio.sleep(60)

    @worker.task
    def hang_sync() -> None:
        print("hang_sync begins", flush=True)
        time.sleep(60)
"""


def _hang(programs: Programs, process: subprocess.Popen[str]) -> list[str]:
    """The ids of two jobs that both run."""
    jobs = []
    for name in ("hang", "hang_sync"):
        code, output = programs.run("-m", "upnext", "call", name, "--no-wait")
        assert code == 0
        jobs.append(output.splitlines()[-1])
        programs.wait_for(process, f"{name} begins")
    return jobs


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_gives_the_jobs_back_at_once(programs: Programs, number: int, code: int) -> None:
    programs.write("hanging.py", HANGING)
    process = programs.start("-m", "upnext", "run", "hanging.py")
    programs.wait_for(process, "Running")
    jobs = _hang(programs, process)
    process.send_signal(number)
    programs.wait_for(process, "stopping; running jobs have 3 seconds to end; another Ctrl-C gives them back at once")
    process.send_signal(number)
    assert process.wait(DEADLINE) == code
    assert [(peek.job(job)["status"], peek.job(job)["attempts"]) for job in jobs] == [("queued", 0)] * 2


def test_files_that_import_each_other_give_each_worker_once(programs: Programs, tasks: str) -> None:
    programs.write("app/more.py", "import upnext\nfrom tasks import first\nthird = upnext.Worker('third')\n")
    with (programs.folder / "app/more.py").open("a") as file:
        file.write("@third.task\ndef quadruple(x: int) -> int:\n    return 4 * x\n")
    process = programs.start("-m", "upnext", "run", "app/more.py", tasks)
    programs.wait_for(process, "Running")
    output = programs.output(process)
    assert [output.count(f"worker {name} ") for name in ("first", "second", "third")] == [1, 1, 1]


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
            "error: app/helper.py defines no worker and no API: write `worker = upnext.Worker()` in it\n",
        ),
        (["empty.py"], 2, "error: worker 'lonely' has no task: decorate a function with @worker.task\n"),
        (
            ["app/tasks.py", "--only", "frist"],
            2,
            "error: there is no worker, API or task 'frist'; there are first, second, double, fail, triple\n",
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
    assert "SyntaxError: '(' was never closed" in programs.output(process)
    assert all(row["stopped_at"] is not None for row in peek.workers())
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


def test_dev_shows_its_jobs_and_stops_at_once_when_told_twice(programs: Programs) -> None:
    programs.write("hanging.py", HANGING)
    process = programs.start("-m", "upnext", "dev", "hanging.py", "--port", "0")
    url = _url(programs, process, r"Dashboard: (http://\S+)")
    programs.wait_for(process, "Running")
    assert f"  dashboard: {url}\n" in programs.output(process)
    jobs = _hang(programs, process)
    assert "job started" in programs.output(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) in (130, 143)
    assert [peek.job(job)["status"] for job in jobs] == ["queued"] * 2


def test_dev_ends_when_the_call_was_wrong(programs: Programs, tasks: str) -> None:
    code, output = programs.run("-m", "upnext", "dev", tasks, "--only", "frist", "--port", "0")
    assert code == 2
    assert "there is no worker, API or task 'frist'; there are first, second" in output
