"""Making artifacts inside jobs: what data may be, and how it travels to Rust."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from upnext import _bridge
from upnext._artifact import Artifact, ArtifactRecord, artifact_of
from upnext._artifact_data import ArtifactData
from upnext._artifact_labels import Lifetime, check_text, extras_of
from upnext._artifact_pieces import Pieces
from upnext._artifact_type import checked_name, type_word
from upnext._context import current_attempt
from upnext._convert import convert, is_slow
from upnext._convert_forms import form_named, is_json
from upnext._errors import InvalidArtifactError
from upnext._mailbox import mailbox_of
from upnext._types import ArtifactType
from upnext._work import refuse_in_loop


async def create_artifact(
    name: str,
    data: ArtifactData,
    artifact_type: ArtifactType | str | None = None,
    *,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
    key: str | None = None,
    sha256: str | None = None,
) -> Artifact:
    """Makes an artifact of the running job. When this returns, its bytes and record are durable and listed.

    >>> report = await upnext.create_artifact("report.json", {"rows": 42}, tags=["daily"])
    >>> chart = await upnext.create_artifact("loss.png", figure, expires_in=timedelta(days=7))

    `name` has 1 to 255 characters and may hold `/`. The same name again makes a new version.

    `data` is a str (as the type writes it: JSON text, the text itself, else base64), a dict or list (JSON), anything
    that holds bytes, a `pathlib.Path`, an open binary file, an iterator of bytes, sync or async, a dataclass or a
    pydantic model (JSON), a table of pandas, polars or pyarrow (CSV, or Parquet, Arrow and more by the name), an array
    of numpy, a figure of matplotlib or plotly, an image of PIL, or any object with `_repr_mimebundle_`, `_repr_html_`,
    `_repr_svg_` or `_repr_png_`.

    `artifact_type` is a member of `ArtifactType` or any media type (`"text/markdown"`). Without it a str, dict or list
    is JSON; for all others the object decides, then the name's extension, then the first bytes.

    - `description`: a text of up to 4096 characters; `tags`: up to 32 words to find it by; `metadata`: one JSON object.
    - `expires_in`: seconds or a timedelta, after which it is removed. By default the task's `artifact_ttl`, and without
      one, or with None, it is kept as long as its job.
    - `key`: the same key again in the same job answers what the first call made.
    - `sha256`: the digest that the bytes must have, in 64 hex digits.

    Raises `RuntimeError` outside a job, and subclasses of `ArtifactError`: `InvalidArtifactError` (also a `ValueError`)
    when a rule is broken, `ArtifactTooLargeError`, `ArtifactStorageError`, `StaleLeaseError`. Nothing is kept then.
    """
    attempt = current_attempt("create_artifact()")
    extras = extras_of(attempt, checked_name(name), description, tags, metadata, expires_in, key, sha256)
    # Drawing or writing a table takes its time, which is not the loop's.
    prepare = asyncio.to_thread(_prepare, name, data, artifact_type) if is_slow(data) else None
    wanted, content = _prepare(name, data, artifact_type) if prepare is None else await prepare
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[ArtifactRecord] = loop.create_future()
    mailbox = mailbox_of(loop)
    if not isinstance(content, Pieces):
        _bridge.create_artifact(attempt, mailbox, answer, name, wanted, content, extras)
        try:
            return artifact_of(await answer)
        except InvalidArtifactError as error:
            raise _with_hint(error, data, artifact_type) from None
    feed = _bridge.Feed()
    with contextlib.closing(content):
        _bridge.create_artifact(attempt, mailbox, answer, name, wanted, feed, extras)
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
    return artifact_of(await answer)


def create_artifact_sync(
    name: str,
    data: ArtifactData,
    artifact_type: ArtifactType | str | None = None,
    *,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
    key: str | None = None,
    sha256: str | None = None,
) -> Artifact:
    """`create_artifact` for sync tasks. It takes no async iterators, and raises `RuntimeError` in a running loop.

    >>> chart = upnext.create_artifact_sync("loss.png", figure)
    """
    refuse_in_loop("create_artifact_sync()", "await create_artifact(...)")
    attempt = current_attempt("create_artifact_sync()")
    extras = extras_of(attempt, checked_name(name), description, tags, metadata, expires_in, key, sha256)
    wanted, content = _prepare(name, data, artifact_type)
    if not isinstance(content, Pieces):
        try:
            return artifact_of(_bridge.create_artifact_sync(attempt, name, wanted, content, extras).wait())
        except InvalidArtifactError as error:
            raise _with_hint(error, data, artifact_type) from None
    if content.asynchronous is not None:
        raise InvalidArtifactError(
            f"artifact {name!r}: an async iterator needs an event loop; "
            "use `await create_artifact(...)` in an async task"
        )
    feed = _bridge.Feed()
    with contextlib.closing(content):
        making = _bridge.create_artifact_sync(attempt, name, wanted, feed, extras)
        try:
            content.push_all(feed)
        except BaseException:
            feed.abort()
            with contextlib.suppress(Exception):
                making.wait()
            raise
    feed.close()
    return artifact_of(making.wait())


def _with_hint(error: InvalidArtifactError, data: object, artifact_type: object) -> InvalidArtifactError:
    """Who gave a text without a type probably did not mean JSON."""
    if isinstance(data, str) and artifact_type is None and "not JSON" in str(error):
        return InvalidArtifactError(f"{error}: plain text is artifact_type=ArtifactType.TEXT")
    return error


def _prepare(name: str, data: object, artifact_type: object) -> tuple[str | None, str | bytes | Path | Pieces]:
    """The wire word of the type, if one is known, and the data as the bridge takes it."""
    word = type_word(name, artifact_type)
    if isinstance(data, str):
        check_text(data, f"artifact {name!r}: its text")
        return word, data
    if isinstance(data, dict | list) and word is not None and not is_json(form_named(word)):
        raise InvalidArtifactError(_mismatch(name, cast("object", data), word))
    converted = convert(name, data, word)
    if converted is None:
        raise InvalidArtifactError(_mismatch(name, data, word or "json"))
    media_type, content = converted.media_type, converted.content
    if isinstance(content, str):
        # JSON of an object. As any other type, its text would be taken for base64.
        is_text = media_type is None or is_json(form_named(media_type))
        return media_type, content if is_text else content.encode()
    if isinstance(content, bytes | Path):
        return media_type, content
    return media_type, Pieces.of(name, content)


def _mismatch(name: str, data: object, wanted: str) -> str:
    form = form_named(wanted)
    if is_json(form):
        takes = "a dict, a list or ready JSON text (str)"
    elif form == "text" or form.startswith("text/"):
        takes = "a str"
    else:
        takes = "base64 text (str)"
    return (
        f"artifact {name!r}: {wanted} data is {takes}, or for any type bytes, a pathlib.Path, an open binary "
        "file, an iterator of bytes, or an object that can be written so: a table, figure, image, array, model, "
        f"dataclass, or one that shows itself; not {type(data).__qualname__}"
    )
