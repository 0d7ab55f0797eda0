"""The command line. Rust parses it (crates/cli) and does all of it but `run` and `dev`, which come back here.

What only those need is imported there: the rest, a server above all, starts without waiting for asyncio.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from upnext import _bridge

#: What a command answers: its exit code and, if it did not work, a sentence about it.
Answer = tuple[int, str | None]

#: Set by `upnext dev` for its workers: the process without which they must not go on.
PARENT = "_UPNEXT_DEV_PARENT"
#: The address of its dashboard.
DASHBOARD = "_UPNEXT_DEV_DASHBOARD"


def main() -> None:
    """The entry point of `upnext` and `python -m upnext`."""
    # Ctrl-C ends a command at once, as it does the plain binary; those that drain listen for it themselves.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = _bridge.command_line(["upnext", *sys.argv[1:]], _run, _dev)
    sys.stdout.flush()
    if _is_held_up():
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _is_held_up() -> bool:
    """Whether threads that tasks have left behind would keep the interpreter from ending: it joins all but daemons."""
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    end = time.monotonic() + 0.5
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    holding = [thread for thread in others if not thread.daemon]
    for thread in holding:
        thread.join(max(end - time.monotonic(), 0.0))
    return any(thread.is_alive() for thread in holding)


def _run(files: list[str], only: list[str], url: str | None, verbose: bool) -> Answer:
    from upnext._cli_run import run

    return run(files, only, url, verbose)


def _dev(files: list[str], only: list[str], url: str | None, verbose: bool, host: str, port: int) -> Answer:
    from upnext._dev import dev

    signal.signal(signal.SIGINT, signal.default_int_handler)
    use_url(url)
    return dev(files, only, verbose, host, port)


def use_url(url: str | None) -> None:
    """Lets a URL of the command line go before the environment, here and in child processes."""
    if url is None:
        return
    for name in ("UPNEXT_BACKEND", "UPNEXT_DATABASE_URL", "UPNEXT_REDIS_URL"):
        os.environ.pop(name, None)
    kind = "REDIS" if url.startswith(("redis:", "rediss:", "valkey:")) else "DATABASE"
    os.environ[f"UPNEXT_{kind}_URL"] = url
