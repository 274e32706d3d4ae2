"""Models of `notify:` in `prefect.yml`: who is notified of which states.

The file holds no webhook URL or password, only the name of the Prefect Secret or environment variable that
holds it where the flow runs. Knows nothing of Prefect's state handlers: see `prefect.state_handlers`.
"""

from __future__ import annotations

import re
from typing import Optional

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kedro_prefect_hooks.config.fields import Model, Names

SLACK_SECRET = "SLACK_WEBHOOK_URL"
"""The Prefect Secret that Prefect's own Slack notifier reads by default."""

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_REMEDY = (
    "name the Prefect Secret that holds the URL (`slack: {secret: SLACK_WEBHOOK_URL}`) "
    "or the environment variable (`slack: {env: SLACK_WEBHOOK_URL}`)"
)


class SlackConfig(Model):
    """A Slack webhook, by the name of the secret or variable that holds its URL.

    Example:
        ```yaml
        slack: {secret: SLACK_WEBHOOK_URL}   # a Prefect Secret …
        ```
        ```yaml
        slack: {env: SLACK_WEBHOOK_URL}      # … or an environment variable where the flow runs
        ```
    """

    secret: Optional[str] = Field(
        None, description="Name of the Prefect Secret that holds the webhook's URL."
    )
    env: Optional[str] = Field(
        None, description="Name of the environment variable that holds the URL where the flow runs."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        if value is True:
            return {"secret": SLACK_SECRET}
        return {"secret": value} if isinstance(value, str) else value

    @field_validator("secret", "env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            # The message does not repeat the value: it may be the secret itself.
            raise PydanticCustomError(
                "literal_secret",
                "found what looks like the URL itself, which the file must not contain: {remedy}",
                {"remedy": _REMEDY},
            )
        return value

    @model_validator(mode="after")
    def _either_secret_or_env(self) -> SlackConfig:
        if (self.secret is None) == (self.env is None):
            raise PydanticCustomError(
                "slack_source", "expected either `secret` or `env`: {remedy}", {"remedy": _REMEDY}
            )
        return self


class NotifyConfig(Model):
    """Who is notified, and of which states of a flow run.

    Example:
        ```yaml
        notify:
          states: [Failed, Cancelled]
          slack: {secret: SLACK_WEBHOOK_URL}
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
                "notify_string", "found a string, expected a mapping: {remedy}", {"remedy": _REMEDY}
            )
        return value

    @model_validator(mode="after")
    def _at_least_one_state(self) -> NotifyConfig:
        if not self.states:
            raise PydanticCustomError("no_states", "found no states, expected at least one, such as Failed")
        return self
