// Python in a page of the site: exercises have editors, chapters have Run.
import { makeBar } from "./bar.js";

const root = document.documentElement;

const addStyles = () =>
  new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("python.css", import.meta.url).href;
    link.onload = link.onerror = done;
    document.head.append(link);
  });

const start = async () => {
  const exercise = document.getElementById("normlab-exercise");
  const chapter = document.querySelector("[class*='tag_cell-id-']");
  if (!exercise && !chapter) return;
  await addStyles();
  makeBar();
  if (exercise) (await import("./exercise.js")).makeExercise(exercise);
  else await (await import("./chapter.js")).makeChapter();
  root.dataset.page = "ready"; // for tests: everything can be used
};

start();
