import type { Manifest } from "@mim-tf/scorer";
import { activeScorer } from "../bundle/active";
import { sampler, takePhotograph } from "../camera/frames";
import { hintOf } from "../camera/hints";
import { CameraError, startCamera, type Camera } from "../camera/stream";
import { h } from "../dom";
import { announce } from "../live";
import { icon } from "../parts/icons";
import { photoInput } from "../parts/photo_input";
import { judgePhoto } from "../photo";
import type { Screen } from "../router";
import { t } from "../texts/index";

/** Milliseconds between two looks at the live picture. */
const INTERVAL = 400;
/** Milliseconds that a hint has to hold before screen readers say it. */
const HELD = 1500;
/** Side of the frames that the hints are computed from until the model is loaded, then it is that of the model. */
const HINT_SIZE = 192;

/** The screen that takes a photograph. The camera runs only while it is shown and the page is visible. */
export function cameraScreen(): Screen {
  const texts = t().camera;
  const video = h("video", { playsinline: true, muted: true, "aria-label": texts.preview });
  video.muted = true; // the attribute alone does not allow starting without a touch
  const hint = h("p", { class: "hint" }, texts.starting);
  const shoot = h("button", { type: "button", class: "primary shoot", disabled: true }, texts.shoot);
  const torch = h("button", { type: "button", hidden: true, "aria-pressed": "false" }, icon("torch"), texts.torch);
  const other = h("button", { type: "button", hidden: true }, icon("turn"), texts.switch);
  const again = h("button", { type: "button", hidden: true }, texts.again);
  const viewer = h("div", { class: "viewer" }, video, h("div", { class: "guide", "aria-hidden": "true" }));
  const content = h(
    "div",
    { class: "screen camera" },
    h("h1", {}, texts.heading),
    h("p", {}, texts.guide),
    viewer,
    hint,
    h("div", { class: "actions" }, shoot, torch, other, again, photoInput("", t().start.choose)),
  );

  let camera: Camera | null = null;
  let manifest: Manifest | null = null;
  let timer = 0;
  // Grows with each start and stop: a start that was overtaken ends its camera.
  let turn = 0;
  let shooting = false;
  let saying = 0;
  void activeScorer().then(
    (scorer) => (manifest = scorer.manifest),
    () => {}, // the screen of the result says what is wrong
  );
  const sample = sampler(video);

  const say = (text: string, state: string) => {
    if (hint.textContent !== text) {
      hint.textContent = text;
      clearTimeout(saying);
      saying = window.setTimeout(() => announce(text), state === "problem" ? 0 : HELD);
    }
    hint.dataset.state = state;
  };
  const look = () => {
    if (video.videoWidth === 0) return;
    const found = hintOf(sample(manifest?.size ?? HINT_SIZE), manifest?.gate ?? null);
    say(texts[found], found);
    shoot.disabled = shooting;
  };
  const stop = () => {
    turn++;
    clearInterval(timer);
    camera?.stop();
    camera = null;
    video.srcObject = null;
    shoot.disabled = torch.hidden = other.hidden = true;
    viewer.hidden = true;
  };
  const fail = (text: string) => {
    stop();
    say(text, "problem");
    again.hidden = false;
  };
  /** `pressed` is the button that was pressed, which is hidden meanwhile; the focus goes to it or to what follows. */
  const start = async (deviceId: string | null, pressed: HTMLElement | null) => {
    stop();
    const mine = turn;
    again.hidden = true;
    viewer.hidden = false;
    say(texts.starting, "starting");
    try {
      const started = await startCamera(deviceId, () => {
        if (mine === turn) fail(texts.interrupted);
      });
      if (mine !== turn) return started.stop();
      camera = started;
      if (document.hidden) return hide();
      video.srcObject = camera.stream;
      await video.play();
      torch.hidden = !camera.hasTorch;
      torch.setAttribute("aria-pressed", "false");
      other.hidden = camera.others.length === 0;
      timer = window.setInterval(look, INTERVAL);
      look();
      if (pressed) (pressed.hidden ? shoot : pressed).focus();
    } catch (error) {
      if (mine !== turn) return;
      fail(texts[error instanceof CameraError ? error.problem : "busy"]);
      if (pressed) again.focus();
    }
  };
  const hide = () => {
    if (document.hidden && camera !== null) fail(texts.stopped);
  };

  shoot.addEventListener("click", async () => {
    if (shooting) return;
    shoot.disabled = shooting = true;
    const mine = turn;
    try {
      const photo = await takePhotograph(video);
      if (mine === turn) judgePhoto(photo); // otherwise the screen was left
    } catch {
      if (mine === turn) fail(texts.interrupted);
    } finally {
      shooting = false;
    }
  });
  torch.addEventListener("click", async () => {
    const on = torch.getAttribute("aria-pressed") !== "true";
    try {
      await camera?.setTorch(on);
      torch.setAttribute("aria-pressed", String(on));
    } catch {
      torch.hidden = true; // some cameras state a light that they do not have
    }
  });
  other.addEventListener("click", () => void start(camera?.others[0] ?? null, other));
  again.addEventListener("click", () => void start(null, again));
  document.addEventListener("visibilitychange", hide);
  void start(null, null);
  return {
    content,
    leave: () => {
      document.removeEventListener("visibilitychange", hide);
      clearTimeout(saying);
      stop();
    },
  };
}
