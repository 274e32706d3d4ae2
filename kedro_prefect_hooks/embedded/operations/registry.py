"""What the API does besides reading tables: each operation declares its name, its arguments and its answer.

Types are declared in GraphQL's notation (``"[String!]"``), as in the real server's schema; `graphql.schema`
turns them into GraphQL types and `graphql.answers` calls the functions. Knows nothing of what they do.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple

from kedro_prefect_hooks.embedded.storage.database import Database

Input = Dict[str, Any]


class Request(NamedTuple):
    """What an operation knows of the request: the database, and the headers, named in lower case."""

    database: Database
    headers: Mapping[str, str]


Function = Callable[[Request, Input], Any]


class Operation(NamedTuple):
    arguments: Dict[str, str]
    answer: str
    function: Function


MUTATIONS: Dict[str, Operation] = {}
"""By name. Their one argument, `input`, is of the type ``<name>_input``, whose fields are `arguments`."""

QUERIES: Dict[str, Operation] = {}
"""By name: the queries that do not read a table."""

PAYLOADS: Dict[str, Dict[str, str]] = {
    "success_payload": {"success": "Boolean", "error": "String"},
    "agent_id_payload": {"id": "UUID"},
    "agent_config_id_payload": {"id": "UUID"},
    "flow_id_payload": {"id": "UUID"},
    "flow_run_id_payload": {"id": "UUID"},
    "project_id_payload": {"id": "UUID"},
    "task_run_id_payload": {"id": "UUID"},
    "task_run_artifact_id_payload": {"id": "UUID"},
    "runs_in_queue_payload": {"flow_run_ids": "[String!]"},
    "cancel_flow_run_payload": {"state": "String"},
    "get_or_create_task_run_info_payload": {
        "id": "UUID",
        "version": "Int",
        "state": "String",
        "serialized_state": "JSON",
    },
    "task_run_info_payload": {"id": "UUID", "version": "Int", "serialized_state": "JSON", "state": "String"},
    "mapped_children_payload": {
        "min_start_time": "DateTime",
        "max_end_time": "DateTime",
        "state_counts": "JSON",
    },
    "set_flow_run_states_payload": {"states": "[set_flow_run_state_payload!]"},
    "set_flow_run_state_payload": {"id": "UUID", "status": "String", "message": "String"},
    "set_task_run_states_payload": {"states": "[set_task_run_state_payload!]"},
    "set_task_run_state_payload": {"id": "UUID", "status": "String", "message": "String"},
    "reference_data": {"state_hierarchy": "JSON!", "state_info": "JSON!"},
    "api_info": {
        "backend": "String",
        "mode": "String",
        "version": "String",
        "core_version": "String",
        "release_timestamp": "String",
    },
}

INPUTS: Dict[str, Dict[str, str]] = {
    "set_flow_run_state_input": {"flow_run_id": "UUID!", "version": "Int", "state": "JSON!"},
    "set_task_run_state_input": {
        "task_run_id": "UUID!",
        "version": "Int",
        "state": "JSON!",
        "flow_run_version": "Int",
    },
    "write_run_log_input": {
        "flow_run_id": "UUID!",
        "task_run_id": "UUID",
        "timestamp": "DateTime",
        "message": "String",
        "name": "String",
        "level": "log_level",
        "info": "JSON",
    },
    "cron_clock_input": {"cron": "String!", "parameter_defaults": "JSON"},
    "interval_clock_input": {"interval": "Int!", "parameter_defaults": "JSON"},
}

ENUMS: Dict[str, Tuple[str, ...]] = {"log_level": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}


def mutation(answer: str, **arguments: str) -> Callable[[Function], Function]:
    """Register the decorated function as the mutation of its name."""

    def register(function: Function) -> Function:
        MUTATIONS[function.__name__] = Operation(arguments, answer, function)
        return function

    return register


def query(answer: str, **arguments: str) -> Callable[[Function], Function]:
    """Register the decorated function as the query of its name."""

    def register(function: Function) -> Function:
        QUERIES[function.__name__] = Operation(arguments, answer, function)
        return function

    return register
