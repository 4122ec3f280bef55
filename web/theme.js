// SPDX-License-Identifier: MIT
// Sets the chosen theme before the first paint; that is why it is no module.
// "auto" follows the system; the choice is kept in localStorage where the browser allows it.
(() => {
  const key = "hashtagd.theme";
  const order = ["auto", "light", "dark"];

  const read = () => {
    try {
      const value = localStorage.getItem(key);
      return order.includes(value) ? value : "auto";
    } catch {
      return "auto";
    }
  };

  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };

  const show = (button, theme) => {
    button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    button.dataset.icon = theme;
    const next = order[(order.indexOf(theme) + 1) % order.length];
    button.title = `Theme: ${theme}. Click for ${next}.`;
    button.setAttribute("aria-label", `Theme: ${theme}. Change to ${next}.`);
  };

  let theme = read();
  apply(theme);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    show(button, theme);
    button.addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      apply(theme);
      show(button, theme);
      try {
        localStorage.setItem(key, theme);
      } catch {
        // Private mode without storage: the choice lasts as long as the page.
      }
    });
  });
})();
