"use strict";
// Whose tone may be told: the rule of roles. What tells the tone of somebody of whom it may not be told is taken out of the
// page at once: `page.tone.told` gives figures and tables without it, "untold" says that they must be drawn again.
page.ready.then((page) => {
  const { data, on, tell, turns, edits, people } = page;
  const rule = data.roles;
  const plain = (text) => text.toLowerCase().replaceAll("ß", "ss").replaceAll("œ", "oe").replaceAll("æ", "ae")
    .normalize("NFKD").replace(/\p{M}/gu, "");
  const parts = (text) => text.split(/[^\p{L}\p{N}_]+/u).filter(Boolean);
  const begins = (text, beginnings) => {
    const bare = plain(text);
    return [bare, ...parts(bare)].some((word) => beginnings.some((beginning) => word.startsWith(beginning)));
  };
  const isKnown = (role) => {
    const words = parts(role).filter((word) => !/^\p{Nd}+$/u.test(word));
    return words.length > 0 && words.every((word) => begins(word, rule.known));
  };
  // As in pipeline/roles.py.
  const allows = (role, guess, withRoles) => {
    if (rule.asked.length && !rule.asked.includes((role ?? "").toLowerCase())) return false;
    if (rule.allowed || !withRoles) return true;
    if (!role || begins(role, rule.restricted) || (!rule.asked.length && !isKnown(role))) return false;
    return !guess;
  };
  const sameRoles = (a, b) => a.size === b.size && [...a].every(([label, one]) => b.has(label) && b.get(label).role === one.role);
  // Nobody gets a tone by a change of somebody else.
  const ruling = (label, roleOf = people.roleOf, given = edits.now.roles) => {
    if (people.kindOf(label) !== "person") return false;
    const one = people.known.get(label), { role, guess } = roleOf(label), before = edits.rendered.roles;
    const allowed = allows(role, guess, rule.named || data.speakers.some((other) => roleOf(other.label).role));
    if (!one || one.kind !== "person") return allowed;
    const own = given.has(label) !== before.has(label) || given.get(label)?.role !== before.get(label)?.role;
    return own ? allowed : one.scored && (sameRoles(given, before) || allowed);
  };

  const ruled = new Map(); // by label, until the next edit
  const may = (label) => {
    if (!ruled.has(label)) ruled.set(label, ruling(label));
    return ruled.get(label);
  };
  // Whether it may be told if somebody had another role: { role, guess }.
  const would = (label, whose, wanted) => ruling(label, (other) => (other === whose ? wanted : people.roleOf(other)),
    new Map(edits.now.roles).set(whose, wanted));

  let untold = new Set(), silenced = new Set(), before = "";
  const places = [...document.querySelectorAll("[data-tone]")].map((node) => ({ node, whose: node.dataset.tone, mark: document.createComment("") }));
  const voices = new Map([...document.querySelectorAll(".headline [data-tone]")].map((node) => [node, node.textContent]));
  const sweep = () => {
    for (const { node, whose, mark } of places) {
      const out = whose === "*" ? untold.size > 0 : untold.has(whose);
      if (out && node.parentNode) node.replaceWith(mark);
      else if (!out && mark.parentNode) mark.replaceWith(node);
    }
    for (const sentence of document.querySelectorAll(".headline p:not(.stale)")) {
      const left = [...sentence.querySelectorAll("[data-tone]")];
      for (const part of left) part.textContent = part === left.at(-1) ? voices.get(part).replace(/\s*;$/, ".") : voices.get(part); // a sentence ends with a full stop
      sentence.hidden = !sentence.textContent.trim();
    }
    const further = document.querySelector(".listen details");
    if (further) {
      const n = further.querySelectorAll("li").length;
      further.hidden = !n;
      if (n) further.querySelector("summary").textContent = data.more_moments[n - 1];
    }
    for (const line of document.querySelectorAll(".moments .told")) { // the button reads what the line says
      const go = line.closest("li").querySelector(".go");
      go.setAttribute("aria-label", `${go.dataset.who} ${line.textContent}`);
    }
  };
  const look = () => {
    ruled.clear();
    untold = new Set(data.speakers.filter((one) => one.scored && !may(one.label)).map((one) => one.label));
    silenced = new Set(turns.filter((turn, k) => people.known.get(data.turns[k].speaker)?.scored && !may(turn.speaker)).map((turn) => turn.index));
    const state = JSON.stringify([[...untold], [...silenced]]);
    if (state === before) return;
    const first = before === "";
    before = state;
    sweep();
    if (!first || untold.size) tell("untold", {});
  };

  // A row of a table: as it is, without its cells that tell tone, or null.
  const rowTold = (table, k) => {
    const whose = table.tone[k] || "", [label, turn] = typeof whose === "string" ? [whose, null] : whose;
    const hidden = turn === null ? untold.has(label) : silenced.has(turn) || (!table.tone_columns.length && untold.has(label));
    if (!hidden) return table.rows[k];
    return turn !== null && table.tone_columns.length ? table.rows[k].map((value, i) => (table.tone_columns.includes(i) ? null : value)) : null;
  };
  const rows = (table) => table.rows.map((_, k) => rowTold(table, k)).filter(Boolean);

  // A trace with only those of its points that are kept; lists that are as long as it are of its points.
  const only = (trace, keep) => {
    const count = trace.x.length;
    const cut = (value) => (Array.isArray(value) && value.length === count ? value.filter((_, i) => keep(i))
      : value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(one)])) : value);
    return cut(trace);
  };
  const GREY = { color: "#DDE1E6" };
  const timeline = (trace) => {
    if (trace.meta?.tone) return [only(trace, (i) => !(trace.meta.tone[i] && untold.has(trace.y[i])))];
    const hides = trace.customdata && trace.hovertext ? (i) => silenced.has(trace.customdata[i])
      : trace.meta?.level === "minute" ? (i) => untold.has(trace.y[i]) : null;
    const out = hides ? trace.x.map((_, i) => i).filter(hides) : [];
    if (!out.length) return [trace];
    const rest = only(trace, (i) => !hides(i)), bare = only(trace, hides);
    const safe = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const said = (i) => `${safe(people.titleOf(bare.y[i]))}<br>${page.clock(bare.base[i])}–${page.clock(bare.base[i] + bare.x[i])}`;
    delete bare.text;
    return [...(rest.x.length ? [rest] : []), { ...bare, name: page.say("js_no_answer"), marker: GREY, hovertext: bare.x.map((_, i) => said(i)) }];
  };
  const told = (name, figure) => {
    if (!untold.size && !silenced.size) return figure;
    const traces = figure.data.flatMap((trace) => {
      if (name === "timeline") return timeline(trace);
      if (name === "shares") return [only(trace, (i) => !untold.has(trace.y[i]))];
      if (untold.has(trace.legendgroup) || untold.has(trace.meta?.who)) return [];
      if (trace.customdata?.some((turn) => silenced.has(turn))) return [only(trace, (i) => !silenced.has(trace.customdata[i]))];
      return [trace];
    });
    // plotly drops the axes of a small multiple without traces, on which the figure's playhead and zoom rest
    const drawn = new Set(traces.map((trace) => trace.xaxis ?? "x"));
    const bare = new Map(figure.data.filter((trace) => !drawn.has(trace.xaxis ?? "x")).map(({ xaxis, yaxis }) => [xaxis, { xaxis, yaxis }]));
    traces.push(...[...bare.values()].map((axes) => ({ type: "scatter", x: [0], y: [null], showlegend: false, hoverinfo: "skip", ...axes })));
    return { ...figure, data: traces };
  };
  page.tone = { may, would, allows, told, rows, hides: (label) => untold.has(label), get untold() { return [...untold]; } };
  on("edited", look);
  look();
});
