// The browser's half of every explorer. It looks up what the kernels computed and draws it; it computes positions in
// lists and on the screen, never a quantized number: no rounding, no clamping, no scaling of data happens here.
// Plain ES module for anywidget: default export { render }. A page without a kernel calls render with a model of its
// own that has get, set, save_changes, on and off.

// ---- the table: the same two rules as table.py -------------------------------------------------------------------

const ARRAYS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, i4: Int32Array, f4: Float32Array };

function decode(fact) {
  const bytes = Uint8Array.from(atob(fact.data), (letter) => letter.charCodeAt(0));
  return { ...fact, data: new ARRAYS[fact.type](bytes.buffer) };
}

function sum(by, value) {
  return Object.keys(by).reduce((total, name) => total + by[name] * value(name), 0);
}

export function open(payload) {
  const facts = Object.fromEntries(Object.entries(payload.facts).map(([name, fact]) => [name, decode(fact)]));
  const controls = Object.fromEntries(payload.controls.map((control) => [control.name, control]));
  const longest = (name) => controls[name].lists.map((list) => list.length).sort((a, b) => b - a)[0];
  for (const [name, fact] of Object.entries(facts)) {
    const needed = (1 + sum(fact.by, (control) => longest(control) - 1)) * fact.width;
    if (!(needed <= fact.data.length)) throw new RangeError(`fact ${name} is too short`);
  }
  return { ...payload, facts, byName: controls };
}

export function listNumber(control, place) {
  return sum(control.by, (name) => place[name]);
}

export function row(table, name, place) {
  const fact = table.facts[name];
  const at = fact.width * sum(fact.by, (control) => place[control]);
  return fact.width === 1 ? fact.data[at] : fact.data.subarray(at, at + fact.width);
}

export function sentence(table, template, place, more = {}) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (name in more) return more[name];
    const control = table.byName[name];
    if (control) return control.texts[listNumber(control, place)][place[name]];
    return table.facts[name].words[row(table, name, place)];
  });
}

// Where the controls stand once `name` is put to `position`; dependent controls follow, and `message` says which moved.
export function moved(table, place, name, position) {
  const next = { ...place, [name]: position };
  const messages = [];
  for (const control of table.controls) {
    const before = listNumber(control, place);
    const after = listNumber(control, next);
    if (before === after || control.name === name) continue;
    const value = control.lists[before][place[control.name]];
    next[control.name] = control.nearest[after][control.every.indexOf(value)];
    if (!control.lists[after].includes(value)) {
      messages.push(sentence(table, table.messages.moved, next, {
        label: control.label,
        value: control.texts[before][place[control.name]],
        choices: control.choices[after],
        kept: control.texts[after][next[control.name]],
      }));
    }
  }
  return { place: next, message: messages.join(" ") };
}

export function met(table, place, progress) {
  let done = progress;
  while (done < table.tasks.length - 1 && (row(table, "met", place) >> done) & 1) done += 1;
  return done;
}

// The position of a typed value in the list that holds, or -1.
export function typed(control, place, text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const list = control.lists[listNumber(control, place)];
  return plain === "" ? -1 : list.findIndex((value) => Number(plain) === value);
}

export function starts(table) {
  const place = {};
  for (const control of table.controls) {
    place[control.name] = control.lists[listNumber(control, place)].indexOf(control.start);
  }
  return place;
}

// Where the model's traits stand; null where one is on no list.
export function standing(table, model) {
  const place = {};
  for (const control of table.controls) {
    place[control.name] = control.lists[listNumber(control, place)].indexOf(model.get(control.name));
    if (place[control.name] < 0) return null;
  }
  return place;
}

// ---- small helpers for the page -----------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function shape(parent, tag, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

// Only what differs is written: an unchanged text is not read out again.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const dot = (x, y) => `M${x} ${y}h.01`;
const triangle = (x, y, size) => `M${x} ${y - size}l${size} ${2 * size}h${-2 * size}z`;
const triangleDown = (x, y, size) => `M${x} ${y + size}l${size} ${-2 * size}h${-2 * size}z`;

// ---- the drawings: each gets an empty svg, draws what stays, and returns what to do for a place ---------------------

