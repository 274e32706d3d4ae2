// Starts the page: finds the view for the address, keeps it fresh, says when the API is away or wants a token.

import { token, Unauthorized, Unreachable } from "./api.js";
import { h, icon, show } from "./dom.js";
import { Poller } from "./poll.js";
import { parse } from "./routes.js";
import * as agents from "./views/agents.js";
import * as flow from "./views/flow.js";
import * as flows from "./views/flows.js";
import { login } from "./views/login.js";
import * as run from "./views/run.js";

const VIEWS = { flows, flow, run, agents };
const main = document.getElementById("main");
const banner = document.getElementById("banner");

let current = null;

/** Say something to those who listen rather than look. */
export function announce(text) {
  const said = document.getElementById("said");
  if (said.textContent !== text) said.textContent = text;
}

function open() {
  const route = parse(location.hash);
  current?.poller.stop();
  current?.view.close?.();
  for (const name of ["flows", "agents"]) {
    const link = document.getElementById(`nav-${name}`);
    if (route.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const target = h("div", { class: "view", "aria-busy": "true" }, h("p", { class: "loading" }, "Loading …"));
  main.replaceChildren(target);
  if (!VIEWS[route.view]) {
    show(target, h("h1", {}, "Not here"), h("p", {}, "There is no such page. ", h("a", { href: "#/" }, "All flows")));
    return;
  }
  let arrived = false;
  const context = {
    id: route.id,
    announce,
    again: () => poller.soon(),
    show: (title, ...content) => {
      // What answers after somebody has gone elsewhere is not shown.
      if (current?.poller !== poller) return;
      document.title = `${title} · kedro-prefect-hooks`;
      show(target, ...content);
      target.removeAttribute("aria-busy");
      if (!arrived) arrive(target);
      arrived = true;
    },
  };
  const view = VIEWS[route.view].open(context);
  const poller = new Poller(() => view.refresh(), () => view.pause(), (error) => state(error, poller));
  current = { view, poller };
  poller.soon();
}

/** Screen readers begin at the heading of the new view, unless somebody is elsewhere already. */
function arrive(target) {
  window.scrollTo(0, 0);
  const heading = target.querySelector("h1");
  if (!heading || !first.over) return void (first.over = true);
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

const first = { over: false };

function state(error, poller) {
  document.getElementById("sign-out").hidden = !token.get();
  if (error instanceof Unauthorized) {
    poller.stop();
    current = null;
    banner.hidden = true;
    document.title = "Sign in · kedro-prefect-hooks";
    main.replaceChildren(login(Boolean(token.get()), open));
    main.querySelector("input").focus();
    return;
  }
  const text = bannerText(error);
  if (text === null && !banner.hidden && banner.dataset.kind === "away") announce("The API answers again.");
  banner.hidden = text === null;
  banner.dataset.kind = error instanceof Unreachable ? "away" : "error";
  if (text !== null) {
    show(banner, icon("warning"), h("span", {}, text), h("button", { type: "button", onclick: () => poller.soon() }, "Try now"));
  }
}

function bannerText(error) {
  if (!error) return null;
  if (error instanceof Unreachable) return `${error.message} What you see may be out of date; this page goes on trying.`;
  console.warn(error);
  return error.message;
}

document.getElementById("skip").addEventListener("click", (event) => {
  // The address is the view's; the link must not change it.
  event.preventDefault();
  main.focus();
});
document.getElementById("sign-out").addEventListener("click", () => {
  token.clear();
  open();
});
window.addEventListener("hashchange", open);
open();
