/** One screen of the app. */
export interface Screen {
  /** The element of its heading of level 1, which gets the focus, is in here. */
  readonly content: HTMLElement;
  /** Frees what the screen holds, such as the camera. */
  readonly leave?: () => void;
}

/** Makes a screen. It returns at once; what takes time is added to the content later. */
export type ScreenFactory = () => Screen;

let routes: Readonly<Record<string, ScreenFactory>> = {};
let host: HTMLElement;
let shown: Screen | null = null;

/** The name of the screen in the address, such as `camera` of `#/camera`. */
function routeName(): string {
  const name = location.hash.replace(/^#\//, "");
  return Object.hasOwn(routes, name) ? name : "start";
}

/** Goes to a screen; if it is shown already, it is made again. */
export function go(name: string): void {
  if (location.hash === `#/${name}`) show(true);
  else location.hash = `#/${name}`;
}

/** Makes the screen of the address again, for example after something was deleted. */
export function refresh(): void {
  show(false);
}

/**
 * Follows the address.
 *
 * @param screens by name; `start` must be among them.
 */
export function startRouter(screens: Readonly<Record<string, ScreenFactory>>): void {
  routes = screens;
  addEventListener("hashchange", () => show(true));
}

/** Shows the screen of the address in an element, from now on. */
export function showIn(element: HTMLElement): void {
  host = element;
  show(false);
}

function show(moveFocus: boolean): void {
  shown?.leave?.();
  const name = routeName();
  shown = routes[name]();
  host.replaceChildren(shown.content);
  document.body.dataset.screen = name;
  const heading = shown.content.querySelector("h1");
  const place = heading?.textContent;
  document.title = place && name !== "start" ? `${place} – mim-tf` : "mim-tf";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!moveFocus) return;
  // Screen readers announce the heading, and Tab continues from there.
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}
