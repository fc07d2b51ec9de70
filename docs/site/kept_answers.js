// Answers to exercises, which the editors keep in this browser's storage.

import { checkParts, earlierFirst, isName, isText, isTime, itemKeys, now, readItem, removeItem, writeItems } from "./record.js";

const ANSWER = "normlab:answer:"; // and exercise:function, the answer that stands in its editor
const WRITTEN = "normlab:written"; // when each of them was found to be another
const EARLIER = "normlab:earlier"; // answers that a newer one has replaced

export const keyOf = ({ exercise, function: name }) => `${exercise}:${name}`;
export const answerKey = (answer) => ANSWER + keyOf(answer);
export const readAnswer = (answer) => readItem(answerKey(answer));
export const writeAnswer = (answer) => writeItems({ [answerKey(answer)]: answer.source });
export const forgetAnswer = (answer) => removeItem(answerKey(answer));
const readJson = (key, otherwise) => {
  try {
    return JSON.parse(readItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};
const isAnswer = (value) => {
  try {
    checkAnswer(value, "an answer");
    return true;
  } catch {
    return false;
  }
};

export function checkAnswer(answer, what) {
  const name = (value) => isName(value) && /^\w+$/.test(value);
  checkParts(answer, {
    exercise: [name, "a name"],
    function: [name, "a name"],
    time: [isTime, "a time with its offset from UTC, as in 2026-11-24T10:00:00Z"],
    source: [isText, "a text"],
  }, what);
  return answer;
}

export function storedAnswers() {
  return itemKeys().filter((key) => key.startsWith(ANSWER)).map((key) => {
    const [exercise, name] = key.slice(ANSWER.length).split(":");
    return { key, exercise, function: name, source: readItem(key) };
  });
}

// The answers as they stand in the editors, each with the time when it was first found to be so.
export function presentAnswers() {
  const written = readJson(WRITTEN, {});
  const present = storedAnswers().map(({ key, ...answer }) => {
    const known = written[keyOf(answer)];
    return { ...answer, time: known?.source === answer.source ? known.time : now() };
  }).filter(isAnswer);
  const times = present.map(({ time, source, ...names }) => [keyOf(names), { time, source }]);
  writeItems({ [WRITTEN]: JSON.stringify(Object.fromEntries(times)) });
  return present;
}

export const earlierAnswers = () => readJson(EARLIER, []).filter(isAnswer);

// Each different answer once, with the latest of its times; the newest comes last.
export function distinct(answers) {
  const byText = new Map();
  for (const answer of [...answers].sort(earlierFirst)) {
    byText.set(JSON.stringify([keyOf(answer), answer.source]), answer);
  }
  return [...byText.values()].sort(earlierFirst);
}

// Keep an answer that another one replaces.
export const keepEarlier = (answer) =>
  writeItems({ [EARLIER]: JSON.stringify(distinct([...earlierAnswers(), { ...answer, time: now() }])) });

// What to store, so that the newest answers stand in the editors and the others are kept.
export function answerItems(answers) {
  const newest = new Map(answers.map((answer) => [keyOf(answer), answer]));
  const items = Object.fromEntries([...newest].map(([key, { source }]) => [ANSWER + key, source]));
  const times = [...newest].map(([key, { time, source }]) => [key, { time, source }]);
  const earlier = answers.filter((answer) => newest.get(keyOf(answer)) !== answer);
  return {
    ...items,
    [WRITTEN]: JSON.stringify(Object.fromEntries(times)),
    [EARLIER]: JSON.stringify(earlier),
  };
}

addEventListener("pagehide", presentAnswers);
