// The map: what happened hop by hop, live or step by step; below it the session or the host that was picked.
const PAUSE = 300; // between two hops of a message that moves now
const PLAYED = 16; // a flood is not played, its end is shown
const ROWS = 200;

function render({ model, el }) {
  const ui = mount(model, el, "map");
  const facts = model.get("facts");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let hops = [], skipped = 0, at = 0, turn = 0, playing = false, present = null, settled = null, named = false, childView = null, closed = false, opener = null;

  // ---- head
  const where = h("span", { class: "lkw-where" });
  const stepButton = (shape, text, act) => h("button", { "aria-label": text, title: text, onclick: act }, icon(shape));
  const jobs = h("button", { "aria-pressed": "false", title: "What each station is called", onclick: () => showJobs(!ui.root.hasAttribute("data-jobs")) }, "Names of the jobs");
  const big = h("button", { "aria-pressed": String(projector()), title: "Large type, for a projector", "aria-label": "Large type, for a projector", onclick: () => big.setAttribute("aria-pressed", String(projector(!projector()))) }, "A+");
  const steps = h("span", { class: "lkw-steps", role: "group", "aria-label": "Step through what happened" },
    stepButton("first", "Before the first step", () => go(0)), stepButton("back", "One step back", () => go(at - 1)), where,
    stepButton("next", "One step on", () => { turn += 1; playing = false; step(); }), stepButton("last", "To the latest step", () => go(hops.length)),
    h("button", { onclick: () => { go(first()); play(); } }, "Play again"));
  const map = mailMap(facts, { onHop: open, onHost: (id) => { opener = document.activeElement; ui.send("host", { id }); } });
  const list = h("ol", { class: "lkw-list", "aria-label": "What happened, in order" });
  const note = h("p", { class: "lk-muted lkw-note" });
  const side = h("div", { class: "lkw-side", data: { what: facts.side } }), more = h("div", { class: "lkw-more" });
  const child = h("div", { class: "lkw-child" });
  const shut = h("button", { class: "lkw-shut", onclick: () => close(true) }, icon("cross"), "Close");
  const below = h("section", { class: "lkw-below", hidden: true, "aria-label": "What you opened" }, h("div", { class: "lkw-belowhead" }, h("span", { class: "lk-muted" }), shut), child);
  add(ui.root, [h("div", { class: "lk-card" }, ui.life,
    h("div", { class: "lk-bar" }, h("h3", {}, facts.title), h("span", { class: "lk-route" }, facts.regions.map((region) => region.name).join(" → ")), h("span", { class: "lk-grow" }), steps, jobs, big),
    map.stage, h("div", { class: "lkw-story", data: { side: facts.side } }, facts.side === "form" ? side : null,
      h("div", { class: "lkw-right" }, h("div", { class: "lkw-happened" }, h("h4", {}, "What happened"), note, list), facts.side === "form" ? more : null), facts.side === "clock" ? side : null), below), ui.live]);
  function showJobs(on) { ui.root.toggleAttribute("data-jobs", on); jobs.setAttribute("aria-pressed", String(on)); map.draw(picture(at)); }

  // ---- the story: everything that is drawn follows from the hops up to `at`
  // One message is followed at a time: the one of the step that is shown last, with the notice about it.
  const isTravel = (hop) => hop.from !== hop.to;
  function picture(count) {
    const marks = new Map(), stamps = new Map(), letters = new Map();
    const followed = count ? hops[count - 1].message : "";
    for (const hop of hops.slice(0, count)) {
      if (hop.message !== followed) continue;
      const key = hop.from + ">" + hop.to, known = marks.get(key);
      const mark = { tone: hop.tone, mark: hop.mark, n: hop.n, text: label(hop), count: known && known.mark === hop.mark ? known.count + 1 : 1 };
      if (isTravel(hop)) marks.set(key, mark);
      else if (hop.tone !== "2") { stamps.set(hop.from, mark); letters.delete("letter"); continue; }
      letters.set(hop.notice ? "notice" : "letter", { key: hop.notice ? "notice" : "letter", notice: hop.notice, at: hop.tone === "2" ? hop.to : hop.from, tone: hop.tone });
    }
    return { marks, stamps, letters: [...letters.values()] };
  }
  const label = (hop) => hop.at + " " + hop.text + (hop.tone === "2" && hop.code ? ": " + hop.code : "");
  function show() {
    map.draw(picture(at));
    if (at === hops.length) settled = present; // how things stood when the picture was last up to date
    map.now(at === hops.length ? present : settled && { hosts: {}, boxes: settled.boxes });
    where.textContent = hops.length ? at + " of " + hops.length : "no step yet";
    const cut = Math.max(0, hops.length - ROWS);
    note.textContent = !hops.length ? "Nothing has moved yet. Send a message, and watch it here." : skipped + cut ? (skipped + cut).toLocaleString("en") + " earlier steps are left out here; each host's log has them." : "";
    note.hidden = !note.textContent;
    for (const item of list.children) {
      const index = Number(item.dataset.index);
      item.toggleAttribute("data-ahead", playing && index >= at); // its room is there before it
      item.toggleAttribute("data-here", index === at - 1);
      const button = item.firstChild, stop = index === Math.max(0, Math.min(at, hops.length) - 1);
      button.setAttribute("tabindex", stop ? "0" : "-1");
      if (index === at - 1) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    }
  }
  function rows(from) {
    const cut = Math.max(0, hops.length - ROWS);
    while (list.firstChild && Number(list.firstChild.dataset.index) < cut) list.firstChild.remove();
    const names = [...new Set(hops.map((hop) => hop.message))];
    if (names.length > 1 && !named) { named = true; list.replaceChildren(); from = 0; } // from now on each line says which message
    for (let index = Math.max(from, cut); index < hops.length; index++) {
      const hop = hops[index];
      list.append(h("li", { data: { index } }, h("button", { title: hop.open ? "Open this session" : "", onclick: () => open(hop.n) },
        h("span", { class: "lkw-n" }, String(index + 1)), h("span", { class: "lkw-at" }, hop.at),
        h("span", { class: "lk-chip", data: { kind: hop.tone } }, icon(TONES[hop.tone]), hop.mark),
        h("span", { class: "lkw-text" }, hop.text, names.length > 1 ? h("span", { class: "lkw-which" }, (hop.notice ? "notice about " : "message ") + (names.indexOf(hop.message) + 1)) : null))));
    }
  }
  const item = (index) => [...list.children].find((one) => Number(one.dataset.index) === index);
  function go(to) { turn += 1; playing = false; at = Math.max(0, Math.min(hops.length, to)); show(); reveal(); }
  function reveal() { const row = item(at - 1); if (row) { const low = row.offsetTop; if (low < list.scrollTop || low + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = low - list.clientHeight / 2; } }
  async function step() {
    if (at >= hops.length) return;
    const hop = hops[at], mine = turn;
    if (isTravel(hop) && !calm.matches) await map.slide({ key: hop.notice ? "notice" : "letter", tone: "2", notice: hop.notice }, hop.from, hop.to, hop.tone !== "2");
    if (closed || mine !== turn) return; // meanwhile somebody went elsewhere
    at += 1; show(); reveal();
  }
  async function play() {
    if (playing) return;
    const mine = (turn += 1);
    playing = true; show();
    while (at < hops.length && mine === turn && !closed) {
      await step();
      if (at < hops.length && mine === turn) await new Promise((next) => setTimeout(next, calm.matches ? 0 : PAUSE));
    }
    if (closed || mine !== turn) return;
    playing = false; show();
  }
  ui.on("story", (message) => {
    const known = new Set(hops.map((hop) => hop.n)), fresh = message.hops.filter((hop) => !known.has(hop.n));
    const followed = at === hops.length || playing, before = hops.length;
    hops.push(...fresh); present = message.now; skipped += message.skipped;
    if (hops.length > 2000) { skipped += hops.length - 1000; hops = hops.slice(-1000); list.replaceChildren(); rows(0); at = hops.length; } else rows(before);
    if (fresh.length && message.live) announce(fresh);
    if (!followed) show();
    else if (message.live && fresh.length && hops.length - at <= PLAYED) { if (!playing) play(); }
    else go(hops.length);
    model.set("saved", { hops: hops.slice(-ROWS), now: present, skipped });
  });
  function announce(fresh) {
    ui.say(fresh.length > 6 ? fresh.length + " steps. The last: " + label(fresh[fresh.length - 1]) : fresh.map(label).join(". "));
  }
  list.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1, Home: -1e9, End: 1e9 };
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); event.stopPropagation();
    const low = Math.max(0, hops.length - ROWS);
    go(Math.max(low + 1, Math.min(hops.length, Math.max(1, at) + moves[event.key])));
    const row = item(at - 1);
    if (row) row.firstChild.focus();
  });

  // Where the message that is followed begins.
  function first() { const here = hops[Math.max(0, at - 1)]; return here ? hops.findIndex((hop) => hop.message === here.message) : 0; }

  // ---- what is opened below
  function open(n) {
    const index = hops.findIndex((hop) => hop.n === n);
    if (index >= 0) go(index + 1);
    opener = document.activeElement;
    ui.send("open", { n });
  }
  function close(tell) {
    if (childView) { childView.remove(); childView = null; }
    child.replaceChildren(); below.hidden = true;
    if (!tell) return;
    ui.send("shut");
    const row = item(at - 1); // the keyboard goes back to where it came from, never out of the widget
    (ui.root.contains(opener) ? opener : row ? row.firstChild : ui.root.querySelector("button:not([disabled])")).focus();
  }
  ui.on("child", async (message) => {
    close(false);
    const head = below.querySelector(".lkw-belowhead span");
    const hop = hops.find((one) => one.n === message.n);
    head.textContent = message.host ? "Inside " + message.host : hop ? "Step " + (hops.indexOf(hop) + 1) + ": " + hop.text : "";
    below.hidden = false;
    if (!message.model) { fill(child, h("p", { class: "lkw-none" }, message.say)); ui.say(message.say); return; }
    childView = await drawChild(model, message.model, child);
    if (!childView) fill(child, h("p", { class: "lkw-none" }, "This cannot be drawn now. Choose Run > Run All Cells."));
    below.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  });
  // A form stands in two parts, left and right of the line: what is written, and what has come. Each part is a view of the whole.
  const sideViews = [];
  ui.on("side", async (message) => {
    for (const view of sideViews.splice(0)) view.remove();
    for (const place of facts.side === "form" ? [side, more] : [side]) {
      const view = await drawChild(model, message.model, place);
      if (!view) continue;
      sideViews.push(view);
      if (facts.side === "form") part(place, place === side);
    }
  });
  async function part(place, first) { // of a whole view, what belongs to this side of the line: its places bear lk-place
    for (let turn = 0; turn < 80 && !place.querySelector(".lk-place"); turn++) await new Promise((go) => setTimeout(go, 25));
    for (const node of place.querySelectorAll(first ? ".lk-place:not(:first-child)" : ".lk-place:first-child, .lk-sr")) node.remove();
    place.dataset.part = first ? "first" : "rest";
  }
  ui.on("trouble", (message) => { note.hidden = false; note.textContent = message.text; });

  showJobs(Boolean(facts.jobs));
  const saved = model.get("saved");
  if (saved && saved.hops) { hops = saved.hops.slice(); present = saved.now; skipped = saved.skipped || 0; at = hops.length; rows(0); }
  show();
  const unwatch = map.watch(), refit = new ResizeObserver(() => reveal());
  refit.observe(list);
  ui.send("hello");
  return () => { closed = true; unwatch(); refit.disconnect(); if (childView) childView.remove(); for (const view of sideViews) view.remove(); ui.close(); };
}
export default { render };
