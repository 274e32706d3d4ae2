"""Models of `notify:` in `prefect.yml`: who is notified of which states.

The file holds no webhook URL or password, only the name of the Prefect Secret or environment variable that
holds it where the flow runs. Knows nothing of Prefect's state handlers: see `prefect.state_handlers`.
"""

from __future__ import annotations

import re
from typing import ClassVar, Optional

from typing_extensions import Literal

from kedro_prefect_hooks.compat.pydantic_models import (
    Field,
    PydanticCustomError,
    field_validator,
    model_validator,
)
from kedro_prefect_hooks.config.fields import Model, Name, Names, PositiveCount

SLACK_SECRET = "SLACK_WEBHOOK_URL"
"""The Prefect Secret that Prefect's own Slack notifier reads by default."""

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_SLACK = (
    "name the Prefect Secret that holds the URL (`slack: {secret: SLACK_WEBHOOK_URL}`) "
    "or the environment variable (`slack: {env: SLACK_WEBHOOK_URL}`)"
)
_WEBHOOK = (
    "name the Prefect Secret that holds the URL (`webhook: {secret: WEBHOOK_URL}`) "
    "or the environment variable (`webhook: {env: WEBHOOK_URL}`)"
)
_PASSWORD = (
    "name the Prefect Secret that holds it (`password: {secret: SMTP_PASSWORD}`) "
    "or the environment variable (`password: {env: SMTP_PASSWORD}`)"
)


class NamedSecret(Model):
    """A value that is not in the file, by the name of what holds it where the flow runs."""

    remedy: ClassVar[str] = ""
    what: ClassVar[str] = "the URL"

    secret: Optional[str] = Field(None, description="Name of the Prefect Secret that holds it.")
    env: Optional[str] = Field(
        None, description="Name of the environment variable that holds it where the flow runs."
    )

    @field_validator("secret", "env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            # The message does not repeat the value: it may be the secret itself.
            raise PydanticCustomError(
                "literal_secret",
                "found what looks like {what} itself, which the file must not contain: {remedy}",
                {"remedy": cls.remedy, "what": cls.what},
            )
        return value

    @model_validator(mode="after")
    def _either_secret_or_env(self) -> NamedSecret:
        if (self.secret is None) == (self.env is None):
            raise PydanticCustomError(
                "secret_source", "expected either `secret` or `env`: {remedy}", {"remedy": self.remedy}
            )
        return self


class SlackConfig(NamedSecret):
    """A Slack webhook, by the name of the secret or variable that holds its URL.

    Example:
        ```yaml
        slack: {secret: SLACK_WEBHOOK_URL}   # a Prefect Secret …
        ```
        ```yaml
        slack: {env: SLACK_WEBHOOK_URL}      # … or an environment variable where the flow runs
        ```
    """

    remedy = _SLACK

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if value is True:
            return {"secret": SLACK_SECRET}
        return {"secret": value} if isinstance(value, str) else value


class WebhookConfig(NamedSecret):
    """A webhook that accepts JSON, by the name of the secret or variable that holds its URL.

    Example:
        ```yaml
        webhook: {secret: TEAMS_WEBHOOK_URL, format: teams}
        ```
        ```yaml
        webhook: {env: MATTERMOST_WEBHOOK_URL}
        ```
    """

    remedy = _WEBHOOK

    format: Literal["text", "teams", "json"] = Field(
        "text",
        description="The JSON that is sent. text: `{text: …}`, as Mattermost, Rocket.Chat and Google Chat "
        "accept; teams: an Adaptive Card, as workflows of Microsoft Teams accept; json: the flow, the flow "
        "run, the state and its message, each under a key of its own.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"secret": value} if isinstance(value, str) else value


class PasswordConfig(NamedSecret):
    """A password, by the name of the secret or variable that holds it.

    Example:
        ```yaml
        password: {secret: SMTP_PASSWORD}
        ```
    """

    remedy = _PASSWORD
    what = "the password"

    @model_validator(mode="before")
    @classmethod
    def _not_a_value(cls, value: object) -> object:
        if value is not None and not isinstance(value, dict):
            # The value is not repeated: it may be the password.
            raise PydanticCustomError(
                "literal_secret",
                "found a plain value, expected a mapping: {remedy}",
                {"remedy": _PASSWORD},
            )
        return value


class SmtpConfig(Model):
    """An SMTP server, who writes and to whom.

    Example:
        ```yaml
        smtp:
          host: smtp.example.com
          sender: flows@example.com
          to: [team@example.com]
          user: flows@example.com
          password: {secret: SMTP_PASSWORD}
        ```
    """

    host: Name = Field(description="The server.")
    port: Optional[PositiveCount] = Field(
        None, description="Default: 587 with starttls, 465 with tls, 25 with none."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: encrypted before anything is sent; tls: from the start; none: not at all.",
    )
    sender: Name = Field(description="The address that the message is from.")
    to: Names = Field(description="The addresses that it is sent to.")
    user: Optional[Name] = Field(None, description="The account to log in with. Default: no login.")
    password: Optional[PasswordConfig] = Field(
        None, description="The user's password: `{secret: NAME}` or `{env: NAME}`."
    )

    @model_validator(mode="after")
    def _user_with_password(self) -> SmtpConfig:
        if (self.user is None) != (self.password is None):
            raise PydanticCustomError("smtp_login", "expected `user` and `password` together, or neither")
        if not self.to:
            raise PydanticCustomError("no_recipients", "found no addresses in `to`, expected at least one")
        return self


class NotifyConfig(Model):
    """Who is notified, and of which states of a flow run.

    Example:
        ```yaml
        notify:
          states: [Failed, Cancelled]
          slack: {secret: SLACK_WEBHOOK_URL}
          webhook: {secret: TEAMS_WEBHOOK_URL, format: teams}
          email: true   # through Gmail, with the Prefect Secrets EMAIL_USERNAME and EMAIL_PASSWORD
        ```
    """

    states: Names = Field(
        default_factory=lambda: ["Failed"],
        description="Prefect states to notify of, each with its subclasses: `Failed` includes `TimedOut`.",
    )
    slack: Optional[SlackConfig] = Field(
        None, description="A Slack webhook: `{secret: NAME}` or `{env: NAME}`."
    )
    webhook: Optional[WebhookConfig] = Field(
        None, description="Any other webhook: `{secret: NAME}` or `{env: NAME}`, and the `format` it accepts."
    )
    smtp: Optional[SmtpConfig] = Field(None, description="Email through any SMTP server.")
    email: bool = Field(
        False,
        description="Email through Gmail, from and to the account in the Prefect Secrets EMAIL_USERNAME and "
        "EMAIL_PASSWORD.",
    )

    @model_validator(mode="before")
    @classmethod
    def _not_a_string(cls, value: object) -> object:
        if isinstance(value, str):
            # The value is not repeated here either, for the same reason.
            raise PydanticCustomError(
                "notify_string", "found a string, expected a mapping: {remedy}", {"remedy": _SLACK}
            )
        return value

    @model_validator(mode="after")
    def _at_least_one_state(self) -> NotifyConfig:
        if not self.states:
            raise PydanticCustomError("no_states", "found no states, expected at least one, such as Failed")
        return self

    @property
    def has_channel(self) -> bool:
        """Whether anybody is notified."""
        return bool(self.slack or self.webhook or self.smtp or self.email)
