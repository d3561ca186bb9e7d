"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const options = { responsive: true, displaylogo: false, displayModeBar: false };
  const narrow = () => window.innerWidth < 600;

  // Clock ticks on the time axes, made anew for each zoom and width.
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const clock = (t) => {
    const pad = (n) => String(n).padStart(2, "0"), h = Math.floor(t / 3600), m = Math.floor(t / 60) % 60, s = t % 60;
    return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
  };
  const ticks = ([from, to], width) => {
    const most = Math.max(3, Math.floor(width / 90));
    const step = steps.find((s) => (to - from) / s <= most) ?? Math.ceil((to - from) / most / 3600) * 3600;
    const at = [];
    for (let t = Math.ceil(Math.max(0, from) / step) * step; t <= to; t += step) at.push(t);
    return at;
  };
  const retick = (place) => {
    const update = {};
    for (const axis of ["xaxis", "xaxis2"]) {
      if (place.layout[axis]?.tickmode !== "array") continue;
      const at = ticks(place.layout[axis].range, place.clientWidth);
      if (JSON.stringify(at) === JSON.stringify(place.layout[axis].tickvals)) continue;
      update[`${axis}.tickvals`] = at;
      update[`${axis}.ticktext`] = at.map(clock);
    }
    if (Object.keys(update).length) Plotly.relayout(place, update);
  };

  const draw = (name) => {
    const place = document.getElementById(name);
    const layout = structuredClone(figures[name].layout);
    if (narrow()) {
      layout.font.size = 11;
      if (name === "plane") layout.height = 380;
    }
    Plotly.newPlot(place, figures[name].data, layout, options).then(() => {
      retick(place);
      place.on("plotly_relayout", () => retick(place));
      place.on("plotly_autosize", () => retick(place));
    });
  };

  const show = (place) => place.dataset.drawn || (place.dataset.drawn = "1", draw(place.id));
  const places = [...document.querySelectorAll(".figure")].filter((place) => figures[place.id]);
  const watcher = new IntersectionObserver((seen) => {
    for (const entry of seen) if (entry.isIntersecting) { show(entry.target); watcher.unobserve(entry.target); }
  }, { rootMargin: "600px" });
  places.forEach((place) => watcher.observe(place));
  window.addEventListener("beforeprint", () => places.forEach(show));
})();
