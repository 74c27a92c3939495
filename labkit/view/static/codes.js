// Reply codes: a list to choose from, the card of the chosen one, and the session that provoked it.
const DIGITS = [["", "all"], ["2", "2 done"], ["3", "3 go on"], ["4", "4 try later"], ["5", "5 fix it"]];

function render({ model, el }) {
  const ui = mount(model, el, "codes");
  const { codes, who } = model.get("facts");
  const name = "lkx" + Math.random().toString(36).slice(2, 8);
  let chosen = codes[0].code, child = null, playing = null, closed = false;

  // ---- which codes
  const digits = DIGITS.filter(([digit]) => !digit || codes.some((one) => String(one.code)[0] === digit));
  let digit = "";
  const digitButtons = digits.map(([value, text]) => h("button", { "aria-pressed": String(!value), onclick: () => { digit = value; list(); } }, text));
  const acts = h("select", { "aria-label": "Who must act", onchange: () => list() },
    h("option", { value: "" }, "anybody"), who.filter((one) => codes.some((code) => code.who.includes(one))).map((one) => h("option", { value: one }, one)));
  const common = h("input", { type: "checkbox", onchange: () => list() });
  const count = h("span", { class: "lk-muted lkx-count", role: "status" });
  const choices = h("fieldset", { class: "lkx-list" });
  const card = h("div", { class: "lkx-card" });
  const told = h("div", { class: "lkx-told", role: "status" });
  const below = h("div", { class: "lkx-below" });
  const filters = codes.length < 8 ? null : h("div", { class: "lkx-filters" },
    h("span", { class: "lkx-digits", role: "group", "aria-label": "First digit" }, digitButtons),
    h("label", {}, "Who must act: ", acts), h("label", {}, common, " only those of common tables"), count);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, "Reply codes"), filters),
    h("div", { class: "lkx-main" }, choices, card), told, below), ui.live]);

  const wanted = () => codes.filter((one) => (!digit || String(one.code)[0] === digit) && (!acts.value || one.who.includes(acts.value)) && (!common.checked || one.common));
  function list() {
    const shown = wanted();
    digits.forEach(([value], index) => digitButtons[index].setAttribute("aria-pressed", String(value === digit)));
    count.textContent = shown.length === 1 ? "1 code" : shown.length + " codes";
    if (shown.length && !shown.some((one) => one.code === chosen)) { chosen = shown[0].code; draw(); }
    fill(choices, h("legend", { class: "lk-sr" }, "Code"), shown.length ? null : h("p", { class: "lk-muted" }, "No code fits both."),
      shown.map((one) => h("label", { class: "lkx-code" },
        h("input", { type: "radio", name, value: String(one.code), checked: one.code === chosen, onchange: () => { chosen = one.code; draw(); } }),
        codeChip(one.code), h("span", {}, one.meaning))));
  }

  // ---- the card of one
  function way(one, code) {
    return h("li", {},
      h("div", { class: "lkx-place" }, h("strong", {}, one.place), one.enhanced ? h("code", {}, one.enhanced) : null,
        h("span", { class: "lk-tag" }, icon(one.who === "nobody" ? "check" : one.who.endsWith("later") ? "clock" : "pencil"), one.who === "nobody" ? "nobody must act" : "who acts: " + one.who)),
      one.means ? h("p", {}, one.means) : null,
      h("div", { class: "lkx-provoke" }, h("button", { class: "lk-primary", "aria-label": "Provoke " + code + " now: " + one.how, onclick: () => play(one.n) }, "Provoke it"),
        h("span", {}, one.how + (one.told ? " The server is told to say so." : ""))));
  }
  function draw() {
    const one = codes.find((code) => code.code === chosen);
    fill(card, h("h4", {}, codeChip(one.code), " ", one.meaning),
      h("p", { class: "lk-muted" }, "First digit " + String(one.code)[0] + ": " + one.first + ". " + one.ref + "."),
      h("ol", { class: "lkx-ways", "aria-label": "Where it comes, and how to provoke it" }, one.ways.map((item) => way(item, one.code))),
      one.else.length ? h("details", {}, h("summary", {}, "Where else it can come"), h("ul", {}, one.else.map((item) => h("li", {}, h("strong", {}, item.place), ": ", item.more)))) : null,
      one.enhanced.length ? h("details", {}, h("summary", {}, "Enhanced codes that go with it"), h("dl", {}, one.enhanced.map(([number, meaning]) => [h("dt", {}, h("code", {}, number)), h("dd", {}, meaning)]))) : null);
  }

  // ---- provoking
  function play(n) { playing = n; told.textContent = "The session is played …"; ui.send("provoke", { n }); }
  ui.on("played", async (message) => {
    if (closed || (playing !== null && message.n !== playing)) return;
    if (child) { child.remove(); child = null; }
    const view = await drawChild(model, message.model, below);
    if (closed) { if (view) view.remove(); return; }
    child = view;
    if (!view) { told.textContent = "This cannot be drawn now. Choose Run > Run All Cells."; return; }
    fill(told, icon("flag"), "Line " + message.line + " decided. It was a real session, with a server of its own.");
    told.scrollIntoView({ block: "nearest" });
  });
  ui.on("trouble", (message) => { told.textContent = message.text; });

  list(); draw();
  ui.send("hello");
  return () => { closed = true; if (child) child.remove(); ui.close(); };
}
export default { render };
