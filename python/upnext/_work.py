"""What Rust does for Python, waited for on a loop or in a thread (see src/work.rs), and where it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from upnext._client import connection, connection_async, opened
from upnext._context import current
from upnext._mailbox import mailbox_of

if TYPE_CHECKING:
    from upnext._bridge import Connection, Work

T = TypeVar("T")


async def done(work: Work[T]) -> T:
    """The answer of `work`, which is given up when nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    pending = work.answer(mailbox_of(loop), answer)
    try:
        return await answer
    except asyncio.CancelledError:
        pending.abort()
        raise


async def done_for_good(work: Work[T]) -> T:
    """The answer of `work`, which goes on to its end even if nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    work.answer(mailbox_of(loop), answer)
    return await answer


def connection_here() -> Connection:
    """The connection of the running job; outside a job the one that the environment names. Blocks the first time."""
    attempt = current.get()
    return connection(None) if attempt is None else attempt.connection


async def connection_here_async() -> Connection:
    """The same, without blocking the loop while it opens."""
    attempt = current.get()
    if attempt is not None:
        return attempt.connection
    return opened(None) or await connection_async(None)


def refuse_in_loop(call: str, instead: str) -> None:
    """Raises `RuntimeError` where `call` would block a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"{call} would block the running event loop: use `{instead}` here")
