"""Partitioned datasets and slices of them, without a flow run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog
from kedro.io.core import Version
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.compat import kedro_partitions
from kedro_prefect_hooks.runs.node_runner import NodeRunner
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs
from kedro_prefect_hooks.runs.slices import SlicedNode, run_slice
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec

partitioned_dataset = pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")


def versioned(path: Path) -> Any:
    dataset = {"type": "text.TextDataset", "versioned": True}
    return partitioned_dataset.PartitionedDataset(path=str(path), dataset=dataset, filename_suffix=".txt")


def test_a_partition_with_several_versions_is_listed_once(tmp_path: Path) -> None:
    for number in range(2):
        made = versioned(tmp_path)
        made._dataset_config["version"] = Version(None, f"2026-01-0{number + 1}T00.00.00.000Z")
        made.save({"a": f"a {number}", "b": f"b {number}"})
    found = versioned(tmp_path)
    assert kedro_partitions.list_ids(found) == ["a", "b"]
    slice_of_b = kedro_partitions.slice_of(found, ["b"])
    assert {name: load() for name, load in slice_of_b.load().items()} == {"b": "b 1"}


def test_a_retry_saves_another_version_of_a_partition(tmp_path: Path) -> None:
    """Kedro's dataset saves a version once, and a slice of which a part was saved may be retried."""
    dataset = versioned(tmp_path)
    dataset.save({"a": "first"})
    with pytest.raises(Exception, match="must not exist"):
        dataset.save({"a": "second"})
    kedro_partitions.renew_version(dataset)
    dataset.save({"a": "second", "b": "more"})
    assert {name: load() for name, load in dataset.load().items()} == {"a": "second", "b": "more"}
    kept = sorted(file for file in tmp_path.rglob("a.txt") if file.is_file())
    assert [file.read_text() for file in kept] == ["first", "second"]


@pytest.mark.parametrize("slice_first", [True, False])
def test_what_a_slice_needs_as_a_whole_is_not_the_slice(slice_first: bool) -> None:
    """A node is mapped over one output of the mapped node before, and needs all of another."""

    def together(one: Any, other: Any) -> Any:
        return {key: (value, sorted(other)) for key, value in one.items()}

    pipeline = Pipeline(
        [
            node(lambda raw: (raw, raw), "raw", ["one", "other"], name="before"),
            node(together, ["one", "other"], "end", name="after"),
        ]
    )
    runner = NodeRunner(RunSpec(ProjectRef("/p"), "", ""), DataCatalog({}), _create_hook_manager(), pipeline)
    everything = {"one": KEPT, "other": KEPT}
    of_slice = Outputs("before", {"one": {"a": 1}, "other": {"a": 1}}, everything)
    of_slice.given, of_slice.made = {"raw": ["a"]}, {"one": ["a"], "other": ["a"]}
    whole = Outputs("before", {"one": {"a": 1, "b": 2}, "other": {"a": 1, "b": 2}}, everything)
    upstream = [of_slice, whole] if slice_first else [whole, of_slice]
    after = SlicedNode("after", "one", SlicedNode("before", "raw"))
    found = run_slice(runner, [after], ["a"], upstream, {"end": KEPT})
    assert found.value("end") == {"a": (1, ["a", "b"])}
