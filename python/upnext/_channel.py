"""How a worker and one of its child processes talk: requests and answers on a socket, orders to stop on a pipe.

Orders have a way of their own because the child reads them in a signal handler, in the midst of a task.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("<Q")
_ORDER = struct.Struct("<QB")
_PIECE = 256 * 1024

#: An attempt on its way into a child process (see src/child.rs).
Description = tuple[str, int, int, int, int, float, str, str, str | None, str | None, str, str | None]

#: Stages of stopping: the context says so; the task is interrupted by an exception. Then the process is killed.
ASK, INTERRUPT = 1, 2


class Channel:
    """Messages (JSON) over a stream socket. Each side is used by one thread at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._read = bytearray()

    def send(self, message: object) -> None:
        """Sends it whole. Raises `OSError` when nobody is there."""
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> Any:
        """The next message. Raises `EOFError` when there will be none."""
        while (message := self.take()) is None:
            self.read()
        return message

    def take(self) -> Any | None:
        """The next message, if it has been read already."""
        if len(self._read) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._read)[0]
        if len(self._read) < end:
            return None
        body = bytes(self._read[_LENGTH.size : end])
        del self._read[:end]
        return json.loads(body.decode("utf-8", "surrogatepass"))

    def read(self) -> None:
        """Waits for more and reads it."""
        try:
            piece = self._socket.recv(_PIECE)
        except OSError as error:
            raise EOFError(str(error)) from None
        if not piece:
            raise EOFError("the other side is gone")
        self._read += piece

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def shut(self) -> None:
        """Ends every call that waits, here and on the other side."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Frees the socket."""
        self._socket.close()


def write_order(pipe: int, key: int, stage: int) -> None:
    """Orders the attempt of this key to stop. Whole or not at all, since it is so short."""
    os.write(pipe, _ORDER.pack(key, stage))


def read_orders(pipe: int) -> Iterator[tuple[int, int]]:
    """The orders that have come, as key and stage. The pipe does not block."""
    while True:
        try:
            read = os.read(pipe, _ORDER.size * 64)
        except BlockingIOError:
            return
        if not read:
            return
        yield from _ORDER.iter_unpack(read)
