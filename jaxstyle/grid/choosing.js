// Which cells there are, which of them are shown, and what is done with those that are chosen.
const axes = data.axes || [], names = axes.map((axis) => axis.name);
const flat = Boolean(data.zipped) || axes.length < 2;
const across = axes.at(-1), down = flat ? [] : axes.slice(0, -1), downNames = down.map((axis) => axis.name);
const rows = down.reduce((made, axis) => made.flatMap((row) =>
  axis.values.map((value) => ({ ...row, [axis.name]: value }))), [{}]);
const key = (values) => JSON.stringify(names.map((name) => values[name]));
const byValues = new Map(data.cells.map((cell) => [key(cell.values), cell]));
const at = (values) => byValues.get(key(values)) || { values, absent: true };
// Rows of cells as they stand on the page.
const lines = data.zipped || !across ? [data.cells]
  : rows.map((row) => across.values.map((value) => at({ ...row, [across.name]: value })));
const all = lines.flat();

const described = (names, cell) => names.map((name) => `${name} ${cell.values[name]}`).join(", ");
const titled = (cell) => described(names, cell) || cell.name;
// A path, not an address: what it holds must not be taken for a scheme, a query or a fragment.
const address = (file) => "./" + wellFormed(file).split("/").map(encodeURIComponent).join("/");
const wellFormed = (text) => text.toWellFormed?.() ?? text;  // of names that are no text
const manifestOf = (cell) => cell.file.replace(/\.png$/, ".json");
const local = location.protocol === "file:";  // then no other file can be read, nor saved by a link

// Favorites, by the names of cells; for this page alone where nothing may be stored.
const STORE = "jaxstyle favorites " + data.key;
const favorites = new Set();
function recall() {
  let stored = [];
  try { stored = JSON.parse(localStorage.getItem(STORE)) || []; } catch { return; }
  favorites.clear();
  for (const name of stored) favorites.add(name);
}
recall();

function mark(cell) {
  favorites[favorites.has(cell.name) ? "delete" : "add"](cell.name);
  try { localStorage.setItem(STORE, JSON.stringify([...favorites])); } catch { /* for this page alone */ }
  refresh();
}

function star(cell) {
  const made = element("button", { type: "button", className: "star", title: "Favorite (f)" });
  made.addEventListener("click", () => mark(cell()));
  made.show = () => {
    const marked = favorites.has(cell().name);
    made.textContent = marked ? "★" : "☆";
    made.setAttribute("aria-pressed", marked);
    made.ariaLabel = "Favorite: " + titled(cell());
  };
  return made;
}

// The filter: values by name, any of them; all names together.
const wanted = new Map(axes.map((axis) => [axis.name, new Set()]));
let onlyFavorites = false;
const matches = (cell) => (!onlyFavorites || favorites.has(cell.name))
  && names.every((name) => !wanted.get(name).size || wanted.get(name).has(cell.values[name]));
const filtered = () => onlyFavorites || [...wanted.values()].some((values) => values.size);

function chosen() {  // the favorites in sight; if there are none, all in sight
  const shown = all.filter((cell) => cell.picture && matches(cell));
  const marked = shown.filter((cell) => favorites.has(cell.name));
  return marked.length ? marked : shown;
}
const chosenText = () => {
  const cells = chosen(), what = cells.some((cell) => favorites.has(cell.name)) ? "favorite" : "picture";
  return counted(cells.length, what);
};

// The filter is in the address, so that a link or a reload keeps it.
function writeAddress(open) {
  const state = new URLSearchParams();
  for (const [name, values] of wanted) for (const value of values) state.append(name, value);
  if (onlyFavorites) state.set("favorites", "only");
  if (open) state.set("cell", open.name);
  history.replaceState(null, "", String(state) ? "#" + state : location.pathname + location.search);
}
function readAddress() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const axis of axes) {
    const values = state.getAll(axis.name).filter((value) => axis.values.includes(value));
    wanted.set(axis.name, new Set(values));
  }
  onlyFavorites = state.get("favorites") === "only";
  return data.cells.find((cell) => cell.name === state.get("cell"));
}

