"""An HTTP API beside a worker: it takes orders, and tells how far they are.

Run it with `pip install "upnext[api]"` and `upnext dev examples/python/shop.py`, then

    curl -X POST localhost:8000/orders -H 'content-type: application/json' -d '{"customer": "Ann", "cups": 3}'

The answer has the id of a job; `curl localhost:8000/orders/JOB_ID` gives its receipt once it is done.
"""

import asyncio

from fastapi import HTTPException
from pydantic import BaseModel

import upnext

worker = upnext.Worker("kitchen", concurrency=8)
api = upnext.Api("shop", port=8000)
orders = api.group("/orders", tags=["orders"])


class Order(BaseModel):
    """What somebody wants."""

    customer: str
    cups: int = 1


@worker.task(retries=2)
async def brew(order: Order) -> str:
    """Makes the coffee, and keeps a receipt."""
    for cup in range(order.cups):
        await asyncio.sleep(0.2)
        upnext.get_current_context().set_progress((cup + 1) / order.cups)
    await upnext.create_artifact("receipt.txt", f"{order.cups} cups for {order.customer}\n")
    return f"{order.cups} cups are ready"


@orders.post("", status_code=202)
async def place_order(order: Order) -> dict[str, str]:
    """Takes an order; it is made in the background."""
    future = await brew.submit(order)
    return {"job_id": future.job_id}


@orders.get("/{job_id}")
async def read_receipt(job_id: str) -> str:
    """The receipt of an order."""
    try:
        receipt = await upnext.get_artifact(job=job_id, name="receipt.txt")
    except (LookupError, ValueError) as error:
        raise HTTPException(404, "there is no receipt of this order yet") from error
    return await receipt.text()
