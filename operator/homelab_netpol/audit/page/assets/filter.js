// The search and the choice of a state or profile: which Namespaces the picture and the table show.
const ROWS = 50;
const filter = {
  rows: [...document.querySelectorAll("#table tbody tr")].map((row) => ({
    row,
    name: row.dataset.name,
    text: row.textContent.toLowerCase().replace(/\s+/g, " "),
  })),
  all: false,
  matching: [],
  listeners: [],

  apply() {
    const terms = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const choice = byId("choose").value;
    let shown = 0;
    this.matching = [];
    for (const { row, name, text } of this.rows) {
      const matches = terms.every((term) => text.includes(term)) && isChosen(name, choice);
      if (matches) this.matching.push(name);
      row.hidden = !matches || (!this.all && ++shown > ROWS);
    }
    const count = this.matching.length;
    const total = this.rows.length;
    const all = counted(total, "Namespace", "Namespaces");
    byId("matching").textContent = count === total ? all : `${count.toLocaleString("en")} of ${all}`;
    byId("nothing").hidden = count > 0;
    byId("reset").hidden = terms.length === 0 && choice === "";
    byId("more").hidden = this.all || count <= ROWS;
    byId("more").textContent = `Show all ${count.toLocaleString("en")} rows`;
    for (const tile of document.querySelectorAll("[data-choose]"))
      tile.setAttribute("aria-pressed", String(tile.dataset.choose === choice));
    for (const listener of this.listeners) listener();
  },

  choose(choice) {
    byId("choose").value = choice;
    this.apply();
  },

  reset() {
    byId("search").value = "";
    this.choose("");
  },
};

function isChosen(name, choice) {
  if (choice === "") return true;
  const space = namespaces.get(name);
  const split = choice.indexOf(":");
  return space !== undefined && space[choice.slice(0, split)] === choice.slice(split + 1);
}

function startFilter() {
  byId("search").addEventListener("input", () => filter.apply());
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && filter.matching.length > 0) location.hash = hashOf(filter.matching[0]);
  });
  byId("choose").addEventListener("change", () => filter.apply());
  byId("reset").addEventListener("click", () => {
    filter.reset();
    byId("search").focus();
  });
  byId("more").addEventListener("click", () => {
    filter.all = true;
    filter.apply();
  });
  for (const tile of document.querySelectorAll("[data-choose]")) {
    tile.addEventListener("click", () =>
      filter.choose(tile.getAttribute("aria-pressed") === "true" ? "" : tile.dataset.choose),
    );
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea") || byId("details").open;
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("search").focus();
  });
}
