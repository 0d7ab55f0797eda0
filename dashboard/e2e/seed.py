"""Fills a fresh UPNEXT_HOME for the browser tests, through the real Python package.

`seed.py work` is the worker; it runs until it is told to stop. Without arguments it submits the jobs, waits for them,
and prints one line of JSON: ids, and the exact contents that the browser must find. One job goes on: it writes
`live.log` until the file that `liveStop` names is there.
"""

import asyncio
import base64
import io
import json
import pathlib
import struct
import sys
import tempfile
import urllib.error
import urllib.request
import wave
import zipfile
import zlib

import upnext

worker = upnext.Worker("demo", concurrency=8)
api = upnext.Api("shop", port=0)

REPORT = {"type": "monthly", "rows": 42, "customer": "Åse & Sønner"}
LOG = "Processing completed successfully.\n3 warnings. <b>not bold</b>\n"
PNG_WIDTH, PNG_HEIGHT = 48, 32

NOTES = """# Training notes

The **second** run is better, see [the site](https://example.org/notes).

- [x] data cleaned

| metric | value |
|---|--:|
| loss | 0.25 |

<script>document.title = "owned"</script>
![beacon](/api/v1/jobs?hostile=markdown)
"""

CONSOLE = "\u001b[32mINFO\u001b[0m started\n\u001b[1;31mERROR\u001b[0m <i>no</i> disk\n"

PRICES = b'<?xml version="1.0"?>\n<prices><price sku="mocha">4.10</price></prices>\n'

PEOPLE = "id,name,score\n1,Kari,2.5\n2,Ola,3.5\n"

#: Tries everything a page could do to the dashboard, and writes down what came of it.
ATTACK = """
const report = {};
const attempt = (name, action) => {
  try { report[name] = String(action()); } catch (error) { report[name] = 'refused: ' + error.name; }
};
attempt('storage', () => localStorage.getItem('canary'));
attempt('owned', () => localStorage.setItem('owned', 'yes'));
attempt('session', () => sessionStorage.getItem('canary'));
attempt('cookie', () => document.cookie);
attempt('parent', () => parent === self ? 'refused: no parent' : parent.document.title);
attempt('top', () => parent === self ? 'refused: no parent' : top.localStorage.getItem('canary'));
attempt('databases', () => indexedDB.open('x'));
attempt('image', () => { new Image().src = '/api/v1/jobs?hostile=image'; return 'refused: no answer'; });
attempt('beacon', () => navigator.sendBeacon('/api/v1/jobs?hostile=beacon') ? 'queued' : 'refused: not queued');
attempt('popup', () => window.open('/jobs?hostile=popup') === null ? 'refused: no window' : 'opened');
const call = (name, options) => fetch('/api/v1/jobs?hostile=' + name, options).then(
  (answer) => { report[name] = 'answered ' + answer.status; },
  (error) => { report[name] = 'refused: ' + error.name; },
);
Promise.all([call('read'), call('write', { method: 'POST', body: '{}', mode: 'no-cors' })]).then(() => {
  document.getElementById('report').textContent = JSON.stringify(report);
});
"""

HOSTILE_HTML = f"""<!doctype html>
<html><head><title>hostile</title>
<link rel="stylesheet" href="/api/v1/jobs?hostile=stylesheet">
<script src="/api/v1/jobs?hostile=script"></script>
</head><body onload="document.getElementById('report').textContent += ' (onload ran)'">
<h1>A report like any other</h1>
<p id="report">no script ran</p>
<img src="/api/v1/jobs?hostile=img" onerror="document.getElementById('report').textContent += ' (onerror ran)'">
<iframe src="/jobs?hostile=frame"></iframe>
<object data="/api/v1/jobs?hostile=object"></object>
<form id="form" action="/api/v1/jobs?hostile=form" method="post"><button>Send</button></form>
<script>{ATTACK}</script>
</body></html>
"""

