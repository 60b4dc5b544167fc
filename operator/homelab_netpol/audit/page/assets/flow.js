// Draws columns of boxes with lines between neighbouring columns.
//
// A column is {title, boxes: [{id, label, detail, kind}]}; a link {column, from, to, count, word}
// leads from a box of column `column` to one of the next. On a telephone two columns stand side by
// side, and the third comes in a second picture below.
const SVG = "http://www.w3.org/2000/svg";
const narrow = matchMedia("(max-width: 760px)");

function drawFlow(host, columns, links, choose) {
  const parts =
    narrow.matches && columns.length > 2
      ? columns
          .slice(1)
          .map((_, index) => [
            columns.slice(index, index + 2),
            links.filter((link) => link.column === index),
            index,
          ])
      : [[columns, links, 0]];
  const drawings = parts.map(([some, theirs, first]) => new Flow(some, theirs, first, choose));
  host.replaceChildren(...drawings.map((each) => each.element));
  for (const each of drawings) each.lay();
  return drawings;
}

class Flow {
  constructor(columns, links, first, choose) {
    const most = links.reduce((so, link) => Math.max(so, link.count), 1);
    this.links = links.map((link) => ({
      ...link,
      start: `${link.column - first}/${link.from}`,
      end: `${link.column - first + 1}/${link.to}`,
      // What is not certain is as thin as can be.
      width: link.perhaps ? 1.5 : most === 1 ? 4 : 1.5 + 12 * Math.sqrt(link.count / most),
    }));
    this.boxes = new Map();
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("aria-hidden", "true");
    this.element = make(
      "div",
      { class: columns.length === 2 ? "columns two" : "columns" },
      this.svg,
      columns.map((column, index) => this.column(column, index, choose)),
    );
    for (const link of this.links) {
      link.path = document.createElementNS(SVG, "path");
      link.path.setAttribute("class", `way by-${link.word}`);
      link.path.setAttribute("stroke-width", link.width);
      this.svg.append(link.path);
    }
    new ResizeObserver(() => this.lines()).observe(this.element);
  }

  column({ title, boxes }, index, choose) {
    const made = boxes.map((box) => {
      const button = make(
        choose && !box.still ? "button" : "div",
        {
          class: `node node-${box.kind} state-${box.state || "other"}`,
          type: choose && !box.still ? "button" : null,
          "data-box": box.id,
          "aria-pressed": choose && !box.still && !box.opens ? "false" : null,
          click: () => choose && !box.still && choose(box),
          mouseenter: () => this.light(box.id),
          mouseleave: () => this.light(this.kept),
        },
        box.label,
        list(box.detail).map((line) => make("small", {}, line)),
      );
      this.boxes.set(`${index}/${box.id}`, button);
      return button;
    });
    return make(
      "div",
      { class: "column", role: "group", "aria-label": title },
      make("p", { class: "column-head", "aria-hidden": "true" }, title),
      made,
    );
  }

  // A box is as high as the lines at its busier side.
  lay() {
    for (const [key, box] of this.boxes) {
      const sides = ["start", "end"].map((side) =>
        this.links.filter((link) => link[side] === key).reduce((sum, link) => sum + link.width + 2, 12),
      );
      box.style.minHeight = `${Math.max(44, ...sides)}px`;
    }
    this.lines();
  }

  lines() {
    const origin = this.element.getBoundingClientRect();
    const places = new Map([...this.boxes].map(([key, box]) => [key, box.getBoundingClientRect()]));
    const middle = (key) => places.get(key).top + places.get(key).height / 2;
    for (const [side, other] of [
      ["start", "end"],
      ["end", "start"],
    ]) {
      for (const [key, place] of places) {
        const here = this.links
          .filter((link) => link[side] === key)
          .sort((a, b) => middle(a[other]) - middle(b[other]));
        let y = middle(key) - origin.top - here.reduce((sum, link) => sum + link.width + 2, -2) / 2;
        for (const link of here) {
          link[`${side}Y`] = y + link.width / 2;
          link[`${side}X`] = (side === "start" ? place.right : place.left) - origin.left;
          y += link.width + 2;
        }
      }
    }
    for (const { path, startX, startY, endX, endY } of this.links) {
      const bend = (endX - startX) / 2;
      path.setAttribute(
        "d",
        `M${startX} ${startY}C${startX + bend} ${startY} ${endX - bend} ${endY} ${endX} ${endY}`,
      );
    }
  }

  keep(id) {
    this.kept = id;
    this.light(id);
    for (const [key, box] of this.boxes) {
      if (box.hasAttribute("aria-pressed"))
        box.setAttribute("aria-pressed", String(key.slice(key.indexOf("/") + 1) === id));
    }
  }

  // Makes the lines of one box stand out; undefined: all are alike.
  light(id) {
    this.element.classList.toggle("lit", id !== undefined);
    for (const link of this.links) link.path.classList.toggle("on", link.from === id || link.to === id);
  }
}
