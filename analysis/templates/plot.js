// Drawing the explorer's plot: axes, law, runs.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element. */
function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A closed path round a band, or an open one along a curve. */
function path(scales, x, y, back = null) {
  const at = (values) => values.map((value, i) => [scales.x.place(x[i]), scales.y.place(value)]);
  const corners = back ? [...at(y), ...at(back).reverse()] : at(y);
  return `M${corners.map((corner) => corner.map((c) => c.toFixed(1)).join(" ")).join("L")}${back ? "Z" : ""}`;
}

const MARKS = {
  fitted: (x, y) => s("circle", { cx: x, cy: y, r: 4.5 }),
  held: (x, y) => s("circle", { cx: x, cy: y, r: 4.5 }),
  out: (x, y) => s("path", { d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8` }),
  predicted: (x, y) => s("path", { d: `M${x} ${y - 5}l5 5l-5 5l-5-5z` }),
};

function mark(kind, x, y, share = 0) {
  const element = MARKS[kind](x, y);
  element.setAttribute("class", `mark ${kind}`);
  element.style.setProperty("--share", `${(100 * share).toFixed(0)}%`);
  return element;
}

/** Scales of both axes that hold the points, the law and what it predicts. */
function scalesOf(points, curves, predictions, limit, box) {
  const y = points.map((point) => point.y);
  const positive = y.every((value) => value > 0);
  const x = points.map((point) => point.x);
  const [left, right] = padded(x, 0.05, true);
  const within = (curve) => curve.y.filter((value, i) => curve.x[i] >= left && curve.x[i] <= right);
  const all = [...y, ...curves.flatMap(within), ...predictions.flatMap((item) => [item.low, item.high])];
  const room = Math.max(...y) / Math.min(...y);
  if (limit && positive && Math.min(...y) / limit.value < room) all.push(limit.value);
  const [bottom, top] = padded(all.filter((value) => value !== null), 0.07, positive);
  return {
    x: axis(left, right, box.left, box.right, 58, true),
    y: axis(bottom, top, box.bottom, box.top, 44, positive),
    bottom, top,
  };
}

function drawAxes(svg, scales, box, labels) {
  const grid = s("g", { class: "grid" }), texts = s("g", { class: "ticks" });
  for (const { value, label } of scales.x.ticks) {
    const x = scales.x.place(value);
    grid.append(s("path", { d: `M${x} ${box.top}V${box.bottom}` }));
    texts.append(s("text", { x, y: box.bottom + 17, "text-anchor": "middle" }, label));
  }
  for (const { value, label } of scales.y.ticks) {
    const y = scales.y.place(value);
    grid.append(s("path", { d: `M${box.left} ${y}H${box.right}` }));
    texts.append(s("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, label));
  }
  texts.append(
    s("text", { x: box.right, y: box.bottom + 36, "text-anchor": "end", class: "label" }, labels.x),
    s("text", { x: 2, y: 14, class: "label" }, labels.y),
  );
  svg.append(grid, texts);
}

/** Bands below lines, dashed beyond the rungs that were fitted. */
function drawLaw(svg, law, curves, limit, scales, box, share) {
  for (const curve of curves) {
    const look = curve.rung === null ? "law" : "law of-rung";
    const own = { "data-rung": curve.rung ?? "",
      style: curve.rung === null ? "" : `--share: ${(100 * share(curve.rung)).toFixed(0)}%` };
    if (curve.low) {
      const d = path(scales, curve.x, curve.low, curve.high);
      svg.append(s("path", { class: `band ${look}`, ...own, d }));
    }
    const last = curve.x.length - 1;
    const end = curve.rung === null ? curve.x.findLastIndex((x) => x <= law.fitted_to * 1.01) : last;
    const beyond = curve.rung !== null && curve.low && !law.rungs.includes(curve.rung);
    const line = (from, to, dashed) => s("path", {
      class: `line ${look}${dashed ? " beyond" : ""}`, ...own,
      d: path(scales, curve.x.slice(from, to), curve.y.slice(from, to)),
    });
    svg.append(line(0, end + 1, beyond));
    if (end < last) svg.append(line(end, last + 1, true));
  }
  if (limit && limit.value > scales.bottom && limit.value < scales.top) {
    const y = scales.y.place(limit.value);
    svg.append(
      s("path", { class: "limit", d: `M${box.left} ${y}H${box.right}` }),
      s("text", { class: "limit-label", x: box.left + 6, y: y - 5 }, `${limit.word} ${limit.text}`),
    );
  }
}

/** A held-out rung as predicted; beside its runs where the axis is size, not upon them. */
function drawPrediction(svg, item, scales, along) {
  const x = scales.x.place(item[along]) + (along === "size" ? 13 : 0);
  const [low, high] = [scales.y.place(item.low), scales.y.place(item.high)];
  svg.append(
    s("path", { class: "interval", d: `M${x} ${low}V${high}M${x - 4} ${low}h8M${x - 4} ${high}h8` }),
    mark("predicted", x, scales.y.place(item.value)),
  );
}

/** The rungs' names at the ends of their curves, moved apart where they would overlap. */
function drawNames(svg, rungs, points, box, share) {
  const ends = new Map();
  for (const point of points) {
    const before = ends.get(point.run.rung);
    if (!before || point.x >= before.x) ends.set(point.run.rung, point);
  }
  let free = box.top;
  for (const [rung, point] of [...ends].sort(([, a], [, b]) => a.at[1] - b.at[1])) {
    const y = Math.max(point.at[1] + 4, free);
    free = y + 13;
    const text = s("text", { class: "rung", x: point.at[0] + 9, y }, rungs[rung]);
    text.style.setProperty("--share", `${(100 * share(rung)).toFixed(0)}%`);
    svg.append(text);
  }
}
