"""Makes a case that differs smaller, by leaving out or reducing the numbers that it was drawn from."""

from __future__ import annotations

import random
import time
from typing import Callable, Iterator, List, Tuple

from tests.differential.cases import LOCAL, THREADS, Case, Choices, draw_case


def minimised(name: str, differs: Callable[[Case], bool], seconds: float) -> Case:
    """The smallest case found in this time that still differs.

    Args:
        name: the case's name.
        differs: whether a case differs.
        seconds: how long to try.
    """
    until = time.monotonic() + seconds
    executor = name.split("-", maxsplit=1)[0]
    first = Choices(random.Random(name))
    best, numbers = draw_case(first, executor), first.drawn
    for simpler in (LOCAL, THREADS):
        if executor not in (LOCAL, THREADS) and time.monotonic() < until:
            case, drawn = _case(numbers, simpler)
            if differs(case):
                best, numbers, executor = case, drawn, simpler
    improved = True
    while improved and time.monotonic() < until:
        improved = False
        for attempt in _smaller(numbers):
            if time.monotonic() > until:
                break
            case, drawn = _case(attempt, executor)
            if (len(drawn), drawn) < (len(numbers), numbers) and differs(case):
                best, numbers, improved = case, drawn, True
                break
    return best


def _case(numbers: List[int], executor: str) -> Tuple[Case, List[int]]:
    choices = Choices(None, numbers)
    case = draw_case(choices, executor)
    return case, choices.drawn


def _smaller(numbers: List[int]) -> Iterator[List[int]]:
    for size in (16, 8, 4, 2, 1):
        for start in range(0, len(numbers), size):
            yield numbers[:start] + numbers[start + size :]
    for size in (8, 4, 2, 1):
        for start in range(0, len(numbers), size):
            if any(numbers[start : start + size]):
                yield numbers[:start] + [0] * len(numbers[start : start + size]) + numbers[start + size :]
    for place, number in enumerate(numbers):
        if number > 1:
            yield [*numbers[:place], number // 2, *numbers[place + 1 :]]
