"""Tables of pandas, polars and pyarrow, and arrays of numpy. Each library is reached through the object at hand.

A pandas index is written when it says something: when it has a name, or is not the plain 0, 1, 2 ... that every frame
starts with. Parquet and Arrow keep it the way pandas itself reads it back.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import IO, Any

from upnext import _rich_json
from upnext._convert_forms import ARROW, NDJSON, NPY, PARQUET, TSV, Content, RefusedFormError, Source
from upnext._convert_staging import staged

#: Rows that are turned into text at once.
_ROWS = 20_000


def from_pandas(data: Any, kind: str) -> Source:
    """A DataFrame or a Series."""

    def frame() -> Any:
        return data.to_frame() if kind == "Series" else data

    return Source(
        f"a pandas {kind}",
        {
            "file/csv": lambda: staged(_pandas_csv(frame(), ",")),
            TSV: lambda: staged(_pandas_csv(frame(), "\t")),
            PARQUET: lambda: staged(frame().to_parquet),
            ARROW: lambda: staged(lambda file: _arrow_file(_arrow_of_pandas(frame()), file)),
            "json": lambda: staged(lambda file: _array(_pandas_json(frame()), file)),
            NDJSON: lambda: staged(lambda file: _lines(_pandas_json(frame()), file)),
            "file/html": lambda: _page(frame().to_html(index=_index_says_something(frame()))),
        },
    )


def _index_says_something(frame: Any) -> bool:
    index = frame.index
    return any(name is not None for name in index.names) or type(index).__name__ != "RangeIndex"


def _pandas_csv(frame: Any, separator: str) -> Callable[[IO[bytes]], object]:
    return lambda file: frame.to_csv(
        file, index=_index_says_something(frame), sep=separator, mode="wb", encoding="utf-8", lineterminator="\n"
    )


def _pandas_json(frame: Any) -> Iterator[str]:
    """The rows as JSON objects, many at a time and separated by commas."""
    if _index_says_something(frame):
        frame = frame.reset_index()
    for start in range(0, len(frame), _ROWS):
        rows = frame.iloc[start : start + _ROWS]
        yield rows.to_json(orient="records", date_format="iso", force_ascii=False, lines=True)


def _arrow_of_pandas(frame: Any) -> Any:
    try:
        pyarrow: Any = import_module("pyarrow")
    except ImportError as error:
        raise RefusedFormError(
            "pandas needs pyarrow to write Arrow files: `pip install pyarrow`, or store it as file/csv (.csv)"
        ) from error
    return pyarrow.Table.from_pandas(frame)


def from_polars(data: Any, kind: str) -> Source:
    """A DataFrame, a Series or a LazyFrame. What polars can stream of a LazyFrame is never collected."""

    def frame() -> Any:
        if kind == "LazyFrame":
            return data.collect()
        return data.to_frame() if kind == "Series" else data

    def written(form: str, **options: Any) -> Callable[[], Content]:
        if kind == "LazyFrame":
            return lambda: staged(lambda file: getattr(data, f"sink_{form}")(file, **options))
        return lambda: staged(lambda file: getattr(frame(), f"write_{form}")(file, **options))

    def page(file: IO[bytes]) -> None:
        table = frame()
        _html_table(table.columns, table.iter_rows(), file)

    return Source(
        f"a polars {kind}",
        {
            "file/csv": written("csv"),
            TSV: written("csv", separator="\t"),
            PARQUET: written("parquet"),
            ARROW: written("ipc"),
            "json": lambda: staged(lambda file: frame().write_json(file)),
            NDJSON: written("ndjson"),
            "file/html": lambda: staged(page),
        },
    )


def from_pyarrow(data: Any, kind: str) -> Source:
    """A Table, a RecordBatch, or a RecordBatchReader, whose batches pass one by one."""

    def batches() -> Iterable[Any]:
        if kind == "Table":
            return data.to_batches()  # type: ignore[no-any-return]
        return [data] if kind == "RecordBatch" else data

    def rows() -> Iterator[tuple[Any, ...]]:
        for batch in batches():
            for start in range(0, batch.num_rows, _ROWS):
                yield from zip(*(column.to_pylist() for column in batch.slice(start, _ROWS).columns), strict=True)

    def csv(separator: str) -> Callable[[IO[bytes]], None]:
        pyarrow_csv: Any = import_module("pyarrow.csv")
        options = pyarrow_csv.WriteOptions(delimiter=separator, quoting_style="needed")

        def write(file: IO[bytes]) -> None:
            with pyarrow_csv.CSVWriter(file, data.schema, write_options=options) as writer:
                for batch in batches():
                    writer.write(batch)

        return write

    def parquet(file: IO[bytes]) -> None:
        with import_module("pyarrow.parquet").ParquetWriter(file, data.schema) as writer:
            # As a whole, a table gets row groups of a sensible size.
            if kind == "Table":
                writer.write_table(data)
            else:
                for batch in batches():
                    writer.write_batch(batch)

    def arrow(file: IO[bytes]) -> None:
        with import_module("pyarrow").ipc.new_file(file, data.schema) as writer:
            for batch in batches():
                writer.write_batch(batch)

    def json_rows() -> Iterator[str]:
        names = data.schema.names
        if len(set(names)) != len(names):
            raise RefusedFormError(
                f"a pyarrow {kind} with two columns of one name cannot become JSON objects: rename one of them"
            )
        for number, row in enumerate(rows()):
            # As in JSON of pandas and polars, NaN is a number that is not there.
            values = (None if isinstance(value, float) and value != value else value for value in row)
            yield _rich_json.encode_rich(dict(zip(names, values, strict=True)), f"row {number}") + "\n"

    def page(file: IO[bytes]) -> None:
        _html_table(data.schema.names, rows(), file)

    return Source(
        f"a pyarrow {kind}",
        {
            "file/csv": lambda: staged(csv(",")),
            TSV: lambda: staged(csv("\t")),
            PARQUET: lambda: staged(parquet),
            ARROW: lambda: staged(arrow),
            "json": lambda: staged(lambda file: _array(json_rows(), file)),
            NDJSON: lambda: staged(lambda file: _lines(json_rows(), file)),
            "file/html": lambda: staged(page),
        },
    )


def _arrow_file(table: Any, file: IO[bytes]) -> None:
    with import_module("pyarrow").ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def from_numpy(data: Any, kind: str) -> Source:
    """An array: `.npy`, or JSON when the name says so."""

    def npy(file: IO[bytes]) -> None:
        if kind == "MaskedArray":
            raise RefusedFormError("a numpy masked array would lose its mask in .npy: store array.filled(...) instead")
        if data.dtype.hasobject:
            raise RefusedFormError(
                "a numpy array of Python objects cannot be written as .npy without pickle: convert it to a plain dtype"
            )
        import_module("numpy").save(file, data, allow_pickle=False)

    forms: dict[str, Callable[[], Content]] = {NPY: lambda: staged(npy)}
    # An array without dimensions is a lone number, and JSON artifacts are lists or objects.
    if data.ndim:
        forms["json"] = lambda: _rich_json.encode_rich(data, "data")
    return Source("a numpy array", forms)


def is_plain_bytes(array: Any) -> bool:
    """Whether an array is nothing but bytes in a row, as image encoders give them."""
    return bool(array.ndim == 1 and array.dtype.str == "|u1" and array.flags["C_CONTIGUOUS"])


def _lines(pieces: Iterable[str], file: IO[bytes]) -> None:
    for piece in pieces:
        file.write(piece.encode())


def _array(pieces: Iterable[str], file: IO[bytes]) -> None:
    """Lines of JSON as one JSON array."""
    start = "["
    for piece in pieces:
        # A line's own text holds no line break: JSON writes it as \n.
        for line in piece.rstrip("\n").split("\n"):
            file.write(f"{start}{line}".encode())
            start = ","
    file.write(b"[]" if start == "[" else b"]")


def _html_table(columns: Iterable[object], rows: Iterable[Iterable[object]], file: IO[bytes]) -> None:
    heads = "".join(f"<th>{html.escape(str(column))}</th>" for column in columns)
    file.write(_page(f'<table border="1">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n'))
    for row in rows:
        cells = "".join(f"<td>{'' if cell is None else html.escape(str(cell))}</td>" for cell in row)
        file.write(f"<tr>{cells}</tr>\n".encode())
    file.write(b"</tbody>\n</table>\n")


def _page(fragment: str) -> bytes:
    """A fragment as a page of its own: without the charset a browser would guess one."""
    return f'<!doctype html>\n<meta charset="utf-8">\n{fragment}'.encode()
