/** Being told of an outbid when one looks elsewhere: a sound, and a title that flashes. Both are off until switched on. */
import { t } from "./text.js";

const STORED_AS = "marketplace.alerts";
/** Two short tones, falling: hertz, and seconds after the first begins. */
const TONES = [
  [880, 0],
  [660, 0.16],
] as const;
const TONE_SECONDS = 0.14;
const LOUDNESS = 0.12;
const FLASH_MS = 1_000;
/** A title does not flash for ever, in milliseconds. */
const FLASHES_FOR_MS = 60_000;

type Kind = "sound" | "title";

/** The page's alerts. */
export interface Alerts {
  /** I was outbid. */
  outbid(): void;
  /** I lead again, or it is over. */
  quiet(): void;
}

/** Alerts as somebody has switched them on in `settings`, a part with a checkbox `data-alert` for each kind. */
export function alertsOf(settings: HTMLElement): Alerts {
  const on = stored();
  const title = flashingTitle();
  let audio: AudioContext | null = null;
  const ready = () => {
    audio ??= new AudioContext();
    void audio.resume();
    return audio;
  };
  // Browsers let a page sound only after somebody has touched it.
  const unlock = () => on.has("sound") && ready();
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, unlock, { once: true });

  for (const box of settings.querySelectorAll<HTMLInputElement>("[data-alert]")) {
    const kind = box.dataset.alert as Kind;
    box.checked = on.has(kind);
    box.addEventListener("change", () => {
      if (box.checked) on.add(kind);
      else on.delete(kind);
      store(on);
      // To hear what was switched on.
      if (kind === "sound" && box.checked) ring(ready());
    });
  }
  return {
    outbid() {
      if (on.has("sound") && audio) ring(audio);
      if (on.has("title")) title.start(t("Outbid!"));
    },
    quiet: () => title.stop(),
  };
}

function ring(audio: AudioContext): void {
  for (const [hertz, after] of TONES) {
    const start = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.01);
    volume.gain.linearRampToValueAtTime(0, start + TONE_SECONDS);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + TONE_SECONDS);
  }
}

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
  // Whoever comes back has seen it.
  window.addEventListener("focus", stop);
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

function stored(): Set<Kind> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? "[]");
    return new Set(Array.isArray(found) ? (found.filter((kind) => kind === "sound" || kind === "title") as Kind[]) : []);
  } catch {
    return new Set();
  }
}

function store(kinds: ReadonlySet<Kind>): void {
  try {
    localStorage.setItem(STORED_AS, JSON.stringify([...kinds]));
  } catch {
    // Forbidden or full: then it lasts as long as the page.
  }
}
