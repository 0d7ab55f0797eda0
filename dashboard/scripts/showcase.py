"""A small company's jobs, for the pictures of the documentation. Fills a fresh UPNEXT_HOME through the real package.

`showcase.py work` is the worker; it runs until it is told to stop. Without arguments it gives the worker some minutes'
worth of jobs, waits for them, and leaves some running and some waiting. The hours before the present are written straight
into the figures, since nobody wants to wait a day for a picture.
"""

import asyncio
import io
import json
import math
import os
import pathlib
import random
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import zipfile

import upnext
from showcase_files import DAYS, chime, figures, heatmap, invoice_pdf, line_chart, price_list, report_page, sales_csv

worker = upnext.Worker("shop", concurrency=12)
media = upnext.Worker("media", concurrency=4)
api = upnext.Api("storefront", port=0)

CUSTOMERS = ["Nordlys Kaffe", "Müller & Söhne", "Blue Harbor Ltd", "Atelier Océan", "Kowalski Books", "Tanaka Design"]


@worker.task(tags=["finance"])
async def monthly_report(month: str, region: str) -> dict:
    """Sales of a month: a table, a chart, and the words around them."""
    context = upnext.get_current_context()
    context.send_log("info", f"reading orders of {month}", region=region)
    table = sales_csv()
    revenue = [900 + 300 * math.sin(day / 4) + figures.uniform(-80, 80) for day in range(DAYS)]
    returns = [120 + 40 * math.cos(day / 5) + figures.uniform(-20, 20) for day in range(DAYS)]
    await upnext.create_artifact("sales.csv", table, artifact_type=upnext.ArtifactType.CSV, tags=["sales", region])
    chart = line_chart(f"Revenue in {month}, {region}", {"revenue": revenue, "returns": returns})
    await upnext.create_artifact("revenue.svg", chart, artifact_type=upnext.ArtifactType.SVG, tags=["chart"])
    summary = {"month": month, "region": region, "orders": 3_214, "revenue": 81_940.5, "best_day": "2026-06-17"}
    await upnext.create_artifact("summary.json", summary, description=f"Sales of {month} in {region}", tags=["sales"])
    words = f"# Sales in {month}\n\nRevenue grew by **4.2 %** in the {region}.\n\n- orders: 3,214\n- returns: 2.1 %\n"
    await upnext.create_artifact("report.md", words.encode())
    await upnext.create_artifact(
        "report.html", report_page(month), artifact_type=upnext.ArtifactType.HTML, tags=["sales"]
    )
    context.set_progress(1.0, "published")
    return summary


@worker.task(retries=1, tags=["ml"])
async def train_model(run: int, learning_rate: float) -> dict:
    context = upnext.get_current_context()
    losses = []
    for epoch in range(1, 13):
        losses.append(1.9 * math.exp(-epoch * learning_rate * 90) + figures.uniform(0, 0.06))
        context.send_log("info", f"epoch {epoch:>2}  loss {losses[-1]:.4f}", epoch=epoch)
        context.set_progress(epoch / 12, f"epoch {epoch} of 12")
        await asyncio.sleep(0.05)
    metrics = {
        "run": run,
        "learning_rate": learning_rate,
        "loss": round(losses[-1], 4),
        "accuracy": round(0.97 - losses[-1] / 9, 4),
    }
    made = await upnext.create_artifact("metrics.json", metrics, tags=["metrics", f"run-{run}"], metadata=metrics)
    curve = line_chart(f"Loss of run {run}", {"train": losses, "validation": [loss * 1.12 for loss in losses]})
    await upnext.create_artifact("loss.svg", curve, artifact_type=upnext.ArtifactType.SVG)
    await upnext.create_artifact("attention.png", heatmap(320, 200, run), tags=["chart"])
    await upnext.create_artifact("model.bin", random.Random(run).randbytes(400_000), tags=["model"])
    log = "".join(
        f"\x1b[36mepoch {epoch + 1:>2}\x1b[0m  loss \x1b[1m{loss:.4f}\x1b[0m\n" for epoch, loss in enumerate(losses)
    )
    await upnext.create_artifact("training.log", log.encode())
    return {"metrics": made.id, **metrics}


