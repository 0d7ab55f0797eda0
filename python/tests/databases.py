"""A PostgreSQL with jobs in it, and connections of every driver and library that submits inside of transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psycopg
import psycopg2
import psycopg2.extras
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy import orm
from sqlalchemy.ext import asyncio as alchemy_asyncio


@dataclass
class Database:
    """A deployment of a test's own, beside a table of the application's."""

    server: str
    schema: str

    @property
    def url(self) -> str:
        """Where UpNext keeps jobs."""
        return f"{self.server}?schema={self.schema}&pool_size=4"

    @property
    def insert(self) -> str:
        """What the application does in its transaction."""
        return f"INSERT INTO public.orders_{self.schema} VALUES (1)"

    def make(self) -> None:
        """Makes the application's table."""
        self.query(f"CREATE TABLE public.orders_{self.schema} (id integer)")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs a statement by itself; `upnext.` is the schema of this deployment."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("upnext.", f"{self.schema}."))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def counts(self) -> tuple[int, int]:
        """How many orders and jobs there are."""
        sql = f"SELECT (SELECT count(*) FROM public.orders_{self.schema}), (SELECT count(*) FROM upnext.jobs)"
        [(orders, jobs)] = self.query(sql)
        return orders, jobs


@dataclass
class Open:
    """A connection with a transaction, as an application holds it."""

    connection: Any
    execute: Callable[[str], Any]
    commit: Callable[[], Any]
    rollback: Callable[[], Any]


def _alchemy(server: str, driver: str) -> str:
    return server.replace("postgres://", f"postgresql+{driver}://")


@asynccontextmanager
async def _psycopg_async(database: Database) -> AsyncIterator[Open]:
    # Rows as the application likes them.
    async with await psycopg.AsyncConnection.connect(database.server, row_factory=dict_row) as connection:
        yield Open(connection, connection.execute, connection.commit, connection.rollback)


@asynccontextmanager
async def _asyncpg(database: Database) -> AsyncIterator[Open]:
    connection = await asyncpg.connect(database.server)
    try:
        await connection.set_type_codec("json", encoder=repr, decoder=repr, schema="pg_catalog")
        transaction = connection.transaction()
        await transaction.start()
        yield Open(connection, connection.execute, transaction.commit, transaction.rollback)
    finally:
        await connection.close()


@asynccontextmanager
async def _asyncpg_pool(database: Database) -> AsyncIterator[Open]:
    async with (
        asyncpg.create_pool(database.server, min_size=1, max_size=1) as pool,
        pool.acquire() as connection,
    ):
        transaction = connection.transaction()
        await transaction.start()
        yield Open(connection, connection.execute, transaction.commit, transaction.rollback)


def _alchemy_async(driver: str, *, session: bool = False) -> Callable[[Database], Any]:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Open]:
        engine = alchemy_asyncio.create_async_engine(_alchemy(database.server, driver))
        try:
            held = alchemy_asyncio.AsyncSession(engine) if session else engine.connect()
            async with held as connection:
                yield Open(
                    connection,
                    lambda sql: connection.execute(sqlalchemy.text(sql)),
                    connection.commit,
                    connection.rollback,
                )
        finally:
            await engine.dispose()

    return opened


@contextmanager
def _psycopg(database: Database) -> Iterator[Open]:
    with psycopg.connect(database.server, row_factory=dict_row) as connection:
        yield Open(connection, connection.execute, connection.commit, connection.rollback)


@contextmanager
def _psycopg2(database: Database) -> Iterator[Open]:
    factory = psycopg2.extras.RealDictCursor
    connection = psycopg2.connect(database.server, cursor_factory=factory)
    try:
        yield Open(connection, connection.cursor().execute, connection.commit, connection.rollback)
    finally:
        connection.close()


def _alchemy_sync(driver: str, kind: str = "connection") -> Callable[[Database], Any]:
    @contextmanager
    def opened(database: Database) -> Iterator[Open]:
        engine = sqlalchemy.create_engine(_alchemy(database.server, driver))
        try:
            if kind == "connection":
                held: Any = engine.connect()
            elif kind == "session":
                held = orm.Session(engine)
            else:
                held = orm.scoped_session(orm.sessionmaker(engine))
            try:
                yield Open(held, lambda sql: held.execute(sqlalchemy.text(sql)), held.commit, held.rollback)
            finally:
                held.close()
        finally:
            engine.dispose()

    return opened


ASYNC: dict[str, Callable[[Database], AbstractAsyncContextManager[Open]]] = {
    "psycopg": _psycopg_async,
    "asyncpg": _asyncpg,
    "asyncpg pool": _asyncpg_pool,
    "sqlalchemy+asyncpg": _alchemy_async("asyncpg"),
    "sqlalchemy+psycopg": _alchemy_async("psycopg"),
    "session+asyncpg": _alchemy_async("asyncpg", session=True),
    "session+psycopg": _alchemy_async("psycopg", session=True),
}
SYNC: dict[str, Callable[[Database], AbstractContextManager[Open]]] = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "sqlalchemy+psycopg": _alchemy_sync("psycopg"),
    "sqlalchemy+psycopg2": _alchemy_sync("psycopg2"),
    "session": _alchemy_sync("psycopg", "session"),
    "scoped session": _alchemy_sync("psycopg", "scoped"),
}
