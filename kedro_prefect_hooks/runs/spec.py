"""What a process must know to run a part of a flow run: which project, and which run of it.

Plain, picklable data. Knows neither Kedro nor Prefect.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks import env_vars


@dataclass(frozen=True)
class ProjectRef:
    """Where a process finds the project: all that a task carries of it.

    Attributes:
        path: the project's folder; on a machine where it is elsewhere, `KEDRO_PREFECT_PROJECT` says where.
        package: the project's package, sufficient where it is installed and the folder is missing.
        env: Kedro environment.
        conf_source: configuration source, unless it is that of the project's settings.
        pipeline: name of the registered pipeline(s), comma-separated, that contain the tasks' nodes.
        parameters: the flow's parameters and their configured values; those that differ in a flow run become
            runtime parameters.
        trees: the configured top-level parameters that contain the nested ones of `parameters`.
        session_id, runtime_params: set by the `kedro run` that this is part of; None for a flow run of
            its own, where they derive from the flow run.
    """

    path: str
    package: str | None = None
    env: str | None = None
    conf_source: str | None = None
    pipeline: str = "__default__"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trees: Mapping[str, Any] = field(default_factory=dict, hash=False)
    session_id: str | None = None
    runtime_params: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def folder(self) -> Path:
        """The project's folder on this machine."""
        return Path(os.environ.get(env_vars.PROJECT) or self.path)


@dataclass(frozen=True)
class FlowRun:
    """The flow run that a session belongs to.

    Attributes:
        id: the flow run's id.
        scheduled: when it was due. A restart does not change it.
        parameters: the flow run's parameters, defaults included.
    """

    id: str
    scheduled: datetime | None
    parameters: Mapping[str, Any]

    def session_id(self) -> str:
        """Kedro session id and save version: the time the run was due, as Kedro writes it.

        Kedro's stamps have milliseconds; three more digits from the run's id keep two runs apart that
        were due at the same moment. `%Y-%m-%dT%H.%M.%S.%fZ` reads both.
        """
        due = self.scheduled or datetime.now(timezone.utc)
        if due.tzinfo is not None:
            due = due.astimezone(timezone.utc)
        tail = int(self.id.replace("-", "")[-8:] or "0", 16) % 1000 if _is_hex(self.id) else 0
        return f"{due:%Y-%m-%dT%H.%M.%S}.{due.microsecond // 1000:03d}{tail:03d}Z"

    def runtime_params(self, ref: ProjectRef) -> dict[str, Any]:
        """The parameters that differ from the configured ones, nested as Kedro wants them.

        A nested one brings its whole top-level parameter along: where the environment has parameters of
        its own, Kedro's OmegaConfigLoader would let `{model: {size: 1}}` wipe the rest of `model`.
        """
        nested: dict[str, Any] = {}
        for name, value in self.parameters.items():
            if name in ref.parameters and value != ref.parameters[name]:
                top, *parents = name.split(".")
                if not parents:
                    nested[top] = value
                    continue
                target = nested.setdefault(top, copy.deepcopy(dict(ref.trees.get(top, {}))))
                for parent in parents[:-1]:
                    target = target.setdefault(parent, {})
                target[parents[-1]] = value
        return nested


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF-" for character in text)
