// The forms of an exercise. Each gets { form, draft, change, submit, evidence, say } and gives back a node; `change(draft)` hands over
// what the learner has now. No completion here: what is asked for is typed, moved, chosen or pointed at.
function givenLines(lines) { return lines.map((line) => h("div", { class: "lk-row lk-plain" }, wireLine(line))); }

function linesForm({ form, draft, change, submit, say }) {
  const values = form.labels.map((_, index) => (draft && draft[index]) || "");
  const inputs = form.labels.map((label, index) => h("input", {
    type: "text", class: "lk-line-input", value: values[index], "aria-label": label, autocomplete: "off", autocapitalize: "off", autocorrect: "off",
    spellcheck: "false", dir: "ltr", maxlength: "70000", data: { key: "blank" + index },
    oninput: (event) => { values[index] = event.target.value; change(values.slice()); },
    onpaste: (event) => { if (form.speaker === "C") paste(event, index); },
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      // Enter moves on to the next open line; on the last one, or when none is open, it checks.
      const open = inputs.findIndex((input, at) => at > index && !input.value.trim());
      if (open > 0) inputs[open].focus(); else submit();
    } }));
  // Several lines go into one box each, from this one on; of a whole session, those that are given here stand already.
  function paste(event, index) {
    const { lines, told, plain } = pastedLines(event);
    if (plain) return;
    event.preventDefault();
    const given = new Set([...form.before, ...form.after].filter((line) => line.who === form.speaker).map((line) => line.text));
    const mine = lines.length > 1 ? lines.filter((line) => !given.has(line)) : lines;
    const boxes = inputs.slice(index, index + Math.max(1, mine.length)), more = mine.length - boxes.length;
    boxes[0].setRangeText(mine[0] || "", boxes[0].selectionStart, mine.length > 1 ? boxes[0].value.length : boxes[0].selectionEnd, "end");
    boxes.slice(1).forEach((box, at) => { box.value = mine[at + 1]; });
    boxes.forEach((box, at) => { values[index + at] = box.value; });
    boxes[boxes.length - 1].focus();
    change(values.slice());
    say([...told, more > 0 ? "There is no box for " + (more === 1 ? "one more line." : more + " more lines.") : ""].filter(Boolean).join(" "));
  }
  return h("div", { class: "lk-log lk-lines", role: "group", "aria-label": "The lines, yours among them" },
    givenLines(form.before),
    inputs.map((input, index) => h("div", { class: "lk-row lk-plain lk-blank" },
      h("span", { class: "lk-who", data: { who: form.speaker }, "aria-hidden": "true" }, form.speaker ? form.speaker + ":" : ""),
      input, h("span", { class: "lk-blank-label", "aria-hidden": "true" }, form.labels[index]))),
    givenLines(form.after));
}

// Numbers with their units; Enter goes on to the next one, and checks on the last.
function numbersForm({ form, draft, change, submit }) {
  const values = form.numbers.map((_, index) => (draft && draft[index]) || "");
  const inputs = form.numbers.map((one, index) => h("input", {
    type: "text", inputmode: "decimal", value: values[index], "aria-label": one.label + (one.unit ? ", in " + one.unit : ""), autocomplete: "off", maxlength: "12", data: { key: "number" + index },
    oninput: (event) => { values[index] = event.target.value; change(values.slice()); },
    onkeydown: (event) => { if (event.key !== "Enter" || event.isComposing) return; event.preventDefault(); if (inputs[index + 1]) inputs[index + 1].focus(); else submit(); } }));
  return h("div", { class: "lk-numbers", role: "group", "aria-label": "Numbers to fill in" }, form.numbers.map((one, index) => h("label", { class: "lk-number" },
    h("span", {}, one.label), h("span", {}, inputs[index], " ", one.unit), h("span", { class: "lk-hintline" }, one.least + " to " + one.most))));
}

