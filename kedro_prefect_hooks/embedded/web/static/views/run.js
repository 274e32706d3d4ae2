// One flow run: its state and what can be done with it, the timeline or graph of its tasks, its log and states.

import * as actions from "../actions.js";
import { check } from "../agents.js";
import { ask, follow, Refused } from "../api.js";
import { confirm } from "../dialog.js";
import { breakable, h, icon, keep } from "../dom.js";
import * as mapped from "../mapped.js";
import { hint, labelList, problem, startAnAgent, time, valueInShort } from "../parts.js";
import { LIVE_VERSION, RUN, STRUCTURE, TASK_STATES } from "../queries.js";
import { flowLink, isId, runLink } from "../routes.js";
import { runNow } from "../runform.js";
import { badge, family, inWords, isFinished, isSuccess, isWaiting } from "../states.js";
import { clock, duration, moment, roughly, since } from "../times.js";
import { Artifacts } from "./artifacts.js";
import { isParameter, TaskGraph } from "./graph.js";
import { Logs } from "./logs.js";
import { timeline } from "./timeline.js";

const MAX_FAILURES = 4;
const SETTLING = 30_000; // milliseconds after its end in which a run's last lines and states arrive
const MANY = 500; // tasks; runs with more are asked for less often
const ROWS = 200; // of the timeline, at first
const OVERLAP = 3000; // milliseconds; states from two processes can arrive slightly out of order

export function open(context) {
  return new RunView(context);
}

class RunView {
  constructor(context) {
    this.context = context;
    this.run = null;
    this.structure = null;
    this.history = new Map(); // task run id → its states
    this.knownStates = new Set();
    this.lastState = "1970-01-01T00:00:00.000Z";
    this.selected = null; // a task's id
    this.selectedRun = null; // and, of a mapped task, the id of a child's task run
    this.unfolded = new Map(); // mapped task's id → how many of its children are shown
    this.tab = "timeline";
    this.rows = ROWS; // of the timeline that are shown
    this.wanted = { text: "", state: null }; // which tasks are shown
    this.artifacts = new Artifacts(context.id, (taskRunId) => this.nameOf(taskRunId), () => this.render());
    this.search = this.searchField();
    this.navigate(context);
    this.logs = new Logs(context.id, (taskRunId) => this.nameOf(taskRunId));
  }

  /** Another URL of this run: the one of a task run. */
  navigate({ part }) {
    this.part = part ?? null;
    if (this.run) this.openPart();
  }

  /** Select the task run that the URL names. */
  openPart() {
    const taskRun = this.taskRuns.get(this.part);
    this.selected = taskRun?.task_id ?? null;
    this.selectedRun = taskRun && taskRun.map_index >= 0 ? taskRun.id : null;
    this.render();
    if (taskRun) document.querySelector(".task-panel")?.scrollIntoView({ block: "nearest" });
  }

  /** Nothing is asked for again once a run has ended. */
  pause() {
    if (!this.run) return 3000;
    const { state, state_timestamp: changed, task_runs: taskRuns } = this.run;
    const soon = taskRuns.length > MANY ? 3000 : 1000;
    if (isFinished(state)) return Date.now() - moment(changed) < SETTLING ? soon : null;
    return this.isDueLater(this.run, 30_000) ? 5000 : soon;
  }

  close() {
    this.graph?.close();
  }

  nameOf(taskRunId) {
    const taskRun = this.taskRuns?.get(taskRunId);
    const task = taskRun && this.tasks.get(taskRun.task_id);
    return task ? mapped.nameOf(task, taskRun) : null;
  }

