"""What a Kedro catalog has made, and what its configuration would make, with each class of catalog."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.compat import kedro_catalog, kedro_datasets
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.travel import CatalogState, refuse_changes
from tests.scenarios.project_factory import HAS_FACTORIES

ANOTHER = "replaced by another JsonDataset"
JSON = "tests.scenarios.sources.datasets.JsonDataset"

io = importlib.import_module("kedro.io")
CATALOGS = [getattr(io, name) for name in ("DataCatalog", "KedroDataCatalog") if hasattr(io, name)]

needs_factories = pytest.mark.skipif(not HAS_FACTORIES, reason="this Kedro has no dataset factories")


@pytest.fixture(params=CATALOGS, ids=lambda catalog_class: catalog_class.__name__)
def catalog(request: pytest.FixtureRequest) -> Any:
    entries = {"declared": {"type": JSON, "filepath": "declared.json"}}
    if HAS_FACTORIES:
        entries["{name}_out"] = {"type": JSON, "filepath": "{name}.json"}
    return request.param.from_config(entries)


def test_a_dataset_exists_once_it_is_made(catalog: Any) -> None:
    made = kedro_catalog.dataset(catalog, "declared")
    assert kedro_catalog.existing_dataset(catalog, "declared") is made
    assert type(made).__name__ == "JsonDataset"


def test_existing_datasets_are_datasets(catalog: Any) -> None:
    found = kedro_catalog.existing_datasets(catalog)
    assert all(isinstance(each, kedro_datasets.AbstractDataset) for each in found.values())


def test_asking_for_a_declared_dataset_changes_nothing(catalog: Any) -> None:
    before = CatalogState(catalog)
    kedro_catalog.dataset(catalog, "declared")
    assert before.change(catalog, "declared") is None


@needs_factories
def test_asking_a_factory_for_a_dataset_changes_nothing(catalog: Any) -> None:
    before = CatalogState(catalog)
    kedro_catalog.dataset(catalog, "any_out")
    assert before.change(catalog, "any_out") is None


@needs_factories
def test_configured_datasets_are_made_without_changing_the_catalog(catalog: Any) -> None:
    made = kedro_catalog.configured_dataset(catalog, "any_out")
    assert made._filepath.name == "any.json"
    assert kedro_catalog.existing_dataset(catalog, "any_out") is None
    elsewhere = kedro_catalog.configured_dataset(catalog, "elsewhere")
    assert elsewhere is None or kedro_datasets.is_memory(elsewhere)  # Kedro 1 has a factory for the rest


@needs_factories
def test_another_dataset_in_place_of_a_factorys_is_a_change(catalog: Any) -> None:
    before = CatalogState(catalog)
    other = type(kedro_catalog.dataset(catalog, "declared"))("elsewhere.json")
    kedro_catalog.put(catalog, "any_out", other)
    assert before.change(catalog, "any_out") == ANOTHER


def test_a_dataset_that_was_not_configured_is_a_change(catalog: Any) -> None:
    before = CatalogState(catalog)
    other = type(kedro_catalog.dataset(catalog, "declared"))("elsewhere.json")
    kedro_catalog.put(catalog, "new", other)
    assert before.change(catalog, "new") in ("added, as a JsonDataset", ANOTHER)
    kedro_catalog.put(catalog, "declared", other)
    assert before.change(catalog, "declared") in ("replaced by a JsonDataset", ANOTHER)


def test_a_copy_mode_that_other_processes_do_not_have_is_refused(catalog: Any) -> None:
    pipeline = Pipeline([node(abs, "declared", "between", name="first"), node(abs, "between", "end")])
    run: Any = SimpleNamespace(catalog=catalog, pipeline=pipeline, hooks=None)
    before = CatalogState(catalog)
    memory: Any = kedro_datasets.MemoryDataset
    kedro_catalog.put(catalog, "between", memory())
    refuse_changes(run, ["first"], before)
    kedro_catalog.put(catalog, "between", memory(copy_mode="assign"))
    with pytest.raises(FlowRunError, match="'between' was replaced by a MemoryDataset of another copy mode"):
        refuse_changes(run, ["first"], before)
