import { h } from "../dom";
import { t } from "../texts/index";
import { icon } from "./icons";

/** The screens of the menu, with their icons. */
const MENU = { start: "camera", history: "history", settings: "settings", about: "about" } as const;

/**
 * Makes what surrounds every screen: skip link, name, menu, and the place for the screen.
 *
 * @param strip the line on use without a network.
 * @returns the elements, and `main`, in which the router puts the screen.
 */
export function frame(strip: HTMLElement): { readonly elements: HTMLElement[]; readonly main: HTMLElement } {
  const { nav } = t();
  const main = h("main", { id: "main", tabindex: -1 });
  const skip = h("a", { class: "skip", href: "#main" }, nav.skip);
  skip.addEventListener("click", (event) => {
    event.preventDefault(); // the address says which screen is shown
    main.focus();
  });
  const name = h(
    "a",
    { class: "name", href: "#/start" },
    h("img", { src: "icons/icon.svg", alt: "", width: 28, height: 28 }),
    "mim-tf",
  );
  const links = (Object.keys(MENU) as (keyof typeof MENU)[]).map((screen) =>
    h("li", {}, h("a", { href: `#/${screen}` }, icon(MENU[screen]), h("span", {}, nav[screen]))),
  );
  const menu = h("nav", { "aria-label": nav.label }, h("ul", {}, ...links));
  return { elements: [skip, h("header", {}, name, menu), main, strip], main };
}
