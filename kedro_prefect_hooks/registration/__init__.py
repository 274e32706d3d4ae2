"""Registration of a project's flows with Prefect: first a plan, then its application.

What is wanted (`wanted`) is compared with what the API has (`api.registered`) into a plan (`plan`), which is
applied (`application`) and reported (`summary`). `project_registration` puts the steps together.
"""

from __future__ import annotations

from kedro_prefect_hooks.registration.project_registration import plan_project, register_project

__all__ = ["plan_project", "register_project"]