const chips = axes.filter((axis) => axis.values.length > 1).map((axis) => {
  const made = axis.values.map((value) => {
    const chip = element("button", { type: "button" }, value);
    chip.addEventListener("click", () => {
      const values = wanted.get(axis.name);
      values[values.has(value) ? "delete" : "add"](value);
      refresh();
    });
    chip.show = () => chip.setAttribute("aria-pressed", wanted.get(axis.name).has(value));
    return chip;
  });
  return { shows: made, row: element("div", { className: "chips", role: "group", ariaLabel: axis.name },
    element("span", { className: "faint" }, axis.name), element("div", null, ...made)) };
});
const favoritesOnly = element("button", { type: "button" });
favoritesOnly.addEventListener("click", () => { onlyFavorites = !onlyFavorites; refresh(); });
const clear = element("button", { type: "button" }, "Show all");
clear.addEventListener("click", () => {
  for (const values of wanted.values()) values.clear();
  onlyFavorites = false;
  refresh();
  favoritesOnly.focus();  // the button is gone
});
const tally = element("span", { role: "status" });

function showFilter() {
  const shown = all.filter(matches);
  const some = (test, text) => (shown.some(test) ? `, ${shown.filter(test).length} ${text}` : "");
  tally.textContent = (filtered() ? `${shown.length} of ${counted(all.length, "cell")}` : counted(all.length, "cell"))
    + some((cell) => cell.failure, "failed") + some((cell) => !cell.failure && !cell.picture, "not done");
  favoritesOnly.textContent = `★ Favorites only (${all.filter((cell) => favorites.has(cell.name)).length})`;
  favoritesOnly.setAttribute("aria-pressed", onlyFavorites);
  clear.hidden = !filtered();
  for (const { shows } of chips) for (const chip of shows) chip.show();
  for (const button of [download, originals]) button.disabled = !chosen().length;
  download.textContent = "Download " + chosenText();
}

// Downloads. A page that is opened as a file may save what it holds, and nothing that lies beside it.
const base = (path) => path.split("/").at(-1);
const embedded = (cell) => {
  const [kind, content] = cell.picture.split(",");
  if (!kind.startsWith("data:")) return [];
  const letters = atob(content), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return [[base(cell.file).replace(/\.png$/, ".jpg"), bytes]];
};
async function served(cell) {
  const files = [cell.file, manifestOf(cell)].map(async (file) => {
    const answer = await fetch(address(file));
    if (!answer.ok) throw new Error(answer.statusText);
    return [base(file), new Uint8Array(await answer.arrayBuffer())];
  });
  return Promise.all(files);
}

function save(files) {
  const link = element("a", { href: URL.createObjectURL(new Blob(zip(files), { type: "application/zip" })),
    download: `${data.title.replace(/[^\w.-]+/g, "-").slice(0, 60)}.zip` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const notice = element("span", { role: "status", className: "faint" });
const download = element("button", { type: "button", title: "The favorites in sight, or all that is in sight, in one ZIP file" });
download.addEventListener("click", async () => {
  const files = [], cells = chosen();
  let preview = 0;
  notice.textContent = "Packing …";
  for (const cell of cells) {
    let read = null;
    if (!local) read = await served(cell).catch(() => null);
    if (!read) preview += 1;
    files.push(...(read || embedded(cell)));
  }
  if (files.length) save(files);
  notice.textContent = !files.length ? "No file can be read from here."
    : preview ? `${counted(preview, "picture")} as this page shows ${preview === 1 ? "it" : "them"}: JPEG, at most 512 px.` : "";
});
// The reader may open the folder to the page.
const picker = element("input", { type: "file", webkitdirectory: true, hidden: true, ariaLabel: "The folder of this page" });
const originals = element("button", { type: "button", hidden: !local,
  title: "A page opened as a file reads the original pictures only when you choose their folder" }, "Originals: choose the folder …");
originals.addEventListener("click", () => picker.click());
picker.addEventListener("change", async () => {
  const given = new Map([...picker.files].map((file) => [file.name, file]));
  const needed = chosen().flatMap((cell) => [base(cell.file), base(manifestOf(cell))]).filter((name) => given.has(name));
  const files = await Promise.all(needed.map(async (name) => [name, new Uint8Array(await given.get(name).arrayBuffer())]));
  picker.value = "";
  if (files.length) save(files);
  const count = needed.filter((name) => name.endsWith(".png")).length;
  notice.textContent = files.length ? `${counted(count, "picture")} of ${chosen().length}, with ${count === 1 ? "its settings" : "their settings"}.`
    : "None of the pictures is in that folder.";
});

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
const copyCommand = () => ["mkdir -p chosen && cp", ...chosen().flatMap((cell) => [cell.file, manifestOf(cell)]).map(quoted),
  "chosen/"].join(" ");
const choices = element("div", { className: "row", id: "choices" }, download, originals, picker,
  copyButton("Copy file names", () => chosen().map((cell) => cell.file).join("\n")),
  element("span", { title: "Copies their files to a folder “chosen”; for a shell in the folder of this page" },
    copyButton("Copy a cp command", copyCommand)), notice);
