"""What follows from what the page knows already: a layout, schedules in words, values of parameters.

``POST /derived/layout``, ``schedules``, ``agents`` and ``parameters`` accept and return JSON. They call the
functions that the command line calls too, so that the page repeats none of their rules. They read no
database. The gate in `http` protects them as it protects GraphQL.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Tuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kedro_prefect_hooks import labels, schedule_text
from kedro_prefect_hooks.compat import kedro_params
from kedro_prefect_hooks.drawing.layout import lay_out
from kedro_prefect_hooks.embedded.storage import values
from kedro_prefect_hooks.embedded.web.bodies import BodyRefused, compressed, json_response, read_body, refusal

PREFIX = "/derived/"

MAX_BOXES = 10_000
MAX_EDGES = 50_000
MAX_BOX_SIDE = 10_000
"""Pixels."""

MAX_ITEMS = 10_000
"""Schedules, agents, sets of labels, or parameters in one request."""

LARGEST_INTEGER = 2**53 - 1
"""JavaScript's `Number.MAX_SAFE_INTEGER`."""

Json = Dict[str, Any]


class Refused(Exception):
    """The request is not answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes() -> List[BaseRoute]:
    """The endpoints. Graphs are laid out one at a time, so that large ones leave the API its threads."""
    functions: List[Tuple[Callable[[Json], Json], Executor | None]] = [
        (layout, ThreadPoolExecutor(1, "layout")),
        (schedules, None),
        (agents, None),
        (parameters, None),
    ]
    return [
        Route(PREFIX + function.__name__, _endpoint(function, executor), methods=["POST"])
        for function, executor in functions
    ]


def _endpoint(
    function: Callable[[Json], Json], executor: Executor | None
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request)
        except BodyRefused as refused:
            return refused.response
        return await asyncio.get_running_loop().run_in_executor(
            executor, lambda: compressed(request, _respond(function, body))
        )

    return endpoint


def _respond(function: Callable[[Json], Json], body: bytes) -> Response:
    try:
        return json_response(200, function(_read(body)))
    except Refused as refused:
        return refusal(refused.status, str(refused))


def layout(request: Json) -> Json:
    """Where the boxes of a graph go, in layers from left to right.

    Args:
        request: ``boxes``, a list of ``[width, height]``; ``edges``, a list of ``[source, target]``, which
            are indices of boxes.

    Returns:
        ``width`` and ``height`` of the drawing; ``boxes``, a list of ``[left, top, width, height]``; and
        ``lines``, the points ``[x, y]`` on the line of each edge. Both are in the order of the request.

    Raises:
        Refused: the graph is malformed, has a cycle or is too large.
    """
    boxes = _list(request, "boxes", MAX_BOXES)
    edges = _list(request, "edges", MAX_EDGES)
    sizes = {str(index): (_side(box, 0), _side(box, 1)) for index, box in enumerate(boxes)}
    pairs = [(_index(edge, 0, len(boxes)), _index(edge, 1, len(boxes))) for edge in edges]
    try:
        plan = lay_out(sizes, pairs, rightwards=True)
    except ValueError as error:
        raise Refused(400, f"The graph cannot be drawn: {error}.") from None
    return {
        "width": round(plan.width, 2),
        "height": round(plan.height, 2),
        "boxes": [[round(number, 2) for number in plan.boxes[id]] for id in sizes],
        "lines": [[[round(x, 2), round(y, 2)] for x, y in plan.lines[pair]] for pair in pairs],
    }


def schedules(request: Json) -> Json:
    """Serialised schedules in words.

    Args:
        request: ``schedules``, a list of Prefect's serialised schedules, which may be null.

    Returns:
        ``schedules``: the ``clocks`` of each (see `schedule_text.ClockText`), and whether it ``is_filtered``.
    """
    found = _list(request, "schedules", MAX_ITEMS)
    if not all(schedule is None or isinstance(schedule, dict) for schedule in found):
        raise Refused(400, "Each schedule must be an object or null.")
    return {
        "schedules": [
            {
                "clocks": [dataclasses.asdict(clock) for clock in schedule_text.clocks_in_words(schedule)],
                "is_filtered": schedule_text.is_filtered(schedule),
            }
            for schedule in found
        ]
    }


def agents(request: Json) -> Json:
    """Which agents are running, and why none of them accepts runs with certain labels.

    Args:
        request: ``agents`` as the API lists them, with ``type``, ``labels`` and ``last_queried``; ``labels``,
            a list of the labels of runs or flows.

    Returns:
        ``running``, whether each agent is; ``reasons``, for each set of labels why no agent accepts it, or
        null if one does.
    """
    known = _list(request, "agents", MAX_ITEMS)
    label_sets = [_strings(each, "labels") for each in _list(request, "labels", MAX_ITEMS)]
    if not all(isinstance(agent, dict) for agent in known):
        raise Refused(400, "Each agent must be an object.")
    running = [_is_running(agent) for agent in known]
    present = [
        labels.LabelledAgent(str(agent.get("type")), tuple(_strings(agent.get("labels") or [], "labels")))
        for agent, is_running in zip(known, running)
        if is_running
    ]
    return {"running": running, "reasons": [labels.why_not_accepted(present, each) for each in label_sets]}


def parameters(request: Json) -> Json:
    """The values of texts that a person has typed, read as `kedro run --params` reads them.

    Args:
        request: ``texts``, the text of each parameter by name; ``structured``, the names of those that are
            lists or mappings, which are read as JSON where Kedro reads none from a command line.

    Returns:
        ``values``, by name; and ``errors``, by name, of the texts that cannot be read.
    """
    texts = request.get("texts")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise Refused(400, "`texts` must be an object of strings.")
    if len(texts) > MAX_ITEMS:
        raise Refused(413, f"Too many texts: {len(texts):,}, and at most {MAX_ITEMS:,} are accepted.")
    structured = set(_strings(request.get("structured") or [], "structured"))
    values: Json = {}
    errors: Dict[str, str] = {}
    for name, text in texts.items():
        try:
            values[name] = _checked(_value(text, name in structured))
        except (ValueError, RecursionError) as error:
            errors[name] = str(error)
    return {"values": values, "errors": errors}


def _value(text: str, structured: bool) -> Any:
    if structured and not kedro_params.reads_yaml():
        return json.loads(text)
    return kedro_params.parse_json_value(text)


def _checked(value: Any) -> Any:
    """The value, unless a browser would change it."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _checked(part)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError(
            "A browser would lose digits of a number this large. Start the run from the command line."
        )
    return value


