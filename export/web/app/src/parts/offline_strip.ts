import { h } from "../dom";
import { keepOffline, offlineState, onOfflineChange, updateNow, updateWaits } from "../offline";
import { fill, t } from "../texts/index";

/**
 * Makes the line at the end of the page that says how far the app is kept on the device, and offers updates.
 *
 * @returns the element, and a function that ends its updates.
 */
export function offlineStrip(): { readonly element: HTMLElement; readonly end: () => void } {
  const text = h("p", { class: "offline-text" });
  const bar = h("progress", { "aria-label": t().offline.label, max: 1, hidden: true });
  // Screen readers hear changes of the state, not every step of the download.
  const said = h("p", { class: "hidden", role: "status" });
  const actions = h("div", { class: "actions" });
  const element = h("footer", { class: "offline" }, text, bar, said, actions);

  const update = () => {
    const { offline } = t();
    const state = offlineState();
    element.dataset.state = state.type;
    bar.hidden = state.type !== "progress" || state.total === 0;
    if (state.type === "progress") {
      bar.max = Math.max(state.total, 1);
      bar.value = state.loaded;
      const [loaded, total] = [state.loaded, state.total].map((bytes) => Math.round(bytes / 1e5) / 10);
      text.textContent = fill(offline.downloading, { loaded, total });
      text.hidden = state.total === 0;
    } else {
      text.hidden = false;
      text.textContent = {
        retrying: () => fill(offline.retrying, { n: state.type === "retrying" ? state.seconds : 0 }),
        failed: () => offline.failed,
        ready: () => offline.ready,
        unavailable: () => offline.unavailable,
      }[state.type]();
    }
    const message = updateWaits() ? offline.update : state.type === "progress" ? "" : text.textContent;
    if (said.textContent !== message) said.textContent = message;
    actions.replaceChildren();
    if (state.type === "failed") {
      actions.append(h("button", { type: "button", onclick: () => void keepOffline() }, offline.retry));
    }
    if (updateWaits()) {
      text.textContent = offline.update;
      actions.append(h("button", { type: "button", onclick: () => void updateNow() }, offline.updateNow));
    }
  };
  update();
  return { element, end: onOfflineChange(update) };
}
