// The hints that a learner has asked for, one below the other.
import { makeOutput, ofRows } from "./output.js";

const LAST = "There is no further hint on this.";

// `ask()` gives the rows of Python's next hint. A hint that stands here already is passed over: after
// the last one Python gives that again, and a Python that starts anew begins with the first.
export const makeHints = (ask) => {
  const output = makeOutput();
  const shown = new Set();
  const add = async () => {
    for (let before = null; ; ) {
      const rows = await ask();
      const key = JSON.stringify([rows[0], rows.at(-1)]); // what was known may be told between them
      if (key === before) return output.fail(LAST);
      if (!shown.has(key)) {
        shown.add(key);
        output.fail("");
        return output.add(ofRows(rows));
      }
      before = key;
    }
  };
  const clear = () => {
    shown.clear();
    output.clear();
  };
  return { node: output.node, add, clear, fail: output.fail };
};
