// @ts-check
// Remembers a person's choices on this device; a browser that forbids it just forgets them.

/** @param {string} name @param {readonly string[]} allowed the first is the default */
export function recall(name, allowed) {
  try {
    const value = window.localStorage.getItem(`framerail.${name}`);
    return value !== null && allowed.includes(value) ? value : allowed[0];
  } catch {
    return allowed[0];
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    window.localStorage.setItem(`framerail.${name}`, value);
  } catch {
    // Private windows and full disks: the choice holds until the page is closed.
  }
}
