// The learner points at the line that decided; a wrong pick gets words, the right one a flag.
function render({ model, el }) {
  const m = mount(model, el, "observation");
  const first = model.get("state");
  const view = frame(m, { label: "Observe", shape: "flag", title: first.question, className: "lk-task lk-observe" });
  const lines = region(view.body), actions = region(view.body), answer = region(view.body);
  let draft = null, now = first;
  const point = () => {
    if (draft === null) { m.say("Choose a line first: click it, or use the arrow keys."); return; }
    m.send("point", { line: draft });
  };
  const pick = (n) => { draft = n; drawActions(); };
  const drawActions = () => actions([now.found, draft, now.lines.length > 0], () => {
    if (now.found !== null || !now.lines.length) return [];
    const go = button("point", draft === null ? "Point at a line" : "Point at line " + draft, point, "lk-primary");
    return h("div", { class: "lk-actions" }, draft === null ? off(go, "Choose a line first") : go,
      h("span", { class: "lk-hintline" }, "Click a line, or move with ", h("span", { class: "lk-kbd" }, "↑"), " ", h("span", { class: "lk-kbd" }, "↓"), " and press ", h("span", { class: "lk-kbd" }, "Enter")));
  });
  return follow(model, m, (state) => {
    now = state;
    fill(view.status, state.found !== null ? tag("flag", "found: line " + state.found, "done") : null);
    answer(state.feedback, () => (state.feedback ? h("div", { tabindex: "-1", data: { fallback: "1" } }, feedbackOf(state.feedback)) : []));
    drawActions();
    lines([state.lines, state.tried, state.found], () => (state.lines.length ? [state.left_out ? h("p", { class: "lk-hintline" }, times(state.left_out, "earlier line") + " left out here.") : null, linePicker({
      legend: state.question, lines: state.lines, picked: draft, tried: state.tried, found: state.found, locked: state.found !== null,
      onpick: pick, onenter: point })] : h("p", { class: "lk-empty" }, icon("arrow"), h("span", {}, state.empty))));
  });
}
export default { render };
