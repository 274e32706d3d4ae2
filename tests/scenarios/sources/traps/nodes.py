"""The functions of the `traps` pipelines. Every one is deterministic."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any, Iterator

import pandas as pd

DATA = Path(__file__).resolve().parents[2] / "data"


class Traced:
    """A value that records how it was copied, so that copy modes can be distinguished."""

    def __init__(self, content: list[int], ways: tuple[str, ...] = ()):
        self.content = content
        self.ways = ways

    def copy(self) -> Traced:
        return Traced(self.content, tuple(sorted({*self.ways, "copy"})))

    def __deepcopy__(self, memo: dict[int, Any]) -> Traced:
        return Traced(copy.deepcopy(self.content, memo), tuple(sorted({*self.ways, "deepcopy"})))


# in-memory values with several consumers, one of which modifies its copy


def make_numbers() -> list[int]:
    return [1, 2, 3]


def spoil_numbers(numbers: list[int]) -> int:
    numbers.append(1000)
    return sum(numbers)


def add_numbers(numbers: list[int], spoiled: int) -> dict[str, int]:
    return {"sum": sum(numbers), "spoiled": spoiled}


def last_number(numbers: list[int], spoiled: int) -> int:
    return numbers[-1] + spoiled


# copy modes


def make_traced() -> dict[str, Traced]:
    return {mode: Traced([1, 2]) for mode in ("assign", "copy", "deepcopy", "default")}


def compare_traced(assigned: Traced, copied: Traced, deepcopied: Traced, default: Traced) -> dict[str, Any]:
    return {
        "assign": list(assigned.ways),
        "copy": list(copied.ways),
        "deepcopy": list(deepcopied.ways),
        "default": list(default.ways),
        "content": [value.content for value in (assigned, copied, deepcopied, default)],
    }


# pandas frames


def make_frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"key": [f"k{i % 3}" for i in range(rows)], "value": range(rows)})


def spoil_frame(frame: pd.DataFrame) -> int:
    frame["value"] = -1
    return int(frame["value"].sum())


def group_frame(frame: pd.DataFrame, spoiled: int) -> pd.DataFrame:
    grouped = frame.groupby("key", as_index=False)["value"].sum()
    grouped["spoiled"] = spoiled
    return grouped


def count_lines(text: str) -> dict[str, Any]:
    lines = text.splitlines()
    return {"header": lines[0], "rows": len(lines) - 1}


# parameters


def spoil_options(options: dict[str, Any]) -> int:
    options["depth"] = 99
    options["names"].append("spoiled")
    return len(options["names"])


def use_parameters(parameters: dict[str, Any], depth: int, options: dict[str, Any], spoiled: int) -> dict:
    return {"all": parameters, "depth": depth, "options": options, "spoiled": spoiled}


# generators


def yield_chunks(numbers: list[int]) -> Iterator[dict[str, int]]:
    for index, number in enumerate(numbers):
        yield {"chunk": index, "number": number}


def yield_pairs(numbers: list[int]) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    for index, number in enumerate(numbers):
        yield {"chunk": index, "number": number}, {"chunk": index, "square": number * number}


def read_chunks(chunks: list[dict], last: dict, squares: list[dict]) -> dict[str, Any]:
    return {"count": len(chunks), "last": last, "squares": [chunk["square"] for chunk in squares]}


# shapes of nodes


def write_side_effect(numbers: list[int]) -> None:
    (DATA / "side_effect.txt").write_text(",".join(map(str, numbers)))


def split(numbers: list[int]) -> dict[str, Any]:
    """Returns one object twice: modifying one output must not affect the other."""
    low = [number for number in numbers if number < 3]
    return {"left": low, "right": low, "falsy": []}


def spoil_left(left: list[int]) -> int:
    left.clear()
    return len(left)


def join(right: list[int], cleared: int, falsy: list[int]) -> dict[str, Any]:
    return {"right": right, "cleared": cleared, "falsy": falsy}


def falsy_values() -> tuple[int, str, bool, float]:
    return 0, "", False, 0.0


def collect(*values: Any) -> list[Any]:
    return list(values)


def variadic(first: Any, **named: Any) -> dict[str, Any]:
    return {"first": first, "named": named}


def echo(value: Any) -> Any:
    return value


def times(factor: int) -> Any:
    """Returns a closure, which cannot be imported."""

    def multiply(numbers: list[int]) -> list[int]:
        return [factor * number for number in numbers]

    return multiply


def power(exponent: int, numbers: list[int]) -> list[int]:
    return [number**exponent for number in numbers]


cube = functools.partial(power, 3)


def score(region: dict[str, Any], weight: int) -> dict[str, Any]:
    return {"name": region["name"], "score": region["size"] * weight}


def describe_region(size: int) -> dict[str, Any]:
    return {"name": f"region of {size}", "size": size}


def stamp(previous: dict[str, Any], numbers: list[int]) -> dict[str, Any]:
    return {"previous": previous, "numbers": numbers}
