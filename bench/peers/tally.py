"""Counts what workers really ran, at a cost that no peer notices: each process of a worker has a file of eight-byte
numbers that the measuring process maps into its memory and reads while it grows.

The first number is how many jobs have run; behind it stands what each of them noted, as nanoseconds.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from pathlib import Path

#: Most notes that one process keeps.
ROOM = 400_000
_NUMBER = struct.Struct("<q")
_SIZE = _NUMBER.size * (ROOM + 1)


class _Tally:
    """The file of this process."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.ran = 0
        self.lock = threading.Lock()
        path = Path(os.environ["BENCH_TALLY"], str(self.process))
        with path.open("w+b") as file:
            file.truncate(_SIZE)
            self.memory = mmap.mmap(file.fileno(), _SIZE)

    def count(self, note: int) -> None:
        with self.lock:
            self.ran += 1
            if note and self.ran <= ROOM:
                _NUMBER.pack_into(self.memory, _NUMBER.size * self.ran, note)
            _NUMBER.pack_into(self.memory, 0, self.ran)


_own: _Tally | None = None
_making = threading.Lock()


def count(sent: int = 0) -> None:
    """Called by each job once. `sent` is when it was submitted, in nanoseconds since 1970; its wait is noted then."""
    global _own
    if _own is None or _own.process != os.getpid():
        with _making:
            if _own is None or _own.process != os.getpid():
                _own = _Tally()
    _own.count(time.time_ns() - sent if sent else 0)


class Reader:
    """What the processes of one worker have counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, mmap.mmap] = {}

    def ran(self) -> int:
        """How many jobs have run, over all processes."""
        for entry in os.scandir(self.folder):
            if entry.name not in self._files and entry.stat().st_size == _SIZE:
                with open(entry.path, "rb") as file:  # noqa: PTH123
                    self._files[entry.name] = mmap.mmap(file.fileno(), _SIZE, prot=mmap.PROT_READ)
        return sum(_NUMBER.unpack_from(memory)[0] for memory in self._files.values())

    def notes(self) -> list[int]:
        """What jobs have noted, in nanoseconds."""
        found: list[int] = []
        for memory in self._files.values():
            (ran,) = _NUMBER.unpack_from(memory)
            found.extend(_NUMBER.unpack_from(memory, _NUMBER.size * (1 + at))[0] for at in range(min(ran, ROOM)))
        return [note for note in found if note]
