"""The nodes of a generated project: what they return depends only on what they were given.

`case.json` next to this file says what each node does. What a node makes is small: its name, the output's
name and a checksum of all inputs, so a wrong input anywhere shows in every file after it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE.parents[1]
CASE = json.loads((PACKAGE / "case.json").read_text(encoding="utf-8"))


class Unpicklable:
    """A value that stays in its process."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.lock = threading.Lock()

    def __deepcopy__(self, memo: dict) -> Unpicklable:
        return Unpicklable(self.value)

    __copy__ = __deepcopy__


class TwoArgumentsError(Exception):
    """Can be pickled, but not be read again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class LockError(Exception):
    """Cannot be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


def plain(value: Any) -> Any:
    """A value as JSON has it: partitions that are not loaded yet are loaded."""
    if callable(value):
        return plain(value())
    if isinstance(value, Unpicklable):
        return {"unpicklable": plain(value.value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        # 1, 1.0 and true are three values
        return value if isinstance(value, str) else f"{type(value).__name__} {value}"
    return f"{type(value).__name__} {value}"


def checksum(value: Any) -> int:
    return zlib.crc32(json.dumps(plain(value), sort_keys=True).encode())


class Function:
    """What one node does."""

    def __init__(self, node: dict) -> None:
        self.node = node

    def total(self, args: tuple, kwargs: dict) -> int:
        """A checksum of the inputs; then fail, if that is due."""
        inputs = list(args) + [kwargs[key] for key in sorted(kwargs)]
        total = checksum([self.node["name"], inputs])
        for position in self.node.get("mutates", ()):
            if position < len(inputs) and isinstance(inputs[position], dict):
                inputs[position]["changed by"] = self.node["name"]
                inputs[position].setdefault("list", []).append(self.node["name"])
        self.fail()
        return total

    def by_partition(self, args: tuple, kwargs: dict) -> list:
        """What a node that can be mapped makes: of each partition the same, whichever others there are."""
        inputs = list(args) + [kwargs[key] for key in sorted(kwargs)]
        place = self.node["inputs"].index(self.node["each"])
        partitions = inputs.pop(place)
        others = checksum([self.node["name"], inputs])
        totals = {key: checksum([key, plain(value), others]) for key, value in partitions.items()}
        made: list = [{} for _ in self.node["outputs"]]
        for number, name in enumerate(self.node["outputs"]):
            for key, total in totals.items():
                value = {"by": self.node["name"], "to": name, "sum": total, "list": [total]}
                made[number][key if number == 0 else f"{key}.{number}"] = value
        for position in self.node["mutates"]:
            if position != place:
                inputs[position - (position > place)]["changed by"] = self.node["name"]
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.node.get("each"):
            made = self.by_partition(args, kwargs)
        else:
            total = self.total(args, kwargs)
            made = [self.value(name, total) for name in self.node["outputs"]]
        if not made:
            return None
        if self.node["style"] == "dict":
            return {f"out{number}": value for number, value in enumerate(made)}
        return made[0] if len(made) == 1 else tuple(made)

    def fail(self) -> None:
        failure = CASE.get("failure")
        if failure is None or failure["node"] != self.node["name"] or (PROJECT / "state" / "never").exists():
            return
        tries = PROJECT / "state" / self.node["name"]
        tries.parent.mkdir(exist_ok=True)
        descriptor = os.open(tries, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
        try:
            os.write(descriptor, b"x")
        finally:
            os.close(descriptor)
        times = failure.get("times")
        if times is None or tries.stat().st_size <= times:
            throw(failure["how"], self.node["name"])

    def chunks(self, *args: Any, **kwargs: Any) -> Any:
        total = self.total(args, kwargs)
        for number in range(3):
            made = [{"chunk": number, "by": self.node["name"], "sum": total} for _ in self.node["outputs"]]
            if self.node["style"] == "dict":
                yield {f"out{place}": value for place, value in enumerate(made)}
            else:
                yield made[0] if len(made) == 1 else tuple(made)

    def value(self, output: str, total: int) -> Any:
        kind = CASE["datasets"][output.split("@", maxsplit=1)[0]]["kind"]
        value = {"by": self.node["name"], "to": output, "sum": total, "list": [total]}
        if kind == "partitioned":
            return {"a": value, "b": lambda: {**value, "lazy": True}}
        if kind == "unpicklable":
            return Unpicklable(value)
        return json.dumps(value, sort_keys=True) if output.endswith("@text") else value


def function(node: dict) -> Any:
    """The function of a node; one that yields must be a generator function."""
    whole = Function(node)

    def returns(*args: Any, **kwargs: Any) -> Any:
        return whole(*args, **kwargs)

    def yields(*args: Any, **kwargs: Any) -> Any:
        yield from whole.chunks(*args, **kwargs)

    return yields if node["yields"] else returns


def throw(how: str, node: str) -> None:
    if how == "ValueError":
        raise ValueError(f"{node} failed")
    if how == "unreadable":
        raise TwoArgumentsError(node, "failed")
    if how == "lock":
        raise LockError(f"{node} failed")
    if how == "exit 3":
        sys.exit(3)
    if how == "exit 0":
        sys.exit(0)
    if how == "exit text":
        sys.exit(f"{node} exits")
    if how == "FAIL":
        from prefect.engine.signals import FAIL

        raise FAIL(f"{node} failed")
    raise NotImplementedError(how)
