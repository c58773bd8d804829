// The page: the grid, the final losses, and the large view of one cell.
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const pairs = (entries, style) => element("table", { className: "pairs " + (style || "") },
  ...entries.map(([name, value]) =>
    element("tr", null, element("th", { scope: "row" }, name), element("td", null, shown(value)))));
const labels = (names, cell) => element("dl", null, ...names.map((name) =>
  element("div", null, element("dt", null, name), element("dd", null, cell.values[name] ?? "–"))));

const terms = [...new Set(data.cells.flatMap((cell) => Object.keys(cell.history || {})))];
terms.sort((a, b) => (b === "total") - (a === "total"));
const final = (cell, term) => (cell.history?.[term] || []).at(-1) ?? null;
const termPaint = (term) => (term === "total" ? { color: "var(--text)", dash: "none" }
  : paint(terms.filter((other) => other !== "total").indexOf(term)));
const termText = (term) => (term === "total" ? "total (weighted)" : term);

// The grid.
const holders = new Map();  // of each cell: what shows it, and its buttons

function thumbnail(cell) {
  if (cell.absent) return element("div", { className: "cell empty" }, "not done");
  const title = titled(cell) + (cell.failure ? "\n" + cell.failure : "");
  const button = element("button", { type: "button", className: "cell", title, ariaLabel: title });
  if (cell.picture) button.append(element("img", { src: cell.picture, alt: "", decoding: "async" }));
  if (cell.failure) {
    button.classList.add("failed");
    button.append(element("span", null, "✕ failed: " + cell.failure));
  } else if (!cell.picture) {
    button.classList.add("empty");
    button.append("not done");
  }
  button.addEventListener("click", () => open(cell));
  const favorite = star(() => cell);
  const holder = element("div", { className: "holder" }, button, favorite);
  holder.addEventListener("keydown", (event) => event.key === "f" && plain(event) && mark(cell));
  holders.set(cell, { button, favorite });
  return holder;
}
const plain = (event) => !(event.altKey || event.ctrlKey || event.metaKey);

// Boxes of cells, row by row as `lines`.
const boxes = lines.map((line) => line.map((cell) => (flat
  ? element("figure", null, thumbnail(cell), element("figcaption", null, labels(names, cell)))
  : element("td", null, thumbnail(cell)))));
const heads = flat ? [] : across.values.map((value) => element("th", { scope: "col" }, value));
const bodyRows = flat ? [] : rows.map((row, i) => element("tr", null,
  element("th", { scope: "row" }, labels(downNames, { values: row })), ...boxes[i]));
const grid = flat ? element("div", { className: "flat" }, ...boxes.flat())
  : element("div", { className: "grid" }, element("table", null,
    element("thead", null, element("tr", null,
      element("th", { className: "faint", scope: "col" }, across.name + "\u00a0→"), ...heads)),
    element("tbody", null, ...bodyRows)));

