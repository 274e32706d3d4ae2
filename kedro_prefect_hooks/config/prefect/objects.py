"""Builds Prefect's storages, run configs, executors and results from the `type` given in `prefect.yml`.

Looks up the class, checks the arguments against its signature, and creates the object. Prefect accepts
unknown arguments silently, or fails late with a traceback that names no file; here each is found before
anything is sent. Prefect is imported when the first class is looked up, not before.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, Mapping

from kedro_prefect_hooks.config.messages import (
    InvalidConfigError,
    Place,
    Problem,
    format_error,
    format_names,
    redacted,
    unknown_name,
)
from kedro_prefect_hooks.config.prefect.argument_values import impossible_values
from kedro_prefect_hooks.config.prefect.arguments import InvalidValueError, converted
from kedro_prefect_hooks.config.typed import TypedConfig


@dataclass(frozen=True)
class Kind:
    """A kind of Prefect object.

    Args:
        label: its name in messages.
        module: the module that exports Prefect's classes.
        base: dotted path of their base class.
        excluded: classes that `prefect.yml` cannot name.
        refused_arguments: arguments that do not belong in `prefect.yml`, and what to do instead.
    """

    label: str
    module: str
    base: str
    excluded: tuple[str, ...] = ()
    refused_arguments: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "storage": Kind(
        "storage",
        "prefect.storage",
        "prefect.storage.Storage",
        refused_arguments={"result": "give the flow its own `result:` key"},
    ),
    "run_config": Kind("run config", "prefect.run_configs", "prefect.run_configs.RunConfig"),
    "executor": Kind("executor", "prefect.executors", "prefect.executors.Executor"),
    # A constant and a secret store no output.
    "result": Kind(
        "result",
        "prefect.engine.results",
        "prefect.engine.result.Result",
        excluded=("ConstantResult", "SecretResult"),
        refused_arguments={"value": "a result gets its value from the run"},
    ),
    "serializer": Kind("serializer", "prefect.engine.serializers", "prefect.engine.serializers.Serializer"),
}

# `LocalDaskExecutor` passes its other arguments to dask's configuration, which ignores unknown ones. These
# are the ones that dask's local schedulers read.
_MORE_ARGUMENTS = {"prefect.executors.dask.LocalDaskExecutor": ("num_workers", "chunksize")}


def build(config: TypedConfig, place: Place, *, project_path: Path | None = None) -> Any:
    """Build the Prefect object that a part of `prefect.yml` describes.

    Args:
        config: the type and its arguments.
        place: their place in the file, for messages.
        project_path: the folder to which `dir` of `LocalResult` is relative. Prefect uses the working
            directory, which differs between the machine that registers, the agent and its workers.

    Raises:
        ConfigError: the type or an argument is unknown, missing or invalid, or the class raises an error.
    """
    return _build(config.kind, config.type_name, config.arguments, place, project_path)


def _build(
    kind: str, type_name: str | None, given: Mapping[str, Any], place: Place, project_path: Path | None = None
) -> Any:
    cls = class_of(kind, type_name, place)
    parameters, accepts_any = parameters_of(cls)
    _check_names(KINDS[kind], cls, given, place, parameters, accepts_any=accepts_any)
    arguments = _converted(kind, cls, given, place, parameters)
    if kind == "result" and isinstance(arguments.get("dir"), str):
        arguments["dir"] = str((project_path or Path.cwd()) / Path(arguments["dir"]).expanduser())
        if "validate_dir" in parameters:
            # Otherwise the constructor creates the folder, on a machine that may only register. Writing a
            # result creates it too.
            arguments.setdefault("validate_dir", False)
    try:
        return cls(**arguments)
    except ImportError as error:
        text = f"{type_name} needs a package that is not installed here: {error}"
    except (Exception, SystemExit) as error:  # a class of Prefect's or the user's can raise anything
        is_prefects = cls.__module__.split(".")[0] == "prefect" and str(error).strip()
        reason = redacted(str(error).strip()) if is_prefects else format_error(error)
        text = f"{type_name} rejects these arguments: {reason}"
    raise InvalidConfigError([Problem(place, text)])


def type_names(kind: str) -> list[str]:
    """Prefect's own types of a kind, sorted."""
    return sorted(prefect_classes(kind))


@lru_cache(maxsize=None)
def prefect_classes(kind: str) -> dict[str, type]:
    """Prefect's own classes of a kind, by name."""
    description = KINDS[kind]
    module = importlib.import_module(description.module)
    base = _imported(description.base)
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value is not base
        and name not in description.excluded
    }


