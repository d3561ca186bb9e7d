"use strict";
// The file of corrections: saved beside the page, where `ressenti apply` finds it, and loaded back.
page.ready.then((page) => {
  const { data, say, by, tell, download, turns, edits, tone } = page;
  const FORMAT = "ressenti corrections", VERSION = 1, MOST_BYTES = 64e6, MOST_SPANS = 1000;
  const stem = () => { // a library names its files by itself
    const here = decodeURIComponent(window.location.pathname.split("/").at(-1) ?? "");
    return here.endsWith(".report.html") ? here.slice(0, -".report.html".length) : data.name;
  };
  const name = () => `${stem()}.corrections.json`;

  // A class of somebody whose tone may not be told is not written, and neither are words that are silenced.
  const contents = () => {
    const corrections = edits.written(edits.now), { bleeps } = edits.now;
    const speakerOf = new Map(turns.map((turn) => [turn.index, turn.speaker]));
    const audible = (index, words) => (words === null || !bleeps.length ? words : (data.words[index] ?? []).filter(([start, , why]) =>
      !why && !bleeps.some(([from, to]) => from - data.near < start && start < to + data.near)).map(([, word]) => word).join(" "));
    corrections.turns = corrections.turns.map(({ turn, speaker, emotion, words = null, note, by: who, at }) => ({
      turn, speaker, emotion: tone.may(speakerOf.get(turn)) ? emotion : null, words: audible(turn, words), note, by: who, at,
    })).filter((one) => one.speaker || one.emotion || one.words !== null || one.note);
    return { format: FORMAT, version: VERSION, conversation: data.conversation, sha256: data.sha256, name: stem(), corrections,
      bleeps: edits.now.bleeps.map(([start_s, end_s]) => ({ start_s, end_s })), turns_sha256: data.turns_sha256 };
  };

  let handle = null; // where it was saved, if the browser lets the page choose
  const write = async (text) => {
    try {
      handle ??= await window.showSaveFilePicker({ suggestedName: name(), types: [{ description: say("js_corrections"), accept: { "application/json": [".json"] } }] });
      const file = await handle.createWritable();
      await file.write(text);
      await file.close();
      return handle.name;
    } catch (error) {
      if (error.name === "AbortError") return null; // the person closed the dialog
      handle = null;
      return undefined;
    }
  };
  const save = async () => {
    const whole = (_, value) => (typeof value === "string" ? (value.toWellFormed?.() ?? value) : value); // no half characters
    const state = edits.now, text = `${JSON.stringify(contents(), whole, 1)}\n`;
    const there = window.showSaveFilePicker ? await write(text) : undefined;
    if (there === null) return;
    if (there === undefined) download(name(), text, "application/json");
    edits.keep(state);
    tell("saved", {});
    if (!edits.unsaved) by("unsaved").textContent = there === undefined ? say("js_saved", { file: name() }) : say("js_saved_to", { file: there });
  };
  by("save").addEventListener("click", save);

  // What is wrong with a file, or null. It is checked as strictly as `ressenti apply` does what the page relies on.
  const indices = new Set(turns.map((turn) => turn.index));
  const is = {
    text: (most) => (value) => typeof value === "string" && value.length <= most,
    or: (...tests) => (value) => tests.some((test) => test(value)),
    one: (...values) => (value) => values.includes(value),
    none: (value) => value === null || value === undefined,
    label: (value) => typeof value === "string" && /^[A-Za-z0-9_.-]{1,100}$/.test(value),
    time: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
    turn: (value) => indices.has(value),
  };
  const known = (label) => page.people.known.has(label) || /^S[1-9][0-9]?$/.test(label);
  const whose = { speaker: (value) => is.label(value) && known(value) };
  const signed = { by: is.or(is.none, is.text(100)), at: is.or(is.none, (value) => typeof value === "string" && /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$/.test(value)) };
  const span = { start_s: (value) => is.time(value) && value < data.duration, end_s: is.time };
  const shapes = {
    names: { ...whose, name: is.text(1000), ...signed },
    roles: { ...whose, role: is.or(is.none, is.text(1000)), ...signed },
    kinds: { ...whose, kind: is.one("person", "announcement"), ...signed },
    turns: {
      turn: is.turn, speaker: is.or(is.none, whose.speaker), emotion: is.or(is.none, is.one(...Object.keys(data.classes).filter((key) => key !== "unsure"))),
      words: is.or(is.none, is.text(20000)), note: is.or(is.none, is.text(20000)), ...signed,
    },
    ignored: { ...span, why: is.one("announcement", "hold", "before", "other"), ...signed },
  };
  const fits = (one, shape) => one !== null && typeof one === "object" && Object.entries(shape).every(([key, test]) => test(one[key]))
    && (!("start_s" in shape) || one.start_s < one.end_s);
  const fit = (list, shape, most, key) => Array.isArray(list) && list.length <= most && list.every((one) => fits(one, shape))
    && (!key || new Set(list.map((one) => one[key])).size === list.length);
  const wrong = (file, content) => {
    const told = { file };
    if (content === null || typeof content !== "object" || content.format !== FORMAT) return say("js_load_format", told);
    if (Number.isInteger(content.version) && content.version > VERSION) return say("js_load_newer", told);
    if (content.version !== VERSION) return say("js_load_damaged", told);
    if (content.sha256 !== data.sha256) return say("js_load_other", { ...told, name: typeof content.name === "string" ? content.name.slice(0, 100) : "?" });
    if (content.turns_sha256 && content.turns_sha256 !== data.turns_sha256) return say("js_load_turns", told);
    const { corrections, bleeps } = content, whole = corrections !== null && typeof corrections === "object"
      && Object.entries(shapes).every(([key, shape]) => fit(corrections[key] ?? [], shape, key === "ignored" ? MOST_SPANS : 50000,
        { turns: "turn", ignored: "" }[key] ?? "speaker"))
      && (is.none(corrections.note) || fits(corrections.note, { text: is.text(20000), ...signed }))
      && fit(bleeps ?? [], span, MOST_SPANS);
    return whole ? null : say("js_load_damaged", told);
  };

  const tellLoaded = (text, bad) => {
    by("loaded").textContent = text;
    by("loaded").classList.toggle("flag", bad);
    by("loaded").scrollIntoView({ block: "nearest" });
  };
  const load = async (file) => {
    const told = { file: file.name };
    if (file.size > MOST_BYTES) return tellLoaded(say("js_load_format", told), true);
    let content = null;
    try {
      content = JSON.parse(await file.text());
    } catch {
      return tellLoaded(say("js_load_format", told), true);
    }
    const trouble = wrong(file.name, content);
    if (trouble) return tellLoaded(trouble, true);
    if (edits.unsaved && !window.confirm(say("js_load_over"))) return;
    const state = edits.read(content.corrections, (content.bleeps ?? []).map(({ start_s, end_s }) => [start_s, end_s]));
    edits.keep(state);
    edits.replace(state);
    tell("saved", {});
    tellLoaded(say("js_loaded", told), false);
  };
  by("load").addEventListener("click", () => by("load-file").click());
  by("load-file").addEventListener("change", async () => {
    const [file] = by("load-file").files;
    by("load-file").value = ""; // so that the same file can be loaded again
    if (file) await load(file);
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    load(event.dataTransfer.files[0]);
  });
});
