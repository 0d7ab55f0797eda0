"""When a job is due, how urgent it is and what it is found by: the options of one submission."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from upnext._bridge import Submitting
from upnext._rules import job_tags

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def submitting(
    task: str,
    delay: float | timedelta | None,
    at: datetime | None,
    priority: int | None,
    tags: Iterable[str] | None = None,
) -> Submitting | None:
    """The options as the engine takes them; None when there are none."""
    if delay is None and at is None and priority is None and tags is None:
        return None
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    if delay is not None and (
        isinstance(delay, bool) or not isinstance(delay, int | float) or not math.isfinite(delay) or delay < 0
    ):
        raise ValueError(f"task '{task}': delay is a number of seconds of at least 0 or a timedelta, not {delay!r}")
    if at is not None and not isinstance(at, datetime):
        raise TypeError(f"task '{task}': at is a datetime, not a {type(at).__qualname__}")
    if at is not None and at.tzinfo is None:
        raise ValueError(
            f"task '{task}': at={at.isoformat()} has no time zone: write datetime(..., tzinfo=timezone.utc) or use "
            ".astimezone() for the local one"
        )
    if priority is not None and (
        isinstance(priority, bool) or not isinstance(priority, int) or not -(2**31) <= priority < 2**31
    ):
        raise ValueError(f"task '{task}': priority is a whole number (the higher runs first), not {priority!r}")
    micros = None if at is None else (at - _EPOCH) // timedelta(microseconds=1)
    seconds = None if delay is None else float(delay)
    return Submitting(seconds, micros, priority, None if tags is None else job_tags(task, tags))
