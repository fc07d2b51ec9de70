// An exercise page: an editor in place of each code cell, with Run, Check, Hint and Watch.
import { makeEditor } from "./editor.js";
import { button, element, makeOutput, ofRows } from "./output.js";
import { call } from "./python.js";
import { note } from "./record.js";

const PAUSE = 800; // ms without a keystroke, after which a watched answer is checked
const RUN_SECONDS = 60;
const CHECK_SECONDS = 30;
const WITHOUT = "PyTorch is not in this page; what needs it was left out.";
const LEAVE = "normlab-leave"; // the id of the sentence that says how to leave an editor

const textOf = (source) => (Array.isArray(source) ? source.join("") : source);

// The learner's answers, in this browser; one that keeps nothing is told of once, by `complain`.
const makeStore = (exercise, complain) => {
  const key = (name) => `normlab:answer:${exercise}:${name}`;
  const attempt = (act) => {
    try {
      return act();
    } catch (error) {
      complain(`This browser keeps nothing (${error.name}): take the notebook along before you leave.`);
      return null;
    }
  };
  return {
    read: (name) => attempt(() => localStorage.getItem(key(name))),
    write: (name, text) => attempt(() => localStorage.setItem(key(name), text)),
    forget: (name) => attempt(() => localStorage.removeItem(key(name))),
  };
};

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
      const title = `${page.name}.ipynb, ${name}`;
      const { without } = await call("run", [title, source], { show, seconds: RUN_SECONDS });
      if (without.length) cell.output.say(WITHOUT);
    }
    if (name === id) return;
  }
};

// Do something that asks Python; what it cannot do is said below the cell.
const attempt = async (page, cell, act) => {
  cell.node.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    page.ran.clear();
    cell.output.say(error.message);
  }
  cell.node.removeAttribute("aria-busy");
};

const check = (page, id, cell) =>
  attempt(page, cell, async () => {
    const args = [`${page.name}.ipynb`, filled(page, id), cell.function];
    const found = await call("check", args, { seconds: CHECK_SECONDS });
    cell.output.clear();
    cell.output.add(ofRows(found.rows));
    if (found.note) cell.output.say(found.note);
    cell.node.dataset.passed = found.passed;
    const notice = await note(found);
    if (notice) cell.output.say(notice);
  });

const hint = (page, cell) =>
  attempt(page, cell, async () => {
    const { rows } = await call("hint", [cell.function], { seconds: CHECK_SECONDS });
    cell.output.add(ofRows(rows));
  });

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
  cell.output.clear();
  delete cell.node.dataset.passed;
};

const makeCell = (page, node, store) => {
  const { cell: id, kind, function: name } = node.dataset;
  const torch = "torch" in node.dataset;
  const answer = kind === "answer";
  const given = textOf(page.notebook.cells.find((one) => one.id === id).source);
  const output = makeOutput();
  const cell = { node, output, torch, function: name };
  page.cells.set(id, cell);
  if (torch && !answer) return Object.assign(cell, { text: () => given });
  const actions = element("div", { class: "normlab-actions" });
  const place = element("div", { class: "normlab-editor normlab-scroll" });
  node.replaceChildren(place, actions, output.node);
  const run = () => attempt(page, cell, () => runWithThoseAbove(page, id));
  const watch = makeWatch(page, id, cell);
  const editor = makeEditor({
    parent: place,
    text: (answer && store.read(name)) || given,
    label: answer ? `Your ${name}` : "Code to run",
    describedBy: LEAVE,
    onChange: (text) => {
      if (answer) store.write(name, text);
      watch.later();
    },
    keys: torch ? {} : { "Shift-Enter": run, "Mod-Enter": run },
  });
  Object.assign(cell, editor);
  if (!torch) actions.append(button("Run", run));
  if (answer && !torch) {
    actions.append(
      button("Check", () => check(page, id, cell), { class: "normlab-button normlab-first" }),
      button("Hint", () => hint(page, cell)),
      watch.node,
    );
  }
  if (answer) actions.append(button("Start over", () => startOver(page, id, cell, store)));
  return cell;
};

export const makeExercise = (embedded) => {
  const page = { ...JSON.parse(embedded.textContent), cells: new Map(), ran: new Map() };
  const complaint = element("p", { class: "normlab-said", role: "alert" });
  complaint.hidden = true;
  const store = makeStore(page.name, (text) => {
    complaint.textContent = text;
    complaint.hidden = false;
  });
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
    complaint,
    element("p", { id: LEAVE, class: "normlab-leave" }, "In an editor Tab indents; press Escape and then Tab to leave it."),
  );
  for (const node of nodes) makeCell(page, node, store);
  document.documentElement.dataset.exercise = page.name;
};
