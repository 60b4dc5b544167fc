// The audit's document, and how it is looked into. All of it is text from a cluster: it is only
// ever set as text, never as markup.
const byId = (id) => document.getElementById(id);
const list = (value) => (Array.isArray(value) ? value : []);
const audit = JSON.parse(byId("audit").textContent);
// Each end and each sort of edge is written once.
const edges = audit.access.edges.map(([from, to, sort]) => ({
  ...audit.access.sorts[sort],
  from: audit.access.ends[from],
  to: audit.access.ends[to],
}));
const nodes = new Map(audit.access.nodes.map((node) => [node.id, node]));
const namespaces = new Map(list(audit.namespaces).map((each) => [each.name, each]));

const { states: STATES, words: WORDS, everybody } = JSON.parse(byId("labels").textContent);
const everybodys = new Set(everybody);

// What a line is drawn as. DNS, probes and metrics are a profile's own rules as well as baselines:
// they tell nothing apart.
function wordOf(edge) {
  const common = everybodys.has(edge.from) || everybodys.has(edge.to);
  if (edge.by === "baseline" || (edge.by === "profile" && common)) return "everybody";
  return Object.hasOwn(WORDS, edge.by) ? edge.by : "other";
}
// The connection's reason, such as "grant postgres".
const reasonOf = (edge) => [edge.by, edge.word].filter(Boolean).join(" ") || "something else";
const stateOf = (space) =>
  Object.hasOwn(STATES, space.state) ? STATES[space.state] : space.state || "unknown";

// The name of the Namespace that a node is; undefined: it is none that was audited.
const namespaceOf = (id) => {
  const name = String(id).startsWith("ns/") ? String(id).slice(3) : undefined;
  return namespaces.has(name) ? name : undefined;
};
const labelOf = (id) => nodes.get(id)?.label || String(id);

// Namespaces that the picture shows as one box: those of a profile, or in the same other state.
const groupOf = (name) => {
  const space = namespaces.get(name);
  return space.state === "enforced"
    ? { key: `profile:${space.profile || ""}`, label: space.profile || "no profile" }
    : { key: `state:${space.state}`, label: stateOf(space) };
};

// Ports in words; those of which it is not known whether they are open come last.
const portsOf = (open, unknown = []) => {
  const known = inWords(open);
  const perhaps = inWords(unknown);
  if (perhaps === "") return known || "any port";
  return known === "" ? `perhaps ${perhaps}` : `${known}, perhaps ${perhaps}`;
};
const isUncertain = (edge) => list(edge.ports).length === 0 && list(edge.unknown).length > 0;
const inWords = (ports) => {
  const given = new Set(list(ports));
  if (["*/TCP", "*/UDP", "*/SCTP"].every((port) => given.has(port))) return "every port";
  const all = [...given].map((port) => String(port).replace(/^\*\/(.+)$/, "every $1 port"));
  return shortened(all);
};
const shortened = (all) => {
  const shown = all.slice(0, 6).join(", ");
  return all.length > 6 ? `${shown} and ${all.length - 6} more` : shown;
};
const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
// An RFC 3339 time in UTC as people read it; anything else stays as it is.
const momentOf = (text) =>
  String(text ?? "").replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?(Z|\+00:00)$/, "$1 $2 UTC");
const hashOf = (name) => `#ns/${encodeURIComponent(name)}`;

// An element; children are elements or texts, and what is null is left out.
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((each) => each !== null));
  return made;
}

const linkTo = (name) => make("a", { href: hashOf(name), class: "name" }, name);

// At most so many links; the rest as a number.
const linksTo = (names, most) =>
  make(
    "p",
    { class: "names" },
    names.slice(0, most).map(linkTo),
    names.length > most ? `and ${(names.length - most).toLocaleString("en")} more` : null,
  );

function table(columns, rows) {
  return make(
    "table",
    {},
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        columns.map((name) => make("th", { scope: "col" }, name)),
      ),
    ),
    make(
      "tbody",
      {},
      rows.map((row) =>
        make(
          "tr",
          {},
          row.map((cell) => make("td", {}, cell)),
        ),
      ),
    ),
  );
}
