"use strict";
// The part of the recording that is shown, alike in the strip and in all figures over time: `page.view` is its start and
// end in seconds; "view" tells of a change. It follows the playhead while that plays.
page.ready.then((page) => {
  const { data, by, tell, on } = page;
  const LEAST_S = Math.min(2, data.duration);
  page.view = [0, data.duration];

  const whole = ([from, to]) => from <= 0 && to >= data.duration;
  const look = (from, to) => {
    const long = Math.min(data.duration, Math.max(LEAST_S, Math.abs(to - from)));
    const start = Math.min(Math.max(0, Math.min(from, to)), data.duration - long);
    const next = [start, start + long];
    if (Math.abs(next[0] - page.view[0]) < 0.001 && Math.abs(next[1] - page.view[1]) < 0.001) return;
    page.view = next;
    by("zoom-out").disabled = by("zoom-all").disabled = whole(next);
    by("zoom-in").disabled = long <= LEAST_S;
    tell("view", { from: next[0], to: next[1] });
  };
  // Show 1/`times` as much as before; `around` stays where it is.
  const zoom = (times, around) => {
    const [from, to] = page.view;
    look(around - (around - from) / times, around + (to - around) / times);
  };
  let at = 0;
  const middle = () => {
    const [from, to] = page.view;
    return at >= from && at <= to ? at : (from + to) / 2;
  };
  by("zoom-in").addEventListener("click", () => zoom(2, middle()));
  by("zoom-out").addEventListener("click", () => zoom(0.5, middle()));
  by("zoom-all").addEventListener("click", () => look(0, data.duration));
  on("time", (time) => {
    at = time.at;
    const [from, to] = page.view;
    if (at < from - 0.01 || at > to) look(at - (to - from) * 0.1, at + (to - from) * 0.9);
  });
  Object.assign(page, { look, zoom, isWhole: () => whole(page.view) });
});
