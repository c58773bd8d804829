// The clock of a run: it ticks each second, and the bar moves on, also while a step takes longer.
let arrived = performance.now();

const inWords = (seconds) => {
  const whole = Math.round(seconds);
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

function tick() {
  const clock = element.querySelector(".clock");
  if (!clock) return;
  const passed = (performance.now() - arrived) / 1000;
  const { run, step, left, pace, steps } = clock.dataset;
  const waited = Number(step) + passed;
  const parts = [`${inWords(Number(run) + passed)} so far`];
  if (steps > 0 && waited >= 1.5) parts.push(`this step ${inWords(waited)}`);
  if (left - passed >= 1) parts.push(`about ${inWords(left - passed)} left`);
  const text = parts.join(", ");
  if (clock.textContent !== text) clock.textContent = text;
  const bar = element.querySelector("progress[value]");
  if (bar && pace > 0) bar.value = Number(steps) + Math.min(0.95, waited / pace);
}

watch("value", () => {
  arrived = performance.now();
  tick();
});
setInterval(tick, 250);
tick();
