"use strict";
// What all parts of the page share: the data, times as text, and messages between them: "seek" (play from there, or only go
// there), "time" (the playhead has moved), "filter", "bleeps", "strip" (its size has changed), "edited" and, when rows show
// it, "changed". `page.ready` gives the page with
// its data unpacked.
// biome-ignore lint/correctness/noUnusedVariables: the scripts that follow use it
const page = (() => {
  const by = (id) => document.getElementById(id);
  const pad = (n) => String(n).padStart(2, "0");
  // as Python rounds, so that the page and its scripts write the same times: halves to even
  const rounded = (value) => {
    const up = Math.round(value);
    return up - value === 0.5 && up % 2 ? up - 1 : up;
  };
  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const unpacked = async (id) => {
    const bytes = Uint8Array.from(atob(by(id).textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const tools = {
    by, element, unpacked,
    clock: (seconds, tenths = false) => {
      const ticks = rounded(tenths ? seconds * 10 : seconds), whole = tenths ? Math.floor(ticks / 10) : ticks;
      const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
      const text = h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
      return tenths ? `${text}${tools.data.decimal}${ticks % 10}` : text;
    },
    // in one pass and by a function: values are users' texts, in which `$&` and braces have no meaning
    say: (key, values = {}) => tools.data.texts[key].replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place),
    tell: (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail })),
    on: (name, action) => document.addEventListener(name, (event) => action(event.detail)),
    download: (name, content, type) => {
      const link = element("a", "", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    },
    // plotly.js is large: it is unpacked and run when a figure comes near or the page is idle
    plotly: () => {
      tools.drawing ??= unpacked("plotly").then((source) => document.head.append(element("script", source)));
      return tools.drawing;
    },
  };
  const ready = unpacked("data").then((text) => {
    const data = JSON.parse(text), rows = document.querySelectorAll(".turns tbody tr");
    const turns = data.turns.map((turn, i) => ({ ...turn, answer: turn, row: rows[i] }));
    return Object.assign(tools, { data, turns, bleeps: data.bleeps.map((span) => [...span]) });
  });
  ready.catch(() => { by("trouble").textContent = by("trouble").dataset.old; });
  return { ready };
})();
