// A desk: settings, one button, and the picture of what happened. Three pictures: a wire seen from two places, a certificate, a policy's trace.
const badge = (word, kind) => h("span", { class: "lk-chip", data: { kind } }, icon({ 2: "check", 3: "arrow", 4: "clock", 5: "cross" }[kind]), word);
const wireText = (who, text) => h("span", { class: "lk-wire lke-line", dir: "ltr" }, who ? h("span", { class: "lke-who" }, who + ":") : null, h("span", {}, text));

const PICTURES = {
  wire(picture) {
    const cell = (kind, label, ...kids) => h("td", { class: "lke-" + kind, data: { label } }, kids);
    const records = (list, mark) => list.map((one) => h("span", { class: "lke-record" }, mark ? [icon("lock"), h("span", { class: "lk-sr" }, "ciphertext, ")] : one.s + ": ", one.n + " octets ", h("span", { class: "lk-wire" }, one.hex)));
    const left = "on the way", right = "Alice's program";
    const row = (one) => {
      if (one.kind === "handshake") return h("tr", { class: "lke-tls" },
        cell("left", left, h("span", { class: "lk-tag", data: { kind: "tls" } }, icon("lock"), "TLS begins"), h("p", {}, one.note), one.records.length ? h("details", {}, h("summary", {}, one.records.length + (one.records.length === 1 ? " record" : " records") + " as they passed"), records(one.records, false)) : null),
        cell("right", right, h("span", { class: "lk-tag", data: { kind: "tls" } }, icon("lock"), "TLS begins")));
      const lines = one.lines.map((text) => wireText(one.s, text)), note = one.note ? h("p", { class: "lke-note" }, one.note) : null;
      if (one.kind === "hidden") return h("tr", { class: "lke-tls" },
        cell("left", left, one.records.length ? records(one.records, true) : h("span", { class: "lke-record" }, icon("lock"), "ciphertext")), cell("right", right, lines));
      if (one.kind === "changed") return h("tr", { class: "lke-changed" },
        cell("left", left, lines, h("p", { class: "lke-note" }, badge("sent on as", "5"), " ", one.became.map((text) => h("span", { class: "lk-wire" }, text)))), cell("right", right, one.right.map((text) => wireText(one.s, text))));
      if (one.kind === "inside") return h("tr", { class: "lke-tls lke-inside" }, cell("left", left, lines, note), cell("right", right, one.lines.map((text) => wireText(one.s, text))));
      return h("tr", { class: "lke-both" }, cell("left", left, lines, note), cell("right", right, one.lines.map((text) => wireText(one.s, text))));
    };
    return [h("p", { class: "lke-narrow lk-muted" }, "Lines without a label are the same on the way and at Alice's program."), h("table", { class: "lke-wire" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, icon("open"), "The machine on the way reads"), h("th", { scope: "col" }, icon("lock"), "Alice's program says and reads"))),
      h("tbody", {}, picture.rows.map(row))), picture.more ? h("p", { class: "lk-muted" }, picture.more + " more lines are left out here.") : null];
  },
  certificate(picture) {
    return [h("dl", { class: "lke-facts" }, picture.facts.map(([name, values]) => [h("dt", {}, name), h("dd", {}, values.map((value) => h("span", { class: "lk-wire" }, value)))])),
      h("ol", { class: "lke-checks", "aria-label": "What the program checks" }, picture.checks.map((one) => h("li", { data: one.ok ? {} : { bad: "" } }, badge(one.ok ? "right" : "wrong", one.ok ? "2" : "5"), " ", h("b", {}, one.what), " ", prose(one.says)))),
      picture.advice ? h("div", { class: "lke-advice" }, h("p", {}, h("b", {}, "What to do: "), picture.advice), h("p", { class: "lk-rule" }, picture.rule)) : null];
  },
  sts(picture) {
    const step = (one) => h("li", { data: one.decides ? { decides: "" } : {} }, h("div", { class: "lke-step" }, badge(one.outcome, one.kind), one.decides ? h("span", { class: "lke-flag" }, icon("flag"), "this decided") : null, h("span", { class: "lke-steptext" }, one.text)),
      one.evidence.map((line) => h("span", { class: "lk-wire lke-evidence" }, line)), h("p", { class: "lk-rule" }, one.rule));
    return [picture.traces.map((trace) => h("section", { class: "lke-trace" }, h("h4", {}, trace.title), h("ol", {}, trace.steps.map(step)))),
      h("details", {}, h("summary", {}, "The policy file"), h("pre", { class: "lk-wire lke-file", tabindex: "0", "data-lm-suppress-shortcuts": "true" }, picture.file))];
  },
};

function render({ model, el }) {
  const ui = mount(model, el, "tls");
  const facts = model.get("facts"), group = "lke" + Math.random().toString(36).slice(2);
  const values = {};
  let count = -1;
  const go = h("button", { class: "lk-primary", onclick: () => { if (go.getAttribute("aria-disabled") !== "true") ui.send("go", { values }); } }, facts.button);
  const inputs = [];
  const settings = facts.settings.map((one) => h("fieldset", { class: "lke-setting" }, h("legend", {}, one.label), h("div", { class: "lke-options" }, one.options.map(([value, words]) => {
    const input = h("input", { type: "radio", name: group + one.name, value, onchange: () => { values[one.name] = value; ui.send("set", { name: one.name, value }); } });
    inputs.push([one.name, value, input]);
    return h("label", { class: "lke-option" }, input, h("span", {}, words));
  }))));
  const said = h("p", { class: "lke-said", role: "status" });
  const head = h("div", { class: "lke-result" }), body = h("div", { class: "lke-picture" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, facts.title)),
    h("div", { class: "lk-body lke-desk" }, settings, h("div", { class: "lk-actions" }, go), said), head, body), ui.live]);

  function show(state) {
    if (state.busy) go.setAttribute("aria-disabled", "true"); else go.removeAttribute("aria-disabled");
    for (const [name, value, input] of inputs) { input.checked = state.values[name] === value; if (input.checked) values[name] = value; }
    said.textContent = state.said; said.hidden = !state.said;
    model.set("saved", { ...state, busy: false });
    if (count === state.count) return;
    const fresh = count >= 0;
    count = state.count;
    const picture = state.picture;
    if (!picture) { fill(head, h("p", { class: "lk-muted" }, facts.empty)); fill(body); return; }
    fill(head, h("p", {}, picture.verdict.map(([word, kind]) => [badge(word, kind), " "])), h("p", {}, prose(picture.told)));
    fill(body, PICTURES[facts.kind](picture));
    if (fresh) ui.say(picture.verdict.map(([word]) => word).join(", ") + ". " + picture.told);
  }
  ui.on("state", show);
  ui.on("trouble", (message) => { said.hidden = false; said.textContent = message.text; });
  const saved = model.get("saved");
  const first = Object.fromEntries(facts.settings.map((one) => [one.name, one.options[0][0]]));
  show(saved && saved.values ? saved : { values: first, picture: null, count: 0, busy: false, said: "" });
  ui.send("hello");
  return () => ui.close();
}
export default { render };
