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

// A layer of a picture, as an image of its own, so that it can be decoded before it is shown.
function makeImage(svg, alt) {
  const image = element("img", { alt });
  image.src = "data:image/svg+xml," + encodeURIComponent(svg);
  return image;
}

// A picture is stored as runs of lines, "first-last first-last …": frames share most lines.
function joinRuns(runs, lines) {
  const part = (run) => {
    const [first, last] = run.split("-").map(Number);
    return lines.slice(first, last + 1).join("\n");
  };
  return runs.split(" ").map(part).join("\n");
}

// Where a position stands in the frames, whose last control varies fastest.
function frameIndex(pages, position) {
  return pages.reduce((index, page, axis) => index * page.values.length + position[axis], 0);
}

// The frame at a position, and those that one step of a control leads to.
function framesAround(pages, model) {
  const position = model.get("position");
  const around = [position];
  pages.forEach((page, axis) => {
    for (const place of [position[axis] - 1, position[axis] + 1]) {
      const moved = position.map((i, other) => (other === axis ? place : i));
      if (page.values[place] !== undefined) around.push(moved);
    }
  });
  return around.map((moved) => model.get("frames")[frameIndex(pages, moved)]).filter(Boolean);
}

// The images of a frame: background and moving layer. Those around are made ready in advance.
function makeImages(model, pages) {
  const ready = new Map(); // by what it is made from: the background's text, or a frame
  let timer;
  const image = (key, svg, alt) => {
    if (!ready.has(key)) ready.set(key, makeImage(svg(), alt));
    return ready.get(key);
  };
  const layers = (frame) => {
    const background = model.get("background");
    const moving = () => joinRuns(frame.runs, model.get("lines"));
    return [image(background, () => background, ""), image(frame, moving, frame.sentence)];
  };
  const prepare = () => {
    const near = framesAround(pages, model);
    near.forEach(layers);
    const keep = new Set([model.get("background"), ...near]);
    for (const key of [...ready.keys()]) if (!keep.has(key)) ready.delete(key);
  };
  const prepareSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(prepare, 20); // when the current picture is painted
  };
  return { layers, prepareSoon };
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
  return { choose, onAnswer, waiting };
}

// Once for each model: frames that Python drew behind the one in sight arrive one by one.
function initialize({ model }) {
  model.on("msg:custom", ({ index, frame, first, lines }) => {
    model.get("lines").splice(first, lines.length, ...lines);
    model.get("frames")[index] = frame;
  });
}

function render({ model, el }) {
  const controls = model.get("controls");
  const pages = controls.filter((control) => control.role === "page");
  const status = element("p", { class: "normlab-status", role: "alert" });
  const bar = element("progress", { max: 1, "aria-label": "Drawing the new pictures" });
  const picture = element("div", { class: "normlab-picture" });
  const sentence = element("p", { class: "normlab-sentence", "aria-live": "polite" });
  const numbers = element("details", {}, element("summary", {}, "Numbers"));
  const requests = makeRequests(model, status);
  const images = makeImages(model, pages);
  let turns = 0;
  let shown = 0;

  const current = () => frameIndex(pages, model.get("position"));
  const turn = async () => {
    const number = ++turns;
    box.setAttribute("aria-busy", true); // until the picture is the one that the controls say
    const frame = model.get("frames")[current()];
    if (!frame) {
      // Python draws this one next. It is told when the change of the model is complete; within
      // it, saving would set the position before this one again.
      return queueMicrotask(() => model.save_changes());
    }
    const layers = images.layers(frame);
    await Promise.all(layers.map((image) => image.decode()));
    if (number < shown) return;
    shown = number;
    picture.replaceChildren(...layers);
    sentence.textContent = frame.sentence;
    numbers.replaceChildren(numbers.firstChild, makeTable(frame.columns, frame.rows));
    box.setAttribute("aria-busy", requests.waiting() || number < turns);
    images.prepareSoon();
  };
  const made = controls.map((control) => {
    if (control.role === "setting") {
      const index = model.get("request").settings[control.name];
      return makeControl(control, index, (i) => {
        requests.choose(control.name, i);
        box.setAttribute("aria-busy", true);
      });
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
  };
  const onAnswered = () => {
    box.dataset.answered = model.get("answered");
    requests.onAnswer();
    turn();
  };
  const onProblem = () => (status.textContent = model.get("problem"));
  const onFrame = ({ index }) => (index === current() ? turn() : images.prepareSoon());

  const panel = element("div", { class: "normlab-controls" }, ...made.map((c) => c.node));
  const heading = element("div", { class: "normlab-title" }, model.get("title"));
  const box = element("section", { class: "normlab-explorer", "aria-label": model.get("title") });
  box.append(heading, panel, bar, status, picture, sentence, numbers);
  el.append(box);
  onProgress();
  turn();

  const events = {
    "change:position": onPosition,
    "change:progress": onProgress,
    "change:answered": onAnswered,
    "change:problem": onProblem,
    "msg:custom": onFrame,
  };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { initialize, render };
