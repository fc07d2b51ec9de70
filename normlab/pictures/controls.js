// What explorers and tokens share: controls, a table, a formula.

function makeSlider(control, onMove) {
  const last = control.values.length - 1;
  const shown = element("output", { class: "normlab-value" });
  const input = element("input", { type: "range", min: 0, max: last, step: 1 });
  const show = (i) => {
    input.value = i;
    shown.textContent = control.values[i];
    input.setAttribute("aria-valuetext", control.values[i]);
  };
  input.setAttribute("aria-label", control.label);
  input.addEventListener("input", () => {
    show(Number(input.value));
    onMove(Number(input.value));
  });
  const ticks = element("div", { class: "normlab-ticks", "aria-hidden": "true" });
  for (let i = 0; i <= last && last <= 24; i++) ticks.append(element("span"));
  const ends = element("div", { class: "normlab-ends", "aria-hidden": "true" });
  ends.append(element("span", {}, control.values[0]), element("span", {}, control.values[last]));
  const track = element("div", { class: "normlab-track" }, input, ticks, ends);
  const name = element("span", { class: "normlab-name" }, control.label);
  const node = element("label", { class: "normlab-slider" }, name, track, shown);
  return { node, input, show };
}

function makeMenu(control, onMove) {
  const input = element("select", { "aria-label": control.label });
  control.values.forEach((value, i) => input.append(element("option", { value: i }, value)));
  input.addEventListener("input", () => onMove(Number(input.value)));
  const name = element("span", { class: "normlab-name" }, control.label);
  const node = element("label", { class: "normlab-menu" }, name, input);
  return { node, input, show: (i) => (input.value = i) };
}

// Up to five choices stand side by side.
function makeSegments(control, onMove, group) {
  const buttons = control.values.map((value, i) => {
    const input = element("input", { type: "radio", name: group, value: i });
    input.addEventListener("input", () => onMove(i));
    return { input, node: element("label", {}, input, element("span", {}, value)) };
  });
  const bar = element("div", { class: "normlab-segments", role: "radiogroup" });
  bar.setAttribute("aria-label", control.label);
  bar.append(...buttons.map(({ node }) => node));
  const name = element("span", { class: "normlab-name" }, control.label);
  const node = element("div", { class: "normlab-choice" }, name, bar);
  return { node, input: bar, show: (i) => (buttons[i].input.checked = true) };
}

function makeControl(control, index, onMove, group) {
  const few = control.values.length <= 5;
  const make = control.kind === "slider" ? makeSlider : few ? makeSegments : makeMenu;
  const made = make(control, onMove, group);
  made.input.dataset.name = control.name;
  made.input.dataset.role = control.role;
  keepKeys(made.input);
  made.show(index);
  return made;
}

function makeTable(columns, rows) {
  const row = (cells, tag) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
  const head = element("thead", {}, row(columns, "th"));
  return element("table", {}, head, element("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
}

// The terms of a formula, each in the colour of what it stands for in the picture.
function makeFormula(terms) {
  const spans = terms.map(([text, color]) => {
    const span = element("span", {}, text);
    if (color) span.style.color = color;
    return span;
  });
  return element("p", { class: "normlab-formula" }, ...spans);
}
