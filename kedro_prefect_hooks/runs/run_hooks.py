"""Hooks of this package's own, beside the project's: registered once with a run's hook manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pluggy import PluginManager

Hooks = TypeVar("Hooks")


def registered_with(hooks: PluginManager, kind: type[Hooks]) -> Hooks:
    """An instance of a class that these hooks call; the one that is registered already, if there is one."""
    for plugin in getattr(hooks, "get_plugins", tuple)() or ():
        if isinstance(plugin, kind):
            return plugin
    added = kind()
    if hasattr(hooks, "register"):  # not with the stand-in that Kedro's runners use without hooks
        hooks.register(added)
    return added
