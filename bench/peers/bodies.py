"""What the jobs do, the same for everybody: each peer wraps these in tasks of its own kind."""

from __future__ import annotations

import asyncio
import time

from peers import tally

#: How many jobs a worker may run at once.
CONCURRENCY = 32
#: How long a job that waits does so, in seconds.
NAP = 0.01
#: How far a job that computes adds up: about 3 milliseconds of Python.
SUMMED = 50_000


async def noop() -> None:
    """Nothing."""
    tally.count()


def noop_sync() -> None:
    """Nothing, for those that know no coroutines."""
    tally.count()


async def stamp(sent: int) -> None:
    """Notes how long it has waited since `sent`."""
    tally.count(sent)


def stamp_sync(sent: int) -> None:
    """Notes how long it has waited since `sent`."""
    tally.count(sent)


async def nap() -> None:
    """Waits, as for a network."""
    await asyncio.sleep(NAP)
    tally.count()


def nap_sync() -> None:
    """Waits, as for a network."""
    time.sleep(NAP)
    tally.count()


def crunch() -> None:
    """Computes with Python's lock held."""
    sum(number * number for number in range(SUMMED))
    tally.count()


async def echo(number: int) -> int:
    """Gives back what it got."""
    tally.count()
    return number


def echo_sync(number: int) -> int:
    """Gives back what it got."""
    tally.count()
    return number
