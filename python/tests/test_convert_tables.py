"""Tables of pandas, polars and pyarrow and arrays of numpy: written here, read back with the same libraries."""

from __future__ import annotations

import datetime as dt
import errno
import gc
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from test_convert import converted, read, refused

import upnext
from upnext._convert import convert, is_slow
from upnext._convert_staging import StagedFile

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.file"
NDJSON = "application/x-ndjson"
TSV = "text/tab-separated-values"

ROWS: list[dict[str, Any]] = [{"n": 1, "word": 'größe, "a"'}, {"n": 2, "word": "<b>\nc"}]
COLUMNS = {key: [row[key] for row in ROWS] for key in ROWS[0]}


def reader() -> pa.RecordBatchReader:
    table = pa.table(COLUMNS)
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1))


TABLES: list[Callable[[], Any]] = [
    lambda: pd.DataFrame(COLUMNS),
    lambda: pl.DataFrame(COLUMNS),
    lambda: pl.LazyFrame(COLUMNS),
    lambda: pa.table(COLUMNS),
    lambda: pa.RecordBatch.from_pydict(COLUMNS),
    reader,
]


@pytest.fixture(params=TABLES, ids=["pandas", "polars", "lazy", "arrow", "batch", "reader"])
def table(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.mark.parametrize("name", ["t", "t.csv", "t.png", "t.xlsx", "t.csv/part"])
def test_a_table_is_csv(table: Any, name: str) -> None:
    assert is_slow(table)
    made = converted(name, table)
    assert made.media_type == "file/csv"
    assert pd.read_csv(io.BytesIO(read(made))).to_dict("records") == ROWS


@pytest.mark.parametrize(
    ("extension", "media_type", "rows"),
    [
        ("parquet", PARQUET, lambda raw: pa.parquet.read_table(io.BytesIO(raw)).to_pylist()),
        ("PQ", PARQUET, lambda raw: pl.read_parquet(raw).to_dicts()),
        ("arrow", ARROW, lambda raw: pa.ipc.open_file(raw).read_all().to_pylist()),
        ("feather", ARROW, lambda raw: pa.feather.read_table(io.BytesIO(raw)).to_pylist()),
        ("json", "json", json.loads),
        ("jsonl", NDJSON, lambda raw: [json.loads(line) for line in raw.splitlines()]),
        ("ndjson", NDJSON, lambda raw: pl.read_ndjson(raw).to_dicts()),
        ("tsv", TSV, lambda raw: pd.read_csv(io.BytesIO(raw), sep="\t").to_dict("records")),
    ],
)
def test_the_name_chooses_the_form(
    table: Any, extension: str, media_type: str, rows: Callable[[bytes], list[dict[str, Any]]]
) -> None:
    made = converted(f"a.b/t.{extension}", table)
    assert made.media_type == media_type
    assert rows(read(made)) == ROWS


def test_a_table_as_a_page(table: Any) -> None:
    made = converted("t.html", table)
    page = read(made).decode()
    assert made.media_type == "file/html"
    assert page.startswith('<!doctype html>\n<meta charset="utf-8">\n<table')
    assert "größe" in page
    assert "&lt;b&gt;" in page
    assert "<th>word</th>" in page
    assert page.count("<tr") == 3


@pytest.mark.parametrize(
    ("wanted", "name", "magic"),
    [
        ("file/csv", "t.parquet", b"n"),
        ("text/csv; charset=utf-8", "t", b"n"),
        (PARQUET, "t.csv", b"PAR1"),
        ("application/parquet", "t", b"PAR1"),
        ("application/vnd.apache.arrow.file", "t", b"ARROW1"),
        ("json", "t.csv", b"["),
        ("application/json", "t", b"["),
        ("file/binary", "t.parquet", b"PAR1"),
        ("application/octet-stream", "t", b"n"),
    ],
)
def test_an_explicit_type_wins_and_is_kept(table: Any, wanted: str, name: str, magic: bytes) -> None:
    made = converted(name, table, wanted)
    assert made.media_type == wanted
    assert read(made).lstrip(b'"').startswith(magic)


@pytest.mark.parametrize("wanted", ["image/png", "text", "file/pdf", "video/mp4"])
def test_a_type_that_no_table_has_is_refused(table: Any, wanted: str) -> None:
    message = refused("t.csv", table, wanted)
    assert f"cannot be written as {wanted}, only as file/csv (.csv)" in message
    assert f"{PARQUET} (.parquet)" in message


EMPTY: list[Any] = [
    pd.DataFrame({"a": []}), pl.DataFrame({"a": []}, {"a": pl.Int64}), pa.table({"a": pa.array([], pa.int64())}),
]  # fmt: skip


@pytest.mark.parametrize("empty", EMPTY, ids=["pandas", "polars", "arrow"])
def test_empty_tables(empty: Any) -> None:
    assert read(converted("t", empty)).replace(b'"', b"") == b"a\n"
    assert read(converted("t.json", empty)) == b"[]"
    assert read(converted("t.jsonl", empty)).strip() == b""
    assert pa.parquet.read_table(io.BytesIO(read(converted("t.parquet", empty)))).num_rows == 0
    assert pa.ipc.open_file(read(converted("t.arrow", empty))).read_all().column_names == ["a"]
    assert b"<th>a</th>" in read(converted("t.html", empty))


@pytest.mark.parametrize("nothing", [pd.DataFrame(), pl.DataFrame(), pa.table({})], ids=["pandas", "polars", "arrow"])
def test_tables_without_columns(nothing: Any) -> None:
    assert read(converted("t", nothing)).strip() == b""
    assert read(converted("t.json", nothing)) == b"[]"


def test_the_pandas_index_is_written_when_it_says_something() -> None:
    plain = pd.DataFrame({"a": [1, 2, 3]})
    for frame, expected in (
        (plain, "a\n1\n2\n3\n"),
        (plain[1:], "a\n2\n3\n"),
        (plain.iloc[[1, 0, 2]], ",a\n1,2\n0,1\n2,3\n"),
        (plain.set_index(pd.Index(["x", "y", "z"])), ",a\nx,1\ny,2\nz,3\n"),
        (plain.rename_axis("row"), "row,a\n0,1\n1,2\n2,3\n"),
        (plain.set_index([["x", "y", "z"], [1, 2, 3]]), ",,a\nx,1,1\ny,2,2\nz,3,3\n"),
        (plain.a, "a\n1\n2\n3\n"),
        (pd.Series([1, 2]), "0\n1\n2\n"),
        (pd.Series([1], index=["x"], name="a"), ",a\nx,1\n"),
    ):
        assert read(converted("t.csv", frame)).decode() == expected
    named = plain.rename_axis("row")
    assert json.loads(read(converted("t.json", named)))[0] == {"row": 0, "a": 1}
    assert json.loads(read(converted("t.json", plain)))[0] == {"a": 1}
    assert b"<th>0</th>" in read(converted("t.html", named))
    assert b"<th>0</th>" not in read(converted("t.html", plain))
    for name in ("t.parquet", "t.arrow"):
        raw = io.BytesIO(read(converted(name, named)))
        back = pd.read_parquet(raw) if name == "t.parquet" else pa.ipc.open_file(raw).read_all().to_pandas()
        pd.testing.assert_frame_equal(back, named)


def test_pandas_columns_that_are_no_text() -> None:
    frame = pd.DataFrame([[1, 2.5]], columns=[0, dt.date(2026, 1, 2)])
    assert read(converted("t", frame)) == b"0,2026-01-02\n1,2.5\n"
    assert json.loads(read(converted("t.json", frame)))[0]["0"] == 1
    numbered = pd.DataFrame([[1, 2.5]], columns=[0, 1])
    for name in ("t.parquet", "t.arrow"):
        raw = io.BytesIO(read(converted(name, numbered)))
        back = pd.read_parquet(raw) if name == "t.parquet" else pa.ipc.open_file(raw).read_all().to_pandas()
        assert [str(column) for column in back.columns] == ["0", "1"]
    levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert read(converted("t", levels)) == b"a,a\nx,y\n1,2\n"


def test_values_that_csv_and_json_have_no_word_for() -> None:
    frame = pd.DataFrame({"a": [1.5, float("nan"), float("inf")], "at": pd.to_datetime(["2026-01-02", None, None])})
    assert json.loads(read(converted("t.json", frame)))[1] == {"a": None, "at": None}
    assert pl.read_csv(read(converted("t", frame)))["a"].to_list()[:2] == [1.5, None]
    arrow = pa.table({"a": [1.5, float("nan")], "at": [dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), None]})
    assert json.loads(read(converted("t.json", arrow))) == [
        {"a": 1.5, "at": "2026-01-02T00:00:00Z"}, {"a": None, "at": None},
    ]  # fmt: skip
    assert "row 0.a is a bytes, which JSON cannot carry" in refused("t.json", pa.table({"a": [b"x"]}))


