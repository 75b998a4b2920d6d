// @ts-check
// A button that copies a text, and says whether it did.

import { el, icon, setText } from "./dom.js";

const SAID_FOR_MS = 2000;

/** @param {string} text @param {string} label what the button does, for those who cannot see the icon */
export function copyButton(text, label) {
  const said = el("span", { class: "copy-said", role: "status" });
  const button = el(
    "button",
    { class: "button button--icon copy", type: "button", title: label, "aria-label": label },
    icon("copy"),
  );
  button.addEventListener("click", async () => {
    setText(said, (await copied(text)) ? "Copied" : "Select the text to copy it");
    window.setTimeout(() => setText(said, ""), SAID_FOR_MS);
  });
  return el("span", { class: "copying" }, button, said);
}

/** @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedOldWay(text);
  }
}

/**
 * The clipboard API exists on https and localhost only; a wall screen may use neither.
 * @param {string} text
 */
function copiedOldWay(text) {
  const field = el("textarea", { class: "unseen", readonly: true });
  field.value = text;
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}
