// “Run now”: a form made from a flow's parameters. Only what was changed is sent, so that a run without changes
// is like one of the schedule. The server reads what is typed, as `kedro run --params` does.

import { startRun } from "./actions.js";
import { derive } from "./api.js";
import * as dialog from "./dialog.js";
import { h } from "./dom.js";

const kindOf = (value) => {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return "number";
  if (value === null) return "any";
  return typeof value === "string" ? "text" : "structured";
};

const HINT = { number: "Number", text: "Text", structured: "List or mapping", any: "Any value", boolean: "Yes or no" };

/** What is wrong with a value where the configuration has one of this kind; undefined if nothing is. */
function objection(kind, value) {
  if (kind === "number" && value !== null && typeof value !== "number") return "Enter a number, such as 3 or 0.25.";
  if (kind === "structured" && typeof value !== "object") return "Enter a list or a mapping, such as [1, 2] or {depth: 3}.";
}

/** Texts that may be read as this string, the plainest first. */
function candidates(string) {
  const quoted = JSON.stringify(string);
  if (!string.includes("\n")) return [string, quoted];
  const block = string.replace(/^(?=.)/gm, "  "); // YAML's literal block
  return [`|${string.endsWith("\n") ? "" : "-"}\n${block}`, quoted];
}

/** Show strings in a form that is read as the same string: "5" needs its quotes. */
async function quoteStrings(fields) {
  const texts = {};
  fields.forEach(({ shown }, index) =>
    candidates(shown).forEach((text, place) => (texts[`${index} ${place}`] = text)));
  const { values } = await derive("parameters", { texts });
  fields.forEach((field, index) => {
    const place = candidates(field.shown).findIndex((_, each) => values[`${index} ${each}`] === field.shown);
    if (place >= 0) field.show(texts[`${index} ${place}`]);
  });
}

/** Whether two values from JSON are the same; the order of keys does not matter. */
const isSame = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};

/** @param given the value of an earlier run, if it is not the default: it is sent, changed or not. */
function field(parameter, index, given) {
  const id = `parameter-${index}`;
  const isGiven = given !== undefined;
  const shown = isGiven ? given : parameter.default;
  const hasDefault = parameter.default !== undefined && !(parameter.required && parameter.default === null);
  const hasValue = hasDefault || isGiven;
  let kind = kindOf(hasDefault ? parameter.default : shown ?? null);
  if (isGiven && kindOf(given) !== kind) kind = "any";
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  const described = { id, name: parameter.name, "aria-describedby": `${id}-hint ${id}-error` };
  const lines = (text) => Math.min(10, Math.max(2, text.split("\n").length));
  let input;
  if (kind === "boolean") {
    input = h("input", { type: "checkbox", class: "switch", role: "switch", ...described });
    input.checked = shown;
  } else {
    let text = "";
    if (hasValue) text = kind === "text" ? shown : JSON.stringify(shown, null, 2);
    input = kind === "structured" || kind === "any" || text.includes("\n")
      ? h("textarea", { rows: lines(text), spellcheck: "false", ...described })
      : h("input", { type: "text", inputmode: kind === "number" ? "decimal" : undefined, autocomplete: "off", spellcheck: "false", ...described });
    input.value = text;
  }
  const typed = () => (kind === "boolean" ? input.checked : input.value);
  let initial = typed(); // as the field returns it: it may have another line ending
  const isTouched = () => typed() !== initial;
  const isChanged = () => !hasDefault || isGiven || isTouched();
  const show = (text) => {
    if (isTouched()) return;
    input.value = text;
    initial = input.value;
    if (input.rows) input.rows = lines(text);
  };
  const mark = (message) => {
    error.textContent = message ?? "";
    error.hidden = !message;
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => {
    mark();
    box.classList.toggle("changed", isChanged());
  });
  const hint = hasDefault ? HINT[kind] : `${HINT[kind]}, required`;
  const box = h("div", { class: `field ${kind} ${isGiven ? "changed" : ""}` },
    h("label", { for: id }, parameter.name), input,
    h("p", { class: "hint", id: `${id}-hint` }, hint), error);
  return { box, input, kind, parameter, shown, given, hasDefault, typed, isTouched, isChanged, show, mark };
}