def class_of(kind: str, type_name: str | None, place: Place) -> type:
    """Look up the class for a type name: one of Prefect's, or the dotted path of the user's own.

    Raises:
        ConfigError: there is no such class, or it is of another kind.
    """
    known = prefect_classes(kind)
    if not type_name:
        raise InvalidConfigError(
            [Problem(place.at("type"), f"missing. Accepted: {format_names(sorted(known))}, or a dotted path")]
        )
    if type_name in known:
        return known[type_name]
    where = place.at("type")
    if "." not in type_name:
        among = "Accepted (or the dotted path of your own class)"
        text = unknown_name(KINDS[kind].label, type_name, known, among=among)
        raise InvalidConfigError([Problem(where, text)])
    try:
        found = _imported(type_name)
    except (Exception, SystemExit) as error:  # importing the user's module can raise anything
        text = f"cannot import {type_name!r}: {format_error(error)}"
        raise InvalidConfigError([Problem(where, text)]) from None
    base = _imported(KINDS[kind].base)
    if not (inspect.isclass(found) and issubclass(found, base)):
        text = f"found {type_name!r}, expected a class derived from {KINDS[kind].base}"
        raise InvalidConfigError([Problem(where, text)])
    return typing.cast(type, found)


def _imported(path: str) -> Any:
    module, _, attribute = path.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@lru_cache(maxsize=None)
def parameters_of(cls: type) -> tuple[Mapping[str, inspect.Parameter], bool]:
    """The keyword arguments that a class accepts, and whether it accepts any others.

    Prefect's classes pass ``**kwargs`` on to their base class, so its arguments are accepted too. What a
    user's own class does with ``**kwargs`` is unknown, so any are accepted; the class itself may reject them.
    """
    parameters: dict[str, inspect.Parameter] = {}
    accepts_any = False
    for init in _inits(cls):
        signature = list(inspect.signature(init).parameters.values())[1:]
        for parameter in signature:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                parameters.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature):
            break
        accepts_any = accepts_any or init.__module__.split(".")[0] != "prefect"
        for name in _MORE_ARGUMENTS.get(f"{init.__module__}.{init.__qualname__.rpartition('.')[0]}", ()):
            parameters[name] = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
    return parameters, accepts_any


def _inits(cls: type) -> Iterator[Any]:
    for each in cls.__mro__:
        if each is not object and "__init__" in vars(each):
            yield vars(each)["__init__"]


def _check_names(
    kind: Kind,
    cls: type,
    given: Mapping[str, Any],
    place: Place,
    parameters: Mapping[str, inspect.Parameter],
    *,
    accepts_any: bool,
) -> None:
    accepted = [name for name in parameters if name not in kind.refused_arguments]
    problems = []
    for name in given:
        if name in kind.refused_arguments:
            problems.append(Problem(place.at(name), f"not accepted here: {kind.refused_arguments[name]}"))
        elif name not in accepted and not accepts_any:
            what = f"argument of {cls.__name__}"
            problems.append(Problem(place.at(name), unknown_name(what, name, [*accepted, "type"])))
    missing = [
        name for name in accepted if parameters[name].default is inspect.Parameter.empty and name not in given
    ]
    problems += [Problem(place.at(name), f"missing: {cls.__name__} requires it") for name in missing]
    if problems:
        raise InvalidConfigError(problems)


def _converted(
    kind: str, cls: type, given: Mapping[str, Any], place: Place, parameters: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    arguments, problems = {}, []
    for name, value in given.items():
        if kind == "result" and name == "serializer" and value is not None:
            arguments[name] = _serializer(value, place.at(name))
            continue
        try:
            arguments[name] = converted(
                value, annotation_of(cls, name), is_environment=(kind, name) == ("run_config", "env")
            )
        except InvalidValueError as error:
            problems.append(Problem(place.at(name, *error.key), str(error)))
    problems += [
        Problem(place.at(*key), text)
        for key, text in impossible_values(kind, arguments)
        if not any(
            problem.place.key[: len(place.key) + len(key)] == (*place.key, *key) for problem in problems
        )
    ]
    if problems:
        raise InvalidConfigError(problems)
    return arguments


def _serializer(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return _build("serializer", value, {}, place)
    if isinstance(value, Mapping):
        arguments = {str(name): each for name, each in value.items() if name != "type"}
        return _build("serializer", value.get("type"), arguments, place)
    return class_of("serializer", str(value), place)


@lru_cache(maxsize=None)
def annotation_of(cls: type, name: str) -> Any:
    """The annotation of a keyword argument of a class; `Any` when it has none."""
    for init in _inits(cls):
        if name in inspect.signature(init).parameters:
            try:
                return typing.get_type_hints(init).get(name, Any)
            except Exception:  # a name that only type checkers import
                return Any
    return Any
