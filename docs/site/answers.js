// What a learner answers is kept in this browser, in place of Python's record: predictions, and marks
// and bets on the seed text's claims. They are there again when the page is opened another day.

import { betsState, lastAnswer, marksState, record, recordAnswer } from "./progress.js";

const isQuestion = (model) => model.get("question") !== undefined;
const isMarker = (model) => model.get("said") !== undefined;

// Give a widget what was answered before.
export function restoreAnswers(model) {
  if (isMarker(model)) model.set({ marks: marksState(), bets: betsState() });
  if (!isQuestion(model)) return;
  const answer = lastAnswer(model.get("question"));
  if (answer !== null) model.set({ answer, asked: 1, recorded: 1 });
}

function keepPrediction(model) {
  recordAnswer(model.get("question"), model.get("answer"));
  model.set({ recorded: model.get("asked") });
}

function keepMarks(model) {
  const said = model.get("said").slice(model.get("heard"));
  for (const [claim, word, percent] of said) {
    if (percent === undefined) record("marked", claim, { word });
    else record("bet", claim, { word, percent });
  }
  model.set({ marks: marksState(), bets: betsState(), heard: model.get("said").length });
}

// What stands behind a question opens with it: its output and what that shows, up to the next
// question or section.
export function openBehind(host) {
  const stops = "h2, .normlab-widget:has(.normlab-quiz), details:not(.normlab-fold)";
  const parts = [...document.querySelectorAll(`:is(${stops}):not(.normlab-box *)`)];
  const behind = parts.slice(parts.indexOf(host) + 1);
  const end = behind.findIndex((part) => !part.matches("details"));
  for (const fold of end < 0 ? behind : behind.slice(0, end)) fold.open = true;
}

function keep({ model, names }) {
  if (isMarker(model) && names.includes("said")) keepMarks(model);
  if (!isQuestion(model) || !names.includes("asked")) return;
  keepPrediction(model);
  openBehind(model.host);
}

// As Python's answer would, ours comes when the widget has finished what it does now.
export function listenForAnswers() {
  document.addEventListener("normlab:save", ({ detail }) => queueMicrotask(() => keep(detail)));
}
