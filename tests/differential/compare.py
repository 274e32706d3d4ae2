"""Says what differs between Kedro's run of a case and ours, and what may.

Allowed is what Kedro does, or a refusal before the first node ran, with a message that `REFUSALS` knows and
for a reason that the case has. After a failure Kedro's runners start no other node; a flow goes on with
what does not depend on the failed one. So where a run that fails is followed by another, that one is compared
with Kedro's after a run of the nodes that ours had finished. A restarted flow run must leave what Kedro
leaves without a failure.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Set

from tests.differential.cases import (
    AGENT,
    LOCAL,
    Case,
    downstream,
    failed_runs,
    mapped,
)
from tests.differential.refusals import (
    REFUSALS,
    RESTART_REFUSALS,
    UNPICKLABLE_LABEL,
    UNPICKLABLE_VALUE,
    kinds,
    remote,
)

BASE_EXCEPTIONS = {"exit 3": 3, "exit 0": 1, "exit text": 1, "FAIL": 1}
"""What is no `Exception`, so that Kedro calls no hook for it, and our exit code."""


PIPELINE_ENDS = ("after_pipeline_run", "on_pipeline_error")


@dataclass
class Verdict:
    """What a comparison found."""

    differences: List[str] = field(default_factory=list)
    refused: str | None = None

    def check(self, holds: bool, text: str) -> None:
        if not holds:
            self.differences.append(text)


def verdict(case: Case, sides: Dict[str, Any]) -> Verdict:
    """Compare all runs of a case."""
    found = Verdict()
    if "ours" not in sides:
        found.differences.append(f"no answer: {json.dumps(sides)[-3000:]}")
        return found
    by_side = {
        side: [_slices_once(case, _confirmed_once(case, run)) for run in each["runs"]]
        for side, each in sides.items()
    }
    full = by_side.get("full", by_side.get("reference"))
    reference, ours = by_side.get("reference", full), by_side["ours"]
    if case.get("restart") and _attempts(ours[0])[0]["exit"]:
        _compare_restarted(case, reference, full, ours, found)
    elif "later" in sides and _fails(case, reference[0]):
        _compare(case, reference[0], full[0], ours[0], found)
        if not (found.differences or found.refused or full[0]["exit"]):
            _compare_later(case, ours, by_side["later"], found)
    else:
        for number, run in enumerate(ours):
            _compare(case, reference[number], full[number], run, found)
            if found.differences or found.refused:
                break
    return found


def _attempts(run: Any) -> List[Any]:
    """All attempts of a flow run; those after the first are restarts."""
    return [*run.get("attempts", ()), run]


def _compare_restarted(case: Case, reference: Any, full: Any, ours: Any, found: Verdict) -> None:
    attempts = _attempts(ours[0])
    _compare(case, reference[0], full[0], attempts[0], found)
    if found.differences or found.refused or full[0]["exit"] or not _fails(case, reference[0]):
        return
    last = attempts[-1]
    if last["exit"] and _made_what_cannot_be_pickled(case, last):
        found.refused = UNPICKLABLE_LABEL
        return
    if last["exit"]:
        found.refused = next(
            (
                each.label
                for each in RESTART_REFUSALS
                if each.when(case) and re.search(each.message, _said(last))
            ),
            None,
        )
        found.check(found.refused is not None, f"the restarted flow run has failed: {_said(last)}")
        _check_subset(full[0], last, found)
        return
    found.check(len(attempts) == 1 + (failed_runs(case) or 0), f"{len(attempts)} attempts")
    _check_files(full[0]["files"], last["files"], found)
    expected, got = _node_calls(full[0]), Counter()
    for attempt in attempts:
        got.update(_node_calls(attempt))
    _check_retried(expected, got, set(), found)
    _check_pipeline_hooks(case, full[0], last, attempts[0], found)
    for number, run in enumerate(ours[1:], 1):
        if not found.differences:
            _compare_success({**case, "failure": None}, full[number], run, found)


def _check_pipeline_hooks(case: Case, full: Any, last: Any, first: Any, found: Verdict) -> None:
    """Those of the last attempt. Without a result, outputs in memory of the first one are gone."""
    expected, got = _pipeline_calls(full), _pipeline_calls(last)
    if expected and got and not case["result"]:
        returned = got[-1].get("result", {})
        gone = {
            name
            for node in case["nodes"]
            if node["name"] in _nodes(first, "after_node_run")
            for name in node["outputs"]
            if name not in returned
        }
        result = expected[-1].get("result", {})
        expected[-1] = {**expected[-1], "result": {name: result[name] for name in result if name not in gone}}
    found.check(got == expected, f"pipeline hooks: {got}, Kedro's {expected}")


def _compare_later(case: Case, ours: Any, later: Any, found: Verdict) -> None:
    for number, run in enumerate(ours[1:], 1):
        if _made_what_cannot_be_pickled(case, run):
            found.refused = UNPICKLABLE_LABEL
            found.check(run["exit"] == 1, f"exit code {run['exit']}")
            return
        if number < (failed_runs(case) or 0):
            found.check(run["exit"] != 0, f"run {number} succeeds, Kedro's fails")
        else:
            _compare_success({**case, "failure": None}, later[number], run, found)
        if found.differences:
            found.differences = [f"run {number}: {text}" for text in found.differences]
            return


def _compare(case: Case, reference: Any, full: Any, ours: Any, found: Verdict) -> None:
    if not _nodes(ours, "before_node_run") and ours["exit"]:
        if not _nodes(reference, "before_node_run"):
            found.check(bool(reference["exit"]), f"ours ends with {ours['exit']}: {_said(ours)}")
            return
        if _pipeline_errors(reference) and _pipeline_errors(ours) == _pipeline_errors(reference):
            return  # with several workers, the node that Kedro cannot run may be the first to be started
        found.refused = _refusal(case, ours)
        found.check(found.refused is not None, f"refused, without reason: {_said(ours)}")
        return
    if _made_what_cannot_be_pickled(case, ours):
        found.refused = UNPICKLABLE_LABEL
        found.check(ours["exit"] == 1, f"exit code {ours['exit']}")
        _check_subset(full, ours, found)
        return
    failed = _fails(case, reference)
    if failed and full["exit"]:
        found.check(ours["exit"] != 0, "exit code 0, where a node fails")
    elif failed:
        _compare_failure(case, reference, full, ours, found)
    elif full["exit"]:
        _compare_kedro_failure(case, reference, ours, found)
    else:
        _compare_success(case, reference, ours, found)


def _made_what_cannot_be_pickled(case: Case, run: Any) -> bool:
    passed, kept = (re.search(UNPICKLABLE_VALUE[how], _said(run)) for how in ("passed", "kept"))
    return "unpicklable" in kinds(case) and bool((remote(case) and passed) or (case["result"] and kept))


def _fails(case: Case, reference: Any) -> bool:
    failure = case["failure"]
    if not failure or failure["node"] not in _nodes(reference, "before_node_run"):
        return False
    if failure["times"] is not None and failure["times"] <= case["retries"]:
        return False
    if not reference["exit"] and failure["how"] != "exit 0":
        return False
    return _yields(case) or failure["node"] not in _nodes(reference, "after_node_run")


def _yields(case: Case) -> bool:
    """Whether the node that fails is a generator, which Kedro runs after its node hooks."""
    return any(node["yields"] for node in case["nodes"] if node["name"] == case["failure"]["node"])


def _compare_success(case: Case, full: Any, ours: Any, found: Verdict) -> None:
    found.check(ours["exit"] == 0, f"exit code {ours['exit']}, Kedro's is 0: {_said(ours)}")
    _check_files(full["files"], ours["files"], found)
    expected, got = _calls(full), _calls(ours)
    if case["failure"]:
        retried = case["group_by"] != "none"
        again = set() if retried or _yields(case) else {case["failure"]["node"]}
        _check_retried(expected, got, again, found)
    else:
        found.check(expected == got, f"hook calls: {_delta(expected, got)}")


def _check_retried(expected: Counter, got: Counter, again: Set[str], found: Verdict) -> None:
    """Failed tries add calls; each call of a run without failures is there, and no other."""
    errors = {call for call in got if _is_call(call, "on_node_error")}
    missing = {call for call in expected if got[call] < expected[call]}
    other = set(got) - set(expected) - errors
    found.check(not missing and not other, f"hook calls with retries: missing {missing}, other {other}")
    once = [call for call in got if '"hook": "after_node_run"' in call or "pipeline" in call]
    if again:
        found.check(all(got[call] == expected[call] for call in once), f"twice: {_delta(expected, got)}")


def _compare_failure(case: Case, reference: Any, full: Any, ours: Any, found: Verdict) -> None:
    how, failing = case["failure"]["how"], case["failure"]["node"]
    expected = 1 if case["through"] == AGENT else BASE_EXCEPTIONS.get(how, 1)
    found.check(ours["exit"] == expected, f"exit code {ours['exit']}, expected {expected}: {_said(ours)}")
    _check_subset(full, ours, found)
    blocked = downstream(case["nodes"], [failing])
    ran = _nodes(ours, "after_node_run") - ({failing} if _yields(case) else set())
    found.check(not ran & blocked, f"ran after the failure: {ran & blocked}")
    if case["group_by"] == "none":
        everything = _nodes(full, "after_node_run")
        if case["through"] in ("flow", AGENT):
            found.check(ran == everything - blocked, f"ran {ran}, expected {everything - blocked}")
        elif case["executor"] == LOCAL:
            order = [call["node"] for call in ours["hooks"] if call["hook"] == "before_node_run"]
            found.check(order[-1] == failing, f"nodes started after the failure: {order}")
    ends = [call for call in ours["hooks"] if call["hook"] in PIPELINE_ENDS]
    found.check([call["hook"] for call in ends] == ["on_pipeline_error"], f"pipeline hooks: {ends}")
    if found.differences:
        return
    if how not in BASE_EXCEPTIONS:
        theirs = next(call for call in reference["hooks"] if call["hook"] == "on_pipeline_error")
        same = (ends[0]["type"], ends[0]["text"]) == (theirs["type"], theirs["text"])
        stands_for = (
            remote(case)
            and how in ("unreadable", "lock")
            and ends[0]["type"] == "NodeError"
            and ends[0]["text"].endswith(f"{theirs['type']}: {theirs['text']}")
        )
        found.check(same or stands_for, f"on_pipeline_error got {ends[0]}, Kedro's {theirs}")
        if case["through"] == "runner" and ours["error"] is not None and not stands_for:
            found.check(ours["error"] == reference["error"], f"raised {ours['error']}")
        calls = [call for call in ours["hooks"] if call["hook"] == "on_node_error"]
        theirs = [call for call in reference["hooks"] if call["hook"] == "on_node_error"]
        tries = len(theirs) * (1 + case["retries"])
        found.check(len(calls) == tries, f"on_node_error called {len(calls)} times, expected {tries}")


def _compare_kedro_failure(case: Case, reference: Any, ours: Any, found: Verdict) -> None:
    """The project itself does not work: an input that is missing, a dataset that cannot be saved."""
    found.check(ours["exit"] == 1, f"exit code {ours['exit']}, Kedro fails: {_said(reference)}")
    theirs = [call for call in reference["hooks"] if call["hook"] == "on_pipeline_error"]
    own = [call for call in ours["hooks"] if call["hook"] == "on_pipeline_error"]
    found.check(len(own) == len(theirs), f"on_pipeline_error: {own}, Kedro's {theirs}")
    if (
        case["executor"] == LOCAL
        and case["through"] == "runner"
        and case["group_by"] == "none"
        and not found.differences
    ):
        found.check(own == theirs, f"on_pipeline_error: {own}, Kedro's {theirs}")


def _pipeline_errors(run: Any) -> List[Any]:
    return [call for call in run["hooks"] if call["hook"] == "on_pipeline_error"]


def _confirmed_once(case: Case, run: Any) -> Any:
    """A group that is tried again runs all of its nodes again, those that have confirmed a dataset too."""
    if case["group_by"] == "none" or not (case["retries"] or case.get("restart")):
        return run
    files = {
        name: "".join(sorted(set(text.splitlines(keepends=True)))) if name.startswith("confirmed_") else text
        for name, text in run["files"].items()
    }
    return {**run, "files": files}


def _slices_once(case: Case, run: Any) -> Any:
    """Hooks are called for each slice of a mapped node, and for the datasets that it loads and saves."""
    names = {node["name"] for node in mapped(case)}
    if not names:
        return run
    datasets = {name for node in mapped(case) for name in (*node["inputs"], *node["outputs"])}
    hooks: List[Any] = []
    for call in run["hooks"]:
        if call.get("dataset") in datasets or (call.get("node") in names and call in hooks):
            continue
        hooks.append(call)
    attempts = [_slices_once(case, each) for each in run.get("attempts", ())]
    return {**run, "hooks": hooks, **({"attempts": attempts} if attempts else {})}


def _check_files(expected: Dict[str, str], got: Dict[str, str], found: Verdict) -> None:
    for name in sorted({*expected, *got}):
        if expected.get(name) != got.get(name):
            found.differences.append(f"{name}: {got.get(name)!r}, Kedro's {expected.get(name)!r}")


def _check_subset(full: Any, ours: Any, found: Verdict) -> None:
    """Nothing that a run without failure would not have left, other than what was there before it."""
    for name, text in ours["files"].items():
        same = full["files"].get(name) == text
        found.check(same or '"seed"' in text or "CHECKPOINT" in name, f"{name}: {text!r}")


def _nodes(run: Any, hook: str) -> Set[str]:
    return {call["node"] for call in run["hooks"] if call["hook"] == hook}


def _pipeline_calls(run: Any) -> List[Any]:
    return [call for call in run["hooks"] if "pipeline" in call["hook"]]


def _node_calls(run: Any) -> Counter:
    return _calls({"hooks": [call for call in run["hooks"] if "pipeline" not in call["hook"]]})


def _calls(run: Any) -> Counter:
    return Counter(json.dumps(call, sort_keys=True) for call in run["hooks"])


def _is_call(call: str, *hooks: str) -> bool:
    return json.loads(call)["hook"] in hooks


def _delta(expected: Counter, got: Counter) -> str:
    return f"missing {dict(expected - got)}, more than Kedro's {dict(got - expected)}"


def _said(run: Any) -> str:
    """What a run printed, raised, and gave to the hooks, on one line."""
    errors = [call["text"] for call in run["hooks"] if call["hook"] == "on_pipeline_error"]
    raised = [run["error"]["text"]] if run["error"] else []
    return " ".join(" ".join([run["output"], *errors, *raised]).split())


def _refusal(case: Case, ours: Any) -> str | None:
    said = _said(ours)
    for name in re.findall(r"'([\w@]+)' \(it caches a Memory", said):
        if case["datasets"][name]["kind"] != "cached_memory":
            return None
    return next((each.label for each in REFUSALS if each.when(case) and re.search(each.message, said)), None)