HOSTILE_SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60"
  onload="document.getElementById('report').textContent += ' (onload ran)'">
<text id="report" x="4" y="30">no script ran</text>
<image href="/api/v1/jobs?hostile=svg-image" width="9" height="9"/>
<foreignObject width="50" height="20">
  <iframe xmlns="http://www.w3.org/1999/xhtml" src="/jobs?hostile=svg-frame"/>
</foreignObject>
<script href="/api/v1/jobs?hostile=svg-script"/>
<script><![CDATA[{ATTACK}]]></script>
</svg>
"""


def make_png(red: int) -> bytes:
    """A small picture: a blue that fades from left to right."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(bytes((red, 79, 80 + 3 * x)) for x in range(PNG_WIDTH))
    header = struct.pack(">IIBBBBB", PNG_WIDTH, PNG_HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * PNG_HEIGHT))
        + chunk(b"IEND", b"")
    )


def make_pdf() -> bytes:
    """One empty page."""
    objects = (
        b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    )
    return b"%PDF-1.4\n" + objects + b"trailer<</Size 4/Root 1 0 R>>\n%%EOF\n"


def make_wav() -> bytes:
    """A tenth of a second of silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return buffer.getvalue()


def make_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data/part-1.csv", PEOPLE)
        archive.writestr("../escape.txt", "x")
    return buffer.getvalue()


def make_parquet() -> bytes | None:
    """A table, where pyarrow is there to write one."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return None
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "name": ["Kari", "Ola"]}), buffer)
    return buffer.getvalue()


@worker.task
async def generate_report(report_type: str) -> dict:
    png = base64.b64encode(make_png(74)).decode("ascii")
    await upnext.create_artifact(name="report.json", data={**REPORT, "type": report_type})
    await upnext.create_artifact(name="log.txt", data=LOG, artifact_type=upnext.ArtifactType.TEXT)
    await upnext.create_artifact(name="chart.png", data=png, artifact_type=upnext.ArtifactType.PNG)
    return {"rows": REPORT["rows"]}


@worker.task
async def train_model(run: int) -> dict:
    """The first run makes what the second is compared with; the second makes one of each kind, too."""
    made = [
        await upnext.create_artifact(
            "metrics.json",
            {"loss": 0.5 / run, "epochs": 3},
            description=f"Metrics of run {run}",
            tags=["metrics", f"run-{run}"],
            metadata={"model": "tiny", "data": {"rows": 1200}},
        ),
        await upnext.create_artifact("steps.txt", f"load\ntrain {run}\nsave\n".encode()),
        await upnext.create_artifact("curve.png", make_png(60 * run)),
    ]
    if run == 2:
        contents: dict[str, bytes | None] = {
            "notes.md": NOTES.encode(),
            "console.log": CONSOLE.encode(),
            "people.csv": PEOPLE.encode(),
            "bundle.zip": make_zip(),
            "weights.bin": bytes(range(256)) * 4,
            "people.parquet": make_parquet(),
            "prices.xml": PRICES,
            "page.pdf": make_pdf(),
            "chime.wav": make_wav(),
            "nested.json": json.dumps({"rows": [{"sku": f"sku-{n}", "price": n} for n in range(12)]}).encode(),
            "hostile.html": HOSTILE_HTML.encode(),
            "hostile.svg": HOSTILE_SVG.encode(),
            "throwaway.txt": b"delete me",
        }
        made += [await upnext.create_artifact(name, data) for name, data in contents.items() if data is not None]
    return {artifact.name: artifact.id for artifact in made}


@api.get("/orders/{order_id}")
async def read_order(order_id: int) -> dict:
    if order_id == 13:
        raise KeyError(order_id)
    return {"id": order_id}


@worker.task
async def ask_the_shop(order_ids: list[int]) -> list[int]:
    """Requests to the API in this process; answers their statuses."""

    def status(order_id: int) -> int:
        try:
            with urllib.request.urlopen(f"{api.address}/orders/{order_id}") as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    return [await asyncio.to_thread(status, order_id) for order_id in order_ids]


