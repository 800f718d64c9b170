// Everything is on the page without this; it moves the bars to another baseline and opens what a link points to.
for (const box of document.querySelectorAll(".bars")) {
  const ratios = JSON.parse(box.dataset.ratios), menu = box.querySelector("select");
  const rows = [...box.querySelectorAll("li")].slice(0, ratios.length);
  const digits = value => value >= 9.995 || value < 0.1 ? String(Number(value.toPrecision(3))) : value.toFixed(2);
  const times = "\u00d7";
  const names = rows.map(row => row.querySelector(".who").textContent);
  const options = [...menu.options].map(option => option.textContent);
  const show = () => {
    const chosen = Number(menu.value), name = options[chosen], over = ratios[chosen];
    const of = names.map(one => over[options.indexOf(one)]);
    const longest = Math.max(...of.filter(Boolean).map(([, low]) => 1 / low));
    box.querySelector(".baseline").textContent = name;
    rows.forEach((row, at) => {
      if (!of[at]) { row.hidden = true; return; }
      const [ratio, low, high] = of[at].map(value => 1 / value);
      row.hidden = false;
      row.querySelector(".bar").style.width = `${100 * ratio / longest}%`;
      row.querySelector(".ends").style.left = `${100 * high / longest}%`;
      row.querySelector(".ends").style.width = `${100 * (low - high) / longest}%`;
      row.querySelector(".one").style.left = `${100 / longest}%`;
      row.querySelector(".what").textContent = names[at] === name ? "baseline"
        : `${digits(ratio)}${times} [${digits(high)}, ${digits(low)}]`;
    });
  };
  menu.addEventListener("change", show);
  if (ratios.length > 1) menu.closest(".script").hidden = false;
}
const open = () => {
  const found = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!found) return;
  for (let box = found.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  found.closest("details, section")?.scrollIntoView();
};
addEventListener("hashchange", open);
open();
