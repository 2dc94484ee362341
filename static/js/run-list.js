// The list of runs: choose all, and no refresh under the hands of somebody who is choosing.
const table = () => document.getElementById("runs-table");
const boxes = () => [...table().querySelectorAll("input[name=run]")];

document.addEventListener("change", (event) => {
  if (!event.target.matches("#runs-table [data-all]")) return;
  for (const box of boxes()) box.checked = event.target.checked;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const inUse = boxes().some((box) => box.checked) || table().contains(document.activeElement);
  if (event.target.id === "runs-table" && inUse) event.preventDefault();
});
