"""Neither `credentials.yml` nor environment variables of the process are sent to Prefect."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.registration.conftest import Site

SECRET = "correct-horse-battery-staple"


@pytest.mark.parametrize("storage", ["Module", "Local"])
def test_no_secret_is_sent(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    site.project.write_conf("base", "credentials", {"warehouse": {"password": SECRET}})
    site.project.write_conf(
        "base",
        "catalog",
        {"page": {"type": "pickle.PickleDataset", "filepath": "x", "credentials": "warehouse"}},
    )
    flows = tmp_path / "flows"
    place = {"type": "Local", "directory": str(flows)} if storage == "Local" else {"type": "Module"}
    site.configure(flows={"flights": {"storage": place, "parameters": ["model"]}})
    database = tmp_path / "api.sqlite"
    with EmbeddedServer(database, services=False) as server:
        site.url = server.url
        site.register()
        env = site.live()[0]["run_config"]["env"]
    assert all(name.startswith("KEDRO_PREFECT_") for name in env)
    written = [*tmp_path.glob("api.sqlite*"), *(file for file in flows.rglob("*") if file.is_file())]
    assert len(written) >= (2 if storage == "Local" else 1)
    for file in written:
        assert SECRET.encode() not in file.read_bytes(), file
