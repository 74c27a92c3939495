// The desk beside a map. It has two places, which the map puts left and below the story: what one does, and what the DNS was asked.
function render({ model, el }) {
  const ui = mount(model, el, "desk");
  const facts = model.get("facts");
  const place = (shape, title, ...kids) => h("div", { class: "lk-place lkd-place", role: "group", "aria-label": title }, h("h4", {}, icon(shape), " ", title), kids);
  const send = h("button", { class: "lk-primary", onclick: () => { if (send.getAttribute("aria-disabled") !== "true") ui.send("send"); } }, "Send Alice's letter");
  const switches = h("ul", { class: "lkd-switches" });
  const said = h("p", { class: "lkd-said", role: "status" });
  const table = h("ol", { class: "lkd-log", tabindex: "0", "aria-label": "Questions and answers, in order" });
  const note = h("p", { class: "lk-muted lkd-note" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lkd-places" },
    place("pencil", "You decide", h("p", { class: "lk-muted" }, "From " + facts.from + " to " + facts.to), h("p", {}, send), h("p", { class: "lk-muted" }, "Servers that take mail for that domain:"), switches, said),
    place("question", "What " + facts.asker + " asked the DNS", note, table))), ui.live]);

  let count = -1;
  function show(state) {
    if (state.busy) send.setAttribute("aria-disabled", "true"); else send.removeAttribute("aria-disabled");
    const kept = switches.contains(document.activeElement) ? document.activeElement.dataset.host : null;
    fill(switches, state.servers.map((one) => h("li", {},
      h("button", { role: "switch", "aria-checked": String(one.on), "aria-label": one.name, data: { host: one.name }, onclick: () => ui.send("turn", { host: one.name }) }, h("i", {}), one.on ? "on" : "off"),
      h("span", { class: "lk-wire" }, one.name))));
    if (kept) { const again = switches.querySelector('[data-host="' + CSS.escape(kept) + '"]'); if (again) again.focus({ preventScroll: true }); }
    said.textContent = state.said; said.hidden = !state.said;
    note.textContent = state.lookups.length ? (state.more ? state.more + " earlier questions are left out here." : "") : "Nothing yet. A host asks when it has mail to hand on.";
    note.hidden = !note.textContent;
    if (count !== state.lookups.length + state.more) {
      fill(table, state.lookups.map((row) => h("li", { data: row.found ? {} : { none: "" } }, h("span", { class: "lkd-at" }, row.at), h("span", { class: "lk-wire" }, row.asked), h("span", { class: "lk-wire lkd-answer" }, row.answers.map((one) => h("span", {}, one))))));
      table.scrollTop = table.scrollHeight;
    }
    count = state.lookups.length + state.more;
    model.set("saved", { ...state, busy: false });
  }
  ui.on("state", show);
  ui.on("trouble", (message) => { said.hidden = false; said.textContent = message.text; });
  const saved = model.get("saved");
  show(saved && saved.servers ? saved : { servers: [], lookups: [], more: 0, busy: false, said: "" });
  ui.send("hello");
  return () => ui.close();
}
export default { render };
