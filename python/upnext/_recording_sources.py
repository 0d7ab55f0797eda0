"""Where recorded lines come from: the records of `logging`, and `sys.stdout` and `sys.stderr`.

Both go on as before, recorded or not. For logging that is a wrapper around the step in which a logger calls its
handlers, and not a handler: one on the root logger would keep `logging.basicConfig` from working and would miss loggers
that do not propagate.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any

from upnext import _recording
from upnext._recording import Capture

_lock = threading.Lock()
_writers = 0
_call_handlers = logging.Logger.callHandlers

#: What every record has; the rest came as `extra`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def open_for(capture: Capture) -> None:
    """Sees to it that what such a recording wants reaches it."""
    global _writers
    with _lock:
        if capture.logs and logging.Logger.callHandlers is not _recorded_call_handlers:
            # For good: without a recording it costs one look.
            logging.Logger.callHandlers = _recorded_call_handlers  # type: ignore[method-assign,assignment]
        if capture.output:
            _writers += 1
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if not isinstance(stream, _Stream):
                    setattr(sys, name, _Stream(stream, name))


def close_for(capture: Capture) -> None:
    """Gives the streams back when the last recording that wants them has ended."""
    global _writers
    if not capture.output:
        return
    with _lock:
        _writers -= 1
        if _writers:
            return
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            # Somebody may have put another in its place, around ours: that goes on working.
            if isinstance(stream, _Stream):
                setattr(sys, name, stream.real)


def _recorded_call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
    recording = _recording.active.get()
    if recording is None or not recording.capture.logs:
        _call_handlers(logger, record)
        return
    recording.line(_level(record.levelno), _message(record), _extra(record))
    # A handler that prints it would have it recorded a second time.
    token = _recording.active.set(None)
    try:
        _call_handlers(logger, record)
    finally:
        _recording.active.reset(token)


def _level(number: int) -> str:
    for least, word in ((50, "critical"), (40, "error"), (30, "warning"), (20, "info")):
        if number >= least:
            return word
    return "debug"


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception:
        message = str(record.msg)
    if record.exc_info and record.exc_info[1] is not None:
        message = f"{message}\n{''.join(traceback.format_exception(*record.exc_info)).rstrip()}"
    return message


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _USUAL}
    return {**extra, "logger": record.name}


class _Stream:
    """A standard stream whose text also goes to the recording of whoever writes."""

    def __init__(self, real: Any, name: str) -> None:
        self.real = real
        self._name = name

    def write(self, text: str) -> int:
        """Writes to the real stream, and keeps the text."""
        written = len(text) if self.real is None else self.real.write(text)
        recording = _recording.active.get()
        if recording is not None and recording.capture.output:
            recording.write(self._name, text)
        return int(written)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each of them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flushes the real stream."""
        if self.real is not None:
            self.real.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
