"""Artifacts that are open for reading: in async code, and as files for everything else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from upnext._context import current
from upnext._work import done

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import WriteableBuffer
    from typing_extensions import Self

    from upnext import _bridge

#: Bytes that are read ahead, and the most that are asked for at once.
_BUFFER = 256 * 1024
_MOST = 1024 * 1024


class ArtifactReader:
    """An artifact that is open for reading in async code: see `Artifact.open`.

    >>> artifact = await upnext.get_artifact(job=future, name="report.json")
    >>> async with artifact.open() as reader:
    ...     print(await reader.read(3), await reader.read())
    b'{"r' b'ows":42}'
    """

    def __init__(self, find: Callable[[], Awaitable[_bridge.StoredArtifact]], name: str) -> None:
        self._find = find
        self._name = name
        self._reader: _bridge.ArtifactReader | None = None
        self._closed = False
        self._at = 0
        self._turn = asyncio.Lock()

    async def read(self, size: int = -1) -> bytes:
        """The next `size` bytes; fewer at the end, and none after it. Without a size all that are left."""
        async with self._turn:
            pieces = []
            wanted = size
            while wanted != 0:
                piece = await self._next(_MOST if wanted < 0 else min(wanted, _MOST))
                if not piece:
                    break
                pieces.append(piece)
                wanted -= len(piece) if wanted > 0 else 0
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next bytes, as many as come at once."""
        async with self._turn:
            piece = await self._next(_MOST)
        if not piece:
            raise StopAsyncIteration
        return piece

    async def _next(self, most: int) -> bytes:
        if self._closed:
            raise ValueError(f"artifact {self._name!r} is not open any more")
        if self._reader is None:
            self._reader = await done((await self._find()).open(current.get()))
        # Should this be cancelled: the next read begins at the same place.
        piece = await done(self._reader.read(self._at, most))
        self._at += len(piece)
        return piece

    async def close(self) -> None:
        """Lets go of it. Leaving the block does that, too.

        >>> async with artifact.open() as reader:
        ...     await reader.close()
        """
        self._closed = True
        self._reader = None

    async def __aenter__(self) -> Self:
        if self._reader is None and not self._closed:
            self._reader = await done((await self._find()).open(current.get()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def opened_file(reader: _bridge.ArtifactReader, name: str) -> io.BufferedReader:
    """A file over an open artifact."""
    return io.BufferedReader(_RawFile(reader, name), _BUFFER)


class _RawFile(io.RawIOBase):
    """The bytes of an artifact, without a buffer."""

    mode = "rb"

    def __init__(self, reader: _bridge.ArtifactReader, name: str) -> None:
        super().__init__()
        self.name = name
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._check_open()
        into = memoryview(buffer).cast("B")
        piece = self._reader.read(self._at, len(into)).wait()
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        self._check_open()
        pieces = []
        while piece := self._reader.read(self._at, _MOST).wait():
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._check_open()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size}
        if whence not in bases:
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        if bases[whence] + offset < 0:
            raise ValueError(f"there is no place {bases[whence] + offset} in a file")
        self._at = bases[whence] + offset
        return self._at

    def tell(self) -> int:
        self._check_open()
        return self._at

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"artifact {self.name!r} is not open any more")
