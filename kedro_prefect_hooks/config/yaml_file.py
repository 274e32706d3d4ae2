"""One YAML file as it is written: whether it can be read at all, and what YAML would hide from the models.

Config loaders lose the line, drop one of two equal keys, or expand aliases for ever. The hook asks this
module on a plain `kedro run` too, so it imports neither Prefect nor pydantic, and no file makes it raise
anything but `ConfigError`. Knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping, NamedTuple

from kedro_prefect_hooks.config.messages import Key, Place, Problem, format_names, redacted
from kedro_prefect_hooks.errors import ConfigError

if TYPE_CHECKING:
    import yaml

Node = Any
"""A node of PyYAML, whose type hints do not have `id`."""

DEEPEST = 100
"""Levels of mappings and lists; `prefect.yml` needs about ten."""

LARGEST = 1_000_000
"""Values after aliases are expanded: a few lines of aliases of aliases can make billions."""

_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = {
    f"{_STANDARD}{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
_MERGE = f"{_STANDARD}merge"
_SEXAGESIMAL = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")


class Found(NamedTuple):
    """A node of a file with its key path and line.

    Args:
        key: its path.
        line: its line, from 1.
        node: a value, or a key of a mapping.
        is_key: whether it is a key.
    """

    key: Key
    line: int
    node: Node
    is_key: bool


def composed(path: Path, name: str, *, slowly: bool = False) -> Node | None:
    """The top node of a file; None if it is empty.

    Args:
        path: the file.
        name: its name in messages.
        slowly: whether to parse it as config loaders do, in Python, which refuses more than libyaml.

    Raises:
        ConfigError: it cannot be read, or is not YAML, or is too deep or too large to be expanded.
    """
    import yaml

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{name}: cannot be read ({reason}), expected a file that you may read") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{name}: line {line}: found the byte {error.object[error.start]:#04x}, expected UTF-8: "
            "save the file with the encoding UTF-8"
        ) from None
    # libyaml's parser, where PyYAML has it, is ten times faster.
    loader = yaml.SafeLoader if slowly else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Before PyYAML 6.0.4, composing many levels with it ends the process.
    if _deepest_possible(text) > DEEPEST and _first_line_too_deep(text, loader) is not None:
        raise _too_deep(text, name)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        if error.problem and "nesting depth" in error.problem:
            raise _too_deep(text, name) from None
        raise ConfigError(f"{name}: {_not_yaml(error, text)}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from None
    except (RecursionError, MemoryError):
        raise _too_deep(text, name) from None
    if node is not None:
        _check_size(node, name)
    return node


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    problem = str(error.problem or error.context)
    if problem == "second occurrence":
        problem = str(error.context).split(";")[0]
    hint = ""
    line = text.splitlines()[mark.line] if mark is not None and mark.line < len(text.splitlines()) else ""
    if (
        "cannot start any token" in problem
        and mark is not None
        and line[mark.column : mark.column + 1] == "\t"
    ):
        hint = ": indent with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        hint = ": put a value with a colon and a space in quotes, or check the indentation"
    elif "undefined alias" in problem:
        hint = ": define it before this line, as in `_shared: &name {…}`, or put the value in quotes"
    elif "another document" in problem:
        hint = ": remove what follows the second `---`"
    return f"{where}not valid YAML: {problem}{hint}"


def _deepest_possible(text: str) -> int:
    """An upper bound of the levels of a text that takes no parsing: brackets, and what lines begin with."""
    indented = max((len(each) for each in re.findall(r"^[ \-?]*", text, re.MULTILINE)), default=0)
    return text.count("[") + text.count("{") + indented


def _first_line_too_deep(text: str, loader: Any) -> int | None:
    """The first line with too many levels; None if there is none, or the text cannot be parsed so far."""
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):  # a loop, where composing is a recursion
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                return 1 if event.start_mark is None else int(event.start_mark.line) + 1
    except yaml.YAMLError:
        pass
    return None


def _too_deep(text: str, name: str) -> ConfigError:
    import yaml

    line = _first_line_too_deep(text, yaml.SafeLoader) or 1
    return ConfigError(
        f"{name}: line {line}: found more than {DEEPEST} levels of mappings and lists in each other, "
        f"expected at most {DEEPEST}"
    )


def _check_size(top: Node, name: str) -> None:
    """Refuse aliases that contain themselves, or that expand to more than anybody means."""
    if top.id == "scalar":
        return
    sizes: dict[int, int] = {}
    open_nodes: dict[int, int] = {}
    todo: list[tuple[Node, bool]] = [(top, False)]
    while todo:
        node, is_done = todo.pop()
        if is_done:
            del open_nodes[id(node)]
            inner = _children(node)
            sizes[id(node)] = 1 + len(node.value) + sum(sizes[id(child)] for child in inner)
            if sizes[id(node)] > LARGEST:
                raise ConfigError(
                    f"{name}: line {_line(node)}: found aliases that expand to more than {LARGEST:,} values, "
                    "expected fewer"
                )
            continue
        if id(node) in sizes:
            continue
        if id(node) in open_nodes:
            raise ConfigError(
                f"{name}: line {_line(node)}: found an alias inside the value that it stands for, which "
                "never "
                "ends: move the shared part to a key of its own, such as `_shared: &shared {…}`"
            )
        open_nodes[id(node)] = len(open_nodes)
        if len(open_nodes) > DEEPEST:
            raise ConfigError(
                f"{name}: line {_line(node)}: found more than {DEEPEST} levels of mappings and lists in each "
                f"other, expected at most {DEEPEST}"
            )
        todo.append((node, True))
        todo += [(child, False) for child in _children(node)]


def _children(node: Node) -> list[Node]:
    """The mappings and lists in a mapping or list; scalars, of which there are many more, cannot nest."""
    values = [each for pair in node.value for each in pair] if node.id == "mapping" else node.value
    return [each for each in values if each.id != "scalar"]


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def walked(top: Node) -> Iterator[Found]:
    """All keys and values of a file, in its order. The file has been checked by `composed`."""
    yield from _walked(top, (), set())


def _walked(node: Node, key: Key, seen: set[int]) -> Iterator[Found]:
    yield Found(key, _line(node), node, False)
    if id(node) in seen:  # an alias: its content is reported where it is defined
        return
    if node.id != "scalar":
        seen.add(id(node))
    if node.id == "mapping":
        for each, value in node.value:
            inner = (*key, _word(each))
            yield Found(inner, _line(each), each, True)
            # What is merged with `<<` is defined elsewhere, or has the keys of this mapping.
            yield from _walked(value, key if each.tag == _MERGE else inner, seen)
    elif node.id == "sequence":
        for position, value in enumerate(node.value):
            yield from _walked(value, (*key, position), seen)


def _word(node: Node) -> str:
    return str(node.value) if node.id == "scalar" else "?"


def hidden_problems(top: Node, place: Place) -> Iterator[Problem]:
    """What a loader reads without a word, although it is not what was meant."""
    for found in walked(top):
        where = place.at(*found.key)
        if found.node.id == "mapping" and not found.is_key:
            yield from _repeated_keys(found.node, where)
        if found.node.id != "scalar":
            continue
        text = str(found.node.value)
        if found.is_key and "${" in text:
            yield Problem(
                where,
                f"line {found.line}: found the key {redacted(text)!r}, expected a name: interpolations are "
                "resolved in values only",
            )
        elif found.node.tag in (f"{_STANDARD}int", f"{_STANDARD}float"):
            misread = _misread(text)
            if misread:
                yield Problem(where, f"line {found.line}: {misread}")


def _repeated_keys(node: Node, place: Place) -> Iterator[Problem]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if key.id != "scalar" or key.tag == _MERGE:
            continue
        name = (key.tag, key.value)
        if name in lines:
            first = "in the same line" if lines[name] == _line(key) else f"first in line {lines[name]}"
            yield Problem(
                place.at(key.value),
                f"line {_line(key)}: found the key {redacted(key.value)!r} twice ({first}), expected each "
                "key "
                "once: rename or remove one",
            )
        lines.setdefault(name, _line(key))


def _misread(text: str) -> str | None:
    """What YAML 1.1 makes of a number with colons or a leading zero."""
    if _SEXAGESIMAL.fullmatch(text):
        value = 0.0
        for part in text.lstrip("+-").replace("_", "").split(":"):
            value = value * 60 + float(part)
        return (
            f"found {text}, which YAML reads as {value:g} (base 60), expected a plain number, or a duration "
            f"such as 90s or 1h 30m; if it is text, put it in quotes: '{text}'"
        )
    if _OCTAL.fullmatch(text) and text.strip("+-0_"):
        value = int(text.replace("_", ""), 8)
        return (
            f"found {text}, which YAML reads as {value:g} (base 8), expected a number without a leading "
            "zero; "
            f"if it is text, put it in quotes: '{text}'"
        )
    return None


def unreadable_problems(top: Node, place: Place) -> Iterator[Problem]:
    """What loaders reject, mostly without saying where: tags, keys that are no names."""
    if top.id != "mapping":
        kind = "a list" if top.id == "sequence" else "a plain value"
        yield Problem(place, f"found {kind}, expected a mapping with `flows:`")
        return
    for found in walked(top):
        where = place.at(*found.key)
        if found.node.tag not in _PLAIN_TAGS:
            tag = str(found.node.tag).replace(_STANDARD, "!!")
            yield Problem(
                where,
                f"line {found.line}: found the tag {tag}, expected a value without a tag"
                + ("" if tag.startswith("!!") else ", or an interpolation such as ${globals:name}"),
            )
        if not found.is_key:
            yield from _merged_values(found.node, where)
            continue
        if found.node.id != "scalar":
            kind = "a mapping" if found.node.id == "mapping" else "a list"
            yield Problem(
                where, f"line {found.line}: found {kind} as a key, expected a string: put it in quotes"
            )
        elif found.node.tag == f"{_STANDARD}null":
            written = f" ({found.node.value})" if found.node.value else ""
            yield Problem(
                place.at(*found.key[:-1]),
                f"line {found.line}: found an empty key{written}, expected a name: if it is meant, put it in "
                "quotes",
            )


def _merged_values(node: Node, place: Place) -> Iterator[Problem]:
    """What a mapping merges with `<<` although it is no mapping."""
    for key, value in node.value if node.id == "mapping" else ():
        merged = value.value if value.id == "sequence" else [value]
        if key.tag == _MERGE and any(each.id != "mapping" for each in merged):
            yield Problem(
                place,
                f"line {_line(key)}: found `<<` with another value than a mapping, expected the alias of a "
                "mapping, such as `<<: *shared`",
            )


def line_of(top: Node, key: Key) -> int | None:
    """The line of a key, or of the value at a position of a list."""
    return next((found.line for found in walked(top) if found.key == key), None)


def text_at(top: Node, key: Key) -> str | None:
    """The scalar that a file has at a key, as it is written."""
    values = (found for found in walked(top) if found.key == key and not found.is_key)
    return next((str(found.node.value) for found in values if found.node.id == "scalar"), None)


def top_level(top: Node | None) -> list[tuple[str, Any]]:
    """The top-level keys of a file with their nodes; none if it is empty or not a mapping."""
    if top is None or top.id != "mapping":
        return []
    return [(_word(key), value) for key, value in top.value]


def keys_in_two_files(nodes: Mapping[str, Node | None]) -> Iterator[str]:
    """A message for each top-level key that two files of one environment have.

    Args:
        nodes: the environment's files by name.
    """
    first: dict[str, str] = {}
    for name, node in nodes.items():
        for key in dict.fromkeys(key for key, _ in top_level(node) if not key.startswith("_")):
            if key in first:
                yield (
                    f"{name}, {key}: also in {first[key]}, expected each key in one file of an environment: "
                    f"move both to one, or delete one ({format_names(nodes)})"
                )
            first.setdefault(key, name)
