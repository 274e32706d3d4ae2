"""What the embedded API knows of Prefect's states agrees with Prefect."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from prefect.engine import state as prefect_state
from prefect.serialization.state import StateSchema

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage import serialized_states

CLASSES: Dict[str, Any] = {
    name: found
    for name, found in vars(prefect_state).items()
    if isinstance(found, type) and issubclass(found, prefect_state.State)
}
NOW = 1_700_000_000_000_000


def test_the_hierarchy_and_the_colors_are_prefects() -> None:
    assert set(serialized_states.COLORS) == set(CLASSES)
    for name, found in CLASSES.items():
        assert serialized_states.COLORS[name] == found.color
        for parent, above in CLASSES.items():
            assert states.is_a(name, parent) == issubclass(found, above), (name, parent)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"State", "_MetaState"}))
def test_a_bare_state_is_completed_as_by_prefect(name: str) -> None:
    ours = serialized_states.normalized({"type": name, "message": "m"}, NOW)
    again = StateSchema().dump(StateSchema().load({"type": name, "message": "m"}))
    for key in ("type", "message", "cached_inputs", "context"):
        assert ours[key] == again[key], key
    assert ("_result" in ours) == ("_result" in again)
    assert (ours.get("start_time") is None) == (again.get("start_time") is None)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"State", "_MetaState"}))
def test_a_state_sent_by_the_client_is_unchanged(name: str) -> None:
    sent = CLASSES[name](message="m").serialize()
    assert serialized_states.normalized(sent, NOW) == sent


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"type": "Nonsense"}, "{'type': ['Unsupported value: Nonsense']}"),
        ({"message": "x"}, "{'type': ['Missing data for required field.']}"),
        ("Running", "{'_schema': ['Invalid input type.']}"),
    ],
)
def test_an_invalid_state_is_refused_with_prefects_message(state: Any, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        serialized_states.normalized(state, NOW)
    assert str(refused.value) == message
