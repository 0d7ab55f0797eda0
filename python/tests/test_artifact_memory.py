"""Large artifacts move in constant memory, on their way in and out."""

from __future__ import annotations

import json

from harness import Programs

MIB = 1024 * 1024

#: Measures itself: a process of its own knows nothing of what the other tests held.
PROGRAM = """
    import asyncio, json, resource, sys, threading
    from pathlib import Path
    import upnext

    SIZE = 300 * 1024 * 1024
    worker = upnext.Worker("demo")
    large = Path("large.bin")
    large.touch()
    with large.open("r+b") as file:
        file.truncate(SIZE)

    def peak():
        status = Path("/proc/self/status")
        if not status.exists():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def pieces():
        with large.open("rb") as file:
            while piece := file.read(100_000):
                yield piece

    async def pieces_async():
        for piece in pieces():
            yield piece

    @worker.task
    async def idle():
        made = await upnext.create_artifact("small.bin", bytes(1024 * 1024))
        await made.save("small.bin")
        async with upnext.open_artifact("small.log") as log:
            await log.write("x")

    @worker.task
    async def in_async(way):
        if way == "file":
            with large.open("rb") as file:
                made = await upnext.create_artifact("x.bin", file)
        elif way == "save":
            made = await upnext.get_artifact(function="in_async", name="x.bin")
            assert (await made.save("saved.bin")).stat().st_size == SIZE
        elif way == "open":
            made, read = await upnext.get_artifact(function="in_async", name="x.bin"), 0
            async with made.open() as reader:
                async for chunk in reader:
                    read += len(chunk)
            assert read == SIZE
        elif way == "live":
            async with upnext.open_artifact("live.bin") as live:
                async for piece in pieces_async():
                    await live.write(piece)
            made = live.artifact
        else:
            ways = {"path": large, "iterator": pieces(), "async iterator": pieces_async()}
            made = await upnext.create_artifact("x.bin", ways[way])
        assert made.size_bytes == SIZE

    @worker.task
    def in_thread(way):
        made = upnext.get_artifact_sync(function="in_async", name="x.bin")
        if way == "save_sync":
            assert made.save_sync("saved.bin").stat().st_size == SIZE
        else:
            with made.open_sync() as file:
                read = sum(len(piece) for piece in iter(lambda: file.read(1_000_000), b""))
                file.seek(SIZE // 2)
                assert file.read(10) == bytes(10)
            assert read == SIZE

    async def main():
        await worker.start()
        await idle.wait()
        before, grown = peak(), {}
        for way in ("path", "file", "iterator", "async iterator", "save", "open", "live"):
            await in_async.wait(way)
            grown[way] = peak() - before
        for way in ("save_sync", "open_sync"):
            await in_thread.wait(way)
            grown[way] = peak() - before
        await worker.stop()
        print(json.dumps(grown))

    asyncio.run(main())
"""


def test_300_mib_take_no_64_mib_of_memory(programs: Programs) -> None:
    program = programs.write("measures.py", PROGRAM)
    limit = {"UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES": str(400 * MIB)}
    process = programs.start(str(program), env=limit)
    code = process.wait(300)
    output = programs.output(process)
    assert code == 0, output
    grown = json.loads(output.splitlines()[-1])
    assert len(grown) == 9
    assert max(grown.values()) < 64 * MIB, {way: f"{size / MIB:.1f} MiB" for way, size in grown.items()}
