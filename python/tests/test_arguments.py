"""Arguments and the annotations of tasks: what is checked when a job is submitted, and what the task gets."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import json
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar

import annotated_types
import pydantic
import pytest
from harness import running

import upnext
from upnext._signature import Arguments


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Line:
    sku: str
    price: Decimal
    count: int = 1


@dataclasses.dataclass
class Order:
    lines: list[Line]
    placed: dt.datetime
    parent: Order | None = None


class Point(NamedTuple):
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    depth: int
    when: dt.date


class Address(pydantic.BaseModel):
    street: str
    since: dt.date = pydantic.Field(alias="from")


class Strict(pydantic.BaseModel, strict=True):
    id: uuid.UUID
    tags: frozenset[str]


UserId = NewType("UserId", int)
T = TypeVar("T")
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def arguments(annotation: Any) -> Arguments:
    def f(x: Any) -> None: ...

    f.__annotations__["x"] = annotation
    return Arguments("f", f)


@pytest.mark.parametrize(
    ("annotation", "value", "in_json"),
    [
        (int, 5, "5"),
        (float, 1.5, "1.5"),
        (str, "ä", '"ä"'),
        (bool, True, "true"),
        (None, None, "null"),
        (list, [1, "a"], '[1,"a"]'),
        (dict, {"a": [1]}, '{"a":[1]}'),
        (list[int], [1, 2], "[1,2]"),
        (Sequence[float], [1.5, 2.5], "[1.5,2.5]"),
        (dict[str, int], {"a": 1}, '{"a":1}'),
        (dict[int, Color], {7: Color.RED}, '{"7":"red"}'),
        (Mapping[str, Any], {"a": None}, '{"a":null}'),
        (tuple[int, str], (1, "a"), '[1,"a"]'),
        (tuple[Decimal, ...], (Decimal("1.10"), Decimal(2)), '["1.10","2"]'),
        (tuple, (1, 2), "[1,2]"),
        (set[int], {1}, "[1]"),
        (frozenset[Color], frozenset({Color.BLUE}), '["blue"]'),
        (Optional[int], None, "null"),  # noqa: UP045
        (int | None, 3, "3"),
        (int | str, "3", '"3"'),
        (float | int, 3, "3"),
        (dt.datetime | str, NOON, '"2026-03-01T12:00:00+00:00"'),
        (str | Path, "a/b", '"a/b"'),
        (Literal["a", 1], 1, "1"),
        (Literal[Color.RED], Color.RED, '"red"'),
        (Color, Color.BLUE, '"blue"'),
        (Level, Level.HIGH, "2"),
        (dt.datetime, NOON, '"2026-03-01T12:00:00+00:00"'),
        (dt.date, NOON.date(), '"2026-03-01"'),
        (dt.time, dt.time(8, 30), '"08:30:00"'),
        (dt.timedelta, dt.timedelta(minutes=1), "60.0"),
        (uuid.UUID, ID, f'"{ID}"'),
        (Decimal, Decimal("0.1"), '"0.1"'),
        (Path, Path("a") / "b", '"a/b"'),
        (UserId, 7, "7"),
        (Annotated[int, "a note"], 7, "7"),
        (Line, Line("a", Decimal("1.5"), 2), '{"sku":"a","price":"1.5","count":2}'),
        (
            Order,
            Order([Line("a", Decimal(1))], NOON, Order([], NOON)),
            '{"lines":[{"sku":"a","price":"1","count":1}],"placed":"2026-03-01T12:00:00+00:00",'
            '"parent":{"lines":[],"placed":"2026-03-01T12:00:00+00:00","parent":null}}',
        ),
        (Point, Point(1, 2), '{"x":1,"y":2}'),
        (Options, {"depth": 1, "when": NOON.date()}, '{"depth":1,"when":"2026-03-01"}'),
        (
            Address,
            Address.model_validate({"street": "s", "from": "2026-01-02"}),
            '{"street":"s","from":"2026-01-02"}',
        ),
        (list[Address], [], "[]"),
        (Strict, Strict(id=ID, tags=frozenset({"a"})), f'{{"id":"{ID}","tags":["a"]}}'),
        (Annotated[int, annotated_types.Gt(3)], 4, "4"),
        (Annotated[str, pydantic.Field(max_length=2)], "ab", '"ab"'),
        (Any, [1], "[1]"),
        (object, 1, "1"),
        (T, 1, "1"),
    ],
)
def test_arguments_arrive_as_they_were_given(annotation: Any, value: Any, in_json: str) -> None:
    its = arguments(annotation)
    payload = its.pack((value,), {})
    assert payload == f'{{"x":{in_json}}}'
    arrived = its.unpack(payload)["x"]
    assert arrived == value
    assert type(arrived) is type(value)
    # What JSON has for it is taken by submit too, and means the same.
    assert its.unpack(its.pack((json.loads(in_json),), {}))["x"] == value


@pytest.mark.parametrize(
    ("annotation", "given", "arrives"),
    [
        (float, 1, 1.0),
        (float | None, 1, 1.0),
        (dt.datetime, "2026-03-01T12:00:00Z", NOON),
        (Decimal, 0.1, Decimal("0.1")),
        (list[Path], ("a", "b"), [Path("a"), Path("b")]),
        (Point, [1], Point(1)),
        (Line, {"sku": "a", "price": 2}, Line("a", Decimal(2))),
        (Address, {"street": "s", "from": dt.date(2026, 1, 2)}, Address(street="s", **{"from": dt.date(2026, 1, 2)})),
        (Path | int, "a", Path("a")),
    ],
)
def test_other_forms_are_understood(annotation: Any, given: Any, arrives: Any) -> None:
    its = arguments(annotation)
    arrived = its.unpack(its.pack((given,), {}))["x"]
    assert arrived == arrives
    assert type(arrived) is type(arrives)


@pytest.mark.parametrize(
    ("annotation", "given", "sentence"),
    [
        (int, "5", "the argument 'x' must be int, not '5' (str)"),
        (int, 1.0, "must be int, not 1.0 (float)"),
        (int, None, "must be int, not None"),
        (float, True, "must be float, not True (bool)"),
        (float, 10**400, "must be float, not 1000000"),
        (str, b"a", "must be str, not b'a' (bytes)"),
        (bool, 1, "must be bool, not 1 (int)"),
        (None, 0, "must be None, not 0 (int)"),
        (list[int], [1, "a"], "the argument 'x[1]' must be int, not 'a' (str)"),
        (list[int], "abc", "must be list[int], not 'abc' (str)"),
        (dict[str, list[int]], {"a": [1, None]}, "the argument 'x.a[1]' must be int, not None"),
        (dict[int, str], {"a": "b"}, "the argument 'x.a' must be int, not 'a' (str)"),
        (tuple[int, str], [1], "must be tuple[int, str], not [1] (list): it has 1 items"),
        (int | None, "a", "must be int or None, not 'a' (str)"),
        (dt.date | None, "a", "must be date (ISO 8601 text) or None, not 'a' (str)"),
        (Literal["a", "b", 3], "c", "must be 'a', 'b' or 3, not 'c' (str)"),
        (Literal[1], True, "must be 1, not True (bool)"),
        (Color, "green", "must be Color ('red', 'blue'), not 'green' (str)"),
        (
            dt.datetime,
            "today",
            "must be datetime (ISO 8601 text), not 'today' (str): Invalid isoformat string: 'today'",
        ),
        (dt.date, NOON, "must be date (ISO 8601 text), not datetime.datetime(2026"),
        (uuid.UUID, "1", "must be UUID, not '1' (str): badly formed hexadecimal UUID string"),
        (Decimal, "one", "must be Decimal, not 'one' (str)"),
        (Path, 1, "must be Path, not 1 (int)"),
        (Line, {"sku": "a"}, "must be Line, not {'sku': 'a'} (dict): it has no 'price'"),
        (Line, {"sku": "a", "price": 1, "n": 1}, "it has no field 'n'"),
        (
            Order,
            {"lines": [{"sku": 1, "price": 1}], "placed": NOON},
            "the argument 'x.lines[0].sku' must be str, not 1",
        ),
        (Line | None, {"sku": 1, "price": 1}, "the argument 'x.sku' must be str, not 1 (int)"),
        (Options, {"depth": "a"}, "the argument 'x.depth' must be int, not 'a' (str)"),
        (Address, {"street": "s"}, "must be Address, not {'street': 's'} (dict): from: Field required"),
        (
            list[Address],
            [{}],
            "the argument 'x[0]' must be Address, not {} (dict): street: Field required (and 1 more)",
        ),
        (Annotated[int, annotated_types.Gt(3)], 1, "must be int, not 1 (int): Input should be greater than 3"),
    ],
)
def test_a_bad_argument_is_one_sentence(annotation: Any, given: Any, sentence: str) -> None:
    its = arguments(annotation)
    with pytest.raises(upnext.ArgumentError) as caught:
        its.pack((given,), {})
    assert str(caught.value).startswith("task 'f': the argument 'x")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_a_long_value_is_shown_in_short() -> None:
    with pytest.raises(upnext.ArgumentError) as caught:
        arguments(int).pack(("x" * 10_000,), {})
    assert len(str(caught.value)) < 200


def test_what_has_no_annotation_or_an_unknown_one_is_as_it_was() -> None:
    class Own:
        pass

    for annotation in (Own, list[Own], Own | None, bytes):
        its = arguments(annotation)
        assert its.unpack(its.pack(([1, "a"],), {})) == {"x": [1, "a"]}

    def lax(x: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert Arguments("lax", lax).unpack('{"x":null}') == {"x": None}
    with pytest.raises(upnext.ArgumentError, match="must be int or None, not 'a'"):
        Arguments("lax", lax).pack(("a",), {})

    def f(a, b: int = 0, **rest: int): ...  # type: ignore[no-untyped-def]

    its = Arguments("f", f)
    assert its.pack(("a",), {"b": 1, "c": 2}) == '{"a":"a","b":1,"c":2}'
    with pytest.raises(upnext.ArgumentError, match="the argument 'c' must be int, not 'x'"):
        its.pack(("a",), {"c": "x"})


def test_annotations_are_found_where_the_task_is_defined(caplog: pytest.LogCaptureFixture) -> None:
    @dataclasses.dataclass
    class Here:
        n: int

    def f(x: Here, later: Later) -> None: ...

    its = Arguments("f", f)
    assert its.unpack(its.pack((Here(1), Later.A), {})) == {"x": Here(1), "later": Later.A}
    assert not caplog.messages

    def g(x: Nowhere, n: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    its = Arguments("g", g)
    with pytest.raises(upnext.ArgumentError, match="the argument 'n' must be int"):
        its.pack(("anything", "a"), {})
    assert caplog.messages == [
        "task 'g': the annotation of the argument 'x' cannot be looked up, so it is not checked: "
        "NameError: name 'Nowhere' is not defined"
    ]


class Later(enum.Enum):
    A = 1


def test_nothing_is_submitted_and_stored_jobs_fail_without_retry(worker: upnext.Worker, home: Path) -> None:
    got: list[Any] = []

    @worker.task(retries=3)
    async def place(order: Order, address: Address) -> None:
        got.append((order, address))

    @worker.task(name="place_too", retries=3)
    def place_sync(order: Order) -> None:
        got.append(order)

    # The same names without annotations, as REST and the command line submit to them.
    unchecked = upnext.Worker("elsewhere")
    raw = unchecked.task(name="place")(lambda order, address: None)
    raw_sync = unchecked.task(name="place_too")(lambda order: None)
    order, address = Order([Line("a", Decimal(1))], NOON), Address(street="s", **{"from": NOON.date()})

    async def main() -> None:
        with pytest.raises(upnext.ArgumentError):
            await place.submit(Order([Line("a", 1)], "never"), address)  # type: ignore[arg-type]
        assert not (home / "upnext.db").exists()
        async with running(worker):
            await place.wait(order, address, wait_timeout=20)
            await raw.wait(
                {"lines": [], "placed": "2026-03-01"}, {"street": "s", "from": "2026-01-02"}, wait_timeout=20
            )
            for call in (raw.wait({"lines": [{}], "placed": 1}, {}), raw_sync.wait({"lines": [{}], "placed": 1})):
                with pytest.raises(upnext.TaskExecutionError) as caught:
                    await asyncio.wait_for(call, 20)
                assert "the argument 'order.lines[0]' must be Line, not {} (dict): it has no 'sku'" in str(caught.value)
                assert caught.value.task_result.attempts == 1

    asyncio.run(main())
    assert got[0] == (order, address)
    assert got[1][0] == Order([], dt.datetime.fromisoformat("2026-03-01"))
    assert len(got) == 2


def test_pydantic_is_needed_by_nobody() -> None:
    program = """
import sys
sys.modules["pydantic"] = None
from upnext._signature import Arguments
import ipaddress, typing
def f(x: int, y: ipaddress.IPv4Address, z: typing.Annotated[int, "a"]): ...
assert Arguments("f", f).pack((1, "10.0.0.1", 2), {}) == '{"x":1,"y":"10.0.0.1","z":2}'
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
