// A chapter: Run on the cells that need no PyTorch, and answers for the settings of explorers.
import { redraw } from "../course/widgets.js";
import { button, element, makeOutput } from "./output.js";
import { call, onState } from "./python.js";

const RUN_SECONDS = 120;
const HOW_TO_RUN =
  " Cells that need no PyTorch have Run here too; the first press starts Python in this page.";
const root = document.documentElement;

const nameOfPage = () => location.pathname.split("/").at(-1).replace(/\.html$/, "");

const readCells = async () => {
  const answer = await fetch(new URL(`chapters/${nameOfPage()}.json`, import.meta.url));
  return answer.ok ? answer.json() : [];
};

const nodeOf = ({ id }) => document.querySelector(`.cell[class*="tag_cell-id-${id}"]`);

// Run the cells above that it needs and that were not run yet, and then this one. Their output takes
// the place of the stored one. Of a cell that does not run to its end without PyTorch, and of one with
// a widget, only what it leaves counts: it shows nothing.
const runUpTo = async (page, last) => {
  for (const cell of page.cells) {
    if (cell === last || (cell.needed && !page.ran.has(cell.id))) {
      page.ran.add(cell.id);
      cell.output?.clear();
      const show = (message) => cell.output?.show(message);
      await call("run", [`${page.name}, ${cell.id}`, cell.source], { show, seconds: RUN_SECONDS });
      cell.stored?.remove();
    }
    if (cell === last) return;
  }
};

const addRun = (page, cell, node) => {
  const input = node.querySelector(".cell_input");
  if (!cell.runs || !input || node.querySelector(".normlab-widget")) return;
  cell.output = makeOutput();
  cell.stored = node.querySelector("details.normlab-output") ?? node.querySelector(".cell_output");
  const run = async () => {
    node.setAttribute("aria-busy", "true");
    try {
      await runUpTo(page, cell);
    } catch (error) {
      cell.output.say(error.message);
    }
    node.removeAttribute("aria-busy");
  };
  input.after(element("div", { class: "normlab-run" }, button("Run", run)), cell.output.node);
};

// Settings of explorers: `widgets.js` tells by the event "normlab:save" what was changed; what Python
// makes of it comes back by "normlab:widget".
const makeAnswers = () => {
  const models = new Map(); // by the name that Python knows the explorer by
  const names = new Map(); // the other way round
  const settings = new WeakMap(); // of explorers: those that the picture shows
  const explorer = async (model) => {
    if (!names.has(model)) {
      const name = `explorer ${names.size + 1}`;
      names.set(model, name);
      models.set(name, model);
      const code = model.host.dataset.call;
      let problem = "";
      const show = ({ kind, text }) => kind === "error" && (problem = text.split("\n").at(-1));
      const { ok } = await call("answer", [name, code], { show, seconds: RUN_SECONDS });
      if (!ok) throw new Error(problem);
    }
    return names.get(model);
  };
  const forget = () => {
    models.clear();
    names.clear();
  };
  // What is not answered is as it was before: the controls say what the picture shows.
  const takeBack = async (model, before, problem) => {
    const { id } = model.get("request");
    model.set({ ...before, request: { settings: before.request.settings, id } });
    settings.set(model, before.request.settings);
    await redraw(model);
    model.set({ progress: 1, problem, answered: id });
  };
  const ask = async (model, changed, old) => {
    const known = names.has(model);
    if (!changed.includes("request") && !known) return;
    const state = {};
    for (const name of ["position", "request"]) {
      if (changed.includes(name)) state[name] = model.get(name);
    }
    if (!Object.keys(state).length) return;
    const shown = state.request && { settings: settings.get(model) ?? old.request.settings };
    const before = shown && { ...model.copy(), request: shown };
    if (state.request) {
      model.set({ progress: 0, problem: "" });
      state.position = model.get("position");
    }
    try {
      await call("set_widget", [await explorer(model), JSON.stringify(state)], { seconds: RUN_SECONDS });
      if (state.request) settings.set(model, state.request.settings);
    } catch (error) {
      forget();
      if (before) await takeBack(model, before, error.message);
      else model.set({ problem: error.message });
    }
  };
  document.addEventListener("normlab:save", ({ detail: { model, names: changed, before } }) => {
    if (model.get("controls") && model.host) ask(model, changed, before);
  });
  document.addEventListener("normlab:widget", ({ detail: { widget, data } }) => {
    const model = models.get(widget);
    if (data.method === "update") model?.set(data.state);
    else if (data.method === "custom") model?.receive(data.content);
  });
  onState(({ state }) => state === "ended" && forget());
};

export const makeChapter = async () => {
  const page = { name: nameOfPage(), cells: await readCells(), ran: new Set() };
  onState(({ state }) => state === "ended" && page.ran.clear());
  makeAnswers();
  for (const cell of page.cells) {
    const node = nodeOf(cell);
    if (!node) continue;
    addRun(page, cell, node);
    const host = cell.answers ? null : node.querySelector(".normlab-widget");
    if (host) host.dataset.torch = "";
  }
  if (page.cells.some(({ output }) => output)) {
    document.querySelector(".normlab-note")?.append(HOW_TO_RUN);
  }
  root.dataset.python = "ready"; // `settings.js` enables the menus that Python answers
  document.dispatchEvent(new CustomEvent("normlab:python"));
};
