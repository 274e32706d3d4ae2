"""Builds Prefect state handlers from `notify:` and `state_handlers:` in `prefect.yml`.

Prefect's own notifiers, and `notifications`, send the messages where the flow runs. A notification
that fails is only logged: it must not change the state of the flow run.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from typing import Any, Callable, Iterable, Iterator, List

from kedro_prefect_hooks.config.messages import (
    InvalidConfigError,
    Place,
    Problem,
    format_error,
    unknown_name,
)
from kedro_prefect_hooks.config.notify import NotifyConfig
from kedro_prefect_hooks.config.prefect.notifications import (
    SmtpSettings,
    described,
    secret_value,
    send_email,
    send_to_webhook,
    smtp_settings,
)

StateHandler = Callable[..., Any]


def build_state_handlers(
    paths: Iterable[str], notify: NotifyConfig | None, place: Callable[..., Place]
) -> List[StateHandler]:
    """Build the state handlers of a flow: the project's own, in their order, then the notifiers.

    Args:
        paths: dotted paths of the project's own functions.
        notify: who is notified of which states.
        place: returns the place of a key of the flow in the file, for messages.

    Raises:
        ConfigError: a dotted path cannot be imported or is not a function, or a state is unknown.
    """
    handlers = [
        _imported(path, place("state_handlers", position), "flow") for position, path in enumerate(paths)
    ]
    if notify is not None:
        handlers += notifiers(notify, place("notify"))
    return handlers


def check_node_state_handlers(paths: Iterable[str], place: Place) -> None:
    """Check that the state handlers of nodes can be imported and called.

    Raises:
        ConfigError: as `build_state_handlers`.
    """
    for position, path in enumerate(paths):
        _imported(path, place.at(position), "task")


def _imported(path: str, place: Place, tracked: str) -> StateHandler:
    module, _, attribute = path.rpartition(".")
    if not module:
        text = f"found {path!r}, expected the dotted path of a function, such as my_package.notify.on_failure"
        raise InvalidConfigError([Problem(place, text)])
    try:
        handler = getattr(importlib.import_module(module), attribute)
    except AttributeError:
        names = vars(importlib.import_module(module))
        accepted = [name for name, value in names.items() if callable(value) and name[0] != "_"]
        text = unknown_name(f"function of {module}", attribute, accepted)
        raise InvalidConfigError([Problem(place, text)]) from None
    except (Exception, SystemExit) as error:  # importing the user's module can raise anything
        text = f"cannot import {path!r}: {format_error(error)}"
        raise InvalidConfigError([Problem(place, text)]) from None
    if not callable(handler):
        raise InvalidConfigError([Problem(place, f"found {path!r}, which is not a function")])
    reason = _why_not_callable(handler)
    if reason is not None:
        text = f"found {path!r}, {reason}. Prefect calls it as ({tracked}, old_state, new_state)"
        raise InvalidConfigError([Problem(place, text)])
    return handler  # type: ignore[no-any-return]


def _why_not_callable(handler: Any) -> str | None:
    """Why Prefect cannot call a state handler; None if it can, or if its signature is not known."""
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        vars(type(handler)).get("__call__")
    ):
        return "which is a coroutine function, expected a plain one: nothing awaits it"
    if inspect.isgeneratorfunction(handler):
        return "which is a generator, expected a function that returns a state"
    if inspect.isclass(handler):
        return "which is a class, expected a function: what it returns becomes the state"
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(None, None, None)
    except TypeError as error:
        return f"which cannot be called with three arguments ({error}): it accepts {signature}"
    return None


def state_names() -> List[str]:
    """The names of Prefect's states."""
    from prefect.engine import state

    return sorted(
        name
        for name, value in vars(state).items()
        if isinstance(value, type) and issubclass(value, state.State) and value is not state.State
    )


def notifiers(config: NotifyConfig, place: Place) -> List[StateHandler]:
    """One state handler per configured channel."""
    known = state_names()
    problems = [
        Problem(place.at("states", position), unknown_name("Prefect state", name, known))
        for position, name in enumerate(config.states)
        if name not in known
    ]
    if problems:
        raise InvalidConfigError(problems)
    states = tuple(config.states)
    handlers: List[StateHandler] = []
    if config.slack is not None:
        handlers.append(
            functools.partial(slack, states=states, secret=config.slack.secret, env=config.slack.env)
        )
    if config.webhook is not None:
        url = (config.webhook.secret, config.webhook.env)
        handlers.append(functools.partial(webhook, states=states, url=url, format=config.webhook.format))
    if config.smtp is not None:
        handlers.append(functools.partial(smtp, states=states, settings=smtp_settings(config.smtp)))
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
    """Notify Slack of a state, at the URL in a Prefect Secret or in an environment variable."""
    import prefect
    from prefect.utilities.notifications import slack_notifier

    if not _is_one_of(new_state, states):
        return new_state
    with _log_failure("Slack"):
        secrets = dict(prefect.context.get("secrets", {}))
        if env is not None:
            secret = f"environment variable {env}"
            secrets[secret] = secret_value(None, env)
        # The link to the run comes from the API. Without an API, the notifier would wait for it in vain.
        has_api = bool(prefect.context.get("running_with_backend"))
        with prefect.context(secrets=secrets):
            slack_notifier(tracked, old_state, new_state, webhook_secret=secret, backend_info=has_api)
    return new_state


def email(tracked: Any, old_state: Any, new_state: Any, *, states: tuple[str, ...]) -> Any:
    """Email a state through Gmail, with the account in the Secrets EMAIL_USERNAME and EMAIL_PASSWORD."""
    from prefect.utilities.notifications import gmail_notifier

    if _is_one_of(new_state, states):
        with _log_failure("email"):
            gmail_notifier(tracked, old_state, new_state)
    return new_state


def webhook(
    tracked: Any,
    old_state: Any,
    new_state: Any,
    *,
    states: tuple[str, ...],
    url: tuple[str | None, str | None],
    format: str,
) -> Any:
    """Send a state to a webhook, at the URL in a Prefect Secret or in an environment variable."""
    if _is_one_of(new_state, states):
        with _log_failure("a webhook"):
            send_to_webhook(described(tracked, new_state), secret_value(*url), format)
    return new_state


def smtp(
    tracked: Any, old_state: Any, new_state: Any, *, states: tuple[str, ...], settings: SmtpSettings
) -> Any:
    """Email a state through an SMTP server."""
    if _is_one_of(new_state, states):
        with _log_failure("SMTP"):
            send_email(described(tracked, new_state), settings)
    return new_state


def _is_one_of(new_state: Any, states: tuple[str, ...]) -> bool:
    from prefect.engine import state

    return isinstance(new_state, tuple(getattr(state, name) for name in states))


@contextlib.contextmanager
def _log_failure(channel: str) -> Iterator[None]:
    """Log an exception raised inside the block instead of propagating it."""
    import prefect

    try:
        yield
    except Exception as error:
        # Only Prefect's own message is safe to log: that of a failed request contains the URL.
        reason = str(error) if type(error) is ValueError else type(error).__name__
        logger = prefect.context.get("logger", prefect.utilities.logging.get_logger("kedro_prefect_hooks"))
        logger.warning("The notification through %s failed: %s", channel, reason)
