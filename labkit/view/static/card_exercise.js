// An exercise: the task, its form, Check, hints step by step, the solution after a try, and then the twin of the task.
function render({ model, el }) {
  const m = mount(model, el, "exercise");
  const first = model.get("state");
  const view = frame(m, { label: first.label, shape: "pencil", title: first.title, className: "lk-task lk-exercise" });
  const task = region(view.body), form = region(view.body), actions = region(view.body, "lk-exercise-actions"), hints = region(view.body),
    answer = region(view.body), solution = region(view.body);
  let now = first, draft = null, drawnFor = null, waiting = false, timer = 0;
  const change = (value) => { draft = value; clearTimeout(timer); timer = setTimeout(() => m.send("draft", { task: now.task_id, answer: value }), 400); };
  // A late answer is awaited in sight; a kernel that is gone gives the button back (the line on top says what to do).
  const wait = (on) => { waiting = on; drawActions(); };
  const ask = (op, payload) => {
    if (waiting) return;
    clearTimeout(timer);
    wait(true);
    m.send(op, { task: now.task_id, ...payload });
    const look = () => { if (!waiting) return; if (m.alive()) setTimeout(look, 500); else wait(false); };
    setTimeout(look, 2000);
  };
  const check = () => ask("check", { answer: draft });
  const drawActions = () => actions([now.task_id, now.passed, now.hints.length, now.hint_count, now.can_solve, Boolean(now.solution), now.twin_next, waiting], () => {
    const left = now.hint_count - now.hints.length;
    const primary = button("check", waiting ? "Checking …" : "Check", check, "lk-primary");
    if (waiting) off(primary);
    if (now.twin_next) return [];
    return h("div", { class: "lk-actions" }, primary,
      now.hint_count && !now.passed ? (left > 0
        ? button("hint", now.hints.length ? "Next hint (" + (now.hints.length + 1) + " of " + now.hint_count + ")" : "Hint (1 of " + now.hint_count + ")", () => ask("hint"))
        : off(button("hint", now.hint_count === 1 ? "The hint is below" : "All " + now.hint_count + " hints are below", () => {}))) : null,
      now.can_solve && !now.passed && !now.solution ? button("solution", "Show solution", () => ask("solution"), "lk-quiet") : null);
  });
  const stop = follow(model, m, (state) => {
    now = state;
    if (drawnFor !== state.task_id) { draft = state.draft; drawnFor = state.task_id; fill(view.title, prose(state.title)); }
    waiting = false;
    view.label(state.label);
    fill(view.status, state.is_twin ? tag("arrow", "with other data", "learner") : null, state.passed ? tag("check", "done", "done") : null);
    task(state.task, () => h("div", { class: "lk-task-text" }, paragraphs(state.task)));
    const pick = state.form.kind === "pick";
    const marks = pick && state.feedback ? { evidence: state.feedback.lines, found: state.found, tried: state.tried } : {};
    form([state.task_id, state.form, marks], () => FORMS[state.form.kind]({
      form: state.form, draft, change, submit: check, say: m.say, ...marks }));
    hints(state.hints, () => (state.hints.length ? h("ol", { class: "lk-hints", "aria-label": "Hints" }, state.hints.map((text, index) => h("li", {},
      h("span", { class: "lk-hint-no" }, "Hint " + (index + 1)), h("span", {}, prose(text))))) : []));
    answer(state.feedback, () => (state.feedback ? h("div", {}, feedbackOf(state.feedback)) : []));
    solution([state.solution, state.twin_next], () => (state.solution ? h("div", { class: "lk-solution", tabindex: "-1", data: { fallback: "1" } },
      h("h4", {}, "One solution"),
      logList("One solution", state.solution.lines.map((line) => h("li", { class: "lk-row lk-plain", data: { mine: line.mine ? "1" : "" } }, wireLine(line))), "lk-answer"),
      state.solution.why ? h("div", { class: "lk-task-text" }, paragraphs(state.solution.why)) : null,
      state.twin_next ? h("div", { class: "lk-actions" }, button("twin", "Now the same with other data", () => ask("twin"), "lk-primary", "arrow")) : null) : []));
    drawActions();
  });
  return () => { clearTimeout(timer); stop(); };
}
export default { render };
