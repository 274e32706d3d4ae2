"""Prefect's storages, run configs, executors and results, by the `type` that `prefect.yml` gives.

Looks the class up, checks the arguments against its signature, makes the object. Prefect takes unknown
arguments silently or fails late, with a traceback that names no file; here each is found before anything is
sent. Prefect is imported when the first class is looked up, not before.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, Mapping

from kedro_prefect_hooks.config.messages import Place, Problem, error_of, listed, unknown
from kedro_prefect_hooks.config.prefect.arguments import WrongValue, converted
from kedro_prefect_hooks.config.typed import TypedConfig


@dataclass(frozen=True)
class Kind:
    """A kind of Prefect object.

    Args:
        called: what a person calls it.
        module: where Prefect exports its classes.
        base: dotted path of the class that all of them derive from.
        left_out: classes that `prefect.yml` cannot name: abstract, or made of other objects.
        not_here: arguments that another key of `prefect.yml` gives, with what to say.
    """

    called: str
    module: str
    base: str
    left_out: tuple[str, ...] = ()
    not_here: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "storage": Kind(
        "storage",
        "prefect.storage",
        "prefect.storage.Storage",
        not_here={"result": "give the flow its own `result:` key"},
    ),
    "run_config": Kind("run config", "prefect.run_configs", "prefect.run_configs.RunConfig"),
    "executor": Kind("executor", "prefect.executors", "prefect.executors.Executor"),
    # A constant, and what reads a secret, keep no output.
    "result": Kind(
        "result",
        "prefect.engine.results",
        "prefect.engine.result.Result",
        left_out=("ConstantResult", "SecretResult"),
        not_here={"value": "a result gets its value from the run"},
    ),
    "serializer": Kind("serializer", "prefect.engine.serializers", "prefect.engine.serializers.Serializer"),
}

# `LocalDaskExecutor` hands its other arguments to dask's configuration, where a wrong one does nothing and
# nobody says so; these are the ones that dask's local schedulers read.
_MORE_ARGUMENTS = {"prefect.executors.dask.LocalDaskExecutor": ("num_workers", "chunksize")}


def build(config: TypedConfig, place: Place, *, project_path: Path | None = None) -> Any:
    """The Prefect object that a part of `prefect.yml` describes.

    Args:
        config: the type and its arguments.
        place: where they stand, for messages.
        project_path: what a relative `dir` of `LocalResult` is relative to. Prefect takes the working
            directory, which differs between the machine that registers, the agent and its workers.

    Raises:
        ConfigError: an unknown type or argument, a missing or wrong one, or the class's own refusal.
    """
    return _build(config.kind, config.type_name, config.arguments, place, project_path)


def _build(
    kind: str, type_name: str | None, given: Mapping[str, Any], place: Place, project_path: Path | None = None
) -> Any:
    cls = class_of(kind, type_name, place)
    parameters, takes_any = parameters_of(cls)
    _check_names(KINDS[kind], cls, given, place, parameters, takes_any=takes_any)
    arguments = _converted(kind, cls, given, place, parameters)
    if kind == "result" and isinstance(arguments.get("dir"), str):
        arguments["dir"] = str((project_path or Path.cwd()) / Path(arguments["dir"]).expanduser())
        if "validate_dir" in parameters:
            # Or else it makes the folder here and now, on a machine that may only register. Writing does too.
            arguments.setdefault("validate_dir", False)
    try:
        return cls(**arguments)
    except ImportError as error:
        text = f"{type_name} needs a package that is not installed here: {error}"
    except Exception as error:  # whatever a class of Prefect's or the user's raises, the place helps
        text = f"{type_name} refuses these arguments: {str(error).strip() or type(error).__name__}"
    raise error_of([Problem(place, text)])


def names(kind: str) -> list[str]:
    """Prefect's own types of a kind, sorted."""
    return sorted(_own_classes(kind))


@lru_cache(maxsize=None)
def _own_classes(kind: str) -> dict[str, type]:
    description = KINDS[kind]
    module = importlib.import_module(description.module)
    base = _imported(description.base)
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value is not base
        and name not in description.left_out
    }


def class_of(kind: str, type_name: str | None, place: Place) -> type:
    """The class for a type name: one of Prefect's, or a dotted path to one of the user's.

    Raises:
        ConfigError: there is none, or it is of another kind.
    """
    called, own = KINDS[kind].called, _own_classes(kind)
    if not type_name:
        raise error_of(
            [Problem(place.at("type"), f"missing. Accepted: {listed(sorted(own))}, or a dotted path")]
        )
    if type_name in own:
        return own[type_name]
    where = place.at("type")
    if "." not in type_name:
        among = "Accepted (or the dotted path of your own class)"
        raise error_of([Problem(where, unknown(called, type_name, own, among=among))])
    try:
        found = _imported(type_name)
    except Exception as error:  # importing the user's module can raise anything
        text = f"cannot import {type_name!r}: {type(error).__name__}: {error}"
        raise error_of([Problem(where, text)]) from None
    base = _imported(KINDS[kind].base)
    if not (inspect.isclass(found) and issubclass(found, base)):
        text = f"found {type_name!r}, expected a class derived from {KINDS[kind].base}"
        raise error_of([Problem(where, text)])
    return typing.cast(type, found)


def _imported(path: str) -> Any:
    module, _, attribute = path.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def parameters_of(cls: type) -> tuple[dict[str, inspect.Parameter], bool]:
    """The keyword arguments that a class takes, and whether it takes any others besides.

    Prefect's classes pass ``**kwargs`` on to the class they derive from, so its arguments count too. What a
    class of the user's own does with them is not known: it takes any, or refuses them itself.
    """
    parameters: dict[str, inspect.Parameter] = {}
    takes_any = False
    for init in _inits(cls):
        signature = list(inspect.signature(init).parameters.values())[1:]
        for parameter in signature:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                parameters.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature):
            break
        takes_any = takes_any or init.__module__.split(".")[0] != "prefect"
        for name in _MORE_ARGUMENTS.get(f"{init.__module__}.{init.__qualname__.rpartition('.')[0]}", ()):
            parameters[name] = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
    return parameters, takes_any


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
    takes_any: bool,
) -> None:
    accepted = [name for name in parameters if name not in kind.not_here]
    problems = []
    for name in given:
        if name in kind.not_here:
            problems.append(Problem(place.at(name), f"not accepted here: {kind.not_here[name]}"))
        elif name not in accepted and not takes_any:
            what = f"argument of {cls.__name__}"
            problems.append(Problem(place.at(name), unknown(what, name, [*accepted, "type"])))
    missing = [
        name for name in accepted if parameters[name].default is inspect.Parameter.empty and name not in given
    ]
    problems += [Problem(place.at(name), f"missing: {cls.__name__} needs it") for name in missing]
    if problems:
        raise error_of(problems)


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
                value, _annotation(cls, name), is_environment=(kind, name) == ("run_config", "env")
            )
        except WrongValue as wrong:
            problems.append(Problem(place.at(name, *wrong.key), str(wrong)))
    if problems:
        raise error_of(problems)
    return arguments


def _serializer(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return _build("serializer", value, {}, place)
    if isinstance(value, Mapping):
        arguments = {str(name): each for name, each in value.items() if name != "type"}
        return _build("serializer", value.get("type"), arguments, place)
    return class_of("serializer", str(value), place)


def _annotation(cls: type, name: str) -> Any:
    for init in _inits(cls):
        if name in inspect.signature(init).parameters:
            try:
                return typing.get_type_hints(init).get(name, Any)
            except Exception:  # a name that exists only for type checkers: nothing to check against
                return Any
    return Any
