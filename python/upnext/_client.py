"""Connections to backends: opened when first needed, one for each URL and process."""

from __future__ import annotations

import asyncio
import logging
import os
import threading

from upnext import _bridge

_log = logging.getLogger("upnext")
opened_connections: dict[str | None, _bridge.Connection] = {}
_from_parent: list[object] = []
_opening = threading.Lock()


def connection(url: str | None) -> _bridge.Connection:
    """The connection to `url`, or without one to what the environment names. Blocks the first time."""
    with _opening:
        if url not in opened_connections:
            opened, warnings = _bridge.connect(url)
            for warning in warnings:
                _log.warning("%s", warning)
            opened_connections[url] = opened
        return opened_connections[url]


#: The connection to a URL if it is open: the way of all calls but the first.
opened = opened_connections.get


async def connection_async(url: str | None) -> _bridge.Connection:
    """The same, without blocking the loop while it opens."""
    return await asyncio.to_thread(connection, url)


def forget() -> None:
    """Lets the next call open anew, for example with another UPNEXT_HOME."""
    opened_connections.clear()


def _forget_parent() -> None:
    global _opening
    # Kept, not freed: closing the parent's database from here would harm the parent.
    _from_parent.append(dict(opened_connections))
    opened_connections.clear()
    _opening = threading.Lock()
    _bridge.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_bridge.before_fork,
        after_in_parent=_bridge.after_fork_in_parent,
        after_in_child=_forget_parent,
    )
