// Questions with options, as native radio buttons: they have labels, keys and a name for screen readers by themselves.
// The reasons come from Python in `items`; this file only looks them up and shows them. Nothing is told by colour alone.

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  const items = model.get("items");
  const wait = model.get("wait_for_reveal");
  const group = `qtutor-${Math.random().toString(36).slice(2)}`;
  const root = element("div", { className: "qtutor-choice" });
  // JupyterLab takes arrow keys and letters for its own commands, on their way down (the attribute) or up (the event).
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());

  const questions = items.map((item, number) => {
    const inputs = item.options.map((option, index) => {
      const input = element("input", { type: "radio", name: `${group}-${number}`, value: String(index) });
      input.addEventListener("change", () => {
        const chosen = model.get("chosen").slice();
        chosen[number] = index;
        model.set("chosen", chosen);
        model.save_changes();
        update();
      });
      return input;
    });
    const labels = item.options.map((option, index) => element("label", {}, inputs[index], ` ${option}`));
    const reason = element("p", { className: "qtutor-reason" });
    reason.setAttribute("role", "status");
    root.append(element("fieldset", {}, element("legend", { textContent: item.question }), ...labels, reason));
    return { inputs, reason };
  });

  const reveal = element("button", { type: "button", textContent: "I have run the next cell: was I right?" });
  reveal.addEventListener("click", () => {
    model.set("revealed", true);
    model.save_changes();
    update();
  });
  const summary = element("p", { className: "qtutor-summary" });
  summary.setAttribute("role", "status");
  root.append(wait ? reveal : summary);

  function update() {
    const chosen = model.get("chosen");
    const shown = !wait || model.get("revealed");
    questions.forEach(({ inputs, reason }, number) => {
      const index = chosen[number];
      inputs.forEach((input, i) => { input.checked = i === index; });
      const text = index < 0 ? "" : shown ? items[number].reasons[index] : items[number].noted[index];
      if (reason.textContent !== text) reason.textContent = text;
    });
    reveal.hidden = chosen[0] < 0 || shown || !items[0].known;
    const right = items.filter((item, number) => item.right === chosen[number]).length;
    const answered = chosen.filter((index) => index >= 0).length;
    const text = answered ? model.get("counts")[answered][right] : "";
    if (summary.textContent !== text) summary.textContent = text;
  }

  const events = ["change:chosen", "change:revealed"];
  events.forEach((event) => model.on(event, update));
  update();
  el.append(root);
  return () => events.forEach((event) => model.off(event, update));
}

export default { render };