@worker.task
async def publish_model(metrics_id: str) -> dict:
    metrics = await (await upnext.get_artifact(metrics_id)).json()
    await upnext.create_artifact("model-card.md", f"# Model {metrics['run']}\n\nLoss {metrics['loss']}\n".encode())
    return metrics


@worker.task
async def fetch_orders(customer: str) -> int:
    upnext.get_current_context().send_log("info", f"fetching orders of {customer}", customer=customer)
    await asyncio.sleep(figures.uniform(0.1, 0.5))
    return (await render_invoice.wait(customer=customer, orders=figures.randint(2, 9))).value["orders"]


@worker.task
async def render_invoice(customer: str, orders: int) -> dict:
    await asyncio.sleep(figures.uniform(0.1, 0.6))
    invoice = {"customer": customer, "orders": orders, "total": round(orders * 32.5, 2), "currency": "EUR"}
    await upnext.create_artifact(f"invoices/{customer}.json", invoice, tags=["invoice"])
    await upnext.create_artifact(f"invoices/{customer}.pdf", invoice_pdf(customer, invoice["total"]), tags=["invoice"])
    return invoice


@worker.task(tags=["finance"])
async def send_invoices(customers: list[str]) -> dict:
    """The top of a tree: a child for each customer, and a child of that."""
    context = upnext.get_current_context()
    orders = await upnext.gather(*(fetch_orders.wait(customer=customer) for customer in customers))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for customer in customers:
            file.writestr(f"invoices/{customer}.json", json.dumps({"customer": customer}))
    await upnext.create_artifact("invoices.zip", archive.getvalue())
    context.checkpoint({"sent": len(customers)})
    context.set_progress(1.0, "all sent")
    return {"sent": len(customers), "orders": sum(one.value for one in orders)}


def parse_row(number: int, row: str) -> tuple[str, float]:
    name, price = row.split(";")
    if not price.strip():
        raise ValueError(f"row {number} of the price list has no price: {row!r}")
    return name, float(price)


@worker.task(retries=2, retry_delay=0.05, tags=["import"])
async def import_prices(path: str) -> int:
    upnext.get_current_context().send_log("warning", f"{path} is 3 days old", path=path)
    await upnext.create_artifact("prices.xml", price_list())
    return len([parse_row(number, row) for number, row in enumerate(["Espresso;3.20", "Mocha; "], 1)])


@worker.task(tags=["mail"])
async def send_email(to: str, template: str) -> str:
    await asyncio.sleep(figures.uniform(0.01, 0.2))
    if "kowalski" in to and template == "reminder":
        raise ConnectionError("smtp.shop.example refused the connection")
    return f"sent to {to}"


@media.task(tags=["media"])
async def resize_images(folder: str, count: int, seconds: float) -> int:
    """Takes its time, so that there is something to watch."""
    context = upnext.get_current_context()
    for done in range(1, count + 1):
        await asyncio.sleep(seconds / count)
        context.send_log("info", f"{folder}/image-{done:03}.jpg  4032x3024 -> 1200x900")
        context.set_progress(done / count, f"{done} of {count} images")
    return count


@media.task(tags=["media"])
async def order_chime() -> None:
    await upnext.create_artifact("order-chime.wav", chime(), tags=["sound"])


@media.task(tags=["media"])
async def watch_orders(seconds: float) -> None:
    """Writes a log that others can read along."""
    async with upnext.open_artifact("orders.log", tags=["live"]) as log:
        for order in range(int(seconds * 2)):
            state = "\x1b[32mpaid\x1b[0m" if order % 7 else "\x1b[33mwaits for payment\x1b[0m"
            await log.write(f"{time.strftime('%H:%M:%S')} order {48_200 + order} {state}\n")
            await asyncio.sleep(0.5)


