// The viewer: a picture that grows, what it was before under one slider, and zoom to its pixels.
const get = (name) => element.querySelector(name);
const stage = get(".stage"), layers = get(".layers"), after = get(".after"), before = get(".before");
const clip = get(".clip"), edge = get(".edge"), split = get(".split");
let size = [1, 1], scale = 1, place = [0, 0], fitted = true;

const fitting = () => Math.min(stage.clientWidth / size[0], stage.clientHeight / size[1]);

function draw() {
  if (fitted) {
    scale = fitting();
    place = [(stage.clientWidth - size[0] * scale) / 2, (stage.clientHeight - size[1] * scale) / 2];
  }
  layers.style.width = `${size[0] * scale}px`;
  layers.style.height = `${size[1] * scale}px`;
  layers.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
  layers.classList.toggle("pixels", !fitted && scale >= 2);
  before.style.width = layers.style.width;
  before.style.height = layers.style.height;
  clip.style.width = `${split.value}%`;
  edge.style.left = `${split.value}%`;
  edge.hidden = clip.hidden = split.value === "0" || !before.getAttribute("src");
  get(".scale").textContent = after.getAttribute("src") ? `${Math.round(scale * 100)} %` : "";
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const next = Math.min(32, Math.max(fitting() / 2, scale * factor));
  place = [x - ((x - place[0]) * next) / scale, y - ((y - place[1]) * next) / scale];
  scale = next;
  fitted = false;
  draw();
}

function act(how) {
  if (how === "fit") { fitted = true; draw(); }
  if (how === "one") zoom(1 / scale);
  if (how === "in") zoom(1.5);
  if (how === "out") zoom(1 / 1.5);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) act(button.dataset.zoom);
});
split.addEventListener("input", draw);
stage.addEventListener("wheel", (event) => {
  if (!after.getAttribute("src") || !(event.ctrlKey || document.activeElement === stage)) return;
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
stage.addEventListener("keydown", (event) => {
  const how = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "one" }[event.key];
  const move = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
  if (how) act(how);
  else if (move[event.key] && !fitted) {
    place = [place[0] + move[event.key][0], place[1] + move[event.key][1]];
    draw();
  } else return;
  event.preventDefault();
});
stage.addEventListener("pointerdown", (event) => {
  if (fitted) return;
  const start = [event.clientX - place[0], event.clientY - place[1]];
  const move = (to) => { place = [to.clientX - start[0], to.clientY - start[1]]; draw(); };
  stage.setPointerCapture(event.pointerId);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", () => stage.removeEventListener("pointermove", move), { once: true });
});
after.addEventListener("load", () => {
  size = [after.naturalWidth, after.naturalHeight];
  if (!fitted) {
    // A finer scale of the same picture keeps its place.
    const shown = layers.clientWidth || size[0];
    scale = shown / size[0];
  }
  draw();
});
new ResizeObserver(draw).observe(stage);

function show() {
  const value = props.value || {};
  if (value.after !== undefined) {
    if (value.after) after.src = value.after;
    else after.removeAttribute("src");
    after.alt = value.alt || "";
    get(".nothing").hidden = Boolean(value.after);
    element.querySelector(".viewer").classList.toggle("empty", !value.after);
  }
  if (value.nothing) get(".nothing").textContent = value.nothing;
  if (value.before !== undefined) {
    if (value.before) before.src = value.before;
    else before.removeAttribute("src");
    before.alt = value.before_alt || "";
  }
  get(".split-label").hidden = !before.getAttribute("src") || !after.getAttribute("src");
  draw();
}
watch("value", show);
show();
