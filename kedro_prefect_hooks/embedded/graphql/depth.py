"""The size of a document: its depth, limited to 7 levels below the first, and how many fields it selects.

The depth is counted as the `graphql-depth-limit` in front of the real server counts: without introspection.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    ValidationContext,
    ValidationRule,
)

DEPTH_LIMIT = 7


class DepthLimit(ValidationRule):
    """A validation rule for graphql-core."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: Dict[str, FragmentDefinitionNode] = {
            node.name.value: node
            for node in context.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._fragment_depths: Dict[str, int] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        if self._depth(node, frozenset()) > DEPTH_LIMIT:
            name = node.name.value if node.name else ""
            self.report_error(
                GraphQLError(f"'{name}' exceeds maximum operation depth of {DEPTH_LIMIT}", node)
            )

    def _depth(self, node: Any, within: FrozenSet[str]) -> int:
        """How many levels of fields are below `node`. A fragment is measured once, not at each use.

        `within` names the fragments being measured.
        """
        deepest = 0
        for child in node.selection_set.selections if node.selection_set else ():
            if isinstance(child, FieldNode):
                if child.selection_set and not child.name.value.startswith("__"):
                    deepest = max(deepest, 1 + self._depth(child, within))
            elif isinstance(child, FragmentSpreadNode):
                deepest = max(deepest, self._fragment_depth(child.name.value, within))
            else:
                deepest = max(deepest, self._depth(child, within))
        return deepest

    def _fragment_depth(self, name: str, within: FrozenSet[str]) -> int:
        # Another rule reports a fragment within itself.
        if name in within or name not in self._fragments:
            return 0
        if name not in self._fragment_depths:
            self._fragment_depths[name] = self._depth(self._fragments[name], within | {name})
        return self._fragment_depths[name]


def number_of_fields(document: DocumentNode) -> int:
    """How many fields the document's operations select, counting a fragment at each of its uses.

    Fragments are counted once, so that this is quick where the number is astronomical.
    """
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    counts: Dict[str, int] = {}

    def count(node: Any, within: FrozenSet[str]) -> int:
        total = 0
        for child in node.selection_set.selections if node.selection_set else ():
            if isinstance(child, FragmentSpreadNode):
                name = child.name.value
                if name not in counts and name in fragments and name not in within:
                    counts[name] = count(fragments[name], within | {name})
                total += counts.get(name, 0)
            else:
                total += isinstance(child, FieldNode) + count(child, within)
        return total

    return sum(count(node, frozenset()) for node in document.definitions if hasattr(node, "selection_set"))
