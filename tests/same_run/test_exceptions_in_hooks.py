"""`on_pipeline_error` gets the node's exception, or one with its type, message and traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.same_run.conftest import nodes_project, on

HOOKS = """
import json
import traceback


class Own:
    @hook_impl
    def on_pipeline_error(self, error):
        parts = traceback.format_exception(type(error), error, error.__traceback__)
        seen = [type(error).__name__, str(error), "".join(parts) + getattr(error, "traceback", "")]
        (PROJECT / "data" / "seen.json").write_text(json.dumps(seen))
"""
SOURCE = """
class Unpicklable(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.held = (piece for piece in text)


class Unreadable(Exception):
    def __init__(self, text, number):
        super().__init__(text)


class Plain(Exception):
    pass


def deep_inside():
    raise RAISED


def fails():
    deep_inside()


NODES = [node(fails, None, "end", name="fails")]
"""
RAISED = {
    "Unpicklable": 'Unpicklable("of this text")',
    "Unreadable": 'Unreadable("of this text", 7)',
    "Plain": 'Plain("of this text")',
}


@on("runner-processes", "flow-local", "flow-dask")
@pytest.mark.parametrize("kind", RAISED)
def test_the_hook_sees_what_was_raised(
    tmp_path: Path, start: Callable[..., Any], executor: str, kind: str
) -> None:
    project = nodes_project(
        tmp_path / "project", SOURCE.replace("raise RAISED", f"raise {RAISED[kind]}"), hooks=HOOKS
    )
    assert start(project).returncode == 1
    name, text, lines = json.loads((project.data / "seen.json").read_text())
    assert name in ("NodeError", kind)
    assert "of this text" in text
    assert kind in f"{name}: {text}"
    if executor in ("local", "threads") or name == "NodeError":
        assert "deep_inside" in lines, "the traceback"
    if executor in ("local", "threads") or kind == "Plain":
        assert name == kind, "one that can travel is the node's own"
