"""The program of a worker's child process: it imports the worker's modules and runs tasks, one at a time.

In its main thread, so that a task may be interrupted and may use what works nowhere else (signals, `asyncio.run`).
What a task records (progress, artifacts, jobs of its own) goes through a connection of the child's own, under the lease
of the attempt: artifacts stream without a detour, every part of the API works as it does in the worker, and the backend
refuses it all once the lease is lost. The end alone is told to the worker, which decides what it means.
"""

from __future__ import annotations

import contextlib
import contextvars
import faulthandler
import logging
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

from upnext import _bridge, _child_lifespan, _origin, _recording, _resources, _task
from upnext._channel import INTERRUPT, Channel, read_orders
from upnext._client import connection
from upnext._context import current
from upnext._origin import Module, Origin, TaskNotFoundError
from upnext._outcome import Failed, encode_result
from upnext._task import TaskHandle

#: The program that `python -c` is given: where to import from comes first.
PROGRAM = (
    "import json, sys; _, path, *numbers = sys.argv; sys.path[:] = json.loads(path); "
    "from upnext._child import main; main(*map(int, numbers))"
)

#: The signals that reach whole groups of processes: a terminal's Ctrl-C, a service manager that stops a service.
_FOREIGN = (signal.SIGINT, signal.SIGTERM)


class InterruptedTaskError(BaseException):
    """Raised in the task of an attempt that was told to stop and did not."""


def main(requests: int, orders: int, parent: int) -> None:
    """Serves the worker until it closes the channel."""
    _bridge.follow_parent(parent)
    with contextlib.suppress(Exception):
        # A crash then says where on stderr.
        faulthandler.enable()
    _bridge.log_to_stderr()
    channel = Channel(socket.socket(fileno=requests))
    child = Child(channel, orders)
    for number in _FOREIGN:
        signal.signal(number, child.hear)
    os.register_at_fork(after_in_child=child.forget)
    with contextlib.suppress(EOFError, OSError, InterruptedTaskError):
        child.serve()
    child.leave()


class Child:
    """What the process knows."""

    def __init__(self, channel: Channel, orders: int) -> None:
        self._channel = channel
        self._orders = orders
        self._url: str | None = None
        self._origins: dict[str, Origin] = {}
        self._tasks: dict[str, TaskHandle[Any, Any]] = {}
        #: The key of the attempt that runs, and the attempt itself once it is made.
        self._key: int | None = None
        self._attempt: _bridge.Attempt | None = None
        self._asked = False
        self._lifespan: _child_lifespan.ChildLifespan | None = None

    def serve(self) -> None:
        """Gets ready and runs what comes."""
        self._channel.send(self._prepare(self._channel.receive()))
        while True:
            request = self._channel.receive()
            self._key = request["key"]
            # Orders may have come before the attempt.
            self.hear()
            try:
                answer = contextvars.copy_context().run(self._run, request)
            finally:
                self._key = self._attempt = None
                self._asked = False
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            self._channel.send(answer)

    def hear(self, _number: int | None = None, _frame: FrameType | None = None) -> None:
        """Follows the worker's orders. A signal without one came from somebody else, who does not know that the worker
        lets running jobs end first: it is not for this process to follow."""
        if self._key is None:
            return
        for key, stage in read_orders(self._orders):
            if key != self._key:
                continue
            self._asked = True
            self._pass_on()
            if stage == INTERRUPT:
                raise InterruptedTaskError

    def _pass_on(self) -> None:
        if self._asked and self._attempt is not None:
            self._attempt.ask_to_stop("cancelled")

    def forget(self) -> None:
        """Leaves a process that the task forked without what is not its own."""
        for number in _FOREIGN:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        self._key = None
        self._lifespan = None
        self._channel.close()
        with contextlib.suppress(OSError):
            os.close(self._orders)

    def _prepare(self, greeting: dict[str, Any]) -> dict[str, Any]:
        """Imports what the tasks are defined in. Answers what went wrong."""
        sys.argv[:] = greeting["arguments"]
        self._url = greeting["url"]
        _origin.in_child = True
        _task.registered = []
        for key, module, qualname, modules in greeting["origins"]:
            self._origins[key] = Origin(key, module, qualname, tuple(Module(*each) for each in modules))
        try:
            self._connect()
        except Exception as error:
            failed = Failed.of(error)
            return {"failed": failed._replace(error=f"a child process cannot open the backend: {failed.error}")}
        try:
            for origin in self._origins.values():
                _origin.import_again(origin.modules[0])
        except BaseException as error:
            failed = Failed.of(error)
            text = f"{origin.modules[0].described} cannot be imported in a child process: {failed.error}"
            return {"failed": failed._replace(error=text)}
        return {} if greeting["lifespan"] is None else self._live(*greeting["lifespan"])

    def _live(self, worker: str, modules: list[Any], tasks: list[str]) -> dict[str, Any]:
        """Runs the start-up of the worker's lifespan, whose resources all tasks find. Answers what went wrong."""
        shared = _child_lifespan.Shared(worker, tuple(Module(*each) for each in modules), tuple(tasks))
        try:
            wanting = [self._task(key) for key in shared.tasks]
            lifespan = _child_lifespan.found(shared, wanting[0].worker)
            resources = lifespan.enter()
        except BaseException as error:
            failed = Failed.of(error)
            text = f"the lifespan of worker '{worker}' failed in a child process: {failed.error}"
            return {"failed": failed._replace(error=text)}
        self._lifespan = lifespan
        try:
            for task in wanting:
                _resources.check(task.key, resources, task.arguments.resources)
        except RuntimeError as error:
            return {"failed": Failed(str(error))}
        _resources.here.set(resources)
        return {}

    def leave(self) -> None:
        """Runs the shut-down of the lifespan, if there was one."""
        if self._lifespan is not None:
            self._lifespan.leave()

    def _connect(self) -> None:
        """Opens the backend: before the modules are imported, since one may change the environment and the worker's is
        the one that counts. The worker has said already what its settings are worth a warning for."""
        logger = logging.getLogger("upnext")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            connection(self._url)
        finally:
            logger.setLevel(level)

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        task: TaskHandle[Any, Any] | None = None
        try:
            task = self._task(request["task"])
            attempt = _bridge.adopt_attempt(connection(self._url), tuple(request["attempt"]), request["artifact_ttl"])
            self._attempt = attempt
            self._pass_on()
            current.set(attempt)
            recording = _recording.begin(task.capture, attempt) if task.capture else None
            try:
                result = encode_result(task, task.invoke(task.arguments.unpack(request["payload"])))
            finally:
                if recording is not None:
                    _recording.end(recording)
                # What the task said must be there before its end.
                attempt.flush()
            return {"result": result}
        except InterruptedTaskError:
            return {"interrupted": True}
        except TaskNotFoundError as error:
            text = f"job {request['attempt'][0]}: {error}"
            return {"failed": Failed(f"{type(error).__name__}: {text}", None, retryable=False)}
        except BaseException as error:
            return {"failed": Failed.of(error, task)}

    def _task(self, key: str) -> TaskHandle[Any, Any]:
        if key not in self._tasks:
            self._tasks[key] = _origin.find(self._origins[key])
        return self._tasks[key]
