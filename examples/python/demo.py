"""The main job, end to end: a server, a worker, one job, its artifacts back through REST.

`make demo` runs this. It keeps its data in `.upnext-demo` beside the repository's files (or in $UPNEXT_HOME) and needs no
service and no configuration.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Generator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("UPNEXT_HOME", str(ROOT / ".upnext-demo"))
UPNEXT = [sys.executable, "-m", "upnext"]

sys.path.insert(0, str(Path(__file__).parent))

import report  # noqa: E402  (the folder must be on the path, and UPNEXT_HOME set, before this import)


@contextlib.contextmanager
def process(*arguments: str, ready: str) -> Generator[str]:
    """Runs `upnext ...`, yields its first line of output that holds `ready`, and stops it in good order at the end."""
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen([*UPNEXT, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
        assert child.stdout is not None
        try:
            for line in child.stdout:
                if ready in line:
                    yield line.strip()
                    break
            else:
                status = child.wait()
                log.seek(0)
                sys.exit(f"{log.read()}`upnext {' '.join(arguments)}` ended with {status} before it was ready")
        finally:
            child.terminate()
            child.wait(timeout=30)


def get(url: str) -> bytes:
    """The body behind a URL."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def main() -> None:
    """Runs the demo and prints what happens."""
    print("1. Start a server and a worker (no service, no configuration)")
    file = str(Path(report.__file__))
    with (
        process("server", "start", "--port", "0", ready="http://") as listening,
        process("run", file, ready="demo") as working,
    ):
        address = next(word for word in listening.split() if word.startswith("http://")).rstrip("/,)")
        print(f"   {listening}\n   {working}")

        print('\n2. Submit generate_report(report_type="monthly") and wait')
        result = report.generate_report.wait_sync("monthly", wait_timeout=60)
        print(f"   job {result.job_id} is {result.status} and returned {result.value}")

        print("\n3. Its artifacts, as REST lists them")
        listing = json.loads(get(f"{address}/api/v1/jobs/{result.job_id}/artifacts"))
        for artifact in listing["artifacts"]:
            print(f"   {artifact['name']:<12} {artifact['type']:<10} {artifact['size_bytes']:>6} bytes")
            print(f"      sha256  {artifact['sha256']}")
            print(f"      address {address}/api/v1/artifacts/{artifact['id']}/content")

        by_name = {artifact["name"]: artifact for artifact in listing["artifacts"]}
        assert set(by_name) == {"report.json", "log.txt", "chart.png"}, f"artifacts are missing: {sorted(by_name)}"

        print("\n4. One of them, fetched back")
        content = get(f"{address}/api/v1/artifacts/{by_name['report.json']['id']}/content")
        print(f"   report.json: {content.decode()}")
        assert json.loads(content) == result.value, "the report came back changed"

    home = os.path.relpath(os.environ["UPNEXT_HOME"])
    here = Path(sys.executable).parent / "upnext"
    print("\nIt works. To look at it in the dashboard, run")
    print(f"   UPNEXT_HOME={home} {os.path.relpath(here)} dev {os.path.relpath(file)}")
    print("and open the address it prints.")


if __name__ == "__main__":
    main()
