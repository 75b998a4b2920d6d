// Sets the remembered theme before the first paint, so that a dark page never flashes white.
// A classic script on purpose: modules run only after the document has been read.
(function () {
  "use strict";
  try {
    const theme = window.localStorage.getItem("framerail.theme");
    if (theme === "light" || theme === "dark") {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // Storage may be forbidden; the system's theme is right then.
  }
})();
