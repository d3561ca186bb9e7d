"use strict";
// The player at the foot of the page: sound, energy strip, keyboard. Without sound it still moves the playhead.
page.ready.then((page) => {
  const { data, clock, say, by, tell, on, turns, paint, look, zoom } = page;
  const audio = by("sound"), strip = by("strip"), play = by("play");
  const whole = clock(Math.round(data.duration)); // as in the head of the page
  let at = 0, drawn = null, silencing = false; // the time, a span that is being drawn on the strip, and what for

  if (data.sound === "embed") {
    const text = atob(by("mp3").textContent), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
  }
  const silent = () => page.bleeps.some(([start, end]) => at >= start - 0.02 && at < end);

  const show = (time) => {
    at = Math.min(Math.max(0, time), data.duration);
    if (data.sound) audio.muted = silent();
    by("clock").textContent = `${clock(at, true)} / ${whole}`;
    strip.setAttribute("aria-valuenow", at.toFixed(1));
    strip.setAttribute("aria-valuetext", `${clock(at, true)} / ${whole}`);
    draw();
    tell("time", { at, playing: data.sound ? !audio.paused : false });
  };
  const listen = () => audio.play().catch(() => {}); // the error event reports what is wrong with the sound
  const seek = (time, start) => {
    const to = Math.min(Math.max(0, time), data.duration);
    if (data.sound) {
      audio.currentTime = to;
      if (start && audio.paused) listen();
    }
    show(to);
  };
  const toggle = () => data.sound && (audio.paused ? listen() : audio.pause());
  const step = (direction) => {
    const seen = turns.filter((turn) => !turn.row.hidden);
    const next = direction > 0 ? seen.find((turn) => turn.start > at + 0.05)
      : seen.findLast((turn) => turn.start < at - (data.sound && !audio.paused ? 0.7 : 0.05));
    if (next) seek(next.start, false);
  };

  // On the strip a click plays, dragging zooms; with Shift, or where the page says so, dragging silences. Two fingers zoom.
  const draw = () => paint(at, drawn, silencing);
  const timeAt = (clientX) => {
    const box = strip.getBoundingClientRect(), [from, to] = page.view;
    return from + Math.min(Math.max(0, (clientX - box.left) / box.width), 1) * (to - from);
  };
  const fingers = new Map(); // by pointer: where each is now
  let pressed = 0, pinch = null; // where the first pointer went down, and the fingers' start: distance, time, view
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { apart: Math.max(10, Math.abs(a - b)), middle: (a + b) / 2 };
  };
  strip.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event.clientX);
    strip.setPointerCapture(event.pointerId);
    if (fingers.size === 2) {
      drawn = null;
      const { apart, middle } = spread();
      pinch = { apart, time: timeAt(middle), span: page.view[1] - page.view[0] };
      return draw();
    }
    const time = timeAt(event.clientX);
    silencing = event.shiftKey || by("draw").checked;
    pressed = event.clientX;
    drawn = [time, time];
  });
  strip.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (pinch && fingers.size === 2) {
      const { apart, middle } = spread(), box = strip.getBoundingClientRect();
      const span = Math.min(data.duration, pinch.span * pinch.apart / apart), from = pinch.time - (middle - box.left) / box.width * span;
      return look(from, from + span);
    }
    if (drawn) { drawn[1] = timeAt(event.clientX); draw(); }
  });
  const lifted = (event) => {
    fingers.delete(event.pointerId);
    if (!fingers.size) setTimeout(() => { drawn = pinch = null; draw(); });
  };
  for (const name of ["pointercancel", "lostpointercapture"]) strip.addEventListener(name, lifted);
  strip.addEventListener("pointerup", (event) => {
    if (!drawn || pinch) return;
    const [start, end] = [Math.min(...drawn), Math.max(...drawn)], still = Math.abs(event.clientX - pressed) < 5;
    drawn = null;
    if (silencing) { if (end - start >= 0.05) tell("bleep", { start, end }); }
    else if (still) seek(start, true);
    else look(start, end);
    draw();
  });
  strip.addEventListener("dblclick", () => look(0, data.duration));
  strip.addEventListener("wheel", (event) => { // a pinch on a touchpad is a wheel with Ctrl
    const [from, to] = page.view, sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey) zoom(Math.exp(-event.deltaY / 100), timeAt(event.clientX));
    else if (sideways && !page.isWhole()) look(from + sideways / 500 * (to - from), to + sideways / 500 * (to - from));
    else return;
    event.preventDefault();
  }, { passive: false });

  play.addEventListener("click", toggle);
  by("previous").addEventListener("click", () => step(-1));
  by("next").addEventListener("click", () => step(1));
  by("speed").addEventListener("change", () => { audio.playbackRate = Number(by("speed").value); by("speed").blur(); });
  if (data.sound) {
    const state = () => {
      play.textContent = audio.paused ? "▶" : "❚❚";
      play.setAttribute("aria-label", say(audio.paused ? "js_play" : "js_pause"));
      tell("time", { at, playing: !audio.paused });
    };
    audio.addEventListener("play", () => { state(); follow(); });
    audio.addEventListener("pause", state);
    audio.addEventListener("timeupdate", () => { if (document.hidden) show(audio.currentTime); });
    audio.addEventListener("seeked", () => show(audio.currentTime));
    const failed = () => { // the playhead still works without sound
      by("trouble").textContent = say(data.sound === "embed" ? "js_no_sound" : "js_no_sidecar");
      by("trouble").className = "dockhelp flag";
      data.sound = null;
      play.disabled = by("speed").disabled = true;
    };
    audio.addEventListener("error", failed);
    if (audio.error) failed(); // a file beside the page is loaded before this script runs
    const follow = () => {
      show(audio.currentTime);
      if (!audio.paused) requestAnimationFrame(follow);
    };
  } else for (const control of [play, by("speed")]) control.disabled = true;

  document.addEventListener("keydown", (event) => {
    const here = event.target, busy = here.closest("input, select, textarea, dialog");
    if (busy || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key.startsWith("Arrow") && !event.shiftKey && here.closest(".scroll")) return; // they scroll it
    if (event.key === " " && (here.closest(".go, .player") || !here.closest("button, summary, a"))) toggle();
    else if (event.key === "Home" && here === strip) seek(0, false);
    else if (event.key === "End" && here === strip) seek(data.duration, false);
    else if (event.key === "ArrowRight") event.shiftKey ? step(1) : seek(at + 5, false);
    else if (event.key === "ArrowLeft") event.shiftKey ? step(-1) : seek(at - 5, false);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-t]"), row = event.target.closest(".turns .go")?.closest("tr");
    if ((place || row) && event.detail) document.activeElement?.blur(); // so that Space then pauses
    if (place) seek(Number(place.dataset.t), true);
    if (row) seek(turns.find((turn) => turn.row === row).start, true);
  });
  on("seek", ({ to, silently }) => seek(to, !silently));
  on("bleeps", () => show(at));
  on("strip", draw);
  show(0);
});
