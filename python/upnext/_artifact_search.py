"""Finding artifacts, from inside jobs and from any other process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict

from upnext import _bridge
from upnext._artifact import Artifact, ArtifactRecord, artifact_of
from upnext._errors import ArtifactNotFoundError
from upnext._types import ArtifactType
from upnext._work import connection_here, connection_here_async, done, refuse_in_loop

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from upnext._task import TaskHandle

#: Artifacts that are asked for at once.
_PAGE = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class HasJob(Protocol):
    """What belongs to a job: a `Future`, a `TaskResult`, a `Context`, an `Artifact`."""

    @property
    def job_id(self) -> str:
        """The job's id."""
        ...


#: A job, by its id or by what belongs to it.
JobRef: TypeAlias = str | HasJob


class ArtifactFilters(TypedDict, total=False):
    """Which artifacts to list. All that are given have to fit; None is the same as left out.

    >>> filters: upnext.ArtifactFilters = {"function": "train", "min_size": 1}
    >>> [artifact.name for artifact in await upnext.list_artifacts(**filters)]
    ['model.bin']
    """

    #: Only those of this job: its id, or what has a `job_id`.
    job: JobRef | None
    #: Only those of the tree of jobs under this root, the root included.
    root: JobRef | None
    #: Only those that this job has read.
    read_by: JobRef | None
    #: Only those of jobs of this task: its key, or the task.
    function: str | TaskHandle[Any, Any] | None
    #: Only this type: a member of `ArtifactType` or a media type.
    type: ArtifactType | str | None
    #: Only this very name.
    name: str | None
    #: Only names that contain this text, letter case aside.
    name_contains: str | None
    #: Only names of this shape: `*` any characters, `?` one, `[a-z]` one of these. Letter case counts.
    glob: str | None
    #: Only those that have each of these tags.
    tags: Iterable[str] | None
    #: Only those in whose name, description, tags or metadata each of these words occurs, letter case aside.
    search: str | None
    #: Only those of at least this many bytes.
    min_size: int | None
    #: Only those of at most this many bytes.
    max_size: int | None
    #: Only those recorded at or after this moment, which has a time zone.
    after: datetime | None
    #: Only those recorded before this moment.
    before: datetime | None
    #: Older versions of the same name in the same job, too.
    all_versions: bool


class Filter(TypedDict):
    """The same as the bridge takes it."""

    job: str | None
    root: str | None
    read_by: str | None
    function: str | None
    type: str | None
    name: str | None
    name_contains: str | None
    glob: str | None
    tags: list[str]
    search: str | None
    min_size: int | None
    max_size: int | None
    after: int | None
    before: int | None
    all_versions: bool
    sort: str
    limit: int
    cursor: str | None


async def get_artifact(
    artifact_id: str | None = None,
    /,
    *,
    job: JobRef | None = None,
    function: str | TaskHandle[Any, Any] | None = None,
    name: str | None = None,
) -> Artifact:
    """One artifact: by its id, or the newest version of a name in a job, or the newest of a name in any job of a task.

    >>> report = await upnext.get_artifact(job=future, name="report.json")
    >>> model = await upnext.get_artifact(function="train", name="model.bin")
    >>> again = await upnext.get_artifact(model.id)

    Of a task it is the newest that is whole; only if none is, the newest that is being written or was never completed.
    Raises `ArtifactNotFoundError`, which is a `LookupError`, when there is none.
    """
    steps = _Lookup(artifact_id, job, function, name)
    connection = await connection_here_async()
    if artifact_id is not None:
        return steps.found(await done(_bridge.find_artifact(connection, artifact_id)))
    while (wanted := steps.page()) is not None:
        steps.take(*await done(_bridge.list_artifacts(connection, wanted)))
    return steps.found(steps.best)


