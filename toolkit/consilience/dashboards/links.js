/* Links within the dashboard go there without a new page; the address and the browser's back button stay true. */
(function () {
  function model(type) {
    const doc = (window.Bokeh && Bokeh.documents || [])[0];
    if (!doc) return null;
    const found = doc.roots().find((m) => m.type && m.type.endsWith(type));
    return found || null;
  }
  const push = history.pushState.bind(history);
  history.pushState = function (state, title, url) {
    if (url !== location.pathname + location.search + location.hash) push(state, title, url);
  };
  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => node.tagName === "A");
    if (!link || !(link.getAttribute("href") || "").startsWith("?")) return;
    const place = model("Location");
    if (!place) return;
    event.preventDefault();
    place.search = link.search;
    fold();
  });
  function fold() {
    if (window.innerWidth >= 600) return;
    const page = Bokeh.documents[0].roots().find((m) => m.data && "sidebar_open" in m.data.attributes);
    if (page) page.data.sidebar_open = false;
  }
  const waiting = setInterval(function () {
    const doc = (window.Bokeh && Bokeh.documents || [])[0];
    if (!doc) return;
    clearInterval(waiting);
    doc.idle.connect(fold);
    doc.on_change(function (event) {
      if (event.kind === "TitleChanged") document.title = event.title;
    });
  }, 100);
  window.matchMedia("(max-width: 599px)").addEventListener("change", fold);
  window.addEventListener("popstate", function () {
    const place = model("Location");
    if (place) place.search = location.search;
  });
})();
