// What every page does: its widgets, its folds, its theme.

import "./unkept.js";
import { listenForAnswers } from "./answers.js";
import { mountAll } from "./widgets.js";

const root = document.documentElement;

// Widgets ask for JupyterLab's name of a theme.
function followTheme() {
  const tell = () => (root.dataset.jpThemeLight = root.dataset.theme !== "dark");
  new MutationObserver(tell).observe(root, { attributeFilter: ["data-theme"] });
  tell();
}

const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));

// A fold opens when the address names it, or something in it.
function openTarget() {
  const named = target();
  if (!named) return;
  const around = [];
  for (let fold = named.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    around.push(fold);
  }
  const own = named.querySelector(":scope > details.normlab-fold");
  const shut = [...around, own].filter((fold) => fold && !fold.open);
  shut.forEach((fold) => (fold.open = true));
  if (shut.length) named.scrollIntoView();
}

// Widgets push the named place down as they are shown; it comes back, unless the reader has moved on.
async function returnToTarget(shown) {
  let moved = false;
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(name, () => (moved = true), { once: true, passive: true });
  }
  await shown;
  if (!moved) target()?.scrollIntoView();
}

// What scrolls sideways can be scrolled by keys.
function reachScrolling() {
  const scrolling = ".normlab-scroll, .pst-scrollable-table-container, .highlight pre, mjx-container";
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(scrolling).forEach((node) => watch.observe(node));
}

// A link that is a formula alone has its name in TeX, without backslashes.
function nameFormulas() {
  for (const formula of document.querySelectorAll("a > :only-child > .math:only-child")) {
    const tex = formula.textContent.replaceAll(/\\[()]|\\(?=\w|\|)/g, "");
    formula.closest("a").setAttribute("aria-label", tex);
  }
}

followTheme();
nameFormulas();
listenForAnswers();
openTarget();
addEventListener("hashchange", openTarget);
reachScrolling();
returnToTarget(mountAll());
