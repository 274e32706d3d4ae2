"""The idempotency key of a registered flow: its content, and how it is parsed.

Prefect keeps the last key of each flow in its flow group's settings (`idempotency_key`), where one query
returns those of all flows. Ours holds who registered the flow, the digest and the size of what was sent, and
whether this registration starts the schedule. Knows nothing of flows.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

PREFIX = "kedro-prefect/1"


class Key(NamedTuple):
    """A key of this plugin.

    Args:
        owner: the Kedro package and environment, such as `flights/deploy`. Several owners may share a Prefect
            project, and none may treat another's flows as its own orphans.
        digest: the hash of everything that is sent to Prefect.
        tasks: the number of tasks; fewer in the API mean that a registration was interrupted.
        edges: the number of edges.
        starts: whether this registration starts the schedule. Without it, an interrupted registration would
            look like one whose schedule somebody has paused.
        again: the version that was registered again although nothing had changed (`--force`), or 0.
    """

    owner: str
    digest: str
    tasks: int
    edges: int
    starts: bool = False
    again: int = 0

    def __str__(self) -> str:
        parts = [PREFIX, self.owner, self.digest, f"{self.tasks}+{self.edges}"]
        parts.append("starts" if self.starts else "rests")
        return ":".join([*parts, f"again-{self.again}"] if self.again else parts)


_KEY = re.compile(
    re.escape(PREFIX) + r":(?P<owner>[^:]+):(?P<digest>[0-9a-f]+):(?P<tasks>\d+)\+(?P<edges>\d+)"
    r":(?P<starts>starts|rests)(:again-(?P<again>\d+))?"
)


def parse_key(text: object) -> Key | None:
    """Parse the key in a flow group's settings; None when it is not one of this plugin's."""
    match = _KEY.fullmatch(str(text or ""))
    if match is None:
        return None
    return Key(
        match["owner"],
        match["digest"],
        int(match["tasks"]),
        int(match["edges"]),
        match["starts"] == "starts",
        int(match["again"] or 0),
    )


def owner_of(package: str, env: str | None) -> str:
    """The owner in a key: the package and the environment."""
    return re.sub(r"[^\w./-]", "_", f"{package}/{env or 'local'}")


def digest_of(content: Any) -> str:
    """The SHA-256 of canonical JSON: independent of the order of dictionaries and of the hash seed."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()
