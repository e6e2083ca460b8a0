import { activeName, keepBundle, useBundle } from "../bundle/active";
import { readZip } from "../bundle/zip";
import { h, messageOf } from "../dom";
import { applyTheme, change, preferences, type Theme } from "../preferences";
import { refresh, type Screen } from "../router";
import { LANGUAGES, fill, languageCode, t } from "../texts/index";

/**
 * The screen of settings.
 *
 * @param onLanguage is called after the user has chosen another language.
 */
export function settingsScreen(onLanguage: () => void): Screen {
  const { settings: texts } = t();
  const content = h(
    "div",
    { class: "screen settings" },
    h("h1", {}, texts.heading),
    languageChoice(onLanguage),
    themeChoice(),
    historyChoice(),
    modelChoice(),
  );
  return { content };
}

function languageChoice(onLanguage: () => void): HTMLElement {
  const select = h("select", { id: "language" });
  for (const { code, name } of LANGUAGES) {
    select.append(h("option", { value: code, lang: code, selected: code === languageCode() }, name));
  }
  select.addEventListener("change", () => {
    change({ language: select.value });
    onLanguage();
  });
  return h("div", { class: "card field" }, h("label", { for: "language" }, t().settings.language), select);
}

function themeChoice(): HTMLElement {
  const { settings: texts } = t();
  const select = h("select", { id: "theme" });
  for (const theme of ["auto", "light", "dark"] as const) {
    select.append(h("option", { value: theme, selected: theme === preferences.theme }, texts[theme]));
  }
  select.addEventListener("change", () => {
    change({ theme: select.value as Theme });
    applyTheme();
  });
  return h("div", { class: "card field" }, h("label", { for: "theme" }, texts.theme), select);
}

function historyChoice(): HTMLElement {
  const { settings: texts, nav } = t();
  const box = h("input", {
    type: "checkbox",
    id: "history",
    checked: preferences.history,
    "aria-describedby": "history-help",
  });
  box.addEventListener("change", () => change({ history: box.checked }));
  return h(
    "div",
    { class: "card" },
    h("div", { class: "check" }, box, h("label", { for: "history" }, texts.history)),
    h("p", { class: "small", id: "history-help" }, texts.historyHelp, " ", h("a", { href: "#/history" }, nav.history)),
  );
}

function modelChoice(): HTMLElement {
  const { settings: texts } = t();
  const name = activeName();
  const message = h("p", { role: "status" }, name === null ? texts.builtIn : fill(texts.opened, { file: name }));
  const keep = h("input", { type: "checkbox", id: "keep" });
  const input = h("input", { type: "file", class: "hidden", accept: ".zip,application/zip", id: "bundle" });
  const say = (text: string, wrong: boolean) => {
    message.textContent = text;
    message.classList.toggle("error", wrong);
  };
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (!file) return;
    say(fill(texts.checking, { file: file.name }), false);
    try {
      const reading = readZip(file);
      if (!(await useBundle(reading))) return; // another one was chosen since
      const problem = keep.checked ? await keepBundle(await reading).then(() => null, messageOf) : null;
      if (!message.isConnected) return; // another screen is shown
      refresh();
      document.getElementById("bundle")!.focus();
      if (problem !== null) document.querySelector("#model-message")!.textContent = fill(texts.notKept, { problem });
    } catch (error) {
      say(fill(texts.refused, { file: file.name, problem: messageOf(error) }), true);
    }
    input.value = ""; // the same file can be chosen again
  });
  message.id = "model-message";
  const back = h("button", { type: "button" }, texts.back);
  back.addEventListener("click", async () => {
    await keepBundle(null).catch(() => {}); // no storage: nothing was kept
    try {
      await useBundle(Promise.resolve(null));
      if (!message.isConnected) return;
      refresh();
      document.getElementById("bundle")!.focus();
    } catch (error) {
      say(messageOf(error), true);
    }
  });
  return h(
    "section",
    { class: "card" },
    h("h2", {}, texts.modelHeading),
    message,
    h("p", { class: "small" }, texts.openHelp),
    h("div", { class: "check" }, keep, h("label", { for: "keep" }, texts.keep)),
    h("div", { class: "actions" }, h("label", { class: "button" }, input, texts.open), name !== null && back),
  );
}
