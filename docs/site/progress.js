// The learner's record, for the scripts of every page, and the file that takes it to the desk
// (`normlab progress --import FILE`) and back.
//
//   record("answered", "one-hot", { answer: "b", surprise: 1, again: false })
//   record("solved", "01_layer_norm:layer_norm", { points: 2, max_points: 4 })
//   record("marked", 25, { word: "wrong" })
//   record("bet", 25, { word: "wrong", percent: 75 })
//
// Every change is told to the page by the event `normlab:record` on `document`, and by
// `normlab:unkept` that the browser does not store it. `recordAnswer` and `lastAnswer` serve the widgets of
// questions, `marksState` and `betsState` those of claims. Answers to exercises are read from the items
// `normlab:answer:EXERCISE:FUNCTION` of the browser's storage, wherever they were written.

import { FORMAT, READ, VERSION, addEntry, asStored, checkEntry, checkParts, historyOf, isText, now, readEntries, writeItems } from "./record.js";
import { answerItems, checkAnswer, distinct, earlierAnswers, keyOf, presentAnswers, storedAnswers } from "./kept_answers.js";

const LARGEST = 20e6;

const changed = () => document.dispatchEvent(new CustomEvent("normlab:record"));

export function record(kind, name, value) {
  const [exercise, ...rest] = String(name).split(":");
  const named = {
    answered: { question: name },
    solved: { exercise, function: rest.join(":") },
    marked: { claim: Number(name) },
    bet: { claim: Number(name) },
    tried: { challenge: name },
  }[kind];
  const share = value.points / value.max_points;
  if (kind === "solved" && share <= (readRecord().results[name]?.share ?? 0)) return;
  addEntry(kind, { ...named, ...value });
  changed();
}

// { entries, answers: by question, results: by "exercise:function", marks and bets: by claim, tries }
export const readRecord = () => historyOf(readEntries());

// ---- questions: how far an answer is from the right one, as normlab/study/quiz/answers.py has it

function surpriseOf(question, answer) {
  if (question.kind === "choice") return question.options[answer].right ? 0 : 1;
  if (question.kind === "sentence") {
    return 1 - answer.said.filter(Boolean).length / question.points.length;
  }
  const [given, right] = question.kind === "number" ? [[answer], [question.answer]] : [answer, question.answer];
  const distance = (a, b) => {
    if (!question.log) return Math.abs(a - b);
    return a * b > 0 ? Math.abs(Math.log(a / b)) : Infinity;
  };
  const mean = right.reduce((sum, value, i) => sum + distance(given[i], value), 0) / right.length;
  const [near, far] = [question.near, question.far].map((x) => (question.log ? Math.log(x) : x));
  return mean <= near * (1 + 1e-9) ? 0 : Math.min(1, mean / far);
}

// Keep an answer that a question's widget has in its model.
export function recordAnswer(question, answer) {
  const texts = { choice: () => question.options[answer].letter, number: () => String(answer) };
  const text = (texts[question.kind] ?? (() => JSON.stringify(answer)))();
  record("answered", question.id, {
    answer: text,
    surprise: surpriseOf(question, answer),
    again: false,
  });
}

// The last answer to a question, as its widget has it in its model; null if there is none.
export function lastAnswer(question) {
  // a question that was asked again had other numbers
  const kept = readRecord().answers[question.id]?.findLast(({ again }) => !again);
  if (!kept) return null;
  if (question.kind === "choice") {
    const place = question.options.findIndex(({ letter }) => letter === kept.answer);
    return place < 0 ? null : place;
  }
  let answer;
  try {
    answer = JSON.parse(kept.answer);
  } catch {
    return null;
  }
  const suits = {
    number: () => Number.isFinite(answer),
    drawing: () => Array.isArray(answer) && answer.length === question.x.length && answer.every(Number.isFinite),
    sentence: () => isText(answer?.text) && Array.isArray(answer.said) && answer.said.length === question.points.length,
  }[question.kind];
  return suits() ? answer : null;
}

