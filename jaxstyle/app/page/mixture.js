// A mixture of metrics: a row of fields for each, and one text; the server keeps both the same.
const group = () => element.querySelector(".mixture");
const { kind, legend, catalog: { metrics, networks, smoothings } } = facts;
let edits = 0, waiting = null;

const make = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};
const labeled = (text, field, className = "") =>
  make("label", { className }, make("span", { textContent: text }), field);
const options = (names, first) => [
  ...(first === undefined ? [] : [make("option", { value: "", textContent: first })]),
  ...names.map((one) => make("option", { value: one, textContent: one })),
];
const field = (row, part) => row.querySelector(`[data-part=${part}]`);
const rows = () => [...group().querySelectorAll(".row")];

function choose(select, value) {
  if (value && ![...select.options].some((one) => one.value === value))
    select.append(make("option", { value, textContent: value }));
  select.value = value;
}

function row() {
  const part = (tag, of, attributes, ...children) => {
    const node = make(tag, attributes, ...children);
    node.dataset.part = of;
    return node;
  };
  const metric = part("select", "metric", {}, ...options(Object.keys(metrics), "(choose one)"));
  const weight = part("input", "weight", { type: "number", min: 0, step: "any" });
  const layers = part("input", "layers", { type: "text", spellcheck: false, autocomplete: "off" });
  const network = part("select", "network", {}, ...options(Object.keys(networks), "the run's"));
  const smoothing = part("select", "smoothing", {}, ...options(smoothings));
  const temperature = part("input", "temperature", { type: "number", min: 0, step: "any" });
  const steps = part("input", "steps", { type: "text", placeholder: "all, or 0-50" });
  const remove = make("button", { type: "button", className: "remove", textContent: "×" });
  const more = make("details", {}, make("summary", { textContent: "Smoothing and steps" }),
    make("div", { className: "fields" }, labeled("Smoothing", smoothing),
      labeled("Temperature", temperature), labeled("Steps of each scale", steps)));
  return make("div", { className: "row" },
    labeled("Metric", metric),
    make("p", { className: "meaning" }),
    make("div", { className: "fields" }, labeled("Weight", weight, "narrow"),
      labeled("Network", network), remove),
    labeled("Layers", layers),
    more);
}

function describe(one, number) {
  const about = metrics[field(one, "metric").value], title = field(one, "metric").value || "metric";
  one.setAttribute("role", "group");
  one.setAttribute("aria-label", `${kind} metric ${number + 1}: ${title}`);
  one.querySelector(".meaning").textContent = about?.meaning || "";
  one.querySelector(".remove").setAttribute("aria-label", `Remove ${title}`);
  const layers = field(one, "layers"), network = field(one, "network");
  layers.placeholder = about?.fixed ? "none to choose" : about ? `usual: ${about.layers}` : "";
  layers.disabled = network.disabled = Boolean(about?.fixed);
  layers.title = `Layers of this network: ${(networks[network.value.split("/")[0]] || []).join(", ")}`;
  if (!network.value) layers.removeAttribute("title");
}

function collect() {
  return rows().map((one) =>
    Object.fromEntries([...one.querySelectorAll("[data-part]")].map((f) => [f.dataset.part, f.value])));
}

function fill(one, values) {
  for (const input of one.querySelectorAll("[data-part]")) {
    if (input === document.activeElement) continue;
    const value = String(values[input.dataset.part] ?? "");
    if (input.tagName === "SELECT") choose(input, value);
    else if (input.value !== value) input.value = value;
  }
  const isUsual = [["smoothing", "none"], ["steps", ""]].every(([p, v]) => field(one, p).value === v);
  if (!isUsual) one.querySelector("details").open = true;
}

function show() {
  const value = props.value || {};
  if (value.edit !== undefined && value.edit < edits) {
    send();  // an answer to what was there before the last edit
    return;
  }
  const list = group().querySelector(".rows"), wanted = (value.rows || []).filter((one) => one.metric);
  // Of a row without a metric, which was just added, the server does not know yet.
  const isBlank = (one) => !field(one, "metric").value;
  const blank = rows().filter(isBlank), kept = rows().filter((one) => !isBlank(one));
  kept.slice(wanted.length).forEach((one) => one.remove());
  if (value.edit === undefined) blank.forEach((one) => one.remove());
  wanted.forEach((values, number) => {
    const one = kept[number] || row();
    if (!kept[number]) list.insertBefore(one, blank.find((other) => other.parentNode) || null);
    fill(one, values);
  });
  rows().forEach(describe);
  const text = group().querySelector(".as-text input"), problem = group().querySelector(".problem");
  if (text !== document.activeElement) text.value = value.text || "";
  problem.textContent = value.problem || "";
  problem.hidden = !value.problem;
}

let source = "rows";
function send() {
  clearTimeout(waiting);
  waiting = null;
  const text = group().querySelector(".as-text input").value;
  props.value = { rows: collect(), text, source, edit: edits };
  trigger("input");
}

function edited(from, wait) {
  source = from;
  edits += 1;
  rows().forEach(describe);
  clearTimeout(waiting);
  waiting = setTimeout(send, wait);
}

element.addEventListener("input", (event) => {
  event.stopPropagation();
  edited(event.target.closest(".as-text") ? "text" : "rows", 350);
});
element.addEventListener("change", (event) => event.stopPropagation());
element.addEventListener("click", (event) => {
  if (event.target.closest(".add")) {
    const added = row();
    fill(added, { weight: 1, smoothing: "none", temperature: 1 });
    group().querySelector(".rows").append(added);
    describe(added, rows().length - 1);
    field(added, "metric").focus();
  }
  const remove = event.target.closest(".remove");
  if (remove) {
    remove.closest(".row").remove();
    group().querySelector(".add").focus();
    edited("rows", 0);
  }
});
group().setAttribute("aria-label", legend);
watch("value", show);
show();
