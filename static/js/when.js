// A field that counts only with some choices of others (data-when='{"service": ["other"]}') is shown only then.
function refresh() {
  for (const field of document.querySelectorAll("[data-when]")) {
    const holds = Object.entries(JSON.parse(field.dataset.when)).every(([name, values]) => {
      const other = field.form.elements[name];
      return !other || values.includes(other.value);
    });
    field.closest(".field").hidden = !holds;
  }
}

document.addEventListener("change", refresh);
refresh();
