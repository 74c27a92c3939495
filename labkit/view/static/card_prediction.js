// A guess before the run: chosen, kept, and later shown beside what really happened.
function comparison(shown) {
  const side = (name, text, kind) => h("div", { class: "lk-side", data: { kind } }, h("span", { class: "lk-side-name" }, name), h("span", { class: "lk-side-text" }, prose(text)));
  const [shape, word, kind] = shown.guess === null ? ["info", "Now you know", "info"]
    : shown.agreed ? ["check", "As you expected", "done"] : ["info", "Worth a second look", "info"];
  return h("div", { class: "lk-compare", tabindex: "-1", data: { fallback: "1" } },
    h("div", { class: "lk-sides" },
      side("You expected", shown.guess === null ? "No guess this time" : shown.guess, "guess"),
      h("span", { class: "lk-between" }, shown.guess === null ? null : icon(shown.agreed ? "same" : "differs")),
      side("What happened", shown.actual, "actual")),
    h("div", { class: "lk-compare-why" }, tag(shape, word, kind), shown.why ? h("span", {}, prose(shown.why)) : null));
}
function render({ model, el }) {
  const m = mount(model, el, "prediction");
  const first = model.get("state");
  const view = frame(m, { label: "Predict", shape: "question", title: first.question, className: "lk-task lk-predict" });
  const options = region(view.body), actions = region(view.body), outcome = region(view.body);
  let draft = null, now = first, changing = false;
  const keep = () => {
    if (draft === null) { m.say("Choose one option first."); return; }
    changing = false;
    m.send("keep", { guess: draft });
  };
  const pick = (index) => { draft = index; drawActions(); };
  const drawActions = () => actions([now.kept, now.shown, draft === null, changing], () => {
    if (now.shown) return [];
    if (now.kept !== null && !changing) {
      return h("div", { class: "lk-actions" }, h("p", { class: "lk-kept", tabindex: "-1", data: { fallback: "1" } }, icon("check"), h("span", {}, now.note)),
        button("change", "Change my guess", () => { changing = true; paint(); }, "lk-quiet"));
    }
    const go = button("keep", "Keep my guess", keep, "lk-primary");
    return h("div", { class: "lk-actions" }, draft === null ? off(go, "Choose one option first") : go,
      h("span", { class: "lk-hintline" }, "A wrong guess costs nothing; it is the best start."));
  });
  const paint = () => {
    const locked = Boolean(now.shown) || (now.kept !== null && !changing);
    fill(view.status, now.kept !== null && !now.shown ? tag("pencil", "guess kept", "learner") : null);
    outcome(now.shown, () => (now.shown ? comparison(now.shown) : []));
    drawActions();
    options([now.options, now.kept, locked, now.shown], () => optionRows({
      legend: now.question, locked, chosen: draft === null ? [] : [draft], onpick: pick, onenter: keep,
      options: now.options.map((text, index) => ({
        text, chosen: index === now.kept, state: now.shown && now.shown.actual === text ? "right" : "",
        shape: now.shown && now.shown.actual === text ? "check" : index === now.kept ? "pencil" : null,
        note: [index === now.kept ? "your guess" : "", now.shown && now.shown.actual === text ? "what happened" : ""].filter(Boolean).join(", ") })) }));
  };
  return follow(model, m, (state) => {
    now = state;
    if (draft === null) draft = state.kept;
    paint();
  });
}
export default { render };