@worker.task
async def publish(metrics_id: str) -> dict:
    artifact = await upnext.get_artifact(metrics_id)
    return await artifact.json()


@worker.task
async def fetch_customer(customer: str) -> dict:
    context = upnext.get_current_context()
    context.send_log("info", f"fetching {customer}", customer=customer)
    await render_invoice.wait(customer=customer, total=len(customer) * 12.5)
    return {"customer": customer}


@worker.task
async def render_invoice(customer: str, total: float) -> dict:
    await upnext.create_artifact(f"invoices/{customer}.json", {"customer": customer, "total": total})
    return {"total": total}


@worker.task
async def send_invoices(customers: list[str]) -> dict:
    """The top of a tree: a child for each customer, and a child of that."""
    context = upnext.get_current_context()
    context.send_log("debug", "sorted the customers")
    await upnext.gather(*(fetch_customer.wait(customer=customer) for customer in customers))
    context.checkpoint({"sent": len(customers)})
    context.send_log("warning", "one address is old", customer=customers[0])
    context.set_progress(1.0, "all sent")
    return {"sent": len(customers), "customers": customers, "nested": {"deep": {"answer": 42}}}


def read_rows(path: str) -> list[str]:
    raise ValueError(f"{path} holds no rows")


@worker.task(retries=2, retry_delay=0.01)
async def import_rows(path: str) -> None:
    upnext.get_current_context().send_log("error", f"cannot read {path}")
    read_rows(path)


@worker.task
async def wait_for_file(stop: str) -> None:
    """Runs until the file is there, and logs as it waits."""
    context = upnext.get_current_context()
    turn = 0
    while not await asyncio.to_thread(pathlib.Path(stop).exists):
        turn += 1
        context.send_log("info", f"turn {turn}")
        context.set_progress(min(0.9, turn / 1000), f"turn {turn}")
        await asyncio.sleep(0.1)


@worker.task
async def write_log(stop: str) -> None:
    line = 0
    async with upnext.open_artifact("live.log", tags=["live"]) as log:
        while not await asyncio.to_thread(pathlib.Path(stop).exists):
            line += 1
            await log.write(f"\u001b[32mINFO\u001b[0m line {line}\n")
            await asyncio.sleep(0.05)
        await log.write("the end\n")


def submit() -> None:
    stop = pathlib.Path(tempfile.mkdtemp(prefix="upnext-live-")) / "stop"
    write_log.submit_sync(stop=str(stop))
    report = generate_report.wait_sync(report_type="monthly", wait_timeout=30)
    train_model.wait_sync(run=1, wait_timeout=30)
    trained = train_model.wait_sync(run=2, wait_timeout=30)
    publish.wait_sync(metrics_id=trained.value["metrics.json"], wait_timeout=30)
    tree = send_invoices.wait_sync(customers=["kari", "ola", "åse"], wait_timeout=30)
    ask_the_shop.wait_sync(order_ids=[1, 2, 13], wait_timeout=30)
    try:
        import_rows.wait_sync(path="rows.csv", wait_timeout=30)
    except upnext.TaskExecutionError as error:
        failed_id = error.job_id
    waiting = wait_for_file.submit_sync(stop=f"{stop}-waiting")
    print(
        json.dumps(
            {
                "jobId": report.job_id,
                "trainId": trained.job_id,
                "treeId": tree.job_id,
                "failedId": failed_id,
                "runningId": waiting.job_id,
                "ids": trained.value,
                "report": REPORT,
                "log": LOG,
                "pngBase64": base64.b64encode(make_png(74)).decode("ascii"),
                "pngWidth": PNG_WIDTH,
                "liveStop": str(stop),
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        upnext.run(worker, api)
    else:
        submit()
