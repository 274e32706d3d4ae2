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
    """Within the block, collect garbage only among the objects that are made in it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def process_ends() -> None:
    """Let the end of the process free memory: Python would look for garbage first, several times."""
    gc.freeze()
