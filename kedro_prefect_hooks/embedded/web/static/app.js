// Starts the page: opens the view for the URL, keeps it up to date, and reports an API that is unreachable or
// requires a token.

import { place, token, Unauthorized, Unreachable } from "./api.js";
import { h, icon, show } from "./dom.js";
import { Poller } from "./poll.js";
import { parse } from "./routes.js";
import * as agents from "./views/agents.js";
import * as flow from "./views/flow.js";
import * as flows from "./views/flows.js";
import { login } from "./views/login.js";
import * as run from "./views/run.js";
import * as runs from "./views/runs.js";

const VIEWS = { flows, flow, run, runs, agents };
const main = document.getElementById("main");
const banner = document.getElementById("banner");

let current = null;

/** Have a screen reader say something. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

function open() {
  const route = parse(location.hash);
  if (current?.view.navigate && current.route.view === route.view && current.route.id === route.id) {
    current.view.navigate(route);
    current.poller.soon();
    return;
  }
  current?.poller.stop();
  current?.view.close?.();
  for (const name of ["flows", "runs", "agents"]) {
    const link = document.getElementById(`nav-${name}`);
    if (route.view === name || `${route.view}s` === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const target = h("div", { class: "view", "aria-busy": "true" }, h("p", { class: "loading" }, "Loading …"));
  main.replaceChildren(target);
  if (!VIEWS[route.view]) {
    show(target, h("h1", {}, "Page not found"), h("p", {}, "There is no page at this URL. ", h("a", { href: "#/" }, "All flows")));
    return;
  }
  let isShown = false;
  const context = {
    ...route,
    announce,
    refresh: () => poller.soon(),
    show: (title, ...content) => {
      // A response that comes after the person has gone to another view is not shown.
      if (current?.poller !== poller) return;
      document.title = `${title} · ${where}`;
      show(target, ...content);
      target.removeAttribute("aria-busy");
      if (!isShown) focusHeading(target);
      isShown = true;
    },
  };
  const view = VIEWS[route.view].open(context);
  const poller = new Poller(() => view.refresh(), () => view.pause(), (error) => report(error, poller));
  current = { route, view, poller };
  poller.soon();
}

let isFirstView = true;

/** Screen readers start at the heading of a new view; only the first one starts like any page. */
function focusHeading(target) {
  window.scrollTo(0, 0);
  const heading = target.querySelector("h1");
  if (heading && !isFirstView) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  isFirstView = false;
}

let where = "kedro-prefect-hooks";

/** Say in the header and in titles which project and environment this is. */
async function showPlace() {
  const { project, environment } = await place();
  if (!project) return;
  where = [project, environment].filter(Boolean).join(" · ");
  show(document.getElementById("place"), h("strong", {}, project), environment && h("span", {}, environment));
  document.title = document.title.replace("kedro-prefect-hooks", where);
  isPlaceKnown = true;
}

let isPlaceKnown = false;

function report(error, poller) {
  if (!error && !isPlaceKnown) {
    isPlaceKnown = true;
    showPlace().catch(() => (isPlaceKnown = false));
  }
  document.getElementById("sign-out").hidden = !token.get();
  if (error instanceof Unauthorized) {
    poller.stop();
    current = null;
    banner.hidden = true;
    document.title = `Sign in · ${where}`;
    main.replaceChildren(login(Boolean(token.get()), open));
    main.querySelector("input").focus();
    return;
  }
  const text = bannerText(error);
  if (text === null && !banner.hidden && banner.dataset.kind === "unreachable") announce("The API responds again.");
  banner.hidden = text === null;
  banner.dataset.kind = error instanceof Unreachable ? "unreachable" : "error";
  if (text !== null) {
    show(banner, icon("warning"), h("span", {}, text), h("button", { type: "button", onclick: () => poller.soon() }, "Try again"));
  }
}

function bannerText(error) {
  if (!error) return null;
  if (error instanceof Unreachable) return `${error.message} What you see may be out of date; the page keeps trying.`;
  console.warn(error);
  return error.message;
}

document.getElementById("skip").addEventListener("click", (event) => {
  // The URL belongs to the view; the link must not change it.
  event.preventDefault();
  main.focus();
});
document.getElementById("sign-out").addEventListener("click", () => {
  token.clear();
  open();
});
window.addEventListener("hashchange", open);
open();
