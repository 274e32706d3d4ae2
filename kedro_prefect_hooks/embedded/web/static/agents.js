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
  const { running, reasons } = await derive("agents", { agents: asked, labels });
  return { running: new Set(agents.filter((_, index) => running[index]).map((agent) => agent.id)), reasons };
}
