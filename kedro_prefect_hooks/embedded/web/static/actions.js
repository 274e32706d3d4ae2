// What the page can do to flows and runs, by Prefect's own mutations.

import { call, Refused } from "./api.js";
import { isSuccess } from "./states.js";

const NO_RESULT = { type: "NoResultType", __version__: "1.1.0" };
const state = (type, message, more = {}) => ({
  type, message, context: {}, cached_inputs: {}, _result: NO_RESULT, __version__: "1.1.0", ...more,
});

export async function setSchedule(flowId, active) {
  const { success } = await call(active ? "set_schedule_active" : "set_schedule_inactive", { flow_id: flowId });
  if (!success) throw new Refused("The flow may have been registered again. Reload the page and try again.");
}

/** Start a run and return its id. Without `labels`, the run gets those of the flow. */
export async function startRun(flowId, { parameters, labels, name }) {
  const input = { flow_id: flowId, parameters };
  if (labels) input.labels = labels;
  if (name) Object.assign(input, { flow_run_name: name, context: { kedro_run_is_named: true } });
  return (await call("create_flow_run", input, "id")).id;
}

export async function cancel(runId) {
  return (await call("cancel_flow_run", { flow_run_id: runId }, "state")).state;
}

/**
 * Let a finished run continue from where it failed: every task that did not succeed becomes Pending, then the
 * run is Scheduled for now. In this order, so that no agent starts a run whose tasks are still marked as failed.
 */
export async function restart(run) {
  const unfinished = run.task_runs.filter((taskRun) => !isSuccess(taskRun.state) && taskRun.state !== "Pending");
  const states = unfinished.map((taskRun) => ({
    task_run_id: taskRun.id, version: taskRun.version, state: state("Pending", "Restarted from the page."),
  }));
  if (states.length) await call("set_task_run_states", { states }, "states { status }");
  const scheduled = state("Scheduled", "Restarted from the page.", { start_time: new Date().toISOString() });
  const flowRunStates = [{ flow_run_id: run.id, version: run.version, state: scheduled }];
  await call("set_flow_run_states", { states: flowRunStates }, "states { status }");
}
