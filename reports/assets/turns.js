"use strict";
// The table of turns: filters, and the turn that is being heard.
page.ready.then((page) => {
  const { data, say, by, tell, on, element, turns } = page;
  const form = by("filters"), room = document.querySelector(".turns").closest(".scroll");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = new Map(turns.map(({ row, index }) => [index, plain(row.textContent)]));

  const apply = () => {
    const value = (name) => form.elements[name]?.value ?? "";
    const sought = plain(value("text").trim()), least = Number(value("confidence") || 0) / 100;
    const kept = new Set();
    for (const { row, index, speaker, key, confidence, corrected } of turns) {
      const fits = (!value("speaker") || speaker === value("speaker"))
        && (!value("class") || key === value("class") || (value("class") === "corrected" && corrected))
        && confidence >= least && (!sought || texts.get(index).includes(sought));
      row.hidden = !fits;
      if (fits) kept.add(index);
    }
    by("found").textContent = kept.size === turns.length ? "" : say("js_found", { n: kept.size, all: turns.length });
    if (form.elements.confidence) by("least").textContent = `${value("confidence")} %`;
    tell("filter", { turns: kept.size === turns.length ? null : kept });
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  on("changed", ({ index, row }) => { texts.set(index, plain(row.textContent)); });

  // Words become clickable when somebody comes near them: thousands of elements would make the page slow.
  const words = (row) => {
    const cell = row?.querySelector(".said:not(.split)");
    if (!cell) return;
    const said = data.words[turns.find((turn) => turn.row === row).index] ?? [];
    cell.classList.add("split");
    cell.replaceChildren(...said.flatMap(([start, text, why]) =>
      [element("span", text, { "data-t": start, ...(why && { class: "cut", title: why }) }), " "]));
  };
  room.addEventListener("pointerover", (event) => words(event.target.closest("tr")));
  room.addEventListener("pointerdown", (event) => words(event.target.closest("tr")), true);

  let current = null;
  on("time", ({ at, playing }) => {
    const heard = turns.findLast((turn) => turn.start <= at + 0.01 && at < turn.end)?.row ?? null;
    if (heard === current) return;
    current?.removeAttribute("aria-current");
    heard?.setAttribute("aria-current", "true");
    current = heard;
    if (playing && heard && !heard.hidden) room.scrollTop = heard.offsetTop - room.clientHeight / 2;
  });
});
