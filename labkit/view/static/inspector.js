// One host from inside: its log, queue, mailboxes and settings, each in a tab.
const TITLES = { log: "Log", queue: "Queue", mailbox: "Mailboxes", settings: "Settings" };

function render({ model, el }) {
  const ui = mount(model, el, "inspector");
  const facts = model.get("facts");
  const prefix = "lki" + Math.random().toString(36).slice(2, 8) + "-";
  let state = null, open = new Set();
  const choice = h("select", { "aria-label": "Host", onchange: () => ui.send("show", { host: choice.value }) }, facts.hosts.map((name) => h("option", { value: name }, name)));
  const jobs = h("span", { class: "lk-muted lki-jobs" });
  const tabs = facts.tabs.map((name) => h("button", { role: "tab", id: prefix + name, "aria-controls": prefix + "panel", onclick: () => pick(name),
    onkeydown: (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault(); event.stopPropagation();
      const next = facts.tabs[(facts.tabs.indexOf(name) + by + facts.tabs.length) % facts.tabs.length];
      pick(next); tabs[facts.tabs.indexOf(next)].focus();
    } }, TITLES[name]));
  const panel = h("div", { class: "lki-panel", id: prefix + "panel", role: "tabpanel", tabindex: "0" });
  const said = h("div", { class: "lki-said", role: "status" });
  add(ui.root, [h("div", { class: "lk-card" }, ui.life, h("div", { class: "lk-bar" }, h("h3", {}, "Inside"), choice, jobs),
    h("div", { class: "lki-tabs", role: "tablist", "aria-label": "What to look at" }, tabs), panel, said), ui.live]);
  function pick(tab) { ui.send("show", { tab }); }

  const line = (node, more) => (more > 0 ? [h("p", { class: "lk-muted" }, more.toLocaleString("en") + " " + node), null] : null);
  const empty = (text) => h("p", { class: "lk-muted lki-empty" }, text);
  const parts = {
    log: (body) => (body.lines.length ? [line("earlier lines are left out.", body.more), h("ol", { class: "lki-log" }, body.lines.map((one) =>
      h("li", {}, h("span", { class: "lki-at" }, one.at), h("span", { class: "lki-id" }, one.id), h("span", { class: "lk-wire" }, one.text))))] : empty("Nothing has happened at this host yet.")),
    queue: (body) => [h("p", { class: "lk-muted" }, body.rule), body.items.length ? h("ol", { class: "lki-items" }, body.items.map((one) => h("li", {},
      h("div", {}, h("strong", {}, one.id), " to ", one.to, h("span", { class: "lk-muted" }, " from " + one.from + ", here since " + one.arrived)),
      one.last ? h("div", { class: "lk-wire" }, one.last) : null,
      h("div", {}, h("span", { class: "lk-chip", data: { kind: one.tone } }, icon("clock"), "next try"), " " + one.next + (one.tries ? " (tried " + (one.tries === 1 ? "once" : one.tries + " times") + ")" : ""))))) : empty("Nothing waits here."),
    line("more wait behind them.", body.more)],
    mailbox: (body) => body.boxes.map((box) => h("section", { class: "lki-box" }, h("h4", {}, box.address, " ", h("span", { class: "lk-muted" }, box.count === 1 ? "1 letter" : box.count.toLocaleString("en") + " letters")),
      box.letters.map((letter, index) => {
        const key = box.address + "/" + (box.count - box.letters.length + index);
        return h("details", { open: open.has(key), ontoggle: (event) => { if (event.target.open) open.add(key); else open.delete(key); } },
          h("summary", {}, h("strong", {}, letter.subject || "(no subject)"), h("span", { class: "lk-muted" }, " from " + (letter.from || "nobody named") + ", " + letter.at)), h("p", { class: "lki-text" }, letter.text), h("details", {}, h("summary", {}, "Source"), h("pre", { tabindex: "0", class: "lk-wire" }, letter.source)));
      }))),
    settings: (body) => [
      h("h4", {}, "It listens on"),
      h("ul", { class: "lki-ports" }, body.ports.map((one) => h("li", {}, h("strong", {}, "port " + one.port), one.what ? ", " + one.what : "", one.outside ? [". Other programs on this computer reach it at ", h("code", {}, one.outside)] : ". It does not listen now."))),
      h("h4", {}, "What can go wrong here"),
      h("ul", { class: "lki-faults" }, body.faults.map((one) => h("li", { data: one.on ? { on: "" } : {} },
        h("button", { role: "switch", "aria-checked": String(one.on), "aria-label": one.title, "data-fault": one.name, onclick: () => ui.send("fault", { name: one.name, on: !one.on }) }, h("i", {}), one.on ? "on" : "off"),
        h("details", { open: open.has(one.name), ontoggle: (event) => { if (event.target.open) open.add(one.name); else open.delete(one.name); } },
          h("summary", {}, one.title), paragraphs(one.text), h("ul", { class: "lk-rule" }, one.rules.map((rule) => h("li", {}, h("b", {}, rule.ref), rule.text ? [": ", ...prose(rule.text)] : null)))))))],
  };
  function show(next) {
    state = next;
    if (choice.value !== state.host) choice.value = state.host;
    jobs.textContent = state.running ? "" : "is down";
    facts.tabs.forEach((name, index) => {
      const here = name === state.tab, count = state.counts[name];
      tabs[index].setAttribute("aria-selected", String(here)); tabs[index].tabIndex = here ? 0 : -1;
      fill(tabs[index], TITLES[name], count ? h("span", { class: "lki-count" }, count.toLocaleString("en")) : null);
    });
    panel.setAttribute("aria-labelledby", prefix + state.tab);
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.fault || "" : null;
    const low = panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 4;
    fill(panel, parts[state.tab](state.body));
    if (focused) { const button = panel.querySelector('[data-fault="' + CSS.escape(focused) + '"]'); if (button) button.focus({ preventScroll: true }); }
    if (state.tab === "log" && low) panel.scrollTop = panel.scrollHeight;
    model.set("saved", state);
  }
  ui.on("state", show);
  ui.on("trouble", (message) => { said.textContent = message.text; });
  const saved = model.get("saved");
  if (saved && saved.tab) show(saved);
  ui.send("hello");
  return () => ui.close();
}
export default { render };
