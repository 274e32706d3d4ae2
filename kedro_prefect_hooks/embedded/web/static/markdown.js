// Markdown as elements: headings, paragraphs, lists, tables, code, links, emphasis and pictures that are within the
// text. What else there is stays as text; nothing becomes markup.

import { h } from "./dom.js";

const INLINE = /`([^`]+)`|!\[([^\]]*)\]\((data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+)\)|\[([^\]]+)\]\(([^)\s]+)\)|\*\*((?:\\.|[^*\\])+)\*\*/g;

const isWeb = (address) => ["http:", "https:"].includes(URL.canParse?.(address) ? new URL(address).protocol : "");

/** A link that can be followed, else its text. */
export function link(address, text = address) {
  return isWeb(address) ? h("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, text) : h("code", {}, text === address ? text : `${text} (${address})`);
}

function inline(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, code, alt, picture, words, address, strong] = found;
    parts.push(unescaped(text.slice(from, found.index)));
    if (code !== undefined) parts.push(h("code", {}, code));
    else if (picture) parts.push(h("img", { src: picture, alt: alt || "Preview" }));
    else if (address) parts.push(link(address, unescaped(words)));
    else parts.push(h("strong", {}, unescaped(strong)));
    from = found.index + all.length;
  }
  return [...parts, unescaped(text.slice(from))];
}

const unescaped = (text) => text.replace(/\\([\\`*_{}[\]()#+\-.!|<>])/g, "$1").replace(/<br\s*\/?>/g, "\n");

const cells = (line) => line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map((each) => each.trim().replace(/\\\|/g, "|"));
const isTable = (lines, at) => /\|/.test(lines[at]) && /^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$/.test(lines[at + 1] ?? "");

/** The elements of a text. The highest headings have the level `top`. */
export function markdown(text, top = 4) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const highest = Math.min(...lines.map((line) => /^#{1,6}(?=\s)/.exec(line)?.[0].length ?? 6));
  const found = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (!line.trim()) at += 1;
    else if (/^```/.test(line)) {
      const end = lines.findIndex((each, index) => index > at && /^```\s*$/.test(each));
      const last = end < 0 ? lines.length : end;
      found.push(h("pre", { tabindex: "0" }, h("code", {}, lines.slice(at + 1, last).join("\n"))));
      at = last + 1;
    } else if (heading) {
      found.push(h(`h${Math.min(6, top + heading[1].length - highest)}`, {}, inline(heading[2])));
      at += 1;
    } else if (isTable(lines, at)) {
      let end = at + 2;
      while (end < lines.length && /\|/.test(lines[end]) && lines[end].trim()) end += 1;
      found.push(table(cells(line), lines.slice(at + 2, end).map(cells)));
      at = end;
    } else if (/^\s*([-*+]|\d+\.)\s/.test(line)) {
      let end = at;
      while (end < lines.length && /^\s*([-*+]|\d+\.)\s/.test(lines[end])) end += 1;
      found.push(h(/^\s*\d/.test(line) ? "ol" : "ul", { class: "bullets" }, lines.slice(at, end).map((each) => h("li", {}, inline(each.replace(/^\s*([-*+]|\d+\.)\s+/, ""))))));
      at = end;
    } else {
      let end = at;
      while (end < lines.length && lines[end].trim() && !/^(#{1,6}\s|```)/.test(lines[end]) && !isTable(lines, end)) end += 1;
      end = Math.max(end, at + 1);
      found.push(h("p", {}, inline(lines.slice(at, end).join("\n"))));
      at = end;
    }
  }
  return found;
}

function table(titles, rows) {
  return h("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "Table" },
    h("table", { class: "data" },
      h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, inline(title))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, titles.map((title, index) => h("td", { "data-label": title }, inline(row[index] ?? ""))))))));
}