def get_artifact_sync(
    artifact_id: str | None = None,
    /,
    *,
    job: JobRef | None = None,
    function: str | TaskHandle[Any, Any] | None = None,
    name: str | None = None,
) -> Artifact:
    """`get_artifact` for code without an event loop.

    >>> upnext.get_artifact_sync(job=future, name="report.json").json_sync()
    {'rows': 42}
    """
    refuse_in_loop("get_artifact_sync()", "await get_artifact(...)")
    steps = _Lookup(artifact_id, job, function, name)
    connection = connection_here()
    if artifact_id is not None:
        return steps.found(_bridge.find_artifact(connection, artifact_id).wait())
    while (wanted := steps.page()) is not None:
        steps.take(*_bridge.list_artifacts(connection, wanted).wait())
    return steps.found(steps.best)


async def list_artifacts(
    *, sort: str = "-created_at", limit: int | None = 100, **filters: Unpack[ArtifactFilters]
) -> list[Artifact]:
    """The artifacts that fit the filters (see `ArtifactFilters`), at most `limit`; all of them with None.

    >>> models = await upnext.list_artifacts(function="train", tags=["best"], after=yesterday)
    >>> charts = await upnext.list_artifacts(job=future, glob="charts/*.png", sort="name")

    `sort` is one of `-created_at` (the newest first), `created_at`, `-size` (the largest first), `size`, `name` and
    `-name`. Raises `ValueError` for a filter that means nothing, such as a text that is no job's id.
    """
    return [artifact async for artifact in iter_artifacts(sort=sort, limit=limit, **filters)]


def list_artifacts_sync(
    *, sort: str = "-created_at", limit: int | None = 100, **filters: Unpack[ArtifactFilters]
) -> list[Artifact]:
    """`list_artifacts` for code without an event loop.

    >>> [artifact.name for artifact in upnext.list_artifacts_sync(job=future)]
    ['report.json']
    """
    refuse_in_loop("list_artifacts_sync()", "await list_artifacts(...)")
    return list(every_artifact(sort, limit, **filters))


async def iter_artifacts(
    *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[ArtifactFilters]
) -> AsyncIterator[Artifact]:
    """The same, one after the other, however many there are.

    >>> async for artifact in upnext.iter_artifacts(root=future):
    ...     print(artifact.name, artifact.size_bytes)
    """
    pages = _Pages(sort, limit, filters)
    connection = await connection_here_async()
    while (wanted := pages.next()) is not None:
        for artifact in pages.take(*await done(_bridge.list_artifacts(connection, wanted))):
            yield artifact


def iter_artifacts_sync(
    *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[ArtifactFilters]
) -> Iterator[Artifact]:
    """`iter_artifacts` for code without an event loop.

    >>> for artifact in upnext.iter_artifacts_sync(root=future):
    ...     print(artifact.name, artifact.size_bytes)
    report.json 11
    """
    refuse_in_loop("iter_artifacts_sync()", "async for ... in iter_artifacts(...)")
    return every_artifact(sort, limit, **filters)


def every_artifact(sort: str, limit: int | None, **filters: Unpack[ArtifactFilters]) -> Iterator[Artifact]:
    """The artifacts that fit, in a thread that may wait."""
    pages = _Pages(sort, limit, filters)
    connection = connection_here()
    while (wanted := pages.next()) is not None:
        yield from pages.take(*_bridge.list_artifacts(connection, wanted).wait())


class _Pages:
    """How far a listing is."""

    def __init__(self, sort: str, limit: int | None, filters: ArtifactFilters) -> None:
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise ValueError(f"limit is a whole number of at least 0, or None for no limit, not {limit!r}")
        self._filter = _filter(filters, sort)
        self._left = limit
        self._more = limit != 0

    def next(self) -> Filter | None:
        """The page to ask for; None at the end."""
        if not self._more:
            return None
        self._filter["limit"] = _PAGE if self._left is None else min(self._left, _PAGE)
        return self._filter

    def take(self, records: list[ArtifactRecord], cursor: str | None) -> list[Artifact]:
        """The artifacts of that page."""
        self._filter["cursor"] = cursor
        if self._left is not None:
            self._left -= len(records)
        self._more = cursor is not None and self._left != 0
        return [artifact_of(record) for record in records]


