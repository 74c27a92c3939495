// The retry timeline: the tries of one message on an axis of time, the same as a list, and the session of the try that was picked.
const GAP = 62; // pixels between two marks from which the length of the gap has room

function render({ model, el }) {
  const ui = mount(model, el, "retry");
  const facts = model.get("facts");
  const shapes = { 2: "check", 3: "arrow", 4: "clock", 5: "cross" };
  let picture = null, shown = "", spoken = "", childView = null;

  const which = h("select", { "aria-label": "Which message", onchange: () => ui.send("choose", { id: which.value }) });
  const send = facts.send ? h("button", { class: "lk-primary lkr-send", onclick: () => { if (send.getAttribute("aria-disabled") !== "true") ui.send("send"); } }, "Send Alice's message") : null;
  const owner = h("p", { class: "lkr-owner" });
  const said = h("p", { class: "lkr-said", role: "status" });
  const axis = h("div", { class: "lkr-axis", role: "group", "aria-label": "Tries on an axis of time" });
  const list = h("ol", { class: "lkr-list", "aria-label": "What happened, in order" });
  const clock = h("div", { class: "lkr-clock" });
  const child = h("div", {});
  const head = h("span", { class: "lk-muted" });
  const below = h("section", { class: "lkr-below", hidden: true, "aria-label": "The try that you opened" },
    h("div", { class: "lkr-belowhead" }, head, h("button", { class: "lkr-shut", onclick: () => shut(true) }, "Close")), child);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title), h("span", { class: "lk-grow" }), which, send),
    owner, said, axis, h("div", { class: "lkr-body" }, h("div", { class: "lkr-happened" }, list), clock), below), ui.live]);

  // ---- the axis
  function drawAxis() {
    axis.hidden = !picture;
    if (!picture) return;
    const kept = axis.contains(document.activeElement) ? document.activeElement.dataset.n : null;
    const width = axis.clientWidth - 2 * 26, em = parseFloat(getComputedStyle(axis).fontSize) || 14, left = (x) => "calc(26px + " + (100 * x) + "% - " + (52 * x) + "px)";
    const stack = Math.max(...picture.marks.map((mark) => mark.steps.length));
    axis.style.height = "calc(" + (stack * 1.9 + 4.6) + "em)";
    const at = (x, cls, ...kids) => h("span", { class: cls, style: "left:" + left(x), "aria-hidden": "true" }, kids);
    fill(axis, h("span", { class: "lkr-line", "aria-hidden": "true" }),
      picture.ticks.map((tick) => at(tick.x, "lkr-tick", tick.text)),
      picture.planned.map((one) => h("span", { class: "lkr-planned", style: "left:" + left(one.x), title: one.text, "aria-hidden": "true" })),
      picture.limit ? at(picture.limit.x, "lkr-limit", h("span", {}, picture.limit.text)) : null,
      at(picture.now.x, "lkr-now", h("span", {}, "now")),
      picture.gaps.map((gap) => (gap.wide * width > GAP ? at(gap.x, "lkr-gap", gap.text) : null)),
      picture.marks.map((mark) => {
        // A word needs room on both sides of its mark, at its own level; where there is none, the shape alone stays (and the words in its name).
        const room = (level) => Math.min(2 * width, ...picture.marks.filter((other) => other !== mark && other.steps.length > level).map((other) => Math.abs(other.x - mark.x) * width)) - 2.4 * em;
        return [h("span", { class: "lkr-dot", style: "left:" + left(mark.x), data: { tone: mark.steps[mark.steps.length - 1].tone }, "aria-hidden": "true" }), mark.steps.map((step, level) => h("button", { class: "lkr-mark lk-chip", style: "left:" + left(mark.x) + ";bottom:" + (3.2 + level * 1.9) + "em",
          data: { kind: step.tone, n: step.n, edge: mark.x > .93 ? "end" : mark.x < .03 ? "start" : "" }, title: label(step.n), "aria-label": label(step.n), onclick: () => open(step.n) },
          icon(shapes[step.tone]), word(step).length * .54 * em < room(level) ? word(step) : null))];
      }));
    if (kept) { const again = axis.querySelector('[data-n="' + kept + '"]'); if (again) again.focus(); }
  }
  const word = (step) => (step.notice ? "notice " : "") + step.mark;
  const row = (n) => picture.rows.find((one) => one.n === n);
  const label = (n) => { const step = row(n); return step ? (picture.rows.indexOf(step) + 1) + ". " + step.at + " " + step.text : ""; };

  // ---- the list
  function drawList() {
    fill(list, picture ? picture.rows.map((step, index) => h("li", { data: { n: step.n } }, h("button", { title: step.open ? "Open this session" : "", onclick: () => open(step.n) },
      h("span", { class: "lkr-n" }, String(index + 1)), h("span", { class: "lkr-at" }, step.at),
      h("span", { class: "lk-chip", data: { kind: step.tone } }, icon(shapes[step.tone]), step.mark), h("span", { class: "lkr-text" }, step.text)))) : []);
    list.scrollTop = list.scrollHeight;
  }
  function show(state) {
    const fresh = state.picture ? state.picture.rows.length : 0, before = picture && shown === state.shown ? picture.rows.length : 0;
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("li").dataset.n : null;
    picture = state.picture; shown = state.shown;
    fill(which, state.messages.map(([id, name]) => h("option", { value: id }, name)));
    which.value = shown; which.hidden = state.messages.length < 2;
    if (send) {
      if (state.sending) send.setAttribute("aria-disabled", "true"); else send.removeAttribute("aria-disabled");
      send.textContent = state.messages.length ? "Send another one" : "Send Alice's message";
    }
    fill(owner, picture ? [h("span", { class: "lk-muted" }, "Who answers for it now: "), h("span", { class: "lk-chip", data: { kind: picture.owner.tone } }, icon(shapes[picture.owner.tone]), picture.owner.who), " ", picture.owner.text]
      : [h("span", { class: "lk-muted" }, "No message is under way yet."), facts.empty ? h("span", { class: "lk-muted" }, " " + facts.empty) : null]);
    if (said.textContent !== state.said) said.textContent = state.said;
    said.hidden = !state.said;
    drawAxis();
    if (fresh !== before || !list.children.length) drawList();
    if (focused) { const again = list.querySelector('li[data-n="' + focused + '"] button'); if (again) again.focus({ preventScroll: true }); }
    if (picture && spoken !== picture.owner.text) { spoken = picture.owner.text; ui.say((fresh ? label(picture.rows[fresh - 1].n) + ". " : "") + picture.owner.who + ". " + picture.owner.text); }
    model.set("saved", { ...state, sending: false });
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], item = event.target.closest("li");
    if (!step || !item || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); event.stopPropagation();
    const to = step > 0 ? item.nextElementSibling : item.previousElementSibling;
    if (to) to.firstChild.focus();
  });

  // ---- the session below
  function open(n) { mark(n); ui.send("open", { n }); }
  function mark(n) { for (const item of list.children) item.toggleAttribute("data-here", item.dataset.n === String(n)); }
  function shut(tell) {
    if (childView) { childView.remove(); childView = null; }
    child.replaceChildren();
    if (tell) { const here = list.querySelector("li[data-here] button"); below.hidden = true; ui.send("shut"); if (here) here.focus(); }
  }
  ui.on("child", async (message) => {
    shut(false);
    head.textContent = label(message.n); below.hidden = false;
    if (!message.model) { fill(child, h("p", { class: "lkr-none" }, message.say)); ui.say(message.say); return; }
    childView = await drawChild(model, message.model, child);
    if (!childView) fill(child, h("p", { class: "lkr-none" }, "This cannot be drawn now. Choose Run > Run All Cells."));
    below.scrollIntoView({ block: "nearest" });
  });
  ui.on("clock", async (message) => { await drawChild(model, message.model, clock); });
  ui.on("state", show);
  ui.on("trouble", (message) => { said.hidden = false; said.textContent = message.text; });

  if (!facts.clock) clock.remove();
  const saved = model.get("saved");
  show(saved && saved.messages ? saved : { messages: [], shown: "", picture: null, sending: false, said: "" });
  const refit = new ResizeObserver(() => drawAxis());
  refit.observe(ui.root);
  ui.send("hello");
  return () => { refit.disconnect(); if (childView) childView.remove(); ui.close(); };
}
export default { render };
