"""Jobs that are submitted inside of the application's own transactions, with every driver and library."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import databases
import psycopg
import pytest
import servers
import sqlalchemy
from databases import Database
from harness import eventually, running
from rust_programs import ROOT
from sqlalchemy import orm
from sqlalchemy.ext import asyncio as alchemy_asyncio

import upnext


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a real PostgreSQL."""
    with servers.users_lock("postgres").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        # In a process of its own: the server outlives whoever starts it.
        share = [sys.executable, servers.__file__, "share", "postgres"]
        yield json.loads(subprocess.run(share, check=True, capture_output=True).stdout)["url"]


@pytest.fixture
def database(server: str) -> Database:
    """A deployment of the test's own."""
    database = Database(server, f"t{uuid.uuid4().hex}")
    database.make()
    return database


@pytest.fixture
def worker(database: Database) -> upnext.Worker:
    """A worker whose jobs are in PostgreSQL; nobody has started it."""
    return upnext.Worker("demo", concurrency=4, url=database.url)


@pytest.mark.parametrize("driver", databases.ASYNC)
def test_a_job_exists_if_the_transaction_commits(driver: str, worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def ship(order_id: int, note: str = "") -> str:
        return f"shipped {order_id}{note}"

    async def main() -> None:
        async with running(worker):
            async with databases.ASYNC[driver](database) as opened:
                await opened.execute(database.insert)
                undone = await ship.in_transaction(opened.connection).submit(1)
                await opened.rollback()
            assert database.counts() == (0, 0)
            with pytest.raises(LookupError, match="there is no job"):
                await undone.result()
            async with databases.ASYNC[driver](database) as opened:
                await opened.execute(database.insert)
                task = ship.options(priority=3, tags=["eu"]).in_transaction(opened.connection)
                done = await task.submit(order_id=2, note=' "%s" :a $1')
                assert database.counts() == (0, 0)
                await opened.commit()
            assert await done.value(20) == 'shipped 2 "%s" :a $1'
            assert database.counts() == (1, 1)
            assert database.query("SELECT priority, tags FROM upnext.jobs") == [(3, '["eu"]')]

    asyncio.run(main())


@pytest.mark.parametrize("driver", databases.SYNC)
def test_the_same_without_a_loop(driver: str, worker: upnext.Worker, database: Database) -> None:
    @worker.task
    def ship(order_id: int) -> str:
        return f"shipped {order_id}"

    with databases.SYNC[driver](database) as opened:
        opened.execute(database.insert)
        ship.in_transaction(opened.connection).submit_sync(1)
        opened.rollback()
    assert database.counts() == (0, 0)
    with databases.SYNC[driver](database) as opened:
        opened.execute(database.insert)
        task = ship.in_transaction(opened.connection)
        future = task.submit_idempotent_sync("order-2", 2)
        assert task.submit_idempotent_sync("order-2", 2).job_id == future.job_id
        assert database.counts() == (0, 0)
        opened.commit()
    assert database.counts() == (1, 1)

    async def main() -> None:
        async with running(worker):
            assert await future.value(20) == "shipped 2"
            # A connection that blocks, where a loop runs.
            with databases.SYNC[driver](database) as opened:
                second = await ship.in_transaction(opened.connection).submit(3)
                opened.commit()
            assert await second.value(20) == "shipped 3"

    asyncio.run(main())


def test_an_idle_worker_begins_at_once(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        async with running(worker):
            # Its connection that listens is there once somebody else has woken it.
            await noop.wait(wait_timeout=20)
            async with databases.ASYNC["asyncpg"](database) as opened:
                future = await noop.in_transaction(opened.connection).submit()
                await opened.commit()
            # By itself it looks every 5 seconds.
            await future.result(timeout=2)

    asyncio.run(main())


def test_savepoints(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def noop(n: int) -> None: ...

    with psycopg.connect(database.server) as connection:
        task = noop.in_transaction(connection)
        first = task.submit_sync(1)
        with connection.transaction():
            task.submit_sync(2)
            raise psycopg.Rollback
        with connection.transaction():
            third = task.submit_sync(3)
    rows = database.query("SELECT id::text FROM upnext.jobs ORDER BY seq")
    assert [row for (row,) in rows] == [first.job_id, third.job_id]


def test_many_jobs_and_events(worker: upnext.Worker, database: Database) -> None:
    placed = worker.event("order.placed")

    @placed.on
    async def reserve(order_id: int) -> str:
        return f"reserved {order_id}"

    @worker.event("order.*").on
    def audit(order_id: int) -> str:
        return f"noted {order_id}"

    @worker.task
    async def square(n: int) -> int:
        return n * n

    async def main() -> None:
        async with running(worker):
            async with databases.ASYNC["psycopg"](database) as opened:
                futures = await upnext.submit_many(
                    square.in_transaction(opened.connection), [{"n": n} for n in range(9)]
                )
                jobs = await placed.in_transaction(opened.connection).send(order_id=7)
                again = await reserve.in_transaction(opened.connection).send_idempotent("seven", 7)
                same = await placed.in_transaction(opened.connection).send_idempotent("seven", order_id=7)
                assert [job.job_id for job in same] == [job.job_id for job in again]
                nobody = worker.event("nobody.cares").in_transaction(opened.connection)
                assert await nobody.send() == []
                assert await upnext.submit_many(square.in_transaction(opened.connection), []) == []
                assert database.counts() == (0, 0)
                await opened.commit()
            assert await upnext.gather(futures) == [n * n for n in range(9)]
            assert sorted(await upnext.gather(jobs)) == ["noted 7", "reserved 7"]

    asyncio.run(main())
    with databases.SYNC["psycopg"](database) as opened:
        assert len(placed.in_transaction(opened.connection).send_sync(order_id=8)) == 2
        opened.rollback()
    assert database.counts() == (0, 13)


def test_a_job_submits_as_a_parent(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def child() -> None: ...

    @worker.task
    async def parent() -> str:
        async with databases.ASYNC["asyncpg"](database) as opened:
            future = await child.in_transaction(opened.connection).submit()
            await opened.commit()
        return future.job_id

    async def main() -> None:
        async with running(worker):
            result = await parent.wait(wait_timeout=20)
            inner = await upnext.Future[None](result.value, database.url).result(20)
            assert (inner.parent_id, inner.root_id) == (result.job_id, result.job_id)

    asyncio.run(main())


def test_a_key_that_an_open_transaction_decides_about(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        async with databases.ASYNC["asyncpg"](database) as opened:
            inside = await noop.in_transaction(opened.connection).submit_idempotent("k")
            outside = asyncio.create_task(noop.submit_idempotent("k"))
            other = await noop.submit_idempotent("other")
            assert not outside.done()
            await opened.commit()
        assert (await outside).job_id == inside.job_id != other.job_id

    asyncio.run(main())


def test_arguments_are_checked_as_ever(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def ship(order_id: int) -> None: ...

    with databases.SYNC["psycopg"](database) as opened:
        task = ship.in_transaction(opened.connection)
        with pytest.raises(upnext.ArgumentError, match="the argument 'order_id' must be int, not 'one'"):
            task.submit_sync("one")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="an idempotency key has 1 to 256 characters"):
            task.submit_idempotent_sync(" ", 1)
        with pytest.raises(RuntimeError, match="nobody can wait for it before"):
            task.wait_sync(1)
        # Nothing of this has broken the transaction.
        task.submit_sync(1)
        opened.commit()
    assert database.counts() == (0, 1)

    async def main() -> None:
        with databases.SYNC["psycopg"](database) as opened:
            task = ship.in_transaction(opened.connection)
            with pytest.raises(RuntimeError, match="task 'ship': a job of a transaction begins after the commit"):
                await task.wait(1)
            with pytest.raises(RuntimeError, match="nobody can wait for it before"):
                await upnext.map_tasks(task, [{"order_id": 1}])
            with pytest.raises(RuntimeError, match="would block the running event loop"):
                task.submit_sync(1)

    asyncio.run(main())


def test_connections_that_do_not(worker: upnext.Worker, database: Database) -> None:
    @worker.task
    async def noop() -> None: ...

    for other in (object(), None, database.server, sqlalchemy.create_engine("sqlite://")):
        with pytest.raises(TypeError, match="takes a connection of psycopg, asyncpg or psycopg2, or a connection or"):
            noop.in_transaction(other)
    with (
        pytest.raises(TypeError, match="this one of SQLAlchemy is to sqlite"),
        orm.Session(sqlalchemy.create_engine("sqlite://")) as session,
    ):
        noop.in_transaction(session).submit_sync()

    async def main() -> None:
        async with databases.ASYNC["asyncpg"](database) as opened:
            task = noop.in_transaction(opened.connection)
            with pytest.raises(TypeError, match=r"submit_sync\(\) cannot await an asyncpg.Connection"):
                await asyncio.to_thread(task.submit_sync)
            await opened.rollback()
            with pytest.raises(RuntimeError, match=r"an asyncpg\.Connection has no transaction open"):
                await task.submit()
        async with await psycopg.AsyncConnection.connect(database.server, autocommit=True) as connection:
            task = noop.in_transaction(connection)
            with pytest.raises(RuntimeError, match="has no transaction open, so nothing could be rolled back"):
                await task.submit()
            async with connection.transaction():
                await task.submit()

    asyncio.run(main())
    for driver in ("psycopg", "psycopg2"):
        url = database.server.replace("postgres://", f"postgresql+{driver}://")
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection, pytest.raises(RuntimeError, match="another isolation level"):
            noop.in_transaction(connection).submit_sync()
        engine.dispose()
    assert database.counts() == (0, 1)


def test_databases_that_do_not(database: Database, server: str, home: Any) -> None:
    elsewhere = upnext.Worker("elsewhere", url=f"{server}?schema=other{database.schema[:20]}")
    nowhere = upnext.Worker("nowhere")

    async def noop() -> None: ...

    kept = elsewhere.task(name="noop")(noop)
    embedded = nowhere.task(name="noop")(noop)
    kept.submit_sync()
    database.query(f"CREATE DATABASE {database.schema}")
    with psycopg.connect(database.server.replace("/postgres", f"/{database.schema}")) as connection:
        with pytest.raises(
            upnext.BackendError, match="the database of this connection holds no jobs of UpNext"
        ) as told:
            kept.in_transaction(connection).submit_sync()
        assert isinstance(told.value.__cause__, psycopg.errors.InvalidSchemaName)
        connection.rollback()
        with pytest.raises(
            upnext.BackendError, match="jobs are kept in sqlite here, which has no part in transactions"
        ):
            embedded.in_transaction(connection).submit_sync()
    role = f"role_{database.schema}"
    database.query(f"CREATE ROLE {role} LOGIN")
    with (
        psycopg.connect(database.server.replace("upnext@", f"{role}@")) as connection,
        pytest.raises(upnext.BackendError, match="GRANT USAGE ON SCHEMA and EXECUTE ON FUNCTION submit_jobs"),
    ):
        kept.in_transaction(connection).submit_sync()
    database.query(f"DROP ROLE {role}")
    database.query(f"DROP DATABASE {database.schema}")


def test_another_deployment_in_its_place(database: Database, worker: upnext.Worker) -> None:
    @worker.task
    async def noop() -> None: ...

    async def main() -> None:
        # The process remembers which deployment it works for.
        async with databases.ASYNC["asyncpg"](database) as opened:
            await noop.in_transaction(opened.connection).submit()
            database.query("UPDATE upnext.deployment SET id = gen_random_uuid()")
            with pytest.raises(upnext.BackendError, match="holds another deployment of UpNext") as told:
                await noop.in_transaction(opened.connection).submit()
            assert isinstance(told.value.__cause__, asyncpg.PostgresError)

    asyncio.run(main())


def test_the_examples_of_the_guide(server: str, database: Database) -> None:
    guide = (ROOT / "docs" / "postgres.md").read_text()
    section = guide.split("## Submitting inside of a transaction")[1].split("\n## ")[0]
    python, sql = (re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0] for language in ("python", "sql"))
    # It speaks of the usual schema, so it gets a database of its own.
    database.query(f"CREATE DATABASE {database.schema}")
    url = server.replace("/postgres", f"/{database.schema}")

    class Base(orm.DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "orders"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id serial PRIMARY KEY)")
    worker = upnext.Worker("guide", url=url)
    names: dict[str, Any] = {"worker": worker, "Order": Order, "AsyncSession": alchemy_asyncio.AsyncSession}
    exec(compile(python, "guide", "exec", dont_inherit=True), names)

    async def main() -> list[tuple[Any, ...]]:
        engine = alchemy_asyncio.create_async_engine(url.replace("postgres://", "postgresql+asyncpg://"))
        async with running(worker):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(sql)
                async with alchemy_asyncio.AsyncSession(engine, expire_on_commit=False) as session:
                    await names["place_order"](session, Order())

                def ended() -> list[tuple[Any, ...]]:
                    done = "SELECT j.kwargs::jsonb FROM upnext.jobs j JOIN upnext.ended e ON e.job = j.seq"
                    rows = connection.execute(done).fetchall()
                    return rows if len(rows) == 2 else []

                rows: list[tuple[Any, ...]] = await eventually(ended, "both orders are shipped")
        await engine.dispose()
        return rows

    shipped = [kwargs["order_id"] for (kwargs,) in asyncio.run(main())]
    assert sorted(shipped) == [1, 7]
    database.query(f"DROP DATABASE {database.schema} WITH (FORCE)")
