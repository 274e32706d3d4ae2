"""Adding the hook to a project's `settings.py` without changing any other byte.

The file is parsed (`ast`), changed as bytes, and parsed again: unless the change is exactly the intended one,
it is discarded.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from kedro_prefect_hooks.errors import KedroPrefectError

IMPORT = "from kedro_prefect_hooks import PrefectHooks"
HOOK = "PrefectHooks()"
LINES = f"{IMPORT}\n\nHOOKS = ({HOOK},)"
"""What to add manually to a file that does not set HOOKS."""

MORE_LINES = f"{IMPORT}\n\nHOOKS = (*HOOKS, {HOOK})"
"""What to add manually to the end of a file that sets HOOKS, in whatever way."""


class CannotEdit(KedroPrefectError):
    """`HOOKS` is written in a way that this module cannot edit safely."""


def has_hook(source: bytes) -> bool:
    """Whether HOOKS has a call of `PrefectHooks`, under any name that the file gives it.

    Raises:
        CannotEdit: it is called, and whether HOOKS has it cannot be seen.
    """
    module = ast.parse(source)
    calls = _calls_of_ours(module)
    if not calls:
        return False
    holding = {"HOOKS"}  # names whose values may contain the hook, through other names
    values = [pair for node in ast.walk(module) for pair in _assigned(node)]
    while True:
        read = {
            each.id
            for target, value in values
            if target in holding
            for each in ast.walk(value)
            if isinstance(each, ast.Name)
        }
        if read <= holding:
            break
        holding |= read
    inside = {each for target, value in values if target in holding for each in ast.walk(value)}
    if inside & calls:
        return True
    raise CannotEdit("PrefectHooks() is called in settings.py, but not in HOOKS as far as can be seen.")


def _calls_of_ours(module: ast.Module) -> set[ast.AST]:
    names = {"PrefectHooks"}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "kedro_prefect_hooks":
            names |= {each.asname or each.name for each in node.names if each.name == "PrefectHooks"}
    return {
        node for node in ast.walk(module) if isinstance(node, ast.Call) and _last_name(node.func) in names
    }


def _assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """The names that a statement or a walrus assigns, each with the whole value."""
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
        targets = [node.target]
    else:
        return []
    value = node.value
    if value is None:
        return []
    names = (each for target in targets for each in ast.walk(target))
    return [(each.id, value) for each in names if isinstance(each, ast.Name)]


def with_hook(source: bytes) -> bytes:
    """The file with the hook; the same bytes if it has the hook already.

    Raises:
        CannotEdit: `HOOKS` is not a plain tuple or list, assigned once at the top level, or the file may set
            or read it elsewhere: what else it does could then undo the change, or be undone.
        SyntaxError: the file is not valid Python.
    """
    if has_hook(source):
        return source
    module = ast.parse(source)
    text = _Text(source)
    values = _hooks_values(module)
    if len(values) > 1:
        raise CannotEdit("HOOKS is set in several places of settings.py.")
    _refuse_other_uses(module, len(values))
    insertions = [_import_insertion(module, text)]
    insertions.append(_element_insertion(values[0], text) if values else _assignment_insertion(text))
    changed = text.with_insertions(insertions)
    _check(module, changed)
    return changed


def sets_hooks(source: bytes) -> bool:
    """Whether the file itself assigns HOOKS."""
    return bool(_hooks_values(ast.parse(source)))


def _refuse_other_uses(module: ast.Module, assignments: int) -> None:
    """Refuse whatever may bind, read or change HOOKS, or the name that the hook is imported under."""
    plain = 0
    for node in ast.walk(module):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for each in node.names:
                bound = each.asname or each.name.split(".")[0]
                if each.name == "*":
                    raise CannotEdit(f"settings.py has `{_unparsed(node)}`, which may set HOOKS.")
                if bound == "HOOKS":
                    raise CannotEdit(f"settings.py imports HOOKS: `{_unparsed(node)}`.")
                if bound == "PrefectHooks":
                    raise CannotEdit(f"settings.py imports another PrefectHooks: `{_unparsed(node)}`.")
        elif isinstance(node, ast.Name) and node.id == "HOOKS":
            plain += 1
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in ("HOOKS", "PrefectHooks"):
            raise CannotEdit(f"{node.name} is defined in settings.py.")
        elif isinstance(node, ast.Name) and node.id == "PrefectHooks":
            raise CannotEdit("settings.py has a PrefectHooks of its own.")
        elif isinstance(node, ast.Constant) and node.value == "HOOKS":
            raise CannotEdit("settings.py names HOOKS in a string, and may set it in an unusual way.")
        elif isinstance(node, ast.Call) and _last_name(node.func) in ("exec", "globals", "vars", "locals"):
            raise CannotEdit("settings.py may set HOOKS in an unusual way.")
    if plain > assignments:
        raise CannotEdit("HOOKS is set or used elsewhere in settings.py.")


def _unparsed(node: ast.Import | ast.ImportFrom) -> str:
    names = ", ".join(f"{each.name} as {each.asname}" if each.asname else each.name for each in node.names)
    if isinstance(node, ast.Import):
        return f"import {names}"
    return f"from {'.' * node.level}{node.module or ''} import {names}"


@dataclass(frozen=True)
class _Insertion:
    offset: int
    content: bytes


class _Text:
    """The file's bytes, addressed as `ast` does: by line, and by byte in the line."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.newline = b"\r\n" if b"\r\n" in source else b"\n"

    def offset(self, line: int, column: int) -> int:
        bom = 3 if line == 1 and self.source.startswith(b"\xef\xbb\xbf") else 0
        return sum(map(len, self.lines[: line - 1])) + column + bom

    def after_line(self, line: int) -> int:
        return sum(map(len, self.lines[:line]))

    def with_insertions(self, insertions: list[_Insertion]) -> bytes:
        changed = self.source
        # Backwards, so that offsets stay valid; of two at the same offset, the first comes first in the file.
        numbered = list(enumerate(insertions))
        for _, insertion in sorted(numbered, key=lambda pair: (pair[1].offset, pair[0]), reverse=True):
            changed = changed[: insertion.offset] + insertion.content + changed[insertion.offset :]
        return changed


