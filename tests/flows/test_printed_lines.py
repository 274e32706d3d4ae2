"""What a task prints is logged by this task and by no other, in threads too, and nothing is logged twice."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import pytest

from kedro_prefect_hooks.flows.printed_lines import logged_prints


class Lines(logging.Handler):
    """Keeps messages, and prints each to `sys.stdout` as Kedro's handler does."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        print(f"console: {record.getMessage()}")


@pytest.fixture
def lines() -> Any:
    logger = logging.getLogger("printed")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers[:] = [Lines()]
    return logger.handlers[0].lines  # type: ignore[attr-defined]


def test_lines_and_what_is_left_of_one(lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    logger = logging.getLogger("printed")
    with logged_prints(logger):
        print("one\ntwo", end=" ")
        print("and more")
        print("\n  \n10%\r100%")
        sys.stdout.write("the end")
        logger.info("said")
    print("after")
    assert lines == ["one", "two and more", "100%", "said", "the end"]
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"console: {line}" for line in lines] + ["after"], "a log handler's lines stay there"
    assert sys.stdout is before


def test_threads_do_not_get_each_others_lines(lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    both, first_ended = threading.Barrier(2), threading.Event()
    logger = logging.getLogger("printed")

    def first() -> None:
        with logged_prints(logger):
            both.wait(10)
            print("first")
        first_ended.set()

    def second() -> None:
        with logged_prints(logger):
            both.wait(10)
            assert first_ended.wait(10)
            print("second")

    def silent() -> None:
        both.wait(10)
        assert first_ended.wait(10)
        print("not logged")

    for other in (second, silent):
        first_ended.clear()
        threads = [threading.Thread(target=first), threading.Thread(target=other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert lines == ["first", "second", "first"]
    assert "not logged" in capsys.readouterr().out
    assert sys.stdout is before
