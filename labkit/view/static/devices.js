// Bob's mailbox and his devices: mail is pushed in from the left, devices call from the right; every session can be opened.
// Who calls whom is drawn once it has happened: it is asked before.
function render({ model, el }) {
  const m = mount(model, el, "devices");
  const first = model.get("state");
  const view = frame(m, { label: first.live ? "Try it" : "Recorded", shape: first.live ? "arrow" : "info", title: first.title, className: "lkmb" });
  const scene = region(view.body), said = region(view.body), sessions = region(view.body), lines = region(view.body);
  const act = (node, op, data) => { node.addEventListener("click", () => { if (!isOff(node)) m.send(op, data); }); return node; };

  const letter = (one, kids) => h("li", { class: "lkmb-letter", data: { read: one.read ? "1" : "" } },
    h("span", { class: "lkmb-subject" }, one.subject || "(no subject)"),
    h("span", { class: "lkmb-flag" }, icon(one.read ? "check" : "mail"), one.read ? "read" : "unread"), kids);
  const letters = (label, list, empty, more) => (list.length ? h("ul", { class: "lkmb-letters", "aria-label": label }, more ? h("li", { class: "lk-hintline" }, times(more, "earlier message")) : null, list) : h("p", { class: "lkmb-empty" }, empty));

  const server = (now) => h("div", { class: "lkmb-box lkmb-server", role: "group", "aria-label": "Bob's mailbox at " + now.host },
    h("h4", {}, "Bob's mailbox"), h("p", { class: "lkmb-what" }, now.host),
    letters("At the server", now.mailbox.map((one) => letter(one)), now.acts.length ? "Empty." : "Empty. Nothing has come yet.", now.more));
  const pushes = (now) => h("div", { class: "lkmb-wire lkmb-push", data: now.acts.some((one) => one.pushes) ? {} : { quiet: "" } },
    now.live ? act(button("send", now.left ? "Alice sends “" + now.next + "”" : "Alice has sent all", null, now.left ? "lk-primary" : "lk-off"), "send") : null,
    h("span", { class: "lkmb-arrow" }, h("span", {}, "SMTP, port 25"), h("span", { class: "lkmb-line", "aria-hidden": "true" }), h("span", { class: "lk-muted" }, "pushes mail in")));
  const device = (now, one, number) => h("div", { class: "lkmb-device" },
    h("div", { class: "lkmb-wire lkmb-pull", data: one.fetched ? {} : { quiet: "" } }, h("span", { class: "lkmb-arrow" }, h("span", {}, one.protocol + ", port " + one.port),
      h("span", { class: "lkmb-line", "aria-hidden": "true" }), h("span", { class: "lk-muted" }, "calls and asks"))),
    h("div", { class: "lkmb-box", role: "group", "aria-label": one.name },
      h("h4", {}, one.name), h("p", { class: "lkmb-what" }, one.way),
      now.live ? act(button("fetch" + number, "Fetch mail", null, "lkmb-fetch"), "fetch", { device: number }) : null,
      letters("On the " + one.name, one.letters.map((text) => letter(text, [
        now.live && !text.read ? act(button("read" + number + "-" + text.n, "Read", null, "lkmb-read"), "read", { device: number, letter: text.n }) : null,
        text.text ? h("p", { class: "lkmb-text" }, text.text) : null])), one.fetched ? "Nothing here." : "Has not asked yet.", one.more)));

  return follow(model, m, (now) => {
    fill(view.status, now.busy ? tag("clock", "under way", "later") : null);
    scene([now.mailbox, now.devices, now.left, now.busy, now.live, now.acts.length], () => {
      const drawn = h("div", { class: "lkmb-scene" }, pushes(now), server(now), h("div", { class: "lkmb-devices" }, now.devices.map((one, number) => device(now, one, number))));
      for (const node of drawn.querySelectorAll("button")) {
        const owner = node.closest(".lkmb-box");
        if (owner && !node.getAttribute("aria-label")) {
          const what = node.closest(".lkmb-letter");
          node.setAttribute("aria-label", owner.getAttribute("aria-label") + ": " + node.textContent.toLowerCase() + (what ? " “" + what.firstChild.textContent + "”" : ""));
        }
        if (now.busy || node.classList.contains("lk-off")) off(node);
      }
      return drawn;
    });
    said(now.said, () => (now.said ? h("p", { class: "lkmb-said" }, now.said) : []));
    sessions([now.acts, now.open], () => (now.acts.length ? [h("h4", { class: "lkmb-head" }, "Sessions at the mailbox"),
      h("ol", { class: "lkmb-acts" }, now.acts.map((one) => h("li", { class: "lkmb-act", data: { push: one.pushes ? "1" : "" } },
        h("span", { class: "lkmb-n", "aria-hidden": "true" }, String(one.n)),
        h("span", { class: "lkmb-who" }, one.caller, " ", icon("arrow"), h("span", { class: "lk-sr" }, "called"), " ", h("span", { class: "lk-wire lkmb-port" }, one.protocol + " " + one.port)),
        h("span", { class: "lkmb-says" }, one.says),
        h("button", { class: "lkmb-show", data: { key: "act" + one.n }, "aria-expanded": String(now.open === one.n), "aria-label": (now.open === one.n ? "Hide" : "Show") + " the lines of session " + one.n,
          onclick: () => m.send("lines", { act: now.open === one.n ? null : one.n }) }, now.open === one.n ? "Hide lines" : "Show lines"))))] : []));
    lines([now.open, now.lines], () => (now.lines.length ? h("div", { class: "lkmb-ladder" },
      h("div", { class: "lkmb-ends", "aria-hidden": "true" }, h("span", {}, now.caller),
        now.lines.every((line) => line.tls) ? tag("lock", "all of it under TLS", "tls") : tag("open", "in clear", "clear"), h("span", {}, now.host)),
      h("ol", { class: "lkmb-lines", tabindex: "0", "aria-label": "Session " + now.open + ", line by line" }, now.lines.map((line) => h("li", {
        class: "lkmb-row", data: { who: line.who, tls: line.tls ? "1" : "", fold: line.folded ? "1" : "" } },
      h("span", { class: "lkmb-n", "aria-hidden": "true" }, String(line.n)),
      h("span", { class: "lkmb-said-line" }, h("span", { class: "lk-sr" }, "line " + line.n + ", " + WHO[line.who] + ": "), line.code ? [codeChip(line.code, line.more), " "] : null,
        h("span", { class: "lk-wire", dir: "ltr" }, line.closed ? "(" + line.text + ")" : line.text)),
      line.says ? h("span", { class: "lkmb-note" }, prose(line.says)) : null)))) : []));
  });
}
Object.assign(PATHS, { mail: "M2 4h12v8.5H2zM2 4.6l6 4.6 6-4.6" });
export default { render };