def _last_name(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _hooks_values(module: ast.Module) -> list[ast.expr]:
    """The values that are assigned to HOOKS, anywhere in the file."""
    found: list[ast.expr] = []
    for node in ast.walk(module):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "HOOKS":
                value = getattr(node, "value", None)
                if (
                    isinstance(node, ast.AugAssign)
                    or node not in module.body
                    or value is None
                    or len(targets) > 1
                ):
                    raise CannotEdit("HOOKS is not set once, at the top level of settings.py.")
                found.append(value)
    return found


def _import_insertion(module: ast.Module, text: _Text) -> _Insertion:
    """The import, after the imports at the start of the file, or else after its docstring."""
    last = 0
    for node in module.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            last = node.end_lineno or last
        elif not (is_docstring and node is module.body[0]):
            break
    line = IMPORT.encode()
    if last:
        return _Insertion(text.after_line(last), _line_break(text, last) + line + text.newline)
    if module.body and ast.get_docstring(module, clean=False) is not None:
        end = module.body[0].end_lineno or 1
        return _Insertion(text.after_line(end), _line_break(text, end) + text.newline + line + text.newline)
    return _Insertion(text.offset(1, 0) if text.lines else 0, line + text.newline + text.newline)


def _line_break(text: _Text, line: int) -> bytes:
    """The line break that the line lacks; empty unless it is an unfinished last line."""
    return b"" if text.lines[line - 1].endswith((b"\n", b"\r")) else text.newline


def _assignment_insertion(text: _Text) -> _Insertion:
    """A new HOOKS, at the end of the file."""
    count = len(text.lines)
    line_break = _line_break(text, count) if count else b""
    content = line_break + text.newline + f"HOOKS = ({HOOK},)".encode() + text.newline
    return _Insertion(len(text.source), content)


def _element_insertion(value: ast.expr, text: _Text) -> _Insertion:
    """The hook as the last element of a tuple or list."""
    if not isinstance(value, (ast.Tuple, ast.List)):
        raise CannotEdit("HOOKS in settings.py is not a plain tuple or list.")
    if any(isinstance(each, ast.Starred) for each in value.elts):
        raise CannotEdit("HOOKS in settings.py unpacks another value.")
    if not value.elts:
        comma = "," if isinstance(value, ast.Tuple) else ""
        return _Insertion(text.offset(value.lineno, value.col_offset + 1), f"{HOOK}{comma}".encode())
    last = value.elts[-1]
    offset = text.offset(last.end_lineno or 0, last.end_col_offset or 0)
    own_line = last.lineno != value.lineno
    if not own_line:
        return _Insertion(offset, f", {HOOK}".encode())
    indent = text.lines[last.lineno - 1][: last.col_offset]
    indent = indent if not indent.strip() else b"    "
    return _Insertion(offset, b"," + text.newline + indent + HOOK.encode())


def _check(before: ast.Module, changed: bytes) -> None:
    """Remove the additions from the new syntax tree; the rest must equal the old one."""
    try:
        after = ast.parse(changed)
    except SyntaxError as error:
        raise CannotEdit(f"settings.py could not be changed ({error}).") from None
    body = (
        [node for node in after.body if ast.unparse(node) != IMPORT]
        if hasattr(ast, "unparse")
        else [
            node
            for node in after.body
            if not (isinstance(node, ast.ImportFrom) and node.module == "kedro_prefect_hooks")
        ]
    )
    had_hooks = bool(_hooks_values(before))
    kept = []
    for node in body:
        value = getattr(node, "value", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _hooks_values(ast.Module([node], [])):
            if not isinstance(value, (ast.Tuple, ast.List)) or not _is_hook(value.elts[-1:]):
                raise CannotEdit("HOOKS in settings.py is written in an unusual way.")
            value.elts.pop()
            if not had_hooks:
                continue
        kept.append(node)
    if [ast.dump(node) for node in kept] != [ast.dump(node) for node in before.body]:
        raise CannotEdit("HOOKS in settings.py is written in an unusual way.")


def _is_hook(elements: list[ast.expr]) -> bool:
    return (
        len(elements) == 1
        and isinstance(elements[0], ast.Call)
        and _last_name(elements[0].func) == "PrefectHooks"
    )
