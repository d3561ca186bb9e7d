"use strict";
// The strip: who speaks when and how loud, the moments, silenced spans and those that are left out; drawn once per size, view and set of
// corrections, as a picture that is only copied as the playhead moves. A rail below it shows what has been played.
page.ready.then((page) => {
  const { data, by, on } = page, strip = by("strip");
  const PAST = "#2b4c7e", COMING = "#9db0c8", SILENCED = "rgba(31,41,51,.75)", DRAWN = "rgba(154,52,18,.5)", HEAD = "#b42318";
  const LOOK = "rgba(43,76,126,.3)", IGNORED = "rgba(128,137,148,.6)", NOBODY = "#b6bfca";
  const LOUD_DB = -5, QUIET_DB = -60, RAIL = 4, MARKS = 9; // pixels for what was played, and for moments
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let width = 0, height = 0, scale = 1, drawing = null;

  const x = (time) => (time - page.view[0]) / (page.view[1] - page.view[0]) * width;
  const colours = () => new Map(data.speakers.map((s) => [s.label, dark.matches ? s.dark : s.colour]));
  // Who speaks at each of the times, which ascend; of several, who began last.
  const speakersAt = (times) => {
    let k = 0;
    let open = [];
    return times.map((time) => {
      while (k < page.turns.length && page.turns[k].start <= time) open.push(page.turns[k++]);
      open = open.filter((turn) => turn.end > time);
      return open.at(-1)?.speaker;
    });
  };
  const picture = () => {
    const made = document.createElement("canvas"), pen = made.getContext("2d"), known = colours();
    made.width = strip.width;
    made.height = strip.height;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    const top = MARKS, room = height - MARKS - RAIL - 1, [from, to] = page.view;
    if (data.levels) {
      const { step, dbfs } = data.levels, first = Math.max(0, Math.floor(from / step)), last = Math.min(dbfs.length, Math.ceil(to / step));
      const times = Array.from({ length: Math.max(0, last - first) }, (_, i) => (first + i + 0.5) * step), who = speakersAt(times);
      const wide = x(from + step);
      times.forEach((time, i) => {
        const tall = Math.max(1, Math.min(1, (dbfs[first + i] - QUIET_DB) / (LOUD_DB - QUIET_DB)) * room);
        pen.fillStyle = known.get(who[i]) ?? NOBODY;
        pen.fillRect(x(time - step / 2), top + (room - tall) / 2, Math.max(1, wide - 0.4), tall);
      });
    } else for (const turn of page.turns) {
      pen.fillStyle = known.get(turn.speaker) ?? NOBODY;
      pen.fillRect(x(turn.start), top + room / 4, Math.max(1, x(turn.end) - x(turn.start)), room / 2);
    }
    for (const [start, end, label, chance, tone] of data.moments) { // a bar over its span, hollow if it may be chance
      if (page.tone?.hides(tone)) continue;
      pen.fillStyle = pen.strokeStyle = known.get(label) ?? (dark.matches ? "#e6e9ee" : "#1f2933");
      const left = x(start), long = Math.max(4, x(end) - left);
      if (chance) pen.strokeRect(left + 0.5, 1.5, long - 1, MARKS - 5); else pen.fillRect(left, 1, long, MARKS - 4);
    }
    pen.fillStyle = IGNORED;
    for (const { start_s, end_s } of page.edits?.now.ignored ?? []) pen.fillRect(x(start_s), MARKS, Math.max(2, x(end_s) - x(start_s)), height - MARKS - RAIL);
    pen.fillStyle = SILENCED;
    for (const [start, end] of page.bleeps) pen.fillRect(x(start), 0, Math.max(2, x(end) - x(start)), height);
    return made;
  };
  const measure = () => {
    [width, height, scale] = [strip.clientWidth, strip.clientHeight, window.devicePixelRatio || 1];
    strip.width = Math.round(width * scale);
    strip.height = Math.round(height * scale);
    drawing = null;
  };

  // Paint the strip at a time; `drawn` is the span that is being drawn or null, and `silencing` what for.
  page.paint = (at, drawn, silencing) => {
    if (!strip.width || !strip.height) return;
    drawing ??= picture();
    const pen = strip.getContext("2d"), all = strip.width, tall = strip.height, edge = Math.round(x(at) * scale);
    const wide = Math.round(2 * scale), rail = Math.round(RAIL * scale);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, all, tall);
    pen.fillStyle = COMING;
    pen.fillRect(0, tall - rail, all, rail);
    pen.fillStyle = PAST;
    if (edge > 0) pen.fillRect(0, tall - rail, edge, rail);
    pen.drawImage(drawing, 0, 0);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = silencing ? DRAWN : LOOK;
    if (drawn) pen.fillRect(x(Math.min(...drawn)), 0, Math.abs(x(drawn[1]) - x(drawn[0])), height);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = HEAD;
    pen.fillRect(edge - Math.floor(wide / 2), 0, wide, tall);
  };
  measure();
  const again = () => { drawing = null; page.tell("strip", {}); };
  new ResizeObserver(() => { measure(); page.tell("strip", {}); }).observe(strip);
  window.addEventListener("resize", () => { measure(); page.tell("strip", {}); }); // zooming the page changes its pixels
  dark.addEventListener("change", again);
  on("bleeps", () => { drawing = null; });
  for (const name of ["view", "changed", "untold"]) on(name, again);
});
