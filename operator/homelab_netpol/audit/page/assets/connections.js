// From single connections to the lines of the picture.
const FEW = 14; // so many Namespaces are boxes of their own; more of them are grouped
const FEW_OF_A_KIND = 8; // likewise of networks, names, resources
const CROWDS = {
  network: "networks",
  name: "DNS names",
  resource: "resources",
  entity: "entities",
  lan: "LANs",
};

const OWN = { id: "own", label: "its own pods", kind: "own" };

// The columns and links for some Namespaces, with the kinds of words that are to be shown.
function connections(names, words) {
  const chosen = new Set(names);
  const alone = chosen.size <= FEW;
  const columns = [new Map(), new Map(), new Map()];
  const links = new Map();
  const used = edges.filter((edge) => words.has(wordOf(edge)));
  const ends = used
    .filter((edge) => edge.from !== edge.to)
    .flatMap((edge) => [
      ...(chosen.has(namespaceOf(edge.to)) ? [edge.from] : []),
      ...(chosen.has(namespaceOf(edge.from)) ? [edge.to] : []),
    ]);
  const others = new Set(ends.map(namespaceOf).filter((name) => name !== undefined));
  const othersAlone = others.size <= FEW;
  const crowds = crowdsAmong(ends);

  const box = (column, id, single) => {
    const name = namespaceOf(id);
    const made = name === undefined ? otherBox(id, crowds) : single ? ownBox(id, name) : groupBox(name);
    if (!columns[column].has(made.id))
      columns[column].set(made.id, { ...made, members: new Set(), ends: new Set() });
    const found = columns[column].get(made.id);
    if (name !== undefined) found.members.add(name);
    else found.ends.add(labelOf(id));
    return found;
  };
  const own = (column) => {
    if (!columns[column].has(OWN.id))
      columns[column].set(OWN.id, { ...OWN, members: new Set(), ends: new Set() });
    return OWN;
  };
  const link = (column, from, to, edge, name) => {
    const word = wordOf(edge);
    const key = JSON.stringify([column, from.id, to.id, word]);
    if (!links.has(key)) {
      const sets = { members: new Set(), ports: new Set(), unknown: new Set(), reasons: new Set() };
      links.set(key, { column, from: from.id, to: to.id, word, ...sets });
    }
    const found = links.get(key);
    found.members.add(name);
    for (const port of list(edge.ports)) found.ports.add(port);
    for (const port of list(edge.unknown)) found.unknown.add(port);
    found.reasons.add(reasonOf(edge));
  };

  for (const name of names) box(1, `ns/${name}`, alone);
  for (const edge of used) {
    const [from, to] = [namespaceOf(edge.from), namespaceOf(edge.to)];
    if (from !== undefined && from === to) {
      // Else pods of one Namespace would look as if all Namespaces of a group reached each other.
      if (chosen.has(from)) link(1, box(1, edge.from, alone), own(2), edge, from);
      continue;
    }
    if (chosen.has(to)) link(0, box(0, edge.from, othersAlone), box(1, edge.to, alone), edge, to);
    if (chosen.has(from)) link(1, box(1, edge.from, alone), box(2, edge.to, othersAlone), edge, from);
  }
  for (const box of columns.flatMap((column) => [...column.values()])) {
    if (box.kind === "group" && box.members.size === 1) nameAlone(box);
  }
  return {
    columns: columns.map((column) => inOrder([...column.values()])),
    links: [...links.values()].map((each) => ({
      ...each,
      count: each.members.size,
      perhaps: isUncertain({ ports: [...each.ports], unknown: [...each.unknown] }),
      fromLabel: columns[each.column].get(each.from).label,
      toLabel: columns[each.column + 1].get(each.to).label,
    })),
  };
}

const kindOf = (id) => nodes.get(id)?.kind || "entity";

// The kinds of which there are so many ends that they share a box.
function crowdsAmong(ends) {
  const kinds = [...new Set(ends)].filter((id) => namespaceOf(id) === undefined).map(kindOf);
  const isCrowd = (kind) => kinds.filter((each) => each === kind).length > FEW_OF_A_KIND;
  return new Set(Object.keys(CROWDS).filter(isCrowd));
}

function otherBox(id, crowds) {
  const kind = kindOf(id);
  return crowds.has(kind)
    ? { id: `crowd/${kind}`, label: CROWDS[kind], kind, crowd: true }
    : { id, label: labelOf(id), kind };
}
const ownBox = (id, name) => ({
  id,
  label: name,
  kind: "namespace",
  name,
  state: namespaces.get(name).state,
});
const groupBox = (name) => {
  const { key, label } = groupOf(name);
  return { id: `group/${key}`, label, kind: "group", choice: key, state: namespaces.get(name).state };
};

// A group of one is that Namespace.
function nameAlone(box) {
  const [name] = box.members;
  Object.assign(box, { label: name, name, kind: "namespace", choice: undefined });
}

// What is not a Namespace first: gateways, the world. Then the largest groups.
const KINDS = [
  "world",
  "lan",
  "network",
  "name",
  "any",
  "own",
  "gateway",
  "resource",
  "dns",
  "scraper",
  "entity",
  "group",
  "namespace",
];
const inOrder = (boxes) =>
  boxes.sort(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
      b.members.size - a.members.size ||
      a.label.localeCompare(b.label),
  );

const portsOfLink = ({ ports, unknown }) => portsOf([...ports], [...unknown]);

const reasonsOf = ({ reasons }) =>
  `${[...reasons].slice(0, 4).join(", ")}${reasons.size > 4 ? " and others" : ""}`;

// Both ends; of a group that the picture is about, how many Namespaces it is.
function endsOf(link) {
  const some = (label, id) =>
    id.startsWith("group/") && link.count > 1
      ? `${counted(link.count, "Namespace", "Namespaces")} of ${label}`
      : label;
  return link.column === 0
    ? [link.fromLabel, some(link.toLabel, link.to)]
    : [some(link.fromLabel, link.from), link.toLabel];
}
