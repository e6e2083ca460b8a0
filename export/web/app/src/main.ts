import "./styles/base.css";
import "./styles/frame.css";
import "./styles/controls.css";
import "./styles/result.css";
import "./styles/camera.css";
import { activeName, activeScorer, restoreKept } from "./bundle/active";
import { h } from "./dom";
import { liveRegion } from "./live";
import { keepOffline } from "./offline";
import { frame } from "./parts/frame";
import { offlineStrip } from "./parts/offline_strip";
import { acceptDropAndPaste } from "./photo";
import { applyTheme, preferredLanguage } from "./preferences";
import { refresh, showIn, startRouter } from "./router";
import { aboutScreen } from "./screens/about";
import { cameraScreen } from "./screens/camera";
import { historyScreen } from "./screens/history";
import { resultScreen } from "./screens/result";
import { sharedScreen } from "./screens/shared";
import { settingsScreen } from "./screens/settings";
import { startScreen } from "./screens/start";
import { LANGUAGES, useLanguage } from "./texts/index";

/** Ends the updates of the line at the end of the page before. */
let endStrip = () => {};

/** Shows the page in the language of the preferences, or in English if its texts cannot be loaded. */
async function show(): Promise<void> {
  const language = preferredLanguage();
  let problem: HTMLElement | null = null;
  try {
    await useLanguage(language);
  } catch {
    await useLanguage(LANGUAGES[0]);
    const text = `The texts in ${language.name} could not be loaded, so English is used. Try again with a network.`;
    problem = h("p", { class: "error problem", role: "alert" }, text);
  }
  endStrip();
  const strip = offlineStrip();
  endStrip = strip.end;
  const { elements, main } = frame(strip.element);
  document.body.replaceChildren(...elements, liveRegion);
  if (problem) main.before(problem);
  showIn(main);
}

async function changeLanguage(): Promise<void> {
  await show();
  document.getElementById("language")?.focus();
}

applyTheme();
startRouter({
  start: startScreen,
  camera: cameraScreen,
  result: resultScreen,
  history: historyScreen,
  settings: () => settingsScreen(() => void changeLanguage()),
  about: aboutScreen,
  shared: sharedScreen,
});
acceptDropAndPaste();
const restoring = restoreKept();
await show();
void keepOffline();
void restoring.then(() => {
  if (activeName() !== null && document.body.dataset.screen === "settings") refresh();
});
// Before a photograph is chosen, so that its verdict comes at once. The screen of the result reports a failure.
void activeScorer().catch(() => {});
