// The header trace: hops as bars, the first one first; below the header itself. A piece of a field opens the session line it was taken from.
function render({ model, el }) {
  const ui = mount(model, el, "trace");
  const facts = model.get("facts");
  let state = null, openPiece = "", childView = null;

  const hops = h("ol", { class: "lkt-hops", "aria-label": "Hops, the first one first" });
  const fields = h("div", { class: "lkt-fields", role: "group", "aria-label": "The header, top first" });
  const empty = h("p", { class: "lkt-empty lk-muted" }, facts.empty);
  const body = h("div", { class: "lkt-body" },
    h("div", { class: "lkt-part" }, h("h4", {}, "The hops, the first one first"), hops),
    h("div", { class: "lkt-part" }, h("h4", {}, "The header, top first"), h("p", { class: "lk-muted lkt-how" }), fields));
  const how = body.querySelector(".lkt-how");
  const text = h("textarea", { rows: "5", spellcheck: "false", "aria-label": "The source of a message" });
  const paste = facts.paste ? h("div", { class: "lkt-paste" }, text, h("div", { class: "lk-actions" }, h("button", { class: "lk-primary", onclick: () => ui.send("paste", { text: text.value }) }, "Read it"))) : null;
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, facts.title)), paste, empty, body), ui.live]);

  // ---- the panel below a field: what the piece says, and the session
  const head = h("p", { class: "lkt-says" });
  const child = h("div", {});
  const panel = h("div", { class: "lkt-panel", role: "group", "aria-label": "Where this piece comes from" },
    h("div", { class: "lkt-panelhead" }, head, h("button", { class: "lkt-shut", onclick: () => shut(true) }, icon("cross"), "Close")), child);
  function shut(tell) {
    if (childView) { childView.remove(); childView = null; }
    child.replaceChildren();
    const piece = fields.querySelector("[aria-expanded=true]");
    if (piece) piece.setAttribute("aria-expanded", "false");
    if (!tell) return;
    panel.remove(); openPiece = ""; ui.send("shut");
    if (piece) piece.focus();
  }
  function open(field, key) {
    openPiece = field + "/" + key;
    ui.send("piece", { field, key });
  }
  ui.on("child", async (message) => {
    shut(false);
    const block = fields.querySelector('[data-field="' + message.field + '"]');
    if (!block) return;
    const piece = [...block.querySelectorAll("[data-key]")].find((one) => message.field + "/" + one.dataset.key === openPiece);
    if (piece) piece.setAttribute("aria-expanded", "true");
    fill(head, h("span", {}, prose(message.says)), message.rule ? h("span", { class: "lk-muted" }, " " + message.rule + ".") : null,
      message.line ? h("span", { class: "lkt-line" }, "Line " + message.line + " of this session at " + message.host + ":") : null);
    block.after(panel);
    ui.say(message.says);
    if (message.model) childView = await drawChild(model, message.model, child);
    if (message.model && !childView) fill(child, h("p", {}, "This cannot be drawn now. Choose Run > Run All Cells."));
    panel.scrollIntoView({ block: "nearest" });
  });

  // ---- hops and header
  const flag = (problem) => h("span", { class: "lkt-flag" }, h("span", { class: "lk-chip", data: { kind: "5" } }, icon("flag"), "odd"), " ", problem);
  function drawHops() {
    const longest = Math.max(1, ...state.hops.map((hop) => hop.waited));
    fill(hops, state.hops.map((hop, index) => h("li", { data: hop.problems.length ? { odd: "" } : {} },
      hop.delay ? h("div", { class: "lkt-wait" }, h("span", { class: "lkt-bar", style: "width:" + Math.max(hop.waited ? 2 : 0, 60 * hop.waited / longest) + "%", data: hop.waited ? {} : { none: "" } }), h("span", {}, hop.delay)) : null,
      h("div", { class: "lkt-hop" }, h("span", { class: "lkt-n" }, String(index + 1)), h("span", { class: "lkt-at" }, hop.at),
        h("span", { class: "lkt-ends" }, h("b", {}, hop.from), hop.address ? h("span", { class: "lk-muted" }, " [" + hop.address + "]") : null, " → ", h("b", {}, hop.by), h("span", { class: "lk-muted" }, (hop.with ? ", " + hop.with : "") + ", header line " + hop.line))),
      hop.problems.map(flag))));
  }
  function drawFields() {
    fill(how, state.fields.some((field) => field.parts.some((part) => part.key)) ? "Beside each field: who wrote it, a server on the way, or whoever wrote the text. Press an underlined piece: the session that it comes from opens at that line." : "");
    how.hidden = !how.textContent;
    fill(fields, state.fields.map((field, index) => [
      index === state.border ? h("div", { class: "lkt-border" }, h("span", {}, icon("up"), " Written by " + state.house + " itself"), h("span", {}, icon("down"), " Handed in to " + state.house)) : null,
      h("div", { class: "lkt-field", data: { field: index, ...(field.problems.length ? { odd: "" } : {}), ...(field.trace ? { trace: "" } : {}) } },
        h("span", { class: "lkt-no", "aria-hidden": "true" }, String(field.line)),
        h("div", { class: "lk-wire lkt-text", dir: "ltr" }, field.parts.map((part) => (part.key
          ? h("button", { class: "lkt-piece", data: { key: part.key }, "aria-expanded": "false", "aria-label": part.text.trim() + ": where it comes from", onclick: () => open(index, part.key) }, part.text)
          : part.text))),
        h("div", { class: "lkt-writer" }, field.writer ? [h("span", { class: "lk-chip", data: { kind: field.trace ? "2" : "3" } }, icon(field.trace ? "pencil" : "arrow"), field.trace ? "on the way" : "with the text"), " ", h("span", {}, field.writer)] : null,
          field.problems.map(flag)))]));
    if (state.more) fields.append(h("p", { class: "lk-muted" }, state.more + " more fields are left out here."));
  }
  function show(next) {
    const fresh = state && next.fields.length && JSON.stringify(state.fields) !== JSON.stringify(next.fields);
    if (state && !fresh && state.fields.length) return;
    state = next;
    empty.hidden = state.fields.length > 0; body.hidden = !state.fields.length;
    if (childView) shut(false);
    panel.remove();
    drawHops(); drawFields();
    if (fresh || (state.fields.length && facts.paste)) ui.say("A header of " + state.hops.length + " hops." + (state.hops.some((hop) => hop.problems.length) ? " Something in it is odd." : ""));
    model.set("saved", state);
  }
  fields.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.isConnected) { event.preventDefault(); event.stopPropagation(); shut(true); }
  });
  ui.on("state", show);
  ui.on("trouble", (message) => { empty.hidden = false; empty.textContent = message.text; });
  const saved = model.get("saved");
  show(saved && saved.fields ? saved : { hops: [], fields: [], border: null, house: "", more: 0 });
  ui.send("hello");
  return () => { if (childView) childView.remove(); ui.close(); };
}
export default { render };
