"use strict";
// The overview of a library: calls filtered, sorted and drawn; a link opens a call at its place, with its neighbours.
page.ready.then((page) => {
  const { data, by, element, say, clock } = page;
  const calls = data.calls.map((cells, index) => ({ index, ...Object.fromEntries(data.fields.map((name, k) => [name, cells[k]])) }));
  if (!calls.length) return;
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  for (const call of calls)
    call.haystack = plain([call.title, call.conversation, call.agent, call.queue, call.direction, call.language, ...call.more.flat()].filter(Boolean).join("\n"));
  const shares = new Set(data.shares);
  const number = (value, digits) => value.toLocaleString(data.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const percent = (share) => `${number(100 * share, share > 0 && share < 0.1 ? 1 : 0)}${data.percent}%`;
  const text = (name, value) => (value === null || value === undefined ? "–" : shares.has(name) ? percent(value)
    : name === "interruptions" ? number(value, Number.isInteger(value) ? 0 : 1) : name.endsWith("_s") ? clock(value) : value);
  const day = (date) => new Date(date).toLocaleString(data.lang, { dateStyle: "medium", ...(date.endsWith("T00:00:00") ? {} : { timeStyle: "short" }) });

  // A link to a call says where to listen, and names the calls around it in the list that it was opened from.
  const AROUND = 12;
  const linked = (call, list, place, at) => {
    const near = list.slice(Math.max(0, place - AROUND), place + AROUND + 1).map((one) => one.conversation.replace(/^c-/, ""));
    const parts = [...(at === null || at === undefined ? [] : [`t=${Math.max(0, at)}`]), `calls=${near.join(",")}`];
    return `${call.page.split("/").map(encodeURIComponent).join("/")}#${parts.join("&")}`;
  };
  for (const list of document.querySelectorAll("ol.calls")) {
    const links = [...list.querySelectorAll("a.call")], own = links.map((link) => calls[Number(link.dataset.call)]);
    links.forEach((link, place) => {
      if (own[place].page) link.href = linked(own[place], own, place, link.dataset.at === undefined ? null : Number(link.dataset.at));
      else link.removeAttribute("href");
    });
  }

  // The table: only rows in view are there.
  const box = by("calls"), body = box.querySelector("tbody"), table = box.querySelector("table");
  const form = by("filters"), fields = form.elements;
  const narrow = window.matchMedia("(max-width: 600px)");
  const places = { longest_silence_s: "silence_at", tension: "tense_at" };
  let shown = calls, sorted = { name: data.columns.includes("date") ? "date" : "title", down: data.columns.includes("date") }, drawn = "";
  const cell = (call, name, place) => {
    const made = element("td", undefined, { class: name }), value = call[name];
    if (name === "title") {
      if (call.page) made.append(element("a", value, { href: linked(call, shown, place, null) })); else made.append(value);
      made.title = value;
      if (call.corrected) made.append(element("small", " ✎", { title: say("ov_js_corrected") }));
    } else if (name === "date") made.append(value ? day(value) : "–");
    else {
      made.classList.add("n");
      if (narrow.matches && name !== "duration_s") made.dataset.name = table.querySelector(`th.${name}`).textContent;
      if (shares.has(name) && value !== null) {
        const bar = element("span", undefined, { class: "part", "aria-hidden": "true" }), inside = element("i");
        inside.style.width = `${100 * value}%`;
        bar.append(inside);
        made.append(bar);
      }
      const at = call[places[name]];
      if (at !== undefined && at !== null && value && call.page)
        made.append(element("a", text(name, value), { href: linked(call, shown, place, at), "aria-label": `${text(name, value)}, ${say("ov_at", { time: clock(at) })}` }));
      else made.append(name === "longest_silence_s" && !value ? "–" : text(name, value));
    }
    return made;
  };
  const gap = (height) => {
    const row = element("tr", undefined, { class: "gap", "aria-hidden": "true" }), inside = element("td", undefined, { colspan: data.columns.length });
    inside.style.height = row.style.height = `${height}px`;
    row.append(inside);
    return row;
  };
  const draw = () => {
    const height = narrow.matches ? 64 : 34, whole = (Math.max(shown.length, 1) + 1) * height + 24; // with the head and a scroll bar
    box.style.height = `${Math.min(whole, Math.max(320, 0.7 * window.innerHeight))}px`;
    const seen = Math.ceil(box.clientHeight / height) || 20;
    const first = Math.max(0, Math.floor(box.scrollTop / height) - 8), last = Math.min(shown.length, first + seen + 16);
    const asked = `${first} ${last} ${height} ${sorted.name} ${sorted.down} ${shown.length}`;
    if (asked === drawn) return;
    drawn = asked;
    const focused = document.activeElement?.closest("#calls a")?.getAttribute("href");
    body.replaceChildren(gap(first * height), ...shown.slice(first, last).map((call, k) => {
      const row = element("tr", undefined, { "aria-rowindex": first + k + 2 });
      row.append(...data.columns.map((name) => cell(call, name, first + k)));
      return row;
    }), gap((shown.length - last) * height));
    if (focused) [...body.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
  };
  const compared = (a, b) => (typeof a === "string" ? a.localeCompare(b, data.lang, { numeric: true }) : a - b);
  const order = () => {
    const { name, down } = sorted;
    shown.sort((a, b) => {
      const [x, y] = [a[name], b[name]], [noX, noY] = [x === null, y === null];
      if (noX || noY) return noX - noY || a.index - b.index; // what is not known comes last either way
      return (down ? -1 : 1) * compared(x, y) || a.index - b.index;
    });
    for (const head of table.querySelectorAll("th"))
      head.setAttribute("aria-sort", head.dataset.column !== name ? "none" : down ? "descending" : "ascending");
  };
  const apply = () => {
    const words = plain(fields.text.value).split(/\s+/).filter(Boolean), from = fields.from?.value, to = fields.to?.value;
    shown = calls.filter((call) => words.every((word) => call.haystack.includes(word))
      && ["agent", "queue"].every((name) => !fields[name]?.value || call[name] === fields[name].value)
      && (!from || (call.date && call.date.slice(0, 10) >= from)) && (!to || (call.date && call.date.slice(0, 10) <= to)));
    order();
    drawn = "";
    box.scrollTop = 0;
    draw();
    by("empty").hidden = shown.length > 0;
    table.setAttribute("aria-rowcount", shown.length + 1);
    const hours = shown.reduce((sum, call) => sum + call.duration_s, 0) / 3600;
    by("found").textContent = say("ov_js_found", { n: number(shown.length, 0), all: number(calls.length, 0), hours: number(hours, 1) });
    later();
  };
  for (const head of table.querySelectorAll("th")) head.querySelector("button").addEventListener("click", () => {
    const name = head.dataset.column, numbers = !["title", "agent", "queue"].includes(name);
    sorted = { name, down: sorted.name === name ? !sorted.down : numbers };
    order();
    drawn = "";
    box.scrollTop = 0;
    draw();
  });
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("scroll", () => requestAnimationFrame(draw));
  window.addEventListener("resize", () => { drawn = ""; draw(); });

  // Figures of the calls that are shown, by day for up to two months, else by week.
  const week = (date) => {
    const monday = new Date(`${date.slice(0, 10)}T00:00:00Z`);
    monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7));
    return monday.toISOString().slice(0, 10);
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = (ordered, share) => ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))];
  const BINS = 20;
  const figures = () => {
    const name = by("measure").value, title = by("measure").selectedOptions[0].textContent;
    const known = shown.filter((call) => call[name] !== null), values = known.map((call) => call[name]).sort((a, b) => a - b);
    by("spread").textContent = values.length ? say("ov_js_spread", { mean: text(name, mean(values)), low: text(name, at(values, 0.25)), high: text(name, at(values, 0.75)) }) : say("ov_js_none");
    const dated = known.filter((call) => call.date), days = new Map();
    const span = dated.length ? (Math.max(...dated.map((c) => Date.parse(c.date))) - Math.min(...dated.map((c) => Date.parse(c.date)))) / 864e5 : 0;
    const key = span <= 62 ? (date) => date.slice(0, 10) : week;
    for (const call of dated) {
      const own = days.get(key(call.date));
      if (own) own.push(call[name]); else days.set(key(call.date), [call[name]]);
    }
    const points = [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, own]) => ({ date, value: mean(own), n: own.length }));
    by("undated").hidden = points.length > 0;
    by("over").hidden = !points.length;
    const most = values.length ? Math.max(values.at(-1), shares.has(name) ? 0.01 : 1) : 1, width = most / BINS;
    const counts = Array.from({ length: BINS }, () => 0);
    for (const value of values) counts[Math.min(BINS - 1, Math.floor(value / width))] += 1;
    const bins = counts.map((n, k) => ({ from: k * width, to: (k + 1) * width, n }));
    const rows = [...points.map((p) => [day(`${p.date}T00:00:00`), text(name, p.value), p.n]), ...bins.filter((b) => b.n).map((b) => ["", `${text(name, b.from)} – ${text(name, b.to)}`, b.n])];
    const twin = element("table"), head = element("tr"), inside = element("tbody");
    for (const one of [say(span <= 62 ? "ov_js_day" : "ov_js_week"), title, say("ov_count")]) head.append(element("th", one, { scope: "col" }));
    for (const row of rows) {
      const made = element("tr");
      made.append(...row.map((one) => element("td", String(one))));
      inside.append(made);
    }
    twin.append(head, inside);
    by("twin").replaceChildren(twin);
    page.plotly().then(() => {
      const ink = colour("--ink"), line = colour("--line"), accent = colour("--accent"), step = most / 4;
      const scale = [0, 1, 2, 3, 4].map((k) => k * step);
      const axis = { gridcolor: line, linecolor: line, zeroline: false, automargin: true, fixedrange: true };
      const layout = { height: 260, margin: { l: 50, r: 12, t: 10, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 13 }, showlegend: false, bargap: 0.08 };
      const options = { responsive: true, displaylogo: false, displayModeBar: false };
      const ticks = { tickvals: scale, ticktext: scale.map((value) => text(name, value)) };
      if (points.length) Plotly.react("over", [{ type: "scatter", mode: points.length < 40 ? "lines+markers" : "lines", x: points.map((p) => p.date), y: points.map((p) => p.value), line: { color: accent },
        hovertext: points.map((p) => `${day(`${p.date}T00:00:00`)}: ${text(name, p.value)} (${p.n})`), hoverinfo: "text" }],
      { ...layout, xaxis: { ...axis, type: "date", nticks: 6 }, yaxis: { ...axis, range: [0, Math.max(...points.map((p) => p.value), step / 10) * 1.1], nticks: 5, ...(name === "interruptions" ? {} : ticks) } }, options);
      Plotly.react("bins", [{ type: "bar", x: bins.map((b) => (b.from + b.to) / 2), y: counts, width: width * 0.92, marker: { color: accent },
        hovertext: bins.map((b) => `${text(name, b.from)} – ${text(name, b.to)}: ${b.n}`), hoverinfo: "text" }],
      { ...layout, xaxis: { ...axis, range: [0, most], ...ticks }, yaxis: { ...axis, rangemode: "tozero", nticks: 5, ...(Math.max(...counts) < 5 ? { dtick: 1 } : {}), title: { text: say("ov_count") } } }, options);
    });
  };
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(figures, 120);
  };
  by("measure").addEventListener("change", figures);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", figures);
  apply();
});
