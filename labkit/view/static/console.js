// One widget for every session: a console that is typed into, a session that is watched, a recorded one that is replayed.
const KINDS = { console: "Session", watch: "Watched session", replay: "Recorded session" };

function render({ model, el }) {
  const ui = mount(model, el, "console");
  const { root } = ui;
  const kind = model.get("kind");
  const facts = model.get("facts"); // {client, server, port, states, edges, allowed, complete, title}
  root.dataset.kind = kind;
  const prefix = "lk" + Math.random().toString(36).slice(2, 8) + "-";
  let sessions = [], shown = null, status = {}, history = [], recall = 0, queue = [], draft = "";
  const cache = new Map();     // "session/n" -> explanation
  const told = new Map();      // n -> what the line meant when it was said, while the session is gone through again
  let stepping = false;
  const key = (n) => shown + "/" + n;

  // ---- head
  const where = h("span", { class: "lks-where", "aria-live": "off" });
  const lockTag = h("span", {});
  const stepButton = (shape, text, act) => h("button", { "aria-label": text, title: text, onclick: act }, icon(shape));
  const jump = (to) => { const rows = rail.rows; if (rows.length) rail.select(to < 0 ? rows[0].n : rows[rows.length - 1].n); };
  const save = (form) => ui.send("export", { session: shown, form });
  const more = menu("More", [
    { text: "Show line ends (CR LF)", checked: () => root.hasAttribute("data-eol"), act: () => root.toggleAttribute("data-eol") },
    { text: "Large type, for a projector", checked: () => projector(), act: () => projector(!projector()) },
    { text: "Save this session as text", act: () => save("txt") },
    { text: "Save this session as JSON", act: () => save("json") }]);
  const head = h("div", { class: "lk-bar" },
    h("h3", {}, facts.title || KINDS[kind]),
    h("span", { class: "lk-route" }, facts.client + " → " + facts.server + ":" + facts.port), lockTag,
    h("span", { class: "lks-tools" },
      h("span", { class: "lks-steps", role: "group", "aria-label": "Step through the session" },
        stepButton("first", "First line", () => jump(-1)), stepButton("back", "Back one line", () => rail.step(-1)), where,
        stepButton("next", "Forward one line", () => rail.step(1)), stepButton("last", "Last line", () => jump(1))),
      more));
  const tabs = h("div", { class: "lks-tabs", role: "tablist", "aria-label": "Sessions" });

  // ---- middle
  const strip = stateStrip(facts.states, facts.edges);
  const allowed = h("div", { class: "lks-allowed" });
  const why = whyPanel();
  const rail = ladder({ prefix, onSelect: selected, empty: () => h("div", { class: "lks-empty" }, emptyText()) });
  fill(rail.heads, h("span", { class: "lks-c" }, h("b", {}, "client "), facts.client), h("span", { class: "lks-s" }, h("b", {}, "server "), facts.server));

  // ---- composer
  const input = h("input", { type: "text", "aria-label": "A line to send to the server", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "70000" });
  const ghost = h("div", { class: "lks-ghost", "aria-hidden": "true" });
  const prompt = h("span", { class: "lks-prompt", "aria-hidden": "true" }, "C:");
  const tip = h("span", { class: "lks-tip" });
  const sendButton = h("button", { class: "lk-primary", onclick: () => submit() }, "Send ⏎");
  const over = h("button", { class: "lk-danger", title: "Close this connection and open a new one. The lines so far stay in their own tab.", onclick: () => open(true) }, "Start over");
  const openButton = h("button", { class: "lk-primary", onclick: () => open(false) }, "Connect to " + facts.server + ", port " + facts.port);
  const form = h("div", { class: "lks-form" }, prompt, h("div", { class: "lks-entry" }, ghost, input), sendButton);
  const againButton = h("button", { title: "Go through this session again, line by line", onclick: () => stepThrough(true) }, "Step through");
  const wholeButton = h("button", { onclick: () => stepThrough(false) }, "Show the whole session");
  const nextButton = h("button", { class: "lk-primary", onclick: () => (rail.selected < lastLine() ? rail.step(1) : jump(-1)) }, "Next line");
  const opener = h("div", { class: "lk-actions", style: "margin:0" }, nextButton, openButton, againButton, wholeButton);
  const composer = h("div", { class: "lks-composer" }, opener, form, tip, over);
  const steps = h("ol", { class: "lks-script", "aria-label": "Lines to type" });
  const sayLine = h("div", { class: "lks-sayline", role: "status" });

  add(root, [h("div", { class: "lk-card" }, ui.life, head, tabs,
    h("div", { class: "lks-strip" }, strip.node, allowed),
    h("div", { class: "lks-main" }, rail.box, why.node),
    steps, composer, sayLine), ui.live]);

  const lastLine = () => (rail.rows.length ? rail.rows[rail.rows.length - 1].n : 0);
  const replaying = () => stepping || kind === "replay";
  function emptyText() {
    if (kind === "watch") return "No session yet. As soon as a program connects to this server, its lines appear here by themselves.";
    return "No line yet. Connect, and see who speaks first.";
  }
  function say(text, trouble) { if (sayLine.textContent !== (text || "")) sayLine.textContent = text || ""; sayLine.dataset.kind = trouble ? "trouble" : ""; }
  const own = () => { const session = sessions.find((entry) => entry.id === shown); return !session || session.own; };

  // ---- what is selected
  function selected(n) {
    const row = rail.row(n);
    const last = lastLine();
    where.textContent = "line " + n + " of " + last;
    nextButton.textContent = n < last ? "Next line" : "From the start";
    if (!row) return;
    strip.show(row.at);
    showAllowed(row);
    fillChanged(lockTag, row.enc ? "tls" : "clear", () => h("span", { class: "lk-tag", data: { kind: row.enc ? "tls" : "clear" } }, icon(row.enc ? "lock" : "open"), row.enc ? "encrypted" : "clear text"));
    const waits = stepping && !told.size && ui.alive();
    const known = (stepping && told.get(n)) || (waits ? null : cache.get(key(n)));
    why.show(row, known, !stepping && n === rail.newest().n);
    if (!known && !waits && ui.alive()) ui.send("explain", { session: shown, n });
  }
  function stepThrough(on) {
    stepping = on; told.clear();
    root.toggleAttribute("data-stepping", on);
    if (on) ui.send("steps", { session: shown });
    rail.veil(on);
    rail.select(on ? rail.rows[0].n : rail.newest().n);
    showStatus();
    (on ? rail.list : againButton).focus({ preventScroll: true });
  }
  function showAllowed(row) {
    const lines = (facts.complete || {})[row.after] || [];
    const put = (verb) => { input.value = (lines.find((line) => line.startsWith(verb)) || verb).startsWith(verb + " FROM:") ? verb + " FROM:" : verb === "RCPT" ? "RCPT TO:" : verb; typed(); input.focus(); };
    const lead = row.n === rail.newest().n ? "The server will now take" : "After line " + row.n + " the server took";
    fillChanged(allowed, [lead, row.after, ...row.allowed].join(" "), () => (row.allowed.length
      ? [lead, row.allowed.map((verb) => (kind === "console"
        ? h("button", { title: "Put this into the line to send", onclick: () => put(verb) }, verb)
        : h("span", { class: "lk-kbd" }, verb))), h("span", { class: "lks-else" }, "anything else is answered too, mostly with a refusal")]
      : [row.after === "message" ? "Now every line is message text, until a line with a dot alone." : row.after === "closed" ? "The session is over." : "The server has the word."]));
  }
  function explained(session, n, explanation) {
    cache.set(session + "/" + n, explanation);
    if (cache.size > 3000) cache.delete(cache.keys().next().value);
    if (session === shown && n === rail.selected && !told.has(n)) why.show(rail.row(n), explanation, !stepping && n === rail.newest().n);
  }

  // ---- composer
  const state = () => (rail.rows.length ? rail.rows[rail.rows.length - 1].after : "connected");
  function suggestion() {
    const text = input.value;
    if (!facts.complete || !text || !own()) return "";
    const line = (facts.complete[state()] || []).find((entry) => entry.toLowerCase().startsWith(text.toLowerCase()));
    return line && line.length > text.length ? line.slice(text.length) : "";
  }
  function typed() { const rest = suggestion(); fill(ghost, rest ? [h("i", {}, input.value), rest] : []); if (rest) ghost.scrollLeft = input.scrollLeft; }
  function submit() {
    if (!status.open) return; // while an answer is awaited, further lines queue up behind it in the lab
    const line = input.value, text = state() === "message";
    if (!line && !text) { say("Nothing typed yet. The row above shows what the server takes now."); return; }
    if (shown !== status.session) pick(status.session);
    ui.send("line", { line });
    if (rail.rows.length && rail.selected !== rail.newest().n) rail.select(rail.newest().n);
    if (line && history[history.length - 1] !== line) history.push(line);
    recall = history.length; draft = "";
    input.value = queue.length ? queue.shift() : "";
    say(queue.length || input.value ? (input.value ? 1 + queue.length : queue.length) + " more lines from your paste. Enter sends the next one." : "");
    typed();
  }
  input.addEventListener("input", typed);
  input.addEventListener("scroll", () => { ghost.scrollLeft = input.scrollLeft; });
  input.addEventListener("keydown", (event) => {
    const end = input.selectionStart === input.value.length && input.selectionEnd === input.value.length;
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); event.stopPropagation(); submit(); }
    else if ((event.key === "ArrowRight" || event.key === "End") && end && suggestion() && !event.shiftKey) { event.preventDefault(); input.value += suggestion(); typed(); }
    else if (event.key === "ArrowUp" && history.length) { event.preventDefault(); if (recall === history.length) draft = input.value; recall = Math.max(0, recall - 1); input.value = history[recall]; typed(); }
    else if (event.key === "ArrowDown" && recall < history.length) { event.preventDefault(); recall += 1; input.value = recall === history.length ? draft : history[recall]; typed(); }
    else if (event.key === "Escape" && input.value) { event.preventDefault(); event.stopPropagation(); input.value = ""; queue = []; typed(); }
  });
  input.addEventListener("paste", (event) => {
    const { lines: all, told: left, plain } = pastedLines(event);
    if (plain) return;
    const lines = all.slice(0, 500);
    event.preventDefault();
    const rest = input.value.slice(input.selectionEnd);
    input.setRangeText(lines.shift() || "", input.selectionStart, lines.length ? input.value.length : input.selectionEnd, "end");
    if (lines.length) lines[lines.length - 1] += rest;
    queue = lines;
    say([queue.length ? queue.length + 1 + " lines pasted. Enter sends them one by one, so that each reply can be read." : "",
      ...left].filter(Boolean).join(" "));
    typed();
  });
  function open(again) { queue = []; say(again ? "" : "Connecting …"); ui.send("open", { again }); }
  function showSteps() { // the lines that the lesson asks for, ticked off as they are sent in this session
    const sent = rail.rows.filter((row) => row.s === "C" && row.role !== "closed").map((row) => row.t.toLowerCase().trim());
    let from = 0;
    const lines = facts.steps || [];
    const done = lines.map((line) => { const at = sent.indexOf(line.toLowerCase().trim(), from); if (at >= 0) from = at + 1; return at >= 0; });
    fillChanged(steps, done.join(), () => lines.map((line, index) => h("li", { data: done[index] ? { done: "" } : {} },
      done[index] ? icon("check") : null, h("span", { class: "lk-wire" }, line || "(empty line)"), done[index] ? h("span", { class: "lk-sr" }, " sent") : null)));
  }
  function showStatus(next) {
    if (next) status = next;
    composer.style.display = kind === "watch" || (kind === "replay" && !rail.rows.length) ? "none" : "";
    showSteps();
    const before = document.activeElement;
    form.style.display = status.open ? "" : "none";
    over.style.display = status.open ? "" : "none";
    opener.style.display = status.open ? "none" : "";
    const is = (node, there) => { node.style.display = there ? "" : "none"; };
    is(nextButton, replaying()); is(wholeButton, stepping);
    is(openButton, !replaying()); is(againButton, !replaying() && rail.rows.length > 1);
    openButton.textContent = status.started ? "Connect again" : "Connect to " + facts.server + ", port " + facts.port;
    openButton.disabled = false;
    const text = status.open && state() === "message";
    prompt.textContent = text ? "text:" : "C:";
    input.setAttribute("aria-label", text ? "A line of the message text" : "A line to send to the server");
    input.placeholder = text ? "message text; a dot alone ends it" : status.started && rail.rows.length < 2 ? "type EHLO and a name, then Enter" : "";
    fillChanged(tip, replaying() ? "replay" : String(status.open && (text ? "text" : "command")), () => (replaying() ? [h("span", { class: "lk-kbd" }, "Space"), " shows the next line, ", h("span", { class: "lk-kbd" }, "↑"), " goes back"] : status.open ? (text ? [h("span", { class: "lk-kbd" }, "."), " alone ends the message"] : [h("span", { class: "lk-kbd" }, "→"), " completes · ", h("span", { class: "lk-kbd" }, "↑"), " recalls"]) : []));
    // The control that had the focus may just have gone: hand the focus to the one that took its place, never elsewhere.
    if (status.open && (before === openButton || before === over)) { input.focus({ preventScroll: true }); composer.scrollIntoView({ block: "nearest" }); }
    // (Not to Connect: one Enter too many after QUIT would open a new session.)
    if (!status.open && (before === input || before === sendButton || before === over)) rail.list.focus({ preventScroll: true });
  }

  // ---- sessions
  function showTabs() {
    if (sessions.length < 2) { fill(tabs); return; }
    fill(tabs, sessions.map((session) => h("button", { role: "tab", "aria-selected": String(session.id === shown), tabindex: session.id === shown ? "0" : "-1", title: session.label,
      onclick: () => pick(session.id),
      onkeydown: (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const index = (sessions.findIndex((entry) => entry.id === shown) + by + sessions.length) % sessions.length;
        pick(sessions[index].id);
        tabs.children[index].focus();
      } }, session.fresh ? h("span", { class: "lks-new" }, "new · ") : null, session.label)));
  }
  function pick(id) { if (id !== shown) ui.send("show", { session: id }); }
  const keep = later(() => { // what a saved notebook shows when its kernel is gone; set on this side only, so it costs no message
    if (rail.rows.length > 400) return;
    const explanations = {};
    for (const row of kind === "replay" ? rail.rows : rail.rows.slice(-60)) { const known = cache.get(key(row.n)); if (known) explanations[row.n] = known; }
    model.set("saved", { sessions, shown, rows: rail.rows.slice(), explanations, status: { ...status, open: false } });
  });
  function snapshot(data) {
    sessions = data.sessions; shown = data.shown;
    stepping = false; root.removeAttribute("data-stepping"); rail.veil(kind === "replay");
    for (const [n, explanation] of Object.entries(data.explanations || {})) cache.set(shown + "/" + n, explanation);
    rail.reset(data.rows);
    root.toggleAttribute("data-empty", !data.rows.length);
    history = data.history || history; recall = history.length;
    showStatus(data.status);
    showTabs();
    if (rail.rows.length) { rail.select(data.at || (kind === "replay" ? rail.rows[0].n : rail.newest().n), true); selected(rail.selected); }
    else { strip.show(""); fillChanged(allowed, "", () => (kind === "console" ? ["Not connected yet."] : [])); fillChanged(lockTag, "", () => []); why.intro(h("p", { class: "lk-muted" }, "Here each line is explained: what it is, what it did, and by which rule.")); }
    keep();
  }
  ui.on("snapshot", snapshot);
  ui.on("rows", (message) => {
    if (message.status) status = message.status;
    if (message.session === shown) {
      for (const [n, explanation] of Object.entries(message.explanations || {})) cache.set(shown + "/" + n, explanation);
      const followed = rail.update(message.rows);
      root.removeAttribute("data-empty");
      if (followed) selected(rail.selected);
      else where.textContent = "line " + rail.selected + " of " + lastLine();
      announce(message.rows);
      keep();
    } else { const session = sessions.find((entry) => entry.id === message.session); if (session && !session.fresh) { session.fresh = true; showTabs(); } }
    showStatus();
  });
  function announce(rows) {
    const lines = rows.filter((row) => row.s === "S" && row.role !== "closed");
    if (!lines.length) return;
    const last = lines[lines.length - 1];
    ui.say(lines.length > 12 ? lines.length + " new lines from the server. The last: " + rowLabel(last) : lines.map(rowLabel).join(". "));
  }
  ui.on("sessions", (message) => { sessions = message.sessions; showTabs(); if (message.say) { say(message.say); ui.say(message.say); } });
  ui.on("steps", (message) => {
    if (!stepping || message.session !== shown) return;
    for (const [n, explanation] of Object.entries(message.explanations)) told.set(Number(n), explanation);
    selected(rail.selected);
  });
  ui.on("explained", (message) => explained(message.session, message.n, message.explanation));
  ui.on("status", (message) => { showStatus(message.status); if (message.say !== undefined) say(message.say, message.trouble); });
  ui.on("trouble", (message) => say(message.text, true));
  ui.on("file", (message) => {
    const link = h("a", { href: URL.createObjectURL(new Blob([message.text], { type: message.type })), download: message.name, style: "display:none" });
    root.append(link); link.click(); setTimeout(() => { URL.revokeObjectURL(link.href); link.remove(); }, 1000);
    say("Saved as " + message.name + " in your browser's download folder.");
  });

  const saved = model.get("saved");
  snapshot(saved && saved.rows ? saved : { sessions: [], shown: null, rows: [], status: {} });
  typed();
  ui.send("hello");
  return () => { strip.close(); ui.close(); };
}
export default { render };
