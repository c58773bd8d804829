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
