"""`upnext run`: workers and APIs in the foreground, with what they say on the terminal."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from upnext import _bridge
from upnext._api import Api
from upnext._cli import DASHBOARD, PARENT, Answer, use_url
from upnext._client import connection
from upnext._loader import LoadError, load_all
from upnext._run import run_in_foreground
from upnext._worker import Worker

#: How long running jobs may take to end after a signal, in seconds.
_PATIENCE = 3.0
#: How long requests may take to be answered before that, in seconds.
_API_PATIENCE = 1.5


def run(files: list[str], only: list[str], url: str | None, verbose: bool) -> Answer:
    """Runs what these files define until it is told to stop."""
    # Until the workers run, a signal ends this at once: there is nothing to drain yet.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    use_url(url)
    _log_to_stderr(verbose)
    try:
        everything = load_all(files, only)
        for one in everything:
            connection(one.url)
    except LoadError as error:
        return (1, None) if error.shown else (2, str(error))
    except (ValueError, RuntimeError) as error:
        return 1, str(error)
    empty = next((one for one in everything if isinstance(one, Worker) and not one.tasks), None)
    if empty is not None:
        return 2, f"worker '{empty.name}' has no task: decorate a function with @worker.task"
    _follow_parent()
    try:
        run_in_foreground(everything, _PATIENCE, _API_PATIENCE, lambda: _introduce(everything), _announce_end)
    except (ValueError, RuntimeError) as error:
        return 1, str(error)
    return 0, None


def _introduce(everything: list[Worker | Api]) -> None:
    connections = [connection(one.url) for one in everything]
    lines = [f"UpNext {_bridge.VERSION}"]
    for one in everything:
        if isinstance(one, Api):
            lines.append(f"  API {one.name}: {one.address}")
        else:
            lines.append(f"  worker {one.name} ({one.concurrency} at once): {', '.join(one.tasks)}")
    lines.extend(f"  jobs in {place}" for place in sorted({opened.describe() for opened in connections}))
    lines.extend(f"  artifacts in {place}" for place in sorted({opened.describe_storage() for opened in connections}))
    lines.append(f"  dashboard: {os.environ.get(DASHBOARD) or 'start it with `upnext server start`'}")
    lines.append("Running; Ctrl-C stops.")
    print("\n".join(lines), flush=True)  # noqa: T201


def _announce_end() -> None:
    advice = "" if PARENT in os.environ else "; another Ctrl-C gives them back at once"
    print(f"stopping; running jobs have {_PATIENCE:g} seconds to end{advice}", file=sys.stderr, flush=True)  # noqa: T201


def _follow_parent() -> None:
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="upnext-parent", daemon=True).start()


class _Lines(logging.Formatter):
    """Lines that look like those of the engine beside them."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)5s %(message)s")
        self.converter = time.gmtime
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        if not self._as_json:
            return super().format(record)
        fields: dict[str, Any] = {
            "timestamp": self.formatTime(record),
            "level": record.levelname,
            "message": record.getMessage(),
            "target": record.name,
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def _log_to_stderr(verbose: bool) -> None:
    handler = logging.StreamHandler()
    wants_json = os.environ.get("UPNEXT_LOG_FORMAT", "").strip().lower() == "json"
    handler.setFormatter(_Lines(as_json=wants_json))
    logger = logging.getLogger("upnext")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    logger.propagate = False
    # The engine says on stderr which jobs begin, end and fail: once is enough.
    logging.getLogger("upnext.worker").setLevel(logging.WARNING)
    logging.getLogger("upnext.worker.failures").setLevel(logging.CRITICAL)
