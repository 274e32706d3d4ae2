"""Prefect state handlers for `notify:` and `state_handlers:` of `prefect.yml`.

The messages are sent by Prefect's own notifiers, where the flow runs. A notification that fails is logged
and no more: it must not change what became of the flow run.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any, Callable, Iterable, List

from kedro_prefect_hooks.config.messages import Place, Problem, error_of, unknown
from kedro_prefect_hooks.config.notify import NotifyConfig

StateHandler = Callable[..., Any]


def build_state_handlers(
    paths: Iterable[str], notify: NotifyConfig | None, place: Callable[..., Place]
) -> List[StateHandler]:
    """The state handlers of a flow: the project's own, in their order, then the notifiers.

    Args:
        paths: dotted paths of the project's own functions.
        notify: who is notified of which states.
        place: where a key of the flow stands in `prefect.yml`, for messages.

    Raises:
        ConfigError: a dotted path that cannot be imported or is no function, or an unknown state.
    """
    handlers = [_imported(path, place("state_handlers", position)) for position, path in enumerate(paths)]
    if notify is not None:
        handlers += notifiers(notify, place("notify"))
    return handlers


def _imported(path: str, place: Place) -> StateHandler:
    module, _, attribute = path.rpartition(".")
    if not module:
        text = f"found {path!r}, expected the dotted path of a function, such as my_package.notify.on_failure"
        raise error_of([Problem(place, text)])
    try:
        handler = getattr(importlib.import_module(module), attribute)
    except AttributeError:
        there = vars(importlib.import_module(module))
        accepted = [name for name, value in there.items() if callable(value) and name[0] != "_"]
        raise error_of([Problem(place, unknown(f"function of {module}", attribute, accepted))]) from None
    except Exception as error:  # importing the user's module can raise anything
        text = f"cannot import {path!r}: {type(error).__name__}: {error}"
        raise error_of([Problem(place, text)]) from None
    if not callable(handler):
        raise error_of([Problem(place, f"found {path!r}, which is not a function")])
    return handler  # type: ignore[no-any-return]


def state_names() -> List[str]:
    """The names of Prefect's states."""
    from prefect.engine import state

    return sorted(
        name
        for name, value in vars(state).items()
        if isinstance(value, type) and issubclass(value, state.State) and value is not state.State
    )


def notifiers(config: NotifyConfig, place: Place) -> List[StateHandler]:
    """One state handler for each way that is set up."""
    known = state_names()
    problems = [
        Problem(place.at("states", position), unknown("Prefect state", name, known))
        for position, name in enumerate(config.states)
        if name not in known
    ]
    if problems:
        raise error_of(problems)
    states = tuple(config.states)
    handlers: List[StateHandler] = []
    if config.slack is not None:
        handlers.append(
            functools.partial(slack, states=states, secret=config.slack.secret, env=config.slack.env)
        )
    if config.email:
        handlers.append(functools.partial(email, states=states))
    return handlers


def slack(
    tracked: Any,
    old_state: Any,
    new_state: Any,
    *,
    states: tuple[str, ...],
    secret: str | None = None,
    env: str | None = None,
) -> Any:
    """Tells Slack of a state, at the address in a Prefect Secret or in an environment variable."""
    import prefect
    from prefect.utilities.notifications import slack_notifier

    if not _is_one_of(new_state, states):
        return new_state
    with _logged("Slack"):
        secrets = dict(prefect.context.get("secrets", {}))
        if env is not None:
            if not os.environ.get(env):
                raise ValueError(f"the environment variable {env} is not set where the flow runs")
            secret = f"environment variable {env}"
            secrets[secret] = os.environ[env]
        # The link to the run comes from the API. A run without one has no link, and would wait for nothing.
        has_api = bool(prefect.context.get("running_with_backend"))
        with prefect.context(secrets=secrets):
            slack_notifier(tracked, old_state, new_state, webhook_secret=secret, backend_info=has_api)
    return new_state


def email(tracked: Any, old_state: Any, new_state: Any, *, states: tuple[str, ...]) -> Any:
    """Mails a state by Gmail, as the account in the Prefect Secrets EMAIL_USERNAME and EMAIL_PASSWORD."""
    from prefect.utilities.notifications import gmail_notifier

    if _is_one_of(new_state, states):
        with _logged("e-mail"):
            gmail_notifier(tracked, old_state, new_state)
    return new_state


def _is_one_of(new_state: Any, states: tuple[str, ...]) -> bool:
    from prefect.engine import state

    return isinstance(new_state, tuple(getattr(state, name) for name in states))


class _logged:
    """Logs what fails inside it instead of raising it."""

    def __init__(self, way: str) -> None:
        self.way = way

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, Exception):
            return False
        import prefect

        # Prefect's own words, but of others only the class: a failed request's text holds the address.
        reason = str(error) if type(error) is ValueError else type(error).__name__
        prefect.context.get("logger", prefect.utilities.logging.get_logger("kedro_prefect_hooks")).warning(
            "The notification by %s failed: %s", self.way, reason
        )
        return True
