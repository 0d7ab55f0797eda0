"""What ARCHITECTURE.md says about the code that can be looked up: the tests behind its invariants, its dependencies."""

from __future__ import annotations

import re
from pathlib import Path

from rust_programs import ROOT

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", ARCHITECTURE.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def functions_of_tests() -> set[str]:
    rust: list[Path] = [*(ROOT / "crates").rglob("*.rs"), *(ROOT / "python" / "src").rglob("*.rs")]
    python = (ROOT / "python" / "tests").glob("test_*.py")
    return {name for file in [*rust, *python] for name in re.findall(r"\b(?:fn|def) (\w+)", file.read_text())}


def test_every_invariant_names_tests_that_exist() -> None:
    invariants = re.split(r"^(\d+)\. ", section("Invariants"), flags=re.MULTILINE)[1:]
    numbers, texts = [int(number) for number in invariants[::2]], invariants[1::2]
    assert numbers == list(range(1, len(numbers) + 1))
    functions = functions_of_tests()
    for number, text in zip(numbers, texts, strict=True):
        # Names of tests are sentences, in the words in italics after the rule.
        evidence = " ".join(re.findall(r"(?<!\*)\*(?!\*)([^*]+)\*", text))
        tests = [name.rsplit("::", 1)[-1] for name in re.findall(r"`([\w:]+)`", evidence)]
        named = [name for name in tests if name.count("_") >= 2]
        assert named, f"invariant {number} names no test"
        missing = [name for name in named if name not in functions]
        assert not missing, f"invariant {number} names tests that do not exist: {missing}"


def test_every_dependency_has_a_reason() -> None:
    manifest = (ROOT / "Cargo.toml").read_text().split("[workspace.dependencies]")[1].split("[workspace.lints")[0]
    dependencies = set(re.findall(r"^([a-z0-9_-]+) = ", manifest, flags=re.MULTILINE))
    rows = [line.split("|") for line in section("Dependencies").splitlines() if line.startswith("| ")]
    explained = {name for _, names, reason, _ in rows if reason.strip() for name in re.findall(r"[a-z0-9_-]+", names)}
    unexplained = {name for name in dependencies - explained if not re.match(r"upnext(-|$)", name)}
    assert not unexplained, f"say in ARCHITECTURE.md why these are here: {sorted(unexplained)}"
