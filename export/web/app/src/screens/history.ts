import { translatedClass } from "../class_name";
import { h, messageOf } from "../dom";
import { announce } from "../live";
import { nextSteps } from "../parts/next";
import { notice } from "../parts/notice";
import { preferences } from "../preferences";
import type { Screen } from "../router";
import { deleteAllEntries, deleteEntry, readEntries, type Entry } from "../storage/history";
import { count, fill, locale, t } from "../texts/index";

/** The screen of saved results. */
export function historyScreen(): Screen {
  const { history: texts, nav } = t();
  const heading = h("h1", { tabindex: -1 }, texts.heading);
  const list = h("div", { class: "result" });
  let addresses: string[] = [];
  let left = false;
  const forget = () => {
    addresses.forEach((address) => URL.revokeObjectURL(address));
    addresses = [];
  };
  const report = (text: string, error: unknown) => {
    list.querySelector("[role=alert]")?.remove();
    list.prepend(h("p", { class: "error", role: "alert" }, fill(text, { problem: messageOf(error) })));
  };

  /** Deletes, shows what is left, and moves the focus to the entry after the deleted one. */
  const remove = async (work: Promise<void>, place: number) => {
    try {
      await work;
    } catch (error) {
      return report(texts.notDeleted, error);
    }
    await show();
    if (left) return;
    const buttons = list.querySelectorAll<HTMLElement>(".entry button");
    (buttons[Math.min(place, buttons.length - 1)] ?? heading).focus();
    announce(texts.deleted);
  };
  const show = async () => {
    try {
      const entries = await readEntries();
      if (left) return;
      forget();
      list.replaceChildren(...shownEntries(entries));
    } catch (error) {
      report(texts.failed, error);
    }
  };

  const shownEntries = (entries: readonly Entry[]): HTMLElement[] => {
    if (entries.length === 0) return [h("p", {}, texts.empty)];
    const deleteAll = h("button", { type: "button", class: "danger" }, texts.deleteAll);
    deleteAll.addEventListener("click", () => {
      if (confirm(texts.confirmAll)) void remove(deleteAllEntries(), 0);
    });
    const classes = [...new Set(entries.map(({ className }) => className))];
    const names = new Intl.ListFormat(locale(), { type: "disjunction" }).format(classes.map(translatedClass));
    return [
      // Once for all entries. Those of different models may have different statements.
      ...[...new Set(entries.map(({ statement }) => statement))].map((statement) => notice(statement)),
      nextSteps(names, classes.includes("mpox")),
      h("p", {}, count(texts.count, entries.length)),
      h("ul", { class: "entries" }, ...entries.map(shownEntry)),
      deleteAll,
    ];
  };

  const shownEntry = (entry: Entry, place: number): HTMLElement => {
    const { verdicts, reasons, result } = t();
    const time = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(entry.time);
    let picture: HTMLElement | false = false;
    if (entry.picture) {
      const address = URL.createObjectURL(entry.picture);
      addresses.push(address);
      picture = h("img", { src: address, alt: result.photograph, width: 96, height: 96 });
    }
    const button = h("button", { type: "button", "aria-label": fill(texts.deleteOne, { time }) }, texts.delete);
    button.addEventListener("click", () => void remove(deleteEntry(entry.id), place));
    return h(
      "li",
      { class: "card entry" },
      picture,
      h(
        "div",
        { class: "entry-text" },
        h("h2", {}, fill(verdicts[entry.verdict].title, { class: translatedClass(entry.className) })),
        h("p", {}, time),
        entry.reason !== null && h("p", {}, reasons[entry.reason].text),
        h("p", { class: "small" }, fill(result.model, { model: entry.modelId })),
        button,
      ),
    );
  };

  const content = h(
    "div",
    { class: "screen" },
    heading,
    h("p", {}, preferences.history ? texts.on : texts.off, " ", h("a", { href: "#/settings" }, nav.settings)),
    list,
  );
  void show();
  return {
    content,
    leave: () => {
      left = true;
      forget();
    },
  };
}
