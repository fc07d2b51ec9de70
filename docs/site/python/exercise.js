// An exercise page: an editor in place of each code cell, with Run, Check, Hint and Watch.
import { makeEditor } from "./editor.js";
import { makeHints } from "./hints.js";
import { makeOther } from "./other_tab.js";
import { button, element, makeOutput } from "./output.js";
import { call } from "./python.js";
import { note } from "./record.js";
import { makeResult } from "./result.js";
import { makeStore } from "./store.js";

const PAUSE = 800; // ms without a keystroke, after which a watched answer is checked
const RUN_SECONDS = 60;
const CHECK_SECONDS = 30;
const WITHOUT = "PyTorch is not in this page; what needs it was left out.";
const LEAVE = "normlab-leave"; // the id of the sentence that says how to leave an editor

const textOf = (source) => (Array.isArray(source) ? source.join("") : source);

// The notebook as it was handed out, with the learner's answers in it; up to a cell, if one is named.
const filled = (page, last = null) => {
  const notebook = structuredClone(page.notebook);
  const end = notebook.cells.findIndex(({ id }) => id === last);
  if (end >= 0) notebook.cells.length = end + 1;
  for (const cell of notebook.cells) {
    if (page.functions[cell.id]) cell.source = page.cells.get(cell.id).text();
  }
  return JSON.stringify(notebook, null, 1);
};

const download = (name, text) => {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};

// Run a cell, and those above it that this Python has not run as they are now.
const runWithThoseAbove = async (page, id) => {
  for (const [name, cell] of page.cells) {
    const source = cell.text();
    if (!cell.torch && (name === id || page.ran.get(name) !== source)) {
      cell.output.clear();
      page.ran.set(name, source);
      const { show } = cell.output;
      const title = cell.function ? `your ${cell.function}` : `${page.name}.ipynb, ${name}`;
      const { without } = await call("run", [title, source], { show, seconds: RUN_SECONDS });
      if (without.length) cell.output.say(WITHOUT);
    }
    if (name === id) return;
  }
};

// Do something that asks Python; what it cannot do is said in the `place` below the cell.
const attempt = async (page, cell, place, act) => {
  cell.node.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    page.ran.clear();
    place.fail(error.message);
  }
  cell.node.removeAttribute("aria-busy");
};

const run = (page, id, cell) => {
  cell.output.clear();
  return attempt(page, cell, cell.output, () => runWithThoseAbove(page, id));
};

const check = (page, id, cell) => {
  cell.result.begin();
  return attempt(page, cell, cell.result, async () => {
    const asked = filled(page, id);
    const args = [`${page.name}.ipynb`, asked, cell.function];
    const found = await call("check", args, { seconds: CHECK_SECONDS });
    cell.result.show(found, asked, filled(page, id));
    await note(found);
  });
};

const askForHint = async (name) => {
  const { rows } = await call("hint", [name], { seconds: CHECK_SECONDS });
  return rows;
};

// A check is of its answer and of those above it.
const compareResults = (page) => {
  for (const [id, cell] of page.cells) cell.result?.compare(() => filled(page, id));
};

// Watch: after each pause in typing the answer is checked, one check at a time.
const makeWatch = (page, id, cell) => {
  const box = element("input", { type: "checkbox" });
  let timer;
  let running = false;
  const look = async () => {
    if (running) return later();
    running = true;
    await check(page, id, cell);
    running = false;
  };
  const later = () => {
    clearTimeout(timer);
    if (box.checked) timer = setTimeout(look, PAUSE);
  };
  box.addEventListener("change", () => box.checked && look());
  const title = "Check again after each pause in typing";
  return { node: element("label", { class: "normlab-watch", title }, box, "Watch"), later };
};

const startOver = (page, id, cell, store) => {
  if (!confirm(`Throw away your ${cell.function}, and start over?`)) return;
  store.forget(cell.function);
  cell.replace(textOf(page.notebook.cells.find((one) => one.id === id).source));
  for (const place of [cell.output, cell.result, cell.hints, cell.other]) place?.clear();
};

const makeCell = (page, node, store) => {
  const { cell: id, kind, function: name } = node.dataset;
  const torch = "torch" in node.dataset;
  const answer = kind === "answer";
  const given = textOf(page.notebook.cells.find((one) => one.id === id).source);
  const output = makeOutput();
  const cell = { node, output, torch, function: name };
  const below = element("div", { class: "normlab-below" }, output.node);
  page.cells.set(id, cell);
  if (torch && !answer) return Object.assign(cell, { text: () => given });
  const actions = element("div", { class: "normlab-actions" });
  const place = element("div", { class: "normlab-editor normlab-scroll" });
  node.replaceChildren(place, actions, below);
  const runThis = () => run(page, id, cell);
  const watch = makeWatch(page, id, cell);
  const editor = makeEditor({
    parent: place,
    text: (answer && store.read(name)) || given,
    label: answer ? `Your ${name}` : "Code to run",
    indents: answer ? LEAVE : null,
    onChange: (text) => {
      if (answer) store.write(name, text);
      compareResults(page);
      watch.later();
    },
    keys: torch ? {} : { "Shift-Enter": runThis, "Mod-Enter": runThis },
  });
  Object.assign(cell, editor);
  if (!torch) actions.append(button("Run", runThis));
  if (answer) {
    cell.other = makeOther(name, cell, given, store, () => compareResults(page));
    actions.after(cell.other.node);
  }
  if (answer && !torch) {
    cell.result = makeResult(node);
    cell.hints = makeHints(() => askForHint(name));
    below.append(cell.result.node, cell.hints.node);
    actions.append(
      button("Check", () => check(page, id, cell), { class: "normlab-button normlab-first" }),
      button("Hint", () => attempt(page, cell, cell.hints, cell.hints.add)),
      watch.node,
    );
  }
  if (answer) actions.append(button("Start over", () => startOver(page, id, cell, store)));
  return cell;
};

export const makeExercise = (embedded) => {
  const page = { ...JSON.parse(embedded.textContent), cells: new Map(), ran: new Map() };
  const cellOf = (name) => [...page.cells.values()].find((cell) => cell.function === name);
  const store = makeStore(page.name, (name, text) => cellOf(name).other.hear(text));
  const nodes = [...document.querySelectorAll(".normlab-cell")];
  nodes[0]?.before(
    element(
      "p",
      { class: "normlab-take" },
      button("Take the notebook along", () => download(`${page.name}.ipynb`, filled(page))),
      " with your answers, for ",
      element("code", {}, "normlab check"),
      ", your teacher, or Colab.",
    ),
    element("p", { id: LEAVE, class: "normlab-leave" }, "In the editor of an answer Tab indents; press Escape and then Tab to leave it."),
  );
  for (const node of nodes) makeCell(page, node, store);
  document.documentElement.dataset.exercise = page.name;
};
