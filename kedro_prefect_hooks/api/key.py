"""The key under which a flow is registered: what it says, and how it is read back.

Prefect keeps the last key of each flow in its flow group's settings (`idempotency_key`), where one query
reads those of all flows. Ours says who registered the flow, the digest and the size of what Prefect was
told, and whether this registration starts the schedule. Knows nothing of flows.
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
        owner: the Kedro package and environment, `flights/deploy`: two of them may share a Prefect project,
            and neither may take the other's flows for its own orphans.
        digest: of all that Prefect was told.
        tasks: how many tasks the flow has; fewer in the API mean that a registration died half way.
        edges: how many edges.
        starts: this registration starts the schedule. Without it, a registration that died before it did so
            would look like one whose schedule somebody has paused.
        again: the version that was registered again although nothing had changed (`--force`), else 0.
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


def parse(text: object) -> Key | None:
    """The key that a flow group's settings hold, or None when it is not one of this plugin's."""
    found = _KEY.fullmatch(str(text or ""))
    if found is None:
        return None
    return Key(
        found["owner"],
        found["digest"],
        int(found["tasks"]),
        int(found["edges"]),
        found["starts"] == "starts",
        int(found["again"] or 0),
    )


def owner_of(package: str, env: str | None) -> str:
    """Who registers, as it stands in a key."""
    return re.sub(r"[^\w./-]", "_", f"{package}/{env or 'local'}")


def digest_of(content: Any) -> str:
    """sha256 of canonical JSON: the same whatever the order of a dictionary and the hash seed."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()
