// Everything is on the page without this: it moves bars to another baseline, sorts and filters tables, chooses their
// columns, and opens what a link points to. What a reader has chosen stands in the address, so that it can be sent.
const chosen = new URLSearchParams(location.search);
const keep = (key, value) => {
  if (value) chosen.set(key, value); else chosen.delete(key);
  const query = chosen.toString();
  history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
};
const made = (tag, fields = {}, ...children) => {
  const one = Object.assign(document.createElement(tag), fields);
  one.append(...children);
  return one;
};

for (const [number, box] of [...document.querySelectorAll(".bars")].entries()) {
  const ratios = JSON.parse(box.dataset.ratios), menu = box.querySelector("select");
  const rows = [...box.querySelectorAll("li")].slice(0, ratios.length);
  const names = rows.map(row => row.querySelector(".who").textContent);
  const options = [...menu.options].map(option => option.textContent);
  const usual = menu.value, key = `baseline-${number + 1}`;
  const show = () => {
    const place = Number(menu.value), name = options[place], over = ratios[place];
    const of = names.map(one => over[options.indexOf(one)]);
    // An end that does not exist is null: the two never met in a round of some layer.
    const longest = Math.max(...of.filter(Boolean).map(([, ratio, low]) => 1 / (low ?? ratio)));
    box.querySelector(".baseline").textContent = name;
    rows.forEach((row, at) => {
      if (!of[at]) { row.hidden = true; return; }
      const [said, ratio, low, high] = of[at], ends = low === null || high === null ? null : [1 / high, 1 / low];
      const [left, right] = ends ? ends.map(end => 100 * end / longest) : [0, 100];
      row.hidden = false;
      row.querySelector(".bar").style.width = `${100 / ratio / longest}%`;
      row.querySelector(".ends").style.left = `${left}%`;
      row.querySelector(".ends").style.width = `${Math.min(100, right) - left}%`;
      row.querySelector(".one").style.left = `${100 / longest}%`;
      row.querySelector(".what").textContent = said;
    });
    keep(key, menu.value === usual ? "" : name);
  };
  menu.addEventListener("change", show);
  if (ratios.length > 1) menu.closest(".script").hidden = false;
  const before = options.indexOf(chosen.get(key));
  if (before >= 0) { menu.value = String(before); show(); }
}

// The number that a text begins with, in the unit behind it; texts without one stand last.
const scale = { ns: 1e-9, "\u00b5s": 1e-6, ms: 1e-3, s: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const number = text => {
  const found = /^[\u2605=?\u25bc\s]*([+-]?[\d,]*\.?\d+)\s*([a-zA-Z\u00b5]+)?/.exec(text);
  return found ? Number(found[1].replaceAll(",", "")) * (scale[found[2]] ?? 1) : NaN;
};
const order = (a, b) => {
  const [x, y] = [number(a), number(b)];
  if (Number.isNaN(x) && Number.isNaN(y)) return a.localeCompare(b, "en");
  return Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : x - y;
};
const fewest = 4;  // rows, below which nobody needs to search

for (const table of document.querySelectorAll("table[data-csv]:not(.map)")) {
  const heads = [...table.querySelectorAll("thead th")], body = table.tBodies[0], name = table.dataset.csv;
  const rows = [...body.rows].filter(row => !row.classList.contains("sum"));
  if (!heads.length || rows.length < fewest || document.querySelector(`table[data-csv="${CSS.escape(name)}"]`) !== table) continue;
  const buttons = heads.map(head => made("button", { type: "button", className: "sort" }, ...head.childNodes));
  const sort = (at, down) => {
    const text = row => row.cells[at]?.textContent.trim() ?? "";
    const sorted = at < 0 ? rows : [...rows].sort((a, b) => {
      const [x, y] = [text(a), text(b)];
      return Number.isNaN(number(x)) !== Number.isNaN(number(y)) || !down ? order(x, y) : order(y, x);
    });
    body.prepend(...sorted);
    heads.forEach((head, place) => {
      if (place === at) head.setAttribute("aria-sort", down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
    });
    keep(`sort-${name}`, at < 0 ? "" : `${at + 1}${down ? "d" : ""}`);
  };
  heads.forEach((head, at) => {
    head.append(buttons[at]);
    buttons[at].addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      if (now === "descending") sort(-1, false); else sort(at, now === "ascending");
    });
  });
  const said = made("span", { className: "quiet" });
  said.setAttribute("role", "status");
  const field = made("input", { type: "search", value: chosen.get(`filter-${name}`) ?? "" });
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      left += !row.hidden;
    }
    said.textContent = words.length ? ` ${left} of ${rows.length} rows` : "";
    keep(`filter-${name}`, field.value);
  };
  field.addEventListener("input", filter);
  const tools = made("div", { className: "tools" }, made("label", {}, "Filter ", field), said);
  const hidden = new Set((chosen.get(`hide-${name}`) ?? "").split(",").filter(Boolean).map(Number));
  const choose = () => {
    for (const row of table.rows) [...row.cells].forEach((cell, at) => { cell.hidden = hidden.has(at + 1); });
    keep(`hide-${name}`, [...hidden].sort((a, b) => a - b).join(","));
  };
  if (heads.length > 3) {
    const boxes = heads.slice(1).map((head, at) => {
      const box = made("input", { type: "checkbox", checked: !hidden.has(at + 2) });
      box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](at + 2); choose(); });
      return made("label", {}, box, ` ${head.textContent}`);
    });
    tools.append(made("details", { open: hidden.size > 0 }, made("summary", {}, "Columns"), ...boxes));
  }
  (table.closest(".scroll") ?? table).before(tools);
  if (field.value) filter();
  if (hidden.size) choose();
  const before = /^(\d+)(d?)$/.exec(chosen.get(`sort-${name}`) ?? "");
  if (before && before[1] <= heads.length) sort(before[1] - 1, before[2] === "d");
}

