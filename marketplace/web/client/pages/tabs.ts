/** Tabs that a phone scrolls sideways. */

/** Brings the tab of this page into view. */
export function showCurrentTab(): void {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}
