// A row of controls that narrow a list. The view keeps their values in its URL.

import { h } from "./dom.js";

let count = 0;

/**
 * @param fields [{name, label, type: "search" | "select" | "date", options: [[value, text], …]}].
 * @param onChange is called with all values, a little after the last key.
 */
export class Filters {
  constructor(fields, onChange) {
    this.onChange = onChange;
    this.controls = new Map(fields.map((field) => [field.name, this.control(field)]));
    const key = `filters-${(count += 1)}`;
    this.element = h("form", { class: "filters", role: "search", "data-opaque": true, "data-key": key, onsubmit: (event) => event.preventDefault() },
      [...this.controls.values()].map((each) => each.box));
  }

  control({ name, label, type, options = [], placeholder }) {
    const id = `filter-${name}`;
    const changed = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.onChange(this.values()), type === "search" ? 250 : 0);
    };
    const input = type === "select"
      ? h("select", { id, onchange: changed }, options.map(([value, text]) => h("option", { value }, text)))
      : h("input", { id, type, placeholder, autocomplete: "off", spellcheck: "false", oninput: changed });
    return { box: h("div", { class: `filter filter-${type}` }, h("label", { for: id }, label), input), input };
  }

  values() {
    return Object.fromEntries([...this.controls].map(([name, { input }]) => [name, input.value.trim()]));
  }

  /** Show these values, except where a person is typing. */
  set(values) {
    for (const [name, { input }] of this.controls) {
      const value = values[name] ?? "";
      if (input.value === value || document.activeElement === input) continue;
      // A value that is not offered, such as a flow that is archived by now, is still the one that applies.
      if (input.localName === "select" && ![...input.options].some((each) => each.value === value)) input.append(h("option", { value }, value));
      input.value = value;
    }
  }

  setOptions(name, options) {
    const { input } = this.controls.get(name);
    const { value } = input;
    input.replaceChildren(...options.map(([each, text]) => h("option", { value: each }, text)));
    this.set({ ...this.values(), [name]: value });
  }

  show(name, isShown) {
    this.controls.get(name).box.hidden = !isShown;
  }
}
