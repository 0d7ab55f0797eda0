"""Programs of the Rust workspace that tests here talk to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build_example(package: str, name: str) -> str:
    """Builds an example of a crate and gives the path of its program."""
    command = ["cargo", "build", "--package", package, "--example", name, "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(message["executable"] for message in messages if message.get("executable"))
