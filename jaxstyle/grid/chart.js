// Charts of losses.
const COLORS = ["#3b82d6", "#e07b28", "#2f9e6e", "#c2559d", "#8a6fe8", "#b8860b", "#17a2b8", "#d1495b"];

function shape(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function number(value, digits = 5) {
  const rounded = Number(value.toPrecision(digits));
  const plain = rounded === 0 || (Math.abs(rounded) >= 1e-3 && Math.abs(rounded) < 1e5);
  return plain ? String(rounded) : rounded.toExponential().replace("+", "");
}

const extent = (values) => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);

const NOTHING = 1e-6;  // beside a loss: about how single precision rounds

/* The values of a line that matter on a logarithmic axis, as their ends. Gaps of two decades part
   the values; parts with a quarter of them count: a few steps where a loss has not begun, or
   diverges, do not. */
function span(values) {
  const sorted = values.filter((value) => value > 0).sort((a, b) => b - a);
  const parts = [];
  for (const [i, value] of sorted.entries()) {
    if (!i || sorted[i - 1] > 100 * value) parts.push([]);
    parts.at(-1).push(value);
  }
  const counting = parts.filter((part) => 4 * part.length >= values.length);
  if (!counting.length) counting.push(...parts.sort((a, b) => b.length - a.length).slice(0, 1));
  return counting.length ? ends(counting.map((part) => [part.at(-1), part[0]])) : null;
}

/* From the lowest to the highest of some ranges, without those that are nothing beside the highest. */
function ends(ranges) {
  const high = Math.max(...ranges.map((range) => range[1]));
  return [Math.min(...ranges.filter((range) => range[1] > NOTHING * high).map((range) => range[0])), high];
}

/* Whether an axis is logarithmic, and its ends before there is room around them. */
function bounds(lines) {
  const values = lines.flat();
  const spans = values.some((value) => value < 0) ? [] : lines.map(span).filter(Boolean);
  return spans.length ? { logarithmic: true, ends: ends(spans) } : { logarithmic: false, ends: extent(values) };
}

function ticks(low, high, logarithmic) {
  if (logarithmic) {
    const decades = Math.log10(high / low);
    const stride = Math.ceil(decades / 6);
    const values = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      if (stride > 1 && power % stride) continue;
      for (const digit of decades < 2.5 ? [1, 2, 5] : [1]) values.push(digit * 10 ** power);
    }
    const inside = values.filter((value) => value >= low && value <= high);
    if (inside.length > 2) return inside;
  }
  const raw = (high - low) / 6;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((digit) => digit * unit >= raw);
  const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
  return Array.from({ length: count }, (_, i) => (Math.ceil(low / step) + i) * step);
}

/* A scale from values to pixels. What lies beyond its ends is at the edge. */
function scale([least, most], logarithmic, start, end, margin) {
  const forward = logarithmic ? (value) => Math.log10(Math.max(value, Number.MIN_VALUE)) : (value) => value;
  const backward = logarithmic ? (value) => 10 ** value : (value) => value;
  let [low, high] = [least, most].map(forward);
  // A constant still needs a range around it.
  const pad = high > low ? (high - low) * margin : logarithmic ? 0.5 : Math.abs(high) * 0.1 || 1;
  [low, high] = [low - pad, high + pad];
  const place = (value) => start
    + ((Math.min(Math.max(forward(value), low), high) - low) / (high - low)) * (end - start);
  return { place, low: backward(low), high: backward(high) };
}

/* Lines: {color, dash, points: [{x, y, title?, open?}]}; y null leaves a gap. Options: across and up
   (titles), logX, stops (ticks of x), marks ([{from, text}], sections of x). */
