// From single connections to the lines of the picture.
const FEW = 14; // so many Namespaces are boxes of their own; more of them are grouped

// The columns and links for some Namespaces, with the kinds of words that are to be shown.
function connections(names, words) {
  const chosen = new Set(names);
  const alone = chosen.size <= FEW;
  const columns = [new Map(), new Map(), new Map()];
  const links = new Map();
  const used = edges.filter((edge) => words.has(wordOf(edge)));
  const others = new Set(used.flatMap((edge) => [
    chosen.has(namespaceOf(edge.to)) ? namespaceOf(edge.from) : undefined,
    chosen.has(namespaceOf(edge.from)) ? namespaceOf(edge.to) : undefined,
  ]).filter((name) => name !== undefined));
  const othersAlone = others.size <= FEW;

  const box = (column, id, single) => {
    const name = namespaceOf(id);
    const made = name === undefined
      ? { id, label: labelOf(id), kind: nodes.get(id)?.kind || "entity", members: new Set() }
      : single
        ? { id, label: name, kind: "namespace", members: new Set(), name, state: namespaces.get(name).state }
        : { id: `group/${groupOf(name).key}`, label: groupOf(name).label, kind: "group", members: new Set(), choice: groupOf(name).key, state: namespaces.get(name).state };
    if (!columns[column].has(made.id)) columns[column].set(made.id, made);
    const found = columns[column].get(made.id);
    if (name !== undefined) found.members.add(name);
    return found;
  };
  const link = (column, from, to, edge, name) => {
    const word = wordOf(edge);
    const key = JSON.stringify([column, from.id, to.id, word]);
    if (!links.has(key)) links.set(key, { column, from: from.id, to: to.id, fromLabel: from.label, toLabel: to.label, word, members: new Set(), ports: new Set(), unknown: new Set(), words: new Set() });
    const found = links.get(key);
    found.members.add(name);
    for (const port of list(edge.ports)) found.ports.add(port);
    for (const port of list(edge.unknown)) found.unknown.add(port);
    if (edge.word) found.words.add(edge.word);
  };

  for (const name of names) box(1, `ns/${name}`, alone);
  for (const edge of used) {
    const [from, to] = [namespaceOf(edge.from), namespaceOf(edge.to)];
    if (chosen.has(to)) link(0, box(0, edge.from, othersAlone), box(1, edge.to, alone), edge, to);
    if (chosen.has(from)) link(1, box(1, edge.from, alone), box(2, edge.to, othersAlone), edge, from);
  }
  return {
    columns: columns.map((column) => inOrder([...column.values()])),
    links: [...links.values()].map((each) => ({ ...each, count: each.members.size })),
  };
}

// What is not a Namespace first: gateways, the world. Then the largest groups.
const KINDS = ["world", "lan", "network", "name", "any", "gateway", "resource", "dns", "scraper", "entity", "group", "namespace"];
const inOrder = (boxes) => boxes.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)
  || b.members.size - a.members.size
  || a.label.localeCompare(b.label));

const portsOfLink = ({ ports, unknown }) => portsOf([...ports], [...unknown]);

// The link's reason, such as "grant postgres".
const reasonOf = ({ word, words }) => {
  const shown = [...words].slice(0, 4).join(", ");
  return `${word}${shown && ` ${shown}`}${words.size > 4 ? ", …" : ""}`;
};
