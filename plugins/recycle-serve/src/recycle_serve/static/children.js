// The page for children: each thing on the photo, and the bin that it belongs into.

import { Failed, about, ask, make, reveal, unpack } from "./ask.js";
import { takeIn } from "./intake.js";

const [run] = about.runs;
const find = (selector) => document.querySelector(selector);
let asking = null;

function drawing(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  picture.setAttribute("viewBox", "0 0 48 48");
  picture.setAttribute("aria-hidden", "true");
  picture.append(use);
  return picture;
}

function binPicture({ color, icon }) {
  const bin = make("div", "bin");
  bin.style.setProperty("--bin", color);
  bin.append(drawing("bin"), drawing(`icon-${icon}`));
  return bin;
}

// The thing, cut out of the photo; what is of other materials is veiled.
function cut(image, labels, { label, box: [left, top, right, bottom] }) {
  const canvas = make("canvas", "cut");
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const side = Math.max((right - left) * width, (bottom - top) * height, 24) * 1.25;
  const middle = [((left + right) / 2) * width, ((top + bottom) / 2) * height];
  const x = Math.min(Math.max(0, middle[0] - side / 2), Math.max(0, width - side));
  const y = Math.min(Math.max(0, middle[1] - side / 2), Math.max(0, height - side));
  const [shownWidth, shownHeight] = [Math.min(side, width - x), Math.min(side, height - y)];
  canvas.width = 320;
  canvas.height = Math.max(1, Math.round((320 * shownHeight) / shownWidth));
  const context = canvas.getContext("2d");
  context.drawImage(image, x, y, shownWidth, shownHeight, 0, 0, canvas.width, canvas.height);
  const veil = make("canvas");
  veil.width = canvas.width;
  veil.height = canvas.height;
  const pixels = veil.getContext("2d").createImageData(veil.width, veil.height);
  for (let row = 0, place = 0; row < veil.height; row += 1) {
    const line = Math.floor(y + ((row + 0.5) * shownHeight) / veil.height) * width;
    for (let column = 0; column < veil.width; column += 1, place += 1) {
      const seen = labels[line + Math.floor(x + ((column + 0.5) * shownWidth) / veil.width)];
      if (seen !== label) pixels.data.set([255, 255, 255, 150], 4 * place);
    }
  }
  veil.getContext("2d").putImageData(pixels, 0, 0);
  context.drawImage(veil, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function card(image, labels, thing, number) {
  const { name, bin } = run.classes[thing.label];
  const sure = thing.confidence >= about.unsure;
  const asks = bin.icon === "ask";
  const item = make("li", sure ? "card" : "card unsure");
  const pair = make("div", "pair");
  const arrow = drawing("arrow");
  arrow.classList.add("arrow");
  pair.append(cut(image, labels, thing), arrow, binPicture(sure ? bin : about.ask));
  item.append(make("span", "number", String(number)), pair);
  if (sure) {
    item.append(make("h2", "", name), make("p", "where", asks ? "I do not know the bin. Ask an adult!" : `goes into: ${bin.bin}`));
    if (bin.say) item.append(make("p", "say", bin.say));
  } else {
    item.append(make("h2", "", "I am not sure."), make("p", "where", `It may be: ${name}. Ask an adult!`));
  }
  return item;
}

async function show({ photo, runs }) {
  const image = find("#photo");
  image.src = photo.picture;
  await image.decode();
  const { things } = runs[0];
  const labels = await unpack(runs[0].labels);
  find("#cards").replaceChildren(...things.map((thing, place) => card(image, labels, thing, place + 1)));
  for (const old of document.querySelectorAll("#frame .number")) old.remove();
  things.forEach(({ at }, place) => {
    const mark = make("span", "number", String(place + 1));
    mark.setAttribute("aria-hidden", "true");
    mark.style.left = `${100 * at[0]}%`;
    mark.style.top = `${100 * at[1]}%`;
    find("#frame").append(mark);
  });
  find("#result").hidden = false;
  reveal(find("#status"));
  find("#status").textContent = things.length === 0
    ? "I see nothing for a bin here. Go closer and try again!"
    : things.length === 1 ? "I see one thing!" : `I see ${things.length} things!`;
}

takeIn(find("#zone"), async (photo) => {
  if (asking) asking.abort();
  const own = new AbortController();
  asking = own;
  find("#error").hidden = true;
  document.body.classList.add("busy");
  find("#status").textContent = "I am looking ...";
  try {
    await show(await (await ask("api/predict", photo, [], own.signal)).json());
  } catch (error) {
    if (error.name === "AbortError") return;
    find("#status").textContent = "That did not work. Try another photo!";
    find("#error").textContent = error instanceof Failed ? `For adults: ${error.message}. ${error.remedy}` : `For adults: ${error.message}`;
    find("#error").hidden = false;
    find("#result").hidden = true; // it would be of another photo
  } finally {
    if (asking === own) {
      asking = null;
      document.body.classList.remove("busy");
    }
  }
});
