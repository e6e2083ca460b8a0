/** Why there is no picture of the camera. */
export type CameraProblem = "insecure" | "denied" | "missing" | "busy";

/** A running camera. */
export interface Camera {
  readonly stream: MediaStream;
  /** The `deviceId` of the other cameras. */
  readonly others: readonly string[];
  /** Whether it has a light that can be switched on. */
  readonly hasTorch: boolean;
  setTorch(on: boolean): Promise<void>;
  stop(): void;
}

/**
 * Starts a camera.
 *
 * @param deviceId which one; null: one at the back, if there is one.
 * @param onEnd is called when the camera gives no more pictures, for example because another app takes it.
 * @throws CameraError
 */
export async function startCamera(deviceId: string | null, onEnd: () => void): Promise<Camera> {
  if (!isSecureContext || navigator.mediaDevices === undefined) throw new CameraError("insecure");
  const place = deviceId === null ? { facingMode: { ideal: "environment" } } : { deviceId: { exact: deviceId } };
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...place, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
  } catch (error) {
    throw new CameraError(problemOf(error));
  }
  const track = stream.getVideoTracks()[0];
  track.addEventListener("ended", onEnd);
  track.addEventListener("mute", onEnd);
  const used = track.getSettings().deviceId;
  // Labels and identifiers are complete only after the user has allowed the camera.
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const cameras = devices.filter(({ kind }) => kind === "videoinput").map((device) => device.deviceId);
  // TypeScript does not know this capability, which Chromium on Android has.
  const capabilities = (track.getCapabilities?.() ?? {}) as { torch?: boolean };
  return {
    stream,
    // In a fixed order, so that the button goes through all of them.
    others: [...cameras.slice(cameras.indexOf(used ?? "") + 1), ...cameras].filter((id) => id !== used && id !== ""),
    hasTorch: capabilities.torch === true,
    setTorch: (on) => track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] }),
    stop: () => stream.getTracks().forEach((each) => each.stop()),
  };
}

/** A camera that could not be started. */
export class CameraError extends Error {
  constructor(readonly problem: CameraProblem) {
    super(problem);
  }
}

/**
 * What an error of `getUserMedia` means.
 *
 * @example
 * problemOf(new DOMException("", "NotAllowedError")) // "denied"
 */
export function problemOf(error: unknown): CameraProblem {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return "busy";
}
