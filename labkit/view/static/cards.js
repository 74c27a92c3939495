// Shared by the learner's cards: the frame, marks, lines from the wire, option rows, feedback, and redrawing without losing the focus.
Object.assign(PATHS, { same: "M3 6h10M3 10.2h10", differs: "M3 6h10M3 10.2h10M10.6 2.6L5.4 13.6" });
// Every widget loads its own copy of this script into the same page: ids and names of radio groups must differ between copies.
const COPY = Math.random().toString(36).slice(2, 9);
let cardIds = 0;
function uid(word) { cardIds += 1; return "lk-" + word + "-" + COPY + "-" + cardIds; }
function times(count, one, many) { return count + " " + (count === 1 ? one : many || one + "s"); }

// Redraws only what changed, and gives the focus back to the control that had it: by its data-key, or to the region's
// [data-fallback], so that a keyboard never falls out of the card when the button it pressed is gone.
function region(host, className) {
  const node = h("div", { class: "lk-region" + (className ? " " + className : "") });
  host.append(node);
  let last;
  return (data, build) => {
    const now = JSON.stringify(data);
    if (now === last) return;
    last = now;
    const had = node.contains(document.activeElement) ? document.activeElement : null;
    const key = had && had.dataset.key;
    const cursor = had && had.type === "text" ? [had.selectionStart, had.selectionEnd] : null;
    fill(node, build(data));
    // What the learner's own click brought is brought into sight; nothing moves for who is elsewhere on the page.
    const fresh = node.querySelector(".lk-feedback"), widget = node.closest(".lk");
    if (fresh && widget && widget.contains(document.activeElement)) fresh.scrollIntoView({ block: "nearest" });
    if (!had) return;
    const again = key ? [...node.querySelectorAll("[data-key]")].find((item) => item.dataset.key === key) : null;
    if (again) { again.focus({ preventScroll: true }); if (cursor && again.setSelectionRange) again.setSelectionRange(...cursor); return; }
    const card = node.closest(".lk-question, .lk-card");
    const fallback = node.querySelector("[data-fallback]") || (card && (card.querySelector("[data-fallback]") || card.querySelector(".lk-title")));
    if (fallback) fallback.focus({ preventScroll: true });
  };
}

function frame(m, { label, shape, title, level, className }) {
  const id = uid("title");
  const labelNode = h("span", { class: "lk-label" }, icon(shape), h("span", {}, label));
  const titleNode = h(level || "h3", { id, class: "lk-title", tabindex: "-1" }, title ? prose(title) : null);
  const status = h("span", { class: "lk-status" });
  const body = h("div", { class: "lk-body" });
  const card = h("div", { class: "lk-card " + (className || ""), role: "group", "aria-labelledby": id },
    h("div", { class: "lk-bar lk-head" }, labelNode, status), m.life, h("div", { class: "lk-headline" }, titleNode), body, m.live);
  m.root.append(card);
  return { card, body, status, title: titleNode, label: (text) => { labelNode.lastChild.textContent = text; } };
}

// Draws now and at every change; asks Python once what is true now (after a reload the page may know an old state).
function follow(model, m, draw) {
  const change = () => draw(model.get("state") || {});
  m.on("say", (message) => m.say(message.text));
  model.on("change:state", change);
  change();
  m.send("hello");
  return () => { model.off("change:state", change); m.close(); };
}

function button(key, text, onclick, className, shape) {
  return h("button", { class: className, data: { key }, onclick }, shape ? [icon(shape), " "] : null, text);
}
// Off, but still reachable: a control that vanishes under the finger is worse than one that says why it does nothing.
function off(node, why) { node.setAttribute("aria-disabled", "true"); if (why) node.title = why; return node; }
function isOff(node) { return node.getAttribute("aria-disabled") === "true"; }

function mark(kind, shape, text) { return h("span", { class: "lk-mark", data: { kind } }, icon(shape), h("span", {}, text)); }
function tag(shape, text, kind) { return h("span", { class: "lk-tag lk-small", data: { kind: kind || "" } }, icon(shape), text); }

const WHO = { C: "client", S: "server" };
// One line of a session: number, who, reply chip, text. What is only seen is hidden from a screen reader, which hears words.
function wireLine(line, kids) {
  const who = WHO[line.who] || "";
  const spoken = [line.n ? "line " + line.n : "", who, line.tls ? "encrypted" : ""].filter(Boolean).join(", ");
  return [
    line.n ? h("span", { class: "lk-no", "aria-hidden": "true" }, String(line.n)) : null,
    h("span", { class: "lk-who", data: { who: line.who }, "aria-hidden": "true" }, line.who ? line.who + ":" : ""),
    h("span", { class: "lk-said" }, spoken ? h("span", { class: "lk-sr" }, spoken + ": ") : null,
      line.code ? [codeChip(line.code, line.more), " "] : null,
      h("span", { class: "lk-wire" + (line.closed ? " lk-muted" : ""), dir: "ltr" }, line.closed ? "(" + line.text + ")" : line.text)),
    kids ? h("span", { class: "lk-marks" }, kids) : null,
  ];
}

