// Shared by every widget of the lab (prepended to each widget's own script).
// Text goes into the page as text only: there is no innerHTML here, because most of it came from the wire or the learner.
const SVG = "http://www.w3.org/2000/svg";
const FOCUSABLE = new Set(["button", "input", "select", "textarea", "summary", "a"]);

function h(tag, props, ...kids) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "value" || key === "checked" || key === "disabled") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  // JupyterLab's one-key shortcuts (b, dd, arrows) stay away only from elements that carry this themselves.
  if (FOCUSABLE.has(tag) || (props && props.tabindex !== undefined)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  if (tag === "button" && !(props && props.type)) node.type = "button";
  add(node, kids);
  return node;
}
function add(node, kids) {
  for (const kid of kids.flat(Infinity)) if (kid !== null && kid !== undefined && kid !== false) node.append(kid);
  return node;
}
function fill(node, ...kids) { node.replaceChildren(); return add(node, kids); }

const PATHS = {
  check: "M3 8.5l3.4 3.4L13 4.8", cross: "M4 4l8 8M12 4l-8 8", arrow: "M2.5 8h10M9 4.5L12.5 8 9 11.5",
  clock: "M8 1.8a6.2 6.2 0 1 0 .01 0M8 4.6V8l2.6 1.7", open: "M3 7.5h10v6.5H3zM5.2 7.5V4.8a2.8 2.8 0 0 1 5.4-1",
  lock: "M3 7.5h10v6.5H3zM5.2 7.5V5a2.8 2.8 0 0 1 5.6 0v2.5", flag: "M4 14.5V2h7.5l-1.8 3 1.8 3H4",
  pencil: "M3 13l.7-3 7-7 2.3 2.3-7 7zM9.3 4.4l2.3 2.3", info: "M8 1.8a6.2 6.2 0 1 0 .01 0M8 7.2v4.2M8 4.6v.1",
  first: "M3.5 3v10M12.5 3L6 8l6.5 5z", last: "M12.5 3v10M3.5 3L10 8l-6.5 5z", back: "M11 3L4.5 8l6.5 5z", next: "M5 3l6.5 5L5 13z",
  up: "M8 13V3.5M4 7.2L8 3l4 4.2", down: "M8 3v9.5M4 8.8L8 13l4-4.2", question: "M5.6 6a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.9-1.1 1.7M8 12.4v.1",
};
function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16"); svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.info);
  path.setAttribute("fill", ["first", "last", "back", "next"].includes(name) ? "currentColor" : "none");
  path.setAttribute("stroke", "currentColor"); path.setAttribute("stroke-width", "2");
  path.setAttribute("stroke-linecap", "round"); path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}
const SEVERITY = { 2: ["check", "done"], 3: ["arrow", "go on"], 4: ["clock", "try later"], 5: ["cross", "fix it"] };
function codeChip(code, continued) {
  const kind = String(code)[0];
  const [shape, word] = SEVERITY[kind] || ["question", "unknown"];
  return h("span", { class: "lk-chip", data: { kind }, title: word }, icon(shape), String(code) + (continued ? "-" : ""));
}
const OUTCOMES = { correct: ["check", "Correct"], incorrect: ["cross", "Not yet"], not_attempted: ["clock", "Not tried yet"], error: ["cross", "That did not run"] };

