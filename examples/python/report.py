"""A worker with one task that makes artifacts.

Run it with `upnext dev examples/python/report.py`, then `upnext call generate_report --kwargs '{"report_type": "monthly"}'`.
"""

import struct
import zlib

import upnext

worker = upnext.Worker("demo", concurrency=8)


@worker.task
async def generate_report(report_type: str) -> dict[str, object]:
    """Makes a report, a log and a chart, and returns the report."""
    data: dict[str, object] = {"type": report_type, "rows": 42}
    await upnext.create_artifact(name="report.json", data=data, artifact_type=upnext.ArtifactType.JSON)
    await upnext.create_artifact(
        name="log.txt",
        data="Processing completed successfully.\n3 warnings.",
        artifact_type=upnext.ArtifactType.TEXT,
    )
    await upnext.create_artifact(name="chart.png", data=chart([3, 5, 8, 6, 9, 12, 10]))
    return data


def chart(values: list[int], width: int = 320, height: int = 160) -> bytes:
    """A bar chart as PNG bytes, drawn without any library."""
    background, bar = b"\xf4\xf5\xf7", b"\x3b\x6f\xe0"
    step = width // len(values)
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # PNG filter type "none" opens every row
        for x in range(width):
            index, inside = min(x // step, len(values) - 1), x < step * len(values) and x % step < step * 3 // 4
            filled = height - y <= values[index] * (height - 10) // max(values)
            rows += bar if inside and filled else background

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    )
