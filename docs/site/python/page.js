// Python in a page of the site: exercises have editors, chapters have Run.
import { makeBar } from "./bar.js";

const start = async () => {
  const exercise = document.getElementById("normlab-exercise");
  const chapter = document.querySelector("[class*='tag_cell-id-']");
  if (!exercise && !chapter) return;
  makeBar();
  if (exercise) (await import("./exercise.js")).makeExercise(exercise);
  else await (await import("./chapter.js")).makeChapter();
};

await start();
document.documentElement.dataset.python = "here";