function chart(host, lines, options) {
  const series = lines.map((line) => line.points.map((point) => point.y).filter((value) => value !== null));
  const points = lines.flatMap((line) => line.points).filter((point) => point.y !== null);
  if (!points.length) return host.replaceChildren(element("p", { className: "faint" }, "No values to draw."));
  const width = Math.max(260, host.clientWidth), height = Math.min(320, Math.max(200, width * 0.5));
  const right = 12, top = 20, bottom = 36;
  const { logarithmic: logY, ends: limits } = bounds(series);
  const y = scale(limits, logY, height - bottom, top, 0.05);
  // Enough digits to tell one tick from the next, however small the range beside the values.
  const digits = Math.min(15, 4 + Math.max(0, Math.ceil(Math.log10(Math.abs(y.high) / (y.high - y.low)))));
  const grades = ticks(y.low, y.high, logY).map((value) => [y.place(value), number(value, digits)]);
  const left = 22 + 6.5 * Math.max(3, ...grades.map(([, text]) => text.length));
  const x = scale(extent(points.map((point) => point.x)), options.logX, left, width - right, options.stops ? 0.03 : 0);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.up });
  const line = (x1, y1, x2, y2) => svg.append(shape("path", { class: "frame", d: `M${x1} ${y1}L${x2} ${y2}` }));

  let free = height;
  for (const [place, text] of grades) {
    line(left, place, width - right, place);
    if (place > free - 13) continue;  // no label over another
    svg.append(shape("text", { x: left - 6, y: place + 4, "text-anchor": "end" }, text));
    free = place;
  }
  free = -Infinity;
  for (const value of options.stops || ticks(x.low, x.high, false).filter(Number.isInteger)) {
    const place = x.place(value), text = String(value), half = text.length * 3.5;
    if (place - half < free) continue;
    const anchor = place + half > width ? "end" : "middle";
    svg.append(shape("text", { x: place, y: height - bottom + 15, "text-anchor": anchor }, text));
    free = place + half;
  }
  free = -Infinity;
  for (const { from, text } of options.marks || []) {
    if (from >= x.high && from > x.low) continue;  // stopped before
    const place = x.place(Math.max(from, x.low));
    if (from > x.low) line(place, top - 12, place, height - bottom);
    if (place + 4 < free) continue;
    svg.append(shape("text", { x: place + 4, y: top - 6 }, text));
    free = place + 4 + text.length * 6.5;
  }
  line(left, height - bottom, width - right, height - bottom);
  svg.append(shape("text", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" },
    options.across + (options.logX ? " (log)" : "")));
  svg.append(shape("text", { x: -(top + height - bottom) / 2, y: 10, transform: "rotate(-90)",
    "text-anchor": "middle" }, options.up + (logY ? " (log)" : "")));
  for (const { points: own, ...paint } of lines) {
    let pen = "M", path = "";
    for (const point of own) {
      if (point.y === null) { pen = "M"; continue; }
      const place = `${x.place(point.x).toFixed(1)} ${y.place(point.y).toFixed(1)}`;
      path += pen === "M" ? `M${place}L${place}` : `L${place}`;  // a lone point is a dot
      pen = "L";
    }
    svg.append(curve(paint, path));
    for (const point of own) {
      if (!point.open || point.y === null) continue;
      const style = `fill: ${paint.color}`;
      const dot = shape("circle", { cx: x.place(point.x), cy: y.place(point.y), r: 4.5, style });
      dot.append(shape("title", {}, `${point.title}: ${number(point.y)}`));
      dot.addEventListener("click", point.open);
      svg.append(dot);
    }
  }
  const beyond = [
    points.some((point) => point.y < y.low) ? `below ${number(y.low, 2)} lie on the lower edge` : "",
    points.some((point) => point.y > y.high) ? `above ${number(y.high, 2)} lie on the upper edge` : "",
  ].filter(Boolean).join(", ");
  return host.replaceChildren(svg, beyond ? element("p", { className: "faint" }, `Values ${beyond}.`) : "");
}

// More lines than colors are told apart by dashes.
const DASHES = ["none", "6 4", "2 4"];
const paint = (i) => ({ color: COLORS[i % COLORS.length], dash: DASHES[Math.floor(i / COLORS.length) % 3] });
const curve = ({ color, dash }, path) =>
  shape("path", { class: "curve", d: path, style: `stroke: ${color}; stroke-dasharray: ${dash}` });
function swatch(paint) {
  const made = shape("svg", { viewBox: "0 0 20 4", class: "swatch" });
  made.append(curve(paint, "M1 2L19 2"));
  return made;
}
