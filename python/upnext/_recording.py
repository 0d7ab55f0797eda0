"""What a task prints and logs, kept in the log of its job: bounded, in order, and never mixed with other jobs.

Which job prints or logs is told by a context variable, so it works for coroutines, threads and `asyncio.to_thread`.
What it takes from `logging` and the standard streams is in `_recording_sources`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from upnext import _json

if TYPE_CHECKING:
    from upnext._bridge import Attempt

#: Lines of one attempt that are kept as they come, and how many characters they may have together.
FIRST_LINES: Final = 9_000
_FIRST_CHARACTERS: Final = 8_000_000
#: Lines of one attempt that are kept of what comes later: always the newest.
LAST_LINES: Final = 1_000
#: The longest line. A longer one is cut in pieces (output) or cut off (log records).
LONGEST: Final = 8_192

#: The recording of the job that runs in this context.
active: ContextVar[Recording | None] = ContextVar("upnext_recording", default=None)


class Capture(NamedTuple):
    """What a task wants recorded."""

    logs: bool
    output: bool


class Recording:
    """The recorded lines of one attempt."""

    def __init__(self, attempt: Attempt, capture: Capture) -> None:
        self._attempt = attempt
        self.capture = capture
        # Of the streams, which may have been written to by several threads of the task.
        self._lock = threading.RLock()
        self._begun: dict[str, str] = {}
        self._lines = 0
        self._characters = 0
        self._last: deque[tuple[str, str, str | None, int]] = deque(maxlen=LAST_LINES)
        self._left_out = 0
        self._ended = False

    def write(self, stream: str, text: str) -> None:
        """Takes over what was written to a stream: each line of it when it is whole."""
        with self._lock:
            whole = self._begun.pop(stream, "") + text
            *lines, rest = whole.split("\n")
            for line in lines:
                self._output_line(stream, line)
            while len(rest) > LONGEST:
                self._output_line(stream, rest[:LONGEST])
                rest = rest[LONGEST:]
            if rest:
                self._begun[stream] = rest

    def line(self, level: str, message: str, extra: dict[str, Any]) -> None:
        """Takes over one line."""
        if len(message) > LONGEST:
            message = f"{message[:LONGEST]}... ({len(message) - LONGEST} characters more)"
        with self._lock:
            if not self._ended:
                self._keep(level, _utf8(message), _as_json(extra))

    def end(self) -> bool:
        """Sends what is held back, and answers False if it had ended before. Must come before the end of the attempt,
        after which nothing is recorded."""
        with self._lock:
            if self._ended:
                return False
            for stream, rest in list(self._begun.items()):
                self._output_line(stream, rest)
            self._begun.clear()
            self._ended = True
            if self._left_out:
                self._attempt.log(
                    "warning",
                    f"{self._left_out} lines are left out here: of what an attempt prints and logs, the first "
                    f"{self._lines} and the last {len(self._last)} lines are kept",
                    None,
                )
            for level, message, extra, at in self._last:
                self._attempt.log(level, message, extra, at)
            self._last.clear()
            return True

    def _output_line(self, stream: str, text: str) -> None:
        if self._ended:
            return
        text = text.removesuffix("\r")
        level, extra = ("error", '{"stream":"stderr"}') if stream == "stderr" else ("info", '{"stream":"stdout"}')
        for start in range(0, len(text) or 1, LONGEST):
            self._keep(level, _utf8(text[start : start + LONGEST]), extra)

    def _keep(self, level: str, message: str, extra: str | None) -> None:
        if self._lines < FIRST_LINES and self._characters < _FIRST_CHARACTERS:
            self._lines += 1
            self._characters += len(message)
            self._attempt.log(level, message, extra)
            return
        if len(self._last) == LAST_LINES:
            self._left_out += 1
        self._last.append((level, message, extra, time.time_ns() // 1000))


def begin(capture: Capture, attempt: Attempt) -> Recording:
    """Records from here on what this context prints and logs."""
    from upnext import _recording_sources

    _recording_sources.open_for(capture)
    recording = Recording(attempt, capture)
    active.set(recording)
    return recording


def end(recording: Recording) -> None:
    """Ends a recording, if it has not ended yet."""
    from upnext import _recording_sources

    # A coroutine that is thrown away with its loop ends in another context.
    if active.get() is recording:
        active.set(None)
    if recording.end():
        _recording_sources.close_for(recording.capture)


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _as_json(extra: dict[str, Any]) -> str | None:
    if not extra:
        return None
    try:
        return _json.encode(extra, "extra")
    except TypeError:
        shown = {str(key): _carried(value) for key, value in extra.items()}
        return json.dumps(shown, ensure_ascii=True, allow_nan=False)


def _carried(value: Any) -> Any:
    """The value, or what it shows where JSON cannot carry it."""
    try:
        _json.encode(value, "extra")
    except TypeError:
        try:
            return repr(value)[:LONGEST]
        except Exception:
            return f"a {type(value).__qualname__}"
    return value
