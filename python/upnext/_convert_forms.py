"""Forms: the media types an object can be written as, and the rule that chooses one of them.

What the objects are and how each is written stands in the other `_convert_*` modules; this one imports no library.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from upnext._convert_staging import StagedFile
from upnext._errors import ArtifactError, ArtifactStorageError, InvalidArtifactError
from upnext._json import NotSerializableError

#: What an artifact's data becomes. Text stands for JSON text or for base64, as the type says.
Content: TypeAlias = str | bytes | Path | StagedFile | IO[bytes] | Iterator[Any] | AsyncIterator[Any]

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.file"
NDJSON = "application/x-ndjson"
TSV = "text/tab-separated-values"
NPY = "application/x-npy"
MARKDOWN = "text/markdown"
LATEX = "text/latex"
BINARY = "file/binary"

#: Each form's extensions. The types of the contract go by their own words, all others by their media type.
_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "json": ("json",),
    "text": ("txt", "log"),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
    "image/svg": ("svg",),
    "file/pdf": ("pdf",),
    "file/csv": ("csv",),
    "file/xml": ("xml",),
    "file/html": ("html", "htm"),
    PARQUET: ("parquet", "pq"),
    ARROW: ("arrow", "feather", "ipc"),
    NDJSON: ("ndjson", "jsonl"),
    TSV: ("tsv",),
    NPY: ("npy",),
    MARKDOWN: ("md", "markdown"),
    LATEX: ("tex",),
    "image/tiff": ("tif", "tiff"),
    "image/bmp": ("bmp",),
    "image/avif": ("avif",),
}

_BY_EXTENSION = {extension: word for word, extensions in _EXTENSIONS.items() for extension in extensions}

#: Other names of the same forms.
_ALIASES = {
    "application/json": "json",
    "text/json": "json",
    "text/plain": "text",
    "image/jpg": "image/jpeg",
    "image/svg+xml": "image/svg",
    "application/pdf": "file/pdf",
    "text/csv": "file/csv",
    "application/xml": "file/xml",
    "text/xml": "file/xml",
    "text/html": "file/html",
    "application/octet-stream": BINARY,
    "application/parquet": PARQUET,
    "application/x-parquet": PARQUET,
    "application/arrow": ARROW,
    "application/vnd.apache.arrow": ARROW,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "application/x-jsonl": NDJSON,
    "application/jsonlines": NDJSON,
    "application/x-jsonlines": NDJSON,
    "text/x-markdown": MARKDOWN,
    "text/x-latex": LATEX,
    "application/x-latex": LATEX,
    "application/x-tex": LATEX,
}

#: The disk is full, or this user's share of it.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Converted:
    """Data in the shape in which it is stored, and its type: a word of `ArtifactType` or any other media type, or None
    where the name's extension and the first bytes shall decide."""

    content: Content
    media_type: str | None


class RefusedFormError(Exception):
    """A form that one object cannot have. The sentence says why, and the way out; the artifact's name is added."""


class NothingShownError(Exception):
    """The object was asked for a form that it seemed to have, and gave nothing."""


def form_named(media_type: str) -> str:
    """The form that a media type or a word of `ArtifactType` stands for."""
    essence = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(essence, essence)


def form_of_name(name: str) -> str | None:
    """The form that a name's extension stands for."""
    _, dot, extension = name.rpartition("/")[2].rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if dot else None


def is_json(form: str) -> bool:
    """Whether the form is JSON, under its own or a more special name."""
    return form == "json" or form.endswith("+json")


@dataclass(frozen=True)
class Source:
    """An object that can be written: in which forms, the one that it would choose first, and by whom."""

    #: How errors call it: 'a pandas DataFrame'.
    what: str
    forms: dict[str, Callable[[], Content]]

    def convert(self, name: str, wanted: str | None) -> Converted:
        """The object as the wanted type, else as the name's extension says, else as it would choose itself."""
        if wanted is None or not self.forms:
            first = self._unasked(name)
            for form in sorted(self.forms, key=lambda form: form != first):
                try:
                    return Converted(self._write(name, form), form)
                except NothingShownError:
                    continue
            raise InvalidArtifactError(f"artifact {name!r}: {self.what} gave nothing to store")
        form = self._asked(name, wanted)
        try:
            return Converted(self._write(name, form), wanted)
        except NothingShownError:
            raise InvalidArtifactError(
                f"artifact {name!r}: {self.what} gave nothing for the type {wanted}: leave the type out to "
                "store what it gives by itself"
            ) from None

    def _unasked(self, name: str) -> str | None:
        form = form_of_name(name)
        return form if form in self.forms else next(iter(self.forms), None)

    def _asked(self, name: str, wanted: str) -> str:
        form = form_named(wanted)
        if form in self.forms:
            return form
        # Whatever the bytes are, they are binary.
        usual = self._unasked(name)
        if form == BINARY and usual is not None:
            return usual
        if is_json(form) and "json" in self.forms:
            return "json"
        possible = ", ".join(_shown(form) for form in self.forms)
        raise InvalidArtifactError(
            f"artifact {name!r}: {self.what} cannot be written as {wanted}, only as {possible}: ask for one of "
            "these or leave the type out"
        )

    def _write(self, name: str, form: str) -> Content:
        others = ", ".join(_shown(other) for other in self.forms if other != form)
        way_out = f"mend it, store it as one of {others}, or give its bytes" if others else "mend it or give its bytes"
        with failures_of(name, f"{self.what} could not be written as {form}", way_out):
            return self.forms[form]()


@contextmanager
def failures_of(name: str, failure: str, way_out: str) -> Iterator[None]:
    """Turns what a library or a foreign object raises into an error of the artifact. `failure` is what went wrong."""
    try:
        yield
    except (ArtifactError, NothingShownError, MemoryError):
        raise
    except RefusedFormError as error:
        raise InvalidArtifactError(f"artifact {name!r}: {error}") from error.__cause__
    except NotSerializableError as error:
        raise InvalidArtifactError(f"artifact {name!r}: {error}") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise ArtifactStorageError(
                f"artifact {name!r}: there is no room for temporary files ({error}): free some, or set TMPDIR to a "
                "folder that has it"
            ) from error
        raise InvalidArtifactError(f"artifact {name!r}: {failure}: {cause_of(error)}: {way_out}") from error


def cause_of(error: BaseException) -> str:
    """An exception in one line."""
    sentence = " ".join(str(error).split()).rstrip(".:")
    kind = type(error).__name__
    return f"{kind}: {sentence}" if sentence else kind


def _shown(form: str) -> str:
    extensions = _EXTENSIONS.get(form)
    return f"{form} (.{extensions[0]})" if extensions else form
