// The bar at the foot of the page while Python loads or runs: how far it is, and Stop.
import { button, element } from "./output.js";
import { end, megabytes, onState } from "./python.js";

const STILL = 700; // ms without a byte, after which Python itself starts

export const makeBar = () => {
  const said = element("span", { role: "status" });
  const progress = element("progress", { max: 1, "aria-label": "Python is loading" });
  const stop = button("Stop", () => end("Ended by you."));
  const bar = element("aside", { class: "normlab-bar", "aria-label": "Python" }, said, progress, stop);
  bar.hidden = true;
  document.body.append(bar);
  const show = (text, loading) => {
    said.textContent = text;
    progress.hidden = !loading;
    stop.hidden = loading;
    bar.hidden = false;
  };
  let timer;
  const showStart = () => {
    progress.removeAttribute("value"); // nobody knows how far it is
    show("Starting Python…", true);
  };
  onState(({ state, bytes, of }) => {
    clearTimeout(timer);
    if (state === "loading") {
      progress.value = bytes / of;
      show(`Python is loading: ${megabytes(bytes)} of ${megabytes(of)} MB`, true);
      timer = setTimeout(showStart, bytes < of ? STILL : 0);
    } else if (state === "running") show("Python is running", false);
    else bar.hidden = true;
  });
};