/** The values of the fields that were changed, by name; undefined if one is wrong, which then has the focus. */
async function valuesOf(fields) {
  // A value of an earlier run that nobody has touched is sent as it was, not as its text is read.
  const kept = fields.filter((each) => each.given !== undefined && !each.isTouched());
  const changed = fields.filter((each) => each.isChanged() && !kept.includes(each));
  const texts = Object.fromEntries(
    changed.filter((each) => each.kind !== "boolean").map((each) => [each.parameter.name, each.typed()]));
  const structured = changed.filter((each) => each.kind === "structured").map((each) => each.parameter.name);
  const { values, errors } = Object.keys(texts).length
    ? await derive("parameters", { texts, structured }) : { values: {}, errors: {} };
  for (const each of kept) values[each.parameter.name] = each.given;
  let wrong;
  for (const each of changed) {
    const { name } = each.parameter;
    if (each.kind === "boolean") values[name] = each.typed();
    let message = errors[name] && `This cannot be read: ${errors[name]}`;
    if (!each.hasDefault && !each.typed().trim()) message = "Enter a value.";
    message ??= objection(each.kind, values[name]);
    each.mark(message);
    if (message) wrong ??= each;
  }
  wrong?.input.focus();
  return wrong ? undefined : values;
}

const parseLabels = (text) => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

/** Parameters with their defaults: the flow group's before the flow's own. */
export function parametersOf(flow) {
  const defaults = flow.flow_group?.default_parameters ?? {};
  return (flow.parameters ?? [])
    .map((each) => (each.name in defaults ? { ...each, default: defaults[each.name], required: false } : each))
    .sort((one, other) => Number(other.required) - Number(one.required) || one.name.localeCompare(other.name));
}

/** The labels that a run of this flow gets by default. */
export const labelsOf = (flow) =>
  flow.flow_group?.labels ?? (flow.flow_group?.run_config ?? flow.run_config)?.labels ?? [];

/**
 * Ask for parameters and start a run. Returns the run's id, or undefined if the dialog was dismissed.
 * @param earlier a run whose parameters and labels are to be used again.
 */
export function runNow(flow, earlier = null) {
  return dialog.open(earlier ? `Run ${flow.name} again` : `Run ${flow.name}`, (close) => {
    const given = earlier?.parameters ?? {};
    const fields = parametersOf(flow).map((each, index) =>
      field(each, index, each.name in given && (each.required || !isSame(given[each.name], each.default)) ? given[each.name] : undefined));
    const former = Object.keys(given).filter((name) => !fields.some((each) => each.parameter.name === name));
    const strings = fields.filter((each) => each.kind === "text");
    if (strings.length) quoteStrings(strings).catch(() => {}); // an API that does not respond is reported on starting
    const defaultLabels = labelsOf(flow).join(", ");
    const labels = h("input", { id: "run-labels", type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": "run-labels-hint" });
    labels.value = earlier ? (earlier.labels ?? []).join(", ") : defaultLabels;
    const name = h("input", { id: "run-name", type: "text", autocomplete: "off", placeholder: "generated if empty" });
    const failure = h("p", { class: "error", role: "alert", hidden: true });
    const button = h("button", { type: "submit", class: "primary" }, "Start the run");

    async function submit(event) {
      event.preventDefault();
      button.disabled = true;
      failure.hidden = true;
      try {
        const parameters = await valuesOf(fields);
        if (!parameters) {
          button.disabled = false;
          return;
        }
        const changed = labels.value.trim() !== defaultLabels;
        close(await startRun(flow.id, { parameters, labels: changed ? parseLabels(labels.value) : null, name: name.value.trim() }));
      } catch (error) {
        failure.textContent = error.message;
        failure.hidden = false;
        button.disabled = false;
      }
    }

    return h("form", { class: "dialog-body", onsubmit: submit, novalidate: true },
      h("p", { class: "muted" }, fields.length ? "Values are read as those of kedro run --params." : "This flow has no parameters."),
      earlier && h("p", { class: "muted" }, `The values that ${earlier.name} had are sent where they differ from the defaults.`),
      former.length > 0 && h("p", { class: "muted" }, `No longer parameters of the flow: ${former.join(", ")}.`),
      fields.map((each) => each.box),
      h("details", {},
        h("summary", {}, "Name and labels"),
        h("div", { class: "field" }, h("label", { for: "run-name" }, "Run name"), name),
        h("div", { class: "field" },
          h("label", { for: "run-labels" }, "Labels"), labels,
          h("p", { class: "hint", id: "run-labels-hint" }, "Separated by commas. Only an agent that has all of them accepts the run."))),
      failure,
      h("footer", {}, h("button", { type: "button", onclick: () => close() }, "Cancel"), button));
  });
}
