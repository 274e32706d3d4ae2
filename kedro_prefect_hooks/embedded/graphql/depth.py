"""The limit to how deep a query may go: the real server's front allows 7 levels below the first.

Introspection is not counted. Counts as the real server's `graphql-depth-limit` does.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    ValidationContext,
    ValidationRule,
)

from kedro_prefect_hooks.embedded.graphql.faults import DEEPEST, DEPTH_EXCEEDED


class DepthLimit(ValidationRule):
    """A validation rule for graphql-core."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: Dict[str, FragmentDefinitionNode] = {
            node.name.value: node
            for node in context.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: Dict[str, int] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        if self._depth(node, frozenset()) > DEEPEST:
            name = node.name.value if node.name else ""
            self.report_error(GraphQLError(f"'{name}' {DEPTH_EXCEEDED}", node))

    def _depth(self, node: Any, within: FrozenSet[str]) -> int:
        """How many levels of fields are below `node`. A fragment is measured once, not at each use."""
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
        # A fragment within itself is another rule's error.
        if name in within or name not in self._fragments:
            return 0
        if name not in self._known:
            self._known[name] = self._depth(self._fragments[name], within | {name})
        return self._known[name]
