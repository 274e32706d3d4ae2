"""Partitioned datasets, slice by slice, without a flow run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.io.core import Version

from kedro_prefect_hooks.compat import kedro_partitions

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
