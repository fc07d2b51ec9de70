// The page of the learner's progress, in the words of `normlab progress`, and the file to take along.

import { earlierAnswers } from "./kept_answers.js";
import { importRecord, readRecord } from "./progress.js";
import { earlierFirst, putAside } from "./record.js";
import { countDue } from "./reviews.js";
import { download, saveProgress } from "./unkept.js";

const course = JSON.parse(document.getElementById("normlab-course").textContent);
const place = document.getElementById("normlab-progress");
const said = document.getElementById("normlab-exchanged");
const SEGMENTS = 5;
const BLOCKS = "▁▂▃▄▅▆▇█";

const element = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const digits = (number) => String(Number(number.toPrecision(4)));
const day = (time) => {
  const at = new Date(time);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
};

// A bar of five segments, full only if all is done and empty only if nothing is.
function bar(done, total) {
  const filled = Math.max(Math.floor((SEGMENTS * done) / total), done > 0 ? 1 : 0);
  return "▰".repeat(filled) + "▱".repeat(SEGMENTS - filled);
}

function progressOf(chapter, record) {
  const first = (question) => record.answers[question.id]?.[0];
  const made = chapter.questions.map(first).filter(Boolean);
  const core = chapter.questions.filter(({ deep }) => !deep);
  const missing = core.filter((question) => !first(question));
  const read = !missing.length && core.length ? core.map(first).sort(earlierFirst).at(-1).time : null;
  const works = Object.entries(chapter.exercises).flatMap(([exercise, functions]) =>
    Object.entries(functions).map(([name, most]) => {
      const points = most * (record.results[`${exercise}:${name}`]?.share ?? 0);
      return { exercise, name, most, points };
    }),
  );
  return { chapter, made, missing, read, works };
}

function cells({ chapter, made, read, works }) {
  const right = made.filter(({ surprise }) => surprise === 0).length;
  const asked = chapter.questions.length;
  const [points, most] = [sum(works.map((w) => w.points)), sum(works.map((w) => w.most))];
  return [
    `${chapter.number} ${chapter.title}`,
    read ? `✓ ${day(read)}` : "–",
    asked ? `${bar(made.length, asked)} ${made.length} of ${asked}, ${right} right` : "none",
    most ? `${bar(points, most)} ${digits(points)} of ${digits(most)} points` : "none",
  ];
}

// What is left: what comes back, then to read a chapter, then its exercises; with the page where that
// is done. A question comes back with other numbers, which only Python has.
function nextStep(all, record) {
  const due = countDue(record, all.flatMap(({ chapter }) => chapter.questions), course.waits);
  if (due) {
    const come = due === 1 ? "1 question comes" : `${due} questions come`;
    return [`${come} back today: take your progress to your desk, as below, and run normlab review there.`, null];
  }
  for (const { chapter, made, missing, works } of all) {
    if (missing.length) {
      const left = made.length ? `: ${missing.length} of its predictions are open` : "";
      return [`Read chapter ${chapter.number}, ${chapter.title}${left}.`, chapter.page];
    }
    const open = works.find(({ points, most }) => points < most);
    if (open) {
      const sentence = `Write ${open.name} in exercise ${open.exercise}: ${digits(open.points)} of ${digits(open.most)} points so far.`;
      return [sentence, `exercises/${open.exercise}.html`];
    }
  }
  return ["All chapters are read, and all exercises are solved.", null];
}

function makeTable(heads, rows) {
  const row = ([first, ...others]) =>
    element("tr", {}, element("th", { scope: "row" }, first), ...others.map((cell) => element("td", {}, cell)));
  const head = element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", { class: "table" }, element("thead", {}, head), element("tbody", {}, ...rows.map(row)));
  const region = { class: "normlab-scroll", role: "region", tabindex: 0, "aria-label": `By ${heads[0]}` };
  return element("div", region, table);
}

// With one digit, as Python writes it: of two that are as near, the even one.
const oneDigit = (size) => (size === 0.25 ? "0.2" : size.toFixed(1));
const mean = (sizes) => oneDigit(sum(sizes) / sizes.length);
const strip = (sizes) => sizes.map((size) => BLOCKS[Math.round(size * (BLOCKS.length - 1))]).join("");

