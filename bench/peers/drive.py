"""The submitter: runs one workload with one peer and prints one line of JSON.

Usage: `python -m peers.drive PEER WORKLOAD PARAMETERS`, the parameters as a JSON object. It starts the worker itself;
the environment says where jobs are (`BENCH_URL`), a folder of its own (`BENCH_HOME`), one for counts (`BENCH_TALLY`)
and a port for a server (`BENCH_PORT`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import sys
from typing import Any

from peers.base import Peer, UnsupportedError
from peers.running import Server
from peers.workloads import NEED_SERVER, WORKLOADS


async def _run(peer: Peer, workload: str, parameters: dict[str, Any]) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        if peer.served and workload in NEED_SERVER:
            server = await stack.enter_async_context(Server(peer, int(os.environ["BENCH_PORT"])))
            peer.server = server.pid
        await peer.prepare()
        await peer.open()
        stack.push_async_callback(peer.close)
        return await WORKLOADS[workload](peer, **parameters)


def main() -> None:
    """Runs it. What cannot be measured is an answer, too: `{"unsupported": reason}`."""
    name, workload, parameters = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    os.environ["BENCH_WORKLOAD"] = workload
    peer: Peer = importlib.import_module(f"peers.{name}").PEER()
    try:
        answer = asyncio.run(_run(peer, workload, parameters))
        answer["settings"] = peer.settings
    except UnsupportedError as error:
        answer = {"unsupported": str(error)}
    print(json.dumps(answer), flush=True)
    # Libraries' threads must not hold this up.
    os._exit(0)


if __name__ == "__main__":
    main()
