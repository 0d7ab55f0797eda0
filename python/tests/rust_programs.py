"""Programs of the Rust workspace that tests here talk to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build_example(name: str) -> str:
    """Builds an example of a crate here and gives the path of its program."""
    # Of the whole workspace, as the Rust tests are built: for one package alone cargo would choose other features for
    # the crates they share, and compile those again.
    workspace = ["--workspace", "--exclude", "upnext-python"]
    command = ["cargo", "build", *workspace, "--example", name, "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(message["executable"] for message in messages if message.get("executable"))
