// A row of controls that narrow a list. Their values are in the view's URL.

import { h } from "./dom.js";

let count = 0;

/** The options of a select: `all` for no filter, then those of {value: [text, …], …}. */
export const choices = (all, offered) => [["", all], ...Object.entries(offered).map(([value, [text]]) => [value, text])];

/** What applies is in `values`: name → text, "" for a filter that is not used. */
export class Filters {
  /**
   * @param fields [{name, label, type: "search" | "select" | "date", options: [[value, text], …], isShown}]. One for
   * which `isShown(values)` is false is hidden, and has no value.
   * @param link values → the URL of the view with these filters.
   * @param onChange is called when a person has changed a value; for text, a little after the last key.
   */
  constructor(fields, link, onChange) {
    Object.assign(this, { fields, link, onChange });
    this.controls = new Map(fields.map((field) => [field.name, this.control(field)]));
    const key = `filters-${(count += 1)}`;
    this.element = h("form", { class: "filters", role: "search", "data-opaque": true, "data-key": key, onsubmit: (event) => event.preventDefault() },
      [...this.controls.values()].map((each) => each.box));
  }

  control({ name, label, type, options = [], placeholder }) {
    const id = `filter-${name}`;
    const changed = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.change(), type === "search" ? 250 : 0);
    };
    const input = type === "select"
      ? h("select", { id, onchange: changed }, options.map(([value, text]) => h("option", { value }, text)))
      : h("input", { id, type, placeholder, autocomplete: "off", spellcheck: "false", oninput: changed });
    return { box: h("div", { class: `filter filter-${type}` }, h("label", { for: id }, label), input), input };
  }

  /** A person has changed a control. */
  change() {
    this.set((name) => this.controls.get(name).input.value.trim());
    history.replaceState(null, "", this.link(this.values));
    this.onChange();
  }

  /** Another URL of the view, with the part after `?` as `query`. */
  navigate(query) {
    this.set((name) => query.get(name) ?? "");
  }

  /** @param valueOf returns the value of a filter. */
  set(valueOf) {
    this.values = Object.fromEntries(this.fields.map(({ name }) => [name, valueOf(name)]));
    for (const { name, isShown } of this.fields) if (isShown && !isShown(this.values)) this.values[name] = "";
    this.show();
  }

  /** Show the values, except where a person is typing. */
  show() {
    for (const { name, isShown } of this.fields) {
      const { box, input } = this.controls.get(name);
      const value = this.values[name];
      box.hidden = Boolean(isShown) && !isShown(this.values);
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
    input.value = value;
    this.show();
  }
}
