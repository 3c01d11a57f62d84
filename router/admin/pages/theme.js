// Light, dark, or as the system has it. No module, so that it is done before anything is drawn.

(() => {
  const KEPT = "breakeven-theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const LABELS = { auto: "Auto", light: "Light", dark: "Dark" };
  const root = document.documentElement;

  // Browsers may forbid to keep anything: then a choice lasts as long as its page.
  const kept = () => {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null;
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem(KEPT, theme);
    } catch {
      // see above
    }
  };

  let theme = "auto";
  function choose(wanted) {
    theme = wanted in NEXT ? wanted : "auto";
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    label();
    document.dispatchEvent(new Event("theme"));
  }

  function label() {
    const button = document.querySelector("#theme");
    if (!button) return;
    button.textContent = LABELS[theme];
    button.setAttribute("aria-label", `Theme: ${LABELS[theme]}. Change to ${LABELS[NEXT[theme]]}`);
  }

  choose(kept());
  addEventListener("storage", ({ key, newValue }) => key === KEPT && choose(newValue));
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.querySelector("#theme")?.addEventListener("click", () => {
      choose(NEXT[theme]);
      keep(theme);
    });
  });
})();
