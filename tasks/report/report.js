document.addEventListener("input", ({ target }) => {
  if (target.matches(".slider input")) target.parentElement.style.setProperty("--at", `${target.value}%`);
});
