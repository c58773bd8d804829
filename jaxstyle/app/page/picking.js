// Buttons within a list: a click on one, or on its star, is an event with its name.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (button) trigger("select", { index: 0, value: button.dataset.pick });
});
