"use strict";
(() => {
  const sheet = JSON.parse(document.getElementById("sheet").textContent);
  const { items, words, names, classes, comma } = sheet;
  const SETTLE_MS = 250;  // a class chosen sooner after a turn has come is a key that was pressed twice
  const PACE_FROM = 5;  // turns labelled, before it is said how long the rest takes
  const $ = (id) => document.getElementById(id);
  const sound = $("sound");
  const choices = [...document.querySelectorAll(".choice")];
  const byKey = { 0: "cannot tell", u: "cannot tell" };
  classes.forEach((name, k) => { byKey[k + 1] = name; });
  let answers = new Map();  // item id -> {label, valence, arousal}
  let rater = "";
  let at = 0;
  let stored = true;  // whether the browser stores the answers
  let quick = true;  // a class is all that is asked for, and leads to the next turn
  let done = [];  // {item, before}: what was chosen in this visit, for undo
  let paces = [];  // ms from a turn's coming to its class
  let shownAt = 0;

  const fill = (key, values) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const write = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };  // screen readers read it aloud when it changes
  const say = (text) => write("message", text);
  const answerOf = (id) => answers.get(id) || { label: null, valence: null, arousal: null };
  const signed = (value) => (value < 0 ? "\u2212" : value > 0 ? "+" : "") + Math.abs(value).toFixed(2).replace(".", comma);
  const round = (value) => Math.round(Math.max(-1, Math.min(1, value)) * 100) / 100 || 0;
  const labelled = () => items.filter((item) => answerOf(item.id).label !== null).length;

  // ---- storage and the file

  // One slot per rater: a second rater on the same computer must not see the first one's labels.
  const slot = () => `ressenti-labels:${sheet.sample}:${rater.toLowerCase()}`;

  function keep() {
    try {
      localStorage.setItem(slot(), JSON.stringify(record()));
    } catch {
      if (stored) say(words.lab_no_storage);
      stored = false;
    }
  }

  function storedBefore() {
    try {
      return readable(JSON.parse(localStorage.getItem(slot())));
    } catch {
      return null;
    }
  }

  function record() {
    const given = items.map((item) => ({ item: item.id, ...answerOf(item.id) }));
    const labels = given.filter(({ label, valence }) => label !== null || valence !== null);
    return { format: "ressenti-labels", version: 1, sample: sheet.sample, seed: sheet.seed, count: sheet.count, rater, labels };
  }

  function readable(data) {
    const good = data && data.format === "ressenti-labels" && data.version === 1 && typeof data.rater === "string" && Array.isArray(data.labels);
    return good ? data : null;
  }

  function take(data) {
    const known = new Set(items.map((item) => item.id));
    const number = (value) => (typeof value === "number" && Math.abs(value) <= 1 ? value : null);
    answers = new Map();
    for (const { item, label, valence, arousal } of data.labels) {
      if (!known.has(item)) continue;
      const point = [number(valence), number(arousal)];
      const [v, a] = point.includes(null) ? [null, null] : point;
      answers.set(item, { label: Object.values(byKey).includes(label) ? label : null, valence: v, arousal: a });
    }
  }

  function save() {
    const name = `${rater.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "") || "rater"}.labels.json`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${JSON.stringify(record(), null, 1)}\n`], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(fill("lab_saved", { file: name }));
  }

  // ---- one turn

  function show(index) {
    at = Math.max(0, Math.min(items.length - 1, index));
    const item = items[at];
    shownAt = performance.now();
    sound.src = `data:audio/mpeg;base64,${item.mp3}`;
    $("heard").style.width = "0";
    $("number").textContent = at + 1;
    $("cut").hidden = !item.cut;
    $("previous").disabled = at === 0;
    $("next").disabled = at === items.length - 1;
    render();
    $("work").focus({ preventScroll: true });
  }

  function go(step) {
    if (at + step < 0 || at + step >= items.length) return;
    say("");
    show(at + step);
    window.scrollTo(0, 0);
    play();
  }

  function play() {
    sound.play().catch((error) => { if (error.name === "NotSupportedError") say(words.lab_no_sound); });
  }

  function toggle() {
    if (sound.paused) play(); else sound.pause();
  }

  function render() {
    const { label, valence, arousal } = answerOf(items[at].id);
    for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.dataset.label === label));
    const point = $("point");
    point.setAttribute("visibility", valence === null ? "hidden" : "visible");
    point.setAttribute("cx", valence ?? 0);
    point.setAttribute("cy", -(arousal ?? 0));
    write("position", valence === null ? words.lab_no_point : fill("lab_position", { valence: signed(valence), arousal: signed(arousal) }));
    $("remove").disabled = valence === null;
    const points = items.filter((item) => answerOf(item.id).valence !== null).length;
    const n = labelled(), total = items.length;
    write("progress", quick ? fill("lab_progress_quick", { n, total }) + left(total - n) : fill("lab_progress", { n, total, points }));
    $("undo").disabled = !done.length;
    $("done").value = labelled();
  }

  // How long the rest takes at the pace so far: the middle one of the times, so that breaks do not count.
  function left(turns) {
    if (paces.length < PACE_FROM || !turns) return "";
    const middle = [...paces].sort((a, b) => a - b)[Math.floor(paces.length / 2)];
    return ` · ${fill("lab_left", { minutes: Math.ceil((turns * middle) / 60000) })}`;
  }

  function choose(label) {
    const waited = performance.now() - shownAt, id = items[at].id, before = answers.get(id);
    if (quick && waited < SETTLE_MS) return;
    done.push({ id, before });
    if (answerOf(id).label === null) paces.push(waited);
    change({ label });
    write("last", fill("lab_last", { label: names[label] }));
    if (!quick) return;
    const open = (item) => answerOf(item.id).label === null;
    const next = items.findIndex((item, k) => k > at && open(item));
    const there = next < 0 ? items.findIndex(open) : next;
    if (there < 0) { sound.pause(); return; }
    show(there);
    play();
  }

  function undo() {
    const last = done.pop();
    if (!last) return;
    if (last.before) answers.set(last.id, last.before); else answers.delete(last.id);
    keep();
    show(items.findIndex((item) => item.id === last.id));
    write("last", "");
    say(fill("lab_undone", { n: at + 1 }));
    play();
  }

  function change(values) {
    const id = items[at].id;
    answers.set(id, { ...answerOf(id), ...values });
    say(labelled() === items.length ? words.lab_all_done : "");
    keep();
    render();
  }

  function move(right, up, step) {
    const { valence, arousal } = answerOf(items[at].id);
    change({ valence: round((valence ?? 0) + right * step), arousal: round((arousal ?? 0) + up * step) });
  }

  const remove = () => change({ valence: null, arousal: null });

  // ---- keyboard, mouse, touch

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const DEEDS = {
    " ": toggle, Enter: () => go(1), n: () => go(1), p: () => go(-1), b: () => go(-1), s: save, z: undo,
    Delete: remove, Backspace: () => (quick ? undo() : remove()),
  };

  document.addEventListener("keydown", (event) => {
    if ($("work").hidden || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === "z" && !event.repeat) { undo(); event.preventDefault(); }
      return;
    }
    const control = event.target.closest("button, input, summary");  // they handle Space and Enter themselves
    if (control && (event.key === " " || event.key === "Enter")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const digit = /^(?:Digit|Numpad)([0-5])$/.exec(event.code);  // by position: without Shift, French keyboards type "&" there
    const answer = byKey[digit && !event.shiftKey ? digit[1] : key];
    const arrow = quick ? null : ARROWS[key];
    if (arrow) move(...arrow, event.shiftKey ? 0.02 : 0.1);
    else if (answer) { if (!event.repeat) choose(answer); }
    else if (DEEDS[key]) { if (!event.repeat) DEEDS[key](); } else return;
    event.preventDefault();
  });

  // After a click, keys act on the turn again, not on the button that was clicked.
  $("work").addEventListener("click", (event) => {
    if (event.detail > 0 && event.target.closest("button")) $("work").focus({ preventScroll: true });
  });
  choices.forEach((choice) => choice.addEventListener("click", () => choose(choice.dataset.label)));
  $("play").addEventListener("click", toggle);
  $("previous").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  $("save").addEventListener("click", save);
  $("remove").addEventListener("click", remove);
  $("undo").addEventListener("click", undo);

  function place(event) {
    const box = $("plane").getBoundingClientRect();
    const across = (from, size) => (from / size - 0.5) * 2.32;  // in units of the drawing
    change({ valence: round(across(event.clientX - box.left, box.width)), arousal: round(-across(event.clientY - box.top, box.height)) });
  }
  $("plane").addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    $("plane").setPointerCapture(event.pointerId);
    place(event);
  });
  $("plane").addEventListener("pointermove", (event) => { if ($("plane").hasPointerCapture(event.pointerId)) place(event); });

  for (const name of ["play", "pause", "ended"]) {
    sound.addEventListener(name, () => { $("play-text").textContent = sound.paused ? words.lab_play : words.lab_pause; });
  }
  sound.addEventListener("timeupdate", () => { $("heard").style.width = `${100 * sound.currentTime / (sound.duration || 1)}%`; });

  // ---- start

  function begin(text) {
    quick = !$("points").checked && !items.some((item) => answerOf(item.id).valence !== null);
    done = [];
    paces = [];
    $("work").classList.toggle("quick", quick);
    $("intro").hidden = true;
    $("work").hidden = false;
    const open = items.findIndex((item) => answerOf(item.id).label === null);
    show(Math.max(0, open));
    say(text);
    keep();
    if (quick) play();
  }

  $("intro").addEventListener("submit", (event) => {
    event.preventDefault();
    rater = $("rater").value.trim();
    if (!rater) {
      say(words.lab_name_first);
      $("rater").focus();
      return;
    }
    const before = storedBefore();
    if (before) take(before);
    begin(labelled() ? fill("lab_resumed", { rater, n: labelled(), total: items.length }) : "");
  });

  $("load").addEventListener("change", async () => {
    const file = $("load").files[0];
    if (!file) return;
    let data = null;
    try { data = readable(JSON.parse(await file.text())); } catch { /* reported below */ }
    $("load").value = "";
    if (!data || !data.rater.trim()) return say(fill("lab_not_labels", { file: file.name }));
    if (data.sample !== sheet.sample) return say(fill("lab_other_sample", { file: file.name }));
    rater = data.rater.trim();
    take(data);
    begin(fill("lab_resumed", { rater, n: labelled(), total: items.length }));
  });

  $("rater").focus();
})();
