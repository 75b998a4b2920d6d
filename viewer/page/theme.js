// @ts-check
// The theme switch: system, light or dark, remembered on this device.

import { byId } from "./dom.js";
import { recall, remember } from "./storage.js";

const THEMES = ["system", "light", "dark"];

/** Shows the remembered theme in the switch and follows it from now on. */
export function startTheme() {
  const chosen = recall("theme", THEMES);
  for (const input of byId("themes").querySelectorAll("input")) {
    input.checked = input.value === chosen;
    input.addEventListener("change", () => choose(input.value));
  }
}

/** @param {string} theme */
function choose(theme) {
  remember("theme", theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
