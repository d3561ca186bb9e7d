"use strict";
// Corrections by a person: names, speakers and classes of turns, notes, silenced spans; saved as a file from which
// `ressenti report` computes everything again.
page.ready.then((page) => {
  const { data, clock, say, by, tell, on, download, element, unpacked, turns } = page;
  const names = new Map(data.corrections.names.map((n) => [n.speaker, n.name]));
  const changes = new Map(data.corrections.turns.map((t) => [t.turn, t]));
  const kinds = new Map(data.corrections.kinds.map((k) => [k.speaker, k.kind])); // people and announcements
  const content = () => JSON.stringify([[...names], [...changes], [...kinds]]); // what headline and figures depend on
  const state = () => content() + JSON.stringify(page.bleeps);
  const before = state(), contentBefore = content();
  const speakers = data.speakers, editor = by("editor"), renamer = by("renamer");
  let edited = null, saved = before;

  const titleOf = (label) => {
    const known = speakers.find((s) => s.label === label);
    const name = names.get(label) ?? known?.name;
    const shown = `${name || (known?.unnamed ?? say("js_new_speaker", { label }))}${known?.role ?? ""}`;
    return known && kindOf(label) !== known.kind ? `${shown} → ${say(kindOf(label) === "person" ? "js_person" : "js_announcement")}` : shown;
  };
  const kindOf = (label) => kinds.get(label) ?? foundKind(label);
  // as the analysis found it: what the page was rendered with, without what a person said before
  const foundKind = (label) => {
    const known = speakers.find((s) => s.label === label)?.kind ?? "person";
    if (!data.corrections.kinds.some((k) => k.speaker === label)) return known;
    return known === "person" ? "announcement" : "person";
  };
  const count = () => names.size + changes.size + kinds.size + page.bleeps.length;

  // What a turn's row shows and filters use until figures are computed again: as rendered, or as changed since.
  const rendered = new Map(data.corrections.turns.map((t) => [t.turn, t]));
  const ofAnswer = (row) => [".class", ".score", ".valence", ".arousal"].map((name) => row.querySelector(`td${name}`));
  const cells = new Map(turns.map(({ row, index }) => [index, ofAnswer(row).map((cell) => cell?.cloneNode(true))]));
  const says = new Map(turns.map(({ row, index }) => [index, row.querySelector("td.sentiment")?.textContent ?? ""]));
  const answer = (turn, emotion) => {
    const was = rendered.get(turn.index), silent = !scored(turn.speaker);
    const same = emotion === (was?.emotion ?? null) && (!silent || turn.key === "none");
    const { key, answer: text } = turn.model;
    turn.answer = same ? turn : silent ? { key: "none", confidence: 0 }
      : emotion ? { key: emotion, confidence: 1 } : { key, confidence: turn.model.confidence };
    const words = turn.row.querySelector("td.sentiment");
    if (words) words.textContent = silent ? "" : says.get(turn.index);
    ofAnswer(turn.row).forEach((cell, i) => {
      if (!cell) return;
      const before = cells.get(turn.index)[i].cloneNode(true).childNodes;
      if (same) {
        cell.replaceChildren(...before);
        cell.classList.toggle("none", turn.key === "none" && i === 0);
        return;
      }
      cell.replaceChildren();
      if (i) return; // score, valence and arousal belong to the previous class
      const shown = silent ? "–" : emotion ? data.classes[emotion] : text || "–";
      cell.classList.toggle("none", shown === "–");
      cell.append(...(shown === "–" ? [] : [element("i", "", { class: `dot c-${turn.answer.key}` })]), shown);
    });
  };
  // A new speaker appears in the filter as soon as they have a turn.
  const choices = () => {
    const select = by("filters").elements.speaker, there = [...select.options];
    const news = new Set(turns.map((turn) => turn.speaker).filter((label) => !speakers.some((s) => s.label === label)));
    for (const option of there) if (option.dataset.fresh && !news.has(option.value)) option.remove();
    for (const label of news) if (!there.some((option) => option.value === label))
      select.append(element("option", titleOf(label), { value: label, "data-title": label, "data-fresh": "1" }));
  };

  const show = () => {
    for (const node of document.querySelectorAll("[data-title]")) node.textContent = titleOf(node.dataset.title);
    for (const turn of turns) {
      const change = changes.get(turn.index);
      turn.speaker = change?.speaker ?? turn.model.speaker;
      turn.corrected = Boolean(change);
      turn.row.querySelector(".who span").textContent = titleOf(turn.speaker);
      turn.asks = Boolean(turn.model.doubt) && !change?.speaker; // a speaker whom a person set is not unsure
      if (turn.model.doubt) for (const mark of turn.row.querySelectorAll(".asks")) mark.hidden = !turn.asks;
      turn.row.querySelector(".mine").textContent =
        [change?.emotion ? `→ ${data.classes[change.emotion]}` : "", change?.note ?? ""].filter(Boolean).join(" · ");
      answer(turn, change?.emotion ?? null);
    }
    for (const button of document.querySelectorAll("[data-kind]")) {
      const label = button.dataset.kind, was = speakers.find((s) => s.label === label)?.kind;
      button.setAttribute("aria-pressed", String(kindOf(label) !== was));
    }
    choices();
    tell("changed", {});
    const list = by("bleeps");
    list.replaceChildren(...page.bleeps.map(([start, end], i) => {
      const item = element("li", `${clock(start, true)} – ${clock(end, true)} `);
      const remove = element("button", say("js_remove"), { type: "button", "aria-label": `${say("js_remove")} ${clock(start, true)} – ${clock(end, true)}` });
      remove.addEventListener("click", () => {
        const lifted = data.bleeps.some(([s, e]) => s < end && start < e); // this page was rendered with it
        if (lifted && !window.confirm(say("js_lift"))) return;
        page.bleeps.splice(i, 1);
        show();
      });
      item.append(remove);
      return item;
    }));
    const silent = ([s, e]) => data.bleeps.some(([from, to]) => from <= s && e <= to);
    document.querySelector(".unrendered").hidden = page.bleeps.every(silent);
    const changed = state() !== saved;
    by("unsaved").textContent = changed ? say("js_unsaved", { n: count() }) : "";
    by("bar").hidden = by("after").hidden = state() === before && !changed;
    const stale = content() !== contentBefore;
    for (const mark of document.querySelectorAll(".stale")) mark.hidden = !stale;
    by("stale").textContent = stale ? say("js_stale") : "";
    by("stale").parentElement.hidden = !stale;
    tell("bleeps", {});
  };

  // Editing a turn.
  const fill = (select, pairs, chosen) => {
    select.replaceChildren(...pairs.map(([value, text]) => element("option", text, { value })));
    select.value = chosen;
  };
  const edit = (index) => {
    const turn = turns.find((t) => t.index === index), change = changes.get(index) ?? {};
    edited = turn;
    const labels = speakers.map((s) => s.label);
    const numbers = labels.map((label) => Number(label.replace(/\D/g, "")) || 0);
    const extra = [...new Set([...changes.values()].map((c) => c.speaker).filter((l) => l && !labels.includes(l)))];
    const fresh = `S${Math.max(...numbers, ...extra.map((l) => Number(l.slice(1)))) + 1}`;
    const all = [...labels, ...extra, fresh];
    const heard = turn.model.doubt ? [["", say("js_model_says", { answer: `${titleOf(turn.model.speaker)}?` })]] : [];
    fill(by("edit-speaker"), [...heard, ...all.map((l) => [l, titleOf(l)])],
      change.speaker ?? (turn.model.doubt ? "" : turn.model.speaker));
    const model = turn.model.answer;
    fill(by("edit-class"), [["", model ? say("js_model_says", { answer: model }) : say("js_no_answer")],
      ...Object.entries(data.classes).filter(([key]) => key !== "unsure")], change.emotion ?? "");
    allow();
    by("edit-note").value = change.note ?? "";
    by("edit-title").textContent = `${clock(turn.start, true)} – ${clock(turn.end, true)}`;
    editor.showModal();
  };
  // A speaker whose emotion is not computed takes no class. A new speaker is not scored either if roles are named.
  const scored = (label) => speakers.find((s) => s.label === label)?.scored ?? speakers.every((s) => !s.role);
  const allow = () => {
    by("edit-class").disabled = !scored(by("edit-speaker").value || edited.model.speaker);
    if (by("edit-class").disabled) by("edit-class").value = "";
  };
  by("edit-speaker").addEventListener("change", allow);
  by("editor-form").addEventListener("submit", () => {
    const speaker = by("edit-speaker").value, emotion = by("edit-class").value, note = by("edit-note").value.trim();
    const same = !speaker || (speaker === edited.model.speaker && !edited.model.doubt); // else a person confirms who it is
    const made = { turn: edited.index, speaker: same ? null : speaker, emotion: emotion || null, note };
    if (made.speaker || made.emotion || made.note) changes.set(edited.index, made); else changes.delete(edited.index);
    show();
  });
  by("edit-silence").addEventListener("click", () => {
    editor.close();
    bleep(edited.start, edited.end);
  });
  by("edit-cancel").addEventListener("click", () => editor.close());

  // Renaming a speaker.
  let renamed = null;
  const rename = (label) => {
    renamed = label;
    by("rename-name").value = names.get(label) ?? speakers.find((s) => s.label === label)?.name ?? "";
    renamer.showModal();
  };
  by("renamer-form").addEventListener("submit", () => {
    const name = by("rename-name").value.trim();
    if (name === (speakers.find((s) => s.label === renamed)?.name ?? "") && !data.corrections.names.some((n) => n.speaker === renamed)) names.delete(renamed);
    else names.set(renamed, name);
    show();
  });
  by("rename-cancel").addEventListener("click", () => renamer.close());
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".turns .quiet")?.closest("tr"), card = event.target.closest("[data-rename]"), kind = event.target.closest("[data-kind]");
    if (row) edit(turns.find((turn) => turn.row === row).index);
    if (card) rename(card.dataset.rename);
    if (kind) {
      const label = kind.dataset.kind, other = kindOf(label) === "person" ? "announcement" : "person";
      if (other === foundKind(label)) kinds.delete(label); else kinds.set(label, other);
      show();
    }
  });

  // Silencing a span.
  const bleep = (from, to) => {
    const start = Math.max(0, Math.round(from * 100) / 100), end = Math.min(data.duration, Math.round(to * 100) / 100);
    if (!(end > start)) return;
    const spans = [...page.bleeps, [start, end]].sort((a, b) => a[0] - b[0]);
    page.bleeps.splice(0, page.bleeps.length);
    for (const span of spans) {
      const last = page.bleeps.at(-1);
      if (last && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]); else page.bleeps.push(span);
    }
    show();
  };
  const seconds = (text) => {
    const parts = text.trim().replace(",", ".").split(":").map(Number);
    return parts.length > 3 || parts.some((p) => !Number.isFinite(p) || p < 0) || !text.trim() ? NaN : parts.reduce((sum, p) => sum * 60 + p, 0);
  };
  let at = 0;
  on("time", (time) => { at = time.at; });
  for (const [button, field] of [["from-here", "bleep-from"], ["to-here", "bleep-to"]])
    by(button).addEventListener("click", () => { by(field).value = clock(at, true); });
  by("bleep-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const start = seconds(by("bleep-from").value), end = seconds(by("bleep-to").value);
    const fits = start < end && start < data.duration;
    by("bleep-trouble").textContent = fits ? "" : say("js_bad_span", { end: clock(data.duration, true) });
    if (fits) { bleep(start, end); by("bleep-from").value = by("bleep-to").value = ""; }
  });
  on("bleep", ({ start, end }) => bleep(start, end));

  // Saving: the stored conversation with the corrections, without the words of silenced spans.
  const save = async () => {
    const conversation = JSON.parse(await unpacked("stored"));
    conversation.corrections = {
      names: [...names].map(([speaker, name]) => ({ speaker, name })),
      turns: [...changes.values()].sort((a, b) => a.turn - b.turn),
      kinds: [...kinds].map(([speaker, kind]) => ({ speaker, kind })),
    };
    conversation.bleeps = page.bleeps.map(([start_s, end_s]) => ({ start_s, end_s }));
    const places = [...(conversation.omissions ?? [])]; // where words were left out, without their text
    let place = null;
    const silencedIn = new Set(); // turns that lose words
    conversation.words = (conversation.words ?? []).filter(({ start_s, end_s, turn, exact, confidence }) => {
      // words without a time were placed evenly within their cue; times of recognised words are a little off
      const margin = exact === false ? data.margin : (confidence ?? null) === null ? 0 : data.near;
      if (!page.bleeps.some(([s, e]) => start_s - margin < e && end_s + margin > s)) {
        place = null;
        return true;
      }
      silencedIn.add(turn);
      if (place?.turn === turn && (turn !== null || start_s - place.end_s <= data.margin)) place.end_s = Math.max(place.end_s, end_s);
      else {
        place = { start_s, end_s, turn };
        places.push(place);
      }
      return false;
    });
    if (places.length !== (conversation.omissions ?? []).length) conversation.background = null; // it has their terms
    conversation.omissions = places;
    for (const turn of conversation.turns.filter(({ index, sentiment }) => sentiment && silencedIn.has(index))) {
      turn.sentiment = null; // it was told from these words
      conversation.moments = conversation.moments.filter((m) =>
        m.kind !== "contrast" || m.speaker !== turn.speaker || m.start_s !== turn.start_s);
    }
    download(`${data.name}.corrected.json`, `${JSON.stringify(conversation, null, 1)}\n`, "application/json");
    saved = state();
    show();
    by("unsaved").textContent = say("js_saved", { file: `${data.name}.corrected.json` });
  };
  by("save").addEventListener("click", save);
  by("undo").addEventListener("click", () => {
    names.clear(); changes.clear(); kinds.clear(); page.bleeps.splice(0, page.bleeps.length);
    for (const n of data.corrections.names) names.set(n.speaker, n.name);
    for (const t of data.corrections.turns) changes.set(t.turn, t);
    for (const k of data.corrections.kinds) kinds.set(k.speaker, k.kind);
    page.bleeps.push(...data.bleeps.map((span) => [...span]));
    show();
  });
  window.addEventListener("beforeunload", (event) => { if (state() !== saved) event.preventDefault(); });
  show();
});
