"""A module that a careless user names in `prefect.yml`: importing it ends the process."""

from __future__ import annotations

import sys

sys.exit(3)
