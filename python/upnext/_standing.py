"""Where code stands that does not end: a frame, a coroutine or a thread, in the words of a log line."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import FrameType
from typing import Any


@functools.cache
def _foreign() -> tuple[str, ...]:
    """Whose frames tell nothing about a task."""
    # Large, and wanted only when something does not end.
    import sysconfig

    paths = sysconfig.get_paths()
    libraries = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (str(Path(__file__).parent), *libraries, "<frozen")


def of_frame(frame: FrameType | None) -> str:
    """The innermost place in the user's own code, as `file.py:12, in crunch`."""
    if frame is None:
        return "an unknown place"
    own: FrameType | None = frame
    while own is not None and own.f_code.co_filename.startswith(_foreign()):
        own = own.f_back
    shown = own or frame
    return f"{shown.f_code.co_filename}:{shown.f_lineno}, in {shown.f_code.co_name}"


def of_thread(ident: int | None) -> str:
    """Where the thread with this number is."""
    return of_frame(None if ident is None else sys._current_frames().get(ident))  # noqa: SLF001


def of_coroutine(coroutine: Any) -> str:
    """Where a suspended coroutine waits."""
    shown: FrameType | None = None
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        if shown is None or not frame.f_code.co_filename.startswith(_foreign()):
            shown = frame
        coroutine = coroutine.cr_await
    return of_frame(shown)
