"""JSON of artifacts: the values beyond JSON's own, and what stays refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from collections import OrderedDict, namedtuple
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest

from upnext._json import NotSerializableError, encode
from upnext._rich_json import encode_rich

ID = uuid.UUID(int=7)
BERLIN = dt.timezone(dt.timedelta(hours=1))
LOCAL_MEAN_TIME = dt.timezone(dt.timedelta(minutes=53, seconds=28))


class Word(str, Enum):
    A = "a"


class Level(IntEnum):
    HIGH = 3


class Shade(Enum):
    DARK = (1, 2)


@dataclasses.dataclass
class Node:
    name: str
    below: list[Node] = dataclasses.field(default_factory=list)
    extra: Any = None


class Model(pydantic.BaseModel):
    at: dt.datetime
    share: float = 0.5


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - as older programs have them


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc), "2026-01-02T03:04:05Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=BERLIN), "2026-01-02T03:04:05.000678+01:00"),
        (dt.datetime(1890, 1, 1, 0, 53, 28, tzinfo=LOCAL_MEAN_TIME), "1890-01-01T00:00:00Z"),
        (dt.datetime.fromisoformat("2026-01-02"), "2026-01-02T00:00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(days=1, seconds=2, microseconds=500_000), "PT86402.5S"),
        (-dt.timedelta(seconds=90), "-PT90S"),
        (dt.timedelta(0), "PT0S"),
        (ID, "00000000-0000-0000-0000-000000000007"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (Path("größe"), "größe"),
        (Word.A, "a"),
        (Level.HIGH, 3),
        (Shade.DARK, [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({ID}), [str(ID)]),
        ({"b", 1, None}, ["b", 1, None]),
        (set(), []),
        (Node("a", [Node("b")]), {"name": "a", "below": [{"name": "b", "below": [], "extra": None}], "extra": None}),
        (Model(at=dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)), {"at": "2026-01-02T00:00:00Z", "share": 0.5}),
        (Pair(1, ID), [1, str(ID)]),
        (OrderedDict(a=ID), {"a": str(ID)}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (np.timedelta64(1500, "ms"), "PT1.5S"),
        (pd.Timestamp("2026-01-02T03:04:05", tz="UTC"), "2026-01-02T03:04:05Z"),
        (pd.Timedelta(seconds=1), "PT1S"),
    ],
)
def test_values_beyond_json(value: Any, expected: Any) -> None:
    written = json.loads(encode_rich({"value": value, "more": [value]}, "data"))
    if isinstance(value, set) and None in value:
        assert len(written["value"]) == len(expected)
        assert written["value"] == written["more"][0]
    else:
        assert written == {"value": expected, "more": [expected]}


def test_sets_of_mixed_values_have_one_order() -> None:
    items: list[Any] = ["b", 1, None, (1, 2), 2.5, "a", ID]
    other_way = items[::-1]
    assert encode_rich(set(items), "data") == encode_rich(set(other_way), "data")


def test_keys_that_stand_for_text() -> None:
    keys = {ID: 1, dt.date(2026, 1, 2): 2, Word.A: 3, Shade: 4, 7: 5, Decimal("1.5"): 6, Level.HIGH: 7, np.int64(9): 8}
    del keys[Shade]
    assert json.loads(encode_rich({"keys": keys, "id": ID}, "data"))["keys"] == {
        str(ID): 1, "2026-01-02": 2, "a": 3, "7": 5, "1.5": 6, "3": 7, "9": 8,
    }  # fmt: skip


def test_plain_data_is_written_as_for_jobs() -> None:
    data = {"a": [1, 2.5, "größe", None, True, (1, 2)], 7: {}}
    assert encode_rich(data, "data") == encode(data, "data")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"x", "data.rows[1] is a bytes, which JSON cannot carry: make an artifact of these bytes"),
        (bytearray(b"x"), "is a bytearray, which JSON cannot carry: make an artifact of these bytes"),
        (float("nan"), "data.rows[1] is nan, and JSON has no such number"),
        (float("-inf"), "data.rows[1] is -inf"),
        (np.float64("nan"), "data.rows[1] is nan"),
        (np.float32("inf"), "data.rows[1] is inf"),
        (np.array([1.0, float("nan")]), "data.rows[1][1] is nan"),
        (Decimal("NaN"), "data.rows[1] is NaN, and JSON has no such number"),
        (pd.NaT, "data.rows[1] is NaT, and JSON has no such time"),
        (np.datetime64("NaT"), "data.rows[1] is NaT"),
        (np.timedelta64("NaT"), "data.rows[1] is NaT"),
        (Node("a", [Node("b", extra=object())]), "data.rows[1].below[0].extra is an object, which JSON cannot carry"),
        ({"a": {(1, 2): 3}}, "data.rows[1].a has a key of type tuple; JSON has only text keys"),
        ({float("nan"): 3}, "a key of data.rows[1] is nan"),
        (Node, "data.rows[1] is a type, which JSON cannot carry"),
        (pd.DataFrame(), "is a pandas"),
        ("\ud800", "lone surrogate"),
        ({b"x"}, "an item of data.rows[1] is a bytes"),
        (iter([1]), "data.rows[1] is a list_iterator"),
    ],
)
def test_what_stays_refused(value: Any, message: str) -> None:
    with pytest.raises(NotSerializableError) as caught:
        encode_rich({"rows": [ID, value]}, "data")
    assert message in str(caught.value)


def test_data_that_contains_itself() -> None:
    node = Node("a")
    node.below.append(node)
    with pytest.raises(NotSerializableError, match=r"data\.below\[0\] contains itself"):
        encode_rich(node, "data")
    # The same value twice is no circle.
    shared = Node("b")
    assert json.loads(encode_rich([shared, shared], "data"))[0]["name"] == "b"


def test_data_that_is_nested_too_deeply() -> None:
    deep: Any = ID
    for _ in range(600):
        deep = [deep]
    with pytest.raises(NotSerializableError, match="nested too deeply"):
        encode_rich(deep, "data")


def test_arguments_of_jobs_stay_strict() -> None:
    with pytest.raises(NotSerializableError, match=r"data\.id is a uuid\.UUID, which JSON cannot carry"):
        encode({"id": ID}, "data")
