"use strict";
// What a person has changed, as one state with its history: each edit is a step, and can be undone and done again. Nothing
// outlives the page unless it is saved. "edited" tells of a change; `page.edits` has the state, `page.people` who is who.
page.ready.then((page) => {
  const { data, say, by, tell, turns } = page;
  const KEYS = { names: "speaker", roles: "speaker", kinds: "speaker", turns: "turn" };
  const signed = (one) => ({ by: one.by ?? "", at: one.at ?? "" });
  const FIELDS = {
    names: ({ speaker, name }) => ({ speaker, name }), roles: ({ speaker, role }) => ({ speaker, role: role || null }),
    kinds: ({ speaker, kind }) => ({ speaker, kind }), ignored: ({ start_s, end_s, why }) => ({ start_s, end_s, why }),
    turns: ({ turn, speaker, emotion, words, note }) => ({ turn, speaker: speaker ?? null, emotion: emotion ?? null, words: words ?? null, note: note ?? "" }),
  };
  const entry = (name, one) => ({ ...FIELDS[name](one), ...signed(one) });

  // From the form in which corrections are stored to maps by speaker or turn, and back, in an order of their own.
  const read = (corrections, bleeps) => ({
    ...Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [
      name, new Map((corrections[name] ?? []).map((one) => [one[key], entry(name, one)]))])),
    ignored: (corrections.ignored ?? []).map((one) => entry("ignored", one)),
    note: corrections.note?.text ? { text: corrections.note.text, ...signed(corrections.note) } : null,
    bleeps: bleeps.map((span) => [...span]),
  });
  const ordered = (a, b) => (typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0);
  const written = (state) => ({
    ...Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [
      name, [...state[name].values()].sort((a, b) => ordered(a[key], b[key]))])),
    ignored: [...state.ignored].sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s),
    note: state.note,
  });
  const text = (state) => JSON.stringify([written(state), state.bleeps]);
  // Of it, what headline, figures and the like depend on: no notes, no silenced spans, and not who wrote it when.
  const content = (state) => {
    const { names, roles, kinds, turns: entries, ignored } = written(state);
    const bare = (list) => list.map(({ by: _, at, note, ...rest }) => rest);
    return JSON.stringify([names, roles, kinds, entries, ignored].map(bare).map((list) => list.filter((one) =>
      !("turn" in one) || one.speaker || one.emotion || (one.words ?? null) !== null)));
  };

  const rendered = read(data.corrections, data.bleeps);
  let now = structuredClone(rendered), saved = text(now), editor = "";
  const past = [], future = [];
  const shown = () => {
    page.bleeps.splice(0, page.bleeps.length, ...now.bleeps.map((span) => [...span]));
    for (const turn of turns) turn.speaker = now.turns.get(turn.index)?.speaker ?? turn.model.speaker;
    tell("edited", {});
    tell("bleeps", {});
  };
  const go = (next) => {
    if (text(next) === text(now)) return;
    past.push(now);
    future.length = 0;
    now = next;
    shown();
  };
  const step = (from, to) => {
    if (!from.length) return;
    to.push(now);
    now = from.pop();
    shown();
  };
  const sign = () => ({ by: editor, at: `${new Date().toISOString().slice(0, 19)}Z` });
  page.edits = {
    read, written, content, sign, rendered,
    get now() { return now; },
    get editor() { return editor; },
    set editor(name) { editor = name.trim(); },
    get unsaved() { return text(now) !== saved; },
    get changed() { return text(now) !== text(rendered); },
    get stale() { return content(now) !== content(rendered); },
    get steps() { return [past.length, future.length]; },
    change: (edit) => {
      const next = structuredClone(now);
      edit(next);
      go(next);
    },
    replace: go,
    undo: () => step(past, future),
    redo: () => step(future, past),
    keep: (state = now) => { saved = text(state); },
  };

  // Who is who, as found and as corrected.
  const known = new Map(data.speakers.map((one) => [one.label, one]));
  const kindOf = (label) => now.kinds.get(label)?.kind ?? known.get(label)?.found_kind ?? "person";
  const nameOf = (label) => now.names.get(label)?.name ?? known.get(label)?.found_name ?? "";
  const roleOf = (label) => {
    const given = now.roles.get(label), one = known.get(label);
    if (given) return { role: given.role, guess: false };
    return rendered.roles.has(label) ? { role: one?.found_role ?? null, guess: one?.found_guess ?? false }
      : { role: one?.role ?? null, guess: one?.guess ?? false };
  };
  const roleTitle = (role) => (Object.hasOwn(data.roles.titles, role) ? data.roles.titles[role] : role);
  const titleOf = (label) => {
    const one = known.get(label), kind = kindOf(label);
    const name = nameOf(label) || (one?.unnamed ?? say("js_new_speaker", { label }));
    const { role, guess } = roleOf(label);
    const title = role && kind === "person" ? `${name} (${guess ? say("js_guessed", { role: roleTitle(role) }) : roleTitle(role)})` : name;
    return one && kind !== one.kind ? `${title} → ${say(kind === "person" ? "js_person" : "js_announcement")}` : title;
  };
  page.people = { known, kindOf, nameOf, roleOf, roleTitle, titleOf };

  const fields = "input, select, textarea, dialog, [contenteditable]";
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase(), redo = key === "y" || (key === "z" && event.shiftKey);
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
    if (event.target.closest(fields) && event.target.type !== "checkbox") return; // they undo their own text
    event.preventDefault();
    page.edits[redo ? "redo" : "undo"]();
  });
  by("undo").addEventListener("click", page.edits.undo);
  by("redo").addEventListener("click", page.edits.redo);
  by("undo-all").addEventListener("click", () => go(structuredClone(rendered)));
  window.addEventListener("beforeunload", (event) => { if (page.edits.unsaved) event.preventDefault(); });
});