class _Lookup:
    """The search for one artifact."""

    def __init__(self, artifact_id: object, job: Any, function: Any, name: object) -> None:
        given = [part for part in (artifact_id, job, function, name) if part is not None]
        if len(given) != (2 if artifact_id is None else 1) or (artifact_id is None and name is None):
            raise TypeError(
                "an artifact is found by its id, by job= and name=, or by function= and name=: give one of these"
            )
        if artifact_id is not None and not isinstance(artifact_id, str):
            raise TypeError(f"an artifact's id is a str, not {type(artifact_id).__qualname__}")
        self.best: ArtifactRecord | None = None
        self._of_function = function is not None
        self._page: Filter | None = None
        self._what = f"artifact {artifact_id}"
        if name is not None:
            filters = ArtifactFilters(job=job, function=function, name=str(name), all_versions=self._of_function)
            self._page = _filter(filters, "-created_at")
            self._page["limit"] = 20 if self._of_function else 1
            owner = f"function {self._page['function']}" if self._of_function else f"job {self._page['job']}"
            self._what = f"artifact {name!r} of {owner}"
            if not self._of_function and not _bridge.is_job_id(self._page["job"] or ""):
                # What is no id names no job, as one that is unknown.
                self._page = None

    def page(self) -> Filter | None:
        """The page to look at; None when the search is over."""
        return self._page

    def take(self, records: list[ArtifactRecord], cursor: str | None) -> None:
        """Looks at that page."""
        whole = (record for record in records if record[6] is not None) if self._of_function else iter(records)
        found = next(whole, None)
        self.best = found or self.best or next(iter(records), None)
        if found is not None or cursor is None:
            self._page = None
        elif self._page is not None:
            self._page["cursor"] = cursor

    def found(self, record: ArtifactRecord | None) -> Artifact:
        """The artifact, if there is one."""
        if record is None:
            raise ArtifactNotFoundError(f"there is no {self._what}")
        return artifact_of(record)


def _filter(filters: ArtifactFilters, sort: str) -> Filter:
    unknown = filters.keys() - ArtifactFilters.__annotations__.keys()
    if unknown:
        known = ", ".join(ArtifactFilters.__annotations__)
        raise TypeError(f"artifacts cannot be listed by {', '.join(sorted(unknown))}: use {known}, sort or limit")
    function = filters.get("function")
    kind = filters.get("type")
    tags = filters.get("tags") or ()
    return Filter(
        job=_job(filters.get("job")),
        root=_job(filters.get("root")),
        read_by=_job(filters.get("read_by")),
        function=function if function is None or isinstance(function, str) else function.key,
        type=None if kind is None else str(kind),
        name=filters.get("name"),
        name_contains=filters.get("name_contains"),
        glob=filters.get("glob"),
        tags=[tags] if isinstance(tags, str) else list(tags),
        search=filters.get("search"),
        min_size=_size(filters.get("min_size"), "min_size"),
        max_size=_size(filters.get("max_size"), "max_size"),
        after=_micros(filters.get("after"), "after"),
        before=_micros(filters.get("before"), "before"),
        all_versions=bool(filters.get("all_versions")),
        sort=sort,
        limit=_PAGE,
        cursor=None,
    )


def _job(job: JobRef | None) -> str | None:
    return job if job is None or isinstance(job, str) else job.job_id


def _size(size: int | None, what: str) -> int | None:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**63):
        raise ValueError(f"{what} is a number of bytes, 0 or more, not {size!r}")
    return size


def _micros(moment: datetime | None, what: str) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{what} is a datetime with a time zone, such as datetime.now(timezone.utc), not {moment!r}")
    return (moment - _EPOCH) // timedelta(microseconds=1)
