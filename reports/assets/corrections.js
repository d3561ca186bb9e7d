"use strict";
// Where a person corrects: dialogs for turns and speakers, spans, the note of the call; and rows, titles and lists that show
// what was corrected, by whom and when. State and history are in edits.js.
page.ready.then((page) => {
  const { data, clock, say, by, tell, on, element, turns, edits, people, tone } = page;
  const { kindOf, nameOf, roleOf, roleTitle, titleOf } = people;
  const speakers = data.speakers, editor = by("editor"), renamer = by("renamer");
  const locale = document.documentElement.lang;
  let edited = null;

  const when = (at) => (Number.isNaN(Date.parse(at)) ? at : new Date(at).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" }));
  const signature = (one) => [one?.by, when(one?.at ?? "")].filter(Boolean).join(", ");
  const joined = (index) => (data.words[index] ?? []).filter(([, , why]) => !why).map(([, text]) => text).join(" ");
  // The words of a turn as found: before a person wrote others.
  const found = new Map(turns.map(({ index }) => [index, data.found_words[index] ?? data.words[index] ?? []]));
  const foundText = (index) => found.get(index).filter(([, , why]) => !why).map(([, text]) => text).join(" ");

  // The words that a person wrote, with the times of those found where they agree at both ends, else evenly between them.
  const timed = (turn, text) => {
    const said = text.split(/\s+/).filter(Boolean), before = found.get(turn.index).filter(([, , why]) => !why);
    const most = Math.min(said.length, before.length);
    let head = 0, tail = 0;
    while (head < most && said[head] === before[head][1]) head += 1;
    while (tail < most - head && said.at(-1 - tail) === before.at(-1 - tail)[1]) tail += 1;
    const from = before[head]?.[0] ?? before[head - 1]?.[0] ?? turn.start, to = tail ? before.at(-tail)[0] : turn.end, middle = said.length - head - tail;
    return said.map((word, k) => (k < head ? before[k] : k >= said.length - tail ? before.at(k - said.length)
      : [Math.round(100 * (from + (to - from) * (k - head) / middle)) / 100, word]));
  };

  // What a turn's row shows and filters use until figures are computed again: as rendered, or as changed since.
  const cellsOf = (row) => ["td.class", "td.score", "td.valence", "td.arousal", "td.activation", "td.sentiment", "td.note .found", "td.note .human"]
    .map((place) => row.querySelector(place));
  const cells = new Map(turns.map(({ row, index }) => [index, cellsOf(row).map((cell) => cell?.cloneNode(true))]));
  const speakerThen = new Map(data.turns.map((turn) => [turn.index, turn.speaker]));
  const answer = (turn, emotion) => {
    const shown = cellsOf(turn.row), was = edits.rendered.turns.get(turn.index), silent = !tone.may(turn.speaker);
    const told = Boolean(people.known.get(speakerThen.get(turn.index))?.scored); // whether the row as rendered tells its tone
    const same = emotion === (was?.emotion ?? null) && (!silent || turn.key === "none");
    const { key, answer: text } = turn.model;
    turn.answer = same ? turn : silent ? { key: "none", confidence: 0 }
      : emotion ? { key: emotion, confidence: 1 } : { key, confidence: turn.model.confidence };
    shown.forEach((cell, i) => { cell?.replaceChildren(...cells.get(turn.index)[i].cloneNode(true).childNodes); });
    const [first, ...others] = shown;
    first?.classList.toggle("none", turn.key === "none");
    if (silent ? !told : same) return;
    if (silent) { // nothing of its tone, nor what the model said
      for (const cell of others) cell?.replaceChildren();
      others[5]?.append(say("js_not_scored"));
    } else for (const cell of others.slice(0, 3)) cell?.replaceChildren(); // they belong to the previous class
    if (!first) return;
    const said = silent ? "–" : emotion ? data.classes[emotion] : text || "–";
    first.classList.toggle("none", said === "–");
    first.replaceChildren(...(said === "–" ? [] : [element("i", "", { class: `dot c-${turn.answer.key}` })]), said);
  };
  const wordsOf = new Map(turns.map(({ index }) => [index, data.words[index]]));
  const wording = new Map(); // what a person wrote, as the rows show it
  const reword = (turn, text) => {
    const was = edits.rendered.turns.get(turn.index)?.words ?? null;
    if ((wording.has(turn.index) ? wording.get(turn.index) : was) === text) return;
    wording.set(turn.index, text);
    const parts = (text === was ? wordsOf : text === null ? found : new Map([[turn.index, timed(turn, text ?? "")]])).get(turn.index) ?? [];
    data.words[turn.index] = parts;
    const cell = turn.row.querySelector(".said");
    cell.classList.remove("split");
    cell.replaceChildren(...parts.flatMap(([, word, why, faint], k) => [...(k ? [" "] : []),
      ...(why || faint ? [element("span", word, why ? { class: "cut", title: why } : { class: "faint" })] : [word])]));
  };
  // A new speaker appears in the filter as soon as they have a turn.
  const choices = () => {
    const select = by("filters").elements.speaker, there = [...select.options];
    const news = new Set(turns.map((turn) => turn.speaker).filter((label) => !people.known.has(label)));
    for (const option of there) if (option.dataset.fresh && !news.has(option.value)) option.remove();
    for (const label of news) if (!there.some((option) => option.value === label))
      select.append(element("option", titleOf(label), { value: label, "data-title": label, "data-fresh": "1" }));
  };
  const ignoredAs = (turn) => edits.now.ignored.find(({ start_s, end_s }) => start_s < turn.end && turn.start < end_s
    && Math.min(end_s, turn.end) - Math.max(start_s, turn.start) > (turn.end - turn.start) / 2);

  const listed = (place, spans, text, remove) => place.replaceChildren(...spans.map((span, i) => {
    const [start, end] = Array.isArray(span) ? span : [span.start_s, span.end_s], times = `${clock(start, true)} – ${clock(end, true)}`;
    const item = element("li", `${times} · ${text(span)} `), button = element("button", say("js_remove"), { type: "button", "aria-label": `${say("js_remove")} ${times}` });
    if (!Array.isArray(span) && signature(span)) item.append(element("small", signature(span)), " ");
    button.addEventListener("click", () => remove(span, i));
    item.append(button);
    return item;
  }));
  const told = (node, text) => {
    node.textContent = text;
    node.hidden = !text;
  };

  const stateOf = (turn) => {
    const change = edits.now.turns.get(turn.index), left = ignoredAs(turn), silent = !tone.may(turn.speaker), title = titleOf(turn.speaker);
    return { change, left, silent, title, key: JSON.stringify([change, left?.why, silent, title]) };
  };
  const drawn = new Map(); // the state that each row shows; those without a correction are as rendered
  for (const turn of turns) {
    const { change, left, key } = stateOf(turn);
    if (!change && !left) drawn.set(turn.index, key);
    turn.corrected = Boolean(change);
    turn.asks = Boolean(turn.model.doubt) && !change?.speaker;
  }
  const showTurns = () => {
    for (const turn of turns) {
      const { change, left, silent, title, key } = stateOf(turn), { row } = turn;
      if (drawn.get(turn.index) === key) continue;
      drawn.set(turn.index, key);
      turn.corrected = Boolean(change);
      row.querySelector(".who span").textContent = title;
      row.querySelector(".who .voice").className = `voice ${people.known.has(turn.speaker) ? `s-${people.known.get(turn.speaker).place}` : ""}`;
      turn.asks = Boolean(turn.model.doubt) && !change?.speaker; // a speaker whom a person set is not unsure
      if (turn.model.doubt) for (const mark of row.querySelectorAll(".asks")) mark.hidden = !turn.asks;
      row.querySelector(".mine").textContent = [
        change?.speaker ? `→ ${title}` : "",
        change?.emotion && !silent ? `→ ${data.classes[change.emotion]}` : "",
        (change?.words ?? null) === null ? "" : say("js_reworded"),
        left ? say(`js_ignore_${left.why}`) : "", change?.note ?? "",
      ].filter(Boolean).join(" · ");
      row.querySelector(".signed").textContent = signature(change);
      row.classList.toggle("ignored", Boolean(left));
      answer(turn, change?.emotion ?? null);
      reword(turn, change?.words ?? null);
    }
  };
  const showSpeakers = () => {
    for (const node of document.querySelectorAll("[data-title]")) node.textContent = titleOf(node.dataset.title);
    for (const button of document.querySelectorAll("[data-kind]")) {
      const label = button.dataset.kind, was = people.known.get(label)?.kind;
      button.setAttribute("aria-pressed", String(kindOf(label) !== was));
    }
    for (const card of document.querySelectorAll(".card[data-speaker]")) {
      const label = card.dataset.speaker, own = ["names", "roles", "kinds"].map((name) => edits.now[name].get(label)).filter(Boolean);
      const last = own.sort((a, b) => (a.at < b.at ? 1 : -1))[0];
      told(card.querySelector(".signed"), signature(last) && say("js_corrected_by", { who: signature(last) }));
      const one = people.known.get(label), may = tone.may(label);
      told(card.querySelector(".tone-told"), tone.hides(label) ? say("js_tone_gone") : may && !one.scored ? say("js_tone_again") : "");
    }
  };
  const showBar = () => {
    const { stale, unsaved, changed, steps } = edits;
    by("unsaved").textContent = unsaved ? say("js_unsaved", { n: counted() }) : "";
    by("undo").disabled = !steps[0];
    by("redo").disabled = !steps[1];
    by("undo-all").disabled = !changed;
    by("save").disabled = !unsaved && !changed;
    by("bar").hidden = !changed && !unsaved && !steps[0] && !steps[1];
    by("after").hidden = !changed;
    const anew = data.sound && !edits.now.bleeps.every(([s, e]) => data.bleeps.some(([from, to]) => from <= s && e <= to));
    for (const code of document.querySelectorAll("#bar code, #after code")) code.textContent = `${data.apply}${anew ? " --recording RECORDINGS" : ""}`;
    for (const mark of document.querySelectorAll(".stale")) {
      mark.hidden = !stale;
      mark.textContent = stale ? say(mark.dataset.say) : ""; // what is hidden would still be found and copied
    }
    const gone = tone.untold.map(titleOf).join(", ");
    by("stale").textContent = [gone && say("js_tone_hidden", { who: gone }), stale ? say("js_stale") : changed ? say("js_waiting") : ""].filter(Boolean).join(" ");
    by("stale").parentElement.hidden = !changed;
  };
  const counted = () => {
    const { names, roles, kinds, turns: entries, ignored, note, bleeps } = edits.now;
    return names.size + roles.size + kinds.size + entries.size + ignored.length + bleeps.length + (note ? 1 : 0);
  };
  const show = () => {
    showSpeakers();
    showTurns();
    choices();
    listed(by("bleeps"), edits.now.bleeps, () => say("js_silenced"), (span) => {
      const lifted = data.bleeps.some(([s, e]) => s < span[1] && span[0] < e); // this page was rendered with it
      if (lifted && !window.confirm(say("js_lift"))) return;
      edits.change((next) => { next.bleeps = next.bleeps.filter(([start, end]) => start !== span[0] || end !== span[1]); });
    });
    listed(by("ignored"), edits.now.ignored, ({ why }) => say(`js_ignore_${why}`), (_, i) => edits.change((next) => next.ignored.splice(i, 1)));
    const silent = ([s, e]) => data.bleeps.some(([from, to]) => from <= s && e <= to);
    document.querySelector(".unrendered").hidden = edits.now.bleeps.every(silent);
    const { note } = edits.now;
    if (document.activeElement !== by("call-note")) by("call-note").value = note?.text ?? "";
    told(by("call-note").closest(".call-notes").querySelector(".signed"), signature(note));
    told(by("call-note-shown"), note?.text ?? "");
    if (signature(note)) by("call-note-shown").append(" ", element("small", signature(note)));
    showBar();
    tell("changed", {});
  };
  on("edited", show);
  on("saved", showBar);

  // Who corrects: asked in the first dialog, kept in the field below the corrections.
  const signers = [...document.querySelectorAll(".signing input")];
  let asked = false;
  by("by").addEventListener("change", () => { edits.editor = by("by").value; asked = true; });
  const ask = (dialog) => { for (const label of dialog.querySelectorAll(".signing")) label.hidden = asked; };
  const signed = (dialog) => {
    const field = signers.find((one) => dialog.contains(one));
    if (asked) return;
    asked = true;
    edits.editor = by("by").value = field.value;
  };
  // Fields that hold much say how much room is left when it is little.
  for (const field of document.querySelectorAll("textarea[maxlength]")) {
    const place = field.closest("label").nextElementSibling, most = Number(field.maxLength);
    field.addEventListener("input", () => {
      const left = most - field.value.length;
      place.textContent = left < most / 10 ? say("js_left", { n: left }) : "";
    });
  }
  const clear = (dialog) => { for (const place of dialog.querySelectorAll(".left")) place.textContent = ""; };

  // A turn.
  const fill = (select, pairs, chosen) => {
    select.replaceChildren(...pairs.map(([value, text]) => element("option", text, { value })));
    select.value = chosen;
  };
  const edit = (index) => {
    const turn = turns.find((t) => t.index === index), change = edits.now.turns.get(index) ?? {};
    edited = turn;
    const labels = speakers.map((s) => s.label);
    const numbers = labels.map((label) => Number(label.replace(/\D/g, "")) || 0);
    const extra = [...new Set([...edits.now.turns.values()].map((c) => c.speaker).filter((l) => l && !labels.includes(l)))];
    const fresh = `S${Math.max(...numbers, ...extra.map((l) => Number(l.slice(1)))) + 1}`;
    const heard = turn.model.doubt ? [["", say("js_model_says", { answer: `${titleOf(turn.model.speaker)}?` })]] : [];
    fill(by("edit-speaker"), [...heard, ...[...labels, ...extra, fresh].map((l) => [l, titleOf(l)])],
      change.speaker ?? (turn.model.doubt ? "" : turn.model.speaker));
    allow(change.emotion ?? "");
    if (by("edit-words")) {
      by("edit-words").value = joined(index);
      restorable();
    }
    by("edit-note").value = change.note ?? "";
    by("edit-title").textContent = `${clock(turn.start, true)} – ${clock(turn.end, true)}`;
    clear(editor);
    ask(editor);
    editor.showModal();
  };
  // A speaker whose emotion is not computed takes no class, and their dialog does not tell the model's.
  const allow = (chosen) => {
    const select = by("edit-class"), may = tone.may(by("edit-speaker").value || edited.model.speaker);
    const model = may ? edited.model.answer : "";
    fill(select, [["", model ? say("js_model_says", { answer: model }) : say(may ? "js_no_answer" : "js_not_scored")],
      ...(may ? Object.entries(data.classes).filter(([key]) => key !== "unsure") : [])], may ? chosen : "");
    select.disabled = !may;
  };
  by("edit-speaker").addEventListener("change", () => allow(by("edit-class").value));
  const restorable = () => { by("edit-found").hidden = by("edit-words").value.trim() === foundText(edited.index); };
  by("edit-words")?.addEventListener("input", restorable);
  by("edit-restore")?.addEventListener("click", () => {
    by("edit-words").value = foundText(edited.index);
    restorable();
    by("edit-words").focus();
  });
  by("editor-form").addEventListener("submit", () => {
    const speaker = by("edit-speaker").value, emotion = by("edit-class").value, note = by("edit-note").value.trim();
    const said = by("edit-words")?.value.split(/\s+/).filter(Boolean).join(" ") ?? null;
    const same = !speaker || (speaker === edited.model.speaker && !edited.model.doubt); // else a person confirms who it is
    const before = edits.now.turns.get(edited.index);
    // words that were not touched stay as they are, also where some are silenced
    const words = said === null || said === joined(edited.index) ? before?.words ?? null : said === foundText(edited.index) ? null : said;
    signed(editor);
    edits.change((next) => {
      const made = { turn: edited.index, speaker: same ? null : speaker, emotion: emotion || null, words, note, ...edits.sign() };
      if (!(made.speaker || made.emotion || made.note || made.words !== null)) return next.turns.delete(edited.index);
      const as = ({ speaker: s, emotion: e, words: w = null, note: n }) => JSON.stringify([s, e, w, n]);
      if (!before || as(before) !== as(made)) next.turns.set(edited.index, made);
    });
  });
  by("edit-silence").addEventListener("click", () => {
    editor.close();
    signed(editor);
    silence(edited.start, edited.end);
  });
  by("edit-cancel").addEventListener("click", () => editor.close());

  // A speaker.
  let renamed = null;
  const OWN = "own role", FOUND = "as found"; // no role has such a name among the choices
  const roleGiven = () => { // { role, guess } as chosen
    const chosen = by("rename-role").value, one = people.known.get(renamed);
    if (chosen === FOUND) return { role: one.found_role, guess: one.found_guess };
    return { role: (chosen === OWN ? by("rename-own").value.trim() : chosen) || null, guess: false };
  };
  const sameRole = (a, b) => a.role === b.role && a.guess === b.guess;
  const follows = () => { // what follows from a role, before it is given
    const own = by("rename-role").value === OWN, given = roleGiven(), one = people.known.get(renamed);
    by("rename-own-label").hidden = !own;
    if (sameRole(given, roleOf(renamed))) return told(by("rename-follows"), "");
    const may = tone.would(renamed, renamed, given);
    const others = speakers.filter(({ label }) => label !== renamed && tone.may(label) && !tone.would(label, renamed, given));
    told(by("rename-follows"), [
      say(`js_role_${one.scored ? (may ? "kept" : "gone") : may ? "again" : "never"}`),
      others.length ? say("js_role_others", { who: others.map(({ label }) => titleOf(label)).join(", ") }) : "",
    ].filter(Boolean).join(" "));
  };
  const rename = (label) => {
    renamed = label;
    const { role, guess } = roleOf(label), one = people.known.get(label), titles = Object.keys(data.roles.titles), offered = role === null || titles.includes(role);
    by("rename-name").value = nameOf(label);
    fill(by("rename-role"), [
      ...(one.found_guess ? [[FOUND, say("js_guessed", { role: roleTitle(one.found_role) })]] : []),
      ["", say("js_no_role")], ...titles.map((name) => [name, roleTitle(name)]), [OWN, say("js_own_role")],
    ], guess ? FOUND : offered ? role ?? "" : OWN);
    by("rename-own").value = offered ? "" : role;
    by("rename-role").closest("label").hidden = kindOf(label) !== "person";
    follows();
    ask(renamer);
    renamer.showModal();
  };
  by("rename-role").addEventListener("change", () => { follows(); if (by("rename-role").value === OWN) by("rename-own").focus(); });
  by("rename-own").addEventListener("input", follows);
  by("renamer-form").addEventListener("submit", () => {
    const name = by("rename-name").value.trim(), one = people.known.get(renamed), given = roleGiven();
    signed(renamer);
    edits.change((next) => {
      if (name !== nameOf(renamed)) {
        if (name === one.found_name) next.names.delete(renamed); else next.names.set(renamed, { speaker: renamed, name, ...edits.sign() });
      }
      if (sameRole(given, roleOf(renamed))) return;
      if (sameRole(given, { role: one.found_role, guess: one.found_guess })) next.roles.delete(renamed);
      else next.roles.set(renamed, { speaker: renamed, role: given.role, ...edits.sign() });
    });
  });
  by("rename-cancel").addEventListener("click", () => renamer.close());
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".turns .quiet")?.closest("tr"), card = event.target.closest("[data-rename]"), kind = event.target.closest("[data-kind]");
    if (row) edit(turns.find((turn) => turn.row === row).index);
    if (card) rename(card.dataset.rename);
    if (kind) {
      const label = kind.dataset.kind, other = kindOf(label) === "person" ? "announcement" : "person";
      edits.change((next) => {
        if (other === people.known.get(label)?.found_kind) next.kinds.delete(label);
        else next.kinds.set(label, { speaker: label, kind: other, ...edits.sign() });
      });
    }
  });

  // Spans: silenced in the sound, or left out of all figures.
  const exact = (from, to) => [Math.max(0, Math.round(from * 100) / 100), Math.min(data.duration, Math.round(to * 100) / 100)];
  const silence = (from, to) => {
    const [start, end] = exact(from, to);
    if (!(end > start)) return;
    edits.change((next) => {
      const spans = [...next.bleeps, [start, end]].sort((a, b) => a[0] - b[0]);
      next.bleeps = [];
      for (const span of spans) {
        const last = next.bleeps.at(-1);
        if (last && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]); else next.bleeps.push(span);
      }
    });
  };
  const ignore = (from, to, why) => {
    const [start_s, end_s] = exact(from, to);
    if (end_s > start_s) edits.change((next) => { next.ignored = [...next.ignored, { start_s, end_s, why, ...edits.sign() }].sort((a, b) => a.start_s - b.start_s); });
  };
  const mark = (from, to) => (by("span-what").value === "silence" ? silence(from, to) : ignore(from, to, by("span-what").value));
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
    if (fits) { mark(start, end); by("bleep-from").value = by("bleep-to").value = ""; }
  });
  on("bleep", ({ start, end }) => mark(start, end));

  // The note of the call: each time the field is left, a step.
  by("call-note").addEventListener("change", () => {
    const text = by("call-note").value.trim();
    if (text !== (edits.now.note?.text ?? "")) edits.change((next) => { next.note = text ? { text, ...edits.sign() } : null; });
  });
  show();
});
