// Wires the page. The address says which Namespace is open, so a link can lead to it.
function follow() {
  const dialog = byId("details");
  const name = nameInAddress();
  if (name !== undefined) openDetails(name);
  else if (dialog.open) dialog.close();
}

function nameInAddress() {
  if (!location.hash.startsWith("#ns/")) return undefined;
  try {
    const name = decodeURIComponent(location.hash.slice(4));
    return namespaces.has(name) ? name : undefined;
  } catch {
    return undefined; // no name at all, such as "%"
  }
}

startFilter();
startPicture();
filter.apply();
document.documentElement.dataset.ready = "";
byId("details").addEventListener("close", () => {
  // Replaced, as an empty address would scroll to the top.
  if (location.hash.startsWith("#ns/")) history.replaceState(null, "", location.pathname + location.search);
});
narrow.addEventListener("change", () => byId("details").open && openDetails.redraw());
addEventListener("hashchange", follow);
follow();
