// Which view a URL stands for. Views are named in the hash, so that the server need not know them.

/** `#/flow/<id>` → {view: "flow", id}. The command line prints runs as `flow-run`; both are accepted. */
export function parse(hash) {
  const [view = "", id] = hash.replace(/^#?\/?/, "").split(/[/?]/).map(decodeURIComponent);
  if (view === "flow" && id) return { view: "flow", id };
  if ((view === "run" || view === "flow-run") && id) return { view: "run", id };
  if (view === "agents") return { view: "agents" };
  return { view: view ? "unknown" : "flows" };
}

export const flowsLink = () => "#/";
export const agentsLink = () => "#/agents";
/** URLs name flow groups: all versions of a flow belong to one. */
export const flowLink = (groupId) => `#/flow/${groupId}`;
export const runLink = (runId) => `#/run/${runId}`;

/** People edit URLs too; the API is asked only about what can be an id. */
export const isId = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? "");
