"""The loggers in PREFECT__LOGGING__EXTRA_LOGGERS send each line once, with and without a `logging.yml`."""

from __future__ import annotations

import logging
import logging.config
from typing import Any, Iterator

import prefect
import pytest
from prefect.utilities.configuration import set_temporary_config
from prefect.utilities.logging import CloudHandler, _create_logger

from kedro_prefect_hooks.compat import kedro_project
from kedro_prefect_hooks.compat.prefect import send_kedro_logs

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"console": {"class": "logging.NullHandler"}},
    "loggers": {"extra_named": {"level": "INFO"}, "extra_apart": {"propagate": False}},
    "root": {"handlers": ["console"]},
}
NAMES = ["extra_named", "extra_other", "extra_apart", "extra_package.sub", "extra_named.below"]


@pytest.fixture(autouse=True)
def _loggers_of_this_test_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kedro_project, "package_name", lambda: "extra_package")
    names = [*NAMES, "extra_package", "kedro", "kedro_prefect_hooks", ""]
    before = {name: (list(logging.getLogger(name).handlers), logging.getLogger(name).level) for name in names}
    disabled = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    disabled = [each for each in disabled if not each.disabled]
    yield
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(level)
    for logger in disabled:
        logger.disabled = False


def senders(name: str) -> int:
    """How many handlers send a line of this logger to the API."""
    logger: logging.Logger | None = logging.getLogger(name)
    count = 0
    while logger is not None:
        count += sum(isinstance(handler, CloudHandler) for handler in logger.handlers)
        logger = logger.parent if logger.propagate else None
    return count


@pytest.mark.parametrize("configured", [True, False], ids=["logging.yml", "no logging.yml"])
def test_each_line_is_sent_once(configured: bool) -> None:
    for name in NAMES:  # as importing Prefect does
        _create_logger(name)
    if configured:  # as bootstrapping the project does
        logging.config.dictConfig(LOGGING)
    with set_temporary_config({"logging.extra_loggers": NAMES}), prefect.context(running_with_backend=True):
        for _ in range(2):  # in each task
            send_kedro_logs()
    assert {name: senders(name) for name in NAMES} == dict.fromkeys(NAMES, 1)
    assert not any(logging.getLogger(name).disabled for name in NAMES)
    assert all(logging.getLogger(name).isEnabledFor(logging.INFO) for name in NAMES)


def test_loggers_of_the_flow_are_sent_too() -> None:
    with prefect.context(running_with_backend=True):
        send_kedro_logs(["extra_other"])
        send_kedro_logs(["extra_other"])
    assert {name: senders(name) for name in ("extra_other", "extra_named")} == {
        "extra_other": 1,
        "extra_named": 0,
    }
    assert logging.getLogger("extra_other").isEnabledFor(logging.INFO)
