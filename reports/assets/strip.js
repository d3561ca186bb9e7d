"use strict";
// The energy strip: levels and silenced spans are drawn once per size and set of corrections, as two pictures: played and
// to come. When the playhead moves, the pictures are only copied.
page.ready.then((page) => {
  const { data, by, on } = page, strip = by("strip");
  const PAST = "#2b4c7e", COMING = "#9db0c8", SILENCED = "rgba(31,41,51,.75)", DRAWN = "rgba(154,52,18,.5)", HEAD = "#b42318";
  const LOUD_DB = -5, QUIET_DB = -60;
  let width = 0, height = 0, scale = 1, past = null, coming = null;

  const x = (time) => time / data.duration * width;
  const picture = (colour) => {
    const made = document.createElement("canvas"), pen = made.getContext("2d");
    made.width = strip.width;
    made.height = strip.height;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = colour;
    if (data.levels) {
      const wide = x(data.levels.step);
      data.levels.dbfs.forEach((level, i) => {
        const tall = Math.max(1, Math.min(1, (level - QUIET_DB) / (LOUD_DB - QUIET_DB)) * height);
        pen.fillRect(i * wide, (height - tall) / 2, Math.max(1, wide - 0.4), tall);
      });
    } else pen.fillRect(0, height / 2 - 1, width, 2);
    pen.fillStyle = SILENCED;
    for (const [start, end] of page.bleeps) pen.fillRect(x(start), 0, Math.max(2, x(end) - x(start)), height);
    return made;
  };
  const measure = () => {
    [width, height, scale] = [strip.clientWidth, strip.clientHeight, window.devicePixelRatio || 1];
    strip.width = Math.round(width * scale);
    strip.height = Math.round(height * scale);
    past = null;
  };

  // Paint the strip at a time; `drawn` is the span that is being drawn, or null.
  page.paint = (at, drawn) => {
    if (!strip.width || !strip.height) return;
    if (!past) [past, coming] = [picture(PAST), picture(COMING)];
    const pen = strip.getContext("2d"), all = strip.width, tall = strip.height, edge = Math.round(x(at) * scale);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, all, tall);
    if (edge > 0) pen.drawImage(past, 0, 0, edge, tall, 0, 0, edge, tall);
    if (edge < all) pen.drawImage(coming, edge, 0, all - edge, tall, edge, 0, all - edge, tall);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = DRAWN;
    if (drawn) pen.fillRect(x(Math.min(...drawn)), 0, Math.abs(x(drawn[1]) - x(drawn[0])), height);
    const wide = Math.round(2 * scale);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = HEAD;
    pen.fillRect(edge - Math.floor(wide / 2), 0, wide, tall);
  };
  measure();
  new ResizeObserver(() => { measure(); page.tell("strip", {}); }).observe(strip);
  window.addEventListener("resize", () => { measure(); page.tell("strip", {}); }); // zooming the page changes its pixels
  on("bleeps", () => { past = null; });
});
