// Prefect's states, gathered into the families that the page shows: each has an icon, a colour and a word.

import { h, icon } from "./dom.js";

const FAMILY = {
  Success: "success", Cached: "success", Mapped: "success", Looped: "success", Finished: "success",
  Skipped: "skipped",
  Failed: "failed", TimedOut: "failed", ValidationFailed: "failed", ClientFailed: "failed",
  TriggerFailed: "blocked",
  Running: "running", Cancelling: "cancelled", Cancelled: "cancelled",
  Scheduled: "scheduled", Resume: "scheduled", Submitted: "scheduled", Queued: "scheduled", Paused: "scheduled",
  Retrying: "retrying",
};

const FINISHED = new Set([
  "Success", "Cached", "Mapped", "Looped", "Finished", "Skipped", "Failed", "TimedOut", "ValidationFailed",
  "TriggerFailed", "Cancelled",
]);

export const family = (state) => FAMILY[state] ?? "pending";
export const isFinished = (state) => FINISHED.has(state);
export const isFailure = (state) => ["failed", "blocked"].includes(family(state));
export const isSuccess = (state) => ["success", "skipped"].includes(family(state));
export const isActive = (state) => ["Running", "Cancelling", "Submitted", "Retrying"].includes(state);
export const isWaiting = (state) => ["Scheduled", "Resume", "Retrying", "Queued"].includes(state);

/** Words for people where Prefect's own word says too little. */
const SAID = { TriggerFailed: "Not run", TimedOut: "Timed out", ValidationFailed: "Invalid" };
export const inWords = (state) => SAID[state] ?? state ?? "Pending";

export function badge(state, extra = "") {
  return h("span", { class: `badge ${family(state)} ${extra}`, title: state }, icon(family(state)), inWords(state));
}
