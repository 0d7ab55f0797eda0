"""Submitting inside of a transaction of the caller's own: which connections do, and how a statement runs on each.

No driver is imported: a connection is recognised by the name of its class and of the package that the class is from.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, NoReturn, TypeAlias

from upnext._errors import BackendError

#: SQL with one parameter, `$1`; its value, a text; and how many jobs it submits.
Statement: TypeAlias = tuple[str, str, int]

#: The id of the job that stands for a request, and whether it was made.
Row: TypeAlias = tuple[str, bool]

_ACCEPTED = "a connection of psycopg, asyncpg or psycopg2, or a connection or session of SQLAlchemy"


class _Driver(NamedTuple):
    """How statements run on the connections of one class."""

    #: Runs SQL with one parameter, `$1`; of an async driver a coroutine function. Raises when no transaction is open.
    run: Callable[[Any, str, str], Any]
    is_async: bool


class Transaction:
    """A connection of the caller's, with its transaction."""

    __slots__ = ("_connection", "_driver")

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self._driver = _driver_of(connection)

    async def submit(self, statement: Statement) -> list[str]:
        """Runs the statement and gives the ids of the jobs. A connection that blocks does so here, too."""
        sql, jobs, count = statement
        if count == 0:
            return []
        try:
            rows = self._driver.run(self._connection, sql, jobs)
            return _ids(await rows if self._driver.is_async else rows)
        except Exception as error:
            _explain(error)
            raise

    def submit_sync(self, statement: Statement) -> list[str]:
        """The same, blocking."""
        sql, jobs, count = statement
        if count == 0:
            return []
        try:
            return _ids(self._driver.run(self._connection, sql, jobs))
        except Exception as error:
            _explain(error)
            raise

    def check_blocking(self, sync_name: str, async_name: str) -> None:
        """Raises when the connection needs an event loop."""
        if self._driver.is_async:
            raise TypeError(
                f"{sync_name}() cannot await {_said(self._connection)}: use `await ...{async_name}(...)`, or a "
                "connection without async"
            )


def _ids(rows: Iterable[Row]) -> list[str]:
    return [job_id for job_id, _ in rows]


def _explain(error: Exception) -> None:
    """Says what is wrong with the database, where the server's own words do not say it."""
    told = getattr(error, "orig", None) or error
    state = getattr(told, "sqlstate", None) or getattr(told, "pgcode", None)
    if state == "UN001":
        text = "this database holds another deployment of UpNext than the one that is to run the job"
    elif state in {"3F000", "42883"}:
        text = "the database of this connection holds no jobs of UpNext, or those of an older version"
    elif state == "42501":
        raise BackendError(
            "the user of this connection may not submit: GRANT USAGE ON SCHEMA and EXECUTE ON FUNCTION submit_jobs of "
            f"UpNext's schema to it ({told})"
        ) from error
    else:
        return
    raise BackendError(
        f"{text}: submit in a transaction of the very database and schema that the worker's URL or "
        "UPNEXT_DATABASE_URL names"
    ) from error


def _refuse_autocommit(connection: object, advice: str) -> NoReturn:
    raise RuntimeError(
        f"{_said(connection)} has no transaction open, so nothing could be rolled back together with the job: {advice}"
    )


def _psycopg(connection: Any, sql: str, jobs: str) -> list[Row]:
    _check_psycopg(connection)
    # Whatever factories the connection has for rows and cursors.
    with sys.modules["psycopg"].Cursor(connection, row_factory=_plain_rows) as cursor:
        cursor.execute(sql.replace("$1", "%s"), (jobs,))
        rows: list[Row] = cursor.fetchall()
        return rows


async def _psycopg_async(connection: Any, sql: str, jobs: str) -> list[Row]:
    _check_psycopg(connection)
    async with sys.modules["psycopg"].AsyncCursor(connection, row_factory=_plain_rows) as cursor:
        await cursor.execute(sql.replace("$1", "%s"), (jobs,))
        rows: list[Row] = await cursor.fetchall()
        return rows


def _plain_rows(_cursor: object) -> Callable[[Iterable[Any]], tuple[Any, ...]]:
    return tuple


def _psycopg2(connection: Any, sql: str, jobs: str) -> list[Row]:
    _check_psycopg(connection)
    with connection.cursor(cursor_factory=sys.modules["psycopg2.extensions"].cursor) as cursor:
        cursor.execute(sql.replace("$1", "%s"), (jobs,))
        rows: list[Row] = cursor.fetchall()
        return rows


def _check_psycopg(connection: Any) -> None:
    # 0: idle. Without autocommit the statement itself begins the transaction.
    if connection.autocommit and connection.info.transaction_status == 0:
        _refuse_autocommit(connection, "begin one with `with connection.transaction():`, or turn autocommit off")


async def _asyncpg(connection: Any, sql: str, jobs: str) -> list[Row]:
    if not connection.is_in_transaction():
        _refuse_autocommit(connection, "begin one with `async with connection.transaction():`")
    rows: list[Row] = await connection.fetch(sql, jobs)
    return rows


def _alchemy(connection: Any, sql: str, jobs: str) -> list[Row]:
    if connection.dialect.name != "postgresql":
        raise TypeError(
            f"in_transaction() takes {_ACCEPTED} to PostgreSQL, and this one of SQLAlchemy is to "
            f"{connection.dialect.name}"
        )
    if getattr(connection.connection.dbapi_connection, "autocommit", False):
        _refuse_autocommit(connection, "use another isolation level than AUTOCOMMIT")
    text = sys.modules["sqlalchemy"].text(sql.replace("$1", ":jobs"))
    rows: list[Row] = connection.execute(text, {"jobs": jobs}).all()
    return rows


def _alchemy_session(session: Any, sql: str, jobs: str) -> list[Row]:
    return _alchemy(session.connection(), sql, jobs)


async def _alchemy_async(connection: Any, sql: str, jobs: str) -> list[Row]:
    rows: list[Row] = await connection.run_sync(_alchemy, sql, jobs)
    return rows


async def _alchemy_async_session(session: Any, sql: str, jobs: str) -> list[Row]:
    return await _alchemy_async(await session.connection(), sql, jobs)


#: By package and class.
_DRIVERS = {
    ("psycopg", "Connection"): _Driver(_psycopg, False),
    ("psycopg", "AsyncConnection"): _Driver(_psycopg_async, True),
    ("psycopg2", "connection"): _Driver(_psycopg2, False),
    ("asyncpg", "Connection"): _Driver(_asyncpg, True),
    ("asyncpg", "PoolConnectionProxy"): _Driver(_asyncpg, True),
    ("sqlalchemy", "Connection"): _Driver(_alchemy, False),
    ("sqlalchemy", "Session"): _Driver(_alchemy_session, False),
    ("sqlalchemy", "scoped_session"): _Driver(_alchemy_session, False),
    ("sqlalchemy", "AsyncConnection"): _Driver(_alchemy_async, True),
    ("sqlalchemy", "AsyncSession"): _Driver(_alchemy_async_session, True),
    ("sqlalchemy", "async_scoped_session"): _Driver(_alchemy_async_session, True),
}


def _driver_of(connection: object) -> _Driver:
    for base in type(connection).__mro__:
        driver = _DRIVERS.get((base.__module__.partition(".")[0], base.__name__))
        if driver is not None:
            return driver
    raise TypeError(f"in_transaction() takes {_ACCEPTED}, not {_said(connection)}")


def _said(value: object) -> str:
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    name = kind.__qualname__ if package == "builtins" else f"{package}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
