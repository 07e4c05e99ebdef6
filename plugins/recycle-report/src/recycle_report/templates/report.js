"use strict";

// Every photo shows the layer that is picked for all of them.
for (const all of document.querySelectorAll("input[name=layer]")) {
  all.addEventListener("change", () => {
    for (const own of document.querySelectorAll(`.photo input[value="${all.value}"]`)) own.checked = true;
  });
}

// The cost of all mistakes, from the pixels that each cell carries and the cost that is typed into it.
const matrix = document.querySelector("#costs");
const cells = matrix ? [...matrix.querySelectorAll("input")] : [];

function reckon() {
  const material = Number(matrix.dataset.material);
  const parts = cells.map((cell) => ({
    name: cell.dataset.name,
    cost: (100 * Number(cell.dataset.pixels) * (Number(cell.value) || 0)) / material,
  }));
  const total = parts.reduce((sum, part) => sum + part.cost, 0);
  document.querySelector("#total").textContent = total.toFixed(2);
  const dearest = parts.filter((part) => part.cost > 0).sort((a, b) => b.cost - a.cost).slice(0, 5);
  document.querySelector("#dearest").replaceChildren(
    ...dearest.map((part) => {
      const row = document.createElement("li");
      row.textContent = `${part.name}: ${part.cost.toFixed(2)}, ${Math.round((100 * part.cost) / total)} % of it`;
      return row;
    }),
  );
  for (const cell of cells) cell.classList.toggle("changed", cell.value !== cell.defaultValue);
}

if (matrix && Number(matrix.dataset.material) > 0) {
  matrix.addEventListener("input", reckon);
  document.querySelector("#reset").addEventListener("click", () => {
    for (const cell of cells) cell.value = cell.defaultValue;
    reckon();
  });
  document.querySelector("#reset").hidden = false;
  reckon();
}