def _is_running(agent: Mapping[str, Any]) -> bool:
    if not agent.get("last_queried"):
        return False
    try:
        silent = values.now() - values.parse_timestamp(agent["last_queried"])
    except values.DataError as error:
        raise Refused(400, str(error)) from None
    return silent < labels.SILENT_AFTER_SECONDS * values.SECOND


def _read(body: bytes) -> Json:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The request is not JSON.") from None
    if not isinstance(content, dict):
        raise Refused(400, "The request must be a JSON object.")
    return content


def _list(request: Json, name: str, maximum: int) -> List[Any]:
    found = request.get(name)
    if not isinstance(found, list):
        raise Refused(400, f"`{name}` must be a list.")
    if len(found) > maximum:
        raise Refused(413, f"Too many {name}: {len(found):,}, and at most {maximum:,} are accepted.")
    return found


def _strings(value: Any, name: str) -> List[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refused(400, f"`{name}` must be lists of strings.")
    return value


def _side(box: Any, axis: int) -> float:
    """The width or height of a box."""
    if isinstance(box, list) and len(box) == 2:
        side = box[axis]
        # NaN, which Python reads from JSON, is not within any bounds.
        if isinstance(side, (int, float)) and not isinstance(side, bool) and 0 < side <= MAX_BOX_SIDE:
            return float(side)
    raise Refused(400, f"Each box must be [width, height], with numbers up to {MAX_BOX_SIDE:,}.")


def _index(edge: Any, end: int, count: int) -> str:
    """The id of the box at one end of an edge."""
    if isinstance(edge, list) and len(edge) == 2:
        index = edge[end]
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count:
            return str(index)
    raise Refused(400, "Each edge must be [source, target], with indices of boxes.")
