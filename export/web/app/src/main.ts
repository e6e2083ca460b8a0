import "./styles/base.css";
import "./styles/frame.css";
import "./styles/controls.css";
import "./styles/result.css";
import "./styles/camera.css";
import { activeScorer, restoreKept } from "./bundle/active";
import { liveRegion } from "./live";
import { keepOffline } from "./offline";
import { frame } from "./parts/frame";
import { offlineStrip } from "./parts/offline_strip";
import { acceptDropAndPaste } from "./photo";
import { applyTheme, preferredLanguage } from "./preferences";
import { showIn, startRouter } from "./router";
import { aboutScreen } from "./screens/about";
import { cameraScreen } from "./screens/camera";
import { historyScreen } from "./screens/history";
import { resultScreen } from "./screens/result";
import { sharedScreen } from "./screens/shared";
import { settingsScreen } from "./screens/settings";
import { startScreen } from "./screens/start";
import { useLanguage } from "./texts/index";

/** Ends the updates of the line at the end of the page before. */
let endStrip = () => {};

/** Shows the page in the language of the preferences. */
async function show(): Promise<void> {
  await useLanguage(preferredLanguage());
  endStrip();
  const strip = offlineStrip();
  endStrip = strip.end;
  const { elements, main } = frame(strip.element);
  document.body.replaceChildren(...elements, liveRegion);
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
await restoreKept();
await show();
void keepOffline();
// Before a photograph is chosen, so that its verdict comes at once. The screen of the result reports a failure.
void activeScorer().catch(() => {});
