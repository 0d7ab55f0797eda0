"""A worker that runs on an event loop: the engine, what runs its attempts, and the lifespan around both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from upnext import _bridge, _lifespan

if TYPE_CHECKING:
    from upnext._bridge import RunningWorker
    from upnext._runner import Runner


class Running:
    """A worker on a loop."""

    def __init__(
        self,
        engine: RunningWorker,
        runner: Runner,
        mailbox: _bridge.Mailbox,
        number: int,
        lifespan: _lifespan.Lifespan | None,
    ) -> None:
        self._lifespan = lifespan
        self._stopping = False
        self._engine = engine
        self._runner = runner
        self._mailbox = mailbox
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._keeper = self._loop.create_task(self._keep(), name="upnext-worker")

    async def stop(self, timeout: float) -> None:
        again, self._stopping = self._stopping, True
        try:
            await self._stop_engine(timeout, hurry=again)
        finally:
            if self._lifespan is not None:
                await self._lifespan.leave(hurry=again)
        self._keeper.cancel()

    async def _stop_engine(self, timeout: float, *, hurry: bool = False) -> None:
        answer: asyncio.Future[None] = self._loop.create_future()
        self._engine.stop(self._mailbox, answer, max(timeout, 0.0))
        await answer
        await self._runner.close(hurry=hurry)
        self._mailbox.forget(self._number)

    async def _keep(self) -> None:
        """Sleeps for as long as the loop lives. A loop that ends (`asyncio.run` cancels what is left) with its worker
        running would leave an engine that claims jobs nobody runs: stop it, its jobs go back to the queue."""
        try:
            await self._loop.create_future()
        finally:
            if not self._runner.closed:
                self._runner.closed = True
                try:
                    await self._stop_engine(0.0)
                finally:
                    if self._lifespan is not None:
                        await self._lifespan.leave()
