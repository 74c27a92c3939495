// A notice part by part: what stands there, and beside each field what it says and where it is defined.
function render({ model, el }) {
  const m = mount(model, el, "notice");
  const first = model.get("state");
  const view = frame(m, { label: "Notice", shape: "info", title: first.title, className: "lkn-notice" });
  const body = region(view.body);
  const lines = (part) => h("pre", { class: "lk-wire lkn-lines", dir: "ltr" }, part.lines.join("\n"));
  return follow(model, m, (state) => body([state.parts, state.empty], () => (state.parts.length
    ? state.parts.map((part) => h("div", { class: "lkn-part", role: "group", "aria-label": part.title },
      h("h4", {}, part.title), h("p", { class: "lk-muted" }, prose(part.what)),
      part.lines ? (part.folded ? h("details", {}, h("summary", { data: { key: "back" } }, "Show it"), lines(part)) : lines(part)) : null,
      (part.blocks || []).map((block) => h("dl", { class: "lkn-fields" }, block.map((field) => [
        h("dt", {}, h("span", { class: "lk-wire", dir: "ltr" }, h("b", {}, field.name + ":"), " ", field.value)),
        h("dd", {}, prose(field.says), field.rule ? h("span", { class: "lkn-rule" }, field.rule) : null)])))))
    : h("p", { class: "lk-empty" }, icon("arrow"), h("span", {}, state.empty)))));
}
export default { render };
