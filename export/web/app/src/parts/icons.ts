const SVG = "http://www.w3.org/2000/svg";

/** The lines of each icon, in 24 x 24 units. */
const LINES = {
  camera: ["M4 8h3l2-3h6l2 3h3v11H4z", "M12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z"],
  picture: ["M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 9.5h.1"],
  history: ["M12 3.5a8.5 8.5 0 1 1-8.2 6.2", "M3.2 4.5l.6 5.2 5-.8", "M12 8v4.5l3 2"],
  settings: [
    "M4 7h9M19 7h1M4 17h1M11 17h9",
    "M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    "M8 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  ],
  about: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 11v5", "M12 7.6v.2"],
  torch: ["M13 3L6 13h5l-1 8 7-11h-5z"],
  turn: ["M4 9a8 8 0 0 1 14-3l2 2M20 15a8 8 0 0 1-14 3l-2-2", "M20 3v5h-5M4 21v-5h5"],
  alike: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 10h8M8 14h8"],
  unlike: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 10h8M8 14h8M15 7l-6 10"],
  undecided: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8 12c1.5-2 3-2 4 0s2.5 2 4 0"],
  warning: ["M12 4l9 15.5H3z", "M12 10v4.5", "M12 17v.2"],
} as const;

/** Makes a decorative icon, drawn in the colour of the text. */
export function icon(name: keyof typeof LINES): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of LINES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
