"""Who is told when a flow ends: the words of `notify:` in `prefect.yml`.

No webhook address or password stands in the file: only the name of the Prefect Secret, or of the environment
variable, that holds it where the flow runs. `notifications` makes Prefect's state handlers of these.
"""

from __future__ import annotations

import re
from typing import List, Optional

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kedro_prefect_hooks.config.fields import Model, Names

SLACK_SECRET = "SLACK_WEBHOOK_URL"
"""The Prefect Secret that Prefect's own Slack notifier reads when it is told no other."""

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_RIGHT_WAY = (
    "name the Prefect Secret that holds the address (`slack: {secret: SLACK_WEBHOOK_URL}`) "
    "or the environment variable (`slack: {env: SLACK_WEBHOOK_URL}`)"
)


class SlackConfig(Model):
    """A Slack webhook, by the name of what holds its address.

    Example:
        ```yaml
        slack: {secret: SLACK_WEBHOOK_URL}   # a Prefect Secret …
        ```
        ```yaml
        slack: {env: SLACK_WEBHOOK_URL}      # … or an environment variable where the flow runs
        ```
    """

    secret: Optional[str] = Field(
        None, description="Name of the Prefect Secret that holds the webhook's address."
    )
    env: Optional[str] = Field(
        None, description="Name of the environment variable that holds it, where the flow runs."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if value is True:
            return {"secret": SLACK_SECRET}
        return {"secret": value} if isinstance(value, str) else value

    @field_validator("secret", "env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            # What was found is not repeated: it may be the secret itself.
            raise PydanticCustomError(
                "literal_secret",
                "found what looks like the address itself, which must not stand in the file: {right}",
                {"right": _RIGHT_WAY},
            )
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> SlackConfig:
        if (self.secret is None) == (self.env is None):
            raise PydanticCustomError(
                "slack_source", "expected `secret` or `env`, one of them: {right}", {"right": _RIGHT_WAY}
            )
        return self


class NotifyConfig(Model):
    """Who is told, and of which states of a flow run.

    Example:
        ```yaml
        notify:
          states: [Failed, Cancelled]
          slack: {secret: SLACK_WEBHOOK_URL}
          email: true   # by Gmail, with the Prefect Secrets EMAIL_USERNAME and EMAIL_PASSWORD
        ```
    """

    states: Names = Field(
        default_factory=lambda: ["Failed"],
        description="Prefect states to tell of; `Failed` includes its kinds, such as TimedOut.",
    )
    slack: Optional[SlackConfig] = Field(
        None, description="A Slack webhook: `{secret: NAME}` or `{env: NAME}`."
    )
    email: bool = Field(
        False,
        description="Mail by Gmail, to the account in the Prefect Secrets EMAIL_USERNAME and EMAIL_PASSWORD.",
    )

    @model_validator(mode="before")
    @classmethod
    def _not_only_an_address(cls, value: object) -> object:
        if isinstance(value, str):
            # Nor is it repeated here, for the same reason as above.
            raise PydanticCustomError(
                "notify_text", "found a text, expected a mapping: {right}", {"right": _RIGHT_WAY}
            )
        return value

    @property
    def channels(self) -> List[str]:
        """The ways that are set up."""
        return [name for name, given in (("slack", self.slack), ("email", self.email)) if given]

    @model_validator(mode="after")
    def _somebody_is_told(self) -> NotifyConfig:
        if not self.states:
            raise PydanticCustomError("no_states", "names no states: expected at least one, such as Failed")
        return self
