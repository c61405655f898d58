/** What is offered to me at second chance (`_offer.html`). */
import { keepFocus, put } from "./dom.js";
import { t } from "./text.js";

/** An offer whose time is over cannot be accepted any more. */
export function closeLateOffers(root: ParentNode, now: number): void {
  for (const offer of root.querySelectorAll<HTMLElement>("[data-offered]:not([data-over])")) {
    if (Date.parse(offer.dataset.expires ?? "") > now) continue;
    offer.dataset.over = "";
    keepFocus(offer, () => offer.querySelector(".actions")?.remove());
    put(offer, "[data-until]", t("The offer is over."));
  }
}
