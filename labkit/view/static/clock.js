// The world's clock: the time there, what is due next, and buttons that let time pass.
function render({ model, el }) {
  const ui = mount(model, el, "clock");
  const facts = model.get("facts");
  const time = h("span", { class: "lkc-time" }), day = h("span", { class: "lk-muted" });
  const due = h("ol", { class: "lkc-due", "aria-label": "What is due next" });
  const bar = h("div", { class: "lkc-bar", role: "progressbar", "aria-label": "Time passes", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i", {}));
  const said = h("div", { class: "lkc-said", role: "status" });
  const next = h("button", { class: "lk-primary", onclick: () => press("next") }, "Next event");
  const steps = facts.steps.map((step) => h("button", { onclick: () => press("move", { seconds: step.seconds }) }, step.label));
  const stop = h("button", { onclick: () => ui.send("stop") }, "Stop");
  let busy = false;
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lkc-head" }, h("h4", {}, "Clock"), time, day),
    due, bar, h("div", { class: "lk-actions lkc-actions" }, next, steps, stop), said), ui.live]);
  function press(op, payload) { if (!busy) { said.textContent = ""; ui.send(op, payload); } }
  function show(state) {
    busy = state.running;
    time.textContent = state.time; day.textContent = state.day + (state.passed ? ", " + state.passed + " after the start" : "");
    fill(due, state.due.length
      ? [state.due.map((one) => h("li", { title: one.at }, h("span", { class: "lkc-in" }, one.in), h("span", {}, one.what))), state.more ? h("li", { class: "lk-muted" }, h("span", {}), h("span", {}, "and " + state.more.toLocaleString("en") + " more")) : null]
      : h("li", { class: "lk-muted lkc-none" }, "Nothing is planned. Time stands still."));
    bar.hidden = !busy || !state.part;
    bar.firstChild.style.width = 100 * state.part + "%"; bar.setAttribute("aria-valuenow", String(Math.round(100 * state.part)));
    stop.style.display = busy ? "" : "none";
    for (const button of [next, ...steps]) if (busy) button.setAttribute("aria-disabled", "true"); else button.removeAttribute("aria-disabled");
    if (said.textContent !== state.said) said.textContent = state.said;
    model.set("saved", { ...state, running: false });
  }
  ui.on("state", show);
  ui.on("trouble", (message) => { said.textContent = message.text; });
  const saved = model.get("saved");
  show(saved && saved.due ? saved : { time: "", day: "", due: [], more: 0, part: 0, said: "", running: false });
  ui.send("hello");
  return () => ui.close();
}
export default { render };
