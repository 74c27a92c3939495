// The trace view: texts on the left, on the right the decisions that were made from them. A step that is chosen underlines its octets.
function render({ model, el }) {
  const ui = mount(model, el, "verdict");
  const facts = model.get("facts");
  const me = Math.random().toString(36).slice(2);
  const storage = (name) => "labkit-draft:" + facts.key + ":" + name;
  let state = null, panes = new Map(), whole = facts.whole, current = null, chosen = "", opened = new Map(), last = null, sentAt = 0, waiting = null, asked = 0, settled = 0;

  const tabs = h("span", { class: "lka-tabs", role: "group", "aria-label": "What is shown" });
  const step = h("button", { class: "lk-primary", onclick: () => ui.send("next") });
  const undo = h("button", { onclick: () => ui.send("undo") }, "Undo edit");
  const reset = h("button", { class: "lk-quiet", onclick: () => ui.send("reset") }, "Reset");
  const offer = h("div", { class: "lka-offer", hidden: true });
  const people = h("div", { class: "lka-people", role: "group", "aria-label": "Who sends" });
  const fields = h("div", { class: "lka-fields" });
  const papers = h("div", { class: "lka-papers" });
  const side = h("div", { class: "lka-side" });
  const foot = h("div", { class: "lka-foot" });
  const empty = h("p", { class: "lka-empty lk-muted" }, "Loading the texts …");
  const body = h("div", { class: "lka-body" }, papers, side);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title), h("span", { class: "lk-grow" }), tabs, step, undo, reset),
    facts.note ? h("p", { class: "lka-note" }, prose(facts.note)) : null, offer, people, fields, empty, body, foot), ui.live]);

  // ---- what the learner does
  function edit(name, text) {
    asked = performance.now();
    try { if (facts.key) localStorage.setItem(storage(name), text); } catch { /* no storage: the kernel has it all the same */ }
    if (waiting !== null && performance.now() - sentAt < 2000) { waiting = { paper: name, text }; return; }
    sendEdit({ paper: name, text });
  }
  function sendEdit(what) { waiting = false; sentAt = performance.now(); ui.send("edit", { ...what, by: me }); }
  function askFields() { ui.send("fields", { by: me, fields: Object.fromEntries([...fields.querySelectorAll("input")].map((box) => [box.dataset.name, box.value])) }); }
  function goTo(mark) {
    last = document.activeElement;
    if (mark.paper) { panes.get(mark.paper).reach(mark); return; }
    const box = fields.querySelector('[data-name="' + mark.field + '"]');
    if (box) { box.focus(); box.setSelectionRange(mark.start, mark.end); }
  }
  function goBack() {
    if (!last || !last.isConnected) last = side.querySelector("[role=treeitem][tabindex='0']");
    if (!last) return false;
    last.focus(); return true;
  }

  // ---- papers and fields
  function drawPapers(own) {
    const names = state.papers.map((paper) => paper.name).join();
    if (papers.dataset.names !== names) {
      papers.dataset.names = names; panes = new Map();
      fill(papers, state.papers.map((paper) => {
        const pane = textPane(paper, { onedit: (text) => edit(paper.name, text), onleave: goBack, say: ui.say });
        panes.set(paper.name, pane);
        return pane.node;
      }));
      if (facts.key && !state.edited) offerDrafts();
    } else for (const paper of state.papers) panes.get(paper.name).put(paper, own);
  }
  function offerDrafts() {
    const kept = [];
    for (const paper of state.papers) {
      let text = null;
      try { text = localStorage.getItem(storage(paper.name)); } catch { /* none */ }
      if (paper.editable && text && text !== paper.text) kept.push([paper.name, text]);
    }
    offer.hidden = !kept.length;
    if (kept.length) fill(offer, icon("pencil"), h("span", {}, "You have edited this before."),
      h("button", { onclick: () => { for (const [name, text] of kept) { panes.get(name).area.value = text; panes.get(name).area.dispatchEvent(new Event("input")); } offer.hidden = true; } }, "Bring back what I typed"));
  }
  function drawFields(own) {
    if (own && fields.contains(document.activeElement)) return;
    fill(fields, state.fields.map((field) => h("label", {}, h("span", {}, field.label),
      h("input", { type: "text", value: field.value, size: String(Math.max(9, Math.min(34, field.value.length + 1))), autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr", maxlength: "1000", data: { name: field.name },
        oninput: askFields, onkeydown: (event) => { if (event.key === "Escape" && goBack()) event.preventDefault(); } }))));
    fields.hidden = !state.fields.length;
  }
  function drawPeople() {
    const focused = people.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    fill(people, state.people.map((one, at) => h("button", { "aria-pressed": String(one.on), data: { at: String(at) }, title: one.about, onclick: () => ui.send("person", { person: at }) },
      h("span", {}, one.name), h("span", { class: "lk-wire lk-muted" }, one.about), chip(one.result, one.kind))));
    people.hidden = !state.people.length;
    if (focused !== null && people.children[focused]) people.children[focused].focus({ preventScroll: true });
  }
  const SHAPE = { 2: "check", 3: "arrow", 4: "clock", 5: "cross" };
  function chip(word, kind) { return h("span", { class: "lk-chip", data: kind ? { kind } : {} }, kind ? icon(SHAPE[kind]) : null, word); }
  function meter(one) {
    const cells = Array.from({ length: Math.min(40, Math.max(one.used, one.most)) }, (_, at) => h("i", { data: at >= one.used ? { free: "" } : at >= one.most ? { over: "" } : at >= one.most - 2 ? { near: "" } : {} }));
    return h("div", { class: "lka-meter", data: one.used > one.most ? { over: "" } : {} }, h("span", { class: "lk-muted" }, one.label), h("span", { class: "lka-cells", "aria-hidden": "true" }, cells),
      h("b", {}, one.used + " of " + one.most));
  }

  // ---- the trees: a row for each step, or for each term of a record
  function marksOf(row) { return row ? row.marks : []; }
  function tree(rows, name, label) {
    const keys = [], chain = [];
    rows.forEach((row) => { chain.length = row.depth + 1; chain[row.depth] = (chain[row.depth] === undefined ? 0 : chain[row.depth]) + 1; keys.push(name + ":" + chain.map((n) => n || 1).join(".")); });
    const isOpen = (at) => (opened.has(keys[at]) ? opened.get(keys[at]) : name === "review" || Boolean(rows[at].on_path));
    const box = h("div", { role: "tree", class: "lka-tree", "aria-label": label });
    let items = [], visible = [];
    const start = Math.max(0, rows.findIndex((row) => row.decides));
    const select = (at, focus) => {
      current = rows[at]; chosen = keys[at];
      items.forEach((item, other) => { if (item) { item.setAttribute("aria-selected", String(other === at)); item.tabIndex = other === at ? 0 : -1; item.querySelector(".lka-more").hidden = other !== at; } });
      if (focus && items[at]) { items[at].focus({ preventScroll: true }); items[at].scrollIntoView({ block: "nearest" }); }
      underline();
    };
    const toggle = (at, on) => { if (!rows[at].kids) return; opened.set(keys[at], on === undefined ? !isOpen(at) : on); draw(at); };
    function draw(at) {
      let limit = Infinity; visible = []; items = [];
      const focus = box.contains(document.activeElement);
      fill(box, rows.map((row, index) => {
        if (row.depth > limit) return null;
        limit = row.kids && !isOpen(index) ? row.depth : Infinity;
        visible.push(index);
        return (items[index] = item(row, index));
      }));
      select(visible.includes(at) ? at : visible[0], focus);
    }
    function item(row, index) {
      const more = h("div", { class: "lka-more", hidden: true },
        row.rule ? h("p", { class: "lka-rule" }, h("b", {}, row.rule.ref), ": ", prose(row.rule.text)) : null,
        (row.inputs || []).length ? h("p", { class: "lka-inputs" }, row.inputs.map(([key, value]) => [h("span", { class: "lk-muted" }, key + " "), h("code", {}, value || "(empty)"), " "])) : null,
        row.marks.length ? h("p", { class: "lka-marks" }, h("span", { class: "lk-muted" }, "rests on "), row.marks.map((mark) => h("button", { class: "lk-quiet", onclick: (event) => { event.stopPropagation(); goTo(mark); } }, mark.label))) : null);
      const node = h("div", { role: "treeitem", class: "lka-row", tabindex: "-1", "aria-level": String(row.depth + 1), "aria-selected": "false", "aria-expanded": row.kids ? String(isOpen(index)) : null,
        style: "--depth:" + Math.min(row.depth, 12), data: { ...(row.decides ? { decides: "" } : {}), ...(row.change ? { change: row.change } : {}), ...(row.unreached ? { unreached: "" } : {}), ...(row.record ? { record: "" } : {}) },
        onclick: () => { select(index, true); }, ondblclick: () => toggle(index) },
        h("div", { class: "lka-line" },
          row.kids ? h("span", { class: "lka-twist", "aria-hidden": "true", onclick: (event) => { event.stopPropagation(); toggle(index); } }, isOpen(index) ? "▾" : "▸") : h("span", { class: "lka-twist", "aria-hidden": "true" }, row.decides ? icon("flag") : "·"),
          h("span", { class: "lka-text" }, row.decides && row.kids ? [icon("flag"), " "] : null, row.decides ? h("span", { class: "lk-sr" }, "This decided: ") : null, prose(row.text), row.change && row.change !== "inside" ? [" ", h("span", { class: "lka-change" }, icon(row.change === "gone" ? "cross" : "pencil"), row.change)] : row.change && row.kids && !isOpen(index) ? [" ", h("span", { class: "lka-change" }, icon("pencil"), "changed inside")] : null),
          row.outcome ? chip(row.outcome, row.kind) : null,
          h("span", { class: "lka-at", data: row.over ? { over: "" } : {} }, row.at ? h("span", { class: "lk-sr" }, name === "review" ? "costs " : "lookup ") : null, row.at)),
        row.dns ? h("div", { class: "lka-dns", data: row.dns.found ? {} : { none: "" } }, h("span", { class: "lka-dnsword" }, "DNS"), h("span", {}, row.dns.asked, " → ", row.dns.said.join(", "))) : null,
        more);
      node.addEventListener("keydown", (event) => {
        if (event.target !== node) { if (event.key === "Escape") { node.focus(); event.stopPropagation(); } return; }
        const at = visible.indexOf(index);
        const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: visible.length - 1 }[event.key];
        if (to !== undefined) { if (to >= 0 && to < visible.length) select(visible[to], true); }
        else if (event.key === "ArrowRight") { if (row.kids && !isOpen(index)) toggle(index, true); else if (row.kids) select(visible[at + 1], true); }
        else if (event.key === "ArrowLeft") { if (row.kids && isOpen(index)) toggle(index, false); else { const up = visible.slice(0, at).reverse().find((other) => rows[other].depth < row.depth); if (up !== undefined) select(up, true); } }
        else if (event.key === "Enter") { if (row.marks.length) goTo(row.marks[0]); else if (row.kids) toggle(index); }
        else if (event.key === " ") toggle(index);
        else return;
        event.preventDefault(); event.stopPropagation();
      });
      return node;
    }
    const kept = keys.indexOf(chosen);
    draw(kept >= 0 && side.contains(document.activeElement) ? kept : start);
    return box;
  }
  function underline() {
    const decided = state.verdicts.flatMap((verdict) => verdict.rows.filter((row) => row.decides || row.outcome === "checked")).flatMap(marksOf), now = marksOf(current);
    for (const [name, pane] of panes) {
      const paper = state.papers.find((one) => one.name === name);
      if (!paper || pane.text() !== paper.text) continue;
      const here = (marks) => marks.filter((mark) => mark.paper === name);
      pane.mark([...(whole ? [] : here(decided)), ...here(now).map((mark) => ({ ...mark, now: true }))]);
    }
    for (const box of fields.querySelectorAll("input")) box.toggleAttribute("data-mark", [...decided, ...now].some((mark) => mark.field === box.dataset.name));
  }
  function drawSide() {
    const focused = side.contains(document.activeElement);
    if (whole && state.review) {
      fill(side, h("div", { class: "lka-head" }, h("h4", {}, "The whole record"), state.review.meters.map(meter)),
        h("p", { class: "lk-muted lka-how" }, "What each term costs a client that nothing matches, level by level."),
        tree(state.review.rows, "review", "The terms of the record, level by level"), state.review.more ? h("p", { class: "lk-muted" }, state.review.more + " more terms are left out here.") : null,
        state.review.findings.length ? h("ul", { class: "lka-findings" }, state.review.findings.map((one) => h("li", {}, chip(one.level, { error: "5", warning: "4", note: "3" }[one.level]), h("span", {}, prose(one.text), h("span", { class: "lk-muted" }, " " + one.rule.ref + ". "),
          one.marks.map((mark) => h("button", { class: "lk-quiet", onclick: () => goTo(mark) }, mark.label)))))) : null);
    } else fill(side, state.verdicts.map((verdict, at) => [
      h("div", { class: "lka-head" }, h("h4", {}, state.verdicts.length > 1 ? verdict.method.toUpperCase() : "Evaluation"), verdict.meters.map(meter)),
      tree(verdict.rows, "v" + at, "The steps of " + verdict.method + ", in order"), verdict.more ? h("p", { class: "lk-muted" }, verdict.more + " more steps are left out here.") : null,
      state.verdicts.length > 1 ? result(verdict) : null]));
    if (focused && !side.contains(document.activeElement)) { const item = side.querySelector("[role=treeitem][tabindex='0']"); if (item) item.focus({ preventScroll: true }); }
  }
  function result(verdict) {
    return h("div", { class: "lka-result" }, chip(verdict.method + "=" + verdict.result, verdict.kind),
      h("span", {}, verdict.was ? ["was ", chip(verdict.was, verdict.was_kind), " before. "] : null, prose(verdict.explanation), verdict.properties.map(([key, value]) => [h("br", {}), h("span", { class: "lk-muted" }, key + ": "), "“" + value + "”"])));
  }
  function drawFoot() {
    foot.hidden = whole;
    fill(foot, state.stale ? h("p", { class: "lka-stale" }, icon("clock"), " The text cannot be read now. This is still the trace from before.") : null, result(state.verdicts[state.verdicts.length - 1]));
    side.toggleAttribute("data-stale", state.stale);
  }
  function drawTabs() {
    tabs.hidden = !state.review;
    const tab = (word, on) => h("button", { "aria-pressed": String(whole === on), onclick: () => { whole = on; current = null; drawTabs(); drawSide(); drawFoot(); tabs.children[on ? 1 : 0].focus(); } }, word);
    fill(tabs, tab("Evaluation", false), tab("Whole record", true));
  }
  function show(next, own) {
    state = next;
    empty.hidden = true; body.hidden = false;
    drawPapers(own); drawFields(next.fields_by === me); drawPeople();
    if (!tabs.childElementCount) drawTabs();
    drawSide(); drawFoot();
    const dead = (button, on) => { if (on) button.removeAttribute("aria-disabled"); else button.setAttribute("aria-disabled", "true"); };
    dead(undo, state.edited || state.verdicts.some((verdict) => verdict.was)); dead(reset, state.edited);
    step.textContent = state.next; step.hidden = !state.next;
    undo.hidden = reset.hidden = !state.papers.some((paper) => paper.editable);
  }
  function announce() {
    clearTimeout(settled);
    settled = setTimeout(() => {
      const verdict = state.verdicts[state.verdicts.length - 1], note = state.papers.flatMap((paper) => paper.notes).find((one) => one.level === "error");
      ui.say(note ? "Line " + note.line + ": " + note.text : verdict.result + (verdict.was ? ", was " + verdict.was + " before. " : ". ") + verdict.explanation);
    }, 700);
  }
  ui.on("state", (message) => {
    const before = state, own = message.by === me, late = own && waiting;
    if (own) {
      const text = panes.size ? message.papers.map((paper) => panes.get(paper.name)).every((pane, at) => !pane || pane.text() === message.papers[at].text) : true;
      waiting = null;
      if (late) { sendEdit(late); return; }
      show(message, true);
      if (text && asked) { const since = asked; asked = 0; requestAnimationFrame(() => { ui.root.dataset.ms = String(Math.round(performance.now() - since)); }); }
    } else show(message, false);
    if (before) announce();
    model.set("saved", message);
  });
  ui.on("trouble", (message) => { waiting = null; fill(foot, h("p", {}, message.text)); });
  const saved = model.get("saved");
  body.hidden = true; people.hidden = fields.hidden = tabs.hidden = step.hidden = undo.hidden = reset.hidden = true;
  if (saved && saved.papers) show(saved, false);
  ui.send("hello");
  return () => { clearTimeout(settled); ui.close(); };
}
export default { render };
