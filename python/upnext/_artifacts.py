"""Making artifacts inside jobs: what data may be, and how it travels to Rust."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from upnext import _bridge, _json, _rich_json
from upnext._context import current_attempt
from upnext._convert import convert
from upnext._errors import InvalidArtifactError
from upnext._future import moment
from upnext._mailbox import mailbox_of
from upnext._types import ArtifactType

#: What an artifact can be made of.
ArtifactData: TypeAlias = (
    str
    | dict[str, Any]
    | list[Any]
    | bytes
    | bytearray
    | memoryview
    | os.PathLike[str]
    | IO[bytes]
    | Iterator[bytes]
    | AsyncIterator[bytes]
)

#: id, job_id, name, type, content_type, size_bytes, sha256, storage_backend, storage_key, created_at (microseconds).
ArtifactRecord: TypeAlias = tuple[str, str, str, str, str, int, str, str, str, int]

#: Bytes that are read from a file, or collected from small pieces, before they are handed on.
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Artifact:
    """The record of an artifact, as the REST API shows it."""

    id: str
    job_id: str
    name: str
    type: ArtifactType
    content_type: str
    size_bytes: int
    sha256: str
    storage_backend: str
    storage_key: str
    created_at: datetime
    status: str = "available"
    error: str | None = None


async def create_artifact(name: str, data: ArtifactData, artifact_type: ArtifactType | str | None = None) -> Artifact:
    """Makes an artifact of the running job. When this returns, its bytes and record are durable and listed.

    `data` is a str (as the type writes it: JSON text, the text itself, else base64), a dict or list (JSON), bytes, a
    `pathlib.Path`, an open binary file, or an iterator of bytes, sync or async. Without `artifact_type` a str, dict or
    list is JSON; for all others the name's extension decides, then the first bytes.
    """
    attempt = current_attempt("create_artifact()")
    wanted, content = _prepare(name, data, artifact_type)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[ArtifactRecord] = loop.create_future()
    mailbox = mailbox_of(loop)
    if not isinstance(content, _Pieces):
        _bridge.create_artifact(attempt, mailbox, answer, name, wanted, content)
        try:
            return _record(await answer)
        except InvalidArtifactError as error:
            raise _with_hint(error, data, artifact_type) from None
    feed = _bridge.Feed()
    _bridge.create_artifact(attempt, mailbox, answer, name, wanted, feed)
    try:
        if content.asynchronous is None:
            await asyncio.to_thread(content.push_all, feed)
        else:
            await content.push_all_async(feed)
    except BaseException:
        feed.abort()
        # The source's own exception is the news; that the artifact failed, too, only has to be heard.
        answer.add_done_callback(lambda failed: failed.cancelled() or failed.exception())
        await asyncio.wait([answer])
        raise
    feed.close()
    return _record(await answer)


def create_artifact_sync(name: str, data: ArtifactData, artifact_type: ArtifactType | str | None = None) -> Artifact:
    """`create_artifact` for sync tasks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError(
            "create_artifact_sync() would block the running event loop: use `await create_artifact(...)` here"
        )
    attempt = current_attempt("create_artifact_sync()")
    wanted, content = _prepare(name, data, artifact_type)
    if not isinstance(content, _Pieces):
        try:
            return _record(_bridge.create_artifact_sync(attempt, name, wanted, content).wait())
        except InvalidArtifactError as error:
            raise _with_hint(error, data, artifact_type) from None
    if content.asynchronous is not None:
        raise InvalidArtifactError(
            f"artifact {name!r}: an async iterator needs an event loop; "
            "use `await create_artifact(...)` in an async task"
        )
    feed = _bridge.Feed()
    making = _bridge.create_artifact_sync(attempt, name, wanted, feed)
    try:
        content.push_all(feed)
    except BaseException:
        feed.abort()
        with contextlib.suppress(Exception):
            making.wait()
        raise
    feed.close()
    return _record(making.wait())


