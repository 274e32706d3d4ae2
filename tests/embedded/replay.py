"""Replays recorded traffic of a real Prefect Server against another API, and compares what it answers.

The other API makes its own ids, names and times, so these are mapped and not ignored: a recorded id stands
for the same id of ours wherever it comes up, in answers and in later requests; recorded times that the server
made keep their order and are equal where they were equal; times that the client sent come back as they were.
A list that was not asked for in an order may come in any.
"""

from __future__ import annotations

import bisect
import datetime
import json
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from graphql import GraphQLError, parse

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")
_GENERATED_NAME = re.compile(r"^[a-z]+-[a-z]+$")


class Mismatch(AssertionError):
    """What was answered is not what was recorded."""


class Exchange(NamedTuple):
    """One recorded request with its answer, and about when it was made (microseconds since 1970)."""

    where: str
    headers: Dict[str, str]
    query: str
    variables: Any
    status: int
    response: Dict[str, Any]
    time: int


def microseconds(text: str) -> int:
    found = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    fraction = text[19 : text.index("+")].lstrip(".").ljust(6, "0")
    epoch = datetime.datetime(1970, 1, 1)
    return int((found - epoch).total_seconds()) * 1_000_000 + int(fraction)


def exchanges(name: str, lines: List[str]) -> Iterator[Exchange]:
    """The exchanges of one file. A request that tells no time was made just before the next that does."""
    records = [json.loads(line) for line in lines]
    times = [_time_of(record["request"]) for record in records]
    following: Optional[int] = None
    for i in range(len(times) - 1, -1, -1):
        following = times[i] = times[i] if times[i] is not None else following
    for number, (record, time) in enumerate(zip(records, times)):
        request = record["request"]
        yield Exchange(
            f"{name}[{number}]",
            record["headers"],
            request["query"],
            request["variables"],
            record["status"],
            record["response"],
            time or 0,
        )


def _time_of(request: Dict[str, Any]) -> Optional[int]:
    """When an agent asked: it looks for runs 10 seconds ahead, and for task runs 3 seconds back."""
    ahead = re.search(r'"before": "([^"]+)"', str(request["variables"]))
    if ahead:
        return microseconds(ahead.group(1)) - 10_000_000
    back = re.search(r'state_start_time: \{ _lte: "([^"]+)"', request["query"])
    return microseconds(back.group(1)) + 3_000_000 if back else None


class Mapping:
    """What recorded ids, names and times stand for."""

    def __init__(self) -> None:
        self.words: Dict[str, str] = {}
        self.taken: Set[str] = set()
        self.times: List[Tuple[int, int]] = []
        self.sent: Set[str] = set()

    def copy(self) -> Mapping:
        other = Mapping()
        other.words, other.taken = dict(self.words), set(self.taken)
        other.times, other.sent = list(self.times), self.sent
        return other

    def take(self, other: Mapping) -> None:
        self.words, self.taken, self.times = other.words, other.taken, other.times

    def translate(self, text: str) -> str:
        """A recorded request in the terms of the other API."""
        for pattern in (UUID, TIME):
            self.sent.update(found for found in pattern.findall(text) if found not in self.words)
            text = pattern.sub(lambda found: self.words.get(found.group(), found.group()), text)
        return text

    def same_word(self, recorded: str, ours: str) -> bool:
        if recorded in self.words:
            return self.words[recorded] == ours
        if recorded in self.sent:
            return recorded == ours
        if ours in self.taken:
            return False
        self.words[recorded] = ours
        self.taken.add(ours)
        return True

    def same_time(self, recorded: str, ours: str) -> bool:
        if recorded in self.words:
            return self.words[recorded] == ours
        if recorded in self.sent:
            return recorded == ours
        pair = (microseconds(recorded), microseconds(ours))
        place = bisect.bisect(self.times, pair)
        before = self.times[place - 1][1] if place else None
        after = self.times[place][1] if place < len(self.times) else None
        if (before is not None and pair[1] < before) or (after is not None and pair[1] > after):
            return False
        self.times.insert(place, pair)
        self.words[recorded] = ours
        return True


