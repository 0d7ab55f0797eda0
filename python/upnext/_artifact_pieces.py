"""Data of artifacts that comes piece by piece, and its way to Rust."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from upnext._convert_staging import StagedFile
from upnext._errors import InvalidArtifactError
from upnext._json import a_type

if TYPE_CHECKING:
    from upnext import _bridge

#: Bytes that are read from a file, or collected from small pieces, before they are handed on.
_PIECE = 1024 * 1024


class Pieces:
    """Data that arrives piece by piece."""

    def __init__(
        self, name: str, source: object, pieces: Iterator[Any] | None, asynchronous: AsyncIterator[Any] | None = None
    ) -> None:
        self._name = name
        self._source = source
        self._pieces = pieces
        self.asynchronous = asynchronous

    @classmethod
    def of(cls, name: str, data: Any) -> Pieces:
        """The pieces of an open file or an iterator."""
        read = getattr(data, "read", None)
        if callable(read):
            return cls(name, data, iter(lambda: read(_PIECE), b""))
        if hasattr(data, "__aiter__"):
            return cls(name, data, None, data.__aiter__())
        return cls(name, data, data)

    def close(self) -> None:
        """Frees the disk that a temporary file takes. Files of the caller's stay open."""
        if isinstance(self._source, StagedFile):
            self._source.close()

    def push_all(self, feed: _bridge.Feed) -> None:
        """Pushes everything, waiting whenever storage is behind. For a thread."""
        held = bytearray()
        for piece in cast("Iterable[object]", self._pieces):
            held += self._checked(piece)
            if len(held) >= _PIECE:
                if not feed.push(bytes(held)):
                    return
                held.clear()
        if held:
            feed.push(bytes(held))

    async def push_all_async(self, feed: _bridge.Feed) -> None:
        """The same for an async iterator, on the loop."""
        held = bytearray()
        async for piece in cast("AsyncIterator[object]", self.asynchronous):
            held += self._checked(piece)
            if len(held) >= _PIECE:
                if not await asyncio.to_thread(feed.push, bytes(held)):
                    return
                held.clear()
        if held:
            await asyncio.to_thread(feed.push, bytes(held))

    def _checked(self, piece: object) -> bytes | bytearray | memoryview:
        if isinstance(piece, bytes | bytearray | memoryview):
            return piece
        raise InvalidArtifactError(
            f"artifact {self._name!r}: its source gave {a_type(piece)}, and an artifact is made of bytes"
        )
