// What has been done, lesson by lesson; where it is kept; how to take it along; how a lesson is reset.
function meter(name, done, of) {
  const words = of ? done + " of " + of : String(done);
  const dots = of && of <= 8 ? h("span", { class: "lk-dots", "aria-hidden": "true" }, Array.from({ length: of }, (_, index) => h("i", { data: { on: index < done ? "1" : "" } }))) : null;
  return h("span", { class: "lk-meter" }, h("span", { class: "lk-meter-name" }, name), dots, h("span", { class: "lk-meter-count" }, words));
}
function lessonRow(lesson) {
  const state = lesson.finished ? tag("check", "finished", "done") : lesson.touched ? tag("arrow", "begun", "info")
    : null;
  return h("li", { class: "lk-lesson-row", data: { here: lesson.here ? "1" : "" } },
    h("span", { class: "lk-lesson-id" }, lesson.id), h("span", { class: "lk-lesson-name" }, h("span", { class: "lk-lesson-question" }, lesson.question),
      h("span", { class: "lk-lesson-file" }, lesson.name + (lesson.minutes ? ", " + lesson.minutes + " min" : "") + (lesson.optional ? ", optional" : ""))),
    h("span", { class: "lk-meters" }, lesson.meters.map((one) => meter(one.name, one.done, one.of))), h("span", { class: "lk-lesson-state" }, state));
}
function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = h("a", { href: url, download: name, class: "lk-sr" });
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
function render({ model, el }) {
  const m = mount(model, el, "progress");
  const view = frame(m, { label: "Progress", shape: "flag", title: "What you have done", className: "lk-progress" });
  const advice = region(view.body), here = region(view.body), later = region(view.body), keep = region(view.body), told = region(view.body);
  m.on("download", (message) => save(message.name, message.text));
  const file = h("input", { type: "file", accept: ".json,application/json", class: "lk-sr", tabindex: "-1", "aria-label": "A progress file to take in",
    onchange: async () => {
      const chosen = file.files[0];
      file.value = "";
      if (chosen) m.send("take_in", { text: chosen.size > 4000000 ? "" : await chosen.text() });
    } });
  view.body.append(file);
  return follow(model, m, (state) => {
    advice([state.binder, state.troubles], () => [
      state.binder ? h("div", { class: "lk-advice" }, icon("clock"), h("div", {}, h("b", {}, "This is a Binder session: it forgets everything when it ends."), " Download your progress before you leave. Next time, take the file in again with the button below.")) : null,
      state.troubles.map((text) => h("div", { class: "lk-advice" }, icon("info"), h("div", {}, text)))]);
    here([state.lessons, state.fresh], () => [state.fresh ? h("p", { class: "lk-task-text" }, "Nothing yet. It fills by itself: every guess you keep, every check, every quiz answer.") : null,
      h("ul", { class: "lk-lessons", "aria-label": "Lessons" }, state.lessons.filter((one) => one.here || one.touched).map(lessonRow))]);
    later(state.lessons, () => {
      const rest = state.lessons.filter((one) => !one.here && !one.touched);
      return rest.length ? h("details", { class: "lk-more" }, h("summary", { data: { key: "more" } }, times(rest.length, "lesson") + " to come"), h("ul", { class: "lk-to-come", "aria-label": "Lessons to come" }, rest.map((one) => h("li", {}, h("span", { class: "lk-lesson-id" }, one.id), h("span", {}, one.question, one.optional ? h("span", { class: "lk-muted" }, " (optional)") : null))))) : [];
    });
    keep([state.where, state.binder], () => [
      h("div", { class: "lk-actions" }, button("export", "Download my progress", () => m.send("export"), state.binder ? "lk-primary" : ""),
        button("take", "Take in a saved file", () => file.click())),
      h("dl", { class: "lk-keeping" }, h("dt", {}, "Where it is kept"), h("dd", {}, h("code", {}, state.where), ", outside the notebooks: no reset, restart or update touches it."),
        h("dt", {}, "To begin a lesson anew"), h("dd", {}, h("code", {}, "python3 -m labkit reset 01"), " in a terminal, then reload the page. Your old notebook stays beside the new one, and your progress stays too."))]);
    told(state.note, () => (state.note ? h("p", { class: "lk-kept", tabindex: "-1" }, icon("check"), h("span", {}, state.note)) : []));
  });
}
export default { render };
