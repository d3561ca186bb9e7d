"use strict";
// The figures: drawn when they come near; clicks seek; each has a playhead and can be had as table, CSV and PNG.
page.ready.then((page) => {
  const { data, clock, by, tell, on, download, element } = page;
  const options = { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: false };
  const narrow = () => window.innerWidth < 600;
  const PAPER = 700, HALF = 343, LOW = 0.62; // the width of a printed page of A4 without its margins, of half of it (CSS pixels), and how low figures are on it
  let at = 0, paper = false; // the time, and whether the page is printed

  // On dark ground, each colour of a figure has another one; text stays as it is.
  const ground = window.matchMedia("(prefers-color-scheme: dark)");
  const TEXTS = new Set(["text", "hovertext", "name", "meta", "ticktext", "customdata", "x", "y", "base"]);
  const recoloured = (value, key) => {
    if (TEXTS.has(key)) return value;
    if (typeof value === "string") return value.replace(/#[0-9a-f]{6}\b|#fff\b/gi, (one) => data.dark[one.toUpperCase().replace(/^#FFF$/, "#FFFFFF")] ?? one)
      .replace(/rgba\((\d+),(\d+),(\d+),([\d.]+)\)/g, (one, r, g, b, alpha) => {
        const hex = `#${[r, g, b].map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`.toUpperCase(), other = data.dark[hex];
        return other ? `rgba(${[1, 3, 5].map((k) => Number.parseInt(other.slice(k, k + 2), 16)).join(",")},${alpha})` : one;
      });
    if (Array.isArray(value)) return value.map((one) => recoloured(one));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, recoloured(one, name)]));
    return value;
  };
  const figureOf = (name) => {
    const told = page.tone.told(name, data.figures[name]);
    return ground.matches && !paper ? recoloured(told) : structuredClone(told);
  };
  // A long recording is shown by minute until the view is short.
  const BY_MINUTE_S = 1800;
  const levelOf = () => (!data.long || page.view[1] - page.view[0] <= BY_MINUTE_S ? "turn" : "minute");

  // Clock ticks on the time axes, renewed for each zoom and width.
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const ticks = ([from, to], width) => {
    const most = Math.max(3, Math.floor(width / 90));
    const step = steps.find((s) => (to - from) / s <= most) ?? Math.ceil((to - from) / most / 3600) * 3600;
    const found = [];
    for (let t = Math.ceil(Math.max(0, from) / step) * step; t <= to; t += step) found.push(t);
    return found;
  };
  const timeAxes = (place) => Object.keys(place.layout).filter(
    (name) => name.startsWith("xaxis") && place.layout[name].tickmode === "array" && place.id !== "shares");
  const retick = (place, change = {}) => {
    const update = { ...change }, width = change.width ?? place.clientWidth;
    for (const axis of timeAxes(place)) if (place.layout[axis].range.some((value, k) => Math.abs(value - page.view[k]) > 0.001)) {
      place.layout[axis].range = [...page.view];
      update[`${axis}.range`] = [...page.view];
    }
    for (const axis of timeAxes(place)) {
      const found = ticks(place.layout[axis].range, width);
      if (JSON.stringify(found) === JSON.stringify(place.layout[axis].tickvals)) continue;
      update[`${axis}.tickvals`] = found;
      update[`${axis}.ticktext`] = found.map((t) => clock(t));
    }
    if (Object.keys(update).length) Plotly.relayout(place, update);
    move(place);
    tell("placed", { place });
  };

  // The playhead: a line over the time axes, a ring on each path in the plane. These elements are remembered, because a
  // figure has thousands to search at each move.
  const marks = new Map();
  const mark = (place, kind, i = 0) => {
    const key = `${place.id} ${kind} ${i}`;
    if (!marks.has(key)) marks.set(key, place.appendChild(element("div", "", { class: kind })));
    return marks.get(key);
  };
  const move = (place) => {
    const full = place._fullLayout;
    if (!full) return;
    if (place.id === "plane") return ring(place, full);
    const name = timeAxes(place)[0];
    if (!name) return;
    const axis = full[name], size = full._size, left = axis._offset + axis.d2p(at);
    const head = mark(place, "playhead");
    head.style.display = left < axis._offset - 1 || left > axis._offset + axis._length + 1 ? "none" : "block";
    head.style.left = `${left}px`;
    head.style.top = `${size.t}px`;
    head.style.height = `${full.height - size.t - size.b}px`;
  };
  const ring = (place, full) => {
    const paths = place.data.filter((trace) => trace.meta?.path);
    paths.forEach((trace, i) => {
      const k = trace.meta.times.findLastIndex((t) => t <= at + 0.001);
      const near = k >= 0 && at - trace.meta.times[k] <= 30;
      const { style } = mark(place, "ring", i);
      style.display = near ? "block" : "none";
      if (!near) return;
      style.borderColor = trace.line.color;
      style.left = `${full.xaxis._offset + full.xaxis.d2p(trace.x[k])}px`;
      style.top = `${full.yaxis._offset + full.yaxis.d2p(trace.y[k])}px`;
    });
  };

  // Where playback of a point starts, null if it has no time: a turn plays from its start, a window of a long turn from
  // that window.
  const turnOf = (() => {
    const known = new Map(page.turns.map((turn) => [turn.index, turn]));
    return (index) => known.get(index);
  })();
  const playFrom = (place, trace, i) => {
    const time = trace.meta?.times?.[i] ?? trace.x[i], turn = trace.customdata && turnOf(trace.customdata[i]);
    if (place.id === "timeline") return trace.base?.[i] ?? time;
    if (turn) return Math.max(turn.start, time - data.window / 2);
    if (place.id === "shares" || (place.id === "plane" && !trace.meta?.path)) return null;
    return trace.width ? time - trace.width[i] / 1.84 : time;
  };

  // A ring around a point chosen by keyboard, [trace, index]; hidden if there is none.
  const point = (place, n, chosen) => {
    if (!place._fullLayout) return;
    const { style } = mark(place, "chosen", n);
    style.display = chosen ? "block" : "none";
    if (!chosen) return;
    const [trace, i] = chosen, full = place._fullLayout;
    const [across, up] = ["x", "y"].map((name) => full[trace[`${name}axis`].replace(name, `${name}axis`)]);
    const at = place.calcdata.find(([first]) => first?.trace?.index === trace.index)[i], middle = (at.s0 + at.s1) / 2;
    const [x, y] = trace.type !== "bar" ? [at.x, at.y] : trace.orientation === "h" ? [middle, at.p] : [at.p, middle];
    style.left = `${across._offset + across.c2p(x)}px`;
    style.top = `${up._offset + up.c2p(y)}px`;
  };

  const clicks = (place) => {
    let pressed = null, served = 0;
    place.on("plotly_click", ({ points: [{ data: trace, pointIndex }] }) => {
      served = Date.now();
      const to = playFrom(place, trace, pointIndex);
      if (to !== null) tell("seek", { to });
    });
    // After a click the keyboard stays with the player; a figure gets it only by Tab.
    place.addEventListener("mousedown", (event) => { event.preventDefault(); document.activeElement?.blur(); });
    // Clicks anywhere else over a time axis; plotly covers the page while the button is down.
    place.addEventListener("pointerdown", (event) => {
      const name = timeAxes(place)[0];
      pressed = name && event.target.closest(".draglayer") ? event.clientX : null;
    }, true);
    document.addEventListener("pointerup", (event) => {
      const still = pressed !== null && Math.abs(event.clientX - pressed) < 4;
      pressed = null;
      if (!still) return;
      const axis = place._fullLayout[timeAxes(place)[0]];
      const x = event.clientX - place.getBoundingClientRect().left - axis._offset, time = axis.p2d(x);
      if (x >= 0 && x <= axis._length) setTimeout(() => { if (Date.now() - served > 300) tell("seek", { to: time }); }, 80);
    }, true);
  };

  // On a phone the plane is nearly square, and each legend entry takes a line.
  const height = (name) => {
    const { layout, data: traces } = data.figures[name], entries = traces.filter((trace) => trace.showlegend !== false).length;
    return (name === "plane" ? 380 : layout.height) + 18 * Math.max(0, entries - 2);
  };
  // A figure as it is drawn now: for the ground, the width, the view and the paper.
  const made = (name) => {
    const { data: traces, layout } = figureOf(name);
    for (const [key, axis] of Object.entries(layout)) { // keep labels clear of the other axis and the playhead
      if (axis?.tickmode === "array") axis.ticklabelstandoff = 4;
      else if (axis?.type === "category") axis.ticklabelstandoff = 6;
      if (key.startsWith("xaxis") && axis?.tickmode === "array" && name !== "shares") axis.range = [...page.view];
    }
    if (paper) {
      layout.width = by(name).closest(".wide") ? PAPER : HALF;
      layout.height = Math.max(name === "plane" ? 270 : 120, Math.round(layout.height * (name === "timeline" ? 0.8 : LOW)));
      layout.font.size = 9.5;
      for (const note of layout.annotations ?? []) note.font = { ...note.font, size: 10 };
      layout.margin = { ...layout.margin, b: 24 };
    } else layout.autosize = true;
    if (!paper && narrow()) {
      layout.font.size = 11;
      layout.height = height(name);
    }
    for (const trace of traces) {
      if (trace.meta?.level) trace.visible = trace.meta.level === levelOf();
      if (!trace.meta?.title) continue; // the hover text of a point: speaker and time
      trace.text = (trace.meta.times ?? trace.x).map((t) => `${trace.meta.title}<br>${clock(t)}`);
    }
    return [traces, layout];
  };
  const draw = async (name) => {
    await page.plotly();
    const place = by(name);
    await Plotly.newPlot(place, ...made(name), options);
    place.dataset.level = levelOf();
    clicks(place);
    retick(place);
    select(place);
    place.on("plotly_relayout", (change) => { // by dragging: then all others follow
      // The range is that of the event: until here, the layout may have got back that of the view, when the figure is fitted.
      const asked = timeAxes(place).find((axis) => `${axis}.range[0]` in change);
      if (asked) page.look(change[`${asked}.range[0]`], change[`${asked}.range[1]`]);
      retick(place);
    });
    place.on("plotly_doubleclick", () => { if (timeAxes(place).length) page.look(0, data.duration); });
    place.on("plotly_autosize", () => retick(place));
  };
  const redraw = (place) => {
    if (!place._fullLayout) return;
    Plotly.react(place, ...made(place.id), options);
    place.dataset.level = levelOf();
    delete place.dataset.chosen;
    retick(place);
    select(place);
  };
  on("view", () => {
    for (const place of places) {
      if (!place._fullLayout || !timeAxes(place).length) continue;
      if (place.dataset.level !== levelOf()) redraw(place); else retick(place);
    }
  });
  ground.addEventListener("change", () => places.forEach(redraw));
  on("untold", () => { // figures and open tables without the tone of those of whom it may not be told
    places.forEach(redraw);
    for (const room of document.querySelectorAll(".tools .twin")) if (room.firstChild) room.replaceChildren(build(room.closest(".tools").dataset.for));
  });
  const drawn = new Map();
  const show = (place) => {
    if (!drawn.has(place)) drawn.set(place, draw(place.id));
    return drawn.get(place);
  };
  page.figures = { show, playFrom, turnOf, point };
  const places = [...document.querySelectorAll(".figure")].filter((place) => data.figures[place.id]);
  if (narrow()) places.forEach((place) => { place.style.minHeight = `${height(place.id)}px`; });
  const watcher = new IntersectionObserver((seen) => {
    for (const entry of seen) if (entry.isIntersecting) { show(entry.target); watcher.unobserve(entry.target); }
  }, { rootMargin: "600px" });
  places.forEach((place) => watcher.observe(place));
  // The rest is drawn one at a time while the page is idle: printing cannot wait for it.
  const idle = (deed) => (window.requestIdleCallback ?? ((later) => setTimeout(later, 50)))(deed);
  const seen = (place) => place.checkVisibility?.() ?? true; // a figure that is folded away is drawn when it is shown
  const rest = () => idle(async () => {
    const next = places.find((place) => !drawn.has(place) && seen(place));
    if (!next) return;
    await show(next);
    rest();
  });
  setTimeout(rest, 300);
  const folded = [...document.querySelectorAll(".folded")], open = new Set(); // methods are printed whole
  window.addEventListener("beforeprint", () => {
    paper = true;
    for (const part of folded) { if (part.open) open.add(part); part.open = true; }
    places.forEach(redraw);
    places.filter(seen).forEach(show);
  });
  window.addEventListener("afterprint", () => {
    paper = false;
    for (const part of folded) part.open = open.has(part);
    open.clear();
    places.forEach(redraw);
  });

  // Turns that the filter hides are pale in the lanes.
  let chosen = null;
  const select = (place) => {
    if (place.id !== "timeline" || !place.data || (chosen === null && !place.dataset.chosen)) return;
    place.dataset.chosen = "1";
    const found = place.data.map((trace) => chosen === null || !trace.customdata ? null
      : trace.customdata.flatMap((turn, i) => chosen.has(turn) ? [i] : []));
    Plotly.restyle(place, { selectedpoints: found });
  };
  on("filter", ({ turns }) => { chosen = turns; select(by("timeline")); });
  on("time", (time) => { at = time.at; for (const place of places) if (place._fullLayout) move(place); });

  // Numbers behind a figure.
  const number = (value) => value === null ? "" : typeof value === "number" ? String(value).replace(".", data.decimal).replace("-", "−") : value;
  const build = (name) => {
    const { columns, times } = data.tables[name], rows = page.tone.rows(data.tables[name]), table = element("table"), head = element("tr"), body = element("tbody");
    const isTime = (k) => times.includes(k); // m:ss here, seconds in the CSV file
    columns.forEach((text, k) => head.append(element("th", isTime(k) ? text.replace(/ \(s\)$/, "") : text, { scope: "col" })));
    for (const row of rows) {
      const line = element("tr");
      row.forEach((value, k) => line.append(element("td", isTime(k) && value !== null ? clock(value, true) : number(value), typeof value === "number" ? { class: "n" } : {})));
      body.append(line);
    }
    table.append(element("thead"), body);
    table.tHead.append(head);
    return table;
  };
  const csv = (name) => {
    const cell = (value) => {
      const text = value === null ? "" : String(value);
      const safe = typeof value === "string" && /^(\s*[=+\-@]|[\t\r\n])/.test(text) ? `'${text}` : text; // so that a spreadsheet reads no formula
      return /[",\n\r;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const { columns } = data.tables[name], rows = page.tone.rows(data.tables[name]);
    return `\ufeff${[columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
  };
  // A figure as a picture by itself: with its title and a legend, which the page shows as text.
  const HEAD = 80; // pixels for both
  const picture = (place) => {
    const keyed = ["timeline", "shares", "course"].includes(place.id), known = new Set();
    const traces = place.data.map((trace) => {
      const first = !known.has(trace.name) && (trace.x ?? []).some((value, i) => value && trace.y[i] !== null);
      if (!keyed || !first) return keyed ? { ...trace, showlegend: false } : trace;
      known.add(trace.name);
      return { ...trace, showlegend: true };
    });
    const { layout } = place, height = place._fullLayout.height + HEAD, title = by(`h-${place.id}`).textContent;
    return { data: traces, layout: {
      ...layout,
      ...(keyed ? { showlegend: true, legend: { ...layout.legend, y: 1 - 40 / height, yref: "container", yanchor: "top" } } : {}),
      margin: { ...layout.margin, t: (layout.margin.t ?? 0) + HEAD },
      title: { text: title, x: 0, xref: "paper", y: 1, yref: "container", yanchor: "top", pad: { t: 12 } },
      paper_bgcolor: ground.matches ? data.dark["#FFFFFF"] : "#fff",
    } };
  };
  for (const tools of document.querySelectorAll(".tools")) {
    const name = tools.dataset.for;
    tools.querySelector("details").addEventListener("toggle", (event) => {
      const room = event.target.querySelector(".scroll");
      if (event.target.open && !room.firstChild) room.append(build(name));
    });
    tools.querySelector(".csv").addEventListener("click", () => download(`${data.name}.${name}.csv`, csv(name), "text/csv"));
    tools.querySelector(".png").addEventListener("click", async () => {
      const place = by(name);
      await show(place);
      const size = { width: Math.max(900, place.clientWidth), height: place._fullLayout.height + HEAD };
      const url = await Plotly.toImage(picture(place), { format: "png", scale: 2, ...size });
      const link = element("a", "", { href: url, download: `${data.name}.${name}.png` });
      link.click();
    });
  }
});
