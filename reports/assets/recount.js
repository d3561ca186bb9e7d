"use strict";
// What follows from a correction by arithmetic alone, at once: talk time and its shares, turns, speech and silences. As in
// pipeline/turn_taking.py; all else waits for `ressenti apply`.
page.ready.then((page) => {
  const { data, clock, on, turns, edits, people, element } = page;
  const { speech } = data, { texts } = speech;
  const seconds = (spans) => spans.reduce((sum, [start, end]) => sum + end - start, 0);
  const union = (spans) => {
    const out = [];
    for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
      const last = out.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], end); else out.push([start, end]);
    }
    return out;
  };
  const without = (spans, cuts) => cuts.reduce((left, [from, to]) => left.flatMap(([start, end]) =>
    [[start, Math.min(end, from)], [Math.max(start, to), end]].filter(([a, b]) => b > a)), spans);

  // Turns of speech with overlap, as pipeline/turns.py joins them: across short pauses in which nobody else speaks.
  const joined = (own) => {
    const out = [];
    for (const [speaker, spans] of own) {
      const others = union([...own].filter(([label]) => label !== speaker).flatMap(([, theirs]) => theirs));
      let last = null, k = 0;
      for (const [start, end] of spans) {
        while (k < others.length && last && others[k][1] <= last.end) k += 1;
        const joins = last && (start <= last.end || (start - last.end <= speech.merge_gap && !(others[k]?.[0] < start)));
        if (!joins) {
          last = { speaker, start, end };
          out.push(last);
        } else last.end = Math.max(last.end, end);
      }
    }
    return out.map((turn, index) => ({ ...turn, index }));
  };
  const backchannels = (list) => {
    const inside = new Set();
    let open = [];
    for (const turn of [...list].sort((a, b) => a.start - b.start || a.end - b.end)) {
      open = open.filter((other) => other.end > turn.start);
      for (const other of open.filter((one) => one.speaker !== turn.speaker)) {
        if (turn.end <= other.end && turn.end - turn.start < other.end - other.start) inside.add(turn.index);
        else if (other.start === turn.start && other.end < turn.end) inside.add(other.index);
      }
      open.push(turn);
    }
    return inside;
  };

  // Talk by speaker, and speech and silences of the whole.
  const count = () => {
    const ignored = union(edits.now.ignored.map(({ start_s, end_s }) => [start_s, end_s]));
    const owner = new Map(turns.map((turn) => [turn.index, turn.speaker]));
    const isPerson = (label) => people.kindOf(label) === "person";
    const own = new Map();
    for (const [start, end, whose] of speech.spans) {
      const label = typeof whose === "number" ? owner.get(whose) : whose;
      if (!own.has(label)) own.set(label, []);
      own.get(label).push([start, end]);
    }
    for (const [label, spans] of own) if (isPerson(label)) own.set(label, without(union(spans), ignored)); else own.delete(label);
    const all = union([...own.values()].flat()), talk = [...own.values()].reduce((sum, spans) => sum + seconds(spans), 0);
    const left = speech.merge_gap !== null ? joined(own) : turns.filter((turn) => isPerson(turn.speaker)).flatMap(({ index, speaker, start, end }) => { // outside what is ignored
      const parts = without([[start, end]], ignored);
      return parts.length ? [{ index, speaker, start: parts[0][0], end: parts.at(-1)[1] }] : [];
    });
    const small = backchannels(left);
    const announced = turns.filter((turn) => !isPerson(turn.speaker)).map((turn) => [turn.start, turn.end]);
    const played = without(union([...speech.played, ...announced]), ignored);
    const held = [];
    for (const [start, end] of played) { // silence between sounds that are played belongs to the hold
      if (held.length && start - held.at(-1)[1] <= speech.silence) held.at(-1)[1] = end; else held.push([start, end]);
    }
    const edges = [0, ...all.flat(), data.duration], gaps = [];
    for (let k = 0; k < edges.length; k += 2) if (edges[k + 1] > edges[k]) gaps.push([edges[k], edges[k + 1]]);
    const quiet = without(gaps, union([...held, ...speech.left_out, ...ignored])).map(([start, end]) => end - start);
    return {
      talk: new Map([...own].map(([label, spans]) => [label, seconds(spans)])), all: talk, speech: seconds(all),
      turns: (label) => left.filter((turn) => turn.speaker === label && !small.has(turn.index)).length,
      silences: quiet.filter((long) => long > speech.silence), pauses: quiet.filter((long) => long > speech.non_talk).reduce((a, b) => a + b, 0),
    };
  };

  // Text as the page is rendered with.
  const decimals = (value, n) => value.toFixed(n).replace(".", data.decimal);
  const percent = (share) => `${decimals(100 * share, 0)}${data.percent}%`;
  const length = (long) => (long < 9.95 ? `${decimals(long, 1)}\u00a0s` : long < 59.5 ? `${decimals(long, 0)}\u00a0s`
    : texts[long < 3599.5 ? "minutes" : "hours"].replace("{time}", () => clock(Math.round(long))));

  const asRendered = new Map();
  const kept = (node) => {
    if (node && !asRendered.has(node)) asRendered.set(node, [...node.childNodes].map((child) => child.cloneNode(true)));
    return node;
  };
  const fact = (room, name, value, remark, flag) => {
    const place = kept(room?.querySelector(`[data-fact="${name}"] dd`));
    if (!place) return;
    const why = place.querySelector(".why");
    place.replaceChildren(value, ...(remark ? [" ", element("small", remark)] : []),
      ...(flag ? [" ", element("small", `⚑ ${flag}`, { class: "flag" })] : []), ...(why ? [why] : []));
  };
  const restore = () => {
    for (const [node, children] of asRendered) node.replaceChildren(...children.map((child) => child.cloneNode(true)));
  };
  const bars = [...document.querySelectorAll(".card[data-speaker]")].map((card) => {
    const bar = card.querySelector(".bar.talk"), fill = bar?.firstElementChild;
    return { card, label: card.dataset.speaker, bar, fill, width: fill?.style.width, said: bar?.getAttribute("aria-label") };
  });
  const show = () => {
    restore();
    const fresh = edits.stale ? count() : null, crowd = data.speakers.filter(({ label }) => people.kindOf(label) === "person").length;
    for (const { card, label, bar, fill, width, said } of bars) {
      const share = fresh?.all ? (fresh.talk.get(label) ?? 0) / fresh.all : 0;
      const party = document.querySelector(`[data-share="${CSS.escape(label)}"]`);
      if (party) party.closest("li").hidden = Boolean(fresh) && people.kindOf(label) !== "person";
      if (bar) {
        fill.style.width = fresh ? `${(100 * share).toFixed(1)}%` : width;
        bar.setAttribute("aria-label", fresh ? said.replace(/\d+.?%/, percent(share)) : said);
      }
      if (!fresh) continue;
      fact(card, "talk", clock(Math.round(fresh.talk.get(label) ?? 0)), `${percent(share)} ${texts.share}`, share > speech.flag_share && crowd > 1 ? texts.flag_share : "");
      fact(card, "turns", String(fresh.turns(label)));
      if (party) kept(party).textContent = texts.of_talk.replace("{share}", () => percent(share));
    }
    if (!fresh) return;
    const whole = document.querySelector(".facts"), { silences } = fresh;
    fact(whole, "speech", clock(Math.round(fresh.speech)), percent(fresh.speech / data.duration));
    fact(whole, "silence", silences.length ? String(silences.length) : texts.none,
      [texts.found, ...(fresh.pauses ? [texts.pauses.replace("{length}", () => length(fresh.pauses))] : [])].join(texts.semicolon),
      Math.max(0, ...silences) > speech.flag_silence ? texts.flag_silence : "");
  };
  on("edited", show);
});
