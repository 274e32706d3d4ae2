// Dialogs. The browser's own <dialog> keeps the focus inside, closes on Escape and then restores the focus.

import { h, icon } from "./dom.js";

let count = 0;

/**
 * Open a dialog. `build(close)` returns its body; the promise resolves to what `close` is called with
 * (undefined if the dialog was dismissed).
 */
export function open(title, build) {
  return new Promise((resolve) => {
    let result;
    const id = `dialog-title-${(count += 1)}`;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    const dialog = h("dialog", { "aria-labelledby": id },
      h("header", {},
        h("h2", { id }, title),
        h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => close() }, icon("cross"))),
      build(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether the person confirmed. */
export async function confirm(title, text, yes, no, kind = "primary") {
  const answer = await open(title, (close) => [
    h("p", {}, text),
    h("footer", {},
      h("button", { type: "button", onclick: () => close(false) }, no),
      h("button", { type: "button", class: kind, autofocus: true, onclick: () => close(true) }, yes)),
  ].reduce((box, part) => (box.append(part), box), h("div", { class: "dialog-body" })));
  return answer === true;
}
