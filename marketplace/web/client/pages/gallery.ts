/** The pictures: a row that snaps, and small ones that lead to each. Without script the small ones are anchors. */

/** Makes the small pictures move the row alone, not the page, and mark the one that is seen. */
export function showGallery(root: HTMLElement): void {
  const thumbs = [...root.querySelectorAll<HTMLAnchorElement>("[data-thumbs] a")];
  const targets = new Map(thumbs.map((thumb) => [document.getElementById(thumb.hash.slice(1)), thumb]));
  const row = targets.keys().next().value?.parentElement;
  if (!row) return;
  for (const [target, thumb] of targets) {
    thumb.addEventListener("click", (event) => {
      event.preventDefault();
      target?.scrollIntoView({ block: "nearest", inline: "center" });
    });
  }
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const thumb = targets.get(target as HTMLElement);
        if (isIntersecting) thumb?.setAttribute("aria-current", "true");
        else thumb?.removeAttribute("aria-current");
      }
    },
    { root: row, threshold: 0.6 },
  );
  for (const target of targets.keys()) if (target) seen.observe(target);
}