// ---- claims

const day = (time) => {
  const at = new Date(time);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
};

// What was said of each claim, as the marker of claims has it in its model: the first word, the
// last one, and the days of both.
export function marksState() {
  const state = {};
  for (const [claim, marks] of Object.entries(readRecord().marks)) {
    const [first, last] = [marks[0], marks.at(-1)];
    state[claim] = [first.word, last.word, day(first.time), day(last.time)];
  }
  return state;
}

// The first bet on each claim and the last one, as the marker has them in its model: word, percent
// and day of each.
export function betsState() {
  const told = ({ word, percent, time }) => [word, percent, day(time)];
  const bets = Object.entries(readRecord().bets);
  return Object.fromEntries(bets.map(([claim, made]) => [claim, [told(made[0]), told(made.at(-1))]]));
}

// ---- the file

// All that is kept here, as the text of a file.
export function exportRecord() {
  const answers = distinct([...earlierAnswers(), ...presentAnswers()]);
  const made = { by: "the course's site", time: now() };
  const whole = { format: FORMAT, version: VERSION, made, entries: readRecord().entries, answers };
  return `${JSON.stringify(whole, null, 1)}\n`;
}

const sameEntry = (a, b) => Object.keys({ ...a, ...b }).every((name) => a[name] === b[name]);

function parsed(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is no JSON (${error.message}).`);
  }
  if (content?.format !== FORMAT) {
    throw new Error("it is no file of a learner's progress; expected one that this page or `normlab progress --export` wrote.");
  }
  if (!READ.includes(content.version)) {
    throw new Error(`it is of version ${JSON.stringify(content.version)}, and this page knows ${READ.join(" and ")}; load the page anew to get the newest one.`);
  }
  const list = [Array.isArray, "a list"];
  const made = [(value) => typeof value === "object", "an object"];
  const same = (expected) => [(value) => value === expected, JSON.stringify(expected)];
  const parts = { format: same(FORMAT), version: same(content.version), made, entries: list, answers: list };
  checkParts(content, parts, "the file");
  const byId = new Map();
  content.entries.forEach((entry, i) => {
    checkEntry(entry, `entry ${i + 1}`);
    if (!sameEntry(entry, byId.get(entry.id) ?? entry)) {
      throw new Error(`entry ${i + 1} has the id of another one, ${entry.id}, and says otherwise; expected ids that are unique.`);
    }
    byId.set(entry.id, entry);
  });
  content.answers.forEach((answer, i) => checkAnswer(answer, `answer ${i + 1}`));
  return content;
}

// Take in a file (a File or a text); returns what came of it, in words. An error that is thrown
// says what is wrong with the file, and then nothing of it was kept.
export async function importRecord(file) {
  if (file.size > LARGEST) throw new Error(`it has ${file.size} bytes; expected at most ${LARGEST}.`);
  const { entries, answers } = parsed(typeof file === "string" ? file : await file.text());
  const mine = readEntries();
  const known = new Map(mine.map((entry) => [entry.id, entry]));
  const added = [...new Map(entries.map((entry) => [entry.id, entry])).values()].filter(({ id }) => !known.has(id));
  const other = entries.filter((entry) => known.has(entry.id) && !sameEntry(entry, known.get(entry.id)));
  const before = distinct([...earlierAnswers(), ...presentAnswers()]);
  const after = distinct([...before, ...answers]);
  const items = { ...asStored([...mine, ...added]), ...answerItems(after) };
  const replaced = storedAnswers().filter(({ key, source }) => items[key] !== source);
  writeItems(items);
  changed();
  const said = [`${added.length} new entries, ${after.length - before.length} new answers.`];
  if (other.length) said.push(`${other.length} entries say otherwise than those of their ids here, which stay.`);
  if (replaced.length) {
    said.push(`Newer answers replace ${replaced.map(keyOf).join(", ")}; yours are kept below, and in the next export.`);
  }
  return said.join(" ");
}
