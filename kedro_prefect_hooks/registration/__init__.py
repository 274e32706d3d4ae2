"""Registers a project's flows with Prefect: first a plan, then its application.

`plan` compares the desired state (`wanted`) with what the API has (`api.registered`). `application` applies
the plan, and `summary` reports the result. `project_registration` runs these steps.
"""

from __future__ import annotations

from kedro_prefect_hooks.registration.project_registration import plan_project, register_project

__all__ = ["plan_project", "register_project"]
