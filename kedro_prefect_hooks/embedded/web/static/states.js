// Prefect's states, gathered into the families that the page shows: each has an icon, a colour and a word. What
// the states mean comes from the package itself, in the generated facts.js.

import { h, icon } from "./dom.js";
import { FAILED, FINISHED, SUCCESSFUL, WAITING } from "./facts.js";

const FAMILY = {
  Success: "success", Cached: "success", Mapped: "success", Looped: "success", Finished: "success",
  Skipped: "skipped",
  Failed: "failed", TimedOut: "failed", ValidationFailed: "failed", ClientFailed: "failed",
  TriggerFailed: "blocked",
  Running: "running", Cancelling: "cancelled", Cancelled: "cancelled",
  Scheduled: "scheduled", Resume: "scheduled", Submitted: "scheduled", Queued: "scheduled", Paused: "scheduled",
  Retrying: "retrying",
};

export const family = (state) => FAMILY[state] ?? "pending";
export const isFinished = (state) => FINISHED.has(state);
export const isFailure = (state) => FAILED.has(state);
export const isSuccess = (state) => SUCCESSFUL.has(state);
export const isWaiting = (state) => WAITING.has(state);

/** Whether it will soon be another state, so that the page asks more often. */
export const isActive = (state) => ["Running", "Cancelling", "Submitted", "Retrying"].includes(state);

/** Plainer words where Prefect's own say too little. */
const WORDS = { TriggerFailed: "Not run", TimedOut: "Timed out", ValidationFailed: "Invalid" };
export const inWords = (state) => WORDS[state] ?? state ?? "Pending";

export function badge(state, extra = "") {
  return h("span", { class: `badge ${family(state)} ${extra}`, title: state }, icon(family(state)), inWords(state));
}
