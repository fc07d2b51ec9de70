// The browser side of every explorer: controls, keyboard, names for screen readers, and turning
// pages. It draws nothing itself; the pictures come from Python.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function makeControl(control, index, onMove) {
  const shown = element("output", { class: "normlab-value" }, control.values[index]);
  let input;
  if (control.kind === "slider") {
    const last = control.values.length - 1;
    input = element("input", { type: "range", min: 0, max: last, step: 1 });
    input.value = index;
  } else {
    input = element("select");
    control.values.forEach((value, i) => input.append(element("option", { value: i }, value)));
    input.value = index;
    shown.hidden = true;
  }
  input.setAttribute("aria-label", control.label);
  input.dataset.name = control.name;
  input.dataset.role = control.role;
  input.dataset.lmSuppressShortcuts = "true"; // JupyterLab binds the arrow keys
  input.addEventListener("keydown", (event) => event.stopPropagation());
  const show = (i) => {
    input.value = i;
    shown.textContent = control.values[i];
    input.setAttribute("aria-valuetext", control.values[i]);
  };
  input.addEventListener("input", () => {
    show(Number(input.value));
    onMove(Number(input.value));
  });
  show(index);
  const node = element("label", {}, element("span", {}, control.label), input, shown);
  return { node, show };
}

// A picture is stored as runs of lines, "first-last first-last …": frames share most lines.
function joinRuns(runs, model) {
  const lines = model.get("lines");
  const part = (run) => {
    const [first, last] = run.split("-").map(Number);
    return lines.slice(first, last + 1).join("\n");
  };
  return runs.split(" ").map(part).join("\n");
}

function makeTable(columns, rows) {
  const row = (cells, tag) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
  const head = element("thead", {}, row(columns, "th"));
  return element("table", {}, head, element("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
}

// One request at a time; what was asked for meanwhile is replaced by what is asked for now.
function makeRequests(model, status) {
  const wanted = { ...model.get("request").settings };
  let timer;
  const waiting = () => model.get("request").id !== model.get("answered");
  const send = () => {
    status.textContent = "";
    model.set("request", { id: model.get("request").id + 1, settings: { ...wanted } });
    model.save_changes();
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (waiting() && model.get("progress") === 1) {
        status.textContent = "No answer from Python. Run this cell to change this setting.";
      }
    }, 3000);
  };
  const onAnswer = () => {
    clearTimeout(timer);
    status.textContent = model.get("problem");
    const sent = model.get("request").settings;
    if (Object.keys(wanted).some((name) => wanted[name] !== sent[name])) send();
  };
  const choose = (name, index) => {
    wanted[name] = index;
    if (!waiting() || status.textContent) send();
  };
  return { choose, onAnswer };
}

function render({ model, el }) {
  const controls = model.get("controls");
  const pages = controls.filter((control) => control.role === "page");
  const status = element("p", { class: "normlab-status", role: "alert" });
  const bar = element("progress", { max: 1, "aria-label": "Drawing the new pictures" });
  const picture = element("img");
  const sentence = element("p", { class: "normlab-sentence", "aria-live": "polite" });
  const numbers = element("details", {}, element("summary", {}, "Numbers"));
  const requests = makeRequests(model, status);

  const place = () => {
    let index = 0;
    const position = model.get("position");
    pages.forEach((page, i) => (index = index * page.values.length + position[i]));
    return index;
  };
  const turn = () => {
    const frame = model.get("frames")[place()];
    picture.src = "data:image/svg+xml," + encodeURIComponent(joinRuns(frame.runs, model));
    picture.alt = frame.sentence;
    sentence.textContent = frame.sentence;
    numbers.replaceChildren(numbers.firstChild, makeTable(frame.columns, frame.rows));
  };
  const made = controls.map((control) => {
    if (control.role === "setting") {
      const index = model.get("request").settings[control.name];
      return makeControl(control, index, (i) => requests.choose(control.name, i));
    }
    const axis = pages.indexOf(control);
    return makeControl(control, model.get("position")[axis], (i) => {
      const position = [...model.get("position")];
      position[axis] = i;
      model.set("position", position);
    });
  });
  const onPosition = () => {
    model.get("position").forEach((i, axis) => made[controls.indexOf(pages[axis])].show(i));
    turn();
  };
  const onProgress = () => {
    bar.value = model.get("progress");
    bar.hidden = bar.value === 1;
    box.setAttribute("aria-busy", !bar.hidden);
  };
  const onAnswered = () => {
    box.dataset.answered = model.get("answered");
    requests.onAnswer();
  };

  const panel = element("div", { class: "normlab-controls" }, ...made.map((c) => c.node));
  const heading = element("div", { class: "normlab-title" }, model.get("title"));
  const box = element("section", { class: "normlab-explorer", "aria-label": model.get("title") });
  box.append(heading, panel, bar, status, picture, sentence, numbers);
  el.append(box);
  onProgress();
  turn();

  const events = {
    "change:position": onPosition,
    "change:frames": turn,
    "change:progress": onProgress,
    "change:answered": onAnswered,
  };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { render };