// Charts of points: whoever points at one, touches it or goes there by arrow keys is told what it is.
for (const [number, svg] of [...document.querySelectorAll("svg:has(.points)")].entries()) {
  const figure = svg.closest("figure"), legend = figure.nextElementSibling, key = `front-${number + 1}`;
  const marks = [...svg.querySelectorAll(".points path")].map(path => {
    const [, x, y] = /^M([\d.]+) ([\d.]+)/.exec(path.getAttribute("d")).map(Number), title = path.firstElementChild;
    title.remove();  // the browser's own hint would come late, and cover the picture
    return { path, x, y, said: title.textContent, of: path.parentNode.dataset.of };
  }).sort((a, b) => a.x - b.x || b.y - a.y);
  const front = new Set(), usual = `${marks.length} points: point at one, touch it, or press an arrow key`;
  const shown = () => marks.filter(mark => !front.size || front.has(mark.of));
  const said = made("p", { className: "readout" }, usual);
  said.setAttribute("role", "status");
  let at = null, held = false;
  const show = mark => {
    if (mark === at) return;
    at?.path.classList.remove("at");
    at = mark;
    if (!mark) { said.replaceChildren(usual); return; }
    mark.path.classList.add("at");
    const place = mark.path.dataset.at;
    said.replaceChildren(mark.said, ...place ? ["; ", made("a", { href: place }, "all of this layer")] : []);
  };
  const near = event => {
    const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
    const far = mark => Math.hypot(event.clientX - box.left - mark.x * scale, event.clientY - box.top - mark.y * scale);
    return shown().reduce((best, mark) => far(mark) < far(best) ? mark : best);
  };
  const within = event => {
    const mark = near(event), box = mark.path.getBoundingClientRect();
    return Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2) < 24 ? mark : null;
  };
  svg.addEventListener("pointermove", event => { if (!held && event.pointerType === "mouse") show(within(event)); });
  svg.addEventListener("click", event => { const mark = within(event); held = Boolean(mark); show(mark); });
  const step = (places, key) => {
    const now = places.indexOf(at), { x, y } = at ?? {};
    if (now < 0) return places[0];
    if (key === "Home" || key === "End") return places.at(key === "Home" ? 0 : -1);
    const ahead = key === "ArrowRight" || key === "ArrowUp" ? 1 : -1;
    if (key === "ArrowUp" || key === "ArrowDown") return places[now + ahead]?.x === x ? places[now + ahead] : at;
    const side = places.filter(mark => (mark.x - x) * ahead > 0), next = (ahead > 0 ? side[0] : side.at(-1))?.x;
    return side.filter(mark => mark.x === next).sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))[0] ?? at;
  };
  figure.addEventListener("keydown", event => {
    if (event.key === "Escape") { held = false; show(null); }
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    held = true;
    show(step(shown(), event.key));
  });
  figure.setAttribute("role", "application");
  figure.setAttribute("aria-label", "Points of the picture: arrow keys go from one to the next");
  figure.after(said);
  const choose = () => {
    svg.querySelectorAll(".points").forEach(one => one.classList.toggle("back", front.size > 0 && !front.has(one.dataset.of)));
    legend.querySelectorAll("button").forEach(one => one.setAttribute("aria-pressed", front.has(one.dataset.of)));
    if (at && !shown().includes(at)) { held = false; show(null); }
    keep(key, [...front].join(" "));
  };
  for (const span of legend.querySelectorAll("[data-of]")) {
    const name = span.dataset.of, button = made("button", { type: "button" }, ...span.childNodes);
    button.dataset.of = name;
    button.addEventListener("click", () => { if (!front.delete(name)) front.add(name); choose(); });
    span.append(button);
    if ((chosen.get(key) ?? "").split(" ").includes(name)) front.add(name);
  }
  choose();
}
document.querySelectorAll("span.script").forEach(one => { one.hidden = false; });

const layers = [...document.querySelectorAll("details.layer")];
if (layers.length >= fewest) {
  const field = made("input", { type: "search", value: chosen.get("layers") ?? "" });
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const layer of layers) {
      const text = `${layer.querySelector("summary").textContent} ${layer.querySelector("code").textContent}`.toLowerCase();
      layer.hidden = !words.every(word => text.includes(word));
    }
    keep("layers", field.value);
  };
  field.addEventListener("input", filter);
  layers[0].before(made("div", { className: "tools" }, made("label", {}, "Filter layers ", field)));
  if (field.value) filter();
}

const open = () => {
  const found = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!found) return;
  for (let box = found.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
    box.hidden = false;
  }
  found.closest("details, section")?.scrollIntoView();
};
addEventListener("hashchange", open);
open();
