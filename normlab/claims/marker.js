// The browser side of claims that are marked: the text, the five words, keys, names for screen
// readers. Everything that is said goes to Python as one list that only grows.

const SLOW = 3000; // after so many ms without an answer Python is not there
const SILENT = "Not kept: Python does not answer. Run this cell, and mark again.";

function render({ model, el }) {
  const words = model.get("words");
  const box = element("section", { class: "normlab-box normlab-marker", "aria-label": model.get("label") });
  const text = element("div", { class: "normlab-text" });
  const count = element("span", { class: "normlab-count" });
  // what was said last, and whether it was kept: for the ear at a fixed place, for the eye under the
  // words that are open
  const status = element("p", { class: "normlab-spoken", role: "status" });
  const seen = element("p", { class: "normlab-status", "aria-hidden": "true" });
  const tell = (sentence) => [status, seen].forEach((node) => (node.textContent = sentence));
  const spans = new Map(); // by claim, the pieces of its words
  let open = null;
  let timer;

  // what was said here comes before what is in the record, until Python has heard it
  const marksOf = (claim) => {
    const kept = model.get("marks")[claim];
    const waiting = model.get("said").slice(model.get("heard")).filter(([n]) => n === claim);
    const last = waiting.length ? waiting.at(-1)[1] : kept?.[1];
    return last && { first: kept?.[0] ?? waiting[0][1], last, days: kept?.slice(2) };
  };

  const panel = element("div", { class: "normlab-words", role: "group" });
  const buttons = words.map((word, i) => {
    const key = element("kbd", { "aria-hidden": "true" }, String(i + 1));
    const button = element("button", { type: "button", class: "jp-mod-styled" }, key, ` ${word}`);
    button.setAttribute("aria-keyshortcuts", String(i + 1));
    button.addEventListener("click", () => say(open, word));
    return button;
  });
  const before = element("p", { class: "normlab-before" });
  panel.append(...buttons, before);

  const showPanel = () => {
    for (const [claim, pieces] of spans) {
      for (const { node } of pieces) node.setAttribute("aria-expanded", String(claim === open));
    }
    (open === null ? text : panel).append(seen);
    if (open === null) return panel.remove();
    const marks = marksOf(open);
    panel.setAttribute("aria-label", `Claim ${open}: your mark`);
    buttons.forEach((button, i) =>
      button.setAttribute("aria-pressed", String(words[i] === marks?.last)),
    );
    const since = marks?.days && marks.first !== marks.last;
    before.textContent = since ? `At first, on ${marks.days[0]}, you said: ${marks.first}.` : "";
    const line = spans.get(open).at(-1).node.closest(".normlab-line");
    if (line.nextElementSibling !== panel) line.after(panel); // to move it would take the focus
  };
  const show = () => {
    let made = 0;
    for (const [claim, pieces] of spans) {
      const marks = marksOf(claim);
      made += marks ? 1 : 0;
      pieces.forEach(({ node }) => node.classList.toggle("normlab-said", Boolean(marks)));
      const { tag, spoken } = pieces.at(-1);
      tag.textContent = marks ? marks.last : "";
      spoken.textContent = marks ? "" : ", not marked yet";
    }
    count.textContent = `${made} of ${spans.size}`;
    showPanel();
  };
  const openClaim = (claim) => {
    open = claim;
    showPanel();
    if (claim === null) return;
    const { node } = spans.get(claim)[0];
    node.focus({ preventScroll: true });
    panel.scrollIntoView({ block: "nearest" });
    node.scrollIntoView({ block: "nearest" });
  };
  const next = (claim) => {
    const order = [...spans.keys()];
    const at = order.indexOf(claim);
    return [...order.slice(at + 1), ...order.slice(0, at)].find((n) => !marksOf(n)) ?? null;
  };
  const tellMark = () => {
    const [claim, word] = model.get("said").at(-1);
    tell(`Claim ${claim}: ${word}. ${count.textContent} marked.`);
  };
  const waitForPython = () => {
    clearTimeout(timer);
    timer = setTimeout(() => tell(SILENT), SLOW);
  };
  const say = (claim, word) => {
    model.set("said", [...model.get("said"), [claim, word]]);
    model.save_changes();
    waitForPython();
    show();
    const to = next(claim);
    tellMark();
    openClaim(to);
    if (to === null) spans.get(claim)[0].node.focus({ preventScroll: true });
  };

  const makePiece = (words, claim, first) => {
    const number = element("sup", {}, element("span", { class: "normlab-spoken" }, "Claim "), `${claim} `);
    const tag = element("span", { class: "normlab-tag" });
    const spoken = element("span", { class: "normlab-spoken" });
    const node = element("span", { class: "normlab-claim", role: "button", "aria-expanded": "false" });
    node.setAttribute("tabindex", first ? "0" : "-1");
    node.append(...(first ? [number] : []), words);
    node.addEventListener("click", () => openClaim(open === claim ? null : claim));
    const pieces = spans.get(claim) ?? [];
    pieces.at(-1)?.tag.remove();
    pieces.at(-1)?.spoken.remove();
    spans.set(claim, [...pieces, { node, tag, spoken }]);
    node.append(spoken, tag);
    return node;
  };
  for (const { kind, parts } of model.get("lines")) {
    const line = element("div", { class: `normlab-line normlab-${kind}` });
    for (const [words, claim] of parts) {
      line.append(claim === null ? words : makePiece(words, claim, !spans.has(claim)));
    }
    text.append(line);
  }

  const onKey = (event) => {
    const piece = [...spans].find(([, pieces]) => pieces.some(({ node }) => node === event.target));
    const word = words[Number(event.key) - 1];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (word && (piece || panel.contains(event.target))) {
      event.preventDefault();
      say(piece ? piece[0] : open, word);
    } else if (piece && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      openClaim(open === piece[0] ? null : piece[0]);
    } else if (event.key === "Escape" && open !== null) {
      const { node } = spans.get(open)[0];
      openClaim(null);
      node.focus();
    }
  };
  keepKeys(box);
  box.addEventListener("keydown", onKey);

  const head = element("div", { class: "normlab-head" });
  head.append(element("span", { class: "normlab-label" }, model.get("label")), count);
  tell(model.get("notice"));
  box.append(head, text, status);
  el.append(box);
  // sentences alone have their words in sight as long as one is unmarked
  const alone = model.get("lines").every(({ parts }) => parts.every(([, claim]) => claim !== null));
  if (alone) open = [...spans.keys()].find((claim) => !marksOf(claim)) ?? null;
  show();

  const onHeard = () => {
    show();
    const all = model.get("heard") >= model.get("said").length;
    if (all) clearTimeout(timer);
    if (model.get("notice")) tell(model.get("notice"));
    else if (all && status.textContent === SILENT) tellMark(); // the answer came late
  };
  const events = { "change:marks": onHeard, "change:heard": onHeard, "change:notice": onHeard };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    clearTimeout(timer);
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { render };
