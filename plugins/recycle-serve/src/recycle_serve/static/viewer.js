// A photo with its materials laid over it; tells what lies under the pointer, the finger or the arrow keys.

import { about, make, percent, unpack } from "./ask.js";

export class Viewer {
  constructor(run, number) {
    this.run = run;
    this.opacity = about.opacity;
    this.only = null; // the one label that is shown
    this.where = null; // the pixels that are shown, 1 or 0 each
    this.root = make("div", "viewer");
    this.title = make("h3", "", run.name);
    this.frame = make("div", "frame");
    this.image = make("img");
    this.canvas = make("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "photo");
    this.canvas.id = `photo-${number}`;
    this.cross = make("span", "cross");
    this.cross.hidden = true;
    this.said = make("p", "said");
    this.said.setAttribute("aria-live", "polite");
    this.frame.append(this.image, this.canvas, this.cross);
    this.root.append(this.title, this.frame, this.said);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.rest());
    this.canvas.addEventListener("blur", () => this.rest());
    this.canvas.addEventListener("focus", () => this.at && this.tell());
    this.canvas.addEventListener("keydown", (event) => this.step(event));
    this.rest();
  }

  async show(photo, answer) {
    const [labels, sure] = await Promise.all([unpack(answer.labels), unpack(answer.sure)]);
    this.width = photo.seen_width;
    this.height = photo.seen_height;
    this.labels = labels;
    this.sure = sure;
    this.edges = this.outlines();
    this.at = [Math.floor(this.width / 2), Math.floor(this.height / 2)];
    this.image.src = photo.picture;
    this.image.alt = "";
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    const named = answer.materials.filter((one) => one.label >= this.run.first).map((one) => one.name);
    this.canvas.setAttribute(
      "aria-label",
      `The photo with ${named.join(", ") || "no material"}; arrow keys move over it and tell the material`,
    );
    this.rest();
    this.draw();
  }

  outlines() {
    const { labels, width, height } = this;
    const edges = new Uint8Array(labels.length);
    for (let y = 0, place = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, place += 1) {
        const own = labels[place];
        if ((x && labels[place - 1] !== own) || (y && labels[place - width] !== own)
          || (x + 1 < width && labels[place + 1] !== own) || (y + 1 < height && labels[place + width] !== own)) {
          edges[place] = 1;
        }
      }
    }
    return edges;
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const picture = context.createImageData(this.width, this.height);
    const pixels = picture.data;
    const colors = this.run.classes.map(({ color }) => [1, 3, 5].map((from) => parseInt(color.slice(from, from + 2), 16)));
    const fill = Math.round(this.opacity * 255);
    const line = Math.min(255, 2 * fill);
    for (let place = 0; place < this.labels.length; place += 1) {
      const label = this.labels[place];
      if (label < this.run.first || (this.only !== null && label !== this.only) || (this.where && !this.where[place])) continue;
      [pixels[4 * place], pixels[4 * place + 1], pixels[4 * place + 2]] = colors[label];
      pixels[4 * place + 3] = this.edges[place] ? line : fill;
    }
    context.putImageData(picture, 0, 0);
  }

  point(event) {
    if (!this.labels) return;
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.height);
    this.at = [Math.min(this.width - 1, Math.max(0, x)), Math.min(this.height - 1, Math.max(0, y))];
    this.tell();
    this.cross.hidden = event.pointerType === "mouse";
  }

  step(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move || !this.labels) return;
    event.preventDefault();
    const far = Math.max(this.width, this.height) / (event.shiftKey ? 200 : 40);
    const limits = [this.width - 1, this.height - 1];
    this.at = this.at.map((value, axis) => Math.round(Math.min(limits[axis], Math.max(0, value + move[axis] * far))));
    this.tell();
  }

  tell() {
    const [x, y] = this.at;
    const place = y * this.width + x;
    const { name, color } = this.run.classes[this.labels[place]];
    const swatch = make("i");
    swatch.style.background = color;
    this.said.replaceChildren(swatch, make("b", "", name), ` ${percent(this.sure[place] / 255)} sure`);
    this.cross.hidden = false;
    this.cross.style.left = `${(100 * (x + 0.5)) / this.width}%`;
    this.cross.style.top = `${(100 * (y + 0.5)) / this.height}%`;
  }

  rest() {
    this.cross.hidden = true;
    this.said.textContent = "Point at the photo, or tap it, to see what a place is made of.";
  }

  blob() {
    const whole = make("canvas");
    whole.width = this.width;
    whole.height = this.height;
    const context = whole.getContext("2d");
    context.drawImage(this.image, 0, 0, this.width, this.height);
    context.drawImage(this.canvas, 0, 0);
    return new Promise((done) => whole.toBlob(done, "image/png"));
  }
}
