"""The hooks of a task: called around its attempts, never able to fail them."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from upnext._context import Context

if TYPE_CHECKING:
    from upnext._bridge import Attempt

Hook = Callable[..., Any]

_log = logging.getLogger("upnext.worker")


class Hooks(NamedTuple):
    """What to call when. Each may be sync or async and takes nothing or the context."""

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_retry: Hook | None = None
    on_complete: Hook | None = None

    def check(self, task: str) -> None:
        """Raises `TypeError` for what cannot be called."""
        for moment, hook in zip(self._fields, self, strict=True):
            if hook is not None and not callable(hook):
                raise TypeError(f"task '{task}': {moment} must be a function, not {type(hook).__qualname__}")


async def call(attempt: Attempt, *hooks: Hook | None) -> None:
    """Calls these hooks on the loop, one after the other."""
    for hook in hooks:
        if hook is None:
            continue
        try:
            outcome = _call(hook, attempt)
            if inspect.isawaitable(outcome):
                await outcome
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("job %s: the hook %s failed", attempt.job_id, _name(hook))


def call_sync(attempt: Attempt, loop: asyncio.AbstractEventLoop, *hooks: Hook | None) -> None:
    """Calls these hooks from a thread; what is async in them runs on the worker's loop."""
    for hook in hooks:
        if hook is None:
            continue
        try:
            outcome = _call(hook, attempt)
            if inspect.isawaitable(outcome):
                asyncio.run_coroutine_threadsafe(_finish(outcome), loop).result()
        except Exception:
            _log.exception("job %s: the hook %s failed", attempt.job_id, _name(hook))


async def _finish(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _call(hook: Hook, attempt: Attempt) -> Any:
    return hook(Context(attempt)) if _takes_context(hook) else hook()


def _takes_context(hook: Hook) -> bool:
    try:
        parameters = inspect.signature(hook).parameters.values()
    except (TypeError, ValueError):
        return False
    by_place = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(parameter.kind in by_place for parameter in parameters)


def _name(hook: Hook) -> str:
    return getattr(hook, "__qualname__", repr(hook))
