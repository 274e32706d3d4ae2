"""Sends what has become of a flow run to a webhook or an SMTP server.

Raises what goes wrong; `state_handlers` logs it. A `ValueError` has a message that is safe to log, any other
exception may contain the URL or the password.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.notify import SmtpConfig

TIMEOUT = 15.0
"""Seconds to wait for a server: the flow run waits too."""

PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True)
class Description:
    """A state of a flow run for people.

    Args:
        flow: the flow's name.
        flow_run: name of the flow run; empty without an API.
        flow_run_id: its id.
        state: its state.
        message: the state's message, or the exception.
        link: to the flow run; empty without one.
    """

    flow: str
    flow_run: str
    flow_run_id: str
    state: str
    message: str
    link: str

    @property
    def title(self) -> str:
        """One line."""
        run = f" (flow run {self.flow_run})" if self.flow_run else ""
        return f"{self.flow} is now in a {self.state} state{run}"

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(filter(None, (self.title, self.message, self.link)))


def described(tracked: Any, state: Any) -> Description:
    """What has become of a flow."""
    import prefect
    from prefect.utilities.notifications.notifications import slack_message_formatter

    context = prefect.context
    has_api = bool(context.get("running_with_backend"))
    # The link comes from the API. Without an API, Prefect would wait for it in vain.
    attachment = slack_message_formatter(tracked, state, has_api)["attachments"][0]
    return Description(
        flow=str(tracked.name),
        flow_run=str(context.get("flow_run_name") or "") if has_api else "",
        flow_run_id=str(context.get("flow_run_id") or "") if has_api else "",
        state=type(state).__name__,
        message=repr(state.result) if isinstance(state.result, Exception) else str(state.message or ""),
        link=str(attachment.get("title_link") or ""),
    )


def secret_value(secret: str | None, env: str | None) -> str:
    """The value of a Prefect Secret or of an environment variable.

    Raises:
        ValueError: it does not exist here; the message has its name.
    """
    if env is None:
        from prefect.client import Secret

        return str(Secret(str(secret)).get())
    if not os.environ.get(env):
        raise ValueError(f"the environment variable {env} is not set where the flow runs")
    return os.environ[env]


def send_to_webhook(description: Description, url: str, format: str) -> None:
    """Send a description as JSON.

    Raises:
        Exception: it was not accepted.
    """
    import requests

    answer = requests.post(url, json=_payload(description, format), timeout=TIMEOUT)
    if not answer.ok:
        raise ValueError(f"the response has the status {answer.status_code}")


def _payload(description: Description, format: str) -> dict[str, Any]:
    if format == "json":
        return {name: getattr(description, name) or None for name in Description.__dataclass_fields__}
    if format == "text":
        return {"text": description.text}
    blocks = [{"type": "TextBlock", "text": description.title, "weight": "Bolder", "wrap": True}]
    if description.message:
        blocks.append({"type": "TextBlock", "text": description.message, "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    if description.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the flow run", "url": description.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


class SmtpSettings(NamedTuple):
    """Where and how email is sent: the server, without the password itself."""

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    user: str | None
    password: tuple[str | None, str | None]


def smtp_settings(config: SmtpConfig) -> SmtpSettings:
    """The settings in `prefect.yml`, as plain values."""
    password = config.password
    return SmtpSettings(
        host=config.host,
        port=config.port or PORTS[config.security],
        security=config.security,
        sender=config.sender,
        to=tuple(config.to),
        user=config.user,
        password=(None, None) if password is None else (password.secret, password.env),
    )


def send_email(description: Description, settings: SmtpSettings) -> None:
    """Send a description by email. Nothing is sent unencrypted unless the settings say so.

    Raises:
        Exception: it was not accepted.
    """
    message = EmailMessage()
    message["Subject"] = " ".join(description.title.split())
    message["From"], message["To"] = settings.sender, ", ".join(settings.to)
    message.set_content(description.text)
    password = None if settings.user is None else secret_value(*settings.password)
    try:
        with _connected(settings) as server:
            if settings.user is not None and password is not None:
                server.login(settings.user, password)
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise ValueError(f"{settings.host} responded with the code {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise ValueError(f"{settings.host}: {error}") from None


def _connected(settings: SmtpSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT)
    if settings.security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server
