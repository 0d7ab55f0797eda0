"""How one worker talks to the queue, where the settings of the environment do not fit it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields

_log = logging.getLogger("upnext")

#: The least and the most of each field; those of the settings (crates/core/src/settings.rs).
_RANGES = {
    "batch_size": (1, 10_000),
    "inbox_size": (0, 100_000),
    "outbox_size": (1, 100_000),
    "flush_interval_ms": (0, 60_000),
    "claim_timeout_ms": (100, 86_400_000),
    "job_ttl_seconds": (1, 315_360_000),
    "stream_maxlen": (0, 1_000_000_000),
}
_WITHOUT_EFFECT = {
    "flush_interval_ms": "outcomes are sent at once",
    "job_ttl_seconds": "it is for Redis; finished jobs are removed after UPNEXT_CLEANUP_RETENTION_HOURS",
    "stream_maxlen": "it is for Redis; no stream is kept here",
}


@dataclass(frozen=True)
class WorkerQueueConfig:
    """How a worker talks to the queue. Each field that is left at None is what `UPNEXT_QUEUE_*` of the same name says.

    - `batch_size`: most jobs that one claim takes, 1 to 10,000 (256).
    - `inbox_size`: most jobs held claimed but not yet running, 0 to 100,000 (256); used only as far as jobs are short.
    - `outbox_size`: most outcomes that one step sends, 1 to 100,000 (1024).
    - `claim_timeout_ms`: how long a lease lasts without renewal, 100 ms to a day (30,000). A job whose worker died runs
      again within twice this time.
    - `flush_interval_ms`, `job_ttl_seconds`, `stream_maxlen`: accepted for programs that set them, without effect.
      The first would hold outcomes back, which are sent at once; the others are for Redis alone. Setting one logs a
      warning.

    A value out of range raises `ValueError`.

    >>> config = upnext.WorkerQueueConfig(inbox_size=0, claim_timeout_ms=5_000)
    >>> upnext.Worker("slow-jobs", queue_config=config).queue_config.claim_timeout_ms
    5000
    """

    batch_size: int | None = None
    inbox_size: int | None = None
    outbox_size: int | None = None
    flush_interval_ms: int | None = None
    claim_timeout_ms: int | None = None
    job_ttl_seconds: int | None = None
    stream_maxlen: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            least, most = _RANGES[field.name]
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ValueError(
                    f"WorkerQueueConfig: {field.name} is a whole number from {least:,} to {most:,}, or None, "
                    f"not {value!r}"
                )

    def warn(self, worker: str) -> None:
        """Logs which of its fields have no effect."""
        for name, reason in _WITHOUT_EFFECT.items():
            if getattr(self, name) is not None:
                _log.warning("worker '%s': WorkerQueueConfig.%s has no effect: %s", worker, name, reason)