@api.get("/products/{product_id}")
async def read_product(product_id: int) -> dict:
    await asyncio.sleep(figures.uniform(0.002, 0.03))
    if product_id == 13:
        raise KeyError(product_id)
    return {"id": product_id}


@api.post("/orders")
async def place_order() -> dict:
    await asyncio.sleep(figures.uniform(0.01, 0.08))
    return {"job_id": (await send_email.submit(to="ada@example.com", template="receipt")).job_id}


@worker.task
async def visit_the_shop(visits: int) -> int:
    """Customers: most look, some buy, some ask for what is not there."""

    def visit(number: int) -> None:
        path, method = ("/orders", "POST") if number % 9 == 0 else (f"/products/{number % 17}", "GET")
        if number % 23 == 0:
            path, method = "/baskets", "GET"
        try:
            urllib.request.urlopen(urllib.request.Request(f"{api.address}{path}", method=method)).close()
        except urllib.error.HTTPError:
            pass

    for number in range(visits):
        await asyncio.to_thread(visit, number)
    return visits


@worker.cron("0 3 * * *", timezone="Europe/Berlin", tags=["nightly"])
async def clean_up() -> str:
    return "clean"


@worker.event("order.*").on
async def count_order(order_id: int) -> int:
    return order_id


def submit() -> None:
    for month, region in [("April", "north"), ("May", "west"), ("June", "east")]:
        monthly_report.options(tags=[region]).submit_sync(month=month, region=region)
    runs = [
        train_model.wait_sync(run=run, learning_rate=rate, wait_timeout=60)
        for run, rate in [(1, 0.001), (2, 0.003), (3, 0.002)]
    ]
    publish_model.wait_sync(metrics_id=runs[1].value["metrics"], wait_timeout=60)
    send_invoices.wait_sync(customers=CUSTOMERS, wait_timeout=60)
    for path in ["prices/spring.csv", "prices/summer.csv"]:
        wait_for_failure(path)
    for template in ["receipt", "welcome", "reminder", "receipt"]:
        for customer in CUSTOMERS:
            send_email.submit_sync(to=f"{customer.split()[0].lower()}@example.com", template=template)
    visit_the_shop.wait_sync(visits=160, wait_timeout=60)
    order_chime.submit_sync()
    watch_orders.submit_sync(seconds=900.0)
    for folder, count, seconds in [
        ("products/coffee", 40, 120.0),
        ("products/books", 64, 400.0),
        ("banners", 12, 300.0),
    ]:
        resize_images.options(tags=["catalog"]).submit_sync(folder=folder, count=count, seconds=seconds)
    monthly_report.options(delay=3600, tags=["south"]).submit_sync(month="July", region="south")
    send_email.wait_sync(to="ada@example.com", template="receipt", wait_timeout=60)


def wait_for_failure(path: str) -> None:
    try:
        import_prices.wait_sync(path=path, wait_timeout=60)
    except upnext.TaskExecutionError:
        return
    raise SystemExit(f"{path} was meant to fail")


def write_earlier_hours() -> None:
    """Figures of the hours before this one, as if the shop had been open all week."""
    database = sqlite3.connect(pathlib.Path(os.environ["UPNEXT_HOME"], "upnext.db"), timeout=30)
    this_hour = int(time.time() // 3600)
    with database:
        for hour in range(this_hour - 167, this_hour):
            of_day = 0.35 + 0.65 * math.sin(math.pi * ((hour % 24) / 24)) ** 2
            for function, usual, failing in [
                ("send_email", 46, 0.03),
                ("render_invoice", 22, 0.0),
                ("import_prices", 6, 0.2),
            ]:
                total = max(1, int(usual * of_day * figures.uniform(0.7, 1.3)))
                failed = sum(figures.random() < failing for _ in range(total))
                database.execute(
                    "INSERT INTO job_hours (hour, function, job_type, complete, failed, cancelled, retrying, timed, duration_us)"
                    " VALUES (?, ?, 'task', ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (hour, function, total - failed, failed, failed * 2, total, total * 320_000),
                )
    database.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        upnext.run(worker, media, api)
    else:
        submit()
        write_earlier_hours()