def test_what_csv_cannot_hold_says_what_can() -> None:
    for nested in (pl.DataFrame({"a": [[1]]}), pa.table({"a": [[1]]})):
        message = refused("t.csv", nested)
        assert "could not be written as file/csv: " in message
        assert f"store it as one of {TSV} (.tsv), {PARQUET} (.parquet)" in message
        assert read(converted("t.parquet", nested)).startswith(b"PAR1")


def test_columns_of_one_name() -> None:
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert "two columns of one name" in refused("t.json", twice)
    assert b"<td>1</td><td>2</td>" in read(converted("t.html", twice))
    assert "ValueError" in refused("t.json", pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_series_of_polars() -> None:
    assert read(converted("t", pl.Series("a", [1, 2]))) == b"a\n1\n2\n"


def test_a_frame_of_a_subclass() -> None:
    class Prices(pd.DataFrame):
        @property
        def _constructor(self) -> Any:
            return Prices

    assert read(converted("t", Prices({"a": [1]}))) == b"a\n1\n"


@pytest.mark.parametrize(
    ("module", "kind", "name"),
    [
        ("pandas.core.frame", "DataFrame", "t.csv"),
        ("pandas.core.frame", "DataFrame", "t.parquet"),
        ("polars.lazyframe.frame", "LazyFrame", "t.arrow"),
        ("pyarrow.lib", "Table", "t.json"),
        ("numpy", "ndarray", "t.npy"),
        ("PIL.Image", "Image", "t.png"),
        ("matplotlib.figure", "Figure", "t.svg"),
        ("plotly.basedatatypes", "BaseFigure", "t.html"),
    ],
)
def test_a_library_that_lacks_what_is_needed(module: str, kind: str, name: str) -> None:
    data = type(kind, (), {"__module__": module})()
    assert is_slow(data)
    message = refused(name, data)
    assert "could not be" in message
    assert "AttributeError: " in message
    assert message.endswith("give its bytes")


def test_pandas_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("Missing optional dependency 'pyarrow'.  Use pip to install it.\n")

    frame = pd.DataFrame(COLUMNS)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(upnext.InvalidArtifactError) as caught:
        convert("t.parquet", frame, None)
    assert "ImportError: Missing optional dependency 'pyarrow'. Use pip to install it: mend it" in str(caught.value)
    assert isinstance(caught.value.__cause__, ImportError)
    assert "pandas needs pyarrow to write Arrow files: `pip install pyarrow`" in refused("t.arrow", frame)


LONG = pd.DataFrame({"n": np.arange(100_000), "x": np.arange(100_000) / 3})


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.ndjson", "t.parquet", "t.arrow", "t.npy"])
@pytest.mark.parametrize("library", ["pandas", "polars", "lazy", "arrow"])
def test_large_tables_wait_in_a_temporary_file(library: str, name: str) -> None:
    ways: dict[str, Callable[[], Any]] = {
        "pandas": lambda: LONG,
        "polars": lambda: pl.from_pandas(LONG),
        "lazy": lambda: pl.from_pandas(LONG).lazy(),
        "arrow": lambda: pa.Table.from_pandas(LONG),
    }
    made = converted(name, ways[library]())
    staged = made.content
    assert isinstance(staged, StagedFile) or name == "t.parquet"
    raw = read(made)
    if isinstance(staged, StagedFile):
        assert (len(raw), staged.read()) == (staged.size, b"")
    back: dict[str, Callable[[], pl.DataFrame]] = {
        "t.csv": lambda: pl.read_csv(raw),
        "t.npy": lambda: pl.read_csv(raw),
        "t.json": lambda: pl.read_json(raw),
        "t.ndjson": lambda: pl.read_ndjson(raw),
        "t.parquet": lambda: pl.read_parquet(raw),
        "t.arrow": lambda: pl.read_ipc(raw),
    }
    pl.testing.assert_frame_equal(back[name](), pl.from_pandas(LONG))


@pytest.fixture
def made_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    made: list[Any] = []
    really = tempfile.TemporaryFile

    def remembered(*args: Any, **more: Any) -> Any:
        made.append(really(*args, **more))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)
    yield made
    assert made


