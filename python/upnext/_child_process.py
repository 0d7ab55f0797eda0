"""One child process of a worker, as the worker holds it: started, given attempts one by one, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from upnext._channel import ASK, INTERRUPT, Channel, write_order
from upnext._child import PROGRAM
from upnext._child_lifespan import Shared
from upnext._origin import Origin

if TYPE_CHECKING:
    from upnext._bridge import Attempt

#: How often a worker looks whether a silent child still lives, in milliseconds. Its end is heard at once, unless
#: something that its task started holds the socket open.
_LOOK = 1000

#: Seconds in which an attempt may stop by itself once it is asked, before it is interrupted.
_PATIENCE = 0.2
#: Seconds that an interrupted attempt has for its `finally`, by the reason to stop: a lease that is lost may run
#: elsewhere already, and a worker that stops is waited for.
_GRACE = {"cancelled": 2.0, "timeout": 2.0, "lease_lost": 0.5, "shutdown": 0.5}
#: Seconds that a child without a task has for its `atexit`.
_FAREWELL = 1.0
#: Seconds that it has for the shut-down of a lifespan.
SHUT_DOWN = 10.0


class Setting(NamedTuple):
    """What all children of a worker begin with, as it was when the worker started."""

    url: str | None
    environment: dict[str, str]
    folder: str
    origins: list[Origin]
    #: The lifespan, if each child runs it.
    lifespan: Shared | None = None


class ChildEndedError(Exception):
    """The child process is gone. The message says how, as in `was killed by signal 9 (SIGKILL)`."""


class ChildProcess:
    """A Python interpreter of its own, in a process group of its own: no Ctrl-C of a terminal reaches it, and with it
    ends what its tasks have started.

    Started by `exec`, never as a fork of the worker, whose threads a fork would leave behind in the middle of things.
    """

    def __init__(self, setting: Setting) -> None:
        self._lock = threading.Lock()
        self._key: int | None = None
        self._left = threading.Event()
        #: True once it was interrupted or is gone: nothing more is to be given to it.
        self.spent = False
        self._killed = False
        #: Attempts that it has run.
        self.runs = 0
        ours, theirs = socket.socketpair()
        orders, self._orders = os.pipe()
        try:
            os.set_blocking(orders, False)
            self._process = subprocess.Popen(  # noqa: S603 (this Python, our program)
                _command(theirs.fileno(), orders),
                env=setting.environment,
                cwd=setting.folder,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), orders),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            os.close(self._orders)
            raise
        finally:
            theirs.close()
            os.close(orders)
        self._channel = Channel(ours)
        self._setting = setting

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """False once the process has ended, whatever the reason."""
        return self._process.poll() is None

    def get_ready(self) -> list[Any] | None:
        """Waits until it has imported what the tasks need and has its resources. Answers what went wrong, in the fields
        of `Failed`."""
        answer: dict[str, Any] = self._converse(
            {
                "url": self._setting.url,
                "origins": self._setting.origins,
                "lifespan": self._setting.lifespan,
                "arguments": [str(argument) for argument in sys.argv],
            }
        )
        return answer.get("failed")

    def run(self, attempt: Attempt, payload: str) -> dict[str, Any]:
        """Runs an attempt and gives the child's answer. Raises `ChildEndedError`."""
        with self._lock:
            # From here on `stop` finds it. One that was asked before is told at once.
            self._key = attempt.key
            self._left.clear()
        self.runs += 1
        try:
            if attempt.stop_reason is not None:
                return {"interrupted": True}
            answer: dict[str, Any] = self._converse(
                {
                    "key": attempt.key,
                    "task": attempt.function,
                    "attempt": attempt.description(),
                    "artifact_ttl": attempt.artifact_ttl,
                    "payload": payload,
                }
            )
            return answer
        finally:
            with self._lock:
                self._key = None
                self._left.set()

    def stop(self, key: int, reason: str) -> None:
        """Stops the attempt of this key if it is still the one that runs: asks it, interrupts it, kills the process.
        Blocks meanwhile."""
        self._order(key, ASK)
        if not self._left.wait(_PATIENCE):
            self._order(key, INTERRUPT)
            self._left.wait(_GRACE.get(reason, 0.0))
        with self._lock:
            if self._key == key:
                self._kill()

    def end(self) -> bool:
        """Lets it go: a child without a task ends by itself when the channel is shut. Blocks until it is gone. False
        when its lifespan was still shutting down and it had to be killed."""
        killed = self._killed
        self._channel.shut()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._farewell())
        left = killed or self._setting.lifespan is None or not self.is_alive
        self.kill()
        self._process.wait()
        self._channel.close()
        with self._lock:
            if self._orders >= 0:
                os.close(self._orders)
                self._orders = -1
        return left

    def _farewell(self) -> float:
        if self._killed or self._key is not None:
            return 0.0
        if self._setting.lifespan is not None:
            return SHUT_DOWN
        return 0.0 if self.spent else _FAREWELL

    def kill(self) -> None:
        """Kills it, with what its tasks have started."""
        with self._lock:
            self._kill()

    def _kill(self) -> None:
        self.spent = self._killed = True
        # As long as anything is left of the group, the system gives its number to nobody else.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # Whoever waits for an answer waits no more, even if the system cannot end the process.
        self._channel.shut()

    def _order(self, key: int, stage: int) -> None:
        with self._lock:
            if self._key != key or self._orders < 0:
                return
            self.spent = self.spent or stage == INTERRUPT
            with contextlib.suppress(OSError):
                write_order(self._orders, key, stage)
            self._process.send_signal(signal.SIGTERM)

    def _converse(self, message: object) -> Any:
        try:
            self._channel.send(message)
            return self._receive()
        except (EOFError, OSError) as error:
            self.spent = True
            raise ChildEndedError(self._ending()) from error

    def _receive(self) -> Any:
        readable = select.poll()
        readable.register(self._channel.fileno(), select.POLLIN)
        while (message := self._channel.take()) is None:
            if readable.poll(_LOOK):
                self._channel.read()
            elif self._process.poll() is not None:
                raise EOFError
        return message

    def _ending(self) -> str:
        """How it ended, which it has or is about to."""
        try:
            code = self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            return "closed its connection to the worker"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = f"signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            name = f"signal {-code}"
        hint = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
        return f"was killed by {name}{hint}"


def _command(requests: int, orders: int) -> list[str]:
    if not sys.executable:
        raise OSError("sys.executable is empty: this Python does not know how to start another")
    # The options that this interpreter was started with, as multiprocessing passes them on.
    options: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    numbers = [str(number) for number in (requests, orders, os.getpid())]
    return [sys.executable, *options, "-c", PROGRAM, json.dumps([str(entry) for entry in sys.path]), *numbers]
