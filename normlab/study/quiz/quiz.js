// The browser side of a question: the place for its answer, keyboard, names for screen readers, and
// what the answer is worth, which is in the model from the start and shown when there is one.

const SLOW = 3000; // after so many ms without an answer Python is not there
const SILENT = "Not counted: Python does not answer. Run this cell to have it counted.";

// What stands behind a question opens with it: folded texts, up to the next question or section.
function openBehind(el) {
  let cell = el.closest(".jp-Cell")?.nextElementSibling;
  for (; cell && !cell.querySelector(".normlab-quiz, h2"); cell = cell.nextElementSibling) {
    for (const summary of cell.querySelectorAll(".jp-MarkdownOutput details > summary")) {
      if (summary.textContent === "What it shows") summary.parentElement.open = true;
    }
  }
}

function render({ model, el }) {
  const question = model.get("question");
  const kind = KINDS[question.kind](question);
  const legend = written("legend", {}, question.text);
  const fieldset = element("fieldset", {}, legend, ...kind.nodes);
  const button = element("button", { type: "submit", class: "jp-mod-styled" }, "Reveal");
  const form = element("form", {}, fieldset, button);
  const notice = element("p", { class: "normlab-notice", role: "status" });
  const verdicts = element("div", { class: "normlab-verdicts", "aria-live": "polite" });
  const box = element("section", { class: "normlab-box normlab-quiz", "aria-label": "Question" });
  let timer;

  const show = () => {
    const answer = model.get("answer");
    if (answer === null) return;
    kind.show(answer);
    verdicts.replaceChildren(...kind.verdicts(answer));
    openBehind(el);
  };
  const waitForPython = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (notice.textContent = SILENT), SLOW);
  };
  const reveal = (event) => {
    event.preventDefault();
    const { answer, ask } = kind.read();
    notice.textContent = ask ?? model.get("notice");
    if (ask || JSON.stringify(answer) === JSON.stringify(model.get("answer"))) return;
    model.set("answer", answer);
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
    waitForPython();
  };
  const onRecorded = () => {
    if (model.get("recorded") < model.get("asked")) return;
    clearTimeout(timer);
    notice.textContent = model.get("notice"); // in place of SILENT, if the answer came late
  };

  keepKeys(box);
  form.addEventListener("submit", reveal);
  box.append(element("div", { class: "normlab-label" }, model.get("label")), form, notice, verdicts);
  el.append(box);
  requestAnimationFrame(show); // when the cell is in the page

  const events = { "change:answer": show, "change:recorded": onRecorded };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    clearTimeout(timer);
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { render };
