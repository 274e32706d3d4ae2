"""Agents and their configurations."""

from __future__ import annotations

from typing import Any, Dict

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables, values

_AGENT, _CONFIG = tables.agent, tables.agent_config


@mutation(
    "agent_id_payload",
    tenant_id="UUID",
    labels="[String!]",
    agent_config_id="UUID",
    type="String!",
    name="String",
)
def register_agent(request: Request, arguments: Input) -> Dict[str, Any]:
    """The agent's id, which is the same for every agent with this name, type, labels and Prefect version."""
    labels = sorted(arguments.get("labels") or [])
    core_version = request.headers.get("x-prefect-core-version")
    same = [
        _AGENT.c.name.is_not_distinct_from(arguments.get("name")),
        _AGENT.c.type == arguments["type"],
        _AGENT.c.core_version.is_not_distinct_from(core_version),
        sa.type_coerce(_AGENT.c.labels, sa.Text) == values.canonical_json(labels),
    ]
    now = request.database.now()
    with request.database.write() as connection:
        tenant_id = arguments.get("tenant_id") or connection.execute(sa.select(tables.tenant.c.id)).scalar()
        known = connection.execute(
            sa.select(_AGENT.c.id).where(_AGENT.c.tenant_id == tenant_id, *same)
        ).scalar()
        if known is not None:
            return {"id": known}
        agent_id = values.new_id()
        connection.execute(
            _AGENT.insert().values(
                id=agent_id,
                created=now,
                updated=now,
                tenant_id=tenant_id,
                agent_config_id=arguments.get("agent_config_id"),
                name=arguments.get("name"),
                type=arguments["type"],
                core_version=core_version,
                labels=labels,
                last_queried=now,  # as on Prefect Server: an agent that has just started is running
            )
        )
    return {"id": agent_id}


_RECORDED_EVERY = 10 * values.SECOND
"""How often at most it is written that an agent has asked for work: a polling one asks every second."""


def record_query(request: Request) -> None:
    """Note when the agent that sent the request asked for work, unless that was noted a moment ago."""
    agent_id = request.headers.get("x-prefect-agent-id")
    if not agent_id:
        return
    now = request.database.now()
    with request.database.read() as connection:
        last = connection.execute(sa.select(_AGENT.c.last_queried).where(_AGENT.c.id == agent_id)).scalar()
    if last is not None and 0 <= now - last < _RECORDED_EVERY:
        return
    with request.database.write() as connection:
        connection.execute(
            _AGENT.update().where(_AGENT.c.id == agent_id).values(last_queried=now, updated=now)
        )


@mutation("success_payload", agent_id="UUID!")
def delete_agent(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(_AGENT.delete().where(_AGENT.c.id == arguments["agent_id"]))
    return {"success": bool(result.rowcount)}


@mutation("agent_config_id_payload", tenant_id="UUID!", name="String", settings="JSON")
def create_agent_config(request: Request, arguments: Input) -> Dict[str, Any]:
    now, config_id = request.database.now(), values.new_id()
    with request.database.write() as connection:
        connection.execute(
            _CONFIG.insert().values(
                id=config_id,
                created=now,
                updated=now,
                tenant_id=arguments["tenant_id"],
                name=arguments.get("name"),
                settings=arguments.get("settings") or {},
            )
        )
    return {"id": config_id}


@mutation("success_payload", agent_config_id="UUID!", name="String", settings="JSON")
def update_agent_config(request: Request, arguments: Input) -> Dict[str, Any]:
    changes = {key: arguments[key] for key in ("name", "settings") if arguments.get(key) is not None}
    with request.database.write() as connection:
        result = connection.execute(
            _CONFIG.update()
            .where(_CONFIG.c.id == arguments["agent_config_id"])
            .values(updated=request.database.now(), **changes)
        )
    return {"success": bool(result.rowcount)}


@mutation("success_payload", agent_config_id="UUID!")
def delete_agent_config(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(_CONFIG.delete().where(_CONFIG.c.id == arguments["agent_config_id"]))
    return {"success": bool(result.rowcount)}
