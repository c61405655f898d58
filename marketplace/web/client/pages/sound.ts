/** The sound of being outbid: two short tones, made here, so that there is no file to load. */

/** Hertz, and seconds after the first begins. */
const TONES = [
  [880, 0],
  [660, 0.16],
] as const;
const TONE_SECONDS = 0.14;
const LOUDNESS = 0.12;

let audio: AudioContext | null = null;

/** Browsers let a page sound only after somebody has touched it: to be called then. */
export function unlock(): AudioContext {
  audio ??= new AudioContext();
  void audio.resume();
  return audio;
}

/** Be ready as soon as that is allowed. */
export function unlockAtFirstTouch(): void {
  // On an iPhone only a touch that has ended counts, or a click.
  for (const touch of ["pointerdown", "touchend", "click", "keydown"]) document.addEventListener(touch, unlock, { once: true });
}

/** Sounds, if it may. */
export function ring(context: AudioContext | null = audio): void {
  if (context) for (const [hertz, after] of TONES) sound(context, hertz, context.currentTime + after);
}

function sound(context: AudioContext, frequency: number, start: number): void {
  const tone = new OscillatorNode(context, { frequency });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.01);
  volume.gain.linearRampToValueAtTime(0, start + TONE_SECONDS);
  tone.connect(volume).connect(context.destination);
  tone.start(start);
  tone.stop(start + TONE_SECONDS);
}
