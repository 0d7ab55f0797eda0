"""Who takes part: each peer with each store that it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

from contest.environments import OURS
from contest.stores import DURABILITY


@dataclass(frozen=True)
class Contender:
    """One peer on one store."""

    peer: str
    store: str

    @property
    def key(self) -> str:
        """Its name in raw results."""
        return f"{self.peer}@{self.store}"

    @property
    def label(self) -> str:
        """Its name on the page."""
        return f"{TITLES[self.peer]}, {STORES[self.store]}"

    @property
    def durability(self) -> str:
        """What survives once it has said yes."""
        return OWN_DURABILITY.get(self.key) or DURABILITY[self.store]


TITLES = {
    OURS: "**UpNext**",
    "original": "upnext 0.0.8 (the Python original)",
    "ardiq": "ArdiQ",
    "flexiq": "flexiq",
    "saq": "SAQ",
    "celery": "Celery",
    "taskiq": "Taskiq",
    "arq": "arq",
    "dramatiq": "Dramatiq",
    "huey": "Huey",
    "procrastinate": "Procrastinate",
    "awa": "awa",
    "mlflow": "MLflow",
    "prefect": "Prefect",
}
STORES = {
    "sqlite": "SQLite",
    "redis": "Redis",
    "redis-everysec": "Redis everysec",
    "redis-always": "Redis always",
    "postgres": "PostgreSQL",
}
OWN_DURABILITY = {
    "ours@sqlite": "power loss: SQLite, WAL, synchronous=FULL",
    "flexiq@sqlite": "process crash: SQLite, WAL, synchronous=NORMAL",
    "huey@redis": "none: Redis without persistence; a job that a worker has taken is lost with it",
    "mlflow@sqlite": "process crash: its server on SQLite, artifacts as files that are not synced",
    "prefect@sqlite": "process crash: its server on SQLite, WAL, synchronous=NORMAL",
    "original@redis": "none: Redis without persistence; artifacts: SQLite, and files that are not synced",
}

#: Which stores each peer is measured on.
JOB_STORES = {
    OURS: ("sqlite", "redis", "redis-everysec", "redis-always", "postgres"),
    "original": ("redis", "redis-always"),
    "ardiq": ("redis", "redis-everysec", "redis-always"),
    "flexiq": ("sqlite",),
    "saq": ("redis", "redis-always"),
    "celery": ("redis",),
    "taskiq": ("redis", "redis-always"),
    "arq": ("redis",),
    "dramatiq": ("redis",),
    "huey": ("redis",),
    "procrastinate": ("postgres",),
    "awa": ("postgres",),
}
ARTIFACT_STORES = {OURS: ("sqlite",), "original": ("redis",), "mlflow": ("sqlite",), "prefect": ("sqlite",)}
PEERS = tuple(TITLES)
