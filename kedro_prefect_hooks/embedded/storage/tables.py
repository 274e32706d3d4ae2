"""The tables of the embedded API: the one description from which SQL, GraphQL types and filters are made.

Column names, nullability and relationships are those of the real server's public schema. What only the real
server has (cloud hooks, messages, traversals, writing to tables directly) is absent, so that a query for it
gets GraphQL's own error. Knows nothing of what the values mean.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.storage.values import Interval, Json, Timestamp, Uuid

metadata = sa.MetaData()


class Relation(NamedTuple):
    """From a row to the rows of `table` whose column `remote` equals the row's column `local`."""

    table: str
    local: str
    remote: str
    many: bool


def _one(table: str, local: str) -> Relation:
    return Relation(table, local, "id", many=False)


def _many(table: str, remote: str) -> Relation:
    return Relation(table, "id", remote, many=True)


def _reference(
    name: str, target: str, *, nullable: bool = False, on_delete: str = "CASCADE"
) -> sa.Column[Any]:
    return sa.Column(name, Uuid, sa.ForeignKey(f"{target}.id", ondelete=on_delete), nullable=nullable)


def _table(name: str, *items: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", Uuid, primary_key=True, nullable=False),
        sa.Column("created", Timestamp, nullable=False),
        sa.Column("updated", Timestamp, nullable=False),
        *items,
    )


def _state_columns() -> list[sa.Column[Any]]:
    """The columns in which both flow runs and task runs store their latest state."""
    return [
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("heartbeat", Timestamp),
        sa.Column("start_time", Timestamp),
        sa.Column("end_time", Timestamp),
        sa.Column("state", sa.Text),
        sa.Column("state_timestamp", Timestamp),
        sa.Column("state_message", sa.Text),
        sa.Column("state_result", Json),
        sa.Column("state_start_time", Timestamp),
        sa.Column("serialized_state", Json),
    ]


