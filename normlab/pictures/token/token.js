// The browser side of a token that can be grabbed. The state of a view is in the model: `start`
// as Python made it, `now` as the learner left it. No step of it needs Python.
//
// What is shown of the token is the view, a script of a chapter. It has `makeView`, which takes what
// `render` gives it below, and returns its nodes and `draw(state, reaches)`; this returns one sentence
// and a table: { sentence, columns, rows }.

const EPSILONS = [0, 1e-5, 1e-3, 1];
const FEATURES = [3, 4, 5, 6, 7, 8];

function makeButton(name, onClick) {
  const button = element("button", { type: "button" }, name);
  button.addEventListener("click", onClick);
  keepKeys(button);
  return button;
}

const sayEps = (value) => (value === 1e-5 ? "1e-5" : String(value));

function render({ model, el }) {
  const prefix = ownPrefix();
  const colors = model.get("colors");
  // the eye follows a hand that moves; the ear hears where it came to rest
  const sentence = element("p", { class: "normlab-sentence", "aria-hidden": "true" });
  const spoken = element("p", { class: "normlab-spoken", "aria-live": "polite" });
  const numbers = element("details", {}, element("summary", {}, "Numbers"), makeTable([], []));
  const pickers = [];
  let [held, reach, saving] = [false, null, undefined];

  const get = () => ({ ...model.get("start"), ...model.get("now") });
  const save = () => {
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 300);
  };
  const set = (changes, dragged = false) => {
    held = dragged;
    model.set("now", { ...model.get("now"), ...changes });
    save();
  };
  const change = (key) => (i, value) =>
    set({ [key]: get()[key].map((v, k) => (k === i ? value : v)) }, true);
  const settle = () => {
    held = false;
    draw();
  };
  // Scales stand still while something is dragged.
  const reaches = (compute) => (reach = held && reach ? reach : compute());
  // A row of choices, or a slider, which sets one part of the state.
  const pick = (
    key,
    label,
    values,
    { show = (v) => String(v), slider = false, onPick, read } = {},
  ) => {
    const control = { label, values: values.map(show) };
    const onMove = (i) => (onPick ? onPick(values[i]) : set({ [key]: values[i] }, slider));
    const made = slider ? makeSlider(control, onMove) : makeSegments(control, onMove, prefix + key);
    made.input.dataset.name = key;
    if (slider) made.input.addEventListener("change", settle);
    keepKeys(made.input);
    pickers.push((state) => {
      const now = read ? read(state) : state[key];
      const far = values.map((value) => (value === now ? 0 : Math.abs(value - now)));
      const i = far.indexOf(Math.min(...far.filter(Number.isFinite)));
      made.show(i);
      if (slider && Math.abs(values[i] - now) > 1e-9)
        made.node.querySelector("output").textContent = short(now);
    });
    return made.node;
  };
  const features = () => pick("features", "features D", FEATURES);
  const eps = () => pick("eps", "ε", EPSILONS, { show: sayEps });
  const view = makeView({ get, set, change, settle, colors, prefix, pick, features, eps });
  const draw = () => {
    const state = get();
    pickers.forEach((show) => show(state));
    const said = view.draw(state, reaches);
    sentence.textContent = said.sentence;
    if (!held && spoken.textContent !== said.sentence) spoken.textContent = said.sentence;
    numbers.lastChild.replaceWith(makeTable(said.columns, said.rows));
  };
  const again = makeButton("Start again", () => {
    held = false;
    model.set("now", {});
    save();
  });

  const box = element("section", {
    class: "normlab-box normlab-token",
    "aria-label": model.get("title"),
  });
  const heading = element("div", { class: "normlab-title" }, model.get("title"));
  const picture = element("div", { class: "normlab-picture" }, ...view.nodes);
  const last = element("div", { class: "normlab-buttons" }, again);
  box.append(heading, makeFormula(model.get("formula")), picture, sentence, spoken, last, numbers);
  el.append(box);
  draw();
  let width;
  const watch = new ResizeObserver(([{ contentRect }]) => {
    if (width !== (width = contentRect.width)) draw(); // its height follows from what is drawn
  });
  watch.observe(box);
  model.on("change:now", draw);
  return () => {
    watch.disconnect();
    clearTimeout(saving);
    model.off("change:now", draw);
  };
}

export default { render };
