// What the theme lacks for keyboards and screen readers, as axe finds it.

for (const search of document.querySelectorAll(".md-search")) search.setAttribute("aria-label", "Search");

// Lists of pages within the navigation, and the buttons of a code block, are not landmarks of their own.
function withoutLandmarks() {
  for (const nav of document.querySelectorAll(".md-nav .md-nav, .md-code__nav")) {
    nav.setAttribute("role", "none");
    for (const name of ["aria-label", "aria-labelledby", "aria-expanded"]) nav.removeAttribute(name);
  }
}
withoutLandmarks();
// The theme adds the buttons later.
new MutationObserver(withoutLandmarks).observe(document.body, { childList: true, subtree: true });

// What scrolls sideways must be reachable without a mouse; it depends on the width of the window.
function reachable() {
  for (const box of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
reachable();
addEventListener("load", reachable); // the theme puts tables into boxes when it starts
addEventListener("resize", reachable);
