"""What data may be: `convert` turns whatever a program has at hand into the bytes of an artifact.

No library is imported for it. An object is known by the classes it descends from, and its library is there already.
How each is written stands in the `_convert_*` modules.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from upnext import _convert_pictures, _convert_tables, _rich_json
from upnext._convert_display import display_forms, from_display, shows_itself
from upnext._convert_forms import (
    BINARY,
    NPY,
    Content,
    Converted,
    Source,
    failures_of,
    form_named,
    form_of_name,
    is_json,
)
from upnext._errors import InvalidArtifactError
from upnext._json import NotSerializableError, type_name

__all__ = ["Converted", "convert", "is_slow"]

#: The classes that are known, by library and name, and who makes a source of them.
_KNOWN: dict[tuple[str, str], Callable[[Any, str], Source]] = {
    ("pandas", "DataFrame"): _convert_tables.from_pandas,
    ("pandas", "Series"): _convert_tables.from_pandas,
    ("polars", "DataFrame"): _convert_tables.from_polars,
    ("polars", "Series"): _convert_tables.from_polars,
    ("polars", "LazyFrame"): _convert_tables.from_polars,
    ("pyarrow", "Table"): _convert_tables.from_pyarrow,
    ("pyarrow", "RecordBatch"): _convert_tables.from_pyarrow,
    ("pyarrow", "RecordBatchReader"): _convert_tables.from_pyarrow,
    ("numpy", "MaskedArray"): _convert_tables.from_numpy,
    ("numpy", "ndarray"): _convert_tables.from_numpy,
    ("PIL", "Image"): lambda image, _: _convert_pictures.from_pil(image),
    ("matplotlib", "Figure"): _convert_pictures.from_matplotlib,
    ("matplotlib", "SubFigure"): _convert_pictures.from_matplotlib,
    ("matplotlib", "Axes"): _convert_pictures.from_matplotlib,
    ("plotly", "BaseFigure"): lambda figure, _: _convert_pictures.from_plotly(figure),
}

_LIBRARIES = frozenset(library for library, _ in _KNOWN)


def convert(name: str, data: object, wanted: str | None) -> Converted | None:
    """`data` as the content of the artifact `name`; None if it is nothing that can be stored.

    `wanted` is a word of `ArtifactType` or a media type, and wins; then the name's extension decides, where the data
    can be written that way, then the data itself: a table is CSV, a figure or an image PNG, a plotly figure HTML, a
    model or a dataclass JSON. Bytes, paths, files and iterators are passed on as they are.

    It may take its time (see `is_slow`) and can be called in any thread. A `StagedFile` as content is a temporary file:
    closing it, or letting go of it, gives the disk its space back.
    """
    if isinstance(data, str | bytes):
        return Converted(data, wanted)
    if isinstance(data, dict | list):
        if wanted is None or wanted == "json":
            # The short way of what is stored most.
            try:
                return Converted(_encoded(data), "json")
            except NotSerializableError as error:
                raise InvalidArtifactError(f"artifact {name!r}: {error}") from None
        return _json_source(f"a {type(data).__name__}", data).convert(name, wanted)
    if isinstance(data, bytearray | memoryview):
        return Converted(bytes(data), wanted)
    if isinstance(data, os.PathLike):
        return Converted(Path(os.fsdecode(data)), wanted)
    if isinstance(data, type):
        raise InvalidArtifactError(
            f"artifact {name!r}: its data is the class {data.__qualname__}, not an instance of it"
        )
    return _convert_object(name, data, wanted)


def _convert_object(name: str, data: Any, wanted: str | None) -> Converted | None:
    source = None
    with failures_of(name, f"its {type_name(data)} could not be read", "mend it or give its bytes"):
        known = _class_known(data)
        if known is not None and not _is_bytes(known, data, _asked(name, wanted)):
            source = _KNOWN[known](data, known[1])
        if source is None:
            stream = _stream(name, data)
            if stream is not None:
                return Converted(stream, wanted)
            source = _self_describing(data, _asked(name, wanted))
    if source is not None:
        return source.convert(name, wanted)
    buffer = _buffer(data)
    return None if buffer is None else Converted(buffer, wanted)


def is_slow(data: object) -> bool:
    """Whether `convert` has work to do for this that does not belong on an event loop: drawing, writing a table, asking
    a foreign object to show itself. What is passed on as it is, and plain dicts and lists, take no thread."""
    if isinstance(data, str | bytes | dict | list | bytearray | memoryview | os.PathLike | type):
        return False
    return (
        _class_known(data) is not None
        or _rich_json.is_model(data)
        or _rich_json.is_dataclass_instance(data)
        or shows_itself(data)
    )


def _class_known(data: object) -> tuple[str, str] | None:
    """The nearest known class that the object descends from."""
    for kind in type(data).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in _LIBRARIES and (library, kind.__name__) in _KNOWN:
            return library, kind.__name__
    return None


def _asked(name: str, wanted: str | None) -> str | None:
    """The form that the type asks for, else the name."""
    return form_of_name(name) if wanted is None or form_named(wanted) == BINARY else form_named(wanted)


def _is_bytes(known: tuple[str, str], data: Any, asked: str | None) -> bool:
    """Whether this is an array that is meant as the bytes it holds. Its forms as an array have to be asked for."""
    return known == ("numpy", "ndarray") and asked not in (NPY, "json") and _convert_tables.is_plain_bytes(data)


def _stream(name: str, data: Any) -> Content | None:
    """An open file or an iterator, which give their bytes piece by piece."""
    if callable(getattr(data, "read", None)):
        # What `tempfile` gives is a shell around the file.
        if isinstance(data, io.TextIOBase) or isinstance(getattr(data, "file", None), io.TextIOBase):
            raise InvalidArtifactError(
                f"artifact {name!r}: the file is open as text; open it in binary mode (mode='rb')"
            )
        return data  # type: ignore[no-any-return]
    return data if hasattr(data, "__aiter__") or hasattr(data, "__next__") else None


def _self_describing(data: Any, asked: str | None) -> Source | None:
    """A model, a dataclass, or an object that shows itself."""
    shows = shows_itself(data)
    if not _rich_json.is_model(data) and not _rich_json.is_dataclass_instance(data):
        return from_display(data) if shows else None
    source = _json_source(f"the {type_name(data)}", data)
    # Drawn only when asked for: they are data first.
    if shows and asked is not None and not is_json(asked):
        source.forms.update((form, show) for form, show in display_forms(data).items() if form != "json")
    return source


def _json_source(what: str, data: Any) -> Source:
    return Source(what, {"json": lambda: _rich_json.model_json(data) if _rich_json.is_model(data) else _encoded(data)})


def _encoded(data: Any) -> str:
    return _rich_json.encode_rich(data, "data")


def _buffer(data: Any) -> bytes | None:
    """The bytes of an object that shares its memory, like `array.array`. Numbers of numpy do so, too, and mean none."""
    if any(kind.__name__ == "generic" and kind.__module__ == "numpy" for kind in type(data).__mro__):
        return None
    try:
        return memoryview(data).tobytes()
    except (TypeError, BufferError):
        return None
