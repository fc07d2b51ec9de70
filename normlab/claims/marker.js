// The browser side of claims that are marked, and bet on where there are levels: the text, the five
// words, how sure one is, keys, names for screen readers. Everything that is said goes to Python as
// one list that only grows: a mark is [claim, word], a bet [claim, word, percent].

const SLOW = 3000; // after so many ms without an answer Python is not there
const SILENT = "Not kept: Python does not answer. Run this cell, and mark again.";
const SURE = "How sure are you?";

function render({ model, el }) {
  const words = model.get("words");
  const levels = model.get("levels");
  const unknown = words.at(-1); // says that one does not know, so there is nothing to bet on
  const box = element("section", { class: "normlab-box normlab-marker", "aria-label": model.get("label") });
  const text = element("div", { class: "normlab-text" });
  const count = element("span", { class: "normlab-count" });
  // what was said last, and whether it was kept: for the ear at a fixed place, for the eye under the
  // words that are open
  const status = element("p", { class: "normlab-spoken", role: "status" });
  const seen = element("p", { class: "normlab-status", "aria-hidden": "true" });
  const tell = (heard, read = heard) => {
    status.textContent = heard;
    seen.textContent = read;
  };
  const spans = new Map(); // by claim, the pieces of its words
  let open = null;
  let timer;

  // what was said here comes before what is in the record, until Python has heard it
  const waiting = (claim, length) => {
    const unheard = model.get("said").slice(model.get("heard"));
    return unheard.filter((said) => said[0] === claim && said.length === length);
  };
  const marksOf = (claim) => {
    const kept = model.get("marks")[claim];
    const own = waiting(claim, 2);
    const last = own.length ? own.at(-1)[1] : kept?.[1];
    return last && { first: kept?.[0] ?? own[0][1], last, days: kept?.slice(2) };
  };
  // the first bet, which counts, and the last one
  const betsOf = (claim) => {
    const unheard = waiting(claim, 3).map(([, ...bet]) => bet);
    const made = [...(model.get("bets")[claim] ?? []), ...unheard];
    return made.length ? { first: made[0], last: made.at(-1) } : undefined;
  };
  const told = ([word, percent]) => `${word}, ${percent} %`;
  // what was said last, with how sure one was of that word
  const lastOf = (claim) => {
    const word = marksOf(claim)?.last;
    const bet = betsOf(claim)?.last;
    return word && bet?.[0] === word ? told(bet) : word;
  };
  const countsStill = (claim) => {
    const first = betsOf(claim)?.first;
    return first && told(first) !== lastOf(claim) ? `Your first bet counts: ${told(first)}.` : "";
  };
  const asks = (claim) => levels.length > 0 && ![undefined, unknown].includes(marksOf(claim)?.last);
  const isDone = (claim) => {
    if (!levels.length) return Boolean(marksOf(claim));
    const saidHere = model.get("said").findLast(([n]) => n === claim)?.[1];
    return Boolean(betsOf(claim)) || saidHere === unknown;
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
  const levelKeys = levels.map((_, i) => String((words.length + i + 1) % 10));
  const sure = element("div", { class: "normlab-levels", role: "group" });
  const levelButtons = levels.map((percent, i) => {
    const key = element("kbd", { "aria-hidden": "true" }, levelKeys[i]);
    const button = element("button", { type: "button", class: "jp-mod-styled" }, key, ` ${percent} %`);
    button.setAttribute("aria-keyshortcuts", levelKeys[i]);
    button.addEventListener("click", () => bet(open, percent));
    return button;
  });
  sure.append(element("span", { class: "normlab-ask" }, SURE), ...levelButtons);
  panel.append(...buttons, sure, before);

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
    sure.hidden = !asks(open);
    sure.setAttribute("aria-label", `Claim ${open}: how sure are you?`);
    levelButtons.forEach((button, i) => {
      const [word, percent] = betsOf(open)?.last ?? [];
      button.setAttribute("aria-pressed", String(word === marks?.last && percent === levels[i]));
    });
    const since = marks?.days && marks.first !== marks.last;
    const atFirst = since ? `At first, on ${marks.days[0]}, you said: ${marks.first}.` : "";
    before.textContent = [countsStill(open), atFirst].filter(Boolean).join(" ");
    const line = spans.get(open).at(-1).node.closest(".normlab-line");
    if (line.nextElementSibling !== panel) line.after(panel); // to move it would take the focus
  };
  const show = () => {
    let made = 0;
    for (const [claim, pieces] of spans) {
      const marks = marksOf(claim);
      const done = levels.length ? betsOf(claim) : marks;
      made += done ? 1 : 0;
      pieces.forEach(({ node }) => node.classList.toggle("normlab-said", Boolean(done)));
      const { tag, spoken } = pieces.at(-1);
      tag.textContent = lastOf(claim) ?? "";
      spoken.textContent = done ? "" : marks ? ", no bet yet" : ", not marked yet";
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
    return [...order.slice(at + 1), ...order.slice(0, at)].find((n) => !isDone(n)) ?? null;
  };
  const tellSaid = () => {
    const [claim, ...said] = model.get("said").at(-1);
    const what = `Claim ${claim}: ${said.length > 1 ? told(said) : said[0]}.`;
    if (said.length === 1 && asks(claim)) return tell(`${what} ${SURE}`, what);
    const done = `${count.textContent} ${levels.length ? "with a bet" : "marked"}.`;
    tell([what, countsStill(claim), done].filter(Boolean).join(" "));
  };
  const waitForPython = () => {
    clearTimeout(timer);
    timer = setTimeout(() => tell(SILENT), SLOW);
  };
  const send = (...said) => {
    model.set("said", [...model.get("said"), said]);
    model.save_changes();
    waitForPython();
    show();
    tellSaid();
  };
  const goOn = (claim) => {
    const to = next(claim);
    openClaim(to);
    if (to === null) spans.get(claim)[0].node.focus({ preventScroll: true });
  };
  const say = (claim, word) => {
    send(claim, word);
    if (!asks(claim)) goOn(claim);
    else if (open !== claim) openClaim(claim);
  };
  const bet = (claim, percent) => {
    send(claim, marksOf(claim).last, percent);
    goOn(claim);
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
    const level = levels[levelKeys.indexOf(event.key)];
    const claim = piece ? piece[0] : panel.contains(event.target) ? open : null;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (word && claim !== null) {
      event.preventDefault();
      say(claim, word);
    } else if (level && claim !== null && asks(claim)) {
      event.preventDefault();
      bet(claim, level);
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
  if (alone) open = [...spans.keys()].find((claim) => !isDone(claim)) ?? null;
  show();

  const onHeard = () => {
    show();
    const all = model.get("heard") >= model.get("said").length;
    if (all) clearTimeout(timer);
    if (model.get("notice")) tell(model.get("notice"));
    else if (all && status.textContent === SILENT) tellSaid(); // the answer came late
  };
  const events = { "change:marks": onHeard, "change:bets": onHeard, "change:heard": onHeard, "change:notice": onHeard };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);
  return () => {
    clearTimeout(timer);
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
  };
}

export default { render };