  async refresh() {
    const { flow_run_by_pk: run, agent: agents } = isId(this.context.id) ? await follow(RUN, { id: this.context.id }) : {};
    if (!run) return this.context.show("Run not found", h("h1", {}, "Run not found"), h("p", {}, "It may have been deleted. ", h("a", { href: "#/" }, "All flows")));
    if (!this.structure) {
      this.structure = (await ask(STRUCTURE, { id: run.flow.id })).flow_by_pk;
      this.tasks = new Map(this.structure.tasks.map((task) => [task.id, task]));
      this.graph = new TaskGraph(run.flow.id, this.structure.tasks, this.structure.edges, (id) => this.select(id));
    }
    await this.loadTaskStates();
    const { running, reasons: [reason] } = this.needsAgent(run) ? await check(agents, [run.labels]) : { reasons: [] };
    this.waiting = reason ? { reason, anyAgent: running.size > 0 } : null;
    if (this.run && this.run.state !== run.state) this.context.announce(`${run.name}: ${inWords(run.state)}. ${run.state_message ?? ""}`);
    this.run = run;
    this.taskRuns = new Map(run.task_runs.map((each) => [each.id, each]));
    this.byTask = mapped.byTask(run.task_runs);
    if (this.part && !this.isOpened) this.openPart();
    else this.render();
    this.isOpened = true;
    await Promise.all([this.logs.refresh(), this.artifacts.refresh()]);
  }

  async loadTaskStates() {
    const from = new Date(new Date(this.lastState).getTime() - OVERLAP).toISOString();
    const { task_run_state: states } = await ask(TASK_STATES, { id: this.context.id, since: from });
    for (const state of states) {
      if (this.knownStates.has(state.id)) continue;
      this.knownStates.add(state.id);
      const list = this.history.get(state.task_run_id) ?? [];
      list.push(state);
      list.sort((one, other) => one.version - other.version);
      this.history.set(state.task_run_id, list);
      this.lastState = state.timestamp;
    }
  }

  select(id, runId = null) {
    this.selected = id;
    this.selectedRun = runId;
    this.part = runId ?? (id === null ? null : this.selectedRuns()[0]?.id ?? null);
    history.replaceState(null, "", runLink(this.run.id, this.part));
    this.render();
    document.querySelector(".task-panel")?.scrollIntoView({ block: "nearest" });
  }

