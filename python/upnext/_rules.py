"""The options of a task that hold for its jobs together, and when it runs by itself: checked, in one form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from upnext._artifact_labels import seconds_of
from upnext._types import MissedRunPolicy


@dataclass(frozen=True)
class Rules:
    """Limits, shared results, schedule, events and tags of one task. The engine reads the fields by these names."""

    rate_limit: str | None = None
    max_concurrency: int | None = None
    routing_group: str | None = None
    group_max_concurrency: int | None = None
    concurrency_key: str | None = None
    key_max_concurrency: int | None = None
    cache_key: str | None = None
    cache_ttl: float | timedelta | None = None
    schedule: str | None = None
    timezone: str | None = None
    missed_run_policy: MissedRunPolicy | str | None = None
    max_catch_up_seconds: float | None = None
    pattern: str | None = None
    tags: Iterable[str] | None = None

    def checked(self, task: str) -> dict[str, Any] | None:
        """As the engine takes them; None when there are none. What is wrong by itself is said here, the rest there."""
        names = [field.name for field in fields(self)]
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if not given:
            return None
        for name in ("rate_limit", "routing_group", "concurrency_key", "cache_key", "schedule", "timezone", "pattern"):
            if name in given and not isinstance(given[name], str):
                raise TypeError(f"task '{task}': {name} is a text, not a {type(given[name]).__qualname__}")
        for name in ("max_concurrency", "group_max_concurrency", "key_max_concurrency"):
            if name in given and not _is_count(given[name]):
                raise ValueError(f"task '{task}': {name} is a whole number of at least 1, not {given[name]!r}")
        if "tags" in given:
            given["tags"] = job_tags(task, given["tags"])
        if "cache_ttl" in given:
            given["cache_ttl"] = seconds_of(given["cache_ttl"], f"task '{task}': cache_ttl")
        if "missed_run_policy" in given:
            given["missed_run_policy"] = MissedRunPolicy(given["missed_run_policy"]).value
        if "max_catch_up_seconds" in given and not _is_number(given["max_catch_up_seconds"]):
            raise ValueError(
                f"task '{task}': max_catch_up_seconds is a number of seconds, not {given['max_catch_up_seconds']!r}"
            )
        return {**dict.fromkeys(names), **given}


def job_tags(task: str, tags: object) -> list[str]:
    """Tags of jobs as the engine takes them, which checks their length and number."""
    if isinstance(tags, str | bytes | Mapping) or not isinstance(tags, Iterable):
        raise TypeError(f"task '{task}': tags are given as a list of str, not as {tags!r}")
    listed: list[object] = list(tags)
    for tag in listed:
        if not isinstance(tag, str):
            raise TypeError(f"task '{task}': a tag is a str, not {tag!r}")
    return [str(tag) for tag in listed]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**32


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
