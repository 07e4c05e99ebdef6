// The page for everybody: a photo in, its materials out, tricks to switch, two runs to compare.

import { Failed, about, ask, make, percent, reveal } from "./ask.js";
import { takeIn } from "./intake.js";
import { materials } from "./materials.js";
import { Viewer } from "./viewer.js";

const find = (selector) => document.querySelector(selector);
const viewers = about.runs.map((run, number) => new Viewer(run, number));
const boxes = [...document.querySelectorAll("input[name=trick]")];
const compare = find("#compare");
const state = { photo: null, shown: null, asking: null };

const own = () => boxes.every((box) => box.checked === box.defaultChecked);
const compared = () => Boolean(compare && compare.checked);

function settings() {
  if (own()) return [];
  const chosen = boxes.filter((box) => box.checked).map((box) => ["trick", box.value]);
  return chosen.length ? chosen : [["trick", "plain"]];
}

function say(text) {
  find("#status").textContent = text;
}

function fail(error) {
  find("#error-cause").textContent = error.message;
  find("#error-remedy").textContent = error.remedy || "";
  find("#error").hidden = false;
  find("#result").hidden = state.shown !== state.photo; // what is shown would be of another photo
  reveal(find("#error"));
  say("");
}

async function look() {
  if (!state.photo) return;
  if (state.asking) state.asking.abort();
  const asking = new AbortController();
  const { photo } = state;
  state.asking = asking;
  find("#error").hidden = true;
  document.body.classList.add("busy");
  say("Looking at the photo ...");
  try {
    const tricks = settings();
    const query = [...tricks, ...(compared() ? [["compare", "true"]] : [])];
    const answer = await (await ask("api/predict", photo, query, asking.signal)).json();
    await show(answer, photo, tricks);
    state.shown = photo;
  } catch (error) {
    if (error.name === "AbortError") return;
    fail(error instanceof Failed ? error : new Failed("the answer cannot be shown", error.message));
  } finally {
    if (state.asking === asking) {
      state.asking = null;
      document.body.classList.remove("busy");
    }
  }
}

async function show({ photo, runs, agreement }, file, tricks) {
  const shown = viewers.slice(0, runs.length);
  const name = (file.name || "photo").replace(/\.[^.]*$/, "");
  const reduced = photo.width * photo.height > about.mask;
  await Promise.all(shown.map((viewer, number) => viewer.show(photo, runs[number])));
  find("#views").replaceChildren(...shown.map((viewer) => viewer.root));
  find("#columns").classList.toggle("two", runs.length > 1);
  const titled = runs.length > 1;
  const lists = shown.map((viewer, number) => {
    const list = materials(viewer, runs[number], titled);
    list.append(downloads(viewer, titled, name, async () => {
      const mask = await (await ask("api/mask", file, [...tricks, ["run", number]])).blob();
      say(`The mask is saved${reduced ? `, reduced to ${Math.round(about.mask / 1e6)} million pixels` : ""}.`);
      return mask;
    }));
    return list;
  });
  find("#materials").replaceChildren(...lists);
  for (const viewer of shown) viewer.title.hidden = !titled;
  find("#size").textContent = `${photo.width} x ${photo.height} pixels`
    + (photo.reduced ? `, looked at as ${photo.seen_width} x ${photo.seen_height}` : "")
    + (photo.note ? `; the file ${photo.note}` : "")
    + `; pipeline: ${runs.map((run) => (titled ? `${run.run} ${run.pipeline}` : run.pipeline)).join("; ")}`;
  find("#agreement").hidden = !agreement;
  if (agreement) agree(agreement);
  find("#result").hidden = false;
  if (state.shown !== file) reveal(find("#status"));
  const { first } = about.runs[0];
  const named = runs[0].materials.filter((one) => one.label >= first).map((one) => `${one.name} ${percent(one.share)}`);
  say(`Done. ${named.join(", ") || "Nothing but background"}.`);
}

function agree({ same, differ, incomparable, only }) {
  const sentences = [];
  if (incomparable < 1) {
    sentences.push(`Both give ${percent(same)} of the photo the same name, and ${percent(differ)} different names.`);
  }
  if (incomparable > 0) {
    const what = incomparable < 1 ? `${percent(incomparable)} of it` : "This photo";
    sentences.push(`${what} cannot be compared: one of the two names is unknown to the other run.`);
  }
  only.forEach((names, number) => {
    if (names.length) sentences.push(`Only ${about.runs[number].name} knows ${names.join(", ")}.`);
  });
  find("#agreement-words").textContent = sentences.join(" ");
  mark();
}

// With two runs: only the pixels whose names differ are coloured, where that is asked for.
function mark() {
  const [left, right] = viewers;
  const differing = find("#differing");
  const wanted = compared() && differing.checked;
  const where = wanted
    ? left.labels.map((label, place) => Number(left.run.classes[label].name !== right.run.classes[right.labels[place]].name))
    : null;
  for (const viewer of viewers) {
    viewer.where = where;
    viewer.draw();
  }
}

function downloads(viewer, titled, name, maskOf) {
  const row = make("p", "downloads");
  const mask = make("button", "", "Mask (PNG)");
  const overlay = make("button", "", "Overlay (PNG)");
  for (const button of [mask, overlay]) {
    button.type = "button";
    if (titled) button.setAttribute("aria-label", `${button.textContent} of ${viewer.run.name}`);
  }
  row.append(mask, overlay);
  mask.addEventListener("click", async () => {
    mask.disabled = true;
    try {
      save(await maskOf(), `${name}-mask.png`);
    } catch (error) {
      fail(error);
    } finally {
      mask.disabled = false;
    }
  });
  overlay.addEventListener("click", async () => {
    save(await viewer.blob(), `${name}-overlay.png`);
    say("The overlay is saved.");
  });
  return row;
}

function save(blob, name) {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

takeIn(find("#zone"), (photo) => {
  state.photo = photo;
  look();
});

find("#opacity").addEventListener("input", (event) => {
  for (const viewer of viewers) {
    viewer.opacity = event.target.value / 100;
    if (viewer.labels) viewer.draw();
  }
  find("#opacity-value").textContent = `${event.target.value} %`;
});

function tricksChanged() {
  find("#own").hidden = own();
  look();
}

for (const box of boxes) box.addEventListener("change", tricksChanged);
find("#own").addEventListener("click", () => {
  for (const box of boxes) box.checked = box.defaultChecked;
  find("#tricks summary").focus();
  tricksChanged();
});
if (compare) {
  compare.addEventListener("change", look);
  find("#differing").addEventListener("change", mark);
}
