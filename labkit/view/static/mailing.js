// A mailing to 1,100 people: the button, how far it is, and what each host heard.
function render({ model, el }) {
  const ui = mount(model, el, "mailing");
  const facts = model.get("facts");
  let busy = false;
  const button = h("button", { class: "lk-primary", onclick: () => { if (!busy) ui.send("send"); } }, "Send it to " + facts.all.toLocaleString("en") + " people");
  const bar = (name) => h("progress", { max: facts.all, value: 0, "aria-label": name });
  const heard = bar("Recipients accepted at submission"), stored = bar("Copies in mailboxes");
  const bars = h("div", { class: "lkb-bars", hidden: true }, h("span", {}, "handed in"), heard, h("span", {}, "in mailboxes"), stored);
  const table = h("div", { class: "lkb-table", tabindex: "0", role: "group", "aria-label": "What each host heard" }), says = h("p", { role: "status" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, facts.title)),
    h("div", { class: "lk-body" }, button, bars, table, says)), ui.live]);
  ui.on("state", (state) => {
    busy = state.busy;
    button.setAttribute("aria-disabled", String(busy));
    bars.hidden = !state.rows.length;
    table.hidden = !state.rows.length;
    heard.value = state.heard; stored.value = state.stored;
    fill(table, state.rows.length ? h("table", {}, h("thead", {}, h("tr", {}, facts.heads.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, state.rows.map(([host, ...counts]) => h("tr", {}, h("th", { scope: "row" }, host), counts.map((count) => h("td", {}, count)))))) : null);
    if (says.textContent !== state.says) says.textContent = state.says;
  });
  table.hidden = true;
  ui.send("hello");
  return () => ui.close();
}
export default { render };
