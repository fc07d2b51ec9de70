// Stored widgets brought to life: each has a module and a state; what is folded waits until it is
// opened. The document's `data-widgets` says after how many ms those in sight were ready.

import { Model } from "./model.js";
import { restoreAnswers } from "./answers.js";
import { explainSettings } from "./settings.js";

const STATIC = new URL("..", import.meta.url);
const styled = new Set();
const drawn = new Map(); // model -> how it is drawn anew

function addStyles(path) {
  if (styled.has(path)) return;
  styled.add(path);
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(path, STATIC);
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

async function readState(host) {
  const inside = host.querySelector('script[type="application/json"]');
  if (inside) return JSON.parse(inside.textContent);
  const answer = await fetch(new URL(host.dataset.state, STATIC));
  if (!answer.ok) throw new Error(`${answer.status} for ${answer.url}`);
  return answer.json();
}

// The colours of a formula's terms are made for lines; as text they are mixed with the page's ink.
function darkenFormula(el) {
  for (const term of el.querySelectorAll(".normlab-formula span[style]")) {
    term.style.setProperty("--normlab-term", term.style.color);
    term.style.removeProperty("color");
  }
}

// Draw a widget in `el`, and again when it is asked for.
async function draw(widget, model, el) {
  let leave = await widget.render?.({ model, el });
  const complete = () => {
    explainSettings(model, el);
    darkenFormula(el);
  };
  complete();
  drawn.set(model, async () => {
    const controls = () => [...el.querySelectorAll("button, input, select")];
    const place = controls().indexOf(document.activeElement);
    leave?.();
    el.replaceChildren();
    leave = await widget.render({ model, el });
    complete();
    controls()[place]?.focus();
  });
}

// Draw a widget as its model is now, controls too.
export const redraw = (model) => drawn.get(model)();

// Show one widget in its place. Where that fails, what stood there stays and says so.
async function mount(host) {
  if (host.dataset.mounted) return;
  host.dataset.mounted = "begun";
  try {
    const { module: path, styles } = host.dataset;
    const [made, state] = await Promise.all([
      import(new URL(path, STATIC)),
      readState(host),
      addStyles(styles),
    ]);
    const widget = typeof made.default === "function" ? await made.default() : made.default;
    const model = new Model(state, host);
    restoreAnswers(model);
    const el = document.createElement("div");
    host.replaceChildren(el); // in the page before it is drawn, so that it knows its width
    await widget.initialize?.({ model });
    await draw(widget, model, el);
    host.dataset.mounted = "yes";
  } catch (error) {
    host.dataset.mounted = "failed";
    console.error(`A widget could not be shown: ${error.message}`);
  }
}

const isFolded = (host) => host.parentElement.closest("details:not([open])");

export async function mountAll() {
  const hosts = [...document.querySelectorAll(".normlab-widget")];
  document.addEventListener(
    "toggle",
    ({ target }) => {
      const inside = target.open ? [...target.querySelectorAll(".normlab-widget")] : [];
      inside.filter((host) => !isFolded(host)).forEach(mount);
    },
    true, // it does not bubble
  );
  await Promise.all(hosts.filter((host) => !isFolded(host)).map(mount));
  document.documentElement.dataset.widgets = Math.round(performance.now());
}
