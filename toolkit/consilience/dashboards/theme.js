/* Dark or light is remembered in a cookie, which the server reads before it builds the page. What was not chosen follows the system. */
(function () {
  const NAME = "consilience-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function kept() {
    const found = document.cookie.split("; ").find((each) => each.startsWith(NAME + "="));
    return found ? found.slice(NAME.length + 1) : "";
  }
  function keep(dark) {
    const shown = dark ? "dark" : "light";
    const value = dark === system.matches ? shown + "-system" : shown;
    document.cookie = `${NAME}=${value}; path=/; max-age=31536000; samesite=lax`;
  }
  function follow(page) {
    const asked = new URLSearchParams(location.search).has("theme");
    if (!asked && kept() !== "dark" && kept() !== "light") page.dark_theme = system.matches;
  }
  const waiting = setInterval(function () {
    const doc = (window.Bokeh && Bokeh.documents || [])[0];
    const page = doc && doc.roots().find((m) => m.data && "sidebar_open" in m.data.attributes);
    if (!page) return;
    clearInterval(waiting);
    doc.on_change(function (event) {
      if (event.model === page.data && event.attr === "dark_theme") keep(page.data.dark_theme);
    });
    const once = () => follow(page.data);
    if (doc.is_idle) once(); else doc.idle.connect(once);
    system.addEventListener("change", once);
  }, 100);
})();