// *bold*-free, tiny inline markup for our own prose: `code` only. Everything else is plain text.
function prose(text) {
  return String(text).split(/(`[^`]+`)/).filter(Boolean)
    .map((part) => (part.length > 2 && part[0] === "`" && part.endsWith("`") ? h("code", {}, part.slice(1, -1)) : part));
}
// What was pasted, as lines to say. A session as it is written down (`C:` and `S:` lines): what the server said is not said to it.
function pastedLines(event) {
  const pasted = (event.clipboardData || { getData: () => "" }).getData("text");
  const all = pasted.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
  const mine = all.filter((line) => !/^S: ?\d{3}([ -]|$)|^\((server|client) closed the connection\)$/.test(line));
  const lines = mine.map((line) => line.replace(/^C: ?/, "")), dropped = all.length - mine.length;
  const told = [dropped ? (dropped === 1 ? "One line" : dropped + " lines") + " of the server left out." : "",
    mine.some((line) => line.startsWith("C:")) ? "The C: in front is not sent." : ""];
  return { lines, told, plain: all.length === 1 && lines[0] === pasted };
}
function paragraphs(text) { return String(text).split(/\n\s*\n/).map((part) => h("p", {}, prose(part.trim()))); }

function feedbackCard(feedback) {
  // `parts` ([label, text] each) and `heading` come ready from Feedback.to_dict(); single fields serve as well.
  const [shape, named] = OUTCOMES[feedback.outcome] || OUTCOMES.error;
  const word = feedback.heading || named;
  const rows = feedback.parts || [["You were asked", feedback.asked], ["What happened", feedback.happened],
    ["The rule", feedback.rule && (feedback.rule.text ? feedback.rule.text + " (" + feedback.rule.ref + ")" : feedback.rule.ref)], ["Where to look", feedback.look]].filter((row) => row[1]);
  return h("div", { class: "lk-feedback", data: { kind: feedback.outcome } },
    h("span", { class: "lk-chip", data: { kind: feedback.outcome } }, icon(shape), word), " ", h("strong", {}, prose(feedback.message)),
    rows.length ? h("dl", {}, rows.map(([name, text]) => [h("dt", {}, name), h("dd", {}, typeof text === "string" ? prose(text) : text)])) : null);
}

// A button with actions behind it: arrows move, Enter or Space acts, Esc closes and gives the focus back, Tab goes on.
function menu(label, entries) { // entries: {text, act, checked() for one that is on or off}
  const items = entries.map(({ text, act, checked }) => h("button", { role: checked ? "menuitemcheckbox" : "menuitem", tabindex: "-1", onclick: () => { act(); open(false); button.focus(); } },
    h("span", { class: "lk-menumark" }), text));
  const button = h("button", { "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": label, title: label, onclick: () => open(list.hidden) }, "⋯");
  const list = h("div", { class: "lk-menulist", role: "menu", "aria-label": label, hidden: true }, items);
  function open(on) {
    list.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    entries.forEach(({ checked }, index) => { if (checked) { items[index].setAttribute("aria-checked", String(checked())); fill(items[index].firstChild, checked() ? icon("check") : null); } });
    items[0].focus();
  }
  const box = h("span", { class: "lk-menu" }, button, list);
  box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) open(false); });
  box.addEventListener("keydown", (event) => {
    const at = items.indexOf(event.target), last = items.length - 1;
    const to = { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, Home: 0, End: last }[event.key];
    if (event.key === "Tab") open(false);
    else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); open(false); button.focus(); }
    else if (to !== undefined) { event.preventDefault(); event.stopPropagation(); if (list.hidden) open(true); items[to].focus(); }
  });
  return box;
}

function projector(on) {
  if (on !== undefined) {
    document.documentElement.toggleAttribute("data-lk-projector", on);
    try { localStorage.setItem("labkit-projector", on ? "1" : ""); } catch { /* private window: lasts for this page */ }
  }
  return document.documentElement.hasAttribute("data-lk-projector");
}
try { if (localStorage.getItem("labkit-projector")) projector(true); } catch { /* no storage: default size */ }

// A widget gets no event when its kernel restarts or dies, so it asks for itself. Every message to Python carries an id and is
// acknowledged at once; a missing acknowledgement is looked into: is the kernel busy with a cell, or is it gone?
const LIFE = {
  busy: "The kernel is still working on a cell. This answers as soon as that is done; the square stop button above interrupts it.",
  gone: "The kernel behind this picture was restarted or has ended. Choose Run > Run All Cells in the menu: that brings every picture back and sends nothing. Your progress is kept.",
  silent: "No answer from the kernel yet. If a cell is running, wait for it. If the kernel was restarted, choose Run > Run All Cells in the menu.",
};
function mount(model, el, name) {
  const live = h("div", { class: "lk-sr", "aria-live": "polite", role: "status" });
  const lifeText = h("span", {});
  const life = h("div", { class: "lk-life", role: "status" }, icon("clock"), lifeText);
  const root = h("div", { class: "lk lk-" + name, data: { life: "live" } });
  el.replaceChildren(root);
  const view = Math.random().toString(36).slice(2); // the same widget may stand in two places: what one of them asks for is not the other's
  let nextId = 1, timer = 0, visible = true, closed = false;
  const pending = new Map();
  const handlers = {};
  const setLife = (state) => { if (root.dataset.life !== state) { root.dataset.life = state; lifeText.textContent = LIFE[state] || ""; } };
  const kernelStatus = () => { try { const kernel = model.widget_manager.kernel; return kernel ? kernel.status : "none"; } catch { return "unknown"; } };
  const missed = (id) => {
    if (!pending.has(id) || closed) return;
    const status = kernelStatus();
    if (status === "busy" || status === "starting") {
      setLife("busy"); pending.set(id, setTimeout(() => missed(id), 1000));
    } else {
      pending.delete(id);
      setLife(status === "unknown" ? "silent" : "gone");
    }
  };
  const send = (op, payload) => {
    const id = nextId++;
    pending.set(id, setTimeout(() => missed(id), 1500));
    // While a kernel dies or restarts this throws; the missing acknowledgement is looked into like any other.
    try { model.send({ op, id, view, ...(payload || {}) }); } catch (error) { console.warn("labkit: not sent: " + error.message); }
  };
  const noted = (id) => { clearTimeout(pending.get(id)); pending.delete(id); setLife("live"); };
  const receive = (message) => {
    for (const [asked, id] of message.acks || []) if (asked === view) noted(id);
    if (message.op === "together") { message.messages.forEach(receive); return; }
    if (message.view && message.view !== view) return;
    if (message.op === "ack") { noted(message.id); return; }
    if (handlers[message.op]) handlers[message.op](message);
  };
  model.on("msg:custom", receive);
  const beat = () => { if (visible && !document.hidden && pending.size === 0) send("ping"); };
  // Who scrolls to a card sees at once what happened elsewhere since, not only at the next beat.
  const watch = new IntersectionObserver((entries) => { const before = visible; visible = entries[entries.length - 1].isIntersecting; if (visible && !before) beat(); });
  watch.observe(root);
  timer = setInterval(beat, 5000);
  const wake = () => { if (!document.hidden) beat(); };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("focus", wake);
  return {
    root, life, live, send, on: (op, fn) => { handlers[op] = fn; },
    say: (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 30); },
    alive: () => root.dataset.life === "live",
    close: () => { closed = true; clearInterval(timer); watch.disconnect(); model.off("msg:custom", receive);
      document.removeEventListener("visibilitychange", wake); window.removeEventListener("focus", wake);
      for (const handle of pending.values()) clearTimeout(handle); },
  };
}
