// Mapped tasks: each has a task run of its own, and one for each of its children, which process a part of the
// partitions. What they are called, and what state the whole has.

import { family, inWords, isFinished } from "./states.js";

/** Task id → { run, children }: the task's own run, and those of its children in their order. */
export function byTask(taskRuns) {
  const found = new Map();
  for (const run of taskRuns) {
    if (!found.has(run.task_id)) found.set(run.task_id, { run: null, children: [] });
    const entry = found.get(run.task_id);
    if (run.map_index < 0) entry.run = run;
    else entry.children.push(run);
  }
  for (const { children } of found.values()) children.sort((one, other) => one.map_index - other.map_index);
  return found;
}

/** The state of a task: of a mapped one, what its children have come to. `isOver`: nothing of the run runs any more. */
export function stateOf({ run, children }, isOver = false) {
  if (!children.length) return run?.state ?? "Pending";
  const states = children.map((each) => each.state);
  const first = (...families) => states.find((state) => families.includes(family(state)));
  const unfinished = states.some((state) => !isFinished(state));
  if (first("failed") ?? first("running")) return first("failed") ?? first("running");
  if (unfinished && !isOver && states.some(isFinished)) return "Running";
  if (unfinished) return first("retrying") ?? states.find((state) => !isFinished(state)) ?? "Pending";
  return first("blocked", "cancelled") ?? "Success";
}

/** How many children have which state: [[state, count]], those first that a person looks for. */
export function counts(children) {
  const found = new Map();
  for (const { state } of children) found.set(state, (found.get(state) ?? 0) + 1);
  const order = ["failed", "blocked", "cancelled", "running", "retrying", "scheduled", "pending", "skipped", "success"];
  return [...found].sort((one, other) => order.indexOf(family(one[0])) - order.indexOf(family(other[0])));
}

export const countsInWords = (children) => counts(children).map(([state, count]) => `${count} ${inWords(state)}`).join(", ");

/** What a task run is called: a child by its partitions, if its name says them, else by its number. */
export function nameOf(task, run) {
  if (run.map_index < 0) return task.name;
  return run.name && run.name !== task.name ? run.name : `${task.name}[${run.map_index}]`;
}

/** A child's name where that of its task is beside it. */
export function partOf(task, run) {
  const name = nameOf(task, run);
  return name.startsWith(`${task.name} [`) && name.endsWith("]") ? name.slice(task.name.length + 2, -1) : name;
}
