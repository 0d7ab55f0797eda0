"""The record of an artifact, and through it the way to its bytes."""

from __future__ import annotations

import io
import json as json_text
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from upnext import _bridge, _json
from upnext._artifact_labels import Lifetime, description_of, lifetime_of, metadata_of, tags_of
from upnext._artifact_reader import ArtifactReader, opened_file
from upnext._context import current
from upnext._errors import ArtifactNotFoundError
from upnext._future import moment
from upnext._types import ArtifactType
from upnext._work import connection_here, connection_here_async, done, done_for_good, refuse_in_loop

if TYPE_CHECKING:
    from upnext._bridge import StoredArtifact

#: `bytes`, which `Artifact` has a method of the same name for.
Raw: TypeAlias = bytes

#: The fields of `Artifact` without `error`, the times in microseconds since 1970, metadata as JSON; then its handle.
ArtifactRecord: TypeAlias = tuple[
    str,  # id
    str,  # job_id
    str,  # name
    str,  # type
    str,  # content_type
    int,  # size_bytes
    str | None,  # sha256
    str,  # storage_backend
    str | None,  # storage_key
    int,  # created_at
    str,  # status
    str,  # function
    int,  # attempt
    int,  # version
    bool,  # latest
    str | None,  # description
    list[str],  # tags
    str | None,  # metadata
    int | None,  # expires_at
    bool,  # pinned
    "StoredArtifact",
]

#: Changes to an artifact as the bridge takes them: see `StoredArtifact.update`.
Changes: TypeAlias = tuple[str | None, list[str] | None, str | None, bool | None, bool, float | None]


