// The list of materials beside a photo; pressing one shows it alone.

import { about, make, percent } from "./ask.js";

export function materials(viewer, answer, titled) {
  const { run } = viewer;
  const whole = make("div", "list");
  if (titled) whole.append(make("h3", "", run.name));
  const rows = make("ul", "materials");
  rows.setAttribute("aria-label", `Materials${titled ? ` of ${run.name}` : ""}`);
  const buttons = [];
  viewer.only = null;
  for (const { label, name, share, confidence } of answer.materials) {
    const row = make("li");
    const button = make("button", "material");
    button.type = "button";
    const swatch = make("i");
    swatch.style.background = run.classes[label].color;
    const bar = make("span", "bar");
    const filled = make("span");
    filled.style.width = `${Math.max(1, 100 * share)}%`;
    filled.style.background = run.classes[label].color;
    bar.append(filled);
    const sure = make("span", confidence < about.unsure ? "sure weak" : "sure", `${percent(confidence)} sure`);
    button.append(swatch, make("b", "", name), make("span", "share", percent(share)), bar, sure);
    row.append(button);
    rows.append(row);
    if (label < run.first) {
      button.disabled = true;
      continue;
    }
    button.setAttribute("aria-pressed", "false");
    buttons.push(button);
    button.addEventListener("click", () => {
      viewer.only = viewer.only === label ? null : label;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button && viewer.only !== null));
      viewer.draw();
    });
  }
  whole.append(rows);
  return whole;
}
