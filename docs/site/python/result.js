// What the last check of an answer has found. It is of the text that was checked, and is marked as old
// as soon as that is no longer so.
import { element, makeOutput, ofRows } from "./output.js";

const EARLIER = "Of your answer before the last change.";
const AGAIN = "Of the check before; the next one runs.";

// `node` is the cell: its `data-passed` says what was found.
//   begin(): a check begins.
//   show(found, of, now): what it has found in the text `of`, where `now` is what stands there.
//   fail(text): it has found nothing.
//   compare(text): `text()` is what stands there now.
export const makeResult = (node) => {
  const output = makeOutput();
  const age = element("p", { class: "normlab-age" });
  let checked = null; // the text that what is shown is of
  const mark = (text) => {
    age.textContent = text;
    age.hidden = !text;
    output.node.classList.toggle("normlab-old", Boolean(text));
  };
  const empty = () => {
    checked = null;
    delete node.dataset.passed;
    output.clear();
    mark("");
  };
  const compare = (text) => {
    if (checked !== null) mark(text() === checked ? "" : EARLIER);
  };
  const begin = () => {
    delete node.dataset.passed;
    if (checked !== null) mark(AGAIN);
    else output.clear();
  };
  const show = (found, of, now) => {
    empty();
    output.add(age);
    output.add(ofRows(found.rows));
    if (found.note) output.say(found.note);
    node.dataset.passed = found.passed;
    checked = of;
    compare(() => now);
  };
  const fail = (text) => {
    empty();
    output.say(text);
  };
  return { node: output.node, begin, show, fail, compare, clear: empty };
};
