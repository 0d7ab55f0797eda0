"""The mailbox of each event loop: how the engine reaches it (see src/mailbox.rs)."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import weakref

from upnext._bridge import Mailbox

_mailboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = weakref.WeakKeyDictionary()
_from_parent: list[object] = []


class _Latest(threading.local):
    """The mailbox used last by this thread: almost always the one wanted next."""

    loop: weakref.ref[asyncio.AbstractEventLoop] | None = None
    mailbox: Mailbox | None = None


_latest = _Latest()


def mailbox_of(loop: asyncio.AbstractEventLoop) -> Mailbox:
    """The mailbox of this loop, which is the running one."""
    mailbox = _latest.mailbox
    if mailbox is not None and _latest.loop is not None and _latest.loop() is loop:
        return mailbox
    mailbox = _mailboxes.get(loop)
    if mailbox is None:
        mailbox = _mailboxes[loop] = _open(loop)
    _latest.loop, _latest.mailbox = weakref.ref(loop), mailbox
    return mailbox


def _open(loop: asyncio.AbstractEventLoop) -> Mailbox:
    try:
        mailbox = Mailbox()
        # In an empty context: what is delivered belongs to nobody, least of all to whoever came first.
        contextvars.Context().run(loop.add_reader, mailbox.fileno(), mailbox.drain)
    except (NotImplementedError, OSError):
        mailbox = Mailbox(loop.call_soon_threadsafe)
    return mailbox


def _forget_parent() -> None:
    # Kept, not freed: sockets and locks in them are shared with the parent.
    _from_parent.append(dict(_mailboxes))
    _mailboxes.clear()
    _latest.loop = _latest.mailbox = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
