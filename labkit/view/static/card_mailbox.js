// The learner's own mailbox: what was delivered, line by line, the newest message first and open.
function render({ model, el }) {
  const m = mount(model, el, "mailbox");
  const first = model.get("state");
  const view = frame(m, { label: "Bob reads", shape: "info", title: first.address, className: "lk-mailbox" });
  const list = region(view.body);
  return follow(model, m, (state) => {
    fill(view.status, state.messages.length ? tag("info", times(state.messages.length, "message"), "info") : null);
    list(state.messages, () => (state.messages.length ? state.messages.map((one, index) => h("details", { class: "lk-mail", open: index === 0 },
      h("summary", { data: { key: "mail" + one.n } }, "Message " + one.n, index === 0 && state.messages.length > 1 ? ", the newest" : ""),
      logList("Message " + one.n, one.lines.map((line) => h("li", { class: "lk-row lk-mail-line" }, h("span", { class: "lk-wire", dir: "ltr" }, line || "\u00a0"))))))
      : h("p", { class: "lk-empty" }, icon("arrow"), h("span", {}, state.empty))));
  });
}
export default { render };
