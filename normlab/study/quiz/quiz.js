// The browser side of a question: options, keyboard, names for screen readers, and the answers,
// which are in the model from the start and shown when the reader has chosen.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Texts come from Python as HTML that is already escaped.
function written(tag, attributes, html) {
  const node = element(tag, attributes);
  node.innerHTML = html;
  return node;
}

function makeOption(option, index) {
  const input = element("input", { type: "radio", name: "option", value: index });
  const mark = element("span", { class: "normlab-mark" });
  const letter = element("span", {}, `(${option.letter})`);
  const text = written("span", {}, option.text);
  return { input, mark, node: element("label", {}, input, letter, text, mark) };
}

// What an option is worth, and the program that shows it.
function makeReason(option) {
  const nodes = [written("div", {}, option.why)];
  if (option.refute) {
    nodes.push(element("pre", {}, option.refute), "prints", element("pre", {}, option.shows));
  }
  return nodes;
}

function makeVerdict(sentence, option) {
  const verdict = element("p", { class: "normlab-verdict" }, sentence);
  return element("div", {}, verdict, ...makeReason(option));
}

// The chosen option first, then the right one.
function makeVerdicts(options, chosen) {
  const right = options.find((option) => option.right);
  if (chosen.right) return [makeVerdict(`✓ (${chosen.letter}) is right.`, chosen)];
  return [
    makeVerdict(`✗ (${chosen.letter}) is not right.`, chosen),
    makeVerdict(`✓ The right answer is (${right.letter}).`, right),
  ];
}

function makeOther(option) {
  const summary = element("summary", {}, `✗ Why not (${option.letter})?`);
  return element("details", {}, summary, ...makeReason(option));
}

function render({ model, el }) {
  const { text, options } = model.get("question");
  const made = options.map(makeOption);
  const legend = written("legend", {}, text);
  const fieldset = element("fieldset", {}, legend, ...made.map((option) => option.node));
  const button = element("button", { type: "submit", class: "jp-mod-styled" }, "Reveal");
  const form = element("form", {}, fieldset, button);
  const notice = element("p", { class: "normlab-notice", role: "status" });
  const verdicts = element("div", { "aria-live": "polite" });
  const others = element("div");
  const box = element("section", { class: "normlab-quiz", "aria-label": "Question" });
  let timer;

  const show = () => {
    const answer = model.get("answer");
    if (answer === null) return;
    made[answer].input.checked = true;
    made.forEach(({ mark }, i) => {
      mark.textContent = options[i].right ? "✓ right" : i === answer ? "✗ your answer" : "";
    });
    const rest = options.filter((option, i) => !option.right && i !== answer);
    verdicts.replaceChildren(...makeVerdicts(options, options[answer]));
    others.replaceChildren(...rest.map(makeOther));
  };
  const waitForPython = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (model.get("recorded") === model.get("answer")) return;
      notice.textContent = "Not counted: Python does not answer. Run this cell to have it counted.";
    }, 3000);
  };
  const reveal = (event) => {
    event.preventDefault();
    const answer = made.findIndex(({ input }) => input.checked);
    notice.textContent = answer < 0 ? "Choose an answer first." : model.get("notice");
    if (answer < 0 || answer === model.get("answer")) return;
    model.set("answer", answer);
    model.save_changes();
    waitForPython();
  };
  const onNotice = () => (notice.textContent = model.get("notice"));

  box.dataset.lmSuppressShortcuts = "true"; // JupyterLab binds arrow keys, Enter and letters
  box.addEventListener("keydown", (event) => event.stopPropagation());
  form.addEventListener("submit", reveal);
  box.append(form, notice, verdicts, others);
  el.append(box);
  show();

  const events = { "change:answer": show, "change:notice": onNotice };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    clearTimeout(timer);
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { render };
