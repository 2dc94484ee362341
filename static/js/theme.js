// Runs before the first paint, so the page never flashes in the wrong colours. The choice is kept in this browser only.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    const choice = chosen();
    const theme = choice === "light" || choice === "dark" ? choice : system.matches ? "dark" : "light";
    document.documentElement.setAttribute("data-bs-theme", theme);
  };
  apply();
  system.addEventListener("change", apply);
  window.sluiceTheme = {
    choice: () => chosen() || "system",
    choose(choice) {
      try {
        localStorage.setItem("theme", choice);
      } catch {
        /* private window: the choice lasts for this page */
      }
      if (choice !== "system") document.documentElement.setAttribute("data-bs-theme", choice);
      else apply();
    },
  };
})();
