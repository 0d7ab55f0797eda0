"""Where libraries write to: a temporary file, so that a large table or picture is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, cast

#: What is written is handed on as bytes up to this size.
_IN_MEMORY = 1024 * 1024


class StagedFile:
    """A temporary file without a name, open at its beginning. The disk gets its space back with `close()`, or when
    nobody refers to it any more."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        return self._file.read(size)

    def close(self) -> None:
        """Frees the disk."""
        self._file.close()

    def __del__(self) -> None:
        self._file.close()


def staged(write: Callable[[IO[bytes]], object]) -> bytes | StagedFile:
    """What `write` writes into the file it is given: as bytes if it is small, else as an open file that vanishes."""
    # Brings much of the standard library with it, which most programs need not load for this.
    import tempfile

    file = cast("IO[bytes]", cast("Any", tempfile.TemporaryFile)())
    try:
        write(file)
        size = file.seek(0, 2)
        file.seek(0)
        if size > _IN_MEMORY:
            return StagedFile(file, size)
        content = file.read()
    except BaseException:
        file.close()
        raise
    file.close()
    return content