def _unordered(query: str) -> Set[str]:
    """The paths of the rows that a query asks for in no order."""
    found: Set[str] = set()

    def visit(selection: Any, path: str) -> None:
        for field in selection.selections if selection else ():
            key = f"{path}.{field.alias.value if field.alias else field.name.value}"
            if field.selection_set and "order_by" not in [a.name.value for a in field.arguments or ()]:
                found.add(key)
            visit(field.selection_set, key)

    try:
        definitions = parse(query).definitions
    except GraphQLError:
        return found
    for definition in definitions:
        visit(definition.selection_set, "$.data")  # type: ignore[attr-defined]
    return found


class Comparison:
    """Compares one answer with the recorded one."""

    def __init__(self, mapping: Mapping, query: str) -> None:
        self.mapping = mapping
        self.unordered = _unordered(query)
        self.deepest = ""

    def check(self, recorded: Any, ours: Any) -> None:
        if not self._same(recorded, ours, "$", self.mapping):
            raise Mismatch(f"at {self.deepest}")

    def _same(self, recorded: Any, ours: Any, path: str, mapping: Mapping) -> bool:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            if set(recorded) != set(ours):
                return self._differ(path, sorted(recorded), sorted(ours))
            return all(self._same(recorded[key], ours[key], f"{path}.{key}", mapping) for key in recorded)
        if isinstance(recorded, list) and isinstance(ours, list):
            return self._same_list(recorded, ours, path, mapping)
        if isinstance(recorded, str) and isinstance(ours, str):
            return self._same_text(recorded, ours, path, mapping) or self._differ(path, recorded, ours)
        if type(recorded) is not type(ours) or recorded != ours:
            return self._differ(path, recorded, ours)
        return True

    def _same_list(self, recorded: List[Any], ours: List[Any], path: str, mapping: Mapping) -> bool:
        if len(recorded) != len(ours):
            return self._differ(path, f"{len(recorded)} items", f"{len(ours)} items: {ours}"[:2000])
        left = list(range(len(ours)))
        for i, item in enumerate(recorded):
            for j in left if re.sub(r"\[\d+\]", "", path) in self.unordered else left[:1]:
                attempt = mapping.copy()
                if self._same(item, ours[j], f"{path}[{i}]", attempt):
                    mapping.take(attempt)
                    left.remove(j)
                    break
            else:
                return False
        return True

    def _same_text(self, recorded: str, ours: str, path: str, mapping: Mapping) -> bool:
        if UUID.fullmatch(recorded) and UUID.fullmatch(ours):
            return mapping.same_word(recorded, ours)
        if TIME.fullmatch(recorded) and TIME.fullmatch(ours):
            return mapping.same_time(recorded, ours)
        if path.endswith(".name") and _GENERATED_NAME.match(recorded) and _GENERATED_NAME.match(ours):
            return mapping.same_word(recorded, ours)
        return mapping.translate(recorded) == ours if UUID.search(recorded) else recorded == ours

    def _differ(self, path: str, recorded: Any, ours: Any) -> bool:
        self.deepest = f"{path}: recorded {recorded!r}, answered {ours!r}"
        return False


Post = Callable[[str, Any, Dict[str, str]], Tuple[int, Dict[str, Any]]]


def replay(exchange: Exchange, mapping: Mapping, post: Post) -> None:
    """Make one recorded request anew and compare. Raises Mismatch."""
    query = mapping.translate(exchange.query)
    as_text = exchange.variables if isinstance(exchange.variables, str) else json.dumps(exchange.variables)
    variables: Any = mapping.translate(as_text)
    if not isinstance(exchange.variables, str):
        variables = json.loads(variables)
    headers = {name: mapping.translate(value) for name, value in exchange.headers.items()}
    status, answer = post(query, variables, headers)
    told = f"{exchange.where}\n{query}\n{str(variables)[:500]}\n"
    if status != exchange.status:
        raise Mismatch(f"{told}status {status}, recorded {exchange.status}: {answer}")
    try:
        Comparison(mapping, exchange.query).check(exchange.response, answer)
    except Mismatch as mismatch:
        raise Mismatch(f"{told}{mismatch}") from None
