// One server, several doors: a column for each, a row for each question; every answer opens its session below.
function render({ model, el }) {
  const ui = mount(model, el, "ports");
  const facts = model.get("facts");
  let state = null;
  const knock = facts.live ? h("button", { class: "lk-primary", onclick: () => { if (state && !state.busy) ui.send("knock"); } }, "Knock at all four") : null;
  const table = h("div", {}), session = h("div", { class: "lkp-session" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title), h("span", { class: "lk-route" }, facts.host), h("span", { class: "lk-grow" }), knock), table, session), ui.live]);

  function cell(one, port) {
    if (!one) return h("td", { class: "lkp-empty", data: { door: "port " + port } }, h("span", { class: "lk-muted" }, "?"));
    const words = [one.code ? [codeChip(one.code), " "] : null, one.lock === true ? [icon("lock"), " "] : one.lock === false ? [icon("open"), " "] : null, one.t];
    const pressed = state.open && state.open.port === port && state.open.who === one.s;
    return h("td", { data: { door: "port " + port } }, one.s
      ? h("button", { class: "lkp-answer", "aria-pressed": String(Boolean(pressed)), "aria-expanded": String(Boolean(pressed)), data: { key: one.s + port }, onclick: () => ui.send("open", { port, who: one.s }) }, words)
      : h("span", { class: "lkp-fact" }, words));
  }
  function draw() {
    const held = table.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    fill(table, h("table", { class: "lkp-doors" },
      h("thead", {}, h("tr", {}, h("td", {}), facts.ports.map((port) => h("th", { scope: "col" }, "Port " + port)))),
      h("tbody", {}, facts.rows.map((row) => h("tr", { data: { row: row.key } }, h("th", { scope: "row" }, row.label),
        facts.ports.map((port) => cell((state.doors[port] || {})[row.key], port)))))));
    if (held) { const button = table.querySelector('[data-key="' + held + '"]'); if (button) button.focus({ preventScroll: true }); }
  }
  function show(next) {
    const fresh = state && next.said && next.said !== state.said;
    state = next;
    if (knock) { knock.textContent = state.busy ? "Knocking …" : Object.keys(state.doors).length ? "Knock again" : "Knock at all four"; knock.setAttribute("aria-disabled", String(state.busy)); }
    draw();
    fill(session, state.open ? h("section", { role: "region", "aria-label": state.open.title }, h("h4", {}, state.open.title), exchangeList(state.open.title, state.open.lines))
      : Object.keys(state.doors).length ? h("p", { class: "lk-muted" }, "Choose an answer in the table to see its session.") : null);
    if (fresh) ui.say(state.said);
    else if (state.open) ui.say(state.open.title + ", " + state.open.lines.length + " lines below the table");
  }
  ui.on("state", show);
  ui.on("trouble", (message) => ui.say(message.text));
  ui.send("hello");
  return () => ui.close();
}
export default { render };
