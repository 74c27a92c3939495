// Questions one below another: answer, read why, see why of every option once it is right or the learner asks to see it.
function wireText(text) { return h("div", { class: "lk-log lk-code" }, h("div", { class: "lk-wire", dir: "ltr" }, text)); }

function questionView(m, body, index) {
  const id = uid("question");
  const host = h("div", { class: "lk-question", role: "group", "aria-labelledby": id });
  const heading = h("h4", { id, tabindex: "-1", data: { fallback: "1" } });
  const status = h("span", { class: "lk-status" });
  host.append(h("div", { class: "lk-question-head" }, h("span", { class: "lk-question-no", "aria-hidden": "true" }, String(index + 1)), heading, status));
  const rows = region(host), answer = region(host), actions = region(host);
  body.append(host);
  let now = null, draft = null;
  const empty = () => draft === null || draft.length === 0;
  const send = () => {
    if (empty()) { m.say(now.number ? "Type a number first." : "Choose first."); return; }
    m.send("answer", { question: now.id, picks: draft });
  };
  const set = (value) => { const was = empty(); draft = value; if (was !== empty()) drawActions(); };
  const pick = (option, on) => set(now.many ? [...(draft || []).filter((item) => item !== option), ...(on ? [option] : [])] : [option]);
  const drawActions = () => actions([now.locked, now.feedback, empty()], () => {
    if (now.locked) return [];
    const go = button("answer", now.feedback ? "Answer again" : "Answer", send, "lk-primary");
    return h("div", { class: "lk-actions" }, empty() ? off(go, now.number ? "Type a number first" : "Choose first") : go,
      now.tried ? button("show", "Show the answer", () => m.send("show", { question: now.id }), "lk-quiet") : null);
  });
  return (state) => {
    if (now && now.round !== state.round) draft = null;
    now = state;
    heading.replaceChildren(...prose(state.text));
    fill(status, state.tag ? tag(state.tag.shape, state.tag.text, state.tag.kind) : null);
    answer([state.feedback, state.see, state.locked], () => [
      state.feedback ? feedbackOf(state.back ? { ...state.feedback, parts: state.feedback.parts.map(([label, text]) => [label, [
        notebookLink(state.back.file, state.back.heading, state.back.heading), ", and " + text]]) } : state.feedback) : null,
      state.see.map((rule) => h("p", { class: "lk-rule" }, h("b", {}, rule[0]), rule[1] ? [": ", prose(rule[1])] : null))]);
    drawActions();
    rows([state.options, state.code, state.locked, state.round], () => [
      state.code ? wireText(state.code) : null,
      state.number && !state.locked ? h("input", { type: "text", class: "lk-number", inputmode: "decimal", "aria-labelledby": id, autocomplete: "off", value: draft || "", data: { key: "number" },
        oninput: (event) => set(event.target.value.trim()), onkeydown: (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); send(); } } }) : null,
      state.options.length ? optionRows({ legend: state.many ? "Choose all that hold" : "Choose one", options: state.options, many: state.many, locked: state.locked, chosen: Array.isArray(draft) ? draft : [], onpick: pick, onenter: send }) : null,
      state.many && !state.locked ? h("p", { class: "lk-hintline" }, "More than one may hold.") : null]);
  };
}
function render({ model, el }) {
  const m = mount(model, el, "quiz");
  const first = model.get("state");
  const view = frame(m, { label: first.label, shape: "question", title: first.title, className: "lk-task lk-quiz" });
  const intro = region(view.body);
  const questions = first.questions.map((_, index) => questionView(m, view.body, index));
  const result = region(view.body);
  return follow(model, m, (state) => {
    intro(state.intro, () => (state.intro ? h("p", { class: "lk-task-text lk-muted" }, prose(state.intro)) : []));
    state.questions.forEach((question, index) => questions[index](question));
    result(state.result, () => (state.result ? h("p", { class: "lk-result", tabindex: "-1" }, icon("flag"), h("span", {}, prose(state.result)),
      button("again", "Take it again", () => m.send("again"), "lk-quiet")) : []));
  });
}
export default { render };
