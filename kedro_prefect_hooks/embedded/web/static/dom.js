// Makes elements, and updates those on the page to match newly made ones, so that focus, scroll positions and
// selections survive a refresh. Data becomes text nodes and attributes, never markup.

const SVG = "http://www.w3.org/2000/svg";

function make(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    // The page's policy forbids style attributes; setting single properties is allowed.
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element. `on…` properties are handlers, `style` is an object, the others are attributes. */
export function h(tag, properties, ...children) {
  return make(document.createElement(tag), properties, children);
}

/** An SVG element; otherwise like `h`. */
export function s(tag, properties, ...children) {
  return make(document.createElementNS(SVG, tag), properties, children);
}

/** One of the icons that index.html defines. What it means must be in a text too. */
export function icon(name) {
  return s("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    s("use", { href: `#icon-${name}` }));
}

/**
 * A name that is broken after an underscore, if it has to be. Browsers take what underscores connect for one word,
 * and break it anywhere.
 */
export function breakable(name) {
  const parts = name?.match(/_*[^_]+_*|_+/g) ?? [];
  return parts.flatMap((part, index) => (index ? [h("wbr"), part] : part));
}

const HANDLERS = ["onclick", "onchange", "oninput", "onsubmit", "onkeydown"];

/**
 * An element that manages its own content, and that `show` leaves as it is. It needs `data-opaque` and a
 * `data-key`.
 */
export function keep(element) {
  // A placeholder for one that is on the page: using the element itself would remove it from there.
  if (!element.isConnected) return element;
  return h(element.localName, { "data-opaque": true, "data-key": keyOf(element) });
}

/** Make the children of `parent` match `children`, reusing those that are there. */
export function show(parent, ...children) {
  const wanted = document.createDocumentFragment();
  wanted.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  morphChildren(parent, wanted);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function matches(old, wanted) {
  return old.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName && keyOf(old) === keyOf(wanted);
}

function morph(old, wanted) {
  if (old.nodeType === Node.ELEMENT_NODE && old.hasAttribute("data-opaque")) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "style" && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== wanted.style.cssText) old.style.cssText = wanted.style.cssText;
  for (const name of HANDLERS) old[name] = wanted[name];
  morphChildren(old, wanted);
}

function morphChildren(parent, wanted) {
  const children = [...wanted.childNodes];
  const wantedKeys = new Set(children.map(keyOf));
  const keyed = new Map();
  for (const child of parent.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let next = parent.firstChild;
  const removeUntil = (until) => {
    while (next !== until) {
      const removed = next;
      next = next.nextSibling;
      removed.remove();
    }
  };
  for (const child of children) {
    // Moving a node takes its focus away, so those that stay do not move: what is between them goes first.
    while (next && keyOf(next) && !wantedKeys.has(keyOf(next))) removeUntil(next.nextSibling);
    const key = keyOf(child);
    const known = key ? keyed.get(key) : nextMatch(next, child);
    if (!known || !matches(known, child)) {
      parent.insertBefore(child, next);
      continue;
    }
    if (key && known !== next) parent.insertBefore(known, next);
    else {
      removeUntil(known);
      next = known.nextSibling;
    }
    morph(known, child);
  }
  removeUntil(null);
}

/** The next node that could become `wanted`, but none after the next one with a key. */
function nextMatch(start, wanted) {
  for (let node = start; node && !keyOf(node); node = node.nextSibling) if (matches(node, wanted)) return node;
  return null;
}
