// The browser side of every explorer: controls, keyboard, names for screen readers, and turning
// pages. It draws nothing itself; the pictures come from Python. It stands behind controls.js.

const NARROW = 520; // px: below it the panels of a picture stand one above the other
const REACH = 24; // px: how near the pointer must come to a point to read it

// A layer of a picture. Ids get a prefix, since all layers share one page.
function makeLayer(svg) {
  const own = svg.replace(/( id="|url\(#|href="#)/g, `$1${ownPrefix()}`);
  return new DOMParser().parseFromString(own, "image/svg+xml").documentElement;
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

// The frames that are in sight at a position: one, or one for each control where they stand side by
// side.
function indicesAt(pages, position, model) {
  return model.get("beside") ? [...position] : [frameIndex(pages, position)];
}

// The frames at a position, and those that one step of a control leads to.
function framesAround(pages, model) {
  const position = model.get("position");
  const around = [position];
  pages.forEach((page, axis) => {
    for (const place of [position[axis] - 1, position[axis] + 1]) {
      const moved = position.map((i, other) => (other === axis ? place : i));
      if (page.values[place] !== undefined) around.push(moved);
    }
  });
  const indices = around.flatMap((moved) => indicesAt(pages, moved, model));
  return [...new Set(indices)].map((index) => model.get("frames")[index]).filter(Boolean);
}

// The table of frames side by side: the rows in which they differ, or one that says that none does.
function differences([one, other], same) {
  const pairs = one.rows.map(([name, value], row) => [name, value, other.rows[row][1]]);
  const rows = pairs.filter(([, left, right]) => left !== right);
  return makeTable(["", one.columns[1], other.columns[1]], rows.length ? rows : [same]);
}

// The layers of a frame for each panel: background and what moves. Those around are made ready in
// advance.
function makeLayers(model, pages) {
  const ready = new Map(); // by what they are made from: the background's text, or a frame
  let timer;
  const layer = (key, panel, svg) => {
    if (!ready.has(key)) ready.set(key, []);
    return (ready.get(key)[panel] ??= makeLayer(svg()));
  };
  const layers = (frame, panel = 0) => {
    const background = model.get("background");
    const moving = layer(frame, panel, () => joinRuns(frame.runs, model.get("lines")));
    moving.setAttribute("role", "img");
    moving.setAttribute("aria-label", frame.sentence);
    moving.setAttribute("aria-hidden", panel > 0 && !model.get("beside")); // the first speaks for all
    const ground = layer(background, panel, () => background);
    ground.setAttribute("aria-hidden", "true");
    return [ground, moving];
  };
  const prepare = () => {
    const near = framesAround(pages, model);
    near.forEach((frame) => layers(frame));
    const keep = new Set([model.get("background"), ...near]);
    for (const key of [...ready.keys()]) if (!keep.has(key)) ready.delete(key);
  };
  const prepareSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(prepare, 20); // when the current picture is painted
  };
  return { layers, prepareSoon };
}

// A part of the layers, in points.
function makePanel(layers, [left, top, width, height]) {
  for (const layer of layers) {
    layer.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    layer.removeAttribute("width");
    layer.removeAttribute("height");
  }
  const panel = element("div", { class: "normlab-panel" }, ...layers);
  panel.style.maxWidth = `${width * 1.5}px`;
  return panel;
}

// The points of the lines, bars and markers of a layer, by what they are called.
function readPoints(layer) {
  const points = [];
  const add = (x, y, name) => points.push({ x, y, name });
  for (const group of layer.querySelectorAll("g[data-part]")) {
    const [, kind, name] = group.dataset.part.match(/^(\w+):(.*)$/);
    const used = group.querySelectorAll("use");
    for (const mark of used) add(Number(mark.getAttribute("x")), Number(mark.getAttribute("y")), name);
    const path = group.querySelector(":scope > path, :scope > g > path")?.getAttribute("d") ?? "";
    const corners = [...path.matchAll(/[ML] ([\d.eE+-]+) ([\d.eE+-]+)/g)].map(([, x, y]) => [+x, +y]);
    if (kind === "line" && !used.length) corners.forEach(([x, y]) => add(x, y, name));
    const middle = ([a, b], [c, d]) => add((a + c) / 2, (b + d) / 2, name);
    if (kind === "bar" && corners.length >= 4) middle(corners[2], corners[3]);
    if (kind === "barh" && corners.length >= 4) middle(corners[1], corners[2]);
  }
  return points;
}

// From a place in the picture back to the number that stands there, to what a place can tell: a
// five-hundredth of the axis, or three digits where it is logarithmic.
function valueAt(place, [from, to], [low, high], log) {
  const share = (place - from) / (to - from);
  if (log) return String(Number((low * (high / low) ** share).toPrecision(3)));
  const value = low + share * (high - low);
  const decimals = Math.ceil(Math.log10(500 / Math.abs(high - low)));
  return String(Number(value.toFixed(Math.min(20, Math.max(0, decimals)))));
}

// What a point says: its name, and its numbers on the axes that have any.
function say({ x, y, name }, { box, xlim, ylim, xlog, ylog, xlabel, ylabel, ruled }) {
  const [left, top, right, bottom] = box;
  const across = valueAt(x, [left, right], xlim, xlog);
  const up = valueAt(y, [bottom, top], ylim, ylog);
  const named = (label, value) => (label ? `${label} ${value}` : value);
  const numbers = [ruled[1] && named(ylabel, up), ruled[0] && named(xlabel, across)];
  return [name, numbers.filter(Boolean).join(", ")].filter(Boolean).join(": ");
}

// What is under the pointer, in words, beside it.
function makeReader(picture, model) {
  const tip = element("div", { class: "normlab-tip", "aria-hidden": "true" });
  const hide = () => (tip.hidden = true);
  const read = (event) => {
    const layer = event.target.closest?.(".normlab-panel")?.lastElementChild;
    if (!layer) return hide();
    const matrix = layer.getScreenCTM();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    layer.normlabPoints ??= readPoints(layer);
    const far = ({ x, y }) => Math.hypot(x - at.x, y - at.y) * matrix.a;
    const best = layer.normlabPoints.reduce((a, b) => (a && far(a) <= far(b) ? a : b), null);
    const inside = ({ box: [left, top, right, bottom] }) =>
      best.x >= left - 1 && best.x <= right + 1 && best.y >= top - 1 && best.y <= bottom + 1;
    const plot = best && far(best) < REACH && model.get("plots").find(inside);
    if (!plot) return hide();
    const { left, top, width } = picture.getBoundingClientRect();
    const place = new DOMPoint(best.x, best.y).matrixTransform(matrix);
    tip.textContent = say(best, plot);
    tip.style.left = `${place.x - left}px`;
    tip.style.top = `${place.y - top}px`;
    tip.classList.toggle("normlab-left", place.x - left > width / 2);
    tip.hidden = false;
    picture.append(tip);
  };
  for (const name of ["pointermove", "pointerdown"]) picture.addEventListener(name, read);
  picture.addEventListener("pointerleave", hide);
  return hide;
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
  const prefix = ownPrefix();
  const controls = model.get("controls");
  const pages = controls.filter((control) => control.role === "page");
  const status = element("p", { class: "normlab-status", role: "alert" });
  const bar = element("progress", { max: 1, "aria-label": "Drawing the new pictures" });
  const sides = model.get("beside") ? "normlab-picture normlab-beside" : "normlab-picture";
  const picture = element("div", { class: sides });
  const sentence = element("p", { class: "normlab-sentence", "aria-live": "polite" });
  const numbers = element("details", {}, element("summary", {}, model.get("beside") ? "Differences" : "Numbers"), makeTable([], []));
  numbers.open = model.get("beside");
  const requests = makeRequests(model, status);
  const { layers, prepareSoon } = makeLayers(model, pages);
  const forget = makeReader(picture, model);
  let drawn;

  const current = () => indicesAt(pages, model.get("position"), model);
  const place = () => {
    const { panels, size } = model.get("shape");
    const stacked = el.clientWidth < NARROW && panels.length > 1;
    const parts = stacked ? panels : [[0, 0, ...size]];
    const made = model.get("beside")
      ? drawn.map((frame, side) => makePanel(layers(frame, side), parts[0]))
      : parts.map((part, panel) => makePanel(layers(drawn[0], panel), part));
    picture.replaceChildren(...made);
    forget();
  };
  const turn = () => {
    box.setAttribute("aria-busy", true); // until the picture is the one that the controls say
    const inSight = current().map((index) => model.get("frames")[index]);
    if (!inSight.every(Boolean)) {
      // Python draws this one next. It is told when the change of the model is complete; within
      // it, saving would set the position before this one again.
      return queueMicrotask(() => model.save_changes());
    }
    drawn = inSight;
    place();
    sentence.textContent = drawn.map((frame) => frame.sentence).join(" ");
    const [frame] = drawn;
    const same = model.get("beside") && differences(drawn, model.get("same"));
    numbers.lastChild.replaceWith(same || makeTable(frame.columns, frame.rows));
    box.setAttribute("aria-busy", requests.waiting());
    prepareSoon();
  };
  const made = controls.map((control) => {
    if (control.role === "setting") {
      const index = model.get("request").settings[control.name];
      const choose = (i) => {
        requests.choose(control.name, i);
        box.setAttribute("aria-busy", true);
      };
      return makeControl(control, index, choose, prefix + control.name);
    }
    const axis = pages.indexOf(control);
    const move = (i) => {
      const position = [...model.get("position")];
      position[axis] = i;
      model.set("position", position);
    };
    return makeControl(control, model.get("position")[axis], move, prefix + control.name);
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
  const onFrame = ({ index }) => (current().includes(index) ? turn() : prepareSoon());

  const panel = element("div", { class: "normlab-controls" }, ...made.map((c) => c.node));
  const heading = element("div", { class: "normlab-title" }, model.get("title"));
  const stored = "Stored pictures: this cell was not run yet. ";
  const hint = controls.some(({ role }) => role === "setting") ? "Run it to change every setting." : "";
  const note = element("p", { class: "normlab-stored" }, stored + hint);
  const box = element("section", { class: "normlab-box normlab-explorer", "aria-label": model.get("title") });
  box.append(heading, makeFormula(model.get("formula")), panel, bar, status, picture, sentence, numbers, note);
  el.append(box);
  onProgress();
  turn();
  let narrow = el.clientWidth < NARROW;
  const watch = new ResizeObserver(() => {
    if (narrow === (narrow = el.clientWidth < NARROW) || !drawn) return;
    place();
  });
  watch.observe(el);

  const events = {
    "change:position": onPosition,
    "change:progress": onProgress,
    "change:answered": onAnswered,
    "change:problem": onProblem,
    "msg:custom": onFrame,
  };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    watch.disconnect();
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { initialize, render };
