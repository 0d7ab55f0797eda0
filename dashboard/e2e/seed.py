"""Fills a fresh UPNEXT_HOME for the browser tests: one job, run to its end by a real worker, with three artifacts.

Run without arguments it starts itself as the worker, submits the job, waits for it, stops the worker, and prints one
line of JSON: the job's id and the exact contents that the browser must find.
"""

import base64
import json
import signal
import struct
import subprocess
import sys
import zlib

import upnext

worker = upnext.Worker("demo")

REPORT = {"type": "monthly", "rows": 42, "customer": "Åse & Sønner"}
LOG = "Processing completed successfully.\n3 warnings. <b>not bold</b>\n"
PNG_WIDTH, PNG_HEIGHT = 48, 32


def make_png() -> bytes:
    """A small picture: a blue that fades from left to right."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(bytes((74, 79, 80 + 3 * x)) for x in range(PNG_WIDTH))
    header = struct.pack(">IIBBBBB", PNG_WIDTH, PNG_HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * PNG_HEIGHT))
        + chunk(b"IEND", b"")
    )


@worker.task
async def generate_report(report_type: str) -> dict:
    png = base64.b64encode(make_png()).decode("ascii")
    await upnext.create_artifact(name="report.json", data={**REPORT, "type": report_type})
    await upnext.create_artifact(name="log.txt", data=LOG, artifact_type=upnext.ArtifactType.TEXT)
    await upnext.create_artifact(name="chart.png", data=png, artifact_type=upnext.ArtifactType.PNG)
    return {"rows": REPORT["rows"]}


def submit() -> None:
    process = subprocess.Popen([sys.executable, __file__, "work"], stdout=sys.stderr)
    try:
        result = generate_report.wait_sync(report_type="monthly", wait_timeout=30)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
    print(
        json.dumps(
            {
                "jobId": result.job_id,
                "report": REPORT,
                "log": LOG,
                "pngBase64": base64.b64encode(make_png()).decode("ascii"),
                "pngWidth": PNG_WIDTH,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        upnext.run(worker)
    else:
        submit()
