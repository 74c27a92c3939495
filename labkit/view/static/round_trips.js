// Round trips: each way to send as a sequence diagram. Time runs down; a slanted line is the way through the net.
function render({ model, el }) {
  const ui = mount(model, el, "trips");
  const facts = model.get("facts");
  const inWaits = facts.measure === "waits";
  const ways = h("div", { class: "lkrt-ways" });
  let at = facts.start, state = null;
  const slider = h("input", { type: "range", min: "0", max: String(facts.distances.length - 1), step: "1", value: String(at),
    "aria-label": "How long one round trip takes", oninput: () => { at = Number(slider.value); reckon(); } });
  const far = h("span", { class: "lkrt-far" }), sums = h("div", { class: "lkrt-sums" });
  const foot = h("div", { class: "lkrt-foot", hidden: true }, h("label", { class: "lkrt-slide" }, h("span", {}, "One round trip"), slider, far), sums,
    h("p", { class: "lk-muted" }, "Computed from the count. On this computer the way is too short to notice. Opening the TCP connection costs one more."));
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, facts.title)), foot, ways), ui.live]);

  function slant(back) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "lkrt-slant" + (back ? " lkrt-back" : "")); svg.setAttribute("viewBox", "0 0 100 20");
    svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", back ? "M100 1L0 19" : "M0 1L100 19"); path.setAttribute("vector-effect", "non-scaling-stroke");
    svg.append(path);
    return h("div", { class: "lkrt-arrow" + (back ? " lkrt-back" : ""), "aria-hidden": "true" }, svg, h("i", {}));
  }
  const turn = (one, index) => h("li", {},
    h("span", { class: "lkrt-n", "aria-hidden": "true" }, String(index + 1)),
    h("div", { class: "lkrt-wire" },
      one.said.length ? [h("div", { class: "lkrt-said" }, h("span", { class: "lk-sr" }, "The client says: "), one.said.map((line) => h("div", { class: line.kind === "text" ? "lkrt-text" : "lk-wire" }, line.t))), slant(false)]
        : h("div", { class: "lkrt-said lk-muted" }, "(the connection stands)"),
      one.answered.length ? [h("div", { class: "lkrt-answered" }, h("span", { class: "lk-sr" }, "The server answers: "), one.answered.map((line) => h("div", {}, codeChip(line.code), h("span", { class: "lk-wire" }, line.t)))), slant(true)]
        : h("div", { class: "lkrt-answered lk-muted" }, "(no answer)")));
  function column(way) {
    const busy = state.sending === way.name;
    const send = facts.live ? h("button", { class: way.turns.length ? "" : "lk-primary", "data-way": way.name, "aria-disabled": state.sending ? "true" : null,
      onclick: () => { if (!state.sending) ui.send("send", { way: way.name }); } }, busy ? "Sending …" : way.turns.length ? "Send it again" : way.button) : null;
    return h("div", { class: "lkrt-way", role: "group", "aria-label": way.title },
      h("div", { class: "lkrt-head" }, h("div", {}, h("h4", {}, way.title), h("span", { class: "lk-route" }, "to " + way.host)), send),
      way.turns.length ? [h("p", { class: "lkrt-figure" }, way.figure), h("div", { class: "lkrt-ends", "aria-hidden": "true" }, h("b", {}, "client"), h("b", {}, "server")), h("ol", { class: "lkrt-turns", "aria-label": inWaits ? "Each wait of the client" : "What was said" }, way.turns.map(turn))]
        : h("p", { class: "lk-muted lkrt-empty" }, "Nothing sent yet."));
  }
  const time = (ms) => (ms < 1000 ? ms + " ms" : (ms / 1000).toLocaleString("en") + " s");
  function reckon() {
    const { ms, words } = facts.distances[at];
    far.textContent = time(ms) + ", " + words;
    slider.setAttribute("aria-valuetext", far.textContent);
    const sent = state ? state.ways.filter((way) => way.turns.length) : [];
    foot.hidden = !inWaits || !sent.length;
    const longest = Math.max(...sent.map((way) => way.waits), 1);
    fill(sums, sent.map((way) => h("div", { class: "lkrt-sum" }, h("span", {}, way.title), h("span", { class: "lkrt-bar", "aria-hidden": "true" }, h("i", { style: "width:" + (100 * way.waits) / longest + "%" })),
      h("span", { class: "lkrt-time" }, way.waits + " × " + time(ms) + " = ", h("b", {}, time(way.waits * ms))))));
  }
  function show(next) {
    const held = ways.contains(document.activeElement) ? document.activeElement.dataset.way : "";
    const fresh = state && next.said && next.said !== state.said;
    state = next;
    fill(ways, state.ways.map(column), facts.live && state.said && !state.ways.some((way) => way.turns.length) ? h("p", { class: "lkrt-said", role: "status" }, state.said) : null);
    reckon();
    if (held) { const button = ways.querySelector('button[data-way="' + held + '"]'); if (button) button.focus({ preventScroll: true }); }
    if (fresh) ui.say(state.said);
  }
  ui.on("state", show);
  ui.on("trouble", (message) => ui.say(message.text));
  ui.send("hello");
  return () => ui.close();
}
export default { render };
