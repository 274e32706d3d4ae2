"""The part of pydantic 2 that the models of `prefect.yml` use, where the project has pydantic 1.

pydantic 1 cannot take pydantic 2's place behind an adapter: it converts numbers to strings and back, does not
say which key of a mapping is wrong, nor what it found, and so could not give the same messages. So the types
that the models use are checked here, with the errors of pydantic 2 (type, place, input). Everything that
pydantic 2 does and the models do not use is left out: strict mode, serializers, generics, JSON Schema.

`tests/config` runs with both.
"""

from __future__ import annotations

import copy
from typing import Any, Callable, ClassVar, Dict, Mapping, NamedTuple, Tuple, TypeVar

from typing_extensions import Annotated, get_args, get_origin, get_type_hints

from kedro_prefect_hooks.compat.checked_values import (
    INVALID,
    STRICT,
    AfterValidator,
    BeforeValidator,
    Errors,
    Loc,
    PydanticCustomError,
    ValidationError,
    WithJsonSchema,
    called,
    checked,
    error_of,
    limited,
)

__all__ = ["AfterValidator", "BeforeValidator", "PydanticCustomError", "WithJsonSchema"]

ConfigDict = dict
Model = TypeVar("Model", bound="BaseModel")

StrictBool = Annotated[bool, STRICT]
_UNSET: Any = object()


class FieldInfo:
    """A field of a model."""

    annotation: Any = Any

    def __init__(self, default: Any, default_factory: Any, alias: Any, description: Any) -> None:
        self.default = default
        self.default_factory = default_factory
        self.alias = alias
        self.description = description
        self.limits: dict[str, Any] = {}

    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is _UNSET and self.default_factory is None

    def get_default(self, call_default_factory: bool = True) -> Any:
        """Its default, a new one each time."""
        return copy.copy(self.default) if self.default_factory is None else self.default_factory()


def Field(
    default: Any = _UNSET,
    *,
    default_factory: Any = None,
    alias: str | None = None,
    description: str | None = None,
    examples: Any = None,
    **limits: Any,
) -> Any:
    """A field with a default, or the limits of a value: `ge`, `le`, `min_length`."""
    field = FieldInfo(default, default_factory, alias, description)
    field.limits = limits
    return field


def PrivateAttr(default: Any = _UNSET, *, default_factory: Any = None) -> Any:
    """An attribute that is not in the file."""
    return FieldInfo(default, default_factory, None, None)


class _Decorated(NamedTuple):
    """A validator of a model: of some of its fields, or of the whole if there are none."""

    func: Any
    mode: str
    fields: Tuple[str, ...] = ()


def field_validator(*fields: str, mode: str = "after") -> Callable[[Any], Any]:
    """A class method that checks fields."""
    return lambda function: _Decorated(function, mode, fields)


def model_validator(*, mode: str) -> Callable[[Any], Any]:
    """A class method that gets the raw value (before), or a method of the finished model (after)."""
    return lambda function: _Decorated(function, mode)


class _ModelType(type):
    """Collects the fields and validators of a model when they are first needed."""

    @property
    def model_fields(cls) -> dict[str, FieldInfo]:
        """Its fields by name, those of its bases first."""
        if "_collected" not in vars(cls):
            cls._collect()
        found: dict[str, FieldInfo] = cls._collected
        return found

    def _collect(cls) -> None:
        hints = get_type_hints(cls, include_extras=True)
        fields: dict[str, FieldInfo] = {}
        private: dict[str, FieldInfo] = {}
        validators: dict[str, _Decorated] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, _Decorated):
                    validators[name] = value
            for name in vars(base).get("__annotations__", {}):
                if str(get_origin(hints[name]) or hints[name]) == str(ClassVar):
                    continue
                given = vars(base).get(name, _UNSET)
                given = copy.copy(given) if isinstance(given, FieldInfo) else Field(given)
                given.annotation = hints[name]
                (private if name.startswith("_") else fields)[name] = given
        cls._checks = {name: field.annotation for name, field in fields.items()}
        for field in fields.values():
            if get_origin(field.annotation) is Annotated:
                field.annotation = get_args(field.annotation)[0]
        cls._collected, cls._private, cls._validators = fields, private, list(validators.values())


