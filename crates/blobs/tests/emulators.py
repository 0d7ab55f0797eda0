"""Runs the tests of the storage against emulators of Azure and S3.

The emulators are `azurite-blob` (npm package azurite, 190 MB) and `moto_server` (package moto[s3,server], 300 MB).
Nothing else needs them; those that are installed are used:

    pip install 'moto[s3,server]'
    npm install --prefix /tmp/azurite azurite
    AZURITE=/tmp/azurite/node_modules/.bin/azurite-blob python crates/blobs/tests/emulators.py

Arguments are passed on to `cargo test`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from pathlib import Path

START_DEADLINE = 60.0
BUCKET = "artifacts"
# Azurite's own, written down in its documentation.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[None]:
    """A program that listens on the port, stopped at the end with all that it started."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + START_DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} did not start")
            time.sleep(0.05)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)


@contextlib.contextmanager
def azure(folder: Path) -> Iterator[dict[str, str]]:
    program = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if program is None:
        print("no azurite-blob: skipped", flush=True)
        yield {}
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    options = ["--blobPort", str(port), "--location", str(folder), "--silent", "--disableTelemetry"]
    with running([program, *options, "--skipApiVersionCheck"], port):
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        named = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        resource = f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{BUCKET}\nrestype:container"
        text = "PUT" + "\n" * 12 + named + resource
        key = base64.b64decode(AZURE_KEY)
        signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
        headers["Authorization"] = f"SharedKey {AZURE_ACCOUNT}:{signature}"
        headers["Content-Type"] = ""
        ask("PUT", f"{url}/{BUCKET}?restype=container", b"", headers)
        keys = {"UPNEXT_TEST_AZURE_ACCOUNT": AZURE_ACCOUNT, "UPNEXT_TEST_AZURE_KEY": AZURE_KEY}
        yield {"UPNEXT_TEST_AZURE_URL": url, **keys}


@contextlib.contextmanager
def amazon(_folder: Path) -> Iterator[dict[str, str]]:
    if importlib.util.find_spec("moto") is None:
        print("no moto: skipped", flush=True)
        yield {}
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        ask("PUT", f"{url}/{BUCKET}")
        yield {"UPNEXT_TEST_S3_URL": url}


def main() -> int:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = dict(os.environ)
        for emulator in (azure, amazon):
            environment |= stack.enter_context(emulator(folder))
        command = ["cargo", "test", "-p", "upnext-blobs", "--test", "storage", *sys.argv[1:]]
        return subprocess.run([*command, "emulated", "--", "--ignored"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
