// A letter and what became of it: the envelope as it was spoken beside the header as it was written, station by station.
PATHS.envelope = "M2 4h12v8.5H2zM2.4 4.5L8 9l5.6-4.5";
PATHS.sheet = "M4 2h8v12H4zM6.5 5.5h3M6.5 8.5h3M6.5 11.5h3";
const MARKS = { envelope: ["envelope", "only in the envelope"], header: ["sheet", "only in the header"] };
const FIELDS = [["from", "From"], ["to", "To"], ["cc", "Cc"], ["bcc", "Bcc"], ["subject", "Subject"]];
const TONES = { 2: "check", 4: "clock", 5: "cross" };

function render({ model, el }) {
  const ui = mount(model, el, "letter");
  const facts = model.get("facts"), draft = model.get("draft");
  let state = { views: [], verdict: null, sending: false }, chosen = "", opened = null, childView = null;

  // ---- the form
  const inputs = {};
  for (const [name, label] of FIELDS) inputs[name] = h("input", { type: "text", value: draft[name], "aria-label": label, autocomplete: "off", spellcheck: "false" });
  inputs.text = h("textarea", { rows: "2", "aria-label": "Text" }); inputs.text.value = draft.text;
  const sendButton = h("button", { class: "lk-primary", onclick: send }, "Send");
  const verdict = h("div", { role: "status" });
  const form = h("div", { class: "lkl-form", role: "group", "aria-label": "Alice writes" },
    h("h4", {}, "Alice writes"), h("p", { class: "lk-muted" }, "Account: ", h("span", { class: "lk-wire" }, facts.sender)),
    h("div", { class: "lkl-fields" }, FIELDS.map(([name, label]) => [h("span", { "aria-hidden": "true" }, label), inputs[name]]), h("span", { "aria-hidden": "true" }, "Text"), inputs.text),
    h("div", { class: "lk-actions" }, sendButton), verdict);

  // ---- envelope and header
  const empty = h("p", { class: "lk-muted lkl-empty" }, "Nothing sent yet. Press Send: what was spoken and what was written appears here.");
  const stations = h("div", { class: "lkl-stations", role: "group", "aria-label": "Where to look" });
  const title = h("p", { class: "lkl-title" });
  const envelope = h("ol", { class: "lkl-lines" }), header = h("ol", { class: "lkl-lines" });
  const column = (shape, name, what, list) => h("div", { class: "lkl-column", role: "group", "aria-label": name },
    h("h4", {}, icon(shape), name), h("p", { class: "lk-muted" }, what), list);
  const spoken = column("envelope", "Envelope", "spoken, for servers", envelope), written = column("sheet", "Header", "written, for people", header);
  const columns = h("div", { class: "lkl-columns" }, spoken, written);
  const says = h("p", { class: "lkl-says" });
  const look = h("div", { class: "lkl-look", role: "group", "aria-label": "Envelope and header" }, empty, stations, title, columns, says);

  // ---- the session below, at the line that was picked
  const what = h("span", { class: "lkl-what" }), child = h("div", {});
  const below = h("div", { class: "lkl-below", role: "group", hidden: true, "aria-label": "The session you opened" },
    h("div", { class: "lkl-belowhead" }, what, h("button", { onclick: () => shut(true) }, icon("cross"), "Close")), child);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title), h("span", { class: "lk-route" }, facts.host + ":" + facts.port)),
    h("div", { class: "lkl-body" }, form, look), below), ui.live]);

  function send() {
    if (state.sending) return;
    const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    chosen = ""; shut(true);
    show({ ...state, sending: true });
    ui.send("send", values);
  }
  function shut(tell) {
    if (childView) { childView.remove(); childView = null; }
    child.replaceChildren(); below.hidden = true;
    if (!tell || !opened) return;
    const from = opened; opened = null;
    from.removeAttribute("aria-expanded");
    ui.send("shut");
    if (from.isConnected) from.focus();
  }
  function open(button, n) {
    if (opened) opened.removeAttribute("aria-expanded");
    opened = button; button.setAttribute("aria-expanded", "true");
    ui.send("open", { place: chosen, n });
  }
  ui.on("child", async (message) => {
    shut(false);
    what.textContent = message.says; below.hidden = false;
    childView = await drawChild(model, message.model, child);
    if (!childView) fill(child, h("p", {}, "This cannot be drawn now. Choose Run > Run All Cells."));
    ui.say(message.says);
    below.scrollIntoView({ block: "nearest" });
  });

  const mark = (kind) => (MARKS[kind] ? h("span", { class: "lkl-mark", data: { kind } }, icon(MARKS[kind][0]), MARKS[kind][1]) : null);
  // A line that was said in a session is a button that opens it there; what a host wrote itself is text.
  const row = (n, ...kids) => {
    const line = [h("span", { class: "lkl-n" }, n ? String(n) : ""), h("span", { class: "lkl-said" }, kids)];
    if (!n) return h("li", {}, h("div", { class: "lkl-line" }, line));
    const button = h("button", { class: "lkl-line", title: "Open the session at this line", onclick: () => open(button, n) }, line);
    return h("li", {}, button);
  };
  function draw() {
    const views = state.views, view = views.find((one) => one.id === chosen) || views[0];
    empty.hidden = Boolean(view); columns.hidden = stations.hidden = title.hidden = says.hidden = !view;
    if (!view) return;
    chosen = view.id;
    const focused = stations.contains(document.activeElement);
    fill(stations, views.map((one) => h("button", { "aria-pressed": String(one.id === chosen), onclick: () => { if (one.id !== chosen) { chosen = one.id; shut(true); draw(); ui.say(one.title); } } }, one.label)));
    if (focused) stations.querySelector("[aria-pressed=true]").focus();
    title.textContent = view.title + (view.same ? ". The same envelope." : "");
    spoken.hidden = !view.envelope.length;
    columns.toggleAttribute("data-one", spoken.hidden);
    fill(envelope, view.envelope.map((line) => row(line.n, h("span", { class: "lk-wire" }, line.text), " ", line.code ? codeChip(line.code) : null, " ", mark(line.mark))),
      view.more ? h("li", { class: "lk-muted" }, "and " + view.more.toLocaleString("en") + " more recipients") : null);
    fill(header, view.header.map((field) => row(field.n, h("span", { class: "lk-wire" }, h("b", {}, field.name + ": ")), field.parts.map(([text, kind]) => [h("span", { class: "lk-wire" }, text), kind ? [" ", mark(kind), " "] : null]))),
      view.others.length ? h("li", { class: "lk-muted lkl-others" }, "Also there: " + view.others.join(", ")) : null);
    fill(says, prose(view.says)); says.hidden = !view.says;
  }
  let shown = "", told = "";
  function show(next) {
    state = next;
    sendButton.setAttribute("aria-disabled", String(Boolean(state.sending)));
    sendButton.textContent = state.sending ? "Sending …" : "Send";
    const said = state.sending ? "" : JSON.stringify(state.verdict);
    if (said !== told) {
      told = said;
      fill(verdict, !state.sending && state.verdict ? [h("span", { class: "lk-chip", data: { kind: state.verdict.kind } }, icon(TONES[state.verdict.kind])), " ", state.verdict.text] : null);
      verdict.className = !state.sending && state.verdict ? "lkl-verdict" : "";
    }
    const now = JSON.stringify(state.views); // a picture that is read stays as it is
    if (now !== shown) { shown = now; draw(); }
    if (!state.sending) { model.set("saved", { views: state.views, verdict: state.verdict }); }
  }
  ui.on("state", show);
  ui.on("trouble", (message) => show({ ...state, sending: false, verdict: { kind: "5", text: message.text } }));
  const saved = model.get("saved");
  show(saved && saved.views ? { ...saved, sending: false } : state);
  draw();
  ui.send("hello");
  return () => { if (childView) childView.remove(); ui.close(); };
}
export default { render };
