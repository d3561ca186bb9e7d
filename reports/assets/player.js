"use strict";
// The player at the foot of the page: sound, energy strip, keyboard. Without sound it still moves the playhead.
page.ready.then((page) => {
  const { data, clock, say, by, tell, on, turns, paint } = page;
  const audio = by("sound"), strip = by("strip"), play = by("play");
  let at = 0, drawn = null; // the time, and a span that is being drawn on the strip

  if (data.sound === "embed") {
    const text = atob(by("mp3").textContent), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
  }
  const silent = () => page.bleeps.some(([start, end]) => at >= start - 0.02 && at < end);

  const show = (time) => {
    at = Math.min(Math.max(0, time), data.duration);
    if (data.sound) audio.muted = silent();
    by("clock").textContent = `${clock(at, true)} / ${clock(data.duration)}`;
    strip.setAttribute("aria-valuenow", at.toFixed(1));
    strip.setAttribute("aria-valuetext", `${clock(at, true)} / ${clock(data.duration)}`);
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

  const draw = () => paint(at, drawn);
  const timeOf = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(Math.max(0, (event.clientX - box.left) / box.width), 1) * data.duration;
  };
  strip.addEventListener("pointerdown", (event) => {
    const time = timeOf(event);
    if (!event.shiftKey && !by("draw").checked) return seek(time, true);
    strip.setPointerCapture(event.pointerId);
    drawn = [time, time];
  });
  strip.addEventListener("pointermove", (event) => { if (drawn) { drawn[1] = timeOf(event); draw(); } });
  for (const name of ["pointercancel", "lostpointercapture"]) strip.addEventListener(name, () => setTimeout(() => { drawn = null; draw(); }));
  strip.addEventListener("pointerup", () => {
    if (!drawn) return;
    const [start, end] = [Math.min(...drawn), Math.max(...drawn)];
    drawn = null;
    if (end - start >= 0.05) tell("bleep", { start, end });
    draw();
  });

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
  on("seek", ({ to }) => seek(to, true));
  on("bleeps", () => show(at));
  on("strip", draw);
  show(0);
});