function surpriseTable(name, predictions, group) {
  const groups = new Map();
  for (const each of predictions) groups.set(group(each), [...(groups.get(group(each)) ?? []), each.surprise]);
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, sizes]) => [
    key, sizes.length, sizes.filter(Boolean).length, mean(sizes), strip(sizes),
  ]);
  return makeTable([name, "predictions", "surprises", "mean size", "one by one"], rows);
}

function surprises(record) {
  const questions = course.chapters.flatMap(({ number, questions: own }) => own.map((q) => ({ ...q, chapter: number })));
  const made = questions
    .filter(({ id }) => record.answers[id])
    .map((question) => ({ ...question, ...record.answers[question.id][0] }))
    .sort(earlierFirst);
  if (!made.length) return [];
  const wrong = made.map(({ surprise }) => surprise).filter(Boolean);
  const size = wrong.length ? `; their mean size is ${mean(wrong)} of 1` : "";
  const tables = [surpriseTable("theme", made, ({ theme }) => theme)];
  if (new Set(made.map(({ chapter }) => chapter)).size > 1) {
    tables.unshift(surpriseTable("chapter", made, ({ chapter }) => chapter));
  }
  return [element("p", {}, `${made.length} predictions, ${wrong.length} surprises${size}.`), ...tables];
}

function showProgress() {
  const record = readRecord();
  const all = course.chapters.map((chapter) => progressOf(chapter, record));
  const table = makeTable(["chapter", "read", "predictions", "exercises"], all.map((each) => {
    const [name, ...others] = cells(each);
    return [element("a", { href: each.chapter.page }, name), ...others];
  }));
  const [sentence, page] = nextStep(all, record);
  const next = element("p", { id: "normlab-next" }, "Next: ", page ? element("a", { href: page }, sentence) : sentence);
  const marked = Object.keys(record.marks).filter((number) => number <= course.claims).length;
  const marks = element("p", {}, `Claims of the seed text: marked ${marked} of ${course.claims}.`);
  const placed = Object.keys(record.bets).filter((number) => number <= course.claims).length;
  // this page knows no verdict, so it cannot count what they won
  const bets = element("p", {}, `Bets on them: ${placed}. On your machine \`normlab progress\` counts their bits.`);
  place.replaceChildren(table, next, ...(marked ? [marks] : []), ...(placed ? [bets] : []), ...surprises(record));
  showEarlier();
}

function showEarlier() {
  const folds = earlierAnswers().map(({ exercise, function: name, time, source }) => {
    const summary = element("summary", {}, `${name} of exercise ${exercise}, as it was on ${day(time)}`);
    return element("details", {}, summary, element("pre", {}, source));
  });
  const title = folds.length ? [element("h3", {}, "Earlier answers")] : [];
  document.getElementById("normlab-earlier").replaceChildren(...showAside(), ...title, ...folds);
}

function showAside() {
  return putAside().map((text, i) => {
    const name = `normlab-record-put-aside-${i + 1}.json`;
    const button = element("button", { type: "button", class: "normlab-button" }, "Download it");
    button.addEventListener("click", () => download(name, text));
    return element("p", {}, "A record that this page could not read was put aside, and a new one begun. ", button);
  });
}

function save() {
  said.textContent = `Your progress is in ${saveProgress()}, where this browser puts downloads.`;
}

async function takeIn({ target }) {
  const [file] = target.files;
  if (!file) return;
  try {
    said.textContent = `${file.name} is taken in: ${await importRecord(file)}`;
  } catch (error) {
    said.textContent = `${file.name} cannot be taken in: ${error.message} Nothing of it was.`;
  }
  target.value = ""; // so that the same file can be chosen again
}

document.getElementById("normlab-export").addEventListener("click", save);
document.getElementById("normlab-import").addEventListener("change", takeIn);
document.addEventListener("normlab:record", showProgress);
addEventListener("storage", showProgress);
addEventListener("pageshow", showProgress);
document.querySelector(".normlab-exchange").hidden = false;
showProgress();
