"use strict";
// The table of turns: filters, and the turn at the playhead.
page.ready.then((page) => {
  const { data, say, by, tell, on, element, turns } = page;
  const form = by("filters"), room = document.querySelector(".turns").closest(".scroll");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = new Map(turns.map(({ row, index }) => [index, plain(row.textContent)]));

  // Laying out a thousand rows takes long: of those that come back, the first are drawn at once, and others after them.
  const AT_ONCE = 100;
  let round = 0;
  const draw = (later, mine = round) => {
    for (const row of later.splice(0, AT_ONCE)) row.classList.remove("later");
    if (later.length) requestAnimationFrame(() => setTimeout(() => { if (mine === round) draw(later); }));
  };

  const apply = () => {
    const value = (name) => form.elements[name]?.value ?? "";
    const sought = plain(value("text").trim()), least = Number(value("confidence") || 0) / 100;
    const shown = new Set(), later = [];
    const doubted = form.elements.doubt?.checked;
    for (const { row, index, speaker, answer, corrected, asks } of turns) {
      const fits = (!value("speaker") || speaker === value("speaker"))
        && (!value("class") || answer.key === value("class") || (value("class") === "corrected" && corrected))
        && (!doubted || asks) && answer.confidence >= least && (!sought || texts.get(index).includes(sought));
      if (fits && (row.hidden || row.classList.contains("later"))) {
        row.classList.add("later");
        later.push(row);
      }
      row.hidden = !fits;
      if (fits) shown.add(index);
    }
    round += 1;
    draw(later);
    const what = [...form.elements].filter((field) => ["speaker", "class", "confidence", "doubt", "text"].includes(field.name)
      && (field.type === "checkbox" ? field.checked : field.type === "range" ? Number(field.value) : field.value.trim()))
      .map((field) => field.closest("label").firstChild.textContent.trim() || field.closest("label").textContent.trim());
    by("found").textContent = shown.size === turns.length ? "" : say("js_found", { n: shown.size, all: turns.length, what: what.join(", ") });
    by("empty").hidden = shown.size > 0;
    if (form.elements.confidence) by("least").textContent = `${value("confidence")}${data.percent}%`;
    if (stop.closest("tr").hidden) stand(rows()[0]?.querySelector(".go") ?? stop);
    tell("filter", { turns: shown.size === turns.length ? null : shown });
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  document.addEventListener("click", ({ target }) => { // a keyword finds its turns
    const term = target.closest("[data-find]")?.dataset.find;
    if (!term) return;
    form.elements.text.value = term;
    apply();
    by("h-turns").scrollIntoView();
    form.elements.text.focus({ preventScroll: true });
  });
  by("copy")?.addEventListener("click", () => { // what is shown, as lines with time and speaker
    const lines = turns.filter(({ row }) => !row.hidden && row.querySelector(".said").textContent.trim())
      .map(({ row, start, index }) => `[${page.clock(start)}] ${row.querySelector(".who span").textContent}: ${
        (data.words[index] ?? []).map(([, text, why, unsure]) => (unsure && !why ? `${text}(?)` : text)).join(" ")}`);
    const field = element("textarea", lines.join("\n"), { class: "hidden" });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy"); // also from a file, where the clipboard's own interface may be missing
    field.remove();
    by("found").textContent = say(done ? "js_copied" : "js_not_copied", { n: lines.length });
  });
  by("numbers").addEventListener("change", ({ target }) => { // valence, arousal and level: for those who want them
    room.querySelector(".turns").classList.toggle("numbers", target.checked);
  });
  on("changed", () => {
    for (const { index, row } of turns) texts.set(index, plain(row.textContent));
    apply();
  });

  // Words become elements only when the pointer or the keyboard reaches them: thousands would make the page slow.
  const words = (row) => {
    const cell = row?.querySelector("td.said:not(.split)");
    if (!cell) return;
    const parts = data.words[turns.find((turn) => turn.row === row).index] ?? [];
    cell.classList.add("split");
    cell.replaceChildren(...parts.flatMap(([start, text, why, faint]) => [
      element("span", text, { "data-t": start, ...(why ? { class: "cut", title: why } : { role: "button", tabindex: -1, ...(faint ? { class: "faint" } : {}) }) }), " "]));
  };
  room.addEventListener("pointerover", (event) => words(event.target.closest("tr")));
  room.addEventListener("pointerdown", (event) => words(event.target.closest("tr")), true);

  // By keyboard the table is one Tab stop: ↑ ↓ go to other turns, ← → step through the buttons and words of a turn and
  // on into the next turn.
  let stop = room.querySelector(".go");
  const rows = () => turns.filter((turn) => !turn.row.hidden).map((turn) => turn.row);
  const within = (row) => {
    words(row);
    return [...row.querySelectorAll("button, .said [role]")];
  };
  const stand = (there) => {
    stop.tabIndex = -1;
    stop = there;
    stop.tabIndex = 0;
  };
  const alike = (row, here) => { // the element in another row that corresponds to this one
    const kind = here.matches(".said span") ? ".said span" : here.matches(".quiet") ? ".quiet" : ".go";
    return within(row).find((there) => there.matches(kind)) ?? row.querySelector(".go");
  };
  const far = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  const next = (here, key) => {
    const row = here.closest("tr"), seen = rows(), at = seen.indexOf(row);
    if (key in far) return alike(seen[Math.min(seen.length - 1, Math.max(0, at + far[key]))], here);
    const parts = within(row), step = key === "ArrowRight" ? 1 : -1, beside = parts[parts.indexOf(here) + step];
    if (beside || !seen[at + step]) return beside;
    return step > 0 ? alike(seen[at + 1], here) : within(seen[at - 1]).at(-1);
  };
  room.addEventListener("focusin", ({ target }) => { if (target.matches("tbody button, .said span")) stand(target); });
  room.addEventListener("keydown", (event) => {
    const here = event.target.closest("tbody button, .said span");
    if (!here || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && here.matches("span")) tell("seek", { to: Number(here.dataset.t) });
    else if (event.key in far || event.key === "ArrowLeft" || event.key === "ArrowRight") next(here, event.key)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere they move the playhead
  });

  let current = null;
  on("time", ({ at, playing }) => {
    const row = turns.findLast((turn) => turn.start <= at + 0.01 && at < turn.end)?.row ?? null;
    if (row === current) return;
    current?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
    current = row;
    if (playing && row && !row.hidden) room.scrollTop = row.offsetTop - room.clientHeight / 2;
  });
});
