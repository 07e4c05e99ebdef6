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
    response = await fetch(`${about.top}${path}?${query}`, {
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
  const said = await response.json().catch(() => strange(response.status));
  throw new Failed(said.error, said.remedy);
}

// What to say of an answer that is not the program's own: one of a proxy before it.
function strange(status) {
  if (status === 413) return { error: "a proxy before this page takes no photo of this size", remedy: "allow 30 MB there: client_max_body_size 30m in nginx; docs/serve.md" };
  if (status === 404) return { error: "the address of the program was not found", remedy: "open the page with a slash at its end, or start it with --root-path; docs/serve.md" };
  return { error: `a proxy before this page answers ${status}`, remedy: "is `recycle serve` still running? docs/serve.md" };
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
