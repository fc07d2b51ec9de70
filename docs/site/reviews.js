// What was answered wrongly comes back, as normlab/study/reviews.py has it.

const DAY = 24 * 3600 * 1000;

// A day of the learner's calendar, as a number.
function dayNumber(time) {
  const at = new Date(time);
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / DAY;
}

// The day on which a question comes back, Infinity if it stays away. `answers` are the learner's, the
// first one first; `waits` are the days from one right answer to the next time.
function returnsOn([prediction, ...later], waits) {
  if (prediction.surprise === 0) return Infinity;
  const asked = later.filter(({ again }) => again);
  const firstOfDays = asked.filter((answer, i) => !i || dayNumber(answer.time) !== dayNumber(asked[i - 1].time));
  const stage = firstOfDays.reduce((before, { surprise }) => (surprise === 0 ? before + 1 : 0), 0);
  const last = firstOfDays.at(-1) ?? prediction;
  return stage < waits.length ? dayNumber(last.time) + waits[stage] : Infinity;
}

// How many of these questions come back at a time, by default now.
export function countDue(record, questions, waits, time = new Date()) {
  const asked = questions.map(({ id }) => record.answers[id]).filter(Boolean);
  return asked.filter((answers) => returnsOn(answers, waits) <= dayNumber(time)).length;
}
