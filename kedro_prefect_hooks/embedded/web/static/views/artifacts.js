// What tasks have left for people to read: Prefect's artifacts, links and Markdown. Asked for only where they are shown.

import { ask } from "../api.js";
import { breakable, h } from "../dom.js";
import { link, markdown } from "../markdown.js";
import { ARTIFACTS } from "../queries.js";
import { isId, runLink } from "../routes.js";

const PAGE = 50;

export class Artifacts {
  /** @param nameOf returns the name of a task run, or null. `onChange` is called when there is more to show. */
  constructor(runId, nameOf, onChange) {
    this.runId = runId;
    this.nameOf = nameOf;
    this.onChange = onChange;
    this.byTask = new Map(); // task run id → its artifacts, of those that were selected
    this.limit = PAGE;
    this.isOpen = false;
  }

  async request(where, limit) {
    return (await ask(ARTIFACTS, { where, limit, offset: 0 })).task_run_artifact;
  }

  /** Show those of the whole run. */
  async open() {
    this.isOpen = true;
    await this.refresh();
    this.onChange();
  }

  async refresh() {
    if (this.isOpen) this.all = await this.request({ task_run: { flow_run_id: { _eq: this.runId } } }, this.limit + 1);
    for (const id of this.byTask.keys()) await this.load(id);
  }

  async load(id) {
    this.byTask.set(id, await this.request({ task_run_id: { _eq: id } }, PAGE));
  }

  /** The artifacts of the task runs that are selected; requested when they are shown for the first time. */
  of(runs) {
    const id = runs[0]?.id;
    if (!isId(id)) return null;
    if (!this.byTask.has(id)) {
      this.byTask.clear();
      this.byTask.set(id, []);
      this.load(id).then(this.onChange, () => this.byTask.delete(id));
    }
    return this.byTask.get(id).map((each) => artifact(each, this.runId, null));
  }

  /** The artifacts of all tasks. */
  list() {
    if (!this.all) return h("p", { class: "muted" }, "Loading …");
    if (!this.all.length) return h("p", { class: "muted" }, "The tasks of this run have left no artifacts.");
    return h("div", { class: "artifacts" },
      this.all.slice(0, this.limit).map((each) => artifact(each, this.runId, this.nameOf(each.task_run_id) ?? "task")),
      this.all.length > this.limit && h("button", { type: "button", onclick: () => ((this.limit *= 4), this.open()) }, "Show more"));
  }
}

/** @param name of its task; null where it is known. */
function artifact({ id, kind, data, task_run_id: taskRunId }, runId, name) {
  return h("section", { class: "card artifact", "data-key": id, "aria-label": name === null ? "Artifact" : `Artifact of ${name}` },
    name !== null && h("h3", {}, h("a", { href: runLink(runId, taskRunId) }, breakable(name))),
    content(kind, data ?? {}));
}

function content(kind, data) {
  if (kind === "link" && typeof data.link === "string") return h("p", {}, link(data.link));
  if (kind === "markdown" && typeof data.markdown === "string") return markdown(data.markdown);
  return h("pre", { tabindex: "0" }, h("code", {}, JSON.stringify(data, null, 2)));
}
