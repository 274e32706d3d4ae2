// Which view a URL stands for. Views are named in the hash, so that the server need not know them.

/**
 * `#/run/<id>/<task run id>` → {view: "run", id, part}, `#/runs?state=failed` → {view: "runs", query}. The command
 * line prints runs as `flow-run`; both are accepted.
 */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const [view = "", id, part] = path.split("/").map(decoded);
  const route = { id, part, query: new URLSearchParams(query) };
  if (view === "flow" && id) return { ...route, view: "flow" };
  if ((view === "run" || view === "flow-run") && id) return { ...route, view: "run" };
  if (view === "agents" || view === "runs") return { ...route, view };
  return { ...route, view: view ? "unknown" : "flows" };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // people edit URLs too
  }
}

/** The part of a URL after `?`, without what is empty. */
export function withQuery(path, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  return query ? `${path}?${query}` : path;
}

export const flowsLink = (filters = {}) => withQuery("#/", filters);
export const runsLink = (filters = {}) => withQuery("#/runs", filters);
export const agentsLink = () => "#/agents";
/** URLs name flow groups: all versions of a flow belong to one. */
export const flowLink = (groupId) => `#/flow/${groupId}`;
export const runLink = (runId, taskRunId = null) => `#/run/${runId}${taskRunId ? `/${taskRunId}` : ""}`;

/** The API is asked only about what can be an id. */
export const isId = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? "");
