"use strict";
// All texts of the data go through text nodes and attributes, never through markup.
const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in node) node[name] = value; else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/* Puts a text on the clipboard; false where the browser does not let it. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* the older way */ }
  const focused = document.activeElement, area = element("textarea", { value: text, readOnly: true });
  (focused.closest("dialog") || document.body).append(area);  // nothing else has the focus of a dialog
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    focused.focus();
  }
}

function copyButton(title, text, select) {
  const button = element("button", { type: "button", ariaLive: "polite" }, title);
  button.addEventListener("click", async () => {
    const copied = await copy(text());
    if (!copied) select?.();
    button.textContent = copied ? "Copied" : select ? "Selected" : "Cannot copy";
    setTimeout(() => { button.textContent = title; }, 2000);
  });
  return button;
}

/* A command line with a button that copies it. */
function commandLine(text) {
  const code = element("code", null, text);
  // Where the clipboard is out of reach, the selected text is left to be copied.
  return element("div", { className: "command" }, code,
    copyButton("Copy", () => text, () => getSelection().selectAllChildren(code)));
}