class BaseModel(metaclass=_ModelType):
    """A mapping with known keys; immutable."""

    model_config: ClassVar[Dict[str, Any]] = {}

    def __init__(self, **values: Any) -> None:
        made = type(self).model_validate(values)
        self.__dict__.update(made.__dict__)

    @classmethod
    def model_validate(cls: type[Model], value: Any) -> Model:
        """The model of a mapping.

        Raises:
            ValidationError: it is not one.
        """
        errors: Errors = []
        made: Model = _model(cls, value, (), errors)
        if errors:
            raise ValidationError(errors)
        return made

    @classmethod
    def validated(cls, value: Any, loc: Loc, errors: Errors) -> Any:
        """The model of a mapping; errors are added, and `INVALID` returned, if it is not one."""
        return _model(cls, value, loc, errors)

    @property
    def model_fields_set(self) -> set[str]:
        """The fields that were given."""
        return set(self.__dict__["__fields_set__"])

    @property
    def model_extra(self) -> dict[str, Any] | None:
        """The keys that are not fields, where they are allowed."""
        extra: dict[str, Any] | None = self.__dict__["__extra__"]
        return extra

    def model_dump(self, *, exclude_unset: bool = False, exclude: set[str] | None = None) -> dict[str, Any]:
        """The values of all fields, or of those that were given, by name."""
        names = [
            name
            for name in type(self).model_fields
            if (not exclude_unset or name in self.model_fields_set) and name not in (exclude or ())
        ]
        dumped = {name: _dumped(getattr(self, name), exclude_unset) for name in names}
        return {**dumped, **_dumped(self.model_extra or {}, exclude_unset)}

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise ValidationError([error_of("frozen_instance", "Instance is frozen", (name,), value)])
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model_dump(exclude_unset=True)})"


class TypeAdapter:
    """Checks values of any type that the models can have."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation

    def __class_getitem__(cls, _: Any) -> type[TypeAdapter]:
        return cls

    def validate_python(self, value: Any) -> Any:
        """The value, converted.

        Raises:
            ValidationError: it is of another type.
        """
        errors: Errors = []
        result = checked(self._annotation, value, (), errors)
        if errors:
            raise ValidationError(errors)
        return result


def _model(cls: Any, value: Any, loc: Loc, errors: Errors) -> Any:
    if isinstance(value, cls):
        return value
    cls.model_fields  # noqa: B018 # collects them
    whole = [each for each in cls._validators if not each.fields]
    for each in whole:
        if each.mode == "before" and value is not INVALID:
            value = called(each.func.__get__(None, cls), value, loc, errors)
    if value is INVALID:
        return INVALID
    if not isinstance(value, Mapping):
        errors.append(error_of("model_type", "expected a mapping", loc, value))
        return INVALID
    before = len(errors)
    attributes = _attributes(cls, value, loc, errors)
    made = object.__new__(cls)
    made.__dict__.update(attributes)
    for each in whole:
        if each.mode == "after" and len(errors) == before:
            called(each.func, made, loc, errors)
    return INVALID if len(errors) > before else made


def _attributes(cls: Any, value: Mapping[Any, Any], loc: Loc, errors: Errors) -> dict[str, Any]:
    """What a model's instance holds: its fields, what else was given, and its private attributes."""
    values: dict[str, Any] = {}
    given: set[str] = set()
    known: set[Any] = set()
    for name, field in cls.model_fields.items():
        known |= {name, field.alias}
        key = field.alias if field.alias in value else name
        if key in value:
            given.add(name)
            values[name] = _field(cls, name, value[key], (*loc, field.alias or name), errors)
        elif field.is_required():
            errors.append(error_of("missing", "Field required", (*loc, field.alias or name), value))
        else:
            values[name] = field.get_default()
    extra = {key: each for key, each in value.items() if key not in known}
    allows = _config(cls).get("extra") == "allow"
    for key in () if allows else extra:
        errors.append(error_of("extra_forbidden", "Extra inputs are not permitted", (*loc, key), extra[key]))
    private = {name: field.get_default() for name, field in cls._private.items()}
    return {**values, **private, "__fields_set__": given, "__extra__": extra if allows else None}


def _config(cls: type) -> dict[str, Any]:
    return {
        name: value
        for base in reversed(cls.__mro__)
        for name, value in vars(base).get("model_config", {}).items()
    }


def _field(cls: Any, name: str, value: Any, loc: Loc, errors: Errors) -> Any:
    own = [each for each in cls._validators if name in each.fields]
    for each in reversed([each for each in own if each.mode == "before"]):
        value = called(each.func.__get__(None, cls), value, loc, errors)
        if value is INVALID:
            return INVALID
    value = checked(cls._checks[name], value, loc, errors)
    if value is not INVALID:
        value = limited(cls.model_fields[name].limits, value, loc, errors)
    for each in [each for each in own if each.mode == "after"]:
        if value is not INVALID:
            value = called(each.func.__get__(None, cls), value, loc, errors)
    return value


def _dumped(value: Any, exclude_unset: bool) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=exclude_unset)
    if isinstance(value, Mapping):
        return {name: _dumped(each, exclude_unset) for name, each in value.items()}
    if isinstance(value, list):
        return [_dumped(each, exclude_unset) for each in value]
    return value