/* Shows what matches: of a table, rows and columns with nothing that does are left out. */
function showCells() {
  const seen = lines.map((line) => line.map(matches));
  const columns = heads.map((_, j) => seen.some((line) => line[j]));
  heads.forEach((head, j) => { head.hidden = !columns[j]; });
  bodyRows.forEach((row, i) => { row.hidden = !seen[i].some(Boolean); });
  boxes.forEach((line, i) => line.forEach((box, j) => {
    box.hidden = flat ? !seen[i][j] : !columns[j];
    box.classList.toggle("out", !seen[i][j]);
  }));
  for (const { favorite } of holders.values()) favorite.show();
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
function neighbor(cell, pressed) {
  if (!(pressed in STEPS)) return undefined;
  const [rowStep, columnStep] = STEPS[pressed];
  let row = lines.findIndex((line) => line.includes(cell)), column = lines[row]?.indexOf(cell);
  const skipped = () => lines[row][column].absent || !matches(lines[row][column]);
  do { row += rowStep; column += columnStep; } while (lines[row] && column in lines[row] && skipped());
  return lines[row]?.[column];
}

const size = element("input", { type: "range", min: 60, max: 480, value: 180 });
size.addEventListener("input", () => document.documentElement.style.setProperty("--thumbnail", size.value + "px"));
const first = grid.querySelector("img");  // boxes without a picture take its shape
first?.addEventListener("load", () =>
  document.documentElement.style.setProperty("--aspect", first.naturalWidth / first.naturalHeight));

document.title = data.title;
const overview = element("section", { id: "overview" });
document.body.append(
  element("h1", null, data.title),
  data.command ? commandLine(data.command) : "",
  element("div", { className: "row", id: "inputs" }, ...data.inputs.map((input) => element("figure", null,
    element("img", { src: input.picture, alt: input.role }),
    element("figcaption", null, input.role + ": " + input.name)))),
  element("section", null,
    element("div", { className: "row" }, tally, favoritesOnly, clear, element("label", { className: "row" }, "Size", size)),
    ...chips.map(({ row }) => row), choices, grid),
  overview,
  element("footer", null, pairs(Object.entries(data.facts || {}))));

// The overview: final losses along the last axis, if its values are numbers.
let drawOverview = () => {};
const numbers = across ? across.values.map((value) => (value.trim() === "" ? NaN : Number(value))) : [];
if (!data.zipped && terms.length && new Set(numbers).size > 1 && numbers.every(Number.isFinite)) {
  const choice = element("select", { ariaLabel: "Term" },
    ...terms.map((term) => element("option", { value: term }, termText(term))));
  const host = element("div", { className: "chart" });
  const order = numbers.map((_, i) => i).sort((a, b) => numbers[a] - numbers[b]);
  const stops = order.map((i) => numbers[i]);
  const point = (cell, x) => ({ x, y: matches(cell) ? final(cell, choice.value) : null,
    title: titled(cell), open: () => open(cell) });
  drawOverview = () => chart(host, lines.map((line, i) => ({
    ...paint(i), points: order.map((k) => point(line[k], numbers[k])),
  })), { across: across.name, up: "final " + choice.value, stops, logX: stops[0] > 0 && stops.at(-1) > 20 * stops[0] });
  overview.append(element("div", { className: "row" }, element("h2", null, "Final loss"), choice), host,
    element("div", { className: "legend" }, ...(flat ? [] : rows).map((row, i) =>
      element("span", null, swatch(paint(i)), described(downNames, { values: row })))));
  choice.addEventListener("change", drawOverview);
  addEventListener("resize", drawOverview);
}

// The large view.
const known = data.cells.map((cell) => cell.settings || {}).filter((settings) => Object.keys(settings).length);
const differing = new Set(known.flatMap(Object.keys).filter((name) =>
  new Set(known.map((settings) => JSON.stringify(settings[name]))).size > 1));
const hidden = new Set();  // terms that the reader has switched off, kept from cell to cell
const contents = data.inputs.filter((input) => input.role === "content");
let current = null, drawCurves = () => {};

const button = (text, title) => element("button", { type: "button", title }, text);
const picture = element("img", { alt: "" });
const stage = element("div", { id: "stage", tabIndex: 0, autofocus: true });
const side = element("aside");
const heading = element("div");
const previous = button("←", "Cell to the left (arrow keys)"), next = button("→", "Cell to the right (arrow keys)");
const favorite = star(() => current);
const pixels = button("1:1", "One pixel of the picture per pixel of the page");
const compare = button("Hold: content", "Show the content picture while held (or hold the space bar)");
const close = button("✕", "Close (Esc)");
const bar = element("header", { className: "row" }, previous, next, heading, favorite, pixels, compare, close);
const dialog = element("dialog", { ariaLabel: "Large view" }, bar, stage, side);
document.body.append(dialog);

function refresh() {
  showFilter();
  showCells();
  drawOverview();
  if (current) showNeighbors();
  writeAddress(dialog.open && current);
}

function showNeighbors() {
  previous.disabled = !neighbor(current, "ArrowLeft");
  next.disabled = !neighbor(current, "ArrowRight");
  favorite.show();
}

function compared(cell) {  // which content picture, if contents are swept too
  return contents.find((input) => [cell.values.content, cell.settings?.content].includes(input.name)) || contents[0];
}

function comparing(on) {
  if (!current?.picture) return;
  const wanted = (on && compared(current)?.picture) || current.picture;
  if (picture.getAttribute("src") !== wanted) picture.src = wanted;
  compare.setAttribute("aria-pressed", on);
}

function losses(cell) {  // their curves, and what draws them once there is a width
  const own = terms.filter((term) => cell.history?.[term]?.length);
  if (!own.length) return [];
  const host = element("div", { className: "chart" });
  let from = 1;
  const marks = (cell.scales || []).map((scale) => {
    from += scale.steps;
    return { from: from - scale.steps, text: scale.size + " px" };
  });
  drawCurves = () => chart(host, own.filter((term) => !hidden.has(term)).map((term) => ({
    ...termPaint(term), points: cell.history[term].map((value, i) => ({ x: i + 1, y: value })),
  })), { across: "step", up: "loss", marks });
  const legend = own.map((term) => {
    const box = element("input", { type: "checkbox", checked: !hidden.has(term) });
    box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](term); drawCurves(); });
    const last = final(cell, term);
    return element("label", null, box, swatch(termPaint(term)), termText(term),
      element("b", null, last === null ? "not finite" : number(last)));
  });
  return [host, element("div", { className: "legend" }, ...legend),
    element("p", { className: "faint" }, "Numbers are the last step's.")];
}

