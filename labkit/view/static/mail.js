// Alice's mail program: one form, one button, and what the button does, line by line.
const ARRIVES = 2700; // milliseconds that the map takes to show the way from Alice to Bob
function render({ model, el }) {
  const ui = mount(model, el, "mail");
  const facts = model.get("facts");
  const draft = model.get("draft");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let playing = 0;

  const to = h("input", { type: "text", value: draft.to, autocomplete: "off", spellcheck: "false" });
  const subject = h("input", { type: "text", class: "lkm-words", value: draft.subject, autocomplete: "off" });
  const text = h("textarea", { rows: "3" }); text.value = draft.text;
  const sendButton = h("button", { class: "lk-primary", onclick: () => send() }, "Send");
  const talk = h("ol", { class: "lkm-talk", tabindex: "0", "aria-label": "The conversation, line by line" });
  const verdict = h("div", { role: "status" });
  const boxes = h("div", {}), inbox = h("div", {});
  const place = (shape, title, role, ...kids) => h("div", { class: "lk-place lkm-place", role: "group", "aria-label": title },
    h("div", { class: "lkm-placehead" }, icon(shape), h("div", {}, h("h4", {}, title), h("div", { class: "lkm-role" }, role))), kids);
  const form = h("div", {},
    h("div", {}, h("span", { class: "lk-muted" }, "From "), h("span", { class: "lkm-from" }, facts.sender)),
    h("label", {}, "To", to), h("label", {}, "Subject", subject), h("label", {}, "Text", text),
    h("div", { class: "lk-actions" }, sendButton), facts.talk ? null : verdict);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, "From Send to Inbox"), h("span", { class: "lk-route" }, facts.client + " → " + facts.server + ":" + facts.port)),
    h("div", { class: "lkm-places", data: facts.talk ? {} : { quiet: "" } },
      place("pencil", "Alice writes", facts.talk ? facts.client : "to " + facts.server + ", port " + facts.port, form),
      facts.talk ? place("arrow", "The conversation", "her program and " + facts.server, talk, verdict) : null,
      facts.inbox ? place("flag", "Alice reads", facts.inbox, inbox) : null,
      place("check", "Bob reads", facts.mailbox, boxes))), ui.live]);

  function send() {
    if (sendButton.disabled) return;
    model.set("draft", { to: to.value, subject: subject.value, text: text.value });
    ui.send("send", { to: to.value, subject: subject.value, text: text.value });
  }
  function line(row, deciding) {
    return h("li", { data: { s: row.s, n: row.n, ...(deciding ? { deciding: "" } : {}) } }, h("span", {}, String(row.n)), h("span", {}, row.s),
      h("span", {}, row.code ? [codeChip(row.code, row.cont), " "] : null, h("span", { class: "lk-wire" }, row.t)));
  }
  function show(state, animate) {
    const turn = ++playing;
    sendButton.disabled = Boolean(state.sending);
    sendButton.textContent = state.sending ? "Sending …" : "Send";
    fill(talk); fill(verdict);
    if (!state.rows.length && !state.verdict) add(talk, [h("li", { style: "display:block" }, h("span", { class: "lk-muted", style: "font:inherit;text-align:left" }, "Nothing said yet. Press Send."))]);
    const finish = () => {
      if (state.verdict) {
        verdict.className = "lkm-verdict"; verdict.dataset.kind = state.verdict.kind;
        fill(verdict, h("strong", {}, prose(state.verdict.title)), " ", prose(state.verdict.text));
      } else verdict.className = "";
      if (animate && !facts.talk) arrive(state); else letters(state, animate);
      requestAnimationFrame(reveal);
    };
    if (!animate || calm || !facts.talk) { add(talk, state.rows.map((row) => line(row, state.verdict && row.n === state.verdict.line))); finish(); return; }
    let index = 0; // the real session took a few milliseconds; here it is shown at reading speed
    const tick = () => {
      if (turn !== playing) return;
      if (index >= state.rows.length) { finish(); return; }
      const row = state.rows[index++];
      talk.append(line(row, state.verdict && row.n === state.verdict.line));
      talk.scrollTop = talk.scrollHeight;
      setTimeout(tick, 70);
    };
    letters({ ...state, mailbox: state.mailbox.slice(0, -1 * (state.verdict && state.verdict.kind === "2" ? 1 : 0) || undefined) }, false);
    tick();
  }
  const opened = new Set(), sources = new Set(); // by box and number of the message, so that the next one changes nothing about it
  const shown = { mailbox: -1, inbox: -1 };
  function letters(state, fresh) {
    mailbox(boxes, "mailbox", state.mailbox || [], fresh);
    if (facts.inbox) mailbox(inbox, "inbox", state.inbox || [], fresh);
  }
  function mailbox(boxes, name, messages, fresh) {
    const newest = messages.length ? messages[messages.length - 1].n : 0;
    fresh = fresh && newest !== shown[name];
    shown[name] = newest;
    const letter = (entry, index) => {
      const message = { ...entry, n: name + entry.n };
      const text = h("div", { class: "lkm-text" }, message.text), source = h("pre", { tabindex: "0", "aria-label": "Source of the message" }, message.raw);
      const show = (on) => { text.hidden = on; source.hidden = !on; flip.setAttribute("aria-pressed", String(on)); sources[on ? "add" : "delete"](message.n); };
      const flip = h("button", { onclick: () => show(!sources.has(message.n)) }, "Show source");
      show(sources.has(message.n));
      return h("details", { class: "lkm-box", open: opened.has(message.n), data: fresh && index === messages.length - 1 ? { fresh: "" } : {},
        ontoggle: (event) => opened[event.target.open ? "add" : "delete"](message.n) },
      h("summary", {}, h("strong", {}, message.subject || "(no subject)"), h("div", { class: "lk-muted" }, message.sender)), text, source, flip);
    };
    fill(boxes, messages.length ? messages.map(letter) : h("p", { class: "lk-muted" }, "The mailbox is empty."));
  }
  const reveal = () => { // the line that decided, in the middle of what is seen of the conversation
    const at = talk.querySelector("[data-deciding]");
    if (at) talk.scrollTop = at.offsetTop - talk.offsetTop - (talk.clientHeight - at.offsetHeight) / 2;
  };
  // A message that arrives over other servers comes when the map beside has shown its way.
  let coming = 0;
  function arrive(state) {
    const news = ["mailbox", "inbox"].some((name) => state[name] && state[name].length && state[name][state[name].length - 1].n !== shown[name]);
    if (!news) return;
    clearTimeout(coming);
    coming = setTimeout(() => { letters(state, true); keep(state); }, calm || facts.talk ? 0 : ARRIVES);
  }
  ui.on("boxes", arrive);
  const keep = (state) => model.set("saved", { ...model.get("saved"), ...(state.mailbox ? { mailbox: state.mailbox } : {}), ...(state.inbox ? { inbox: state.inbox } : {}) });
  ui.on("state", (message) => { show(message.state, message.animate); if (message.state.verdict && message.animate) ui.say(message.state.verdict.title + " " + message.state.verdict.text); model.set("saved", message.state); });
  ui.on("trouble", (message) => { sendButton.disabled = false; sendButton.textContent = "Send"; verdict.className = "lkm-verdict"; verdict.dataset.kind = "5"; fill(verdict, prose(message.text)); });
  const saved = model.get("saved");
  show(saved && saved.rows ? { ...saved, sending: false } : { rows: [], mailbox: [], verdict: null }, false);
  ui.send("hello");
  return () => { clearTimeout(coming); ui.close(); };
}
export default { render };
