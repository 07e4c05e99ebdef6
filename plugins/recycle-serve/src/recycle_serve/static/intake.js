// Takes a photo in: chosen, taken with the camera, dropped anywhere on the page, or pasted.

export function takeIn(zone, photoCame) {
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      if (input.files.length) photoCame(input.files[0]);
      input.value = ""; // the same photo can be chosen again
    });
  }
  for (const button of document.querySelectorAll(".pick")) {
    button.addEventListener("click", () => document.getElementById(button.dataset.input).click());
  }
  let inside = 0;
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    zone.classList.toggle("over", inside > 0);
  };
  addEventListener("dragenter", () => mark(1));
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-inside);
    if (event.dataTransfer.files.length) photoCame(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (file) photoCame(file);
  });
}