def test_temporary_files_are_closed_whatever_happens(made_files: list[Any]) -> None:
    converted("t.csv", pd.DataFrame(COLUMNS))
    refused("t.csv", pl.DataFrame({"a": [[1]]}))
    content: Any = converted("t.csv", LONG).content
    assert [file.closed for file in made_files] == [True, True, False]
    content.close()
    assert made_files[2].closed
    content = converted("t.csv", LONG).content
    del content
    gc.collect()
    assert made_files[3].closed


def test_no_room_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", FullDisk)
    with pytest.raises(upnext.ArtifactStorageError, match=r"artifact 't\.csv': there is no room for temporary files"):
        convert("t.csv", pd.DataFrame(COLUMNS), None)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (), (0,)])
@pytest.mark.parametrize("dtype", ["<i8", ">f4", "?", "U3", "M8[s]"])
def test_arrays_are_npy(shape: tuple[int, ...], dtype: str) -> None:
    given = np.zeros(shape, dtype)
    for name, wanted in (("a", None), ("a.npy", None), ("a", "application/x-npy"), ("a", "file/binary")):
        made = converted(name, given, wanted)
        assert made.media_type == (wanted or "application/x-npy")
        np.testing.assert_array_equal(np.load(io.BytesIO(read(made))), given)


def test_arrays_as_json() -> None:
    assert converted("a.json", np.arange(6).reshape(2, 3)).content == "[[0,1,2],[3,4,5]]"
    assert converted("a", np.array([1.5]), "json").content == "[1.5]"
    assert converted("a.json", np.array([7], dtype="u1")).content == "[7]"
    assert "data[1] is nan" in refused("a.json", np.array([1, np.nan]))


def test_arrays_of_bytes_keep_their_shape_when_they_have_one() -> None:
    flat = np.arange(4, dtype="u1")
    assert converted("a", flat).content == b"\x00\x01\x02\x03"
    for given in (flat.reshape(2, 2), flat[::2]):
        np.testing.assert_array_equal(np.load(io.BytesIO(read(converted("a", given)))), given)
    np.testing.assert_array_equal(np.load(io.BytesIO(read(converted("a.npy", flat)))), flat)
    assert "cannot be written as image/png, only as application/x-npy" in refused("a", flat.reshape(2, 2), "image/png")


def test_arrays_that_npy_would_damage() -> None:
    assert "without pickle" in refused("a", np.array([object()]))
    assert "would lose its mask" in refused("a", np.ma.masked_array([1, 2], [True, False]))
    assert converted("a.json", np.ma.masked_array([1, 2], [True, False])).content == "[null,2]"