def _with_hint(error: InvalidArtifactError, data: object, artifact_type: object) -> InvalidArtifactError:
    """Who gave a text without a type probably did not mean JSON."""
    if isinstance(data, str) and artifact_type is None and "not JSON" in str(error):
        return InvalidArtifactError(f"{error}: plain text is artifact_type=ArtifactType.TEXT")
    return error


def _prepare(
    name: str, data: Any, artifact_type: ArtifactType | str | None
) -> tuple[str | None, str | bytes | Path | _Pieces]:
    """The wire word of the type, if one is known, and the data as the bridge takes it."""
    if not isinstance(name, str):
        raise InvalidArtifactError(f"an artifact's name is a str, not {type(name).__qualname__}")
    _check_text(name, "its name")
    wanted = _type_named(name, artifact_type)
    word = None if wanted is None else wanted.value
    if isinstance(data, str):
        _check_text(data, f"artifact {name!r}: its text")
        return word, data
    if isinstance(data, dict | list):
        if wanted not in (None, ArtifactType.JSON):
            raise InvalidArtifactError(_mismatch(name, cast("object", data), wanted))
        try:
            return "json", _rich_json.encode_rich(data, "data")
        except _json.NotSerializableError as error:
            raise InvalidArtifactError(f"artifact {name!r}: {error}") from None
    if isinstance(data, bytes):
        return word, data
    converted = convert(name, data, word)
    if converted is None:
        raise InvalidArtifactError(_mismatch(name, data, wanted or ArtifactType.JSON))
    content: Any = converted.content
    return converted.media_type, _Pieces.of(name, content) or content


def _type_named(name: str, artifact_type: ArtifactType | str | None) -> ArtifactType | None:
    if artifact_type is None:
        return None
    try:
        return ArtifactType(artifact_type)
    except ValueError:
        allowed = ", ".join(member.value for member in ArtifactType)
        raise InvalidArtifactError(
            f"artifact {name!r}: {artifact_type!r} is not an artifact type: use one of {allowed}"
        ) from None


def _mismatch(name: str, data: object, wanted: ArtifactType | None) -> str:
    if wanted is ArtifactType.JSON:
        takes = "a dict, a list or ready JSON text (str)"
    elif wanted is ArtifactType.TEXT:
        takes = "a str"
    else:
        takes = "base64 text (str)"
    return (
        f"artifact {name!r}: {wanted} data is {takes}, or for any type bytes, a pathlib.Path, an open binary "
        f"file or an iterator of bytes; not {type(data).__qualname__}"
    )


def _check_text(text: str, what: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArtifactError(
            f"{what} holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            "which UTF-8 cannot carry"
        ) from None


def _record(record: ArtifactRecord) -> Artifact:
    artifact_id, job_id, name, kind, content_type, size, sha256, storage, key, created = record
    return Artifact(
        artifact_id,
        job_id,
        name,
        ArtifactType(kind),
        content_type,
        size,
        sha256,
        storage,
        key,
        moment(created),
    )


class _Pieces:
    """Data that arrives piece by piece."""

    def __init__(self, name: str, pieces: Iterator[Any] | None, asynchronous: AsyncIterator[Any] | None = None) -> None:
        self._name = name
        self._pieces = pieces
        self.asynchronous = asynchronous

    @classmethod
    def of(cls, name: str, data: Any) -> _Pieces | None:
        """The pieces of an open file or an iterator; None for anything else."""
        read = getattr(data, "read", None)
        if callable(read):
            if isinstance(data, io.TextIOBase):
                raise InvalidArtifactError(
                    f"artifact {name!r}: the file is open as text; open it in binary mode (mode='rb')"
                )
            return cls(name, iter(lambda: read(_PIECE), b""))
        if hasattr(data, "__aiter__"):
            return cls(name, None, data.__aiter__())
        if hasattr(data, "__next__"):
            return cls(name, data)
        return None

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
            f"artifact {self._name!r}: its source gave a {type(piece).__qualname__}, and an artifact is made of bytes"
        )