  searchField() {
    const input = h("input", {
      id: "task-search", type: "search", placeholder: "Find a task", autocomplete: "off", spellcheck: "false",
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.want({ text: input.value.trim().toLowerCase() }), 150);
      },
    });
    return h("div", { class: "task-search", "data-opaque": true, "data-key": "task-search" },
      h("label", { class: "visually-hidden", for: "task-search" }, "Find a task"), input);
  }

  /** Show only tasks with this text in their name, or in this state. */
  want(change) {
    Object.assign(this.wanted, change);
    this.rows = ROWS;
    this.render();
  }

  /** Whether a task is one that a person looks for. */
  isWanted(task, state) {
    const { text, state: wantedState } = this.wanted;
    return (!text || task.name.toLowerCase().includes(text)) && (!wantedState || state === wantedState);
  }

  unfold(id, count) {
    this.unfolded.set(id, count);
    this.render();
  }

  /** Task id → its state. */
  taskStates() {
    return new Map([...this.byTask].map(([id, runs]) => [id, mapped.stateOf(runs, isFinished(this.run.state))]));
  }

  /** Of mapped tasks: task id → how many of its children have finished, such as 37/120. */
  progress() {
    const found = [...this.byTask].filter(([, { children }]) => children.length);
    return new Map(found.map(([id, { children }]) => [id, `${children.filter((each) => isFinished(each.state)).length}/${children.length}`]));
  }

  /** The task runs that are selected: those of a task, or one of its children. */
  selectedRuns() {
    if (this.selectedRun) return [this.taskRuns.get(this.selectedRun)].filter(Boolean);
    const { run, children } = this.byTask.get(this.selected) ?? { run: null, children: [] };
    return [run, ...children].filter(Boolean);
  }

  render() {
    const { run } = this;
    if (this.selected) {
      const taskRunIds = this.selectedRuns().map((each) => each.id);
      const name = this.selectedRun ? this.nameOf(this.selectedRun) : this.tasks.get(this.selected)?.name;
      this.logs.showTask(taskRunIds, name ?? "task", () => this.select(null));
    } else this.logs.showTask(null, null, null);
    if (this.tab === "graph") this.graph.draw();
    this.graph.showStates(this.taskStates(), this.progress());
    this.graph.select(this.selected);
    this.graph.find(this.tab === "graph" ? this.wanted.text : "");
    this.context.show(`${inWords(run.state)}: ${run.name}`,
      h("nav", { class: "crumbs", "data-key": "crumbs", "aria-label": "Breadcrumb" },
        h("a", { href: "#/" }, "Flows"), h("a", { href: flowLink(run.flow.flow_group_id) }, breakable(run.flow.name))),
      h("div", { class: "title", "data-key": "title" }, h("h1", {}, breakable(run.name)), this.buttons()),
      this.stateBox(), this.waitingHint(), this.facts(),
      h("section", { class: "tasks", "data-key": "tasks", "aria-labelledby": "tasks" },
        h("div", { class: "title" }, h("h2", { id: "tasks" }, "Tasks"), this.tally(), this.tabs()),
        this.tasks.size > MAX_FAILURES && this.tab !== "data" && keep(this.search),
        h("div", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${this.tab}`, "data-key": this.tab },
          this.tab === "data" ? this.artifacts.list() : this.tab === "graph" ? keep(this.graph.element) : timeline({
            tasks: this.structure.tasks, taskRuns: run.task_runs, history: this.history, isOver: isFinished(run.state),
            selected: this.selected, selectedRun: this.selectedRun, onSelect: (id, runId) => this.select(id, runId),
            unfolded: this.unfolded, onUnfold: (id, count) => this.unfold(id, count), now: Date.now(),
            isWanted: (task, state) => this.isWanted(task, state), limit: this.rows, onMore: () => ((this.rows *= 4), this.render()),
          })),
        this.taskPanel()),
      h("section", { "aria-labelledby": "logs", "data-key": "logs" }, h("h2", { id: "logs" }, "Log"), keep(this.logs.element)),
      this.statesTable());
  }

  stateBox() {
    const { run } = this;
    const age = isFinished(run.state) ? since(run.state_timestamp) : `for ${roughly(Math.max(0, Date.now() - moment(run.state_timestamp)))}`;
    return h("div", { class: `state-box ${family(run.state)}`, "data-key": "state" },
      icon(family(run.state)),
      h("div", {},
        h("p", { class: "state" }, h("strong", {}, inWords(run.state)), " ", time(run.state_timestamp, age)),
        run.state_message && h("p", { class: "message" }, run.state_message),
        this.failures()));
  }

  /** The tasks that failed, each with its reason: what a person wants to know first. */
  failures() {
    const failed = this.run.task_runs.filter((each) => family(each.state) === "failed");
    if (!failed.length) return null;
    return h("ul", { class: "failures", "aria-label": "Failed tasks" },
      failed.slice(0, MAX_FAILURES).map((each) => h("li", { "data-key": each.id },
        h("button", { type: "button", onclick: () => this.select(each.task_id, each.map_index < 0 ? null : each.id) },
          h("strong", {}, breakable(this.nameOf(each.id) ?? "task")),
          h("span", { class: "why" }, (each.state_message ?? "").replace("Error during execution of task: ", ""))))),
      failed.length > MAX_FAILURES && h("li", { "data-key": "more" },
        h("button", { type: "button", onclick: () => ((this.tab = "timeline"), this.want({ state: "Failed" }), document.getElementById("tasks")?.scrollIntoView()) },
          `and ${failed.length - MAX_FAILURES} more`)));
  }

  /** Whether an agent has to accept the run now; one that has submitted it has. */
  needsAgent(run) {
    return isWaiting(run.state) && !this.isDueLater(run) && !run.flow.archived;
  }

  /** Whether its time has not come; also that of a restart. */
  isDueLater(run, by = 10_000) {
    return isWaiting(run.state) && moment(run.state_start_time ?? run.scheduled_start_time) - Date.now() > by;
  }

  waitingHint() {
    const { run, waiting } = this;
    const due = run.state_start_time ?? run.scheduled_start_time;
    if (this.isDueLater(run)) {
      return h("p", { class: "muted", "data-key": "due" }, "Scheduled for ", time(due), ` (${since(due)}).`);
    }
    if (run.flow.archived && isWaiting(run.state)) return hint("This version of the flow is archived.");
    return waiting && hint(h("strong", {}, waiting.reason), !waiting.anyAgent && startAnAgent());
  }

  facts() {
    const { run } = this;
    // The API leaves out defaults that are false, zero, null or empty.
    const defaults = (run.flow.parameters ?? []).filter((each) => !each.required).map((each) => [each.name, each.default]);
    const parameters = Object.entries({ ...Object.fromEntries(defaults), ...run.parameters });
    const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    return h("dl", { class: "facts", "data-key": "facts" },
      fact("Flow", h("a", { href: flowLink(run.flow.flow_group_id) }, breakable(run.flow.name)), ` version ${run.flow.version}`),
      run.start_time ? fact("Started", time(run.start_time)) : fact("Scheduled for", time(run.scheduled_start_time)),
      run.start_time && fact(isFinished(run.state) ? "Duration" : "Running for", this.duration()),
      fact("Started by", run.auto_scheduled ? "the schedule" : "a person or program"),
      run.agent?.name && fact("Agent", run.agent.name),
      fact("Labels", labelList(run.labels)),
      parameters.length > 0 && fact("Parameters", h("ul", { class: "parameters" }, parameters.map(([name, value]) =>
        h("li", {}, h("code", {}, name), " ", h("span", { class: "value" }, valueInShort(value)))))));
  }

  /** How long it ran; the time between its end and a restart does not count. */
  duration() {
    const { states } = this.run;
    const running = ["Running", "Cancelling"];
    const spans = states.map((each, index) => (running.includes(each.state)
      ? moment(states[index + 1]?.timestamp ?? new Date().toISOString()) - moment(each.timestamp) : 0));
    const starts = states.filter((each, index) => each.state === "Running" && states[index - 1]?.state !== "Running").length;
    return `${duration(spans.reduce((sum, span) => sum + span, 0))}${starts > 1 ? `, ${starts} starts` : ""}`;
  }

  buttons() {
    const { run } = this;
    const finished = isFinished(run.state);
    const act = (label, name, kind, action) => h("button", {
      type: "button", class: kind, "data-key": label, "aria-label": `${label}: ${run.name}`,
      onclick: async (event) => {
        const button = event.currentTarget;
        button.disabled = true;
        try {
          await action();
        } catch (error) {
          await problem("The action failed", error);
        } finally {
          button.disabled = false;
          this.context.refresh();
        }
      },
    }, icon(name), label);
    return h("div", { class: "actions" },
      finished && !isSuccess(run.state) && act(run.state === "Cancelled" ? "Restart" : "Restart from failed", "again", "primary", () => actions.restart(this.run)),
      finished && act("Run again", "play", "", () => this.runAgain()),
      !finished && run.state !== "Cancelling" && act("Cancel", "stop", "danger", () => this.cancel()));
  }

  /** Open the form with this run's parameters and labels, and start a run of the flow's current version. */
  async runAgain() {
    const [flow] = (await ask(LIVE_VERSION, { group: this.run.flow.flow_group_id })).flow;
    if (!flow) throw new Refused("The flow is archived: it has no version to run.");
    const id = await runNow(flow, this.run);
    if (id) location.hash = runLink(id);
  }

  async cancel() {
    const sure = await confirm(`Cancel ${this.run.name}?`, "Running tasks are stopped; finished tasks stay as they are.", "Cancel the run", "Keep running", "danger");
    if (sure) await actions.cancel(this.run.id);
  }

  /** How many tasks have which state; the flow's parameters are not tasks to a person. */
  tally() {
    const counts = new Map();
    const states = this.taskStates();
    for (const task of this.tasks.values()) {
      const state = states.get(task.id) ?? "Pending";
      if (!isParameter(task) || family(state) === "failed") counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    const { state: wanted } = this.wanted;
    return h("ul", { class: "tally", "aria-label": "Tasks by state" }, [...counts].sort((one, other) => other[1] - one[1]).map(([state, count]) =>
      h("li", { "data-key": state },
        h("button", { type: "button", class: "plain", "aria-pressed": String(wanted === state), title: wanted === state ? "Show all tasks" : "Show only these tasks", onclick: () => ((this.tab = "timeline"), this.want({ state: wanted === state ? null : state })) },
          badge(state), h("span", { class: "count" }, count.toLocaleString("en"))))));
  }

  tabs() {
    const names = { timeline: "Timeline", graph: "Graph", data: "Data" };
    const order = Object.keys(names);
    const go = (tab) => {
      this.tab = tab;
      if (tab === "data") this.artifacts.open().catch(() => {});
      this.render();
      document.getElementById(`tab-${tab}`)?.focus();
    };
    return h("div", { class: "tabs", role: "tablist", "aria-label": "Show tasks as" }, Object.entries(names).map(([tab, name]) =>
      h("button", {
        type: "button", role: "tab", id: `tab-${tab}`, "aria-selected": String(this.tab === tab), "aria-controls": "panel",
        tabindex: this.tab === tab ? "0" : "-1", onclick: () => go(tab),
        onkeydown: (event) => {
          // Must not return false: that would keep the browser from handling the key, Tab included.
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (step) go(order[(order.indexOf(tab) + step + order.length) % order.length]);
        },
      }, name)));
  }

  /** The selected task: its states and messages. */
  taskPanel() {
    const task = this.tasks.get(this.selected);
    if (!task) return null;
    const runs = this.selectedRuns();
    const [first, ...children] = runs;
    // The states of all children of a mapped task would be too many; each child has a row of its own.
    const states = this.history.get(first?.id) ?? [];
    const name = this.selectedRun ? this.nameOf(this.selectedRun) : task.name;
    return h("div", { class: "card task-panel", "data-key": "task-panel" },
      h("div", { class: "title" }, h("h3", {}, breakable(name)), first && badge(this.selectedRun ? first.state : this.taskStates().get(task.id)),
        h("button", { type: "button", class: "plain", "aria-label": `Close ${name}`, onclick: () => this.select(null) }, icon("cross"))),
      children.length > 0 && h("p", {}, `${children.length} tasks: ${mapped.countsInWords(children)}`),
      h("ol", { class: "history" }, states.map((each) => h("li", {},
        time(each.timestamp, clock(each.timestamp)), badge(each.state), h("span", { class: "message" }, each.message ?? "")))),
      this.artifacts.of(runs),
      h("p", { class: "muted" }, "The log below shows only the lines of this task."));
  }

  statesTable() {
    return h("section", { "aria-labelledby": "states", "data-key": "states" }, h("h2", { id: "states" }, "States"),
      h("div", { class: "table-box" }, h("table", { class: "states" },
        h("caption", { class: "visually-hidden" }, "States of this run, oldest first"),
        h("thead", {}, h("tr", {}, ["Time", "State", "Message"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, this.run.states.map((each) => h("tr", { "data-key": each.id },
          h("td", { "data-label": "Time" }, time(each.timestamp, clock(each.timestamp))),
          h("td", { "data-label": "State" }, badge(each.state)),
          h("td", { "data-label": "Message", class: "message" }, each.message ?? "")))))));
  }
}
