import { MimError } from "./errors.js";
import type { Verdict } from "./manifest.js";
import type { PhotoScorer } from "./photo-scorer.js";
import type { Judged, Refused } from "./scorer.js";
import { createScorer } from "./worker.js";

/** What a verdict means, and does not mean. */
const WORDS: Readonly<Record<Verdict, string>> = {
  "mpox-like": "More like mpox than most other skin. This does not mean that it is mpox.",
  "not-mpox-like": "Less like mpox than almost all photographs of mpox. This is no proof that it is none.",
  undecided: "Undecided: neither mpox nor other skin could be excluded, or both were excluded.",
  "cannot-judge": "This photograph cannot be judged",
};

/** The same with every verdict, so that none is a reason to wait. */
const ADVICE =
  "If you have a rash, sores, fever or swollen lymph nodes, or were in contact with a person who has mpox, see a " +
  "doctor. Do not wait because of this verdict.";

/** `mim-result` of the element: `detail` is the result. */
export type MimResultEvent = CustomEvent<Judged | Refused>;
/** `mim-error` of the element: `detail` is a MimError. */
export type MimErrorEvent = CustomEvent<MimError>;

declare global {
  interface HTMLElementTagNameMap {
    "mim-judge": MimJudgeElement;
  }
}

const STYLE = `
  :host { display: block; font: inherit; }
  label, p { display: block; margin: 0 0 0.5em; }
  input { font: inherit; max-width: 100%; }
  .statement { font-size: 0.875em; }
`;

/**
 * `<mim-judge>`: a field for a photograph, its verdict in words, what to do next, and the statement of the bundle.
 *
 * Attributes: `bundle`, the folder of `manifest.json` and `mim.tflite`; `wasm`, the folder of LiteRT.js's WebAssembly;
 * and optionally `worker`, the address of `worker-script.js`. Its text is the label of the field. The bundle is loaded
 * with the first photograph. Events, which bubble: `mim-result` with the result, `mim-error` with a MimError.
 *
 * @example
 * <mim-judge bundle="/bundle/" wasm="/litert/">Photograph of a lesion</mim-judge>
 */
export class MimJudgeElement extends HTMLElement {
  readonly #input = document.createElement("input");
  readonly #output = document.createElement("div");
  readonly #statement = document.createElement("p");
  #scorer: Promise<PhotoScorer> | undefined;
  /** Counts the photographs that were chosen, so that only the last one is shown. */
  #latest = 0;
  /** How far the bundle is loaded, in words; empty before and after. */
  #progress = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    // A style sheet that is not inline, so that no content security policy has to allow it.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const label = document.createElement("label");
    const name = document.createElement("slot");
    name.append("Photograph");
    Object.assign(this.#input, { type: "file", id: "photo", accept: "image/jpeg,image/png,image/webp" });
    label.htmlFor = "photo";
    label.append(name);
    this.#output.setAttribute("role", "status"); // screen readers read it when it changes
    this.#statement.className = "statement";
    this.#statement.textContent = "Research software, not a diagnosis. No image leaves the device.";
    root.append(label, this.#input, this.#output, this.#statement);
    this.#input.addEventListener("change", () => void this.#judge());
  }

  /** Frees the memory and forgets the photograph when the element is removed. */
  disconnectedCallback(): void {
    this.#latest += 1;
    this.#input.value = "";
    this.#show();
    this.#progress = "";
    void this.#scorer?.then((scorer) => scorer.close()).catch(() => {});
    this.#scorer = undefined;
  }

  async #judge(): Promise<void> {
    const number = ++this.#latest;
    const photo = this.#input.files?.[0];
    this.#show();
    if (photo === undefined) return; // the choice was cancelled
    if (this.#progress !== "") this.#show(this.#progress);
    try {
      this.#scorer ??= this.#load();
      const scorer = await this.#scorer;
      if (number !== this.#latest) return; // another photograph has been chosen since
      this.#show("Judging the photograph");
      const result = await scorer.judge(photo);
      if (number !== this.#latest) return;
      this.#show(wordsOf(result), ADVICE);
      this.#statement.textContent = scorer.manifest.statement;
      this.#dispatch("mim-result", result);
    } catch (error) {
      if (number !== this.#latest) return;
      const told = error instanceof MimError ? error : new MimError(String(error), "load the page again");
      this.#show(told.message);
      this.#dispatch("mim-error", told);
    }
  }

  #show(...lines: string[]): void {
    this.#output.replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
    );
  }

  #load(): Promise<PhotoScorer> {
    const folder = (name: string) =>
      new URL(`${this.getAttribute(name) ?? ""}/`.replace(/\/+$/, "/"), document.baseURI);
    const worker = this.getAttribute("worker") ?? undefined;
    const scorer = createScorer({
      manifest: new URL("manifest.json", folder("bundle")),
      model: new URL("mim.tflite", folder("bundle")),
      wasm: folder("wasm"),
      worker,
      // In few steps, because screen readers read each of them.
      onProgress: ({ loaded, total }) => {
        const text = `Loading, ${25 * Math.floor((4 * loaded) / total)} %`;
        if (text === this.#progress || this.#scorer !== scorer) return;
        this.#progress = text;
        if (this.#input.files?.length) this.#show(text);
      },
    });
    const ended = (failed: boolean) => {
      if (this.#scorer !== scorer) return; // the element was removed
      this.#progress = "";
      if (failed) this.#scorer = undefined; // so that the next photograph tries again
    };
    scorer.then(
      () => ended(false),
      () => ended(true),
    );
    return scorer;
  }

  #dispatch(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function wordsOf({ verdict, reason, remedy }: Judged | Refused): string {
  return reason === null ? WORDS[verdict] : `${WORDS[verdict]}: ${reason}; ${remedy}.`;
}

customElements.define("mim-judge", MimJudgeElement);
