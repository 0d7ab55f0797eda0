"""`upnext://` over real artifacts, as pandas, polars and fsspec open it, inside jobs and outside."""

from __future__ import annotations

import asyncio
from typing import Any

import fsspec
import pandas as pd
import polars as pl
import pytest
from harness import Programs, running

import upnext

TABLE = pd.DataFrame({"city": ["Köln", "Ulm"], "rows": [1, 2]})


@pytest.fixture
def job(worker: upnext.Worker) -> str:
    """A job that made a table in several forms."""

    @worker.task(name="report/daily")
    async def report() -> None:
        await upnext.create_artifact("table.csv", TABLE)
        await upnext.create_artifact("data/table.parquet", TABLE)
        await upnext.create_artifact("large.bin", bytes(range(256)) * 4096)

    async def main() -> str:
        async with running(worker):
            return (await report.wait(wait_timeout=60)).job_id

    return asyncio.run(main())


@pytest.mark.every_backend
def test_pandas_and_polars_read_artifacts(job: str) -> None:
    parquet = upnext.get_artifact_sync(job=job, name="data/table.parquet")
    for address in (
        f"upnext://{job}/data/table.parquet",
        f"upnext://artifact/{parquet.id}",
        "upnext://latest/report%2Fdaily/data/table.parquet",
    ):
        pd.testing.assert_frame_equal(pd.read_parquet(address), TABLE)
    pd.testing.assert_frame_equal(pd.read_csv(f"upnext://{job}/table.csv"), TABLE)
    rows = TABLE.to_dict("records")
    # The readers of polars that are written in Rust know no fsspec: they take the open file.
    assert pl.read_parquet(f"upnext://{job}/data/table.parquet", use_pyarrow=True).to_dicts() == rows
    with fsspec.open(f"upnext://{job}/data/table.parquet") as file:
        assert pl.read_parquet(file).to_dicts() == rows
    with fsspec.open(f"upnext://{job}/table.csv") as file:
        assert pl.read_csv(file).to_dicts() == rows
    with parquet.open_sync() as opened:
        assert pl.read_parquet(opened).to_dicts() == rows


def test_files_and_folders(job: str) -> None:
    files = fsspec.filesystem("upnext")
    assert sorted(files.ls(f"upnext://{job}", detail=False)) == [f"{job}/data", f"{job}/large.bin", f"{job}/table.csv"]
    assert files.find(job) == [f"{job}/data/table.parquet", f"{job}/large.bin", f"{job}/table.csv"]
    assert files.info(f"{job}/large.bin")["size"] == 1024 * 1024
    assert files.cat_file(f"{job}/large.bin", 1000, 1004) == bytes([232, 233, 234, 235])
    assert files.cat_file(f"{job}/large.bin") == bytes(range(256)) * 4096
    with files.open(f"{job}/large.bin", block_size=4096) as file:
        file.seek(-2, 2)
        assert file.read() == b"\xfe\xff"
        assert (file.seek(0), file.read(2)) == (0, b"\x00\x01")
    for missing in ("nonsense/table.csv", f"{job}/other.csv", "artifact/nonsense", "latest/nobody/table.csv"):
        assert not files.exists(missing)
        with pytest.raises(FileNotFoundError, match="there is no artifact upnext://"):
            files.open(missing)


@pytest.mark.every_backend
def test_a_job_that_reads_an_address_is_noted(worker: upnext.Worker, job: str) -> None:
    worker.tasks.clear()

    @worker.task
    async def in_async() -> int:
        return len(pd.read_csv(f"upnext://{job}/table.csv"))

    @worker.task
    def in_sync() -> int:
        return len(pd.read_parquet(f"upnext://{job}/data/table.parquet"))

    async def main() -> None:
        async with running(worker):
            first = await in_async.wait(wait_timeout=20)
            second = await in_sync.wait(wait_timeout=20)
        assert (first.value, second.value) == (2, 2)
        assert [artifact.name for artifact in await upnext.list_artifacts(read_by=first)] == ["table.csv"]
        assert [artifact.name for artifact in await upnext.list_artifacts(read_by=second)] == ["data/table.parquet"]

    asyncio.run(main())


def test_what_is_half_written_hides_nothing(worker: upnext.Worker) -> None:
    @worker.task
    async def train(number: int) -> None:
        try:
            async with upnext.open_artifact("model.txt") as file:
                await file.write(f"model {number}")
                if number == 2:
                    raise KeyError
        except KeyError:
            pass

    async def main() -> None:
        async with running(worker):
            for number in range(3):
                await train.wait(number, wait_timeout=20)

    asyncio.run(main())
    files: Any = fsspec.filesystem("upnext")
    assert files.cat_file("latest/train/model.txt") == b"model 1"
    [newest] = upnext.list_artifacts_sync(function="train", limit=1)
    assert files.cat_file(f"artifact/{newest.id}") == b"model 2"
    assert files.ukey(f"artifact/{newest.id}") == f"{newest.id}/7"


@pytest.mark.every_backend
def test_any_process_reads_addresses(job: str, programs: Programs) -> None:
    programs.write("reads.py", f"import pandas; print(pandas.read_csv('upnext://{job}/table.csv')['city'].tolist())")
    assert programs.run("reads.py") == (0, "['Köln', 'Ulm']\n")
