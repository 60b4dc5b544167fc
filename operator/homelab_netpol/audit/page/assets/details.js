// One Namespace in full: who reaches it, whom it reaches, by which word; and what was found there.
function openDetails(name) {
  const space = namespaces.get(name);
  const dialog = byId("details");
  const heading = make("h2", { id: "details-name", tabindex: "-1" }, name);
  const flow = make("div", { class: "flow" });
  const wasOpen = dialog.open;
  byId("details-body").replaceChildren(
    heading,
    badge(space),
    flow,
    ...findings(space),
    make("h3", {}, "Facts"),
    facts(space),
  );
  // First shown, then drawn: lines need to know where boxes are.
  if (!wasOpen) dialog.showModal();
  else heading.focus();
  dialog.scrollTop = 0;
  drawNeighbours(flow, name);
  openDetails.redraw = () => drawNeighbours(flow, name);
}

function badge(space) {
  const state = Object.hasOwn(STATES, space.state) ? space.state : "other";
  return make("p", {}, make("span", { class: `badge state-${state}` }, stateOf(space)));
}

function drawNeighbours(host, name) {
  const own = `ns/${name}`;
  const inward = neighbours(
    own,
    "from",
    edges.filter((edge) => edge.to === own && edge.from !== own),
  );
  const outward = neighbours(
    own,
    "to",
    edges.filter((edge) => edge.from === own),
  );
  const { state } = namespaces.get(name);
  const self = { id: own, label: name, detail: [], kind: "namespace", still: true, state };
  const columns = [
    { title: inward.length > 0 ? "Reached by" : "Reached by nobody", boxes: inward },
    { title: "Namespace", boxes: [self] },
    { title: outward.length > 0 ? "May reach" : "May reach nothing", boxes: outward },
  ];
  const links = [
    ...inward.flatMap((box) =>
      box.words.map(([word, perhaps]) => ({ column: 0, from: box.id, to: own, count: 1, word, perhaps })),
    ),
    ...outward.flatMap((box) =>
      box.words.map(([word, perhaps]) => ({ column: 1, from: own, to: box.id, count: 1, word, perhaps })),
    ),
  ];
  drawFlow(host, columns, links, (box) => {
    if (box.name !== undefined) location.hash = hashOf(box.name);
    else if (box.members) showMembers(host, box);
  });
}

// The other ends as boxes. Many Namespaces that come by the same words are one box.
function neighbours(own, other, theirs) {
  const ends = new Map();
  for (const edge of theirs) {
    if (!ends.has(edge[other])) ends.set(edge[other], { words: new Map(), lines: new Set() });
    const end = ends.get(edge[other]);
    end.words.set(wordOf(edge), (end.words.get(wordOf(edge)) ?? true) && isUncertain(edge));
    const except = list(edge.except).length > 0 ? `, except ${shortened(edge.except.map(labelOf))}` : "";
    end.lines.add(`${portsOf(edge.ports, edge.unknown)}${except}, by ${reasonOf(edge)}`);
  }
  const grouped = [...ends.keys()].filter((id) => namespaceOf(id) !== undefined).length > FEW;
  const boxes = new Map();
  for (const [id, { words, lines }] of ends) {
    const name = namespaceOf(id);
    const detail = [...lines].sort();
    const kind = nodes.get(id)?.kind || "entity";
    if (id === own) {
      boxes.set(OWN.id, { ...OWN, detail, words: [...words], still: true, members: new Set() });
      continue;
    }
    const made = { detail, words: [...words], members: new Set(), state: namespaces.get(name)?.state };
    if (name === undefined || !grouped) {
      boxes.set(id, { ...made, id, label: labelOf(id), kind, name, still: name === undefined });
      continue;
    }
    const { key, label } = groupOf(name);
    const group = `group/${JSON.stringify([key, detail])}`;
    if (!boxes.has(group)) boxes.set(group, { ...made, id: group, label, kind: "group" });
    boxes.get(group).members.add(name);
  }
  for (const box of boxes.values()) {
    if (box.kind === "group")
      box.detail = [counted(box.members.size, "Namespace", "Namespaces"), ...box.detail];
  }
  return inOrder([...boxes.values()]);
}

function showMembers(host, box) {
  host.querySelector(".names")?.remove();
  const links = linksTo([...box.members].sort(), 600);
  host.append(links);
  links.querySelector("a").focus();
}

const yesOrNo = (value) => ({ true: "yes", false: "no" })[value] ?? "unknown";

function facts(space) {
  const deny = space.defaultDeny || {};
  const mtls = space.mtls || {};
  const policies = space.policies || {};
  const rows = [
    ["Profile", space.profile || "none"],
    ["Grants", list(space.grants).join(", ") || "none"],
    ["Since", momentOf(space.since)],
    ["Until", momentOf(space.until)],
    [
      "Default deny",
      space.defaultDeny ? `ingress: ${yesOrNo(deny.ingress)}, egress: ${yesOrNo(deny.egress)}` : null,
    ],
    ["mTLS", mtls.mode ? `${mtls.mode}${mtls.from ? `, set by ${mtls.from}` : ""}` : null],
    ["AuthorizationPolicies", mtls.authorizationPolicies],
    ["Pods", space.pods],
    ["Policies", policies.count],
    ["Rules", policies.rules],
    ["Identities selected", policies.identities],
    ["Map entries", policies.mapEntries],
    ["Bytes of policies", policies.bytes],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  const shown = (value) => (typeof value === "number" ? value.toLocaleString("en") : String(value));
  const entries = rows.map(([term, value]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, shown(value))),
  );
  return make("dl", { class: "facts" }, entries);
}

function findings(space) {
  const first = list(audit.first).filter((each) => each.namespace === space.name);
  return [
    [
      "What to do here",
      first.map((each) => `${each.risk}: ${each.what || each.rule}${each.do ? ` Do: ${each.do}` : ""}`),
    ],
    ["Labels that could not be followed", list(space.problems)],
    ["What the platform's policies lack", list(space.lacking)],
    ["Rules wider than their words", list(space.wider).map((each) => `${each.object}: ${each.what}`)],
    ["Pods outside of policy", list(space.podsOutside).map((each) => `${each.pod}: ${each.why}`)],
  ]
    .filter(([, lines]) => lines.length > 0)
    .flatMap(([title, lines]) => [
      make("h3", {}, title),
      make(
        "ul",
        {},
        lines.map((line) => make("li", {}, line)),
      ),
    ]);
}
