// Which agents are running, and why none of them accepts a run. The server knows the rule, and is asked for it.

import { derive } from "./api.js";

/**
 * @param agents as the API lists them.
 * @param labels of each run or flow in question: [[label, …], …].
 * @returns {{running: Set, reasons: (string|null)[]}} ids of the agents that are running; for each of `labels`
 *   why no agent accepts it, or null if one does.
 */
export async function check(agents, labels = []) {
  const asked = agents.map(({ type, labels: own, last_queried: lastQueried }) => ({ type, labels: own, last_queried: lastQueried }));
  // Many flows have the same labels.
  const sets = [...new Set(labels.map((each) => JSON.stringify(each)))];
  const { running, reasons } = await derived({ agents: asked, labels: sets.map((each) => JSON.parse(each)) });
  return {
    running: new Set(agents.filter((_, index) => running[index]).map((agent) => agent.id)),
    reasons: labels.map((each) => reasons[sets.indexOf(JSON.stringify(each))]),
  };
}

const VALID = 10_000; // milliseconds; an agent that has been silent for a minute is not running any more
let latest = null;

/** What the server says about agents and labels; asked again when they, or the time, have changed. */
async function derived(body) {
  const text = JSON.stringify(body);
  if (latest?.text !== text || Date.now() - latest.at > VALID) latest = { text, at: Date.now(), answer: await derive("agents", body) };
  return latest.answer;
}
