// Which view an address means. Addresses are in the hash, so that no server needs to know them.

/** `#/flow/<id>` → {view: "flow", id}. The command line prints runs as `flow-run`; both words are known. */
export function parse(hash) {
  const [view = "", id] = hash.replace(/^#?\/?/, "").split(/[/?]/).map(decodeURIComponent);
  if (view === "flow" && id) return { view: "flow", id };
  if ((view === "run" || view === "flow-run") && id) return { view: "run", id };
  if (view === "agents") return { view: "agents" };
  return { view: view ? "unknown" : "flows" };
}

export const flowsLink = () => "#/";
export const agentsLink = () => "#/agents";
/** All versions of a flow are one flow group, which is what the address names. */
export const flowLink = (groupId) => `#/flow/${groupId}`;
export const runLink = (runId) => `#/run/${runId}`;

/** Ids are put into addresses by people too; anything else is not worth asking the API about. */
export const isId = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? "");
