"""The example's flow with mapped nodes: what it leaves is what a plain `kedro run` of its pipeline leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tests.example.conftest import run_python

FOLDERS = ["03_primary/flights_by_month", "04_feature/routes_by_month", "08_reporting"]


def _files(outputs: Path) -> dict[str, bytes]:
    found = [file for folder in FOLDERS for file in (outputs / folder).iterdir()]
    return {str(file.relative_to(outputs)): file.read_bytes() for file in found if file.is_file()}


def test_each_month_is_a_task(example: Path) -> None:
    run_python(example, "-m", "kedro", "run", "--pipeline", "months")
    printed = run_python(
        example, *["-m", "kedro", "prefect", "run", "month-by-month", "--env", "deploy", "--local"]
    )
    assert re.search(r"2/4  count_routes +Success +12/12, ", printed), printed
    expected, found = (_files(example / "data" / env) for env in ("local", "deploy"))
    assert len([name for name in found if "routes_by_month" in name]) == 12
    assert found == expected
    worst = pd.read_csv(example / "data" / "deploy" / "08_reporting" / "worst_routes.csv")
    assert worst["month"].nunique() == 12
    assert (worst["flights"] >= 30).all()
    assert worst["late_share"].between(0, 1).all()
