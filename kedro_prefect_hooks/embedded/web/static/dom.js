// Makes elements, and brings what is on the page in line with newly made ones, so that focus, scroll places
// and selections outlive a refresh. Data becomes text nodes and attributes, never markup.

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

/** An SVG element; as `h`. */
export function s(tag, properties, ...children) {
  return make(document.createElementNS(SVG, tag), properties, children);
}

/** One of the icons that index.html defines; what it says must also be said in text. */
export function icon(name) {
  return s("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    s("use", { href: `#icon-${name}` }));
}

const HANDLERS = ["onclick", "onchange", "oninput", "onsubmit", "onkeydown"];

/**
 * An element that looks after its own inside: it stays as it is while `show` works around it. It needs
 * `data-opaque` and a `data-key`.
 */
export function keep(element) {
  // What is on the page already is stood in for: taking the element itself would take it off the page.
  if (!element.isConnected) return element;
  return h(element.localName, { "data-opaque": true, "data-key": keyOf(element) });
}

/** Make the children of `parent` equal to `children`, reusing what is there. */
export function show(parent, ...children) {
  const wanted = document.createDocumentFragment();
  wanted.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  morphChildren(parent, wanted);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function fits(old, wanted) {
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
  let place = parent.firstChild;
  const drop = (until) => {
    while (place !== until) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };
  for (const child of children) {
    // What is to stay must not be moved, since moving takes the focus away: what is in between goes first.
    while (place && keyOf(place) && !wantedKeys.has(keyOf(place))) drop(place.nextSibling);
    const key = keyOf(child);
    const known = key ? keyed.get(key) : nextFitting(place, child);
    if (!known || !fits(known, child)) {
      parent.insertBefore(child, place);
      continue;
    }
    if (key && known !== place) parent.insertBefore(known, place);
    else {
      drop(known);
      place = known.nextSibling;
    }
    morph(known, child);
  }
  drop(null);
}

/** The next node that could become `wanted`, before the next one that has a key. */
function nextFitting(place, wanted) {
  for (let node = place; node && !keyOf(node); node = node.nextSibling) if (fits(node, wanted)) return node;
  return null;
}
