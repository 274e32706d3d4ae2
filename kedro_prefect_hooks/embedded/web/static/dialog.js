// Dialogs. The browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.

import { h, icon } from "./dom.js";

let count = 0;

/**
 * Open a dialog. `build(close)` gives its body; what `close` is called with is what the promise becomes
 * (undefined when the dialog was left).
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

/** True when the person said yes. */
export async function confirm(title, text, yes, kind = "primary") {
  const answer = await open(title, (close) => [
    h("p", {}, text),
    h("footer", {},
      h("button", { type: "button", onclick: () => close(false) }, "No, leave it"),
      h("button", { type: "button", class: kind, autofocus: true, onclick: () => close(true) }, yes)),
  ].reduce((box, part) => (box.append(part), box), h("div", { class: "dialog-body" })));
  return answer === true;
}
