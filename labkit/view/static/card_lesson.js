// The card that opens a lesson and the card that ends it: only read, nothing to operate.
function minutes(core, practice) {
  const part = (count, word, kind) => h("span", { class: "lk-minutes-part", data: { kind }, style: "flex-grow:" + count },
    h("span", { class: "lk-minutes-bar" }), h("span", {}, h("b", {}, String(count)), " min " + word));
  return h("div", { class: "lk-minutes" }, part(core, "core", "core"), practice ? part(practice, "practice", "practice") : null);
}
function fact(name, ...content) { return h("div", { class: "lk-fact" }, h("dt", {}, name), h("dd", {}, content)); }
function bullets(items, shape) {
  return h("ul", { class: "lk-ticks" }, items.map((item) => h("li", {}, icon(shape), h("span", {}, prose(item)))));
}
function opening(state) {
  return h("div", { class: "lk-lesson-grid" },
    h("div", {}, h("p", { class: "lk-over" }, "Afterwards you can"), bullets(state.can, "check")),
    h("dl", { class: "lk-facts" },
      state.core ? fact("Time", minutes(state.core, state.practice)) : null,
      state.comes_from ? fact("You come from", prose(state.comes_from)) : null,
      state.rfcs.length ? fact("Where it is written", h("ul", { class: "lk-rfcs" }, state.rfcs.map((rfc) => h("li", {}, rfc)))) : null));
}
function ending(state) {
  return h("div", { class: "lk-lesson-grid" },
    h("div", {}, bullets(state.can, "check")),
    h("dl", { class: "lk-facts" },
      state.outside ? fact("Try it outside", prose(state.outside)) : null,
      state.next ? fact("Next", state.next_file ? notebookLink(state.next_file, state.next_id.split("_")[0] + " " + state.next)
        : [state.next_id ? [h("code", {}, state.next_id), " "] : null, prose(state.next)]) : null));
}
function render({ model, el }) {
  const m = mount(model, el, "lesson");
  const state = model.get("state");
  const opens = state.kind === "opening";
  const view = frame(m, { label: state.label, shape: opens ? "question" : "flag", title: state.title, level: "h2", className: "lk-lesson" });
  const draw = region(view.body);
  return follow(model, m, (now) => draw(now, opens ? opening : ending));
}
export default { render };
