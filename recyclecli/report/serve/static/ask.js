// Talks to the server: what the page was given, and the two questions that it asks of a photo.

export const about = JSON.parse(document.querySelector("#about").textContent);

const page = crypto.getRandomValues(new Uint32Array(2)).join("-");

export class Failed extends Error {
  constructor(message, remedy = "") {
    super(message);
    this.remedy = remedy;
  }
}

export async function ask(path, photo, settings, signal) {
  if (photo.size > about.limit) {
    throw new Failed(`the photo is larger than ${Math.round(about.limit / 2 ** 20)} MB`, "reduce it, or save it as JPEG");
  }
  const query = new URLSearchParams(settings);
  let response;
  try {
    response = await fetch(`${path}?${query}`, {
      method: "POST",
      body: photo,
      signal,
      headers: { "Content-Type": "application/octet-stream", "X-Recycle-Page": page },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed("the program does not answer", "is `recycle serve` still running?");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({ error: `answer ${response.status}`, remedy: "" }));
  throw new Failed(said.error, said.remedy);
}

export async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function percent(share) {
  return share > 0 && share < 0.01 ? "below 1 %" : `${Math.round(100 * share)} %`;
}

export function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Brings what is new into sight: a result that lies low on a small screen, an error above what is looked at.
export function reveal(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView();
}
