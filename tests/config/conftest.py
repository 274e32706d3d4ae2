"""Configuration folders on disk, read by Kedro's own config loaders."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any, Callable

import kedro.config
import pytest

CONFIG_LOADERS = [
    name
    for name in ("ConfigLoader", "TemplatedConfigLoader", "OmegaConfigLoader")
    if hasattr(kedro.config, name)
]
OMEGA = "OmegaConfigLoader"


@pytest.fixture
def conf(tmp_path: Path) -> Callable[..., Path]:
    """`conf({"base/prefect.yml": "…"})` writes files, and creates `base`, `local` and `deploy`."""

    def write(files: dict[str, str]) -> Path:
        source = tmp_path / "conf"
        for environment in ("base", "local", "deploy"):
            (source / environment).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return source

    return write


@pytest.fixture
def loader_of() -> Callable[..., Any]:
    """`loader_of(source, env, name)`: a config loader as a Kedro project creates it."""

    def make(source: Path, env: str | None = "deploy", name: str = CONFIG_LOADERS[-1], **options: Any) -> Any:
        if name == OMEGA:
            options = {"base_env": "base", "default_run_env": "local", **options}
        return make_loader(name, source, env, **options)

    return make


def make_loader(name: str, source: Path, env: str | None, **options: Any) -> Any:
    """Create one of Kedro's config loaders; those of 0.17 accept the folders."""
    loader = getattr(kedro.config, name)
    if "conf_paths" in inspect.signature(loader).parameters:
        return loader([str(source / "base"), str(source / (env or "local"))], **options)
    return loader(conf_source=str(source), env=env, **options)
