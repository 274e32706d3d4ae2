"""What travels between tasks: by reference here, whole elsewhere, and gone after the last consumer."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref

import pytest

from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs


class Value:
    """Something that a weak reference can follow."""


def test_a_value_goes_with_its_last_consumer() -> None:
    value = Value()
    watch = weakref.ref(value)
    outputs = Outputs("make", {"a": value}, {"a": 2})
    del value
    outputs.done("a")
    assert outputs.value("a") is watch()
    outputs.done("a")
    gc.collect()
    assert watch() is None
    assert "a" not in outputs
    outputs.done("a")  # a retried consumer may say so twice


def test_what_nobody_loads_is_not_held_and_what_the_run_returns_is_kept() -> None:
    outputs = Outputs("make", {"unused": Value(), "end": 1}, {"end": KEPT})
    assert outputs.names() == ["end"]
    for _ in range(3):
        outputs.done("end")
    assert outputs.value("end") == 1


def test_it_travels_with_its_values_and_counts() -> None:
    outputs = Outputs("make", {"a": [1, 2], "none": None}, {"a": 2, "none": 1})
    outputs.done("a")
    copy = pickle.loads(pickle.dumps(outputs))
    assert copy.value("a") == [1, 2]
    assert copy.value("none") is None
    copy.done("a")
    assert copy.names() == ["none"]
    assert outputs.names() == ["a", "none"]


def test_what_cannot_travel_names_the_dataset_the_node_and_the_remedies() -> None:
    outputs = Outputs("make_lock", {"lock": threading.Lock(), "fine": 1}, {"lock": 1, "fine": 1})
    with pytest.raises(FlowRunError) as raised:
        outputs.check_can_travel()
    message = str(raised.value)
    for word in ("'lock'", "'make_lock'", "catalog", "group_by: memory", "threads"):
        assert word in message
    Outputs("make", {"function": lambda: 1}, {"function": 1}).check_can_travel()  # cloudpickle takes these
