import { h, icon } from "../dom";
import { t } from "../texts/index";

const ICONS = {
  start: icon("M4 8h3l2-3h6l2 3h3v11H4z", "M12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z"),
  history: icon("M12 3.5a8.5 8.5 0 1 1-8.2 6.2", "M3.2 4.5l.6 5.2 5-.8", "M12 8v4.5l3 2"),
  settings: icon("M4 7h9M19 7h1M4 17h1M11 17h9", "M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z", "M8 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"),
  about: icon("M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 11v5", "M12 7.6v.2"),
};

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
  const name = h("a", { class: "name", href: "#/start" }, h("img", { src: "icons/icon.svg", alt: "", width: 28, height: 28 }), "mim-tf");
  const links = (Object.keys(ICONS) as (keyof typeof ICONS)[]).map((screen) =>
    h("li", {}, h("a", { href: `#/${screen}` }, ICONS[screen], h("span", {}, nav[screen]))),
  );
  const menu = h("nav", { "aria-label": nav.label }, h("ul", {}, ...links));
  return { elements: [skip, h("header", {}, name, menu), main, strip], main };
}
