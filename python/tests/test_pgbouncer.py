"""Behind a real PgBouncer in transaction mode: jobs are submitted, found by looking, run, and their results read."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import peek
import places
import pytest
import servers
from harness import DEADLINE, Programs, eventually_sync, running

import upnext
from upnext import _client

BOUNCER = shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
pytestmark = pytest.mark.skipif(
    BOUNCER is None, reason="PgBouncer is not installed (on Debian and Ubuntu 'make pgbouncer' does it as root)"
)

#: Fewer connections than processes want: transactions of different processes share them.
CONNECTIONS = 4


@pytest.fixture(autouse=True)
def bouncer(engines: places.Engines, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A pooler before the shared PostgreSQL, which the settings name; its process id."""
    settings = engines.settings("postgres")
    direct = urlsplit(settings["UPNEXT_DATABASE_URL"])
    port = servers.free_port()
    folder = open_folder
    (folder / "users").write_text('"upnext" ""\n')
    (folder / "settings.ini").write_text(
        "\n".join(
            [
                "[databases]",
                f"* = host=127.0.0.1 port={direct.port}",
                "[pgbouncer]",
                "listen_addr = 127.0.0.1",
                f"listen_port = {port}",
                "unix_socket_dir =",
                "auth_type = trust",
                f"auth_file = {folder}/users",
                "pool_mode = transaction",
                f"default_pool_size = {CONNECTIONS}",
                "max_client_conn = 500",
                f"logfile = {folder}/log",
                "",
            ]
        )
    )
    as_person = {}
    if os.geteuid() == 0:
        # It refuses to run as root.
        person = pwd.getpwnam("nobody")
        as_person = {"user": person.pw_uid, "group": person.pw_gid}
        for path in (folder, *folder.iterdir()):
            os.chown(path, person.pw_uid, person.pw_gid)
    assert BOUNCER is not None
    process = subprocess.Popen([BOUNCER, "-q", str(folder / "settings.ini")], **as_person)  # type: ignore[call-overload]
    try:
        eventually_sync(lambda: servers.answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        monkeypatch.setenv(
            "UPNEXT_DATABASE_URL", f"postgres://upnext@127.0.0.1:{port}{direct.path}?{direct.query}&pgbouncer=true"
        )
        yield process.pid
    finally:
        peek.close()
        _client.forget()
        process.kill()
        process.wait(DEADLINE)


TASKS = """
    import os
    import upnext

    worker = upnext.Worker("pooled", concurrency=8)

    @worker.task(retries=1, retry_delay=0.01)
    async def make(number: int) -> list[int]:
        if number % 100 == 7 and upnext.get_current_context().attempt == 1:
            raise OSError("again")
        await upnext.create_artifact("made.json", {"number": number})
        return [number, os.getpid()]

    upnext.run(worker)
"""

client = upnext.Worker("client")


@client.task(retries=1, retry_delay=0.01)
async def make(number: int) -> list[int]:
    return []


def test_processes_share_a_few_connections(programs: Programs) -> None:
    programs.write("tasks.py", TASKS)
    workers = [programs.start("tasks.py") for _ in range(3)]

    async def main() -> None:
        futures = await upnext.submit_many(make, [{"number": number} for number in range(120)])
        values = await asyncio.wait_for(upnext.gather(futures), DEADLINE)
        assert [number for number, _ in values] == list(range(120))
        assert {pid for _, pid in values} <= {worker.pid for worker in workers}
        assert len(await upnext.list_artifacts(limit=None)) == 120

    asyncio.run(main())
    assert [attempt["outcome"] for attempt in peek.attempts(peek.jobs("make")[7]["id"])] == ["failed", "complete"]


def test_workers_look_for_what_nobody_tells_them_of(worker: upnext.Worker, programs: Programs) -> None:
    """Nothing can be listened for through the pooler; a look every 100 ms finds a job all the same, and its end."""
    programs.write("tasks.py", TASKS)
    programs.start("tasks.py")

    async def main() -> None:
        await make.wait(0, wait_timeout=DEADLINE)
        waits = []
        for number in range(10):
            # At another place between two looks each time.
            await asyncio.sleep(0.2 + 0.01 * number)
            begun = time.monotonic()
            await make.wait(number + 1, wait_timeout=DEADLINE)
            waits.append(time.monotonic() - begun)
        # Whoever is not told and does not look so often waits a second on average.
        assert sorted(waits)[3] < 0.5, waits

    asyncio.run(main())


def test_a_running_job_is_cancelled(worker: upnext.Worker) -> None:
    begun = asyncio.Event()

    @worker.task
    async def slow() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def main() -> None:
        async with running(worker):
            future = await slow.submit()
            await asyncio.wait_for(begun.wait(), DEADLINE)
            assert await future.cancel()
            with pytest.raises(upnext.TaskExecutionError, match="was cancelled"):
                await future.result(DEADLINE)

    asyncio.run(main())