function staircase(svg, table) {
  svg.setAttribute("viewBox", "0 0 360 300");
  const { low, high, ticks, tick_texts: texts, given } = table.view;
  const left = 44, top = 8, width = 308, height = 246;
  const x = (value) => (width * (value - low)) / (high - low);
  const y = (value) => height - (height * (value - low)) / (high - low);
  const plot = shape(svg, "svg", { x: left, y: top, width, height, overflow: "hidden" });
  const reach = shape(plot, "rect", { class: "q-reach", x: 0, width });
  const grid = shape(plot, "path", { class: "q-grid" });
  shape(plot, "path", { class: "q-diagonal", d: `M${x(low)} ${y(low)}L${x(high)} ${y(high)}` });
  const stored = shape(plot, "path", { class: "q-dots" });
  const saturated = shape(plot, "path", { class: "q-saturated" });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width, height });
  ticks.forEach((tick, i) => {
    shape(svg, "text", { x: left + x(tick), y: top + height + 16, "text-anchor": "middle" }, texts[i]);
    shape(svg, "text", { x: left - 6, y: top + y(tick) + 4, "text-anchor": "end" }, texts[i]);
  });
  shape(svg, "text", { x: left + width / 2, y: 294, "text-anchor": "middle" }, "given (real units)");
  shape(svg, "text", { transform: `translate(12 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle" }, "stored (real units)");
  return (place) => {
    const real = row(table, "real", place);
    const code = row(table, "code", place);
    const first = row(table, "first", place);
    const levels = row(table, "levels", place);
    const below = row(table, "below", place);
    const inside = given.length - row(table, "above", place);
    const ends = [y(real[first]), y(real[first + levels - 1])];
    reach.setAttribute("y", ends[1]);
    reach.setAttribute("height", ends[0] - ends[1]);
    let lines = "", dots = "", triangles = "";
    for (let i = 0; i < levels; i += 1) {
      if (real[first + i] >= low && real[first + i] <= high) lines += `M0 ${y(real[first + i])}h${width}`;
    }
    for (let i = 0; i < given.length; i += 1) {
      const at = [x(given[i]), y(real[first + (given.length === 1 ? code : code[i])])];
      if (i < below || i >= inside) triangles += triangle(...at, 4);
      else dots += dot(...at);
    }
    grid.setAttribute("d", lines);
    stored.setAttribute("d", dots);
    saturated.setAttribute("d", triangles);
  };
}

function ring(svg, table) {
  svg.setAttribute("viewBox", "0 0 360 270");
  const cx = 122, cy = 128, radius = 84, barX = 280, barTop = 22, barHeight = 212;
  const spot = (turn, r) => [cx + r * Math.sin(2 * Math.PI * turn), cy - r * Math.cos(2 * Math.PI * turn)];
  const line = (points) => `M${points.map((point) => point.join(" ")).join("L")}`;
  shape(svg, "circle", { class: "q-frame", cx, cy, r: radius });
  const ticks = shape(svg, "path", { class: "q-tick" });
  const seam = shape(svg, "path", { class: "q-seam" });
  const labels = shape(svg, "g");
  const turn = shape(svg, "path", { class: "q-path" });
  const startDot = shape(svg, "path", { class: "q-start" });
  const wrapped = shape(svg, "path", { class: "q-wrapped" });
  shape(svg, "text", { x: cx, y: 264, "text-anchor": "middle" }, "ring: wrapped");
  shape(svg, "path", { class: "q-range-all", d: `M${barX} ${barTop}v${barHeight}` });
  const range = shape(svg, "path", { class: "q-range" });
  const climb = shape(svg, "path", { class: "q-path" });
  const barStart = shape(svg, "path", { class: "q-start" });
  const saturated = shape(svg, "path", { class: "q-kept" });
  const exact = shape(svg, "circle", { class: "q-exact", cx: barX, r: 9 });
  const ends = [shape(svg, "text", { x: barX - 12, "text-anchor": "end" }), shape(svg, "text", { x: barX - 12, "text-anchor": "end" })];
  const exactText = shape(svg, "text", { x: barX + 14 });
  shape(svg, "text", { x: barX, y: 264, "text-anchor": "middle" }, "bar: saturated");
  let drawn = -1;
  const positions = (place, values, texts, levels) => {
    ticks.setAttribute("d", values.map((v) => line([spot(v / levels, radius), spot(v / levels, radius + 4)])).join(""));
    seam.setAttribute("d", line([spot((values[0] - 0.5) / levels, radius - 16), spot((values[0] - 0.5) / levels, radius + 8)]));
    labels.replaceChildren();
    values.forEach((v, i) => {
      if (v % (levels > 16 ? levels / 16 : 1)) return;
      const [x, y] = spot(v / levels, radius + 17);
      shape(labels, "text", { x, y: y + 4, "text-anchor": "middle" }, texts[i]);
    });
  };
  return (place) => {
    const control = table.byName.a, number = listNumber(control, place), levels = row(table, "levels", place);
    const values = control.lists[number], a = values[place.a], total = row(table, "exact_number", place);
    if (number !== drawn) positions(place, values, control.texts[number], levels);
    drawn = number;
    const [low, high] = row(table, "ends", place);
    const y = (value) => barTop + barHeight - (barHeight * (value - 2 * low)) / (2 * high - 2 * low);
    turn.setAttribute("d", line(Array.from({ length: 97 }, (_, i) => spot((a + ((total - a) * i) / 96) / levels, radius - 8))));
    startDot.setAttribute("d", dot(...spot(a / levels, radius)));
    const [x, top] = spot(row(table, "wrapped_number", place) / levels, radius);
    wrapped.setAttribute("d", `M${x} ${top - 8}l8 8l-8 8l-8 -8z`);
    range.setAttribute("d", `M${barX} ${y(low)}V${y(high)}`);
    climb.setAttribute("d", `M${barX} ${y(a)}V${y(total)}`);
    barStart.setAttribute("d", dot(barX, y(a)));
    saturated.setAttribute("d", `M${barX - 6} ${y(row(table, "saturated_number", place)) - 6}h12v12h-12z`);
    exact.setAttribute("cy", y(total));
    const last = values.length - 1;
    [[low, 0], [high, last]].forEach(([end, i], k) => {
      ends[k].setAttribute("y", y(end) + 4);
      write(ends[k], control.texts[number][i]);
    });
    exactText.setAttribute("y", y(total) + 4);
    write(exactText, sentence(table, "{exact} exact", place));
  };
}

function map(svg, table) {
  svg.setAttribute("viewBox", "0 0 340 330");
  const { texts, places, steps } = table.view;
  const left = 44, top = 10, cell = 8.5;
  const x = (i) => left + cell * (i + 0.5);
  const y = (i) => top + cell * (steps - 0.5 - i);
  shape(svg, "path", {
    class: "q-grid",
    d: places.map((i) => `M${x(i)} ${top}v${cell * steps}M${left} ${y(i)}h${cell * steps}`).join(""),
  });
  const more = shape(svg, "path", { class: "q-more" });
  const less = shape(svg, "path", { class: "q-less" });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width: cell * steps, height: cell * steps });
  const here = shape(svg, "circle", { class: "q-exact", r: 9 });
  places.forEach((i, k) => {
    shape(svg, "text", { x: x(i), y: top + cell * steps + 16, "text-anchor": "middle" }, texts[k]);
    shape(svg, "text", { x: left - 6, y: y(i) + 4, "text-anchor": "end" }, texts[k]);
  });
  shape(svg, "text", { x: left + (cell * steps) / 2, y: 324, "text-anchor": "middle" }, "a (steps)");
  shape(svg, "text", { transform: `translate(12 ${top + (cell * steps) / 2}) rotate(-90)`, "text-anchor": "middle" }, "b (steps)");
  return (place) => {
    let up = "", down = "";
    for (let a = 0; a < steps; a += 1) {
      for (let b = 0; b < steps; b += 1) {
        const order = row(table, "order", { ...place, a, b });
        if (order > 0) up += triangle(x(a), y(b), 2.8);
        if (order < 0) down += triangleDown(x(a), y(b), 2.8);
      }
    }
    more.setAttribute("d", up);
    less.setAttribute("d", down);
    here.setAttribute("cx", x(place.a));
    here.setAttribute("cy", y(place.b));
  };
}

function sums(svg, table) {
  svg.setAttribute("viewBox", "0 0 360 300");
  const { places, terms } = table.view;
  const left = 52, top = 10, width = 300, height = 244, inner = 226;
  const x = (k) => left + 8 + ((width - 16) * k) / terms;
  const plot = shape(svg, "svg", { x: 0, y: top, width: left + width, height, overflow: "hidden" });
  const reach = shape(plot, "rect", { class: "q-reach", x: left, width });
  const zero = height / 2;
  shape(plot, "path", { class: "q-grid", d: `M${left} ${zero}h${width}` });
  const exact = shape(plot, "path", { class: "q-path" });
  const rings = shape(plot, "path", { class: "q-ring" });
  const right = shape(plot, "path", { class: "q-dots" });
  const wrong = shape(plot, "path", { class: "q-saturated" });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width, height });
  const labels = [0, 1, 2].map(() => shape(svg, "text", { x: left - 6, "text-anchor": "end" }));
  places.forEach((k) => shape(svg, "text", { x: x(k), y: top + height + 16, "text-anchor": "middle" }, String(k)));
  shape(svg, "text", { x: left + width / 2, y: 294, "text-anchor": "middle" }, "products added so far");
  shape(svg, "text", { transform: `translate(12 ${top + zero}) rotate(-90)`, "text-anchor": "middle" }, "sum");
  return (place) => {
    const limit = row(table, "limit", place), all = row(table, "exact", place), kept = row(table, "kept", place);
    const y = (value) => zero - (inner * value) / (2 * limit);
    const [low, high] = row(table, "ends", place);
    reach.setAttribute("y", y(high));
    reach.setAttribute("height", y(low) - y(high));
    exact.setAttribute("d", `M${Array.from(all, (value, k) => `${x(k)} ${y(value)}`).join("L")}`);
    let circles = "", dots = "", triangles = "";
    for (let k = 0; k <= terms; k += 1) {
      circles += `M${x(k) - 5} ${y(all[k])}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z`;
      if (kept[k] === all[k]) dots += dot(x(k), y(kept[k]));
      else triangles += triangle(x(k), y(kept[k]), 5);
    }
    rings.setAttribute("d", circles);
    right.setAttribute("d", dots);
    wrong.setAttribute("d", triangles);
    const ends = high <= limit ? [low, high] : [-limit, limit]; // the range where it is in the picture
    const room = y(ends[0]) - y(ends[1]);
    [...ends, 0].forEach((value, i) => {
      labels[i].setAttribute("y", top + y(value) + [12, -3, 4][i]);
      write(labels[i], i === 2 && room < 40 ? "" : String(value).replace("-", "−"));
    });
  };
}

function errors(svg, table) {
  svg.setAttribute("viewBox", "0 0 360 300");
  const { given, texts, places, errors: ticks, error_texts: tickTexts, limit } = table.view;
  const left = 44, top = 8, width = 308, height = 246, steps = given.length;
  const x = (i) => (width * (i + 2)) / (steps + 3);
  const y = (error) => height / 2 - (height * error) / (2 * limit);
  const plot = shape(svg, "svg", { x: left, y: top, width, height, overflow: "hidden" });
  shape(plot, "rect", { class: "q-reach", x: 0, width, y: y(0.5), height: y(-0.5) - y(0.5) });
  shape(plot, "path", { class: "q-grid", d: ticks.map((tick) => `M0 ${y(tick)}h${width}`).join("") });
  const near = shape(plot, "path", { class: "q-dots" });
  const far = shape(plot, "path", { class: "q-saturated" });
  const here = shape(plot, "circle", { class: "q-exact", r: 9 });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width, height });
  places.forEach((i, k) => shape(svg, "text", { x: left + x(i), y: top + height + 16, "text-anchor": "middle" }, texts[k]));
  ticks.forEach((tick, k) => shape(svg, "text", { x: left - 6, y: top + y(tick) + 4, "text-anchor": "end" }, tickTexts[k]));
  shape(svg, "text", { x: left + width / 2, y: 294, "text-anchor": "middle" }, "accumulator");
  shape(svg, "text", { transform: `translate(12 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle" }, "error (steps of the output)");
  return (place) => {
    const all = row(table, "errors", place), beyond = row(table, "far", place);
    let dots = "", triangles = "";
    for (let i = 0; i < steps; i += 1) {
      if (beyond[i]) triangles += triangle(x(i), y(all[i]), 4);
      else dots += dot(x(i), y(all[i]));
    }
    near.setAttribute("d", dots);
    far.setAttribute("d", triangles);
    here.setAttribute("cx", x(place.accumulator));
    here.setAttribute("cy", y(all[place.accumulator]));
  };
}

function clipping(svg, table) {
  svg.setAttribute("viewBox", "0 0 360 300");
  const { bars, ticks, tick_texts: texts } = table.view;
  const left = 26, top = 10, width = 326, height = 242, count = table.byName.clip.lists[0].length;
  const plot = shape(svg, "svg", { x: left, y: top, width, height, overflow: "hidden" });
  const kept = shape(plot, "rect", { class: "q-reach", y: -2, height: height + 4, x: -2 });
  const bar = (share, i) => `M${(width * i) / bars.length} ${height}v${-0.9 * height * share}h${width / bars.length}v${0.9 * height * share}`;
  shape(plot, "path", { class: "q-bars", d: bars.map(bar).join("") });
  const names = ["clipping", "rounding", "total"];
  const lines = names.map((name) => shape(plot, "path", { class: `q-by-${name}` }));
  const edge = shape(plot, "path", { class: "q-tick" });
  const here = shape(plot, "path", { class: "q-start" });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width, height });
  ticks.forEach((tick, i) => shape(svg, "text", { x: left + width * tick, y: top + height + 16, "text-anchor": "middle" }, texts[i]));
  shape(svg, "text", { x: left + width / 2, y: 290, "text-anchor": "middle" }, "size of a value, clipping point (real units)");
  shape(svg, "text", { transform: `translate(14 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle" }, "squared error");
  const at = (curve, i) => [(width * (i + 1)) / count, height - height * curve[i]];
  return (place) => {
    const curves = names.map((name) => row(table, `${name}_curve`, place));
    curves.forEach((curve, k) => {
      lines[k].setAttribute("d", `M${Array.from(curve, (_, i) => at(curve, i).join(" ")).join("L")}`);
    });
    const [x, y] = at(curves[2], place.clip);
    kept.setAttribute("width", x + 2);
    edge.setAttribute("d", `M${x} 0v${height}`);
    here.setAttribute("d", dot(x, y));
  };
}

function walk(svg, table) {
  svg.setAttribute("viewBox", "0 0 400 432");
  const { layers, columns, counts, parts, ink } = table.view;
  const left = 4, width = 392, top = 52, height = 240, bar = 308, step = width / layers.length;
  const widths = table.byName.bit_width, first = 130, column = (left + width - first) / widths.lists[0].length;
  layers.forEach((name, i) => {
    shape(svg, "rect", { class: "q-frame", x: left + step * i + 5, y: 4, width: step - 10, height: 22 });
    shape(svg, "text", { x: left + step * (i + 0.5), y: 20, "text-anchor": "middle" }, name);
    if (i) shape(svg, "path", { class: "q-tick", d: `M${left + step * i - 5} 15h10m-4 -3l4 3l-4 3` });
  });
  const looked = shape(svg, "rect", { class: "q-exact", y: 3, width: step - 8, height: 24 });
  const narrow = shape(svg, "text", { class: "q-strong", y: 42, "text-anchor": "middle" });
  const grid = shape(svg, "path", { class: "q-grid" });
  const filled = shape(svg, "path", { class: "q-kept" });
  const hollow = shape(svg, "path", { class: "q-bars" });
  shape(svg, "rect", { class: "q-frame", x: left, y: top, width, height });
  const texts = shape(svg, "g");
  shape(svg, "rect", { class: "q-frame", x: left, y: bar, width, height: 12 });
  const reached = shape(svg, "rect", { class: "q-kept", y: bar + 2, height: 8 });
  const zero = shape(svg, "path", { class: "q-start-line" });
  const ends = ["start", "end"].map((anchor, i) => shape(svg, "text", { x: left + width * i, y: bar + 28, "text-anchor": anchor }));
  shape(svg, "text", { x: left + width / 2, y: bar + 28, "text-anchor": "middle" }, "range of the layer");
  const paper = Array.from({ length: 64 }, (_, i) =>
    shape(svg, "rect", { class: "q-pixel", x: left + 8 * (i % 8), y: 360 + i - (i % 8), width: 8, height: 8 }));
  shape(svg, "rect", { class: "q-frame", x: left, y: 360, width: 64, height: 64 });
  shape(svg, "text", { x: 76, y: 382 }, "bits");
  shape(svg, "text", { x: 76, y: 412 }, "answer");
  const answers = widths.texts[0].map((text, i) => {
    shape(svg, "text", { x: first + column * (i + 0.5), y: 382, "text-anchor": "middle" }, text);
    return shape(svg, "text", { x: first + column * (i + 0.5), y: 412, "text-anchor": "middle" });
  });
  const here = shape(svg, "rect", { class: "q-exact", y: 362, width: column - 2, height: 62 });
  const signs = (value) => String(value).replace("-", "−");
  // The layer's integers at a place: of the rows of all networks, the one that this setting has.
  const stored = (name, layer, place) => {
    const count = counts[layer], at = count * row(table, `${layers[layer]}_at`, place);
    return row(table, name, place).subarray(at, at + count);
  };
  let drawn = -1;
  const cells = (layer) => {
    const across = columns[layer], down = counts[layer] / across;
    texts.replaceChildren();
    for (let i = 0; i < counts[layer]; i += 1) {
      const x = left + (width * ((i % across) + 0.5)) / across, y = top + (height * ((i - (i % across)) / across + 0.5)) / down;
      shape(texts, "text", { x, y: y + 2, "text-anchor": "middle" });
    }
    const upright = Array.from({ length: across - 1 }, (_, i) => `M${left + (width * (i + 1)) / across} ${top}v${height}`);
    const level = Array.from({ length: down - 1 }, (_, i) => `M${left} ${top + (height * (i + 1)) / down}h${width}`);
    grid.setAttribute("d", [...upright, ...level].join(""));
    drawn = layer;
  };
  return (place) => {
    const { layer } = place, across = columns[layer], down = counts[layer] / across, name = layers[layer];
    if (layer !== drawn) cells(layer);
    const values = stored(name, layer, place), scores = layer === layers.length - 1;
    const beyond = table.facts[`${name}_beyond`] ? stored(`${name}_beyond`, layer, place) : null;
    const all = row(table, "answers", place), answer = all[place.bit_width];
    const [low, high] = row(table, "ends", place), [least, most] = row(table, "reached", place);
    const largest = most > -least ? most : -least;
    let above = "", below = "";
    values.forEach((value, i) => {
      const size = largest ? ((width / across - 2) * (value < 0 ? -value : value)) / largest : 0;
      const x = left + (width * (i % across)) / across + 1, y = top + (height * ((i - (i % across)) / across + 1)) / down;
      const box = `M${x} ${y - 7}h${size}v5h${-size}z`;
      if (value > 0) above += box;
      if (value < 0) below += box;
      const mark = beyond && beyond[i] ? (beyond[i] > 0 ? " ▲" : " ▼") : "";
      const node = texts.children[i];
      write(node, scores ? `${i}: ${signs(value)}${i === answer ? " ●" : ""}` : signs(value) + mark);
      const strong = mark === " ▲" || (scores && i === answer);
      node.setAttribute("class", strong ? "q-strong" : most - least > 9999 && !scores ? "q-long" : "");
    });
    filled.setAttribute("d", above);
    hollow.setAttribute("d", below);
    row(table, "pixels", place).forEach((grey, i) => paper[i].setAttribute("fill-opacity", grey / ink));
    const x = (value) => left + (width * (value - low)) / (high - low);
    reached.setAttribute("x", x(least));
    reached.setAttribute("width", x(most) - x(least));
    zero.setAttribute("d", `M${x(0)} ${bar - 4}v20`);
    [low, high].forEach((end, i) => write(ends[i], signs(end)));
    looked.setAttribute("x", left + step * layer + 4);
    narrow.setAttribute("x", left + step * (parts[place.part] + 0.5));
    write(narrow, sentence(table, "↑ {width}", place));
    all.forEach((digit, i) => {
      const flipped = digit !== all[all.length - 1];
      write(answers[i], `${digit}${flipped ? "≠" : ""}`);
      answers[i].setAttribute("class", flipped ? "q-answer q-flipped" : "q-answer");
    });
    here.setAttribute("x", first + column * place.bit_width + 1);
  };
}

const DRAWINGS = {
  staircase: { draw: staircase, legend: ["● stored", "▲ saturated", "┄ stored = given", "▒ window of the format"] },
  ring: { draw: ring, legend: ["● a", "◆ wrapped", "■ saturated", "○ exact", "┋ seam: from the highest to the lowest"] },
  map: { draw: map, legend: ["▲ add then round gives more", "▼ add then round gives less", "○ the present pair"] },
  sums: { draw: sums, legend: ["○ exact", "● kept, exact", "▲ kept, wrong", "▒ range of the accumulator"] },
  errors: { draw: errors, legend: ["● nearest integer", "▲ further than ½ step", "▒ within ½ step", "○ the present accumulator"] },
  clipping: {
    draw: clipping,
    legend: ["╌ error by clipping", "┈ error by rounding", "─ both", "● the present format", "▒ what it reaches", "▥ how many values have that size, 0 left out"],
  },
  walk: {
    draw: walk,
    legend: ["▬ bar: size above 0", "▭ hollow bar: below 0", "▲ saturated", "▼ was below 0", "■ what this scan reaches", "● largest score", "≠ flipped"],
  },
};

// ---- one control: a labelled native element, and a field to type in ------------------------------------------------

function slider(control, change) {
  const range = element("input", { type: "range", min: 0, step: 1, "aria-label": control.label });
  const field = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `${control.label}, type a value` });
  const node = element("div", { class: "q-control" }, element("span", { class: "q-label", "aria-hidden": "true" }, control.label), range, field);
  range.addEventListener("input", () => change.to(range.valueAsNumber));
  field.addEventListener("change", () => change.typed(field.value));
  return {
    node,
    show(table, place) {
      const texts = control.texts[listNumber(control, place)];
      range.max = texts.length - 1;
      range.value = place[control.name];
      range.setAttribute("aria-valuetext", sentence(table, control.spoken, place));
      field.value = texts[place[control.name]];
    },
  };
}

function toggle(control, change) {
  const box = element("input", { type: "checkbox" });
  const said = element("span", { class: "q-said" });
  box.addEventListener("change", () => change.to(box.checked ? 1 : 0));
  return {
    node: element("label", { class: "q-control" }, element("span", { class: "q-label" }, control.label), box, said),
    show(table, place) {
      box.checked = place[control.name] === 1;
      write(said, sentence(table, control.spoken, place));
    },
  };
}

function choice(control, change) {
  const select = element("select");
  control.texts[0].forEach((text, i) => select.append(element("option", { value: i }, text)));
  select.addEventListener("change", () => change.to(select.selectedIndex));
  return {
    node: element("label", { class: "q-control" }, element("span", { class: "q-label" }, control.label), select),
    show(table, place) {
      select.selectedIndex = place[control.name];
    },
  };
}

const KINDS = { slider, switch: toggle, choice };

// ---- the widget ----------------------------------------------------------------------------------------------------

const UNFIT = "The table does not fit its controls, so it cannot be drawn: run the cell again.";

// The opened table, or null where it cannot be drawn.
function checked(payload) {
  try {
    const table = open(payload);
    return DRAWINGS[table.picture] ? table : null;
  } catch {
    return null;
  }
}

function page(root) {
  const parts = {
    title: element("div", { class: "q-title" }),
    controls: element("div", { class: "q-controls" }),
    message: element("p", { class: "q-message", role: "status" }),
    picture: element("div", { class: "q-picture" }),
    legend: element("ul", { class: "q-legend", "aria-label": "Marks of the picture" }),
    lines: element("div", { class: "q-lines" }),
    readout: element("p", { class: "q-readout", "aria-live": "polite" }),
    challenge: element("p", { class: "q-challenge", "aria-live": "polite" }),
  };
  const figure = element("div", { class: "q-figure" }, parts.message, parts.picture, parts.legend);
  const side = element("div", { class: "q-side" }, parts.controls, parts.readout, parts.lines, parts.challenge);
  root.replaceChildren(parts.title, element("div", { class: "q-body" }, side, figure));
  return parts;
}

function render({ model, el }) {
  const root = element("div", { class: "qtutor-explorer", role: "group", "data-lm-suppress-shortcuts": "true" });
  el.append(root);
  // JupyterLab would take the arrow keys and letters for its own commands.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const parts = page(root);
  let table = null, place = null, shown = [], draw = null, ours = false, trouble = "";

  function show() {
    shown.forEach((control) => control.show(table, place));
    draw(place);
    const said = sentence(table, table.readout, place);
    write(parts.readout, said);
    parts.picture.firstChild.setAttribute("aria-label", said);
    [...parts.lines.children].forEach((node, i) => write(node, sentence(table, table.lines[i], place)));
    say();
  }

  function say() {
    const message = model.get("busy") ? "Computing the table…" : trouble || model.get("message");
    write(parts.message, message || "");
    root.setAttribute("aria-busy", String(Boolean(model.get("busy"))));
    if (!table) return;
    const progress = model.get("progress");
    const task = table.tasks[progress < table.tasks.length ? progress : table.tasks.length - 1];
    write(parts.challenge, task || "");
    root.classList.toggle("q-met", progress > 0);
  }

  function tell(message, progress) {
    ours = true;
    table.controls.forEach((control) => model.set(control.name, control.lists[listNumber(control, place)][place[control.name]]));
    model.set("message", message);
    model.set("progress", progress);
    ours = false;
    show();
    model.save_changes();
  }

  function move(name, position) {
    const next = moved(table, place, name, position);
    place = next.place;
    tell(next.message, met(table, place, model.get("progress")));
  }

  function type(control, text) {
    const position = typed(control, place, text);
    const number = listNumber(control, place);
    if (position >= 0) return move(control.name, position);
    const words = { label: control.label, value: text, choices: control.choices[number], kept: control.texts[number][place[control.name]] };
    return tell(sentence(table, table.messages.off_list, place, words), model.get("progress"));
  }

  // Python moved a control, or another view of the same model did. A value on no list is on its way to another one:
  // Python puts it back, and its message says so.
  function follow() {
    if (ours || !table) return;
    place = standing(table, model) || place;
    show();
  }

  function build() {
    const fitting = checked(model.get("table"));
    trouble = fitting ? "" : UNFIT;
    if (!fitting) return say(); // the last good picture stays
    table = fitting;
    const { draw: drawing, legend } = DRAWINGS[table.picture];
    write(parts.title, table.title);
    root.setAttribute("aria-label", table.title);
    shown = table.controls.map((control) =>
      KINDS[control.kind](control, { to: (position) => move(control.name, position), typed: (text) => type(control, text) }));
    const reset = element("button", { type: "button", class: "q-reset" }, "Reset");
    reset.addEventListener("click", () => {
      place = starts(table);
      tell("", met(table, place, 0));
    });
    parts.controls.replaceChildren(...shown.map((control) => control.node), reset);
    parts.legend.replaceChildren(...legend.map((text) => element("li", {}, text)));
    parts.lines.replaceChildren(...table.lines.map(() => element("p")));
    parts.picture.replaceChildren();
    const svg = shape(parts.picture, "svg", { role: "img" });
    draw = drawing(svg, table);
    place = standing(table, model) || starts(table);
    return show();
  }

  const words = () => (ours ? undefined : say());
  const names = model.get("table").controls ? model.get("table").controls.map((control) => control.name) : [];
  const listeners = [["change:table", build], ["change:message", words], ["change:progress", words], ["change:busy", words],
    ...names.map((name) => [`change:${name}`, follow])];
  listeners.forEach(([event, listener]) => model.on(event, listener));
  build();
  return () => listeners.forEach(([event, listener]) => model.off(event, listener));
}

export default { render };
