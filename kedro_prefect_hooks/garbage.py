"""When Python looks for garbage while a project's flows are built, which leaves none.

A thousand flows are a million objects that all stay. Python's collector would go through them over and over,
which takes a third of the time of a command.
"""

from __future__ import annotations

import contextlib
import gc
from typing import Iterator


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage within the block: for objects that are made in it and stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def kept_objects() -> Iterator[None]:
    """Within the block, collect garbage, but only among the objects that are made in it."""
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        gc.unfreeze()
        if not was_enabled:
            gc.disable()


@contextlib.contextmanager
def none_until_exit() -> Iterator[None]:
    """Collect no garbage within the block, nor what is in memory at its end: the process ends after it."""
    with no_collection():
        try:
            yield
        finally:
            process_ends()


def process_ends() -> None:
    """Let the end of the process free memory: Python would look for garbage first, several times."""
    gc.freeze()
