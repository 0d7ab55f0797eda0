"""Tasks that run in child processes and return more than JSON."""

from __future__ import annotations

import dataclasses
from datetime import date

import upnext

worker = upnext.Worker("process-results", concurrency=1, sync_executor="process")


@dataclasses.dataclass
class Invoice:
    number: int
    due: date


@worker.task
def invoice(number: int) -> Invoice:
    return Invoice(number, date(2026, 3, 1))
