"""In-memory inputs kept as they were, so that a retry finds what a fresh load would give it.

A node can change an input that is passed on without a copy (`copy_mode: assign`), and objects inside one that
is copied flat: a list in a column of a DataFrame. Knows nothing of tasks and retries.
"""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any, Callable

from kedro_prefect_hooks.compat import kedro_datasets

logger = logging.getLogger(__name__)

_PLAIN = ("string", "bytes", "floating", "integer", "boolean", "decimal", "datetime", "date", "empty")
"""What pandas calls columns of values that cannot be changed in place."""


def snapshot(name: str, dataset: Any, value: Any) -> Callable[[], Any] | None:
    """A function that returns `value` as it is now; None where nodes get copies that share nothing.

    Args:
        name: the dataset's name, for the log.
        dataset: the memory dataset that the value is loaded through.
        value: the value itself.
    """
    if not _can_change(kedro_datasets.effective_copy_mode(dataset, value), value):
        return None
    try:
        pickled = pickle.dumps(value, protocol=5)
        return lambda: pickle.loads(pickled)
    except Exception:  # locks, sessions, local functions …
        pass
    try:
        copied = copy.deepcopy(value)
        return lambda: copied
    except Exception:
        return lambda: _left_as_it_is(name, value)


def _left_as_it_is(name: str, value: Any) -> Any:
    logger.warning("'%s' cannot be copied: a retry gets it as the failed try left it.", name)
    return value


def _can_change(mode: str, value: Any) -> bool:
    if isinstance(value, (str, bytes, int, float, complex, bool, type(None))):
        return False
    if mode == "assign":
        return True
    kind = f"{type(value).__module__.split('.')[0]}.{type(value).__name__}"
    if kind in ("pandas.DataFrame", "pandas.Series", "numpy.ndarray"):
        return _shares_objects(value)
    return mode == "copy"


def _shares_objects(value: Any) -> bool:
    """Whether a copy of a pandas or numpy value has objects in common with it that can be changed."""
    if not hasattr(value, "dtypes"):
        return bool(value.dtype.hasobject)
    from pandas.api.types import infer_dtype

    columns = [value] if value.ndim == 1 else [value.iloc[:, place] for place in range(value.shape[1])]
    return any(
        column.dtype == object and infer_dtype(column, skipna=True) not in _PLAIN for column in columns
    )
