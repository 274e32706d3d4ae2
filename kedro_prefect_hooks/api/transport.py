"""What every way to a Prefect API offers: GraphQL in, data or an error out. Knows nothing of flows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Mapping

from kedro_prefect_hooks.errors import ApiError


class Refusal(ApiError):
    """The API understood the request and refused it; `reasons` are its own messages."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(message)
        self.reasons = reasons


class Transport(ABC):
    """The way to one Prefect API.

    Args:
        url: the API's.
        hint: for messages: what to do when the API cannot be used.
    """

    def __init__(self, url: str, hint: str = "") -> None:
        self.url = url
        self.hint = hint

    @abstractmethod
    def graphql(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a query or mutation; returns its `data`.

        Raises:
            Refusal: the API answered with errors.
            ApiError: it is unreachable, or is not a Prefect API.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what the transport holds open."""

    def failure(self, description: str) -> ApiError:
        """The error to raise because the API `description`."""
        return ApiError(f"The Prefect API at {self.url} {description}. {self.hint}".rstrip())

    def unexpected_response(self, description: str) -> ApiError:
        """The error for a response that no Prefect API gives."""
        return self.failure(
            f"responded with {description}, which no Prefect API does (is it the URL of the UI? Prefect "
            "Server's API is on port 4200)"
        )

    def refusal(self, errors: list[Any]) -> Refusal:
        """The error for the `errors` of a GraphQL answer."""
        messages = [str(error.get("message") if isinstance(error, dict) else error) for error in errors]
        reasons = [" ".join(message.split()) for message in messages]
        return Refusal(f"The Prefect API at {self.url} reported: {'; '.join(reasons)}", reasons)
