"""``POST /changes``: the answer to a query of the page, or what has changed since an earlier answer.

The page asks for the same data every few seconds, and it is nearly always the same. A request is one of
GraphQL, and names the answer that the page has as ``known``. The response is one of

- 204 without a body: nothing has changed;
- ``{"known": …, "data": …}``: the name of the answer, and all of it;
- ``{"known": …, "changes": …}``: what has changed, as `difference` describes it;
- ``{"errors": …}``, as from ``/graphql``.

The last answers are kept by a hash of their content, so none can be out of date.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from graphql import OperationType
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kedro_prefect_hooks.embedded.graphql import answers, document
from kedro_prefect_hooks.embedded.graphql.request_errors import InvalidRequest
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.web.bodies import BodyRefused, compressed, json_response, read_body, refusal

PATH = "/changes"

MAX_KEPT_BYTES = 16 * 1024 * 1024
"""Of all answers that are kept, as JSON."""


@dataclass
class _Kept:
    """An answer, the request that it answers, and the number of the last commit that it knows of."""

    request: str
    data: Any
    size: int
    commit: int


class RecentAnswers:
    """The answers that were used last, by name; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, name: str | None, request: str) -> _Kept | None:
        """The answer of a name, if it is one to this request."""
        with self._lock:
            found = self._kept.get(name or "")
            if found is None or found.request != request:
                return None
            self._kept.move_to_end(name or "")
            return found

    def add(self, name: str, answer: _Kept) -> None:
        """Keep an answer; those that have not been used for longest are dropped to make room."""
        with self._lock:
            former = self._kept.pop(name, None)
            self._bytes += answer.size - (former.size if former else 0)
            self._kept[name] = answer
            while self._bytes > MAX_KEPT_BYTES and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].size


def route(database: Database) -> Route:
    """The endpoint for this database."""
    recent = RecentAnswers()

    async def changes(request: Request) -> Response:
        try:
            body = await read_body(request)
        except BodyRefused as refused:
            return refused.response
        response = await run_in_threadpool(_respond, database, recent, body)
        return compressed(request, response)

    return Route(PATH, changes, methods=["POST"])


def _respond(database: Database, recent: RecentAnswers, body: bytes) -> Response:
    try:
        query, variables, known = _read(body)
    except ValueError as error:
        return refusal(400, str(error))
    request = json.dumps([query, variables], sort_keys=True)
    commit = database.observer.number()  # before reading, so that a later commit is not missed
    before = recent.get(known, request)
    if before is not None and before.commit == commit:
        return Response(status_code=204)
    answer = answers.execute(database, query, variables)
    if answer.status != 200 or "errors" in answer.content:
        return json_response(answer.status, answer.content)
    data = answer.content["data"]
    text = json.dumps(data)
    name = hashlib.sha256(f"{request}\n{text}".encode()).hexdigest()[:32]
    if before is not None and name == known:
        before.commit = commit
        return Response(status_code=204)
    recent.add(name, _Kept(request, data, len(text), commit))
    if before is not None:
        changed = json.dumps(difference(before.data, data))
        if len(changed) < len(text):
            return _json(f'{{"known": "{name}", "changes": {changed}}}')
    return _json(f'{{"known": "{name}", "data": {text}}}')


def _read(body: bytes) -> Tuple[str, Dict[str, Any], str | None]:
    """The query, its variables, and the name of the answer that the page has. Raises ValueError."""
    try:
        content = json.loads(body)
        query, variables, known = content["query"], content.get("variables") or {}, content.get("known")
        operation = document.operation_of(document.parsed(query), None).operation
    except InvalidRequest:
        operation = OperationType.QUERY  # what is wrong with it is in the answer
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise ValueError("The request must be a JSON object with a GraphQL query.") from None
    if operation is not OperationType.QUERY or not isinstance(variables, dict):
        raise ValueError("Only queries are answered here, and variables must be an object.")
    return query, variables, None if known is None else str(known)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def difference(old: Any, new: Any) -> Dict[str, Any] | None:
    """What has to be done to `old`, a JSON value, to get `new`; None if they are the same.

    Returns:
        ``{"value": new}``: replace it. ``{"keys": {key: difference}}``: change these keys of an object.
        ``{"items": […]}``: make a list of these parts: ``[start, count]`` are items of the old one,
        ``{"at": index, "change": difference}`` is a changed item of it, and ``{"value": item}`` a new item.
    """
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        keys = {key: difference(old[key], new[key]) for key in new}
        changed = {key: change for key, change in keys.items() if change is not None}
        return {"keys": changed} if changed else None
    if isinstance(old, list) and isinstance(new, list):
        items = _items(old, new)
        return None if items == [[0, len(old)]] or old == new == [] else {"items": items}
    # To Python, true is 1.
    is_same = old == new and isinstance(old, bool) == isinstance(new, bool)
    return None if is_same else {"value": new}


def _items(old: List[Any], new: List[Any]) -> List[Any]:
    places = {_identity(item): place for place, item in enumerate(old)}
    parts: List[Any] = []
    for item in new:
        place = places.get(_identity(item))
        if place is None:
            parts.append({"value": item})
            continue
        change = difference(old[place], item)
        if change is not None:
            parts.append({"at": place, "change": change})
        elif parts and isinstance(parts[-1], list) and sum(parts[-1]) == place:
            parts[-1][1] += 1
        else:
            parts.append([place, 1])
    return parts


def _identity(item: Any) -> str:
    """What makes two items of a list the same one: the id of a row, else the whole of it."""
    if isinstance(item, dict) and isinstance(item.get("id"), str):
        return f"id {item['id']}"
    return json.dumps(item)