@dataclass(frozen=True)
class Artifact:
    """An artifact as it was when it was looked up: the fields of the REST API, and methods that read its bytes.

    What the methods read inside a running job is noted for that job: `list_artifacts(read_by=job)` finds it. They
    raise `ArtifactNotFoundError`, which is a `LookupError`, when the artifact is gone, and `ArtifactStorageError`
    when its bytes cannot be had or are damaged. Each has a twin whose name ends in `_sync` for code without an event
    loop; inside a running loop that raises `RuntimeError`.

    Of an artifact that is being written they give what is durable so far; `follow` waits for the rest.

    >>> artifact = await upnext.get_artifact(job=future, name="report.json")
    >>> artifact.type, artifact.size_bytes, artifact.version, artifact.status
    (<ArtifactType.JSON: 'json'>, 11, 1, 'available')
    >>> await artifact.json()
    {'rows': 42}
    """

    id: str
    job_id: str
    name: str
    #: A member of `ArtifactType`, else a media type.
    type: ArtifactType | str
    content_type: str
    size_bytes: int
    #: None unless it is whole, and so is `storage_key`.
    sha256: str | None
    #: `inline` (in the job database), `local`, `s3`, `gcs`, `azure`, or `parts` unless it is whole.
    storage_backend: str
    storage_key: str | None
    created_at: datetime
    #: `available`, `writing`, `incomplete` (its attempt ended before it was closed) or `damaged`.
    status: str = "available"
    error: str | None = None
    #: The task of the job.
    function: str = ""
    #: The attempt that made it; 0 when it came from outside.
    attempt: int = 0
    #: 1 for the first artifact of this name in its job.
    version: int = 1
    #: False when the job has a newer version.
    latest: bool = True
    description: str | None = None
    tags: list[str] = field(default_factory=list, hash=False)
    metadata: dict[str, Any] | None = field(default=None, hash=False)
    #: When it is removed; None for as late as its job.
    expires_at: datetime | None = None
    #: True when no rule of retention removes it.
    pinned: bool = False

    # No field: copies and pickles of a record find their artifact again by its id.
    _stored: ClassVar[StoredArtifact | None] = None

    async def bytes(self) -> Raw:
        """All bytes, checked against their digest. They are in memory then: see `open` and `save` for large ones.

        >>> artifact = await upnext.get_artifact(job=future.job_id, name="report.json")
        >>> await artifact.bytes()
        b'{"rows":42}'
        """
        return await done((await self._find()).read_all(current.get()))

    def bytes_sync(self) -> Raw:
        """`bytes` for code without an event loop."""
        return self._find_sync("bytes").read_all(current.get()).wait()

    async def text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """All bytes as text. Raises `UnicodeDecodeError` when they are not.

        >>> await artifact.text()
        '{"rows":42}'
        """
        return (await self.bytes()).decode(encoding, errors)

    def text_sync(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """`text` for code without an event loop."""
        return self._find_sync("text").read_all(current.get()).wait().decode(encoding, errors)

    async def json(self) -> Any:
        """The value that the bytes are JSON of. Raises `json.JSONDecodeError`, a `ValueError`, when they are not.

        >>> await artifact.json()
        {'rows': 42}
        """
        return json_text.loads(await self.bytes())

    def json_sync(self) -> Any:
        """`json` for code without an event loop."""
        return json_text.loads(self._find_sync("json").read_all(current.get()).wait())

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes all bytes into a file, in constant memory, and gives its path. The file appears when it is complete,
        in the place of one that was there. Raises `OSError` when it cannot be written.

        >>> path = await artifact.save(folder / "copy.json")
        >>> path.read_text()
        '{"rows":42}'
        """
        target = Path(path)
        await done((await self._find()).save(target, current.get()))
        return target

    def save_sync(self, path: str | os.PathLike[str]) -> Path:
        """`save` for code without an event loop."""
        target = Path(path)
        self._find_sync("save").save(target, current.get()).wait()
        return target

    def open(self) -> ArtifactReader:
        """Opens it for reading piece by piece, in constant memory.

        >>> async with artifact.open() as reader:
        ...     head = await reader.read(1024)
        ...     rest = sum([len(chunk) async for chunk in reader])
        """
        return ArtifactReader(self._find, self.name)

    def open_sync(self) -> io.BufferedReader:
        """A file for code without an event loop: binary, seekable, in constant memory. It reads only what is asked
        for, and some bytes ahead.

        >>> with artifact.open_sync() as file:
        ...     report = json.load(file)
        """
        refuse_in_loop("open_sync()", "async with artifact.open()")
        return opened_file(self.handle().open(current.get()).wait(), self.name)

    async def follow(self, start: int = 0) -> AsyncIterator[Raw]:
        """The bytes from `start` on, and while it is being written all that come later. Ends when it is closed, or the
        attempt that writes it is over.

        >>> async for chunk in artifact.follow():
        ...     print(chunk.decode(), end="")
        """
        follower = await done((await self._find()).follow(_checked_start(start), current.get()))
        while piece := await done(follower.next()):
            yield piece

    def follow_sync(self, start: int = 0) -> Iterator[Raw]:
        """`follow` for code without an event loop."""
        refuse_in_loop("follow_sync()", "async for chunk in artifact.follow()")
        follower = self.handle().follow(_checked_start(start), current.get()).wait()
        return iter(lambda: follower.next().wait(), b"")

    async def update(
        self,
        *,
        description: str | EllipsisType | None = ...,
        tags: Iterable[str] | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | EllipsisType | None = ...,
        pinned: bool | EllipsisType = ...,
        expires_in: Lifetime = ...,
    ) -> Artifact:
        """Changes what is written on the artifact, and gives its record as it is then. What is not named stays as it
        is; None takes a description, all tags, metadata or an expiry away. `expires_in` counts from now, in seconds or
        as a timedelta. Raises `InvalidArtifactError` for what breaks a rule.

        >>> artifact = await artifact.update(tags=["best"], pinned=True)
        """
        changes = self._changes(description, tags, metadata, pinned, expires_in)
        return artifact_of(await done_for_good((await self._find()).update(changes)))

    def update_sync(
        self,
        *,
        description: str | EllipsisType | None = ...,
        tags: Iterable[str] | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | EllipsisType | None = ...,
        pinned: bool | EllipsisType = ...,
        expires_in: Lifetime = ...,
    ) -> Artifact:
        """`update` for code without an event loop."""
        changes = self._changes(description, tags, metadata, pinned, expires_in)
        return artifact_of(self._find_sync("update").update(changes).wait())

    async def delete(self) -> bool:
        """Removes the artifact. False when it was gone already.

        >>> await artifact.delete(), await artifact.delete()
        (True, False)
        """
        try:
            return await done_for_good((await self._find()).delete())
        except ArtifactNotFoundError:
            return False

    def delete_sync(self) -> bool:
        """`delete` for code without an event loop."""
        try:
            return self._find_sync("delete").delete().wait()
        except ArtifactNotFoundError:
            return False

    def _changes(self, description: Any, tags: Any, metadata: Any, pinned: Any, expires_in: Any) -> Changes:
        return (
            None if description is ... else description_of(self.name, description) or "",
            None if tags is ... else tags_of(self.name, () if tags is None else tags),
            None if metadata is ... else "null" if metadata is None else metadata_of(self.name, metadata),
            None if pinned is ... else bool(pinned),
            expires_in is not ...,
            None if expires_in is ... else lifetime_of(self.name, expires_in),
        )

    async def _find(self) -> StoredArtifact:
        stored = self._stored
        if stored is not None and stored.is_ours:
            return stored
        found = await done(_bridge.find_artifact(await connection_here_async(), self.id))
        return handle_of(found, self.id)

    def _find_sync(self, method: str) -> StoredArtifact:
        refuse_in_loop(f"{method}_sync()", f"await artifact.{method}()")
        return self.handle()

    def handle(self) -> StoredArtifact:
        """What reads it where this process is connected."""
        stored = self._stored
        if stored is not None and stored.is_ours:
            return stored
        return handle_of(_bridge.find_artifact(connection_here(), self.id).wait(), self.id)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_stored"}


def handle_of(record: ArtifactRecord | None, artifact_id: str) -> StoredArtifact:
    """The handle in a record that was looked for."""
    if record is None:
        raise ArtifactNotFoundError(f"there is no artifact {artifact_id}")
    return record[-1]


def artifact_of(record: ArtifactRecord) -> Artifact:
    """The artifact that a record from the bridge describes."""
    (
        artifact_id,
        job_id,
        name,
        kind,
        content_type,
        size,
        sha256,
        storage,
        key,
        created,
        status,
        function,
        attempt,
        version,
        latest,
        description,
        tags,
        metadata,
        expires,
        pinned,
        stored,
    ) = record
    artifact = Artifact.__new__(Artifact)
    # Done for each artifact that is made: a frozen dataclass takes longer to fill itself, field by field.
    vars(artifact).update(
        id=artifact_id,
        job_id=job_id,
        name=name,
        type=type_of(kind),
        content_type=content_type,
        size_bytes=size,
        sha256=sha256,
        storage_backend=storage,
        storage_key=key,
        created_at=moment(created),
        status=status,
        error=None,
        function=function,
        attempt=attempt,
        version=version,
        latest=latest,
        description=description,
        tags=tags,
        metadata=None if metadata is None else _json.decode(metadata),
        expires_at=None if expires is None else moment(expires),
        pinned=pinned,
        _stored=stored,
    )
    return artifact


_NAMED = {member.value: member for member in ArtifactType}


def type_of(word: str) -> ArtifactType | str:
    """A named type as its member; any other media type as it is."""
    return _NAMED.get(word, word)


def _checked_start(start: int) -> int:
    if isinstance(start, bool) or not isinstance(start, int) or start < 0:
        raise ValueError(f"start is the number of a byte, 0 or more, not {start!r}")
    return start