def _state_history(name: str, run: str) -> sa.Table:
    return _table(
        name,
        _reference("tenant_id", "tenant", nullable=True),
        _reference(f"{run}_id", run),
        sa.Column("timestamp", Timestamp, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("result", Json),
        sa.Column("start_time", Timestamp),
        sa.Column("serialized_state", Json, nullable=False),
        sa.Index(f"ix_{name}_{run}_id", f"{run}_id", "version"),
    )


tenant = _table(
    "tenant",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("info", Json),
    sa.Column("settings", Json, nullable=False),
)

project = _table(
    "project",
    _reference("tenant_id", "tenant", nullable=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.UniqueConstraint("tenant_id", "name", name="project_tenant_id_name_key"),
)

flow_group = _table(
    "flow_group",
    _reference("tenant_id", "tenant", nullable=True),
    sa.Column("name", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("labels", Json),
    sa.Column("schedule", Json),
    sa.Column("run_config", Json),
    sa.Column("settings", Json, nullable=False),
    sa.Column("default_parameters", Json, nullable=False),
    sa.UniqueConstraint("tenant_id", "name", name="flow_group_tenant_id_name_key"),
)

flow = _table(
    "flow",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("project_id", "project"),
    _reference("flow_group_id", "flow_group"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("version_group_id", sa.Text),
    sa.Column("core_version", sa.Text),
    sa.Column("archived", sa.Boolean, nullable=False),
    sa.Column("is_schedule_active", sa.Boolean, nullable=False),
    sa.Column("environment", Json),
    sa.Column("parameters", Json),
    sa.Column("run_config", Json),
    sa.Column("schedule", Json),
    sa.Column("serialized_flow", Json),
    sa.Column("settings", Json, nullable=False),
    sa.Column("storage", Json),
    sa.Index("ix_flow_project_id_name", "project_id", "name"),
    sa.Index("ix_flow_flow_group_id", "flow_group_id"),
    sa.Index("ix_flow_version_group_id", "version_group_id", "version"),
)

task = _table(
    "task",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_id", "flow"),
    sa.Column("name", sa.Text),
    sa.Column("slug", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("max_retries", sa.Integer),
    sa.Column("retry_delay", Interval),
    sa.Column("trigger", sa.Text),
    sa.Column("mapped", sa.Boolean, nullable=False),
    sa.Column("auto_generated", sa.Boolean, nullable=False),
    sa.Column("cache_key", sa.Text),
    sa.Column("is_root_task", sa.Boolean, nullable=False),
    sa.Column("is_terminal_task", sa.Boolean, nullable=False),
    sa.Column("is_reference_task", sa.Boolean, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.UniqueConstraint("flow_id", "slug", name="task_flow_id_slug_key"),
)

edge = _table(
    "edge",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_id", "flow"),
    _reference("upstream_task_id", "task"),
    _reference("downstream_task_id", "task"),
    sa.Column("key", sa.Text),
    sa.Column("mapped", sa.Boolean, nullable=False),
    sa.UniqueConstraint(
        "flow_id", "upstream_task_id", "downstream_task_id", "key", name="edge_flow_id_task_ids_key"
    ),
    sa.Index("ix_edge_upstream_task_id", "upstream_task_id"),
    sa.Index("ix_edge_downstream_task_id", "downstream_task_id"),
)

agent_config = _table(
    "agent_config",
    _reference("tenant_id", "tenant"),
    sa.Column("name", sa.Text),
    sa.Column("settings", Json, nullable=False),
)

agent = _table(
    "agent",
    _reference("tenant_id", "tenant"),
    _reference("agent_config_id", "agent_config", nullable=True, on_delete="SET NULL"),
    sa.Column("name", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("core_version", sa.Text),
    sa.Column("labels", Json, nullable=False),
    sa.Column("last_queried", Timestamp),
)

flow_run = _table(
    "flow_run",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_id", "flow"),
    _reference("agent_id", "agent", nullable=True, on_delete="SET NULL"),
    sa.Column("name", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("parameters", Json),
    sa.Column("context", Json),
    sa.Column("labels", Json, nullable=False),
    sa.Column("run_config", Json),
    sa.Column("scheduled_start_time", Timestamp, nullable=False),
    sa.Column("auto_scheduled", sa.Boolean, nullable=False),
    sa.Column("times_resurrected", sa.Integer, server_default="0"),
    *_state_columns(),
    sa.Index("ix_flow_run_idempotency_key_unique", "flow_id", "idempotency_key", unique=True),
    sa.Index("ix_flow_run_flow_id_scheduled_start_time", "flow_id", "scheduled_start_time"),
    sa.Index("ix_flow_run_agent_id", "agent_id"),
    sa.Index("ix_flow_run_state", "state", "state_start_time"),
    sa.Index("ix_flow_run_created", "created"),
)

task_run = _table(
    "task_run",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_run_id", "flow_run"),
    _reference("task_id", "task"),
    sa.Column("map_index", sa.Integer, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("cache_key", sa.Text),
    *_state_columns(),
    sa.UniqueConstraint("flow_run_id", "task_id", "map_index", name="task_run_unique_identifier_key"),
    sa.Index("ix_task_run_task_id", "task_id"),
    sa.Index("ix_task_run_state", "state", "state_start_time"),
)

flow_run_state = _state_history("flow_run_state", "flow_run")
task_run_state = _state_history("task_run_state", "task_run")

log = _table(
    "log",
    _reference("tenant_id", "tenant", nullable=True),
    _reference("flow_run_id", "flow_run", nullable=True),
    _reference("task_run_id", "task_run", nullable=True),
    sa.Column("timestamp", Timestamp, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("level", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("info", Json),
    sa.Column("is_loaded_from_archive", sa.Boolean),
    sa.Index("ix_log_flow_run_id", "flow_run_id", "timestamp"),
    sa.Index("ix_log_task_run_id", "task_run_id"),
)

task_run_artifact = _table(
    "task_run_artifact",
    _reference("tenant_id", "tenant"),
    _reference("task_run_id", "task_run"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Index("ix_task_run_artifact_task_run_id", "task_run_id"),
)

RELATIONS: Dict[str, Dict[str, Relation]] = {
    "agent": {
        "agent_config": _one("agent_config", "agent_config_id"),
        "flow_runs": _many("flow_run", "agent_id"),
    },
    "agent_config": {"agents": _many("agent", "agent_config_id")},
    "edge": {
        "flow": _one("flow", "flow_id"),
        "upstream_task": _one("task", "upstream_task_id"),
        "downstream_task": _one("task", "downstream_task_id"),
    },
    "flow": {
        "tenant": _one("tenant", "tenant_id"),
        "project": _one("project", "project_id"),
        "flow_group": _one("flow_group", "flow_group_id"),
        "tasks": _many("task", "flow_id"),
        "edges": _many("edge", "flow_id"),
        "flow_runs": _many("flow_run", "flow_id"),
    },
    "flow_group": {"tenant": _one("tenant", "tenant_id"), "flows": _many("flow", "flow_group_id")},
    "flow_run": {
        "tenant": _one("tenant", "tenant_id"),
        "flow": _one("flow", "flow_id"),
        "agent": _one("agent", "agent_id"),
        "task_runs": _many("task_run", "flow_run_id"),
        "states": _many("flow_run_state", "flow_run_id"),
        "logs": _many("log", "flow_run_id"),
    },
    "flow_run_state": {"flow_run": _one("flow_run", "flow_run_id")},
    "log": {},
    "project": {"tenant": _one("tenant", "tenant_id"), "flows": _many("flow", "project_id")},
    "task": {
        "flow": _one("flow", "flow_id"),
        "task_runs": _many("task_run", "task_id"),
        "upstream_edges": _many("edge", "downstream_task_id"),
        "downstream_edges": _many("edge", "upstream_task_id"),
    },
    "task_run": {
        "tenant": _one("tenant", "tenant_id"),
        "flow_run": _one("flow_run", "flow_run_id"),
        "task": _one("task", "task_id"),
        "states": _many("task_run_state", "task_run_id"),
        "logs": _many("log", "task_run_id"),
    },
    "task_run_artifact": {"task_run": _one("task_run", "task_run_id")},
    "task_run_state": {"task_run": _one("task_run", "task_run_id")},
    "tenant": {
        "projects": _many("project", "tenant_id"),
        "flows": _many("flow", "tenant_id"),
        "flow_groups": _many("flow_group", "tenant_id"),
    },
}
"""The relationships of every table, by their names in the real schema."""
