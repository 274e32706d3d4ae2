"""What the models of `prefect.yml` need of pydantic: pydantic 2's own, or the same for an older pydantic.

Kedro projects of 2022 pin pydantic 1, with kedro-viz and kedro-mlflow of their time. The models are written
once, for pydantic 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic

HAS_PYDANTIC_2 = int(str(pydantic.VERSION).split(".", maxsplit=1)[0]) >= 2

if TYPE_CHECKING or HAS_PYDANTIC_2:
    from pydantic import (
        AfterValidator,
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Field,
        PrivateAttr,
        StrictBool,
        TypeAdapter,
        ValidationError,
        WithJsonSchema,
        field_validator,
        model_validator,
    )
    from pydantic_core import PydanticCustomError
else:
    from kedro_prefect_hooks.compat.pydantic_1 import (
        AfterValidator,
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Field,
        PrivateAttr,
        PydanticCustomError,
        StrictBool,
        TypeAdapter,
        ValidationError,
        WithJsonSchema,
        field_validator,
        model_validator,
    )

__all__ = [
    "HAS_PYDANTIC_2",
    "AfterValidator",
    "BaseModel",
    "BeforeValidator",
    "ConfigDict",
    "Field",
    "PrivateAttr",
    "PydanticCustomError",
    "StrictBool",
    "TypeAdapter",
    "ValidationError",
    "WithJsonSchema",
    "field_validator",
    "model_validator",
]
