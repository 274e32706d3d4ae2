"""The template of a flow run's name (`run_name` in `prefect.yml`): what it may refer to, and the name itself.

A template is a format string of Python with the names that Prefect's own templates have. Knows nothing of
when a run is named.
"""

from __future__ import annotations

import datetime
import re
import string
from typing import Any, Collection, Mapping

from kedro_prefect_hooks.config.messages import format_value, unknown_name

_PLAIN = ("date", "flow_name", "flow_run_id", "scheduled_start_time")
_FIELD = re.compile(r"(?P<name>[^.\[]*)(?:\[(?P<parameter>[^\]]+)\])?")
_DATES = ("date", "scheduled_start_time")
_LONGEST = 200
"""Characters of a name."""


def problem_of(template: str, parameters: Collection[str]) -> str | None:
    """What is wrong with a template; None if nothing is.

    Args:
        template: the template.
        parameters: the flow's.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"found {format_value(template)}: {error}. For a brace itself, write {{{{ or }}}}"
    for _, field, specification, _ in parts:
        if field is None:
            continue
        match = _FIELD.fullmatch(field)
        name, parameter = (match["name"], match["parameter"]) if match is not None else (field, None)
        if name == "parameters" and parameter is not None:
            if parameter not in parameters:
                return unknown_name(
                    "parameter of the flow", parameter, parameters, among="Listed under `parameters`"
                )
        elif name not in _PLAIN or parameter is not None:
            accepted = [f"{{{each}}}" for each in (*_PLAIN, "parameters[NAME]")]
            return unknown_name("placeholder", f"{{{field}}}", accepted)
        elif specification:
            try:
                format(datetime.datetime.now() if name in _DATES else "", specification)
            except (ValueError, TypeError) as error:
                return f"found {format_value(f'{{{field}:{specification}}}')}: {error}"
    return None


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A flow run's name.

    Args:
        template: a template without problems.
        values: by name; `parameters` holds those of the flow run.

    Raises:
        Exception: a value of the flow run cannot be formatted as the template says.
    """
    name = " ".join(string.Formatter().vformat(template, (), values).split())
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
