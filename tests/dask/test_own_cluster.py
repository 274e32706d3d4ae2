"""The settings of a cluster that an executor starts for one flow run."""

from __future__ import annotations

from typing import Any

import dask
import distributed
import pytest
from prefect.executors import DaskExecutor, LocalExecutor

from kedro_prefect_hooks.flows.dask_cluster import balanced_often

INTERVAL = "distributed.scheduler.work-stealing-interval"


def test_idle_workers_of_an_own_cluster_are_found_soon() -> None:
    options = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with balanced_often(DaskExecutor()), distributed.LocalCluster(**options) as cluster:
        callbacks: Any = cluster.scheduler.periodic_callbacks
        assert callbacks["stealing"].callback_time == 100  # ms
    assert dask.config.get(INTERVAL) in ("1s", "100ms")  # Dask's own, in its newer and older releases


@pytest.mark.parametrize("executor", [DaskExecutor(address="tcp://127.0.0.1:1"), LocalExecutor()])
def test_nothing_changes_without_an_own_cluster(executor: Any) -> None:
    before = dask.config.get(INTERVAL)
    with balanced_often(executor):
        assert dask.config.get(INTERVAL) == before


def test_a_value_of_the_users_stays() -> None:
    with dask.config.set({INTERVAL: "3s"}), balanced_often(DaskExecutor()):
        assert dask.config.get(INTERVAL) == "3s"