function commands(cell) {
  if (cell.absent || !("command" in cell)) return [];
  const part = (title, command, without) => element("div", null, element("h3", null, title),
    command ? commandLine(command) : element("p", { className: "faint" }, without));
  return [
    part("This cell alone", cell.command, "No command: a picture or a setting is an object, not a file or a name."),
    ...(cell.replay ? [part("The same picture again, byte for byte", cell.replay)] : []),
  ];
}

function fileLinks(cell) {
  const seconds = typeof cell.seconds === "number" ? ` · ${number(cell.seconds)} s` : "";
  if (!cell.picture) return element("p", null, cell.name, seconds);
  const file = element("a", { href: address(cell.file), ...(local ? { target: "_blank" } : { download: base(cell.file) }) },
    (local ? "Open " : "Download ") + base(cell.file));
  const preview = cell.picture.startsWith("data:") ? [" · ", element("a", { href: cell.picture,
    download: base(cell.file).replace(/\.png$/, ".jpg"), title: "As this page shows it, at most 512 px" }, "Download as JPEG")] : [];
  return element("p", null, file, ...(local ? preview : []), seconds);
}

function open(cell) {
  current = cell;
  heading.replaceChildren(names.length ? labels(names, cell) : cell.name);
  pixels.hidden = !cell.picture;
  compare.hidden = !cell.picture || !contents.length;
  stage.replaceChildren(cell.picture ? picture : element("p", { className: cell.failure ? "bad" : "faint" },
    cell.failure ? "✕ failed" : "not done"));
  picture.alt = titled(cell);
  comparing(false);
  drawCurves = () => {};
  const settings = Object.entries(cell.settings || {});
  const same = settings.filter(([name]) => !differing.has(name));
  side.replaceChildren(
    ...(cell.failure ? [element("p", { className: "bad" }, cell.failure)] : []),
    ...losses(cell),
    ...(same.length < settings.length
      ? [pairs(settings.filter(([name]) => differing.has(name)), "different")] : []),
    fileLinks(cell),
    ...commands(cell),
    ...(same.length ? [element("details", null,
      element("summary", null, `Settings that all cells share (${same.length})`), pairs(same))] : []));
  if (!dialog.open) dialog.showModal();
  showNeighbors();
  writeAddress(cell);
  drawCurves();
}

picture.addEventListener("load", () => {
  if (picture.getAttribute("src") !== current.picture) return;  // the content is shown at the result's size
  stage.style.setProperty("--width", picture.naturalWidth + "px");
  stage.style.setProperty("--height", picture.naturalHeight + "px");
});
bar.addEventListener("mousedown", (event) => event.preventDefault());  // the space bar stays the stage's
previous.addEventListener("click", () => open(neighbor(current, "ArrowLeft")));
next.addEventListener("click", () => open(neighbor(current, "ArrowRight")));
pixels.addEventListener("click", () => pixels.setAttribute("aria-pressed", stage.classList.toggle("pixels")));
close.addEventListener("click", () => dialog.close());
compare.addEventListener("pointerdown", () => comparing(true));
compare.addEventListener("contextmenu", (event) => event.preventDefault());  // a long touch
for (const type of ["pointerup", "pointercancel", "blur"]) addEventListener(type, () => comparing(false));
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  comparing(false);
  writeAddress(null);
  holders.get(current)?.button.focus();
});
// On the window, as the focus may have been on something that is gone.
addEventListener("keydown", (event) => {
  if (!dialog.open || !plain(event)) return;
  const cell = neighbor(current, event.key);
  // Space keeps its meaning on what it would press.
  const press = event.key === " " && (event.target === compare || !event.target.closest("button, input, summary, a"));
  if (cell) open(cell);
  if (press) comparing(true);
  if (event.key === "f") mark(current);
  if (cell || press) event.preventDefault();
});
addEventListener("keyup", (event) => event.key === " " && comparing(false));
addEventListener("resize", () => dialog.open && drawCurves());
addEventListener("storage", (event) => { if (event.key === STORE) { recall(); refresh(); } });

function follow() {
  const cell = readAddress();
  if (cell) open(cell); else if (dialog.open) dialog.close();
  refresh();
}
addEventListener("hashchange", follow);
follow();