// A list to rearrange, after the pattern of the ARIA guide: one stop for Tab, arrows choose, Alt+arrows move; the two buttons and a
// pointer do the same.
function orderForm({ form, draft, change, say }) {
  let order = draft ? draft.slice() : form.items.map((_, index) => index);
  let current = null;
  const ids = form.items.map(() => uid("item"));
  const nodes = form.items.map((text, index) => h("li", { id: ids[index], role: "option", class: "lk-item lk-move", "aria-selected": "false" },
    h("span", { class: "lk-grip", "aria-hidden": "true" }), h("span", { class: "lk-no", "aria-hidden": "true" }), h("span", { class: "lk-wire lk-item-text", dir: "ltr" }, text)));
  const help = h("p", { class: "lk-hintline", id: uid("help") }, "Choose with ", h("span", { class: "lk-kbd" }, "↑"), " ", h("span", { class: "lk-kbd" }, "↓"),
    ", move with ", h("span", { class: "lk-kbd" }, "Alt"), " ", h("span", { class: "lk-kbd" }, "↑"), " ", h("span", { class: "lk-kbd" }, "↓"), ", or drag.");
  const list = h("ul", { role: "listbox", class: "lk-items", tabindex: "0", "aria-label": "Lines to put in order", "aria-describedby": help.id, data: { key: "items" } });
  const place = (index) => order.indexOf(index);
  const paint = () => {
    nodes.forEach((node, index) => {
      node.setAttribute("aria-selected", String(index === current));
      node.setAttribute("aria-posinset", String(place(index) + 1)); node.setAttribute("aria-setsize", String(nodes.length));
      node.querySelector(".lk-no").textContent = String(place(index) + 1);
    });
    if (current !== null) list.setAttribute("aria-activedescendant", ids[current]);
    for (const [control, end] of [[up, 0], [down, order.length - 1]]) control.setAttribute("aria-disabled", String(current === null || place(current) === end));
  };
  const select = (index) => { current = index; paint(); nodes[index].scrollIntoView({ block: "nearest" }); };
  const told = () => { if (current === null) { say("Choose a line first."); return; } change(order.slice()); say("Moved to place " + (place(current) + 1) + " of " + order.length + ": " + form.items[current]); };
  const move = (step) => {
    if (current === null) return;
    const from = place(current), to = from + step;
    if (to < 0 || to >= order.length) return;
    order.splice(from, 1); order.splice(to, 0, current);
    // The other line goes round this one, which stays where the pointer or the screen reader holds it.
    if (step > 0) nodes[current].before(nodes[order[to - 1]]); else nodes[current].after(nodes[order[to + 1]]);
    paint();
  };
  const up = button("up", "Move up", () => { move(-1); told(); }, "", "up");
  const down = button("down", "Move down", () => { move(1); told(); }, "", "down");
  list.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const at = step ? (current === null ? 0 : place(current) + step) : { Home: 0, End: order.length - 1 }[event.key];
    if (at === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.altKey && step) { move(step); told(); } else if (at >= 0 && at < order.length) select(order[at]);
  });
  list.addEventListener("focus", () => { if (current === null) { current = order[0]; paint(); } });
  nodes.forEach((node, index) => {
    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || (event.pointerType === "touch" && !event.target.closest(".lk-grip"))) return;
      event.preventDefault(); current = index; list.focus({ preventScroll: true }); paint();
      node.setPointerCapture(event.pointerId);
      const before = order.join();
      const drag = (to) => {
        const rows = order.map((item) => nodes[item].getBoundingClientRect()), at = place(index);
        node.dataset.drag = "1";
        if (at > 0 && to.clientY < rows[at - 1].top + rows[at - 1].height / 2) move(-1);
        else if (at < order.length - 1 && to.clientY > rows[at + 1].top + rows[at + 1].height / 2) move(1);
      };
      const drop = () => {
        node.removeEventListener("pointermove", drag); delete node.dataset.drag;
        if (order.join() !== before) told();
      };
      node.addEventListener("pointermove", drag);
      node.addEventListener("lostpointercapture", drop, { once: true });
    });
  });
  add(list, order.map((index) => nodes[index]));
  paint();
  return h("div", { class: "lk-order" }, list, h("div", { class: "lk-actions lk-order-tools" }, up, down, help));
}

function choiceForm({ form, draft, change, submit }) {
  const chosen = new Set(draft || []);
  return optionRows({ legend: form.many ? "Options: choose all that apply" : "Options: choose one", options: form.options.map((text) => ({ text })), many: form.many, chosen: [...chosen],
    onpick: (index, on) => { if (!form.many) chosen.clear(); if (on) chosen.add(index); else chosen.delete(index); change([...chosen].sort((a, b) => a - b)); },
    onenter: submit });
}

function pickForm({ form, draft, change, submit, evidence, found, tried }) {
  return linePicker({ legend: "Lines: point at one", lines: form.lines, picked: draft, evidence, found, tried, onpick: change, onenter: submit });
}

// Each item is a row of radio buttons, one per bin: Tab goes from item to item, arrows choose. Worked cases stand above.
function sortForm({ form, draft, change, submit }) {
  const chosen = form.items.map((_, index) => (draft ? draft[index] : null));
  return h("div", { class: "lk-sort" },
    form.given.map((one) => h("div", { class: "lk-sortrow lk-given" }, h("div", { class: "lk-wire" }, one.item),
      h("div", {}, h("span", { class: "lk-mark" }, icon("check"), one.bin), " ", prose(one.why)))),
    form.items.map((item, index) => {
      const name = uid("bin");
      return h("fieldset", { class: "lk-sortrow" }, h("legend", { class: "lk-wire" }, item),
        h("div", { class: "lk-bins" }, form.bins.map((bin, at) => h("label", { class: "lk-bin" },
          h("input", { type: "radio", name, value: String(at), checked: chosen[index] === at, data: { key: "sort" + index + "-" + at },
            onchange: () => { chosen[index] = at; change(chosen.slice()); },
            onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); submit(); } } }), bin))));
    }));
}

// A program's settings as its own dialog has them: a menu for each, what is given stands as text.
function settingsForm({ form, draft, change }) {
  const chosen = [];
  const field = (one) => {
    if (one.options.length === 1) return h("div", { class: "lk-setting" }, h("span", {}, one.label), h("span", { class: "lk-wire" }, one.options[0]));
    const at = chosen.push(null) - 1;
    if (draft) chosen[at] = draft[at];
    const menu = h("select", { "aria-label": one.label, data: { key: "setting" + at }, onchange: () => { chosen[at] = menu.value === "" ? null : Number(menu.value); change(chosen.slice()); } },
      h("option", { value: "" }, "choose …"), one.options.map((text, index) => h("option", { value: String(index) }, text)));
    menu.value = chosen[at] === null || chosen[at] === undefined ? "" : String(chosen[at]);
    return h("label", { class: "lk-setting" }, h("span", {}, one.label), menu);
  };
  return h("div", { class: "lk-settings" }, form.cases.map((one) => h("div", { class: "lk-program", role: "group", "aria-label": one.title || "Settings" },
    one.title ? h("p", { class: "lk-program-title" }, prose(one.title)) : null, h("div", { class: "lk-fields" }, one.settings.map(field)))));
}

function liveForm({ form }) { return h("p", { class: "lk-live" }, icon("arrow"), h("span", {}, form.text)); }

const FORMS = { lines: linesForm, numbers: numbersForm, order: orderForm, choice: choiceForm, pick: pickForm, sort: sortForm, settings: settingsForm, live: liveForm };
