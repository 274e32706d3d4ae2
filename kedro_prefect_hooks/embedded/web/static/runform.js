// “Run now”: a form made from a flow's parameters. Only what was changed is sent, so that a run without changes
// is like one of the schedule.

import { startRun } from "./actions.js";
import * as dialog from "./dialog.js";
import { h } from "./dom.js";

const kindOf = (value) => {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return "number";
  return typeof value === "string" ? "text" : "json";
};

const HINT = { number: "Number", text: "Text", json: "JSON", boolean: "Yes or no" };

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The value of a field's text. Throws an Error that says what is wrong. */
export function valueOf(kind, text) {
  if (kind === "text") return text;
  if (kind === "number") {
    const number = Number(text.trim());
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error("Enter a number, such as 3 or 0.25.");
    return exact(number);
  }
  if (text.trim() === "") throw new Error("Enter JSON, or null for no value.");
  try {
    return JSON.parse(text, (_, value) => (typeof value === "number" ? exact(value) : value));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error(`This is not valid JSON: ${error.message}. Strings need quotes: "text".`);
  }
}

function exact(number) {
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new RangeError("A browser would lose digits of a number this large. Start the run from the command line.");
  }
  return number;
}

function field(parameter, index) {
  const id = `parameter-${index}`;
  const hasDefault = parameter.default !== undefined && !(parameter.required && parameter.default === null);
  const kind = kindOf(hasDefault ? parameter.default : null);
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  const described = { id, name: parameter.name, "aria-describedby": `${id}-hint ${id}-error` };
  let input;
  let read;
  if (kind === "boolean") {
    input = h("input", { type: "checkbox", class: "switch", role: "switch", ...described });
    input.checked = parameter.default;
    read = () => input.checked;
  } else if (kind === "json") {
    const text = hasDefault ? JSON.stringify(parameter.default, null, 2) : "";
    input = h("textarea", { rows: Math.min(10, Math.max(2, text.split("\n").length)), spellcheck: "false", ...described });
    input.value = text;
    read = () => valueOf("json", input.value);
  } else {
    input = h("input", { type: "text", inputmode: kind === "number" ? "decimal" : undefined, autocomplete: "off", spellcheck: "false", ...described });
    input.value = String(parameter.default);
    read = () => valueOf(kind, input.value);
  }
  const check = () => {
    try {
      const value = read();
      input.removeAttribute("aria-invalid");
      error.hidden = true;
      box.classList.toggle("changed", !(hasDefault && same(value, parameter.default)));
      return { ok: true, value };
    } catch (problem) {
      input.setAttribute("aria-invalid", "true");
      error.textContent = problem.message;
      error.hidden = false;
      return { ok: false };
    }
  };
  // Not on blur: a message that appears or disappears then would move the button that is being clicked.
  input.addEventListener("input", () => (error.hidden ? box.classList.toggle("changed", isChanged()) : check()));
  const isChanged = () => {
    try {
      return !(hasDefault && same(read(), parameter.default));
    } catch {
      return true;
    }
  };
  const hint = hasDefault ? HINT[kind] : `${HINT[kind]}, required`;
  const box = h("div", { class: `field ${kind}` },
    h("label", { for: id }, parameter.name), input,
    h("p", { class: "hint", id: `${id}-hint` }, hint), error);
  return { box, input, check, parameter, unchanged: (value) => hasDefault && same(value, parameter.default) };
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

/** Ask for parameters and start a run. Returns the run's id, or undefined if the dialog was dismissed. */
export function runNow(flow) {
  return dialog.open(`Run ${flow.name}`, (close) => {
    const fields = parametersOf(flow).map(field);
    const defaultLabels = labelsOf(flow).join(", ");
    const labels = h("input", { id: "run-labels", type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": "run-labels-hint" });
    labels.value = defaultLabels;
    const name = h("input", { id: "run-name", type: "text", autocomplete: "off", placeholder: "generated if empty" });
    const failure = h("p", { class: "error", role: "alert", hidden: true });
    const button = h("button", { type: "submit", class: "primary" }, "Start the run");

    async function submit(event) {
      event.preventDefault();
      const checked = fields.map((each) => ({ ...each, ...each.check() }));
      const invalid = checked.find((each) => !each.ok);
      if (invalid) return invalid.input.focus();
      const parameters = Object.fromEntries(
        checked.filter((each) => !each.unchanged(each.value)).map((each) => [each.parameter.name, each.value]));
      button.disabled = true;
      try {
        const changed = labels.value.trim() !== defaultLabels;
        close(await startRun(flow.id, { parameters, labels: changed ? parseLabels(labels.value) : null, name: name.value.trim() }));
      } catch (error) {
        failure.textContent = error.message;
        failure.hidden = false;
        button.disabled = false;
      }
    }

    return h("form", { class: "dialog-body", onsubmit: submit, novalidate: true },
      fields.length ? fields.map((each) => each.box) : h("p", { class: "muted" }, "This flow has no parameters."),
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
