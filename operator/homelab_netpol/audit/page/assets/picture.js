// The picture of all Namespaces that the filter lets through, its legend, its table, and what is
// said of the box that was chosen.
const picture = { words: new Set(), chosen: undefined, drawings: [], model: null };

function startPicture() {
  byId("no-access").hidden = edges.length > 0;
  const present = new Set(edges.map(wordOf));
  const known = [...Object.keys(WORDS), "other"].filter((word) => present.has(word));
  for (const word of known) {
    // What everybody has hides what tells Namespaces apart.
    if (word !== "everybody") picture.words.add(word);
    byId("words").append(legendEntry(word));
  }
  filter.listeners.push(drawPicture);
  narrow.addEventListener("change", drawPicture);
}

function legendEntry(word) {
  const swatch = document.createElementNS(SVG, "svg");
  swatch.setAttribute("class", `swatch by-${word}`);
  swatch.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("class", `way by-${word}`);
  line.setAttribute("d", "M0 4H28");
  line.setAttribute("stroke-width", "5");
  swatch.append(line);
  const box = make("input", {
    type: "checkbox",
    value: word,
    change: (event) => {
      if (event.target.checked) picture.words.add(word);
      else picture.words.delete(word);
      drawPicture();
    },
  });
  box.checked = picture.words.has(word);
  return make("label", {}, box, swatch, WORDS[word] || "something else");
}

function drawPicture() {
  const model = connections(filter.matching, picture.words);
  picture.model = model;
  picture.chosen = undefined;
  byId("chosen").replaceChildren();
  const titles = ["May open a connection to", "Namespaces", "May be reached"];
  const columns = model.columns.map((boxes, index) => ({
    title: titles[index],
    boxes: boxes.map((box) => ({
      ...box,
      opens: box.name !== undefined,
      detail: detailOf(box),
    })),
  }));
  picture.drawings = drawFlow(byId("flow"), columns, model.links, chooseBox);
  const rows = model.links.map((link) => [...endsOf(link), portsOfLink(link), reasonsOf(link)]);
  byId("flow-table").replaceChildren(table(["From", "To", "Ports", "Allowed by"], rows));
}

function detailOf(box) {
  if (box.kind === "group") return [counted(box.members.size, "Namespace", "Namespaces")];
  return box.crowd ? [`${box.ends.size.toLocaleString("en")} of them`] : [];
}

// A Namespace opens its details; any other box stands out, with its connections in words.
function chooseBox(box) {
  if (box.name !== undefined) {
    location.hash = hashOf(box.name);
    return;
  }
  picture.chosen = picture.chosen === box.id ? undefined : box.id;
  for (const each of picture.drawings) each.keep(picture.chosen);
  byId("chosen").replaceChildren(...(picture.chosen === undefined ? [] : described(box)));
}

function described(box) {
  const links = picture.model.links.filter((link) => link.from === box.id || link.to === box.id);
  const members =
    box.kind === "group"
      ? picture.model.columns
          .flat()
          .filter((each) => each.id === box.id)
          .flatMap((each) => [...each.members])
      : links.flatMap((link) => [...link.members]);
  const names = [...new Set(members)].sort();
  return [
    make("h3", {}, `${box.label}: ${counted(names.length, "Namespace", "Namespaces")}`),
    make("button", { type: "button", class: "quiet", click: () => choseNone(box) }, "Close"),
    canBeChosen(box)
      ? make(
          "button",
          { type: "button", class: "quiet", click: () => showOnly(box) },
          `Show only ${box.label}`,
        )
      : null,
    make(
      "ul",
      {},
      links.map((link) =>
        make("li", {}, `${endsOf(link).join(" may reach ")} on ${portsOfLink(link)}, by ${reasonsOf(link)}`),
      ),
    ),
    box.crowd ? make("p", {}, [...box.ends].sort().join(", ")) : null,
    linksTo(names, 60),
  ].filter((each) => each !== null);
}

// Back to the box, for those who came by the keyboard.
function choseNone(box) {
  chooseBox(box);
  document.querySelector(`#flow [data-box="${CSS.escape(box.id)}"]`).focus();
}

const canBeChosen = (box) =>
  [...byId("choose").options].some((option) => option.value !== "" && option.value === box.choice);

function showOnly(box) {
  filter.choose(box.choice);
  byId("choose").focus();
}
