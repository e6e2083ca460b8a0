import { translatedClass } from "../class_name";
import { h, messageOf } from "../dom";
import { announce } from "../live";
import { preferences } from "../preferences";
import { refresh, type Screen } from "../router";
import { decimal } from "../shares";
import { deleteAllEntries, deleteEntry, readEntries, type Entry } from "../storage/history";
import { count, fill, locale, t } from "../texts/index";

/** The screen of saved results. */
export function historyScreen(): Screen {
  const { history: texts, nav } = t();
  const list = h("div", { class: "history" });
  const addresses: string[] = [];
  const content = h(
    "div",
    { class: "screen" },
    h("h1", {}, texts.heading),
    h("p", {}, preferences.history ? texts.on : texts.off, " ", h("a", { href: "#/settings" }, nav.settings)),
    list,
  );
  void readEntries().then(
    (entries) => list.append(...shownEntries(entries, addresses)),
    (error) =>
      list.append(h("p", { class: "error", role: "alert" }, fill(texts.failed, { problem: messageOf(error) }))),
  );
  return { content, leave: () => addresses.forEach((address) => URL.revokeObjectURL(address)) };
}

function shownEntries(entries: readonly Entry[], addresses: string[]): HTMLElement[] {
  const texts = t().history;
  if (entries.length === 0) return [h("p", {}, texts.empty)];
  const deleteAll = h("button", { type: "button", class: "danger" }, texts.deleteAll);
  deleteAll.addEventListener("click", () => {
    if (confirm(texts.confirmAll)) void deleteAllEntries().then(afterDelete);
  });
  const items = entries.map((entry) => h("li", { class: "card entry" }, ...shownEntry(entry, addresses)));
  return [h("p", {}, count(texts.count, entries.length)), h("ul", { class: "entries" }, ...items), deleteAll];
}

function shownEntry(entry: Entry, addresses: string[]): (HTMLElement | false)[] {
  const { history: texts, verdicts, reasons, result } = t();
  const className = translatedClass(entry.className);
  const time = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(entry.time);
  let picture: HTMLElement | false = false;
  if (entry.picture) {
    const address = URL.createObjectURL(entry.picture);
    addresses.push(address);
    picture = h("img", { src: address, alt: result.photograph, width: 96, height: 96 });
  }
  const remove = h("button", { type: "button", "aria-label": fill(texts.deleteOne, { time }) }, texts.delete);
  remove.addEventListener("click", () => void deleteEntry(entry.id).then(afterDelete));
  return [
    picture,
    h(
      "div",
      { class: "entry-text" },
      h("h2", {}, fill(verdicts[entry.verdict].title, { class: className })),
      h("p", {}, time),
      entry.reason !== null
        ? h("p", {}, reasons[entry.reason].text)
        : h("p", {}, `${className} ${decimal(entry.pClass!)} · ${t().bars.otherSkin} ${decimal(entry.pOther!)}`),
      h("p", { class: "small" }, fill(result.model, { model: entry.modelId })),
      remove,
    ),
  ];
}

function afterDelete(): void {
  refresh();
  announce(t().history.deleted);
}
