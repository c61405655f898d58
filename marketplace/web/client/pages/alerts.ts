/** Being told of an outbid when one looks elsewhere: a sound, and a title that flashes. Both are off until switched on. */
import { type AlertKind, alertsOn, keepAlerts } from "./alert-settings.js";
import { t } from "./text.js";

/** The page's alerts. */
export interface Alerts {
  /** I was outbid. */
  outbid(): void;
  /** I lead again, or it is over. */
  quiet(): void;
}

/** Alerts as somebody has switched them on in `settings`, a part with a checkbox `data-alert` for each kind. */
export function alertsOf(settings: HTMLElement): Alerts {
  const on = alertsOn();
  // Few have it on: the others need not load it.
  const sound = () => import("./sound.js");
  const title = flashingTitle();
  if (on.has("sound")) void sound().then(({ unlockAtFirstTouch }) => unlockAtFirstTouch());
  for (const box of settings.querySelectorAll<HTMLInputElement>("[data-alert]")) {
    const kind = box.dataset.alert as AlertKind;
    box.checked = on.has(kind);
    // They do nothing without what is here.
    box.disabled = false;
    box.addEventListener("change", () => {
      if (box.checked) on.add(kind);
      else on.delete(kind);
      keepAlerts(on);
      // To hear what was switched on.
      if (kind === "sound" && box.checked) void sound().then(({ unlock, ring }) => ring(unlock()));
    });
  }
  return {
    outbid() {
      if (on.has("sound")) void sound().then(({ ring }) => ring());
      if (on.has("title")) title.start(t("Outbid!"));
    },
    quiet: () => title.stop(),
  };
}

const FLASH_MS = 1_000;
/** A title does not flash for ever, in milliseconds. */
const FLASHES_FOR_MS = 60_000;

/** A title that takes turns with a word, until somebody looks. */
function flashingTitle(): { start(word: string): void; stop(): void } {
  const title = document.title;
  let timer = 0;
  let until = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    document.title = title;
  };
  // Whoever comes back, or touches the page, has seen it.
  for (const event of ["focus", "pointerdown", "keydown"]) window.addEventListener(event, () => timer && stop());
  return {
    stop,
    start(word) {
      until = Date.now() + FLASHES_FOR_MS;
      if (timer) return;
      document.title = word;
      timer = window.setInterval(() => {
        if (Date.now() > until) return stop();
        document.title = document.title === title ? word : title;
      }, FLASH_MS);
    },
  };
}