// A session to point into: one radio per line, so arrows move, Tab leaves, and Enter points.
function linePicker({ legend, lines, picked, tried, found, evidence, locked, onpick, onenter }) {
  const name = uid("line");
  const rows = lines.map((line) => {
    const marks = [
      found === line.n ? mark("deciding", "flag", "decided this") : null,
      found !== line.n && (tried || []).includes(line.n) ? mark("tried", "cross", "not this one") : null,
    ].filter(Boolean);
    const data = { who: line.who, tls: line.tls ? "1" : "", found: found === line.n ? "1" : "", evidence: (evidence || []).includes(line.n) ? "1" : "" };
    const input = locked ? null : h("input", {
      type: "radio", class: "lk-sr", name, value: String(line.n), checked: picked === line.n, data: { key: "line" + line.n },
      onchange: () => onpick(line.n),
      onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); onpick(line.n); onenter(); } },
    });
    return h(locked ? "li" : "label", { class: "lk-row" + (locked ? "" : " lk-pick"), data }, input, wireLine(line, marks));
  });
  if (locked) return logList(legend, rows);
  return h("fieldset", { class: "lk-log lk-picker" }, h("legend", { class: "lk-sr" }, legend), rows);
}

// Options, one row each. Open: radios or checkboxes. Locked: a list, each row with what is known about it now.
function optionRows({ legend, options, many, chosen, locked, onpick, onenter }) {
  if (locked) {
    return h("ul", { class: "lk-choices", "aria-label": legend }, options.map((option) => h("li", {
      class: "lk-choice lk-told", data: { state: option.state || "", chosen: option.chosen ? "1" : "" } },
    h("span", { class: "lk-told-mark" }, option.shape ? icon(option.shape) : null),
    h("span", { class: "lk-told-text" }, h("span", { class: "lk-told-line" }, h("span", {}, prose(option.text)), option.note ? h("span", { class: "lk-mark lk-yours" }, option.note) : null),
      option.why ? h("span", { class: "lk-why" }, prose(option.why)) : null))));
  }
  const name = uid("option");
  return h("fieldset", { class: "lk-choices" }, h("legend", { class: "lk-sr" }, legend),
    options.map((option, index) => h("label", { class: "lk-choice" },
      h("input", { type: many ? "checkbox" : "radio", name, value: String(index), checked: chosen.includes(index), data: { key: "option" + index },
        onchange: (event) => onpick(index, event.target.checked),
        onkeydown: (event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          if (!many && !event.target.checked) { event.target.checked = true; onpick(index, true); }
          onenter();
        } }),
      h("span", {}, prose(option.text)))));
}

// A long log scrolls, so the browser lets the keyboard stop at it; then it has to be one of our stops, with a name and without
// JupyterLab's one-key shortcuts.
function logList(label, rows, more) {
  return h("ol", { class: "lk-log " + (more || ""), tabindex: rows.length > 12 ? "0" : undefined, "aria-label": label }, rows);
}

// Feedback with the lines that it rests on: as they were said, and the session around them at a click. Where the session stands
// in the card already, its own rows are marked instead.
function feedbackOf(feedback) {
  const node = feedbackCard(feedback), run = feedback.run || [];
  if (!run.length) return node;
  const row = (line) => h("li", { class: "lk-row", data: { who: line.who, evidence: feedback.lines.includes(line.n) ? "1" : "" } }, wireLine(line));
  const said = run.filter((line) => feedback.lines.includes(line.n));
  return add(node, [said.length ? h("ol", { class: "lk-log lk-rests", "aria-label": "It rests on" }, said.slice(0, 8).map(row)) : null,
    h("details", { class: "lk-run" }, h("summary", { data: { key: "run" } }, "The whole session, " + times(run.length, "line")),
      logList("The whole session", run.map(row)))]);
}

// A link to a notebook of the course. JupyterLab opens it beside this one, at the heading if one is named; elsewhere the browser follows.
function notebookLink(file, text, heading) {
  const id = heading ? "#" + heading.replaceAll(" ", "-") : "";
  const link = h("a", { class: "lk-link", href: encodeURI(file) + encodeURI(id) }, text);
  const here = decodeURIComponent(location.pathname).split("/tree/")[1];
  if (here !== undefined) {
    const path = here.slice(0, here.lastIndexOf("/") + 1) + file;
    link.dataset.commandlinkerCommand = "rendermime:handle-local-link";
    link.dataset.commandlinkerArgs = JSON.stringify({ path, id });
  }
  return link;
}
