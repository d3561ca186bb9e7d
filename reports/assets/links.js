"use strict";
// Where a link into the page leads: `#t=SECONDS` to a place in the recording, `#calls=ID,ID,...` names the calls around
// this one in a library, as its overview or another call's page lists them.
page.ready.then((page) => {
  const { data, by, say, tell } = page;
  const place = () => {
    const asked = new URLSearchParams(location.hash.slice(1)), at = asked.get("t");
    if (at !== null && /^\d+(\.\d+)?$/.test(at) && Number(at) <= data.duration) tell("seek", { to: Number(at), silently: true });
    const ids = (asked.get("calls") ?? "").split(",").filter((id) => /^[0-9a-f]{16}$/.test(id)).slice(0, 100);
    const here = ids.indexOf(data.conversation.replace(/^c-/, ""));
    by("neighbours").hidden = here < 0;
    if (here < 0) return;
    by("overview").href = "../../../index.html";
    const link = (name, id) => {
      by(name).hidden = !id;
      if (id) by(name).href = `../../${id.slice(0, 2)}/c-${id}/c-${id}.report.html#calls=${ids.join(",")}`;
    };
    link("earlier", ids[here - 1]);
    link("later", ids[here + 1]);
    by("place").textContent = say("js_place", { n: here + 1, all: ids.length });
  };
  place();
  window.addEventListener("hashchange", place);
});
