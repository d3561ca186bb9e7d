"use strict";
// Figures by keyboard: each is one Tab stop; arrows step through its points in order of time and announce each; Enter
// plays from there.
page.ready.then((page) => {
  const { data, clock, say, by, tell, on, element, figures } = page;
  const plain = (text) => [["<br>", ", "], ["&lt;", "<"], ["&gt;", ">"], ["&amp;", "&"]].reduce(
    (result, [from, to]) => result.replaceAll(from, to), text); // plotly's text, which has tags
  const signed = (value) => `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(2).replace(".", data.decimal)}`;
  const KEYS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"];
  let at = 0;
  on("time", (time) => { at = time.at; });

  // A step: its time, its speaker, its text, and the plotly points that show it.
  const step = (place, trace, i, values) => ({
    time: trace.meta?.times?.[i] ?? (trace.orientation === "h" ? trace.base[i] : trace.x[i]),
    who: trace.orientation === "h" ? trace.y[i] : trace.legendgroup || trace.name,
    to: figures.playFrom(place, trace, i), marks: [[trace, i]], ...values,
  });
  const dot = (place, trace, i, valence, arousal, marks) => {
    const one = step(place, trace, i, { marks });
    const values = { who: plain(trace.meta.title), time: clock(one.time), valence: signed(valence), arousal: signed(arousal) };
    return { ...one, text: say("js_point", { ...values, answer: data.classes[figures.turnOf(trace.customdata[i])?.key] ?? "" }) };
  };
  const all = (traces, make) => traces.flatMap((trace) => Array.from(trace.x, (_, i) => make(trace, i)));
  const bars = (place, traces) => all(
    traces.filter((trace) => Array.isArray(trace.hovertext ?? trace.text) && (trace.type === "bar" || trace.text.length)),
    (trace, i) => step(place, trace, i, { text: plain((trace.hovertext ?? trace.text)[i]) }),
  ).filter(({ marks: [[trace, i]] }) => trace.type !== "bar" || trace.orientation === "h" || trace.y[i]);
  const dots = (traces) => traces.filter((trace) => trace.customdata && trace.meta);
  const readers = {
    timeline: bars, course: bars, talk: bars,
    plane: (place, traces) => all(dots(traces), (trace, i) => dot(place, trace, i, trace.x[i], trace.y[i], [[trace, i]])),
    trajectory: (place, traces) => { // arousal above, valence below where it is drawn: a step is both points
      const of = (axis) => dots(traces).filter((trace) => trace.meta.axis === axis), below = of("valence");
      return all(of("arousal"), (trace, i) => {
        const other = below.find((one) => one.legendgroup === trace.legendgroup);
        return dot(place, trace, i, trace.meta.valence[i], trace.y[i], [[trace, i], ...(other ? [[other, i]] : [])]);
      });
    },
  };

  const prepare = (place) => {
    const status = element("span", "", { class: "pointed", role: "status" }), tools = place.nextElementSibling;
    tools.insertBefore(status, tools.querySelector(".csv"));
    place.tabIndex = 0;
    place.setAttribute("role", "application"); // so that screen readers pass on the arrow keys
    let steps = null, k = -1;

    const show = () => [0, 1].forEach((n) => figures.point(place, n, steps?.[k]?.marks[n]));
    const next = (key) => {
      const last = steps.length - 1, order = [...steps.keys()], same = (i) => steps[i].who === steps[k].who;
      if (key === "Home") return 0;
      if (key === "End") return last;
      if (k < 0) return order.find((i) => steps[i].time >= at) ?? last;
      if (key === "ArrowRight") return Math.min(last, k + 1);
      if (key === "ArrowLeft") return Math.max(0, k - 1);
      return (key === "ArrowDown" ? order.find((i) => i > k && same(i)) : order.findLast((i) => i < k && same(i))) ?? k;
    };
    place.addEventListener("keydown", async (event) => {
      const plays = event.key === "Enter" && k >= 0;
      if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || !(plays || KEYS.includes(event.key))) return;
      event.preventDefault();
      event.stopPropagation(); // elsewhere they move the playhead
      if (plays) return tell("seek", { to: steps[k].to });
      await figures.show(place);
      steps ??= readers[place.id](place, place._fullData.filter((trace) => trace.visible === true)).sort((a, b) => a.time - b.time);
      if (!steps.length) return;
      k = next(event.key);
      status.textContent = steps[k].text;
      show();
    });
    place.addEventListener("focus", () => { status.textContent = say("js_figure_keys"); });
    place.addEventListener("blur", () => {
      [steps, k, status.textContent] = [null, -1, ""];
      show();
    });
    on("placed", (other) => { if (other.place === place) show(); });
  };
  for (const name of Object.keys(readers)) if (data.figures[name]) prepare(by(name));
});
