// Settings of a mail program: menus, one button, and what came of it, seen from both sides.
function render({ model, el }) {
  const ui = mount(model, el, "settings");
  const facts = model.get("facts");
  let state = null, preset = 0, values = { ...facts.presets[0].values };
  const result = h("div", { class: "lkp-result", role: "group", "aria-label": "What came of it" }), about = h("div", { class: "lkp-about" });
  const chosen = () => ui.send("choose", { preset, values });
  const menus = {};
  const field = (label, menu, wide) => h("label", { class: "lkp-field" + (wide ? " lkp-wide" : "") }, h("span", {}, label), menu);
  const option = (text, value) => h("option", { value }, text);
  const first = h("select", { "aria-label": facts.menu, onchange: () => { preset = Number(first.value); values = { ...values, ...facts.presets[preset].values }; draw(); chosen(); } },
    facts.presets.map((one, at) => option(one.title, String(at))));
  for (const one of facts.fields) {
    menus[one.name] = h("select", { "aria-label": one.label, onchange: () => { values[one.name] = menus[one.name].value; chosen(); } }, one.options.map((text) => option(text, text)));
  }
  const send = h("button", { class: "lk-primary", onclick: () => { if (state && !state.busy) ui.send("send", { preset, values }); } }, "Send a test message");
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title)),
    facts.live ? h("div", { class: "lkp-form" }, field(facts.menu, first, true), about, facts.fields.map((one) => field(one.label, menus[one.name])),
      h("div", { class: "lkp-field lkp-wide" }, h("div", {}, send))) : null, result), ui.live]);

  function draw() {
    first.value = String(preset);
    for (const one of facts.fields) menus[one.name].value = values[one.name];
    const now = facts.presets[preset];
    fill(about, now.about ? h("p", {}, prose(now.about)) : null, now.source ? h("p", { class: "lkp-source" }, "Source: " + now.source) : null);
  }
  function outcome(one) {
    return [h("div", { class: "lkp-verdict" },
      h("span", { class: "lk-chip", data: { kind: one.delivered ? "2" : "5" } }, icon(one.delivered ? "check" : "cross"), one.word),
      one.code ? codeChip(one.code) : null, h("span", {}, one.happened)),
      one.exposed ? h("p", { class: "lkp-note" }, "The password went over the line in clear.") : null,
      one.rule ? h("p", { class: "lk-rule" }, one.rule) : null, one.advice ? h("p", {}, one.advice) : null,
      h("div", { class: "lkp-sides" }, one.sides.map((side) => h("div", { role: "group", "aria-label": side.title }, h("h4", {}, side.title), exchangeList(side.title, side.lines))))];
  }
  function show(next) {
    const begins = !state, fresh = state && next.said && next.said !== state.said;
    state = next;
    if (begins) { preset = next.preset; values = { ...next.values }; draw(); }
    send.textContent = state.busy ? "Sending …" : "Send a test message";
    send.setAttribute("aria-disabled", String(state.busy));
    fill(result, state.result ? outcome(state.result) : h("p", { class: "lk-muted" }, state.busy ? "On its way …" : state.said || "Nothing sent yet."));
    if (fresh) ui.say(state.said);
  }
  ui.on("state", show);
  ui.on("trouble", (message) => ui.say(message.text));
  ui.send("hello");
  return () => ui.close();
}
export default { render };
