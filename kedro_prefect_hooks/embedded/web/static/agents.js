// Which agent takes which run: Prefect's rule, as the API applies it.

/** An agent asks every ten seconds at least; after this long it counts as gone. */
const SILENT = 45_000;

export const isAlive = (agent, now = Date.now()) =>
  Boolean(agent.last_queried) && now - new Date(agent.last_queried).getTime() < SILENT;

/** All labels of the run must be among the agent's, and an agent with labels takes no run without. */
export function takes(agent, labels) {
  return labels.every((label) => agent.labels.includes(label)) && Boolean(labels.length) === Boolean(agent.labels.length);
}

/** Why a run that waits will not start, in words; null when an agent is there for it. */
export function missing(agents, labels) {
  const alive = agents.filter((agent) => isAlive(agent));
  if (alive.some((agent) => takes(agent, labels))) return null;
  const wants = labels.length ? `with the label${labels.length > 1 ? "s" : ""} ${labels.join(", ")}` : "without labels";
  if (!alive.length) return `No agent: it waits for one ${wants}.`;
  const have = alive.map((agent) => (agent.labels.length ? agent.labels.join(", ") : "no labels")).join("; ");
  const rule = labels.length ? "An agent needs every label of a run." : "An agent with labels takes only runs that have labels.";
  return `No agent takes it: it waits for one ${wants}, and those here have: ${have}. ${rule}`;
}
