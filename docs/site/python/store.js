// The answers of an exercise in this browser, which other tabs may change too. What one tab writes over
// the text of another is kept among the earlier answers, so nothing is lost.
import { answerKey, forgetAnswer, keepEarlier, readAnswer, writeAnswer } from "../course/kept_answers.js";

// `heard(name, text)` is called when another tab has changed an answer; `text` is null if it has thrown
// it away.
export const makeStore = (exercise, heard) => {
  const known = new Map(); // by name: what this tab has read or written last
  const named = (name) => ({ exercise, function: name });
  const read = (name) => {
    known.set(name, readAnswer(named(name)));
    return known.get(name);
  };
  const write = (name, text) => {
    const there = readAnswer(named(name));
    if (there !== null && there !== known.get(name)) keepEarlier({ ...named(name), source: there });
    writeAnswer({ ...named(name), source: text });
    known.set(name, text);
  };
  const forget = (name) => {
    forgetAnswer(named(name));
    known.set(name, null);
  };
  const keep = (name, text) => keepEarlier({ ...named(name), source: text });
  addEventListener("storage", ({ key, newValue }) => {
    for (const name of known.keys()) {
      if (key === answerKey(named(name))) heard(name, newValue);
    }
  });
  return { read, write, forget, keep };
};
